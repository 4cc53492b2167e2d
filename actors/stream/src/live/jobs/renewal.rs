//! Where lanes are to begin, and whether what they would begin from fits.

use std::collections::{BTreeMap, BTreeSet};

use weir_checkpoint::Manifest;
use weir_checkpoint::fit::{Leftover, Misfit, fit};
use weir_checkpoint::group::Begin;
use weir_domain::plan::Plan;
use weir_domain::{SavepointName, StageId, TableName};

use super::super::regions::{self, Places, Region};
use super::{SavedLane, shape};
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
    /// Each job goes on with the stages of its region, and with no others.
    pub(super) fn check(
        &mut self,
        plan: &Plan,
        registry: &Registry,
        chosen: &BTreeMap<String, Manifest>,
        places: &Places,
    ) {
        let lanes = plan.instances.max(1);
        if let Some(jobs) = self.jobs.filter(|it| *it != lanes) {
            self.are_leftovers = false;
            self.misfits.push(format!(
                "the checkpoints are of {jobs} lanes, and the workflow has {lanes} now: set \
                 instances in the workflow's file to {jobs}"
            ));
        }
        let regions = match regions::share_out(plan, places) {
            Ok(regions) => regions,
            Err(fault) => {
                self.are_leftovers = false;
                let hint = fault.hint.map(|it| format!(": {it}")).unwrap_or_default();
                self.misfits.push(format!("{}{hint}", fault.message));
                return;
            }
        };
        let leftover = if self.drops_leftovers { Leftover::Drop } else { Leftover::Refuse };
        let mut misfits = BTreeSet::new();
        for (job, manifest) in chosen {
            let of_job = |it: &&Region| it.name.is_of(job);
            // Nobody goes on with the job of a region that is gone.
            let stages = regions.iter().find(of_job).map(|it| it.stages.clone());
            let shape = shape(&plan.part(&stages.unwrap_or_default()), registry);
            match fit(manifest, &shape, leftover) {
                Ok(fit) => {
                    self.fresh.extend(fit.fresh);
                    self.dropped.extend(fit.dropped);
                }
                Err(found) => {
                    self.are_leftovers &= found.iter().all(is_leftover);
                    misfits.extend(found.iter().map(ToString::to_string));
                }
            }
        }
        if !chosen.is_empty() {
            let is_new = |it: &&Region| !chosen.keys().any(|job| it.name.is_of(job));
            let new = regions.iter().filter(is_new);
            self.fresh.extend(new.flat_map(|it| it.stages.iter().cloned()));
        }
        self.misfits.extend(misfits);
    }
}

fn is_leftover(misfit: &Misfit) -> bool {
    matches!(misfit, Misfit::StageGone { .. } | Misfit::TableGone { .. })
}
