//! The host as an actor: its life from recovery to its end. Its mailbox is the stash: while it
//! recovers or writes, commands wait there, bounded by the gate.
//!
//! When the store is away the host is *suspended*: commands are refused at once with a time after
//! which to ask again, reads are still answered (what they show is durable), and the store is
//! tried again and again. The state stays in memory, so it goes on without a new recovery. The
//! same holds while it is *held* from outside.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use weir_domain::Fault;
use weir_persistence_api::{Fence, PersistenceId, Store};

use super::append::Writer;
use super::command::Queued;
use super::commands::Commands;
use super::effects::Effects;
use super::group::Pending;
use super::handle::Ask;
use super::recovery::{NotRecovered, Source, damaged, recover, shorter, within};
use super::snapshots::{Saved, Snapshots};
use super::work::EffectEnded;
use super::{EffectHandler, EventSourced, HostSettings, HostSpec, HostStatus};
use crate::message::millis;
use crate::{Envelope, Fatal, RuntimeEvent, Stopwatch, System, Task, code};

/// How long the end of an actor may take for a last snapshot.
const LAST_SNAPSHOT_WITHIN: Duration = Duration::from_secs(2);

/// What all incarnations of one controller share.
pub(super) struct Core<B: EventSourced> {
    pub(super) system: System,
    pub(super) actor: Arc<str>,
    pub(super) id: PersistenceId,
    pub(super) fence: Fence,
    pub(super) store: Arc<dyn Store>,
    pub(super) effects: Arc<dyn EffectHandler<B>>,
    pub(super) settings: HostSettings,
    pub(super) status: watch::Sender<HostStatus>,
    /// Why it is held from outside, if it is.
    held: watch::Sender<Option<Arc<str>>>,
    /// The highest sequence number that was ever known to be durable.
    known: Arc<AtomicU64>,
}

impl<B: EventSourced> Core<B> {
    pub(super) fn new(system: System, actor: Arc<str>, spec: HostSpec<B>) -> Self {
        let HostSpec { id, fence, store, effects, settings } = spec;
        let status = watch::Sender::new(HostStatus::Recovering { sequence: 0, of: 0 });
        let (held, known) = (watch::Sender::new(None), system.durable(&id));
        Self { system, actor, id, fence, store, effects, settings, status, held, known }
    }

    pub(super) fn held(&self) -> Option<Arc<str>> {
        self.held.borrow().clone()
    }

    pub(super) fn hold(&self, cause: Option<Arc<str>>) {
        let held = self.held.send_replace(cause.clone()).is_some();
        let actor = &self.actor;
        match cause {
            Some(cause) if !held => {
                tracing::warn!(code = %code::HELD, %actor, %cause, "held: commands are refused and effects wait");
            }
            None if held => tracing::info!(code = %code::HELD, %actor, "no longer held"),
            Some(_) | None => {}
        }
    }

    pub(super) async fn until_held(&self) {
        // It lives in `self`, so it can't end.
        let _ = self.held.subscribe().wait_for(Option::is_some).await;
    }

    /// Events up to and with this one are durable.
    pub(super) fn acknowledge(&self, sequence: u64) {
        self.known.fetch_max(sequence, Ordering::Relaxed);
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        let HostSettings { append_within, read_within, .. } = self.settings;
        Writer { store: &self.store, append_within, read_within }
    }
}

pub(super) enum HostMsg<B: EventSourced> {
    Recover,
    /// Try the store again.
    Probe,
    /// Look at what the state owes.
    Derive,
    /// Carry out what is in the queue.
    Flush,
    /// Look whether it is held.
    Held,
    Ask(Envelope<Ask<B>>),
    EffectEnded(EffectEnded<B>),
    SnapshotEnded {
        sequence: u64,
        saved: Saved,
    },
}

impl<B: EventSourced> ractor::Message for HostMsg<B> {}

/// One incarnation.
pub(super) struct HostActor<B: EventSourced>(pub(super) Arc<Core<B>>);

/// What one incarnation knows.
pub(super) struct Life<B: EventSourced> {
    /// Absent until it is recovered.
    pub(super) folded: Option<Folded<B>>,
    pub(super) suspension: Option<Suspension<B>>,
    pub(super) queue: VecDeque<Queued<B>>,
    pub(super) flush_queued: bool,
    /// Commands that are to be written one by one, since the store refused some of them.
    pub(super) careful: usize,
    /// Attempts to reach the store since it was last reached.
    attempts: u32,
    pub(super) effects: Effects<B::Effect>,
    pub(super) snapshots: Snapshots,
    pub(super) snapshot_task: Option<Task<Saved>>,
    pub(super) uptime: Stopwatch,
    pub(super) derive_queued: bool,
    pub(super) derive_timer: Option<AbortHandle>,
}

