//! `weir operation`: what takes longer than a request may, on a configuration server.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use serde::de::DeserializeOwned;
use tokio::time::sleep;
use weir_domain::{CommandId, ProjectName};
use weir_http_api::{
    OperationState, OperationStep, OperationView, OperationsQuery, Page, ProblemKind, StepState,
};
use weir_http_client::{Client, Error};

use super::exit::Reason;
use super::failure::Failure;
use super::human::{age, plain};
use super::look::{Look, Tone};
use super::output::Output;
use super::table::{self, Column, Rows};

const EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List what was begun, the newest first
    #[command(visible_alias = "ls")]
    List {
        /// Only operations of this kind, as build, deploy or test
        #[arg(long)]
        kind: Option<String>,
        /// Only operations that stand here: running, succeeded, failed, cancelled, interrupted
        #[arg(long)]
        state: Option<OperationState>,
        /// Only operations of this project
        #[arg(long)]
        project: Option<ProjectName>,
        /// Most lines
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: Option<u32>,
    },
    /// Show one operation with its steps
    Show { id: CommandId },
    /// Ask an operation to end where nothing is left half done
    Cancel { id: CommandId },
    /// Follow an operation to its end; exit as the command would that began it
    Watch { id: CommandId },
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { kind, state, project, limit } => {
                let query = OperationsQuery { kind, state, project, limit, cursor: None };
                let page = client.operations(&query).await;
                let page = page.map_err(|it| Failure::of_client("can't list operations", it))?;
                out.show(&page, listed)?;
            }
            Self::Show { id } => {
                let operation = client.operation(id).await;
                let what = format!("can't show the operation {id}");
                out.show(&operation.map_err(|it| Failure::of_client(what, it))?, shown)?;
            }
            Self::Cancel { id } => {
                let operation = client.operation_cancel(id).await;
                let what = format!("can't cancel the operation {id}");
                out.show(&operation.map_err(|it| Failure::of_client(what, it))?, shown)?;
            }
            Self::Watch { id } => {
                let ended = followed(client, out, id).await?;
                out.show(&ended, shown)?;
                succeeded(out, ended)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What an operation came to that a command began, once it is over. It goes on if nobody waits.
pub(crate) async fn result<T: DeserializeOwned>(
    client: &Client,
    out: &Output,
    (what, begun): (String, Result<OperationView, Error>),
) -> Result<T, Failure> {
    let begun = begun.map_err(|it| Failure::of_client(what.clone(), it))?;
    out.note(&format!("operation {}", begun.id));
    let ended = followed(client, out, begun.id).await?;
    let result = succeeded(out, ended)?.result.unwrap_or_default();
    serde_json::from_value(result).map_err(|it| {
        let why = format!("what it came to is not understood: {it}");
        let failure = Failure::new(Reason::Unusable, what, why);
        failure.with_hint("weir version --remote   # is the server one of another version?")
    })
}

/// Waits for its end, and tells on stderr how far it is. A server that is away for a moment is asked again.
pub(crate) async fn followed(
    client: &Client,
    out: &Output,
    id: CommandId,
) -> Result<OperationView, Failure> {
    let (mut told, mut silent) = (Vec::new(), 0);
    loop {
        match client.operation(id).await {
            Ok(operation) => {
                silent = 0;
                let begun = operation.steps.iter().filter(|it| it.state != StepState::Waiting);
                for (at, line) in begun.map(step).enumerate() {
                    // Who asks now and then misses what was short, and hears how it ended.
                    if told.get(at) != Some(&line) {
                        out.note(&line);
                        told.truncate(at);
                        told.push(line);
                    }
                }
                if operation.state.is_final() {
                    return Ok(operation);
                }
            }
            Err(Error::Unreachable { .. } | Error::Interrupted { .. }) if silent < 25 => {
                silent += 1
            }
            Err(error) => {
                let is_known =
                    !matches!(&error, Error::Problem(it) if it.is(ProblemKind::NotFound));
                let failure = Failure::of_client(format!("can't follow the operation {id}"), error);
                // Of one that is not there, the same question has the same answer.
                return Err(match is_known {
                    true => failure.with_hint(format!("weir operation watch {id}")),
                    false => failure.with_hint("weir operation list"),
                });
            }
        }
        sleep(EVERY).await;
    }
}

/// What it came to, where that is what was wanted.
pub(crate) fn succeeded(out: &Output, operation: OperationView) -> Result<OperationView, Failure> {
    let parts = operation.problem.iter().flat_map(|it| &it.errors);
    parts.flat_map(|it| it.detail.lines()).for_each(|it| out.note(&plain(it)));
    let what = format!("the operation {} {}", operation.kind, operation.state);
    match (operation.state, operation.problem) {
        (OperationState::Succeeded | OperationState::Running, problem) => {
            Ok(OperationView { problem, ..operation })
        }
        (OperationState::Cancelled, _) => {
            let why = "somebody asked for its end; what steps had done before stays done";
            Err(Failure::new(Reason::Cancelled, what, why))
        }
        (OperationState::Failed | OperationState::Interrupted, Some(problem)) => {
            Err(Failure::of_client(what, Error::Problem(problem)))
        }
        (OperationState::Failed | OperationState::Interrupted, None) => {
            Err(Failure::new(Reason::Machine, what, "it does not say why"))
        }
    }
}

/// The step that runs, or that ran last, in a line.
fn progress(it: &OperationView) -> Option<String> {
    let running = it.steps.iter().find(|it| it.state == StepState::Running);
    let last = || it.steps.iter().rev().find(|it| it.state != StepState::Waiting);
    running.or_else(last).map(step)
}

/// A step as it is told while it runs.
pub(crate) fn step(it: &OperationStep) -> String {
    let percent = it.percent.filter(|it| *it < 100);
    let percent = percent.map_or_else(String::new, |it| format!(" {it} %"));
    let message = it.message.as_ref().map_or_else(String::new, |it| format!(": {}", plain(it)));
    format!("{}{percent}{message}", plain(&it.name))
}

fn listed(page: &Page<OperationView>, look: &Look) -> String {
    let narrow = [
        Column::Text("ID"),
        Column::Text("KIND"),
        Column::Text("PROJECT"),
        Column::Text("STATE"),
        Column::Text("BY"),
        Column::Number("AGE"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Column::Text("STEP")]);
    for it in &page.items {
        let project = it.project.as_ref().map_or("-", |it| it.as_str());
        let step = progress(it).unwrap_or_default();
        rows.add(
            vec![
                table::text(&it.id.to_string()),
                table::text(&it.kind),
                table::text(project),
                table::text(it.state.as_str()),
                table::text(it.by.as_str()),
                table::text(&age(look.now, it.begun_at)),
            ],
            vec![table::text(&step)],
        );
    }
    rows.text()
}

fn shown(it: &OperationView, look: &Look) -> String {
    let mut facts = vec![
        ("operation", it.id.to_string()),
        ("kind", plain(&it.kind)),
        ("state", it.state.to_string()),
        ("by", plain(it.by.as_str())),
        ("begun", format!("{} ago", age(look.now, it.begun_at))),
    ];
    facts.extend(it.project.iter().map(|it| ("project", it.to_string())));
    facts.extend(it.problem.iter().map(|it| ("problem", plain(&it.detail))));
    let hint = it.problem.as_ref().and_then(|it| it.hint.as_ref());
    facts.extend(hint.map(|it| ("hint", plain(it))));
    let steps = it.steps.iter().map(|it| {
        let tone = match it.state {
            StepState::Done => Tone::Good,
            StepState::Running => Tone::Busy,
            StepState::Failed => Tone::Bad,
            StepState::Waiting => Tone::Quiet,
        };
        format!("{:8} {}\n", look.paint(tone, it.state.as_str()), step(it))
    });
    format!("{}\n{}", table::facts(&facts), steps.collect::<String>())
}
