//! The driver of a run: carries what the coordinator of its checkpoints decides.
//!
//! Reports of stages and answers of the store come in; orders to the stages, writes to the store
//! and publications go out. What fails in passing is tried again for as long as the run lives: no
//! data is lost meanwhile, and the pipeline goes on.

mod lines;
mod uploading;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::future::{BoxFuture, TryFutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use weir_checkpoint::{
    Abandonment, Checkpoints, CommitPermit, Coordinator, Effect, Epoch, EpochKind, Group, Input,
    Prepared, Recovered, Refusal, Retention, Savepoint, Trigger,
};
use weir_domain::{Fault, SavepointName, StageId};
use weir_runtime::Stopwatch;

use super::backlog::Backlog;
use super::effects::{Word, check, deposed, keep, publish, store};
use super::{Report, Reports, Share, state};
use crate::control::Wanted;
use crate::inlet::Order;
use crate::means::Means;
use crate::report::Reporter;
use crate::services::Services;
use lines::Lines;
use uploading::{Uploaded, Uploading};

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

type Work<'a> = FuturesUnordered<BoxFuture<'a, Result<Done, Fault>>>;

pub(super) struct Drive<'a> {
    reach: Reach<'a>,
    share: Share,
    coordinator: Coordinator,
    /// The newest order that this run follows.
    order: u32,
    wishes: Wishes,
    /// What sinks have prepared.
    prepared: BTreeMap<StageId, Prepared>,
    uploading: Uploading,
    backlog: Backlog,
    pub(super) orders: Vec<mpsc::UnboundedSender<Order>>,
    /// What is being done in the world now.
    work: Work<'a>,
    pace: Pace,
    is_collecting: bool,
    pub(super) commits: u32,
    pub(super) end: Option<RunEnd>,
    lines: Lines,
}

/// The world as a run reaches it.
#[derive(Clone, Copy)]
struct Reach<'a> {
    services: &'a Services,
    means: &'a Means,
    group: &'a Group,
    checkpoints: &'a Checkpoints,
}

/// All savepoints that a run was told to take, and those of them that are still to be begun.
#[derive(Default)]
struct Wishes {
    told: Wanted,
    open: BTreeSet<SavepointName>,
}

/// When epochs begin.
#[derive(Default)]
struct Pace {
    begun: BTreeMap<Epoch, Stopwatch>,
    last: Option<EpochKind>,
    is_stopping: bool,
    /// An epoch was announced since somebody looked.
    has_announced: bool,
    /// The data of an abandoned epoch waits for the next one.
    is_owing: bool,
    /// What the sinks have written, when somebody looked last.
    written: u64,
}

impl<'a> Drive<'a> {
    pub(super) fn new(
        (services, means): (&'a Services, &'a Means),
        (group, checkpoints): (&'a Group, &'a Checkpoints),
        share: Share,
        coordinator: Coordinator,
        recovered: &Recovered,
    ) -> Self {
        let chains = state::chains(recovered.manifest.as_ref());
        Self {
            reach: Reach { services, means, group, checkpoints },
            share,
            coordinator,
            order: recovered.order,
            wishes: Wishes::default(),
            prepared: BTreeMap::new(),
            uploading: Uploading { chains, snapshots: VecDeque::new(), is_busy: false },
            backlog: Backlog::new(services.limits.backlog),
            orders: Vec::new(),
            work: Work::new(),
            pace: Pace::default(),
            is_collecting: false,
            commits: 0,
            end: None,
            lines: Lines::new(),
        }
    }

