//! `weir scheduler`: how many instances of each workflow run, where and why, and changing it.

mod draft;
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_domain::schedule::{Limit, Max, Weight};
use weir_domain::{NodeName, WorkflowName};
use weir_http_api::{
    ScheduleChange, SchedulePreview, ScheduleSettings, ScheduleStanding, ScheduledWorkflowDetail,
    TargetChange,
};
use weir_http_client::{Client, Error};

use super::args::Once;
use super::exit::{Exit, Reason};
use super::failure::Failure;
use super::human::plural;
use super::output::Output;
use super::watch::watched;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the schedule, or one workflow of it
    Show {
        workflow: Option<WorkflowName>,
        /// Go on showing what changes, until Ctrl-C
        #[arg(short, long)]
        watch: bool,
    },
    /// Change what is wanted of one workflow; what is not given stays
    Set(Box<Set>),
    /// Show what the changes in a file would do
    Preview {
        /// YAML or JSON; `-` reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Make the changes in a file together, or none of them
    Apply {
        /// YAML or JSON; `-` reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Only show what they would do
        #[arg(long)]
        dry_run: bool,
        /// Only if the schedule is still the one of the plan that had this revision
        #[arg(long, value_name = "N", conflicts_with = "dry_run")]
        revision: Option<u64>,
        #[command(flatten)]
        once: Once,
    },
    /// Say why each instance of a workflow is where it is, and why nodes were passed over
    Why { workflow: WorkflowName },
    /// Show the moves that would even out the loads, and make them
    Rebalance {
        /// Make them
        #[arg(long)]
        yes: bool,
        /// Make those of the plan that had this revision, and no others
        #[arg(long, value_name = "N", conflicts_with = "yes")]
        revision: Option<u64>,
        #[command(flatten)]
        once: Once,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    workflow: WorkflowName,
    /// Instances in the whole cluster; `unset` leaves it to the deployment
    #[arg(long, value_name = "N")]
    target: Option<TargetChange>,
    /// How heavy one instance is for its node, 1 or more
    #[arg(long, value_name = "N", value_parser = weight)]
    weight: Option<Weight>,
    /// Instances on one node at least; `none` takes the bound away
    #[arg(long, value_name = "N", value_parser = min)]
    min: Option<Bound<u32>>,
    /// Instances on one node at most, or `unlimited`; `none` takes the bound away
    #[arg(long, value_name = "N", value_parser = max)]
    max: Option<Bound<Max>>,
    /// The bounds are for this node
    #[arg(long, value_name = "NAME", conflicts_with = "role")]
    node: Option<NodeName>,
    /// The bounds are for every node that has this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only if the workflow's settings have this revision
    #[arg(long, value_name = "N")]
    revision: Option<u64>,
    /// Only show what it would do
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
}

/// A bound as it is wished: one, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound<T> {
    Is(T),
    None,
}

impl<T> Bound<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Is(it) => Some(it),
            Self::None => None,
        }
    }
}

fn weight(text: &str) -> Result<Weight, String> {
    let number = text.parse().map_err(|_| "not a number".to_owned())?;
    Weight::new(number).map_err(|it| it.to_string())
}

fn min(text: &str) -> Result<Bound<u32>, &'static str> {
    match text {
        "none" => Ok(Bound::None),
        _ => text.parse().map(Bound::Is).map_err(|_| "write a number, or none"),
    }
}

fn max(text: &str) -> Result<Bound<Max>, &'static str> {
    match text {
        "none" => Ok(Bound::None),
        "unlimited" => Ok(Bound::Is(Max::Unlimited)),
        _ => {
            let number = text.parse().map(|it| Bound::Is(Max::AtMost(it)));
            number.map_err(|_| "write a number, unlimited or none")
        }
    }
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::Show { workflow: None, watch } => {
                let ask = async || client.schedule().await.map_err(|it| refused(SHOW, it));
                watched(watch, out, ask, tables::schedule).await?;
            }
            Self::Show { workflow: Some(name), watch } => {
                watched(watch, out, async || one(client, &name).await, tables::workflow).await?;
            }
            Self::Set(set) => set.run(client, out).await?,
            Self::Preview { file } => {
                let plan = client.schedule_preview(&draft::preview(&file)?).await;
                out.show(&plan.map_err(|it| refused(PREVIEW, it))?, tables::plan)?;
            }
            Self::Apply { file, dry_run: true, .. } => {
                let request = draft::apply(&file)?;
                let draft =
                    SchedulePreview { workflows: request.workflows, ..SchedulePreview::default() };
                let plan = client.schedule_preview(&draft).await;
                out.show(&plan.map_err(|it| refused(PREVIEW, it))?, tables::plan)?;
            }
            Self::Apply { file, dry_run: false, revision, once } => {
                let mut request = draft::apply(&file)?;
                request.revision = revision.or(request.revision);
                let applied = once.client(client).schedule_apply(&request).await;
                let applied = applied.map_err(|it| refused("can't change the schedule", it))?;
                out.show(&applied, tables::schedule)?;
            }
            Self::Why { workflow } => out.show(&one(client, &workflow).await?, tables::why)?,
            Self::Rebalance { yes, revision, once } => {
                rebalance(&once.client(client), out, yes, revision).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) use tables::warnings;

