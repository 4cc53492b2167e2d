//! `weir workflow`: what an engine runs, and where live workflows begin.

mod renewal;
mod savepoint;

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::did_you_mean;
use weir_http_api::{Page, WorkflowDetail, WorkflowSummary};
use weir_http_client::Client;

use super::exit::Exit;
use super::failure::Failure;
use super::human;
use super::look::{Look, Tone};
use super::output::Output;
use super::scheduler::{shortfall, warnings};
use super::table::{self, Column, Rows, facts};
use super::watch::watched;

use Column::{Number, Text};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the workflows with their counts
    #[command(visible_alias = "ls")]
    List {
        /// Go on showing what changes, until Ctrl-C
        #[arg(short, long)]
        watch: bool,
    },
    /// Show one workflow with its stages and edges
    Show {
        name: String,
        /// Go on showing what changes, until Ctrl-C
        #[arg(short, long)]
        watch: bool,
    },
    /// Savepoints of live workflows: checkpoints with a name
    #[command(subcommand, visible_alias = "savepoints")]
    Savepoint(savepoint::Verb),
    /// Let the next run of a live workflow begin from a savepoint
    Restore(renewal::Restore),
    /// Let the next run of a live workflow begin as if it had never run
    Reset(renewal::Reset),
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { watch } => watched(watch, out, async || all(client).await, list).await?,
            Self::Show { name, watch } => {
                watched(watch, out, async || one(client, &name).await, show).await?;
            }
            Self::Savepoint(verb) => verb.run(client, out).await?,
            Self::Restore(args) => args.run(client, out).await?,
            Self::Reset(args) => args.run(client, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn all(client: &Client) -> Result<Page<WorkflowSummary>, Failure> {
    let workflows = client.workflows().await;
    workflows.map_err(|error| Failure::of_client("can't list workflows", error))
}

async fn one(client: &Client, name: &str) -> Result<WorkflowDetail, Failure> {
    match client.workflow(name).await {
        Ok(workflow) => Ok(workflow),
        Err(error) => {
            let failure = Failure::of_client(format!("can't show workflow {name:?}"), error);
            Err(with_near_name(failure, client, name, "weir workflow show ").await)
        }
    }
}

/// Turns "there is no such workflow" into a command that works.
pub(crate) async fn with_near_name(
    failure: Failure,
    client: &Client,
    name: &str,
    command: &str,
) -> Failure {
    if failure.exit != Exit::NotFound {
        return failure;
    }
    // The first answer stands, whatever became of the server since.
    let known = client.workflows().await.map(|it| it.items).unwrap_or_default();
    match did_you_mean(name, known.iter().map(|it| it.name.as_str())) {
        Some(near) => failure.with_hint(format!("{command}{near}")),
        None => failure.with_hint("weir workflow list"),
    }
}

fn list(workflows: &Page<WorkflowSummary>, look: &Look) -> String {
    let narrow = [
        Text("NAME"),
        Text("STATE"),
        Number("OPEN"),
        Number("COMMITTED"),
        Number("WARNINGS"),
        Number("ROLLED-BACK"),
        Number("IN"),
        Number("OUT"),
        Number("DEAD"),
        Text("LAST"),
    ];
    let wide = [
        Text("PROJECT"),
        Number("INSTANCES"),
        Number("BYTES-IN"),
        Number("BYTES-OUT"),
        Number("IGNORED"),
        Text("AGE"),
        Text("WHY"),
    ];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &workflows.items {
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::status(it.state),
                table::count(it.open_streams),
                table::count(it.committed),
                table::bad_count(it.committed_with_warnings, Tone::Warn),
                table::bad_count(it.rolled_back, Tone::Bad),
                table::count(it.counts.records_in),
                table::count(it.counts.records_out),
                table::bad_count(it.counts.dead_letters, Tone::Warn),
                table::text(&human::age_of(look.now, it.last_stream_at)),
            ],
            vec![
                table::text(it.project.as_str()),
                table::count(it.instances),
                table::bytes(it.counts.bytes_in),
                table::bytes(it.counts.bytes_out),
                table::count(it.counts.ignored),
                table::text(&human::age(look.now, it.started_at)),
                table::text(it.fault.as_ref().map_or("", |it| &it.message)),
            ],
        );
    }
    let missing = workflows
        .items
        .iter()
        .filter_map(|it| Some(format!("{}: {}", it.name, shortfall(it.schedule.as_ref()?)?)));
    rows.text() + &warnings(&missing.collect::<Vec<_>>(), look)
}

fn show(workflow: &WorkflowDetail, look: &Look) -> String {
    let it = &workflow.summary;
    let paused = match it.paused_streams {
        0 => String::new(),
        paused => format!(" ({paused} paused)"),
    };
    let streams = format!(
        "{} open{paused}, {} committed, {} with warnings, {} rolled back",
        it.open_streams, it.committed, it.committed_with_warnings, it.rolled_back
    );
    let last = it.last_stream_at.map(|at| format!("{at} ({} ago)", human::age(look.now, at)));
    let started = format!("{} ({} ago)", it.started_at, human::age(look.now, it.started_at));
    let mut lines = vec![
        ("name", it.name.to_string()),
        ("project", it.project.to_string()),
        ("state", look.paint_status(it.state)),
        ("instances", it.instances.to_string()),
        ("started", started),
        ("streams", streams),
        ("last", last.unwrap_or("-".into())),
    ];
    lines.splice(4..4, schedule(it, look));
    if let Some(fault) = &it.fault {
        lines.push(("why", look.paint(Tone::Bad, &human::plain(&fault.message))));
        lines.extend(fault.hint.as_ref().map(|hint| ("hint", human::plain(hint))));
        lines.push(("code", fault.code.to_string()));
    }
    facts(&lines) + "\n" + &stages(workflow, look)
}

