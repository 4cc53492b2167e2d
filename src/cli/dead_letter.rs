//! `weir dead-letter`: records that could not be read, mapped or written, and what becomes of them.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use weir_domain::{LetterId, LetterState, StageId, StreamId, Timestamp, WorkflowName};
use weir_http_api::{
    LIMIT_MAX, LetterCountsView, LetterView, LettersChosen, LettersQuery, OpenReplayView, Page,
    ReplayCancel, ReplaysView,
};
use weir_http_client::{Client, Error};

use super::args::{Once, TokenArgs};
use super::audit::moment;
use super::exit::Reason;
use super::failure::Failure;
use super::human::{self, plain, plural};
use super::listing::collected;
use super::look::{Look, Tone};
use super::output::Output;
use super::table::{self, Column, Rows, facts};
use super::workflow::with_near_name;

use Column::{Number, Text};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the kept dead letters of a workflow, the newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Say how many there are, by stage and by what their reasons have in common
    Counts { workflow: WorkflowName },
    /// Show one letter with its record
    Show {
        workflow: WorkflowName,
        id: LetterId,
        /// With the values of secrets that stand in its record
        #[arg(long)]
        reveal: bool,
    },
    /// Write letters to standard output, each as a line of JSON
    Export(Choice),
    /// Put letters through the workflow as it is deployed now, each once
    Replay(Command),
    /// Say that nothing is to become of letters
    Discard(Command),
    /// List replays that have not ended, with what they wait for
    Replays { workflow: WorkflowName },
    /// End a replay, also one that nothing runs: its letters wait again
    Cancel(Cancel),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    choice: Choice,
    /// Most letters to list
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Choice {
    workflow: WorkflowName,
    #[command(flatten)]
    which: Which,
    /// Only letters that stand here
    #[arg(long, value_parser = states())]
    state: Option<LetterState>,
    /// With the values of secrets that stand in records
    #[arg(long)]
    reveal: bool,
}

#[derive(Debug, Args)]
struct Which {
    /// Only letters that this stage left
    #[arg(long, value_name = "NAME")]
    stage: Option<StageId>,
    /// Only letters of this stream
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Only letters in whose reason this stands
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only letters of that time or later, as 2026-11-20T18:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only letters before that time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct Command {
    workflow: WorkflowName,
    /// These letters and no others
    #[arg(value_name = "ID")]
    ids: Vec<LetterId>,
    #[command(flatten)]
    which: Which,
    /// All letters that wait
    #[arg(long, conflicts_with_all = ["ids", "stage", "stream", "reason", "since", "until"],
        required_unless_present_any = ["ids", "stage", "stream", "reason", "since", "until"])]
    all: bool,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    workflow: WorkflowName,
    /// As `weir dead-letter replays` names it: `replay-…`
    replay: String,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

