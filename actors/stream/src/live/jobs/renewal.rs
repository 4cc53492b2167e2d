//! Where lanes are to begin, and whether what they would begin from fits.

use std::collections::{BTreeMap, BTreeSet};

use weir_checkpoint::Manifest;
use weir_checkpoint::fit::{Leftover, Misfit, fit};
use weir_checkpoint::group::Begin;
use weir_domain::plan::Plan;
use weir_domain::{SavepointName, StageId, TableName};

use super::{SavedLane, lane_of, shape};
use crate::Registry;

/// Where the next run of every lane is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Where it stands.
    Newest,
    /// As if it had never run.
    Nothing,
    Savepoint(SavepointName),
}

/// What an order would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// The order's.
    pub number: u32,
    pub begin: Begin,
    pub jobs: Option<u32>,
    pub drops_leftovers: bool,
    pub lanes: Vec<LaneStanding>,
    /// Stages that begin with nothing.
    pub fresh: BTreeSet<StageId>,
    /// Stages and tables whose state is given up.
    pub dropped: BTreeSet<(StageId, Option<TableName>)>,
    /// Why it can't be done, by stage. Where the workflow's plan is not known that is found out when
    /// it runs.
    pub misfits: Vec<String>,
    /// All that doesn't fit is state that nobody takes any more.
    pub are_leftovers: bool,
    pub is_plan_known: bool,
}

/// Where a lane stands, and where it would begin.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneStanding {
    pub lane: String,
    pub stands: Option<SavedLane>,
    pub begins: Option<SavedLane>,
}

impl Renewal {
    pub(super) fn check(
        &mut self,
        plan: &Plan,
        registry: &Registry,
        chosen: &BTreeMap<String, Manifest>,
    ) {
        let shape = shape(plan, registry);
        let lanes = plan.instances.max(1);
        if let Some(jobs) = self.jobs.filter(|it| *it != lanes) {
            self.are_leftovers = false;
            self.misfits.push(format!(
                "the checkpoints are of {jobs} lanes, and the workflow has {lanes} now: set \
                 instances in the workflow's file to {jobs}"
            ));
        }
        let leftover = if self.drops_leftovers { Leftover::Drop } else { Leftover::Refuse };
        let mut misfits = BTreeSet::new();
        // What one region of a lane has not, another may have.
        let mut fresh: BTreeMap<&str, BTreeSet<StageId>> = BTreeMap::new();
        for (job, manifest) in chosen {
            match fit(manifest, &shape, leftover) {
                Ok(fit) => {
                    let of_lane = fresh.entry(lane_of(job)).or_insert_with(|| fit.fresh.clone());
                    of_lane.retain(|it| fit.fresh.contains(it));
                    self.dropped.extend(fit.dropped);
                }
                Err(found) => {
                    self.are_leftovers &= found.iter().all(is_leftover);
                    misfits.extend(found.iter().map(ToString::to_string));
                }
            }
        }
        self.fresh.extend(fresh.into_values().flatten());
        self.misfits.extend(misfits);
    }
}

fn is_leftover(misfit: &Misfit) -> bool {
    matches!(misfit, Misfit::StageGone { .. } | Misfit::TableGone { .. })
}
