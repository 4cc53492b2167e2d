//! `weir alarm`: what is wrong in a cluster, what was, and saying that one has seen it.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use weir_domain::{AlarmId, AlarmSeverity};
use weir_http_api::{
    AlarmCountsView, AlarmState, AlarmView, AlarmsConfirm, AlarmsConfirmed, AlarmsQuery,
    AlarmsView, AlarmsWanted, LIMIT_MAX,
};
use weir_http_client::Client;

use super::args::Once;
use super::exit::Exit;
use super::failure::Failure;
use super::human::{age, plain, plural, relative};
use super::look::{Look, Status, Tone};
use super::output::Output;
use super::table::{self, Column, Rows, facts};
use super::watch::watched;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List alarms: those that stand, the worst first, or those that have ended
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one alarm, with what to do
    Show { id: AlarmId },
    /// Say that you have seen alarms: they stand until what they are about is well again
    Confirm(Confirm),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Which of them
    #[arg(long, default_value = "standing", value_parser = states())]
    state: AlarmsWanted,
    /// Only alarms that are so bad, several with commas
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',', value_parser = severities())]
    severity: Vec<AlarmSeverity>,
    /// Only alarms about the node, workflow or controller of this name
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Most alarms to list
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on showing what changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// Their numbers, as `weir alarm list` shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<AlarmId>,
    /// All that nobody has confirmed, those that have ended too
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// What others are to know
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    once: Once,
}

fn states() -> impl TypedValueParser<Value = AlarmsWanted> {
    let words = PossibleValuesParser::new(AlarmsWanted::ALL.map(AlarmsWanted::as_str));
    words.try_map(|it| {
        AlarmsWanted::ALL.into_iter().find(|state| state.as_str() == it).ok_or("not a state")
    })
}

fn severities() -> impl TypedValueParser<Value = AlarmSeverity> {
    let words = PossibleValuesParser::new(AlarmSeverity::ALL.map(AlarmSeverity::as_str));
    words.try_map(|it| {
        AlarmSeverity::ALL.into_iter().find(|known| known.as_str() == it).ok_or("not a severity")
    })
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List(args) => args.run(client, out).await?,
            Self::Show { id } => {
                let alarm = client.alarm(&id.to_string()).await;
                let alarm = alarm.map_err(|it| refused(format!("can't show alarm {id}"), it))?;
                out.show(&alarm, show)?;
            }
            Self::Confirm(args) => args.run(client, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        watched(self.watch, out, async || self.ask(client).await, list).await
    }

    /// As many pages as the limit needs, as one.
    async fn ask(&self, client: &Client) -> Result<AlarmsView, Failure> {
        let severity: Vec<_> = self.severity.iter().map(|it| it.as_str()).collect();
        let mut query = AlarmsQuery {
            state: Some(self.state),
            severity: (!severity.is_empty()).then(|| severity.join(",")),
            subject: self.subject.clone(),
            limit: Some(self.limit.min(LIMIT_MAX)),
            cursor: None,
        };
        let mut all = AlarmsView::default();
        loop {
            let page = client.alarms(&query).await;
            let page = page.map_err(|it| refused("can't list alarms", it))?;
            let before = std::mem::take(&mut all.items);
            all = AlarmsView { items: before.into_iter().chain(page.items).collect(), ..page };
            let missing = (self.limit as usize).saturating_sub(all.items.len());
            if missing == 0 || all.next_cursor.is_none() {
                return Ok(all);
            }
            query.limit = u32::try_from(missing).ok().map(|it| it.min(LIMIT_MAX));
            query.cursor.clone_from(&all.next_cursor);
        }
    }
}

impl Confirm {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { ids, all, note, once } = self;
        let command = AlarmsConfirm { ids: (!all).then_some(ids), all, note };
        let confirmed = once.client(client).alarms_confirm(&command).await;
        let confirmed = confirmed.map_err(|it| refused("can't confirm alarms", it))?;
        out.show(&confirmed, done)
    }
}

