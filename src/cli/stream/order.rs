//! `weir stream pause|resume|shutdown|abort|terminate`: telling open streams what to do.

use std::process::ExitCode;

use clap::Args;
use weir_domain::{NodeName, StreamId, StreamOrder, StreamState, WorkflowName};
use weir_http_api::{StreamSelection, StreamsTold};
use weir_http_client::{Client, Error};

use super::states;
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::human::{plain, plural};
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Streams by their ids
    #[arg(required_unless_present_any = ["workflow", "node", "state"],
        conflicts_with_all = ["workflow", "node", "state"])]
    ids: Vec<StreamId>,
    /// All open streams of this workflow
    #[arg(long, value_name = "NAME")]
    workflow: Option<WorkflowName>,
    /// All that this engine runs
    #[arg(long, value_name = "NAME")]
    node: Option<NodeName>,
    /// All that stand here: open, paused or retrying
    #[arg(long, value_parser = states())]
    state: Option<StreamState>,
    /// Only list which
    #[arg(long)]
    dry_run: bool,
}

impl Selection {
    pub(super) async fn run(
        self,
        order: StreamOrder,
        client: &Client,
        out: &Output,
    ) -> Result<ExitCode, Failure> {
        let Self { ids, workflow, node, state, dry_run } = self;
        let named = ids.len();
        let selection = StreamSelection { ids, workflow, node, state, dry_run };
        let told = client.streams_order(order, &selection).await;
        let told = told.map_err(|it| refused(order, &selection, it))?;
        out.show(&told, |it, look| shown(order, it, look))?;
        match left_out(order, &told, named) {
            Some(failure) => Err(failure),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}

/// Where the server knows nothing that is near, what there is can be listed.
fn refused(order: StreamOrder, selection: &StreamSelection, error: Error) -> Failure {
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let failure = Failure::of_client(format!("can't {order} streams"), error);
    match (failure.exit, &selection.workflow) {
        (Exit::NotFound, _) if has_hint => failure,
        (Exit::NotFound, _) if !selection.ids.is_empty() => failure.with_hint("weir stream list"),
        (Exit::NotFound, Some(_)) if selection.node.is_none() => {
            failure.with_hint("weir workflow list")
        }
        (Exit::NotFound, _) => failure.with_hint("weir workflow list; weir node list"),
        _ => failure,
    }
}

/// Who names a stream expects that it is told, and who ends many that each of them hears it.
fn left_out(order: StreamOrder, told: &StreamsTold, named: usize) -> Option<Failure> {
    let missing = told.not_told.len();
    let what = format!("{} could not be told to {order}", plural(missing, "stream"));
    let is_lost = named > 0 || told.not_told.iter().any(|it| it.why.contains("engine"));
    let why = told.not_told.first().filter(|_| is_lost)?.why.clone();
    Some(Failure::new(Reason::StreamsLeft, what, why).with_hint("weir stream list"))
}

fn shown(order: StreamOrder, it: &StreamsTold, look: &Look) -> String {
    let would = if it.dry_run { "would be told" } else { "told" };
    let mut text = it.told.iter().map(|id| format!("{id}\n")).collect::<String>();
    for it in &it.not_told {
        text += &look.paint(Tone::Warn, &format!("{}: {}", it.id, plain(&it.why)));
        text += "\n";
    }
    format!("{text}{} {would} to {order}\n", plural(it.told.len(), "stream"))
}

#[cfg(test)]
mod tests {
    use weir_http_api::StreamNotTold;

    use super::*;
    use crate::cli::samples::{self, LOOK};

    #[test]
    fn which_were_told_and_which_were_not() {
        let id = samples::stream().id;
        let not_told = vec![StreamNotTold { id, why: "it is not open any more".into() }];
        let told = StreamsTold { told: vec![id], not_told, dry_run: false };
        assert_eq!(
            shown(StreamOrder::Pause, &told, &LOOK),
            format!("{id}\n{id}: it is not open any more\n1 stream told to pause\n")
        );
        assert!(left_out(StreamOrder::Pause, &told, 0).is_none(), "a filter names none of them");
        let failure = left_out(StreamOrder::Pause, &told, 2).expect("one was named");
        assert_eq!(failure.exit, Exit::Conflict);
        let dry = StreamsTold { dry_run: true, not_told: vec![], ..told };
        assert!(
            shown(StreamOrder::Abort, &dry, &LOOK).ends_with("1 stream would be told to abort\n")
        );
    }
}
