//! `weir workflow savepoint`: checkpoints with a name.

use std::time::Duration;

use clap::{Args, Subcommand};
use tokio::time::sleep;
use weir_domain::{Millis, SavepointName, WorkflowName, parse_duration};
use weir_http_api::{
    CheckpointStageView, Page, SavepointLaneView, SavepointState, SavepointTake, SavepointView,
};
use weir_http_client::{Client, Error};

use super::with_near_name;
use crate::cli::args::{Once, TokenArgs};
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows, facts};

use Column::{Number, Text};

const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Take a savepoint of a running live workflow, and wait until it is durable
    Take(Take),
    /// List the savepoints of a workflow
    #[command(visible_alias = "ls")]
    List { workflow: WorkflowName },
    /// Show what a savepoint holds: by lane and stage, positions and tables
    #[command(visible_alias = "show")]
    Inspect { workflow: WorkflowName, name: SavepointName },
    /// Delete a savepoint
    Delete {
        workflow: WorkflowName,
        name: SavepointName,
        #[command(flatten)]
        once: Once,
        #[command(flatten)]
        token: TokenArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Take {
    workflow: WorkflowName,
    /// What to call it
    name: SavepointName,
    /// Wait no longer than this; it may be taken all the same
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration)]
    timeout: Millis,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

impl Verb {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        match self {
            Self::Take(args) => args.run(client, out).await,
            Self::List { workflow } => {
                let all = client.savepoints(workflow.as_str()).await;
                let what = format!("can't list savepoints of {workflow}");
                match all {
                    Ok(all) => out.show(&all, list),
                    Err(error) => Err(refused(what, client, &workflow, error).await),
                }
            }
            Self::Inspect { workflow, name } => {
                let of = client.savepoint(workflow.as_str(), name.as_str()).await;
                match of {
                    Ok(of) => out.show(&of, inspect),
                    Err(error) => {
                        let what = format!("can't show savepoint {name}");
                        Err(refused(what, client, &workflow, error).await)
                    }
                }
            }
            Self::Delete { workflow, name, once, token } => {
                let client = once.client(&token.client(client)?);
                let gone = client.savepoint_delete(workflow.as_str(), name.as_str()).await;
                match gone {
                    Ok(gone) => out.show(&gone, |it, _| match it {
                        Some(_) => format!("savepoint {name} of {workflow} deleted\n"),
                        None => format!("{name} was deleted when this command was sent before\n"),
                    }),
                    Err(error) => {
                        let what = format!("can't delete savepoint {name}");
                        Err(refused(what, &client, &workflow, error).await)
                    }
                }
            }
        }
    }
}

impl Take {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { workflow, name, timeout, once, token } = self;
        let client = &token.client(client)?;
        let what = || format!("can't take savepoint {name}");
        let request = SavepointTake { name: name.clone() };
        let deadline = sleep(timeout.duration());
        tokio::pin!(deadline);
        let mut taken = match once.client(client).savepoint_take(workflow.as_str(), &request).await
        {
            Ok(taken) => taken,
            Err(error) => return Err(refused(what(), client, &workflow, error).await),
        };
        while taken.state == SavepointState::Taking {
            tokio::select! {
                () = &mut deadline => return Err(late(&taken, timeout)),
                () = sleep(LOOK_AGAIN_AFTER) => {}
            }
            taken = match client.savepoint(workflow.as_str(), name.as_str()).await {
                Ok(taken) => taken,
                Err(error) => return Err(refused(what(), client, &workflow, error).await),
            };
        }
        if taken.state == SavepointState::Failed {
            return Err(lost(&taken));
        }
        out.show(&taken, done)
    }
}

/// Where the server knows nothing that is near, what there is can be listed.
pub(super) async fn refused(
    what: String,
    client: &Client,
    workflow: &WorkflowName,
    error: Error,
) -> Failure {
    let is_of_savepoint = error.to_string().contains("no savepoint");
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound if has_hint => failure,
        Exit::NotFound if is_of_savepoint => {
            failure.with_hint(format!("weir workflow savepoint list {workflow}"))
        }
        _ => with_near_name(failure, client, workflow.as_str(), "weir workflow show ").await,
    }
}

fn late(taken: &SavepointView, timeout: Millis) -> Failure {
    let SavepointView { workflow, name, .. } = taken;
    let why = format!("after {timeout} {} have not taken it", lanes(taken, SavepointState::Taking));
    let failure =
        Failure::new(Reason::SavepointOpen, format!("savepoint {name} is not whole"), why);
    failure.with_hint(format!("weir workflow savepoint inspect {workflow} {name}"))
}

fn lost(taken: &SavepointView) -> Failure {
    let SavepointView { workflow, name, .. } = taken;
    let why = match &taken.fault {
        Some(fault) => fault.message.clone(),
        None => format!("the run of {} ended before that", lanes(taken, SavepointState::Failed)),
    };
    let failure =
        Failure::new(Reason::SavepointLost, format!("savepoint {name} is not whole"), why);
    failure
        .with_hint(format!("weir workflow savepoint delete {workflow} {name}; then take it again"))
}