/// How the whole cluster stands with it, where that is known.
fn schedule(it: &WorkflowSummary, look: &Look) -> Option<(&'static str, String)> {
    let standing = it.schedule.as_ref()?;
    Some((
        "cluster",
        match shortfall(standing) {
            Some(missing) => look.paint(Tone::Bad, &missing),
            None => format!("{} of {} wanted", standing.placed, standing.target),
        },
    ))
}

fn stages(workflow: &WorkflowDetail, look: &Look) -> String {
    let narrow = [
        Text("STAGE"),
        Text("KIND"),
        Number("IN"),
        Number("OUT"),
        Number("DEAD"),
        Text("FLOWS-TO"),
    ];
    let wide = [
        Text("ROLE"),
        Number("BUSY"),
        Number("BLOCKED"),
        Number("BYTES-IN"),
        Number("BYTES-OUT"),
        Number("IGNORED"),
        Text("ON-ERROR"),
        Text("WRITTEN-AT"),
    ];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &workflow.stages {
        rows.add(
            vec![
                table::text(it.id.as_str()),
                table::text(&it.kind),
                table::count(it.counts.records_in),
                table::count(it.counts.records_out),
                table::bad_count(it.counts.dead_letters, Tone::Warn),
                table::text(&targets(workflow, it.id.as_str())),
            ],
            vec![
                table::text(&word(&it.role)),
                share(it.time.busy_ms, it.time.open_ms),
                share(it.time.blocked_ms, it.time.open_ms),
                table::bytes(it.counts.bytes_in),
                table::bytes(it.counts.bytes_out),
                table::count(it.counts.ignored),
                table::text(&word(&it.on_error)),
                table::text(&it.place),
            ],
        );
    }
    rows.text()
}

/// Of the time that a stage was there.
fn share(of_ms: u64, open_ms: u64) -> comfy_table::Cell {
    match open_ms {
        0 => table::text("-"),
        _ => table::text(&format!("{} %", (100 * of_ms + open_ms / 2) / open_ms)),
    }
}

/// Where a stage's outputs lead: `target`, or `port → target` where a port has a name of its own.
fn targets(workflow: &WorkflowDetail, from: &str) -> String {
    let edges = workflow.edges.iter().filter(|it| it.from.as_str() == from);
    let target = |it: &weir_http_api::EdgeView| match it.port.as_str() {
        "out" => it.to.to_string(),
        port => format!("{port} → {}", it.to),
    };
    edges.map(target).collect::<Vec<_>>().join(", ")
}

/// A plain enum's word, as the API writes it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    fn page() -> Page<WorkflowSummary> {
        Page::whole([samples::workflow(), samples::broken_workflow()])
    }

    #[test]
    fn a_list_of_workflows() {
        assert_eq!(
            list(&page(), &LOOK),
            "\
NAME     STATE         OPEN  COMMITTED  WARNINGS  ROLLED-BACK      IN     OUT  DEAD  LAST
flights  ● processing     1          6         1            0  231.0k  231.0k    13  12s
weather  ↻ restarting     0          0         0            3       0       0     0  -
"
        );
    }

    #[test]
    fn a_wide_list_says_why() {
        let text = list(&page(), &WIDE);
        assert!(text.contains("no space left on device\n"), "{text}");
        assert!(text.contains("sample           2  15.0 MiB    4.1 MiB        0  2h\n"), "{text}");
    }

    #[test]
    fn a_shortfall_is_shown_with_its_reason() {
        let short = WorkflowSummary { schedule: Some(samples::shortfall()), ..samples::workflow() };
        let text = list(&Page::whole([short.clone(), samples::broken_workflow()]), &LOOK);
        assert!(
            text.ends_with(
                "\n\n! flights: 3 of 6 instances missing (max:default ×3, draining ×1)\n"
            ),
            "{text}"
        );
        let detail = WorkflowDetail { summary: short, ..samples::workflow_detail() };
        let text = show(&detail, &LOOK);
        assert!(
            text.contains("cluster:    3 of 6 instances missing (max:default ×3, draining ×1)\n"),
            "{text}"
        );
    }

    #[test]
    fn colours_repeat_what_words_say() {
        let text = list(&page(), &Look { color: true, ..LOOK });
        assert!(text.contains("\x1b["), "{text:?}");
        assert!(text.contains("↻ restarting"), "{text:?}");
    }

    #[test]
    fn one_workflow_with_its_stages() {
        assert_eq!(
            show(&samples::workflow_detail(), &LOOK),
            "\
name:       flights
project:    sample
state:      ● processing
instances:  2
started:    2023-11-14T20:11:40.000Z (2h ago)
streams:    1 open, 6 committed, 1 with warnings, 0 rolled back
last:       2023-11-14T22:13:08.000Z (12s ago)
why:        out/late.jsonl can't be written: no space left on device
hint:       free some space below out
code:       WEIR-04007

STAGE     KIND             IN     OUT  DEAD  FLOWS-TO
read      file         231.0k  231.0k    13  classify
classify  filterRoute  231.0k  231.0k    13  late → late
late      file         231.0k  231.0k    13
"
        );
        let wide = show(&samples::workflow_detail(), &WIDE);
        assert!(
            wide.contains("operator  40 %      5 %  15.0 MiB    4.1 MiB        0  deadLetter  workflow.yaml:8:5"),
            "{wide}"
        );
    }
}