/// The state, and the event up to which it is folded.
pub(super) struct Folded<B> {
    pub(super) state: B,
    pub(super) sequence: u64,
    pub(super) commands: Commands,
    /// The state with the events of the group that is being decided or written; made when a
    /// second command joins a group, and kept.
    pub(super) ahead: Option<B>,
}

pub(super) struct Suspension<B: EventSourced> {
    waiting: Waiting<B>,
    cause: String,
    begun: Stopwatch,
    wait: Duration,
}

/// What is tried again.
pub(super) enum Waiting<B: EventSourced> {
    Recovery,
    Store,
    /// A write whose outcome is not known. Its asker waits with it.
    Outcome(Pending<B>),
}

impl<B: EventSourced> Suspension<B> {
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// How long until the next attempt.
    pub(super) fn left(&self) -> Duration {
        self.wait.saturating_sub(self.begun.elapsed())
    }
}

impl<B: EventSourced> Life<B> {
    fn new(settings: &HostSettings) -> Self {
        Self {
            folded: None,
            suspension: None,
            queue: VecDeque::new(),
            flush_queued: false,
            careful: 0,
            attempts: 0,
            effects: Effects::new(settings.effects_at_once),
            snapshots: Snapshots::new(B::RETENTION, 0, 0),
            snapshot_task: None,
            uptime: Stopwatch::start(),
            derive_queued: false,
            derive_timer: None,
        }
    }
}

impl<B: EventSourced> Drop for Life<B> {
    fn drop(&mut self) {
        if let Some(timer) = &self.derive_timer {
            timer.abort();
        }
    }
}

impl<B: EventSourced> Actor for HostActor<B> {
    type Msg = HostMsg<B>;
    type State = Life<B>;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<HostMsg<B>>,
        (): (),
    ) -> Result<Life<B>, ActorProcessingErr> {
        // Nobody else has a reference yet, so this comes before every command.
        myself.send_message(HostMsg::Recover)?;
        self.0.status.send_replace(HostStatus::Recovering { sequence: 0, of: 0 });
        Ok(Life::new(&self.0.settings))
    }

    async fn handle(
        &self,
        myself: ActorRef<HostMsg<B>>,
        message: HostMsg<B>,
        life: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            HostMsg::Recover => self.recover(&myself, life).await,
            HostMsg::Probe => self.probe(&myself, life).await,
            HostMsg::Derive => {
                self.derive(&myself, life);
                Ok(())
            }
            HostMsg::Ask(ask) => self.enqueue(&myself, life, Queued::Asked(ask)).await,
            HostMsg::Flush => self.flush(&myself, life).await,
            HostMsg::Held => {
                self.look_whether_held(&myself, life);
                Ok(())
            }
            HostMsg::EffectEnded(ended) => self.effect_ended(&myself, life, ended).await,
            HostMsg::SnapshotEnded { sequence, saved } => {
                life.snapshots.ended(sequence, &saved);
                if matches!(saved, Saved::Stored) && life.snapshots.is_owed() {
                    self.snapshot_if_due(&myself, life);
                }
                Ok(saved.verdict()?)
            }
        }
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<HostMsg<B>>,
        _: SupervisionEvent,
        _: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        // It has no children: effects are tasks, and each reports its own end.
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        match tokio::time::timeout(LAST_SNAPSHOT_WITHIN, self.last_snapshot(life)).await {
            Ok(verdict) => Ok(verdict?),
            Err(_) => {
                let controller = &self.0.id;
                tracing::warn!(code = %code::SNAPSHOT, %controller, "the last snapshot took too long; the next start replays more events");
                Ok(())
            }
        }
    }
}

