//! `weir workflow restore` and `weir workflow reset`: where the next run of a live workflow begins.

use clap::Args;
use weir_domain::{SavepointName, WorkflowName};
use weir_http_api::{
    CheckpointView, RenewalFrom, RenewalLaneView, RenewalView, WorkflowReset, WorkflowRestore,
};
use weir_http_client::Client;

use super::savepoint::{refused, stage};
use crate::cli::args::{Once, TokenArgs};
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Restore {
    workflow: WorkflowName,
    /// The savepoint to begin from
    #[arg(required_unless_present = "newest", conflicts_with = "newest")]
    savepoint: Option<SavepointName>,
    /// Go on where it stands, as with --allow-dropped where a changed workflow does not fit
    #[arg(long)]
    newest: bool,
    /// Give up state that no stage takes any more
    #[arg(long)]
    allow_dropped: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    workflow: WorkflowName,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

impl Restore {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { workflow, savepoint, newest, allow_dropped, dry_run, once, token } = self;
        let client = &token.client(client)?;
        let request = WorkflowRestore { savepoint, newest, allow_dropped, dry_run };
        match once.client(client).workflow_restore(workflow.as_str(), &request).await {
            Ok(renewal) => out.show(&renewal, show),
            Err(error) => {
                Err(refused(format!("can't restore {workflow}"), client, &workflow, error).await)
            }
        }
    }
}

impl Reset {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { workflow, dry_run, once, token } = self;
        let client = &token.client(client)?;
        let request = WorkflowReset { dry_run };
        match once.client(client).workflow_reset(workflow.as_str(), &request).await {
            Ok(renewal) => out.show(&renewal, show),
            Err(error) => {
                Err(refused(format!("can't reset {workflow}"), client, &workflow, error).await)
            }
        }
    }
}

fn show(it: &RenewalView, look: &Look) -> String {
    let begins = if it.dry_run { "would begin" } else { "begins" };
    let from = match (it.from, &it.savepoint) {
        (RenewalFrom::Savepoint, Some(name)) => format!("from savepoint {name}"),
        (RenewalFrom::Newest | RenewalFrom::Savepoint, _) => "where it stands".to_owned(),
        (RenewalFrom::Nothing, _) => "as if it had never run".to_owned(),
    };
    let mut text = format!("the next run of {} {begins} {from}\n", it.workflow);
    for lane in &it.lanes {
        text += &of_lane(lane, it.from);
    }
    text += &listed("begin with nothing", &it.fresh);
    text += &listed("state that is given up", &it.dropped);
    for misfit in &it.misfits {
        text += &look.paint(Tone::Bad, &format!("✗ does not fit: {}", human::plain(misfit)));
        text += "\n";
    }
    if !it.is_fit_checked && it.from != RenewalFrom::Nothing {
        text += "! the workflow is not deployed here: whether it fits is found out when it runs\n";
    }
    if !it.working.is_empty() {
        let lanes = listed("is worked on: stop it first", &it.working);
        text += &look.paint(Tone::Warn, &format!("! {}", lanes.trim_end()));
        text += &format!("; weir scheduler set {} --target 0\n", it.workflow);
    }
    if it.from != RenewalFrom::Newest {
        text += "! what was published stays published: what is read again is published again\n";
    }
    text
}

fn of_lane(lane: &RenewalLaneView, from: RenewalFrom) -> String {
    let epoch = |it: &Option<CheckpointView>| {
        it.as_ref().map_or("nothing".to_owned(), |it| format!("epoch {}", it.epoch))
    };
    let (stands, begins) = (epoch(&lane.stands), epoch(&lane.begins));
    // What goes, or where it goes on.
    let shown = if from == RenewalFrom::Nothing { &lane.stands } else { &lane.begins };
    let stages: String = shown.iter().flat_map(|it| &it.stages).map(stage).collect();
    format!("{}: {stands} → {begins}\n{stages}", human::plain(&lane.lane))
}

fn listed(what: &str, them: &[String]) -> String {
    match them.is_empty() {
        true => String::new(),
        false => format!("{what}: {}\n", human::plain(&them.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK};

    fn restore() -> RenewalView {
        let checkpoint = samples::savepoint().lanes.remove(0).checkpoint;
        RenewalView {
            workflow: "flights".parse().unwrap(),
            order: 1,
            from: RenewalFrom::Savepoint,
            savepoint: Some("before".parse().unwrap()),
            lanes: vec![RenewalLaneView {
                lane: "lane-1".into(),
                stands: checkpoint.clone().map(|it| CheckpointView { epoch: "5.2".into(), ..it }),
                begins: checkpoint,
            }],
            working: vec![],
            fresh: vec!["count".into()],
            dropped: vec!["sum/totals".into()],
            misfits: vec![],
            is_fit_checked: true,
            dry_run: true,
        }
    }

    #[test]
    fn a_plan_says_what_is_given_up_and_what_stays() {
        assert_eq!(
            show(&restore(), &LOOK),
            "\
the next run of flights would begin from savepoint before
lane-1: epoch 5.2 → epoch 3.17
  read: 0 at 4711
  unique: table seen (map in version 1), 30 entries, 2.0 KiB
begin with nothing: count
state that is given up: sum/totals
! what was published stays published: what is read again is published again
"
        );
    }

    #[test]
    fn a_plan_says_what_stands_in_its_way() {
        let it = RenewalView {
            misfits: vec!["stage sum is gone".into()],
            working: vec!["lane-1".into()],
            is_fit_checked: false,
            ..restore()
        };
        let text = show(&it, &LOOK);
        assert!(text.contains("✗ does not fit: stage sum is gone\n"), "{text}");
        assert!(text.contains("is not deployed here"), "{text}");
        assert!(
            text.contains("worked on: stop it first: lane-1; weir scheduler set flights"),
            "{text}"
        );
    }

    #[test]
    fn a_reset_shows_what_goes() {
        let mut it = RenewalView { from: RenewalFrom::Nothing, dry_run: false, ..restore() };
        it.lanes[0].begins = None;
        let text = show(&it, &LOOK);
        assert!(
            text.starts_with("the next run of flights begins as if it had never run\n"),
            "{text}"
        );
        assert!(text.contains("lane-1: epoch 5.2 → nothing\n  read: 0 at 4711\n"), "{text}");
    }
}