fn lanes(of: &SavepointView, state: SavepointState) -> String {
    let lanes = of.lanes.iter().filter(|it| it.state == state);
    lanes.map(|it| human::plain(&it.lane)).collect::<Vec<_>>().join(", ")
}

fn done(it: &SavepointView, _: &Look) -> String {
    let epochs = it.lanes.iter().filter_map(|it| Some((&it.lane, it.checkpoint.as_ref()?)));
    let epochs: Vec<_> =
        epochs.map(|(lane, it)| format!("{} at {}", human::plain(lane), it.epoch)).collect();
    format!(
        "savepoint {} of {} taken: {}{}, {}\n",
        it.name,
        it.workflow,
        it.entries.map_or(String::new(), |it| format!("{} entries, ", human::count(it))),
        human::bytes(it.bytes),
        epochs.join(", ")
    )
}

fn list(all: &Page<SavepointView>, look: &Look) -> String {
    let narrow =
        [Text("NAME"), Text("STATE"), Number("LANES"), Number("SIZE"), Text("BY"), Text("AGE")];
    let mut rows = Rows::new(look, &narrow, &[Text("EPOCHS")]);
    for it in &all.items {
        let epochs = it.lanes.iter().filter_map(|it| it.checkpoint.as_ref());
        let epochs: Vec<_> = epochs.map(|it| it.epoch.as_str()).collect();
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::status(it.state),
                table::count(it.lanes.len() as u64),
                table::bytes(it.bytes),
                table::text(it.by.as_deref().unwrap_or("-")),
                table::text(&human::age_of(look.now, it.wanted_at)),
            ],
            vec![table::text(&epochs.join(", "))],
        );
    }
    rows.text()
}

fn inspect(it: &SavepointView, look: &Look) -> String {
    let mut lines = vec![
        ("name", it.name.to_string()),
        ("workflow", it.workflow.to_string()),
        ("state", look.paint_status(it.state)),
        ("by", human::plain(it.by.as_deref().unwrap_or("-"))),
        ("wanted", it.wanted_at.map_or("-".into(), |it| it.to_string())),
        ("size", human::bytes(it.bytes)),
    ];
    if let Some(fault) = &it.fault {
        lines.push(("why", look.paint(Tone::Bad, &human::plain(&fault.message))));
    }
    let lanes: String = it.lanes.iter().map(|it| lane(it, look)).collect();
    facts(&lines) + &lanes
}

fn lane(it: &SavepointLaneView, look: &Look) -> String {
    let Some(checkpoint) = &it.checkpoint else {
        return format!("\n{}: {}\n", human::plain(&it.lane), look.paint_status(it.state));
    };
    let stages: String = checkpoint.stages.iter().map(stage).collect();
    let (lane, taken) = (human::plain(&it.lane), checkpoint.taken_at);
    format!("\n{lane}: epoch {}, taken {taken}\n{stages}", checkpoint.epoch)
}

/// What a stage reads and remembers, on lines of their own.
pub(super) fn stage(it: &CheckpointStageView) -> String {
    let splits = it
        .splits
        .iter()
        .map(|(split, at)| format!("  {}: {} at {at}\n", it.stage, human::plain(split)));
    let tables = it.tables.iter().map(|of| {
        let entries = of.entries.map_or(String::new(), |it| format!("{it} entries, "));
        let (kind, bytes) = (human::plain(&of.kind), human::bytes(of.bytes));
        format!("  {}: table {} ({kind}), {entries}{bytes}\n", it.stage, of.table)
    });
    let ended = it.is_ended.then(|| format!("  {}: has nothing more to read\n", it.stage));
    splits.chain(tables).chain(ended).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK};

    #[test]
    fn what_a_savepoint_holds() {
        assert_eq!(
            inspect(&samples::savepoint(), &LOOK),
            "\
name:      before
workflow:  flights
state:     ✓ whole
by:        ann
wanted:    2023-11-14T22:12:20.000Z
size:      2.0 KiB

lane-1: epoch 3.17, taken 2023-11-14T22:12:21.000Z
  read: 0 at 4711
  unique: table seen (map in version 1), 30 entries, 2.0 KiB
"
        );
    }

    #[test]
    fn a_list_says_which_can_be_restored() {
        let failed = SavepointView { state: SavepointState::Failed, ..samples::savepoint() };
        let failed = SavepointView { name: "half".parse().unwrap(), ..failed };
        assert_eq!(
            list(&Page::whole([samples::savepoint(), failed]), &LOOK),
            "\
NAME    STATE     LANES     SIZE  BY   AGE
before  ✓ whole       1  2.0 KiB  ann  1m
half    ✗ failed      1  2.0 KiB  ann  1m
"
        );
    }

    #[test]
    fn what_was_taken_is_one_line() {
        let text = done(&samples::savepoint(), &LOOK);
        let expected = "savepoint before of flights taken: 30 entries, 2.0 KiB, lane-1 at 3.17\n";
        assert_eq!(text, expected);
    }
}
