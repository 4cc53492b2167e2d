//! The lanes of a workflow as operators see them: named savepoints, and where lanes begin next.
//!
//! ```text
//! jobs/WORKFLOW             the group of a workflow's lanes (`weir_checkpoint::group`)
//! jobs/WORKFLOW/lane-1/…    the checkpoints of a lane
//! ```
//!
//! Who works on a lane meanwhile, and who may ask, is decided by those who call this. What is decided
//! here is what is in the store, and whether it fits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use weir_checkpoint::fit::{Leftover, Misfit, PlanShape, StageShape, fit};
use weir_checkpoint::group::{Begin, Order};
pub use weir_checkpoint::group::{Begin as OrderBegin, Wish};
use weir_checkpoint::{Checkpoints, Epoch, Group, Manifest, Retry, StageManifest, TableManifest};
use weir_domain::plan::{Plan, Role};
use weir_domain::{
    Digest, Fault, SavepointName, SourceName, StageId, TableName, Timestamp, WorkflowName,
};
use weir_persistence_api::BlobStore;
use weir_runtime::Tasks;

use super::driver::fault;
use super::state::{TableSpec, entries};
use super::{Splits, position};
use crate::Registry;
use crate::layout::stage_ids;

/// Larger tables are not read to count their entries.
const COUNTED_BYTES_MAX: u64 = 64 << 20;

/// What all deployments of a workflow claim its lanes as, whatever its sources are called.
pub fn lanes_source(workflow: &WorkflowName) -> SourceName {
    SourceName::of(workflow, &StageId::new("lanes").expect("a name"))
}

/// The lane of this number, from 0.
pub(super) fn lane_name(lane: u32) -> String {
    format!("lane-{}", lane + 1)
}

pub(super) fn group(store: Arc<dyn BlobStore>, workflow: &WorkflowName) -> Result<Group, Fault> {
    let group = Group::new(store, &format!("jobs/{workflow}"), Retry::default());
    group.map_err(|it| Fault::config(3188, it.to_string()))
}

pub(super) fn lane(group: &Group, lane: u32) -> Result<Checkpoints, Fault> {
    job(group, &lane_name(lane))
}

fn job(group: &Group, lane: &str) -> Result<Checkpoints, Fault> {
    group.job(lane).map_err(|it| Fault::config(3188, it.to_string()))
}

/// What of a plan its state has to fit.
pub(super) fn shape(plan: &Plan, registry: &Registry) -> PlanShape {
    let ids = stage_ids(plan);
    let digest = Digest::of(&serde_json::to_vec(&ids).expect("names become JSON"));
    let mut stages: BTreeMap<_, _> =
        ids.into_iter().map(|it| (it, StageShape::default())).collect();
    for stage in &plan.stages {
        let Some(shape) = stages.get_mut(&stage.id) else { continue };
        shape.is_source = stage.role == Role::Source;
        let kind = registry.operators.get(stage.kind.as_str());
        if let Some(kind) = kind.filter(|_| stage.role == Role::Operator) {
            shape.tables = kind.tables(&stage.config);
        }
    }
    PlanShape { digest, stages }
}

/// A savepoint of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    pub name: SavepointName,
    /// Who wanted it, and which runs were told; `None`: that can't be read.
    pub wish: Option<Wish>,
    /// What can't be read.
    pub fault: Option<Fault>,
    /// By lane; those that have not taken it have none.
    pub lanes: BTreeMap<String, Option<SavedLane>>,
}

impl Saved {
    /// All lanes have taken it.
    pub fn is_whole(&self) -> bool {
        self.fault.is_none() && !self.lanes.is_empty() && self.lanes.values().all(Option::is_some)
    }
}