impl<B: EventSourced> HostActor<B> {
    async fn recover(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        let Core { id, store, settings, system, known, .. } = &*self.0;
        let known = known.load(Ordering::Relaxed);
        let HostSettings { page, read_within, .. } = *settings;
        let source = Source { id, store, page, within: read_within, known };
        let _permit = system.recoveries().acquire().await?;
        let watch = Stopwatch::start();
        match recover(&source, |sequence, of| self.recovering(sequence, of)).await {
            Ok(recovered) => {
                let (sequence, snapshot) = (recovered.sequence, recovered.snapshot);
                let took_ms = watch.elapsed().as_millis();
                tracing::info!(code = %code::RECOVERY, controller = %id, sequence, snapshot, took_ms, "recovered");
                life.snapshots = Snapshots::new(B::RETENTION, snapshot, recovered.restated);
                self.0.acknowledge(sequence);
                let (state, commands) = (recovered.state, recovered.commands);
                life.folded = Some(Folded { state, sequence, commands, ahead: None });
                self.resume(life, sequence);
                self.derive(myself, life);
                Ok(())
            }
            Err(NotRecovered::Later(cause)) => {
                self.suspend(myself, life, Waiting::Recovery, cause);
                Ok(())
            }
            Err(NotRecovered::Never(fault)) => Err(Box::new(Fatal(fault))),
        }
    }

    fn recovering(&self, sequence: u64, of: u64) {
        tracing::info!(code = %code::RECOVERY, controller = %self.0.id, sequence, of, "recovering");
        self.0.status.send_replace(HostStatus::Recovering { sequence, of });
    }

    async fn probe(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        let Some(suspension) = life.suspension.take() else {
            return Ok(());
        };
        match suspension.waiting {
            Waiting::Recovery => self.recover(myself, life).await,
            Waiting::Store => self.try_store(myself, life).await,
            Waiting::Outcome(pending) => {
                let written = self.0.writer().settle(&pending.append).await;
                self.conclude(myself, life, pending, written)
            }
        }
    }

    /// Goes on where it was, if nobody wrote meanwhile.
    async fn try_store(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        let Core { id, store, settings, .. } = &*self.0;
        let sequence = life.folded.as_ref().map_or(0, |it| it.sequence);
        match within(settings.read_within, store.highest(id)).await {
            Ok(highest) if highest == sequence => {
                self.resume(life, sequence);
                self.derive(myself, life);
                Ok(())
            }
            Ok(highest) if highest < sequence => {
                Err(Box::new(Fatal(shorter(id, highest, sequence))))
            }
            Ok(highest) => {
                let cause = format!("{id} is at event {highest}, not at {sequence}");
                Err(Box::new(Fault::transient(code::CONFLICT.0, cause)))
            }
            Err(error) if error.is_transient() => {
                self.suspend(myself, life, Waiting::Store, error.to_string());
                Ok(())
            }
            Err(error) => Err(Box::new(Fatal(damaged(error.to_string())))),
        }
    }

    /// Refuses commands from now on; returns how long until the store is tried again.
    pub(super) fn suspend(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        waiting: Waiting<B>,
        cause: String,
    ) -> Duration {
        let Core { system, actor, settings, .. } = &*self.0;
        life.attempts = life.attempts.saturating_add(1);
        let wait = settings.store_retry.delay(life.attempts, system.ids().chance());
        if life.attempts == 1 {
            tracing::warn!(code = %code::STORE_SUSPENDED, %actor, cause, retry_in = %millis(wait), "the store is away; commands are refused until it is back");
            let event = RuntimeEvent::StoreSuspended { actor: actor.clone(), cause: cause.clone() };
            system.events().publish(event);
        }
        let until = system.now().plus(wait);
        self.0.status.send_replace(HostStatus::Suspended { cause: cause.clone(), until });
        life.suspension = Some(Suspension { waiting, cause, begun: Stopwatch::start(), wait });
        myself.send_after(wait, || HostMsg::Probe);
        wait
    }

    /// Takes commands from now on.
    pub(super) fn resume(&self, life: &mut Life<B>, sequence: u64) {
        if std::mem::take(&mut life.attempts) > 0 {
            let actor = &self.0.actor;
            tracing::info!(code = %code::STORE_RESUMED, %actor, "the store is back");
            self.0.system.events().publish(RuntimeEvent::StoreResumed { actor: actor.clone() });
        }
        life.suspension = None;
        self.show(sequence);
    }

    fn look_whether_held(&self, myself: &ActorRef<HostMsg<B>>, life: &mut Life<B>) {
        let Some(sequence) = life.folded.as_ref().map(|it| it.sequence) else { return };
        if life.suspension.is_none() {
            self.show(sequence);
            self.derive(myself, life);
        }
    }

    fn show(&self, sequence: u64) {
        let Core { system, settings, status, .. } = &*self.0;
        status.send_replace(match self.0.held() {
            Some(cause) => {
                let until = system.now().plus(settings.store_retry.min);
                HostStatus::Suspended { cause: cause.to_string(), until }
            }
            None => HostStatus::Running { sequence },
        });
    }
}
