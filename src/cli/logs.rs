//! `weir logs`: what engines and configuration servers log, as far as they remember, and as it is logged.
//!
//! Who follows is brought back where the connection breaks off, and reads no line twice: a line is known by its
//! node, the life of its process, and its number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args};
use tokio::time::sleep;
use weir_domain::{Code, NodeName, StageId, StreamId, Timestamp, WorkflowName};
use weir_http_api::{
    LIMIT_MAX, LogEntry, LogLevel, LogPage, LogTail, LogTailEnd, LogTailQuery, LogsQuery,
};
use weir_http_client::{self as client, Client, LogsOf};

use super::args::Global;
use super::audit::moment;
use super::failure::Failure;
use super::human::plain;
use super::look::{Look, Tone};
use super::output::Output;
use super::watch::line;

/// How long to wait before a connection is tried again: longer each time.
const AGAIN: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// Who comes back asks for what was logged so long before the newest line that it has: engines' clocks differ.
const OVERLAP: i64 = 60_000;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").args(["node", "config_server"]))]
pub(crate) struct Logs {
    /// Go on with what is logged, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only lines of this level, or that matter more
    #[arg(long, value_parser = levels())]
    level: Option<LogLevel>,
    /// Only lines about this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<WorkflowName>,
    /// Only lines about this stage
    #[arg(long, value_name = "STAGE")]
    stage: Option<StageId>,
    /// Only lines about this stream
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Only lines of this node, instead of all nodes of the cluster
    #[arg(long, value_name = "NAME")]
    node: Option<NodeName>,
    /// Of the configuration server itself, instead of engines
    #[arg(long)]
    config_server: bool,
    /// Only lines with this text, whatever the case of its letters
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only lines with this code, as WEIR-03011
    #[arg(long, value_name = "CODE", value_parser = code)]
    code: Option<Code>,
    /// Only lines since then, as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Begin with so many lines
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(0..=10_000))]
    tail: u32,
}

fn levels() -> impl TypedValueParser<Value = LogLevel> {
    let words = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::as_str));
    words.try_map(|it| {
        LogLevel::ALL.into_iter().find(|level| level.as_str() == it).ok_or("not a level")
    })
}

fn code(text: &str) -> Result<Code, String> {
    serde_json::from_value(text.into()).map_err(|it| it.to_string())
}

