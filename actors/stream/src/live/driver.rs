//! The driver of a run: carries what the coordinator of its checkpoints decides.
//!
//! Reports of stages and answers of the store come in; orders to the stages, writes to the store
//! and publications go out. What fails in passing is tried again for as long as the run lives: no
//! data is lost meanwhile, and the pipeline goes on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::future::{BoxFuture, TryFutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use weir_checkpoint::{
    Abandonment, Checkpoints, CommitPermit, Committable, Coordinator, Effect, Epoch, EpochKind,
    Group, Input, Prepared, Recovered, Refusal, Retention, Savepoint, StageManifest, Trigger,
};
use weir_domain::{Fault, SavepointName, StageId};
use weir_runtime::Stopwatch;

use super::effects::{check, deposed, keep, publish, store};
use super::state::{self, Chains, Uploads};
use super::{Report, Reports, Share, Snapshot, Splits, position};
use crate::control::Wanted;
use crate::inlet::Order;
use crate::means::Means;
use crate::report::Reporter;
use crate::services::Services;

/// How long an epoch may be under way.
const EPOCH_WITHIN: Duration = Duration::from_secs(600);
/// Epochs that a job can still be restored from.
const EPOCHS_KEPT: usize = 3;
/// After how many commits what nobody needs any more is deleted.
const COLLECT_EVERY: u32 = 8;

/// Whom the stages of a pipeline report to.
pub(crate) struct Driver(pub(crate) mpsc::UnboundedSender<(StageId, Report)>);

impl Driver {
    pub(crate) fn reports(&self, stage: &StageId) -> Reports {
        Reports { stage: stage.clone(), driver: self.0.clone() }
    }
}

/// How a run of a lane ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    /// All sources have ended, and all is published.
    Finished,
    /// It was stopped, and all that was read is published.
    Stopped,
    /// It did not begin: since it was asked whose job it is, an order was given.
    Renewed,
}

/// What was done in the world.
enum Done {
    /// An effect, with what the coordinator is told of it.
    Effect(Option<Input>),
    /// The deletion of what nobody needs.
    Collection,
    /// A snapshot.
    Upload(Box<Uploaded>),
}

/// A snapshot, all of which is durable.
struct Uploaded {
    stage: StageId,
    epoch: Epoch,
    splits: Option<Splits>,
    is_ended: bool,
    committable: Option<Committable>,
    chains: Chains,
}

type Work<'a> = FuturesUnordered<BoxFuture<'a, Result<Done, Fault>>>;

pub(super) struct Drive<'a> {
    services: &'a Services,
    means: &'a Means,
    group: &'a Group,
    checkpoints: &'a Checkpoints,
    share: Share,
    coordinator: Coordinator,
    /// The newest order that this run follows.
    order: u32,
    /// All savepoints that it was told to take, and those of them that are still to be begun.
    told: Wanted,
    wanted: BTreeSet<SavepointName>,
    /// What sinks have prepared.
    prepared: BTreeMap<StageId, Prepared>,
    /// What the tables of the stages consist of.
    chains: BTreeMap<StageId, Chains>,
    /// Snapshots that are to be stored, one after the other: a table's parts have an order.
    snapshots: VecDeque<(StageId, Epoch, Snapshot)>,
    is_uploading: bool,
    pub(super) orders: Vec<mpsc::UnboundedSender<Order>>,
    /// What is being done in the world now.
    work: Work<'a>,
    begun: BTreeMap<Epoch, Stopwatch>,
    last: Option<EpochKind>,
    is_stopping: bool,
    is_collecting: bool,
    /// An epoch was announced since somebody looked.
    has_announced: bool,
    /// The data of an abandoned epoch waits for the next one.
    is_owing: bool,
    pub(super) commits: u32,
    pub(super) end: Option<RunEnd>,
    /// Lines for the log of the stream: code and text.
    said: Vec<(u32, String)>,
    warnings: mpsc::UnboundedSender<(u32, String)>,
    warned: mpsc::UnboundedReceiver<(u32, String)>,
}