/// A checkpoint of one lane.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedLane {
    pub epoch: Epoch,
    pub taken_at: Timestamp,
    /// Of the names of the stages that it was taken of.
    pub plan: Digest,
    pub stages: BTreeMap<StageId, SavedStage>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SavedStage {
    /// Of a source: where it reads on.
    pub splits: Option<Splits>,
    pub is_ended: bool,
    pub tables: BTreeMap<TableName, SavedTable>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SavedTable {
    pub spec: TableSpec,
    /// As they are stored.
    pub bytes: u64,
    /// `None`: nobody has counted them, or there are too many.
    pub entries: Option<u64>,
}

impl SavedLane {
    pub fn bytes(&self) -> u64 {
        self.stages.values().flat_map(|it| it.tables.values()).map(|it| it.bytes).sum()
    }

    fn of(manifest: &Manifest) -> Self {
        let Manifest { epoch, announced_at: taken_at, plan, .. } = *manifest;
        let stages = manifest.stages.iter().map(|(id, it)| (id.clone(), SavedStage::of(it)));
        Self { epoch, taken_at, plan, stages: stages.collect() }
    }
}

impl SavedStage {
    fn of(stage: &StageManifest) -> Self {
        let table = |it: &TableManifest| {
            let bytes = it.parts.iter().map(|it| it.bytes).sum();
            SavedTable { spec: it.spec, bytes, entries: None }
        };
        let tables = stage.tables.iter().map(|(name, it)| (name.clone(), table(it)));
        let splits = position::look(&stage.position);
        Self { splits, is_ended: stage.is_ended, tables: tables.collect() }
    }
}

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

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("the workflow has no checkpoints: it is not live, or never ran")]
    NeverRan,
    #[error("there is no savepoint {name}")]
    NoSavepoint { name: SavepointName, there: Vec<SavepointName> },
    #[error("savepoint {name} is not whole: {} did not take it", .missing.join(", "))]
    NotWhole { name: SavepointName, missing: Vec<String> },
    #[error("{} is to begin from savepoint {name}, and has not yet", .lanes.join(", "))]
    Awaited { name: SavepointName, lanes: Vec<String> },
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a workflow has in the store.
pub struct Jobs {
    group: Group,
    tasks: Tasks,
}

impl Jobs {
    pub fn new(
        store: Arc<dyn BlobStore>,
        tasks: Tasks,
        workflow: &WorkflowName,
    ) -> Result<Self, Fault> {
        Ok(Self { group: group(store, workflow)?, tasks })
    }

    /// Its lanes; none, if it never ran since it was reset.
    pub async fn lanes(&self) -> Result<Vec<String>, Fault> {
        let order = self.newest_order().await?;
        self.lanes_under(order.as_ref()).await
    }

    async fn newest_order(&self) -> Result<Option<Order>, Fault> {
        self.group.newest_order().await.map_err(|it| fault(&it))
    }

    async fn lanes_under(&self, order: Option<&Order>) -> Result<Vec<String>, Fault> {
        let lanes = self.group.jobs(order).await.map_err(|it| fault(&it))?;
        Ok((0..lanes.unwrap_or(0)).map(lane_name).collect())
    }

    /// Whether there is anything of the workflow.
    pub async fn is_known(&self) -> Result<bool, Fault> {
        Ok(self.newest_order().await?.is_some() || !self.lanes().await?.is_empty())
    }

    /// All savepoints, by name.
    pub async fn savepoints(&self) -> Result<Vec<Saved>, Fault> {
        let mut saved = Vec::new();
        for (name, wish) in self.group.wishes().await.map_err(|it| fault(&it))? {
            saved.push(match wish {
                Ok(wish) => self.saved(wish).await,
                Err(error) => unreadable(name, None, fault(&error)),
            });
        }
        Ok(saved)
    }

    /// A savepoint with all that it holds.
    pub async fn savepoint(&self, name: &SavepointName) -> Result<Option<Saved>, Fault> {
        let wish = match self.group.wished(name).await {
            Ok(None) => return Ok(None),
            Ok(Some(wish)) => wish,
            Err(error) => return Ok(Some(unreadable(name.clone(), None, fault(&error)))),
        };
        let mut saved = self.saved(wish).await;
        for (lane, it) in &mut saved.lanes {
            let Some(it) = it else { continue };
            self.count(lane, name, it).await?;
        }
        Ok(Some(saved))
    }

    async fn saved(&self, wish: Wish) -> Saved {
        let mut lanes = BTreeMap::new();
        for lane in wish.runs.keys() {
            match self.saved_lane(lane, &wish.name).await {
                Ok(it) => drop(lanes.insert(lane.clone(), it.as_ref().map(SavedLane::of))),
                Err(fault) => return unreadable(wish.name.clone(), Some(wish), fault),
            }
        }
        Saved { name: wish.name.clone(), wish: Some(wish), fault: None, lanes }
    }

