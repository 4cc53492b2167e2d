//! `weir stream`: what runs and what ran.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use weir_domain::{Millis, StreamId, StreamOrder, StreamState, WorkflowName, parse_duration};
use weir_http_api::{LogLineView, Page, StreamDetail, StreamSummary, StreamsQuery};
use weir_http_client::Client;

use super::exit::Exit;
use super::failure::Failure;
use super::human;
use super::listing::collected;
use super::look::{Look, Tone};
use super::output::Output;
use super::table::{self, Column, Rows, facts};
use super::watch::watched;
use super::workflow::with_near_name;

use Column::{Number, Text};

mod follow;
mod order;
mod sniff;

pub(crate) use sniff::fields;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List streams, newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one stream with its stages and what it published
    Show(Show),
    /// Look at live records that pass a stage
    Sniff(sniff::Sniff),
    /// Print the log of one stream
    Log { id: StreamId },
    /// Let open streams read nothing more until they are resumed
    Pause(order::Selection),
    /// Let paused streams go on
    Resume(order::Selection),
    /// Let open streams finish their attempt, and begin no other one
    Shutdown(order::Selection),
    /// Roll open streams back; their items have failed
    Abort(order::Selection),
    /// Roll open streams back at once, also where a stage hangs
    Terminate(order::Selection),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only streams of this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<WorkflowName>,
    /// Only streams that stand here
    #[arg(long, value_parser = states())]
    state: Option<StreamState>,
    /// Most streams to list
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on showing what changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    id: StreamId,
    /// Print the stream's log, too
    #[arg(long)]
    log: bool,
    /// Wait until the stream is closed; exit with 1 if it was rolled back
    #[arg(short, long)]
    watch: bool,
    /// Wait no longer than this, as 5m
    #[arg(long, value_name = "TIME", requires = "watch", value_parser = parse_duration)]
    timeout: Option<Millis>,
}

fn states() -> impl TypedValueParser<Value = StreamState> {
    let words = PossibleValuesParser::new(StreamState::ALL.map(StreamState::as_str));
    words.try_map(|it| StreamState::stored(&it).ok_or("not a state"))
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List(args) => args.run(client, out).await,
            Self::Show(args) => args.run(client, out).await,
            Self::Sniff(args) => args.run(client, out).await,
            Self::Log { id } => {
                let log = client.stream_log(id).await.map_err(|error| refused(id, error))?;
                out.show(&log, |it, look| lines(&it.lines, look))?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Pause(them) => them.run(StreamOrder::Pause, client, out).await,
            Self::Resume(them) => them.run(StreamOrder::Resume, client, out).await,
            Self::Shutdown(them) => them.run(StreamOrder::Shutdown, client, out).await,
            Self::Abort(them) => them.run(StreamOrder::Abort, client, out).await,
            Self::Terminate(them) => them.run(StreamOrder::Terminate, client, out).await,
        }
    }
}

impl List {
    async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        if self.watch {
            watched(true, out, async || self.ask(client).await, list).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let page = self.ask(client).await?;
        out.show(&page, list)?;
        if page.next_cursor.is_some() && out.terminal {
            out.note(&format!("these are the newest {}; --limit N lists more", page.items.len()));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self, client: &Client) -> Result<Page<StreamSummary>, Failure> {
        let of = |limit, cursor| StreamsQuery {
            workflow: self.workflow.clone(),
            state: self.state,
            limit,
            cursor,
        };
        let all = collected(Some(self.limit), async |limit, cursor| {
            client.streams(&of(limit, cursor)).await
        });
        let all = all.await.map_err(|error| Failure::of_client("can't list streams", error))?;
        if all.items.is_empty() {
            self.refuse_unknown_workflow(client).await?;
        }
        Ok(all)
    }

    /// No streams of a workflow that nobody knows is more likely a slip than an answer.
    async fn refuse_unknown_workflow(&self, client: &Client) -> Result<(), Failure> {
        let Some(name) = &self.workflow else { return Ok(()) };
        let Err(error) = client.workflow(name.as_str()).await else { return Ok(()) };
        let failure = Failure::of_client("can't list streams", error);
        Err(with_near_name(failure, client, name.as_str(), "weir stream list --workflow ").await)
    }
}

/// A stream, with its log where it is asked for.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    stream: StreamDetail,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Vec<LogLineView>>,
}

