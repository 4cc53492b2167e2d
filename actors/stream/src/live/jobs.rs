//! The lanes of a workflow as operators see them: named savepoints, and where lanes begin next.
//!
//! ```text
//! jobs/WORKFLOW             the group of a workflow's lanes (`weir_checkpoint::group`)
//! jobs/WORKFLOW/lane-1/…    the checkpoints of a lane, or of its first region
//! jobs/WORKFLOW/lane-1.a/…  of the region that was found with source a (`regions`)
//! ```
//!
//! What is called a lane here is a job: one region of a lane. Most workflows have one region.
//!
//! Who works on a lane meanwhile, and who may ask, is decided by those who call this. What is decided
//! here is what is in the store, and whether it fits.

mod renewal;
mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use weir_checkpoint::fit::{PlanShape, StageShape};
use weir_checkpoint::group::{Begin, Order};
use weir_checkpoint::{Checkpoints, Group, Manifest, Retry};
use weir_domain::plan::{Plan, Role};
use weir_domain::{Digest, Fault, SavepointName, SourceName, StageId, Timestamp, WorkflowName};
use weir_persistence_api::BlobStore;
use weir_runtime::Tasks;

use super::effects::fault;
use super::regions;
use super::state::entries;
use crate::Registry;
use crate::layout::stage_ids;

pub use renewal::{Asked, LaneStanding, Renewal};
pub use saved::{Saved, SavedLane, SavedStage, SavedTable};
pub use weir_checkpoint::group::{Begin as OrderBegin, Wish};

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

/// The checkpoints of a job: of one region of a lane (`regions`).
pub(super) fn job(group: &Group, name: &str) -> Result<Checkpoints, Fault> {
    group.job(name).map_err(|it| Fault::config(3188, it.to_string()))
}

/// How many lanes these jobs are of.
fn lanes_of<'a>(jobs: impl Iterator<Item = &'a String>) -> usize {
    jobs.map(|it| lane_of(it)).collect::<BTreeSet<_>>().len()
}

/// The name of the lane that a job is of.
fn lane_of(job: &str) -> &str {
    job.split_once('.').map_or(job, |it| it.0)
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
        let Some(lanes) = self.group.jobs(order).await.map_err(|it| fault(&it))? else {
            return Ok(Vec::new());
        };
        let regions = regions::names(&self.group, order).await?;
        Ok((0..lanes).flat_map(|lane| regions.iter().map(move |it| it.job(lane))).collect())
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
                Err(error) => Saved::unreadable(name, None, fault(&error)),
            });
        }
        Ok(saved)
    }

    /// A savepoint with all that it holds.
    pub async fn savepoint(&self, name: &SavepointName) -> Result<Option<Saved>, Fault> {
        let wish = match self.group.wished(name).await {
            Ok(None) => return Ok(None),
            Ok(Some(wish)) => wish,
            Err(error) => return Ok(Some(Saved::unreadable(name.clone(), None, fault(&error)))),
        };
        let mut saved = self.saved(wish).await;
        // Who waits for it looks again and again.
        let is_whole = saved.is_whole();
        for (lane, it) in saved.lanes.iter_mut().filter(|_| is_whole) {
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
                Err(fault) => return Saved::unreadable(wish.name.clone(), Some(wish), fault),
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

    /// Takes a savepoint of a lane that has come to its end; `false`: it has not.
    pub async fn save_ended(
        &self,
        lane: &str,
        name: &SavepointName,
        at: Timestamp,
    ) -> Result<bool, Fault> {
        let saved = job(&self.group, lane)?.savepoint_of_end(name, at).await;
        saved.map_err(|it| fault(&it))
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
            Asked::Newest => lanes_of(there.iter()),
            Asked::Nothing => 0,
            Asked::Savepoint(_) => lanes_of(chosen.keys()),
        };
        let mut renewal = Renewal {
            number: order.as_ref().map_or(1, |it| it.number + 1),
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
            let places = match asked {
                Asked::Newest => regions::standing(&self.group, order.as_ref()).await?,
                Asked::Nothing => regions::Places::new(),
                Asked::Savepoint(_) => regions::of_saved(&chosen),
            };
            renewal.check(plan, registry, &chosen, &places);
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