    /// Begins to publish what former runs have decided.
    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        let outstanding = self.coordinator.outstanding();
        self.effects(outstanding)?;
        self.look_back();
        Ok(())
    }

    pub(super) fn is_working(&self) -> bool {
        !self.work.is_empty()
    }

    /// The next thing in the world that was done, and all that follows from it. Waits for ever where
    /// nothing is under way.
    pub(super) async fn work(&mut self) -> Result<(), Fault> {
        tokio::select! {
            Some(done) = self.work.next() => self.take(done?),
            Some(line) = self.lines.warned.recv() => {
                self.lines.warned(line, self.reach.services.system.now());
                Ok(())
            }
        }
    }

    /// Says what there is to say.
    pub(super) fn pass_on(&mut self, reporter: &mut Reporter<'_>) {
        let now = self.reach.services.system.now();
        while let Ok(word) = self.lines.warned.try_recv() {
            self.lines.warned(word, now);
        }
        for word in self.lines.said.drain(..) {
            match word {
                Word::Warning(code, text) => reporter.warn(code, text),
                Word::Trouble(fault) => reporter.warn(fault.code.0, fault.message),
                Word::Published(address) => reporter.lists(&address),
            }
        }
    }

    /// Nothing more is to be read: too much waits to be published.
    pub(super) fn is_held(&self) -> bool {
        self.backlog.is_full()
    }

    /// What fails in the world for as long as that goes on, and what it keeps from happening.
    pub(super) fn trouble(&self) -> Option<Fault> {
        let (since, fault) = self.lines.trouble.as_ref()?;
        let held = match self.is_held() {
            true => format!(
                "; {} checkpoints wait to be published, and nothing more is read until then",
                self.backlog.epochs()
            ),
            false => String::new(),
        };
        let message = format!("since {since}: {fault}{held}");
        Some(Fault { message, ..Fault::clone(fault) })
    }

    /// Takes note of how much waits to be published.
    fn look_back(&mut self) {
        let epochs = self.coordinator.unpublished();
        if epochs == self.backlog.epochs() {
            return;
        }
        self.backlog.waiting(epochs);
        self.show_waiting(epochs);
    }

    fn show_waiting(&self, epochs: usize) {
        let job = self.reach.checkpoints.layout().job().to_string();
        metrics::gauge!("weir_checkpoints_unpublished", "job" => job).set(epochs as f64);
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
        self.effects(effects)?;
        self.look_back();
        Ok(())
    }

    /// The interval is over, and the sinks have written so much. Whether an epoch was begun: there may
    /// be too many under way, or to be published.
    pub(super) fn tick(
        &mut self,
        (has_moved, written): (bool, u64),
        is_paused: bool,
    ) -> Result<bool, Fault> {
        self.pace.written = written;
        self.give_up_late_ones()?;
        if !is_paused {
            self.take_savepoints()?;
        }
        if self.pace.is_stopping {
            // Refused, unless the last epoch was abandoned.
            return self.stop().map(|()| false);
        }
        if !has_moved && !self.pace.is_owing || self.is_held() {
            return Ok(false);
        }
        self.pace.has_announced = false;
        let at = self.reach.services.system.now();
        self.on(Input::Trigger(Trigger::Periodic { at }))?;
        self.pace.is_owing &= !self.pace.has_announced;
        Ok(self.pace.has_announced)
    }

    fn give_up_late_ones(&mut self) -> Result<(), Fault> {
        let within = self.reach.services.limits.checkpoint_within;
        let is_late = |it: &&Epoch| self.pace.begun.get(it).is_some_and(|it| it.elapsed() > within);
        let under_way: Vec<_> = self.coordinator.under_way().map(|it| it.0).collect();
        let late: Vec<_> = under_way.iter().filter(is_late).copied().collect();
        for epoch in late {
            self.on(Input::Overdue { epoch })?;
        }
        self.pace.begun.retain(|it, _| under_way.contains(it));
        Ok(())
    }

    /// Takes savepoints of these names, each as often as it was wanted.
    pub(super) fn save(&mut self, names: Wanted) -> Result<(), Fault> {
        let again = names.iter().filter(|(name, times)| self.wishes.told.get(*name) != Some(times));
        self.wishes.open.extend(again.map(|it| it.0.clone()));
        self.wishes.told = names;
        self.take_savepoints()
    }

    fn take_savepoints(&mut self) -> Result<(), Fault> {
        for name in std::mem::take(&mut self.wishes.open) {
            let at = self.reach.services.system.now();
            self.on(Input::Trigger(Trigger::Savepoint { at, name }))?;
        }
        Ok(())
    }

    /// The next epoch is to be the last.
    pub(super) fn stop(&mut self) -> Result<(), Fault> {
        self.pace.is_stopping = true;
        let at = self.reach.services.system.now();
        self.on(Input::Trigger(Trigger::Stop { at, savepoint: None }))
    }

    pub(super) fn reported(&mut self, stage: StageId, report: Report) -> Result<(), Fault> {
        match report {
            Report::Aligned(epoch, snapshot) => {
                self.on(Input::Aligned { stage: stage.clone(), epoch })?;
                self.uploading.snapshots.push_back((stage, epoch, snapshot));
                self.upload();
                Ok(())
            }
            Report::Skipped(epoch) => {
                let reason = "a later epoch overtook it".to_owned();
                self.on(Input::Failed { stage, epoch, reason })
            }
            Report::Ended => self.on(Input::Ended { stage, at: self.reach.services.system.now() }),
        }
    }

    fn effects(&mut self, effects: Vec<Effect>) -> Result<(), Fault> {
        effects.into_iter().try_for_each(|it| self.effect(it))
    }

    fn effect(&mut self, effect: Effect) -> Result<(), Fault> {
        match effect {
            Effect::Announce { epoch, kind } => {
                self.pace.begun.insert(epoch, Stopwatch::start());
                self.backlog.announced(epoch, self.pace.written);
                self.pace.last = Some(kind);
                self.pace.has_announced = true;
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
                let (checkpoints, voice) = (self.reach.checkpoints, self.lines.voice.clone());
                let stored = store(checkpoints, effect, voice);
                self.work.push(Box::pin(stored.map_ok(Done::Effect)));
            }
            Effect::CheckGeneration { .. } => {
                let (of, voice) =
                    ((self.reach.group, self.reach.checkpoints), self.lines.voice.clone());
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
                self.end = Some(match self.pace.last {
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
        let fault = Fault::transient(3183, format!("checkpoint {epoch} was abandoned: {why}"));
        // Until one is committed, more and more would have to be done again.
        self.lines.warned(Word::Trouble(fault), self.reach.services.system.now());
        self.pace.is_owing = true;
    }

    fn not_saved(&mut self, name: SavepointName, why: &Refusal) {
        let text = format!("savepoint {name} was not taken: {why}");
        self.lines.said.push(Word::Warning(3193, text));
        match why {
            Refusal::Abandoned(_) | Refusal::Busy { .. } => drop(self.wishes.open.insert(name)),
            Refusal::NameTaken | Refusal::Over => {}
        }
    }

    fn saved(&mut self, savepoint: Savepoint) {
        let Savepoint { name, epoch, .. } = savepoint;
        tracing::info!(code = "WEIR-03194", %epoch, job = %self.reach.checkpoints.layout().job(), "savepoint {name} is taken");
        let Reach { group, checkpoints, .. } = self.reach;
        let voice = self.lines.voice.clone();
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
        tracing::debug!(%epoch, job = %self.reach.checkpoints.layout().job(), "checkpoint committed");
        metrics::counter!("weir_checkpoints_total").increment(1);
        self.commits += 1;
        self.backlog.committed(epoch);
        self.lines.trouble = None;
        if self.commits % COLLECT_EVERY == 1 && !self.is_collecting {
            self.is_collecting = true;
            let (checkpoints, voice) = (self.reach.checkpoints, self.lines.voice.clone());
            let retention = self.retention();
            self.work.push(Box::pin(async move {
                if let Err(error) = checkpoints.collect(&retention).await {
                    let text = format!("old checkpoints could not be deleted: {error}");
                    let _ = voice.send(Word::Warning(3184, text));
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
            let (ground, checkpoints) =
                ((self.reach.services, self.reach.means), self.reach.checkpoints);
            let voice = self.lines.voice.clone();
            self.work.push(Box::pin(async move {
                publish(ground, checkpoints, committables, voice).await?;
                Ok(Done::Effect(Some(Input::Published { stage, epoch })))
            }));
        }
        Ok(())
    }
}

impl Drop for Drive<'_> {
    /// The gauge tells nothing of a job that is not worked on here.
    fn drop(&mut self) {
        self.show_waiting(0);
    }
}