impl<'a> Drive<'a> {
    pub(super) fn new(
        (services, means): (&'a Services, &'a Means),
        (group, checkpoints): (&'a Group, &'a Checkpoints),
        share: Share,
        coordinator: Coordinator,
        recovered: &Recovered,
    ) -> Self {
        let (warnings, warned) = mpsc::unbounded_channel();
        Self {
            services,
            means,
            group,
            checkpoints,
            share,
            coordinator,
            order: recovered.order,
            told: Wanted::new(),
            wanted: BTreeSet::new(),
            prepared: BTreeMap::new(),
            chains: state::chains(recovered.manifest.as_ref()),
            snapshots: VecDeque::new(),
            is_uploading: false,
            orders: Vec::new(),
            work: Work::new(),
            begun: BTreeMap::new(),
            last: None,
            is_stopping: false,
            is_collecting: false,
            has_announced: false,
            is_owing: false,
            commits: 0,
            end: None,
            said: Vec::new(),
            warnings,
            warned,
        }
    }

    /// Begins to publish what former runs have decided.
    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        let outstanding = self.coordinator.outstanding();
        self.effects(outstanding)
    }

    pub(super) fn is_working(&self) -> bool {
        !self.work.is_empty()
    }

    /// The next thing in the world that was done, and all that follows from it. Waits for ever where
    /// nothing is under way.
    pub(super) async fn work(&mut self) -> Result<(), Fault> {
        tokio::select! {
            Some(done) = self.work.next() => self.take(done?),
            Some(line) = self.warned.recv() => {
                self.said.push(line);
                Ok(())
            }
        }
    }

    /// Says what there is to say.
    pub(super) fn pass_on(&mut self, reporter: &Reporter<'_>) {
        for (code, text) in self.said.drain(..) {
            reporter.warn(code, text);
        }
    }

    fn take(&mut self, done: Done) -> Result<(), Fault> {
        match done {
            Done::Effect(input) => input.map_or(Ok(()), |it| self.on(it)),
            Done::Collection => {
                self.is_collecting = false;
                Ok(())
            }
            Done::Upload(uploaded) => self.uploaded(*uploaded),
        }
    }

    fn on(&mut self, input: Input) -> Result<(), Fault> {
        let effects = self.coordinator.on(input);
        self.effects(effects)
    }

    /// The interval is over. Whether an epoch was begun: there may be too many under way.
    pub(super) fn tick(&mut self, has_moved: bool, is_paused: bool) -> Result<bool, Fault> {
        self.give_up_late_ones()?;
        if !is_paused {
            self.take_savepoints()?;
        }
        if self.is_stopping {
            // Refused, unless the last epoch was abandoned.
            return self.stop().map(|()| false);
        }
        if !has_moved && !self.is_owing {
            return Ok(false);
        }
        self.has_announced = false;
        let at = self.services.system.now();
        self.on(Input::Trigger(Trigger::Periodic { at }))?;
        self.is_owing &= !self.has_announced;
        Ok(self.has_announced)
    }

    fn give_up_late_ones(&mut self) -> Result<(), Fault> {
        let is_late =
            |it: &&Epoch| self.begun.get(it).is_some_and(|it| it.elapsed() > EPOCH_WITHIN);
        let under_way: Vec<_> = self.coordinator.under_way().map(|it| it.0).collect();
        let late: Vec<_> = under_way.iter().filter(is_late).copied().collect();
        for epoch in late {
            self.on(Input::Overdue { epoch })?;
        }
        self.begun.retain(|it, _| under_way.contains(it));
        Ok(())
    }

    /// Takes savepoints of these names, each as often as it was wanted.
    pub(super) fn save(&mut self, names: Wanted) -> Result<(), Fault> {
        let again = names.iter().filter(|(name, times)| self.told.get(*name) != Some(times));
        self.wanted.extend(again.map(|it| it.0.clone()));
        self.told = names;
        self.take_savepoints()
    }

    fn take_savepoints(&mut self) -> Result<(), Fault> {
        for name in std::mem::take(&mut self.wanted) {
            let at = self.services.system.now();
            self.on(Input::Trigger(Trigger::Savepoint { at, name }))?;
        }
        Ok(())
    }

    /// The next epoch is to be the last.
    pub(super) fn stop(&mut self) -> Result<(), Fault> {
        self.is_stopping = true;
        let at = self.services.system.now();
        self.on(Input::Trigger(Trigger::Stop { at, savepoint: None }))
    }

    pub(super) fn reported(&mut self, stage: StageId, report: Report) -> Result<(), Fault> {
        match report {
            Report::Aligned(epoch, snapshot) => {
                self.on(Input::Aligned { stage: stage.clone(), epoch })?;
                self.snapshots.push_back((stage, epoch, snapshot));
                self.upload();
                Ok(())
            }
            Report::Skipped(epoch) => {
                let reason = "a later epoch overtook it".to_owned();
                self.on(Input::Failed { stage, epoch, reason })
            }
            Report::Ended => self.on(Input::Ended { stage, at: self.services.system.now() }),
        }
    }

    /// Begins to store the next snapshot.
    fn upload(&mut self) {
        if self.is_uploading {
            return;
        }
        let Some((stage, epoch, snapshot)) = self.snapshots.pop_front() else { return };
        self.is_uploading = true;
        let mut chains = self.chains.remove(&stage).unwrap_or_default();
        let (checkpoints, tasks) = (self.checkpoints, self.services.system.tasks());
        let uploads = Uploads { checkpoints, tasks, voice: self.warnings.clone() };
        self.work.push(Box::pin(async move {
            let Snapshot { splits, is_ended, actions, tables } = snapshot;
            for it in tables {
                uploads.table((&stage, epoch), &mut chains, it).await?;
            }
            let committable = match actions.is_empty() {
                true => None,
                false => Some(uploads.committable((&stage, epoch), &actions).await?),
            };
            let uploaded = Uploaded { stage, epoch, splits, is_ended, committable, chains };
            Ok(Done::Upload(Box::new(uploaded)))
        }));
    }

    fn uploaded(&mut self, uploaded: Uploaded) -> Result<(), Fault> {
        let Uploaded { stage, epoch, splits, is_ended, committable, chains } = uploaded;
        if let Some(committable) = committable {
            self.prepared(&stage).prepare(epoch, committable);
        }
        let manifest = StageManifest {
            position: splits.map(|it| position::write(self.share, it)).unwrap_or_default(),
            is_ended,
            tables: chains.iter().map(|(name, it)| (name.clone(), it.manifest())).collect(),
            committables: self.prepared(&stage).report(epoch),
            uploads: Vec::new(),
        };
        self.chains.insert(stage.clone(), chains);
        self.is_uploading = false;
        self.upload();
        self.on(Input::Reported { stage, epoch, manifest: Box::new(manifest) })
    }

    fn prepared(&mut self, stage: &StageId) -> &mut Prepared {
        let generation = self.coordinator.generation();
        let new = || Prepared::new(stage.clone(), generation);
        self.prepared.entry(stage.clone()).or_insert_with(new)
    }

    fn effects(&mut self, effects: Vec<Effect>) -> Result<(), Fault> {
        effects.into_iter().try_for_each(|it| self.effect(it))
    }

    fn effect(&mut self, effect: Effect) -> Result<(), Fault> {
        match effect {
            Effect::Announce { epoch, kind } => {
                self.begun.insert(epoch, Stopwatch::start());
                self.last = Some(kind);
                self.has_announced = true;
                self.tell(Order::Announce(epoch, kind));
            }
            Effect::Abandon { epoch, why } => self.abandoned(epoch, &why),
            Effect::Claimed { epoch } => self.tell(Order::Claimed(epoch)),
            Effect::Publish(permit) => self.publish(&permit)?,
            Effect::Committed { epoch } => self.committed(epoch),
            Effect::StoreManifest { .. }
            | Effect::Append { .. }
            | Effect::Mark(_)
            | Effect::Name(_) => {
                let (checkpoints, voice) = (self.checkpoints, self.warnings.clone());
                let stored = store(checkpoints, effect, voice);
                self.work.push(Box::pin(stored.map_ok(Done::Effect)));
            }
            Effect::CheckGeneration { .. } => {
                let (of, voice) = ((self.group, self.checkpoints), self.warnings.clone());
                let checked = check(of, self.order, effect, voice);
                self.work.push(Box::pin(checked.map_ok(Done::Effect)));
            }
            Effect::Refused { savepoint: None, why } => {
                tracing::debug!(%why, "no checkpoint was begun");
            }
            Effect::Refused { savepoint: Some(name), why } => self.not_saved(name, &why),
            Effect::Named(savepoint) => self.saved(savepoint),
            Effect::Aligned { .. } => {}
            Effect::Over { .. } => {
                self.end = Some(match self.last {
                    Some(EpochKind::Stop) => RunEnd::Stopped,
                    Some(EpochKind::Periodic | EpochKind::Final) | None => RunEnd::Finished,
                });
                self.tell(Order::Over);
            }
            Effect::Deposed { by } => return Err(deposed(by)),
        }
        Ok(())
    }

    fn tell(&self, order: Order) {
        for stage in &self.orders {
            // One that has ended says so by itself.
            let _ = stage.send(order);
        }
    }

    fn abandoned(&mut self, epoch: Epoch, why: &Abandonment) {
        self.tell(Order::Abandon(epoch));
        self.said.push((3183, format!("checkpoint {epoch} was abandoned: {why}")));
        self.is_owing = true;
    }

    fn not_saved(&mut self, name: SavepointName, why: &Refusal) {
        self.said.push((3193, format!("savepoint {name} was not taken: {why}")));
        match why {
            Refusal::Abandoned(_) | Refusal::Busy { .. } => drop(self.wanted.insert(name)),
            Refusal::NameTaken | Refusal::Over => {}
        }
    }

    fn saved(&mut self, savepoint: Savepoint) {
        let Savepoint { name, epoch, .. } = savepoint;
        tracing::info!(code = "WEIR-03194", %epoch, job = %self.checkpoints.layout().job(), "savepoint {name} is taken");
        let (group, checkpoints) = (self.group, self.checkpoints);
        let voice = self.warnings.clone();
        self.work.push(Box::pin(async move {
            keep((group, checkpoints), name, voice).await?;
            Ok(Done::Effect(None))
        }));
    }

    /// What of the job is kept.
    pub(super) fn retention(&self) -> Retention {
        Retention {
            epochs: EPOCHS_KEPT,
            generation: self.coordinator.generation(),
            slot: self.coordinator.slot(),
            pins: self.coordinator.pins(),
        }
    }

    fn committed(&mut self, epoch: Epoch) {
        tracing::debug!(%epoch, job = %self.checkpoints.layout().job(), "checkpoint committed");
        metrics::counter!("weir_checkpoints_total").increment(1);
        self.commits += 1;
        if self.commits % COLLECT_EVERY == 1 && !self.is_collecting {
            self.is_collecting = true;
            let (checkpoints, voice) = (self.checkpoints, self.warnings.clone());
            let retention = self.retention();
            self.work.push(Box::pin(async move {
                if let Err(error) = checkpoints.collect(&retention).await {
                    let text = format!("old checkpoints could not be deleted: {error}");
                    let _ = voice.send((3184, text));
                }
                Ok(Done::Collection)
            }));
        }
    }

    fn publish(&mut self, permit: &CommitPermit) -> Result<(), Fault> {
        let epoch = permit.epoch();
        let stages: BTreeSet<_> = permit.stages().cloned().collect();
        for stage in stages {
            let accepted = self.prepared(&stage).accept(permit);
            let committables = accepted.map_err(|it| deposed(it.current))?;
            let committables = committables.into_iter().map(|it| it.1).collect();
            let (ground, checkpoints) = ((self.services, self.means), self.checkpoints);
            let voice = self.warnings.clone();
            self.work.push(Box::pin(async move {
                publish(ground, checkpoints, committables, voice).await?;
                Ok(Done::Effect(Some(Input::Published { stage, epoch })))
            }));
        }
        Ok(())
    }
}