fn states() -> impl TypedValueParser<Value = LetterState> {
    let words = PossibleValuesParser::new(LetterState::ALL.map(LetterState::as_str));
    words.try_map(|word| {
        LetterState::ALL.into_iter().find(|it| it.as_str() == word).ok_or("not a state")
    })
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List(List { choice, limit }) => {
                let page = choice.page(client, limit).await?;
                out.show(&page, list)?;
                if page.next_cursor.is_some() && out.terminal {
                    let count = page.items.len();
                    out.note(&format!("these are the newest {count}; --limit N lists more"));
                }
            }
            Self::Show { workflow, id, reveal } => {
                show(&workflow, (id, reveal), client, out).await?;
            }
            Self::Counts { workflow } => counts(&workflow, client, out).await?,
            Self::Export(choice) => choice.export(client, out).await?,
            Self::Replay(args) => args.run(true, client, out).await?,
            Self::Discard(args) => args.run(false, client, out).await?,
            Self::Replays { workflow } => match client.replays(workflow.as_str()).await {
                Ok(page) => out.show(&page, replays)?,
                Err(error) => {
                    return Err(refused("can't list replays", client, &workflow, error).await);
                }
            },
            Self::Cancel(args) => args.run(client, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Choice {
    fn query(&self) -> LettersQuery {
        let Which { stage, stream, reason, since, until } = &self.which;
        LettersQuery {
            stage: stage.clone(),
            stream: *stream,
            reason: reason.clone(),
            since: *since,
            until: *until,
            state: self.state,
            ..LettersQuery::default()
        }
    }

    async fn ask(
        &self,
        client: &Client,
        query: &LettersQuery,
    ) -> Result<Page<LetterView>, Failure> {
        match ask(client, &self.workflow, query, self.reveal).await {
            Ok(page) => Ok(page),
            Err(error) => {
                Err(refused("can't list dead letters", client, &self.workflow, error).await)
            }
        }
    }

    async fn page(&self, client: &Client, limit: u32) -> Result<Page<LetterView>, Failure> {
        collected(Some(limit), async |limit, cursor| {
            self.ask(client, &LettersQuery { limit, cursor, ..self.query() }).await
        })
        .await
    }

    /// Page by page: there may be more than the memory holds.
    async fn export(&self, client: &Client, out: &Output) -> Result<(), Failure> {
        let mut cursor = None;
        loop {
            let query = LettersQuery { limit: Some(LIMIT_MAX), cursor, ..self.query() };
            let page = self.ask(client, &query).await?;
            for letter in &page.items {
                let line = serde_json::to_string(letter).unwrap_or_default();
                out.print(&format!("{line}\n"))?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

async fn counts(workflow: &WorkflowName, client: &Client, out: &Output) -> Result<(), Failure> {
    match client.letter_counts(workflow.as_str()).await {
        Ok(counts) => out.show(&counts, counted),
        Err(error) => {
            let what = format!("can't count dead letters of {workflow}");
            Err(refused(&what, client, workflow, error).await)
        }
    }
}

fn counted(counts: &LetterCountsView, look: &Look) -> String {
    let narrow =
        [Text("STAGE"), Number("LETTERS"), Number("WAITING"), Text("NEWEST"), Text("REASON")];
    let mut rows = Rows::new(look, &narrow, &[]);
    for it in &counts.items {
        rows.add(
            vec![
                table::text(it.stage.as_str()),
                table::count(it.count),
                table::bad_count(it.waiting, Tone::Warn),
                table::text(&human::age(look.now, it.newest_at)),
                table::text(&it.reason),
            ],
            vec![],
        );
    }
    let all = plural(usize::try_from(counts.total).unwrap_or(usize::MAX), "letter");
    let mut text = rows.text() + &format!("\n{all}, {} waiting\n", human::count(counts.waiting));
    if counts.left_out > 0 {
        text += &format!(
            "{} of fewer letters are not shown\n",
            plural(usize::try_from(counts.left_out).unwrap_or(usize::MAX), "group")
        );
    }
    if counts.has_more {
        text += "older letters are not counted yet: ask again\n";
    }
    text
}

async fn ask(
    client: &Client,
    workflow: &WorkflowName,
    query: &LettersQuery,
    reveal: bool,
) -> Result<Page<LetterView>, Error> {
    match reveal {
        true => client.letters_reveal(workflow.as_str(), query).await,
        false => client.letters(workflow.as_str(), query).await,
    }
}

async fn show(
    workflow: &WorkflowName,
    (id, reveal): (LetterId, bool),
    client: &Client,
    out: &Output,
) -> Result<(), Failure> {
    let what = format!("can't show dead letter {id}");
    let query = LettersQuery { id: Some(id.clone()), ..LettersQuery::default() };
    let found = match ask(client, workflow, &query, reveal).await {
        Ok(page) => page.items.into_iter().next(),
        Err(error) => return Err(refused(&what, client, workflow, error).await),
    };
    let Some(letter) = found else {
        let why = format!("no letter {id} of {workflow} is kept");
        let hint = format!("weir dead-letter list {workflow}");
        return Err(Failure::new(Reason::Unknown, what, why).with_hint(hint));
    };
    out.show(&letter, one)
}

impl Command {
    async fn run(self, is_replay: bool, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { workflow, ids, which, all: _, dry_run, once, token } = self;
        let Which { stage, stream, reason, since, until } = which;
        let chosen = LettersChosen { ids, stage, stream, reason, since, until, dry_run };
        let client = once.client(&token.client(client)?);
        let (name, verb) = (workflow.as_str(), if is_replay { "replay" } else { "discard" });
        let done = match is_replay {
            true => client.letters_replay(name, &chosen).await,
            false => client.letters_discard(name, &chosen).await,
        };
        match done {
            Ok(done) => out.show(&done, |it, look| told(verb, it, look)),
            Err(error) => {
                let what = format!("can't {verb} dead letters of {workflow}");
                Err(refused(&what, &client, &workflow, error).await)
            }
        }
    }
}

impl Cancel {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { workflow, replay, once, token } = self;
        let client = once.client(&token.client(client)?);
        let cancel = ReplayCancel { replay: replay.clone() };
        match client.replay_cancel(workflow.as_str(), &cancel).await {
            Ok(ended) => out.show(&ended, |it, _| cancelled(&workflow, &replay, it.as_ref())),
            Err(error) => {
                let what = format!("can't cancel {replay}");
                Err(refused(&what, &client, &workflow, error).await)
            }
        }
    }
}

fn cancelled(workflow: &WorkflowName, replay: &str, it: Option<&OpenReplayView>) -> String {
    let Some(it) = it else { return format!("{} has ended before\n", plain(replay)) };
    let letters = plural(usize::try_from(it.letters).unwrap_or(usize::MAX), "letter");
    let stage = &it.stage;
    format!(
        "{}: ended; {letters} of stage {stage} wait again\n\
         to be rid of them: weir dead-letter discard {workflow} --stage {stage}\n",
        it.item
    )
}

fn replays(open: &Page<OpenReplayView>, look: &Look) -> String {
    let narrow = [
        Text("REPLAY"),
        Text("STATE"),
        Text("STAGE"),
        Number("LETTERS"),
        Text("NODE"),
        Text("AGE"),
        Text("WAITS FOR"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Text("STREAM"), Text("BY")]);
    for it in &open.items {
        rows.add(
            vec![
                table::text(&it.item),
                table::text(it.state.as_str()),
                table::text(it.stage.as_str()),
                table::text(&it.letters.to_string()),
                table::text(it.node.as_deref().unwrap_or("-")),
                table::text(&human::age(look.now, it.at)),
                table::text(it.fault.as_ref().map_or("", |it| &it.message)),
            ],
            vec![
                table::text(&it.stream.map_or_else(|| "-".into(), |it| it.to_string())),
                table::text(&it.by),
            ],
        );
    }
    rows.text()
}

async fn refused(what: &str, client: &Client, workflow: &WorkflowName, error: Error) -> Failure {
    let failure = Failure::of_client(what, error);
    with_near_name(failure, client, workflow.as_str(), "weir workflow show ").await
}

fn list(letters: &Page<LetterView>, look: &Look) -> String {
    let narrow = [
        Text("ID"),
        Text("STATE"),
        Text("STAGE"),
        Text("ITEM"),
        Number("POSITION"),
        Number("ATTEMPT"),
        Text("AGE"),
        Text("REASON"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Text("REPLAY")]);
    for it in &letters.items {
        rows.add(
            vec![
                table::text(&it.id.to_string()),
                table::text(it.state.as_str()),
                table::text(it.stage.as_str()),
                table::text(&it.item),
                table::text(&it.position.to_string()),
                table::text(&it.attempt.to_string()),
                table::text(&human::age(look.now, it.at)),
                table::text(&it.reason),
            ],
            vec![table::text(it.replay.as_deref().unwrap_or("-"))],
        );
    }
    rows.text()
}

fn one(it: &LetterView, _: &Look) -> String {
    let place = match (it.line, it.offset) {
        (Some(line), _) => format!("record {}, line {line}", it.position),
        (None, Some(offset)) => format!("record {}, byte {offset}", it.position),
        (None, None) => format!("record {}", it.position),
    };
    let mut lines = vec![
        ("letter", it.id.to_string()),
        ("state", it.state.to_string()),
        ("left", it.at.to_string()),
        ("stage", it.stage.to_string()),
        ("item", format!("{}, {place}", plain(&it.item))),
        ("why", plain(&it.reason)),
        ("attempt", it.attempt.to_string()),
    ];
    lines.extend(it.replay.as_ref().map(|it| ("replay", plain(it))));
    lines.extend(it.raw.as_ref().map(|it| ("record", plain(it))));
    lines.extend(it.raw_base64.as_ref().map(|it| ("bytes", plain(it))));
    if it.is_masked {
        lines.push(("masked", "values of secrets stand in it: --reveal shows them".into()));
    }
    if it.is_cut {
        lines.push(("cut", "only its beginning is kept: it can't be replayed".into()));
    }
    facts(&lines)
}

fn told(verb: &str, it: &ReplaysView, look: &Look) -> String {
    let letters = |n: u64| plural(usize::try_from(n).unwrap_or(usize::MAX), "letter");
    let mut text = String::new();
    for replay in &it.replays {
        let of = format!("{} of stage {}", letters(replay.letters), replay.stage);
        match it.dry_run {
            true => text += &format!("{of}\n"),
            false => text += &format!("{}: {of}\n", replay.item),
        }
    }
    let mut aside = |n: u64, why: &str| {
        if n > 0 {
            let line = format!("{} left alone: {why}", letters(n));
            text += &format!("{}\n", look.paint(Tone::Warn, &line));
        }
    };
    aside(it.not_waiting, "replayed, being replayed or discarded");
    aside(it.cut, "only the beginning is kept");
    if it.not_waiting > 0 && it.letters == 0 {
        text += "weir dead-letter replays shows what is being replayed, and cancel ends it\n";
    }
    if it.has_more {
        text += "there are more than one request takes: send it again for the rest\n";
    }
    let done = match (it.dry_run, verb) {
        (true, _) => format!("would be {verb}ed"),
        (false, "replay") => "to be replayed".to_owned(),
        (false, _) => format!("{verb}ed"),
    };
    format!("{text}{} {done}\n", letters(it.letters))
}

#[cfg(test)]
mod tests {
    use weir_http_api::ReplayView;

    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn letters_by_stage_and_reason() {
        let group = weir_http_api::LetterGroupView {
            stage: StageId::new("derive").expect("a name"),
            reason: "field … is no number".into(),
            needle: "is no number".into(),
            count: 1_234,
            waiting: 3,
            newest_at: crate::cli::samples::ago(75),
        };
        let (items, waiting) = (vec![group], 5);
        let counts = LetterCountsView { items, total: 1_236, waiting, left_out: 1, has_more: true };
        let text = counted(&counts, &LOOK);
        assert!(text.contains("derive") && text.contains("field … is no number"), "{text}");
        assert!(text.contains("letters, 5 waiting\n1 group of fewer letters"), "{text}");
        assert!(text.ends_with("ask again\n"), "{text}");
    }

    #[test]
    fn what_is_replayed_and_what_is_left_alone() {
        let stage = StageId::new("derive").expect("a name");
        let replay = ReplayView { item: "replay-1.derive".into(), stage, letters: 2 };
        let mut it = ReplaysView {
            replays: vec![replay],
            letters: 2,
            not_waiting: 1,
            cut: 0,
            has_more: false,
            dry_run: false,
        };
        assert_eq!(
            told("replay", &it, &LOOK),
            "replay-1.derive: 2 letters of stage derive\n\
             1 letter left alone: replayed, being replayed or discarded\n\
             2 letters to be replayed\n"
        );
        it.dry_run = true;
        assert!(told("discard", &it, &LOOK).ends_with("2 letters would be discarded\n"));
    }
}