impl Show {
    async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        let stream = if self.watch {
            follow::until_closed(client, self.id, self.timeout).await?
        } else {
            ask(client, self.id).await?
        };
        let log = if self.log { Some(ask_log(client, self.id).await?) } else { None };
        let is_lost = self.watch && stream.summary.state == StreamState::RolledBack;
        out.show(&Shown { stream, log }, show)?;
        Ok(if is_lost { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

async fn ask(client: &Client, id: StreamId) -> Result<StreamDetail, Failure> {
    client.stream(id).await.map_err(|error| refused(id, error))
}

async fn ask_log(client: &Client, id: StreamId) -> Result<Vec<LogLineView>, Failure> {
    client.stream_log(id).await.map(|it| it.lines).map_err(|error| refused(id, error))
}

fn refused(id: StreamId, error: weir_http_client::Error) -> Failure {
    let failure = Failure::of_client(format!("can't show stream {id}"), error);
    match failure.exit {
        Exit::NotFound => failure.with_hint("weir stream list"),
        _ => failure,
    }
}

fn list(streams: &Page<StreamSummary>, look: &Look) -> String {
    let narrow = [
        Text("ID"),
        Text("WORKFLOW"),
        Text("ITEM"),
        Text("STATE"),
        Number("IN"),
        Number("OUT"),
        Number("DEAD"),
        Text("AGE"),
    ];
    let wide = [
        Text("NODE"),
        Number("INSTANCE"),
        Number("ATTEMPTS"),
        Number("BYTES-IN"),
        Number("BYTES-OUT"),
        Number("IGNORED"),
        Text("TOOK"),
        Text("WHY"),
    ];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &streams.items {
        rows.add(
            vec![
                table::text(&it.id.to_string()),
                table::text(it.workflow.as_str()),
                table::text(&it.item),
                table::status(it.state),
                table::count(it.counts.records_in),
                table::count(it.counts.records_out),
                table::bad_count(it.counts.dead_letters, Tone::Warn),
                table::text(&human::age(look.now, it.opened_at)),
            ],
            vec![
                table::text(&it.node),
                table::count(it.instance.0),
                table::count(it.attempts),
                table::bytes(it.counts.bytes_in),
                table::bytes(it.counts.bytes_out),
                table::count(it.counts.ignored),
                table::text(&took(it, look)),
                table::text(it.fault.as_ref().map_or("", |it| &it.message)),
            ],
        );
    }
    rows.text()
}

/// How long it took, or takes so far.
fn took(it: &StreamSummary, look: &Look) -> String {
    human::duration(it.closed_at.unwrap_or(look.now).since(it.opened_at))
}

fn show(shown: &Shown, look: &Look) -> String {
    let it = &shown.stream.summary;
    let opened = format!("{} ({} ago)", it.opened_at, human::age(look.now, it.opened_at));
    let mut lines = vec![
        ("id", it.id.to_string()),
        ("workflow", it.workflow.to_string()),
        ("item", human::plain(&it.item)),
        ("state", look.paint_status(it.state)),
        ("node", format!("{}, instance {}", human::plain(&it.node), it.instance)),
        ("attempts", it.attempts.to_string()),
        ("opened", opened),
        ("took", took(it, look)),
        ("records", records(it)),
    ];
    let bytes = [it.counts.bytes_in, it.counts.bytes_out].map(human::bytes);
    lines.push(("bytes", format!("{} in, {} out", bytes[0], bytes[1])));
    if let Some(fault) = &it.fault {
        lines.push(("why", look.paint(Tone::Bad, &human::plain(&fault.message))));
        lines.extend(fault.hint.as_ref().map(|hint| ("hint", human::plain(hint))));
        lines.push(("code", fault.code.to_string()));
    }
    lines.extend(shown.stream.published.iter().map(|it| ("published", human::plain(it))));
    let log = shown.log.as_deref().map_or(String::new(), |lines| log(lines, look));
    facts(&lines) + &stages(&shown.stream, look) + &log
}

fn records(it: &StreamSummary) -> String {
    let counts = &it.counts;
    format!(
        "{} in, {} out, {} dropped, {} dead, {} ignored",
        counts.records_in, counts.records_out, counts.dropped, counts.dead_letters, counts.ignored
    )
}

fn stages(stream: &StreamDetail, look: &Look) -> String {
    if stream.stages.is_empty() {
        return String::new();
    }
    let narrow = [
        Text("STAGE"),
        Number("IN"),
        Number("OUT"),
        Number("DROPPED"),
        Number("DEAD"),
        Number("IGNORED"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Number("BYTES-IN"), Number("BYTES-OUT")]);
    for (id, it) in &stream.stages {
        rows.add(
            vec![
                table::text(id.as_str()),
                table::count(it.records_in),
                table::count(it.records_out),
                table::count(it.dropped),
                table::bad_count(it.dead_letters, Tone::Warn),
                table::bad_count(it.ignored, Tone::Warn),
            ],
            vec![table::bytes(it.bytes_in), table::bytes(it.bytes_out)],
        );
    }
    format!("\n{}", rows.text())
}

fn log(of: &[LogLineView], look: &Look) -> String {
    format!("\n{}", lines(of, look))
}

fn lines(lines: &[LogLineView], look: &Look) -> String {
    let line = |it: &LogLineView| {
        let tone = it.severity.map_or(Tone::Quiet, |it| super::look::Status::from(it).tone);
        format!(
            "{}  {}  {}\n",
            it.at,
            look.paint(tone, &it.code.to_string()),
            human::plain(&it.text)
        )
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