const SHOW: &str = "can't show the schedule";
const PREVIEW: &str = "can't preview the changes";

async fn one(client: &Client, name: &WorkflowName) -> Result<ScheduledWorkflowDetail, Failure> {
    let workflow = client.scheduled_workflow(name.as_str()).await;
    workflow.map_err(|it| refused(format!("can't show the schedule of {name}"), it))
}

/// The plan is shown first. It is carried out only as it was shown.
async fn rebalance(
    client: &Client,
    out: &Output,
    yes: bool,
    revision: Option<u64>,
) -> Result<(), Failure> {
    let refuse = |it| refused("can't even out the loads", it);
    let revision = match revision {
        Some(revision) => revision,
        None => {
            let plan = client.rebalance_plan().await.map_err(refuse)?;
            let (revision, moves) = (plan.revision, plan.moves.len());
            if !yes || moves == 0 {
                out.show(&plan, tables::rebalance)?;
                if moves > 0 {
                    out.note(&format!(
                        "nothing was moved: weir scheduler rebalance --revision {revision}"
                    ));
                }
                return Ok(());
            }
            out.note(tables::rebalance(&plan, &out.look()).trim_end());
            revision
        }
    };
    let schedule = client.rebalance(revision).await.map_err(refuse)?;
    out.show(&schedule, tables::schedule)
}

impl Set {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let what = format!("can't change the schedule of {}", self.workflow);
        self.refuse_nothing(&what)?;
        if !self.dry_run && self.min.is_some() != self.max.is_some() {
            self.once.needs_revision(self.revision, &what, "the other bound")?;
        }
        let name = self.workflow.to_string();
        // What is not given is what was just read.
        let known = client.scheduled_workflow(&name).await;
        let known = known.map_err(|it| refused(what.clone(), it))?.workflow;
        let revision = self.revision.unwrap_or(known.revision);
        let change = self.change(&known.settings, &what)?;
        if self.dry_run {
            let change = ScheduleChange { revision: Some(revision), ..change };
            let workflows = [(self.workflow, change)].into();
            let draft = SchedulePreview { workflows, ..SchedulePreview::default() };
            let plan = client.schedule_preview(&draft).await;
            return out.show(&plan.map_err(|it| refused(what, it))?, tables::plan);
        }
        let client = self.once.client(client);
        let changed = client.schedule_set(&name, &change, Some(revision)).await;
        out.show(&changed.map_err(|it| refused(what, it))?, tables::workflow)
    }

    fn refuse_nothing(&self, what: &str) -> Result<(), Failure> {
        let has_bound = self.min.is_some() || self.max.is_some();
        if !has_bound && (self.node.is_some() || self.role.is_some()) {
            let why = "a node or a role was named, and no bound for it";
            let failure = Failure::new(Reason::Usage, what, why);
            return Err(failure.with_hint("name --min, --max or both"));
        }
        if !has_bound && self.target.is_none() && self.weight.is_none() {
            let hint = "name --target, --weight, --min or --max";
            let failure = Failure::new(Reason::Usage, what, "nothing was named that is to change");
            return Err(failure.with_hint(hint));
        }
        Ok(())
    }

    fn change(&self, known: &ScheduleSettings, what: &str) -> Result<ScheduleChange, Failure> {
        let mut change =
            ScheduleChange { target: self.target, weight: self.weight, ..Default::default() };
        if self.min.is_none() && self.max.is_none() {
            return Ok(change);
        }
        let rule = match (&self.node, &self.role) {
            (Some(node), _) => known.nodes.get(node).copied().unwrap_or_default(),
            (None, Some(role)) => known.roles.get(role).copied().unwrap_or_default(),
            (None, None) => known.default,
        };
        let min = self.min.map_or(rule.min(), Bound::value);
        let max = self.max.map_or(rule.max(), Bound::value);
        let limit = Limit::new(min, max).map_err(|it| {
            Failure::new(Reason::Usage, what, it.to_string()).with_hint("weir scheduler show")
        })?;
        match (&self.node, &self.role) {
            (Some(node), _) => drop(change.nodes.insert(node.clone(), limit)),
            (None, Some(role)) => drop(change.roles.insert(role.clone(), limit)),
            (None, None) => change.default = Some(limit),
        }
        Ok(change)
    }
}

pub(crate) fn refused(what: impl Into<String>, error: Error) -> Failure {
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound if !has_hint => failure.with_hint("weir scheduler show"),
        _ => failure,
    }
}

/// What is missing and why, in one line; `None` where nothing is.
pub(super) fn shortfall(it: &ScheduleStanding) -> Option<String> {
    let missing =
        (it.missing > 0).then(|| format!("{} of {} missing", it.missing, instances(it.target)))?;
    let reasons = tables::reasons(it);
    Some(if reasons.is_empty() { missing } else { format!("{missing} ({reasons})") })
}

/// `2 instances`, for one line about many.
fn instances(count: u32) -> String {
    plural(count as usize, "instance")
}

#[cfg(test)]
mod tests;