impl Logs {
    pub(crate) async fn run(self, global: &Global, out: &Output) -> Result<ExitCode, Failure> {
        let (client, of) = match self.config_server {
            true => (global.design()?, LogsOf::Server),
            false => (global.client()?, LogsOf::Engines),
        };
        match self.follow {
            true => {
                tokio::select! {
                    done = self.follow(&client, of, out) => done?,
                    _ = tokio::signal::ctrl_c() => {}
                }
            }
            false => self.list(&client, of, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The newest lines, the oldest of them first.
    async fn list(&self, client: &Client, of: LogsOf, out: &Output) -> Result<(), Failure> {
        let mut lines = Vec::new();
        let mut query = self.query();
        while lines.len() < self.tail as usize {
            let missing = self.tail - u32::try_from(lines.len()).unwrap_or(self.tail);
            query.limit = Some(missing.min(LIMIT_MAX));
            let page = client.logs(of, &query).await.map_err(unread)?;
            let LogPage { items, next_cursor, unreached } = page;
            if query.cursor.is_none() {
                for it in unreached {
                    out.note(&format!("{} is not among them: {}", it.node, plain(&it.why)));
                }
            }
            lines.extend(items);
            query.cursor = next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        lines.iter().rev().try_for_each(|it| show(out, it))
    }

    async fn follow(&self, client: &Client, of: LogsOf, out: &Output) -> Result<(), Failure> {
        let (mut seen, mut attempts) = (Seen::default(), 0);
        loop {
            let query = self.tail_query(&seen);
            let why = match client.follow_logs(of, &query).await {
                Ok(mut follower) => {
                    if attempts > 0 {
                        out.note("followed again");
                    }
                    attempts = 0;
                    loop {
                        match follower.next().await {
                            Ok(Some(LogTail::Ended { why: LogTailEnd::Barred })) => {
                                break "the session ended, or the right to see this".to_owned();
                            }
                            Ok(Some(LogTail::Ended { why: LogTailEnd::Closing })) | Ok(None) => {
                                break "the server ended it".to_owned();
                            }
                            Ok(Some(told)) => tell(told, &mut seen, out)?,
                            Err(error) => break error.to_string(),
                        }
                    }
                }
                Err(error) if is_passing(&error) && (attempts > 0 || seen.newest.is_some()) => {
                    error.to_string()
                }
                Err(error) => return Err(unread(error)),
            };
            if attempts == 0 {
                out.note(&format!("{}; trying again", plain(&why)));
            }
            sleep(AGAIN[attempts.min(AGAIN.len() - 1)]).await;
            attempts += 1;
        }
    }

    fn query(&self) -> LogsQuery {
        LogsQuery {
            level: self.level,
            workflow: self.workflow.clone(),
            stage: self.stage.clone(),
            stream: self.stream,
            node: self.node.clone(),
            code: self.code,
            text: self.grep.clone(),
            since: self.since,
            ..LogsQuery::default()
        }
    }

    fn tail_query(&self, seen: &Seen) -> LogTailQuery {
        let again = seen.newest.map(|it| Timestamp(it.0.saturating_sub(OVERLAP)));
        let (since, tail) = match again {
            Some(again) => {
                (Some(self.since.map_or(again, |it| it.max(again))), LogTailQuery::TAIL_MAX)
            }
            None => (self.since, self.tail.min(LogTailQuery::TAIL_MAX)),
        };
        let LogsQuery { level, workflow, stage, stream, node, code, text, .. } = self.query();
        LogTailQuery { level, workflow, stage, stream, node, code, text, since, tail: Some(tail) }
    }
}

/// Whether it may be better soon.
fn is_passing(error: &client::Error) -> bool {
    use client::Error::{Interrupted, Problem, Unreachable};
    match error {
        Unreachable { .. } | Interrupted { .. } => true,
        // A node that begins again is none for a while.
        Problem(it) => it.status >= 500 || it.status == 429 || it.status == 404,
        _ => false,
    }
}

fn unread(error: client::Error) -> Failure {
    Failure::of_client("can't read the log", error)
}

/// What was shown already.
#[derive(Default)]
struct Seen {
    /// The greatest number of each life of each node.
    numbers: BTreeMap<(Option<NodeName>, String), u64>,
    newest: Option<Timestamp>,
}

impl Seen {
    /// Those of these lines that are new.
    fn new_of(&mut self, lines: Vec<LogEntry>) -> Vec<LogEntry> {
        let whose = |it: &LogEntry| (it.node.clone(), it.life.clone());
        let is_new =
            |it: &LogEntry| self.numbers.get(&whose(it)).is_none_or(|seen| it.number > *seen);
        let new: Vec<_> = lines.into_iter().filter(is_new).collect();
        for it in &new {
            let seen = self.numbers.entry(whose(it)).or_default();
            *seen = it.number.max(*seen);
            self.newest = self.newest.max(Some(it.at));
        }
        new
    }
}

fn tell(told: LogTail, seen: &mut Seen, out: &Output) -> Result<(), Failure> {
    let named = |node: Option<NodeName>| node.map_or_else(String::new, |it| format!("{it}: "));
    match told {
        LogTail::Lines { lines } => {
            return seen.new_of(lines).iter().try_for_each(|it| show(out, it));
        }
        LogTail::Missed { node, count } => {
            let node = named(node);
            out.note(&format!("{node}{count} lines were forgotten before they could be read"));
        }
        LogTail::Lost { node, why } => {
            out.note(&format!(
                "{node} gives no answer: {}; its lines follow when it does",
                plain(&why)
            ));
        }
        LogTail::Followed { node } => out.note(&format!("{}followed", named(node))),
        LogTail::Ended { .. } => {}
    }
    Ok(())
}

fn show(out: &Output, entry: &LogEntry) -> Result<(), Failure> {
    out.print(&line(out, entry, text)?)
}

/// As an engine writes it, with its node.
fn text(it: &LogEntry, look: &Look) -> String {
    let level = format!("{:<5}", it.level.as_str().to_uppercase());
    let level = match it.level {
        LogLevel::Error => look.paint(Tone::Bad, &level),
        LogLevel::Warn => look.paint(Tone::Warn, &level),
        LogLevel::Info => look.paint(Tone::Good, &level),
        LogLevel::Debug | LogLevel::Trace => look.paint(Tone::Quiet, &level),
    };
    let node = it.node.as_ref().map_or_else(String::new, |it| format!("{it} "));
    let code = it.code.map_or_else(String::new, |it| format!("[{it}] "));
    let mut rest = String::new();
    let places = [
        ("project", &it.project),
        ("workflow", &it.workflow),
        ("stage", &it.stage),
        ("stream", &it.stream),
    ];
    let fields = it.fields.iter().map(|it| (it.name.as_str(), it.value.as_str()));
    let places = places.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    for (name, value) in places.chain(fields) {
        // Writing to a String can't fail.
        let _ = write!(rest, " {name}={}", plain(value));
    }
    let rest = look.paint(Tone::Quiet, &rest);
    let who = look.paint(Tone::Quiet, &format!("{node}{}", short(&it.target)));
    format!("{} {level} {who} {code}{}{rest}\n", it.at, plain(&it.message))
}

/// The room that speaks.
fn short(target: &str) -> &str {
    let first = target.split("::").next().unwrap_or(target);
    first.strip_prefix("weir_").unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use weir_http_api::LogField;

    use super::*;

    fn entry(life: &str, number: u64) -> LogEntry {
        LogEntry {
            number,
            at: Timestamp(1_000),
            level: LogLevel::Info,
            code: Some(Code(3_011)),
            target: "weir_stream::report".into(),
            message: "committed\na.csv".into(),
            fields: vec![LogField { name: "records".into(), value: "3".into() }],
            node: NodeName::new("node-1").ok(),
            life: life.into(),
            project: None,
            workflow: Some("flights".into()),
            stage: None,
            stream: None,
            trace: None,
        }
    }

    #[test]
    fn a_line_looks_as_the_engine_wrote_it() {
        let look = Look { wide: false, color: false, now: Timestamp(0) };
        assert_eq!(
            text(&entry("a", 1), &look),
            "1970-01-01T00:00:01.000Z INFO  node-1 stream [WEIR-03011] committed·a.csv workflow=flights records=3\n"
        );
    }

    #[test]
    fn no_line_is_shown_twice() {
        let mut seen = Seen::default();
        let mut numbers = |life: &str, numbers: &[u64]| {
            let lines = numbers.iter().map(|it| entry(life, *it)).collect();
            seen.new_of(lines).iter().map(|it| it.number).collect::<Vec<_>>()
        };
        // Lines of the same moment may be told in another order.
        assert_eq!(numbers("a", &[2, 1, 3]), [2, 1, 3]);
        assert_eq!(numbers("a", &[1, 2, 3, 4]), [4]);
        assert_eq!(numbers("b", &[1, 2]), [1, 2]);
    }
}