    async fn saved_lane(
        &self,
        lane: &str,
        name: &SavepointName,
    ) -> Result<Option<Manifest>, Fault> {
        match job(&self.group, lane)?.savepoint(name).await {
            Ok((_, manifest)) => Ok(Some(manifest)),
            Err(weir_checkpoint::Error::NoSavepoint { .. }) => Ok(None),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Counts the entries of tables.
    async fn count(
        &self,
        lane: &str,
        name: &SavepointName,
        saved: &mut SavedLane,
    ) -> Result<(), Fault> {
        let checkpoints = job(&self.group, lane)?;
        let Some(manifest) = self.saved_lane(lane, name).await? else { return Ok(()) };
        for (id, stage) in &manifest.stages {
            for (table, of) in &stage.tables {
                let found = saved.stages.get_mut(id).and_then(|it| it.tables.get_mut(table));
                let Some(found) = found.filter(|it| it.bytes <= COUNTED_BYTES_MAX) else {
                    continue;
                };
                let mut parts: Vec<Bytes> = Vec::with_capacity(of.parts.len());
                for part in &of.parts {
                    parts.push(checkpoints.part(part).await.map_err(|it| fault(&it))?);
                }
                let counting = self.tasks.spawn_blocking("savepoint", move || entries(&parts));
                // What can't be read is said when it is restored; here it is not counted.
                found.entries = counting.join().await.ok().and_then(Result::ok);
            }
        }
        Ok(())
    }

    /// Reserves the name of a savepoint; whose it is. What lies in the lanes under a name that was
    /// free is nobody's.
    pub async fn reserve(&self, wish: &Wish) -> Result<Wish, Fault> {
        let found = self.group.wish(wish).await.map_err(|it| fault(&it))?;
        if found == *wish {
            self.delete_in_lanes(wish).await?;
        }
        Ok(found)
    }

    /// Deletes a savepoint; `false`: there is none.
    pub async fn delete(&self, name: &SavepointName) -> Result<bool, Refused> {
        if let Some(order) = self.newest_order().await?
            && matches!(&order.begin, Begin::Savepoint { name: of, .. } if of == name)
        {
            let lanes = self.behind(&order).await?;
            if !lanes.is_empty() {
                return Err(Refused::Awaited { name: name.clone(), lanes });
            }
        }
        let wish = self.group.wished(name).await.map_err(|it| fault(&it))?;
        let Some(wish) = wish else { return Ok(false) };
        self.delete_in_lanes(&wish).await?;
        self.group.wish_forget(name).await.map_err(|it| fault(&it))?;
        Ok(true)
    }

    async fn delete_in_lanes(&self, wish: &Wish) -> Result<(), Fault> {
        for lane in wish.runs.keys() {
            match job(&self.group, lane)?.savepoint_delete(&wish.name).await {
                Ok(()) | Err(weir_checkpoint::Error::NoSavepoint { .. }) => {}
                Err(error) => return Err(fault(&error)),
            }
        }
        Ok(())
    }

    /// The lanes that do not yet follow an order.
    async fn behind(&self, order: &Order) -> Result<Vec<String>, Fault> {
        let mut behind = Vec::new();
        for lane in self.lanes_under(Some(order)).await? {
            let newest = job(&self.group, &lane)?.newest().await.map_err(|it| fault(&it))?;
            if newest.is_none_or(|it| it.0.order < order.number) {
                behind.push(lane);
            }
        }
        Ok(behind)
    }

    /// The order that was given under this id.
    pub async fn ordered(&self, id: &str) -> Result<Option<Order>, Fault> {
        let orders = self.group.orders().await.map_err(|it| fault(&it))?;
        Ok(orders.into_iter().find(|it| it.id == id))
    }

    /// What an order would do. With the plan of the workflow, if it is known, it is told whether that
    /// fits.
    pub async fn plan(
        &self,
        asked: &Asked,
        drops_leftovers: bool,
        plan: Option<(&Plan, &Registry)>,
    ) -> Result<Renewal, Refused> {
        let order = self.newest_order().await?;
        let there = self.lanes_under(order.as_ref()).await?;
        if there.is_empty() && order.is_none() {
            return Err(Refused::NeverRan);
        }
        let chosen = self.chosen(asked, &there).await?;
        let begin = match asked {
            Asked::Newest => Begin::Newest,
            Asked::Nothing => Begin::Nothing,
            Asked::Savepoint(name) => {
                let epochs = chosen.iter().map(|(lane, it)| (lane.clone(), it.epoch)).collect();
                Begin::Savepoint { name: name.clone(), epochs }
            }
        };
        let lanes = match asked {
            Asked::Newest => there.len(),
            Asked::Nothing => 0,
            Asked::Savepoint(_) => chosen.len(),
        };
        let mut renewal = Renewal {
            number: order.map_or(1, |it| it.number + 1),
            begin,
            jobs: u32::try_from(lanes).ok().filter(|it| *it > 0),
            drops_leftovers,
            lanes: self.standings(&there, &chosen).await?,
            fresh: BTreeSet::new(),
            dropped: BTreeSet::new(),
            misfits: Vec::new(),
            are_leftovers: true,
            is_plan_known: plan.is_some(),
        };
        if let Some((plan, registry)) = plan {
            renewal.check(plan, registry, chosen.values());
        }
        Ok(renewal)
    }

    /// The checkpoints that lanes would begin from.
    async fn chosen(
        &self,
        asked: &Asked,
        there: &[String],
    ) -> Result<BTreeMap<String, Manifest>, Refused> {
        let mut chosen = BTreeMap::new();
        match asked {
            Asked::Nothing => {}
            Asked::Newest => {
                for lane in there {
                    let newest = job(&self.group, lane)?.newest().await.map_err(|it| fault(&it))?;
                    chosen.extend(newest.map(|it| (lane.clone(), it.1)));
                }
            }
            Asked::Savepoint(name) => {
                let wish = self.group.wished(name).await.map_err(|it| fault(&it))?;
                let Some(wish) = wish else {
                    let there = self.group.wishes().await.map_err(|it| fault(&it))?;
                    let there = there.into_iter().map(|it| it.0).collect();
                    return Err(Refused::NoSavepoint { name: name.clone(), there });
                };
                for lane in wish.runs.keys() {
                    let manifest = self.saved_lane(lane, name).await?;
                    chosen.extend(manifest.map(|it| (lane.clone(), it)));
                }
                let missing = wish.runs.into_keys().filter(|it| !chosen.contains_key(it));
                let missing: Vec<_> = missing.collect();
                if !missing.is_empty() {
                    return Err(Refused::NotWhole { name: name.clone(), missing });
                }
            }
        }
        Ok(chosen)
    }

    async fn standings(
        &self,
        there: &[String],
        chosen: &BTreeMap<String, Manifest>,
    ) -> Result<Vec<LaneStanding>, Fault> {
        let mut lanes = Vec::new();
        for lane in there.iter().chain(chosen.keys()).collect::<BTreeSet<_>>() {
            // What can't be read any more is what one wants to get away from.
            let stands = job(&self.group, lane)?.newest().await.ok().flatten();
            let stands = stands.map(|it| SavedLane::of(&it.1));
            let begins = chosen.get(lane).map(SavedLane::of);
            lanes.push(LaneStanding { lane: lane.clone(), stands, begins });
        }
        Ok(lanes)
    }

    /// Gives the order that was planned; `false`: somebody else gave one since.
    pub async fn order(
        &self,
        renewal: &Renewal,
        id: String,
        given_at: Timestamp,
        by: String,
    ) -> Result<bool, Fault> {
        let Renewal { number, begin, jobs, drops_leftovers, .. } = renewal.clone();
        let order = Order { number, id, begin, jobs, drops_leftovers, given_at, by };
        self.group.give(&order).await.map_err(|it| fault(&it))
    }
}

impl Renewal {
    fn check<'a>(
        &mut self,
        plan: &Plan,
        registry: &Registry,
        manifests: impl Iterator<Item = &'a Manifest>,
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
        for manifest in manifests {
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
        self.misfits.extend(misfits);
    }
}

fn is_leftover(misfit: &Misfit) -> bool {
    matches!(misfit, Misfit::StageGone { .. } | Misfit::TableGone { .. })
}

fn unreadable(name: SavepointName, wish: Option<Wish>, fault: Fault) -> Saved {
    Saved { name, wish, fault: Some(fault), lanes: BTreeMap::new() }
}