fn refused(what: impl Into<String>, error: weir_http_client::Error) -> Failure {
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound => failure.with_hint("weir alarm list --state all"),
        _ => failure,
    }
}

fn status(it: &AlarmView) -> Status {
    match (it.state, it.severity) {
        (AlarmState::Ended, _) => Status::new(Tone::Quiet, '✓', "ended"),
        (AlarmState::Standing, _) if it.unknown_since.is_some() => {
            Status::new(Tone::Warn, '?', "unknown")
        }
        (AlarmState::Standing, AlarmSeverity::Error) => Status::new(Tone::Bad, '▲', "error"),
        (AlarmState::Standing, AlarmSeverity::Warning) => Status::new(Tone::Warn, '◆', "warning"),
        (AlarmState::Standing, AlarmSeverity::Info) => Status::new(Tone::Busy, '◇', "info"),
    }
}

fn list(page: &AlarmsView, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [
        Number("ID"),
        Text("STATUS"),
        Text("RAISED"),
        Number("TIMES"),
        Text("CONFIRMED"),
        Text("WHAT IS WRONG"),
    ];
    let wide = [Text("ENDED"), Text("KEY"), Text("CODE"), Text("WHAT TO DO")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &page.items {
        let by = it.confirmation.as_ref().map_or("-", |it| it.by.as_str());
        let ended = it.cleared_at.map_or_else(|| "-".to_owned(), |at| age(look.now, at));
        rows.add(
            vec![
                table::text(&it.id.to_string()),
                table::status(status(it)),
                table::text(&age(look.now, it.raised_at)),
                table::count(it.count),
                table::text(by),
                table::text(&it.message),
            ],
            vec![
                table::text(&ended),
                table::text(&it.key),
                table::text(&it.code.to_string()),
                table::text(it.hint.as_deref().unwrap_or("-")),
            ],
        );
    }
    rows.text() + &tail(page)
}

/// What the rows alone do not say.
fn tail(page: &AlarmsView) -> String {
    let mut text = String::new();
    let AlarmCountsView { standing, ended_unconfirmed: ended, .. } = page.counts;
    let count = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
    if page.items.is_empty() && standing.error + standing.warning + standing.info == 0 {
        text += "no alarm stands\n";
    }
    match ended.error + ended.warning + ended.info {
        0 => {}
        n => {
            let alarms = plural(count(n), "alarm");
            text += &format!(
                "{alarms} ended that nobody has confirmed: weir alarm list --state ended\n"
            );
        }
    }
    if page.looked_at.is_none() {
        text += "the alarm centre has just begun, and has not looked yet\n";
    }
    for it in &page.unjudged {
        text += &format!("not known: {}: {}\n", plain(&it.what), plain(&it.why));
    }
    text
}

fn show(it: &AlarmView, look: &Look) -> String {
    let when = |at| format!("{at} ({})", relative(look.now, at));
    let mut lines = vec![
        ("id", it.id.to_string()),
        ("status", look.paint_status(status(it))),
        ("severity", it.severity.to_string()),
        ("about", format!("{} {}", it.subject.kind, plain(&it.subject.name))),
        ("what", plain(&it.message)),
        ("code", it.code.to_string()),
    ];
    lines.extend(it.hint.as_ref().map(|hint| ("what to do", plain(hint))));
    lines.push(("raised", when(it.raised_at)));
    if it.count > 1 {
        lines.push(("times", format!("{}, last {}", it.count, when(it.last_at))));
    }
    lines.extend(it.unknown_since.map(|at| ("unknown since", when(at))));
    lines.extend(it.cleared_at.map(|at| ("ended", when(at))));
    if let Some(seen) = &it.confirmation {
        lines.push(("confirmed", format!("by {}, {}", seen.by, when(seen.at))));
        lines.extend(seen.note.as_ref().map(|note| ("note", plain(note))));
    }
    facts(&lines)
}

fn done(it: &AlarmsConfirmed, _: &Look) -> String {
    match (it.confirmed.len(), it.already.len()) {
        (0, 0) => "no alarm was left to be confirmed\n".to_owned(),
        (0, n) => format!("{} confirmed before\n", plural(n, "alarm")),
        (n, 0) => format!("{} confirmed\n", plural(n, "alarm")),
        (n, m) => format!("{} confirmed, {m} confirmed before\n", plural(n, "alarm")),
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::{AlarmKind, Code, SubjectKind};
    use weir_http_api::{AlarmSubjectView, BySeverityView, ConfirmationView, UnjudgedView};

    use super::*;
    use crate::cli::samples::{LOOK, WIDE, ago};

    fn alarm() -> AlarmView {
        AlarmView {
            id: AlarmId(17),
            key: "node-unreachable:node-2".into(),
            kind: AlarmKind::NODE_UNREACHABLE,
            severity: AlarmSeverity::Error,
            state: AlarmState::Standing,
            subject: AlarmSubjectView { kind: SubjectKind::NODE, name: "node-2".into() },
            code: Code(6_202),
            message: "node-2 can't be reached: node-1 hears nothing from it".into(),
            hint: Some("look at it".into()),
            raised_at: ago(3_600),
            last_at: ago(3_600),
            count: 1,
            unknown_since: None,
            cleared_at: None,
            confirmation: None,
        }
    }

    fn page() -> AlarmsView {
        let seen = ConfirmationView {
            by: "ada".parse().expect("a name"),
            at: ago(60),
            note: Some("on it".into()),
        };
        let ended = AlarmView {
            id: AlarmId(9),
            state: AlarmState::Ended,
            cleared_at: Some(ago(600)),
            count: 3,
            confirmation: Some(seen),
            ..alarm()
        };
        AlarmsView {
            items: vec![alarm(), ended],
            counts: AlarmCountsView {
                standing: BySeverityView { error: 1, ..BySeverityView::default() },
                ended_unconfirmed: BySeverityView { warning: 2, ..BySeverityView::default() },
                ..AlarmCountsView::default()
            },
            looked_at: Some(ago(1)),
            unjudged: vec![UnjudgedView { what: "schedule".into(), why: "no answer".into() }],
            next_cursor: None,
        }
    }

    #[test]
    fn a_list_says_what_stands_what_ended_and_what_is_not_known() {
        assert_eq!(
            list(&page(), &LOOK),
            "\
ID  STATUS   RAISED  TIMES  CONFIRMED  WHAT IS WRONG
17  ▲ error  1h          1  -          node-2 can't be reached: node-1 hears nothing from it
 9  ✓ ended  1h          3  ada        node-2 can't be reached: node-1 hears nothing from it
2 alarms ended that nobody has confirmed: weir alarm list --state ended
not known: schedule: no answer
"
        );
        let wide = list(&page(), &WIDE);
        assert!(wide.contains("node-unreachable:node-2  WEIR-06202  look at it"), "{wide}");
        let nothing = list(&AlarmsView::default(), &LOOK);
        let last = "no alarm stands\nthe alarm centre has just begun, and has not looked yet\n";
        assert!(nothing.ends_with(last), "{nothing}");
    }

    #[test]
    fn one_alarm_with_who_has_seen_it() {
        let [_, ended] = page().items.try_into().expect("there are two");
        let shown = show(&ended, &LOOK);
        for part in ["status:", "✓ ended", "what to do:", "3, last", "by ada, ", "on it"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let confirmed = AlarmsConfirmed { confirmed: vec![AlarmId(1)], already: vec![AlarmId(2)] };
        assert_eq!(done(&confirmed, &LOOK), "1 alarm confirmed, 1 confirmed before\n");
    }
}
