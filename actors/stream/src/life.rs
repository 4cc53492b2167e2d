//! The life of one stream, from the claim of its item to its last word.
//!
//! ```text
//! claimed ─ attempt ─┬─ prepared ─ decide commit ─ pay ─ committed
//!             │      └─ fault ─┬─ decide failure ─ pay ─ rolled back
//!             └── retry ───────┴─ stopped ─ undo ─ released
//! ```
//!
//! Nothing of it is visible before the commit is decided in the store; after that it is paid
//! until it is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::Actor as _;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use weir_domain::plan::{DEAD_LETTERS, Plan, Role};
use weir_domain::{Counts, Fault, FaultKind, Obstacle, StageId, Stream, StreamState};
use weir_persistence_api::{Claim, Settlement};

use crate::clear::ClearPlan;
use crate::connector::{Action, Outcome, Prepared, RecordReader, Source};
use crate::control::{Control, Heard};
use crate::layout::{Feed, Ground, Layout, blocks, lay_out};
use crate::letters::Origins;
use crate::live::Restored;
use crate::means::Means;
use crate::pipeline::{self, Pipeline};
use crate::pulse::Pulse;
use crate::report::Reporter;
use crate::services::{AccessError, Services};
use crate::settlement::{Owed, Paid, pay, persist, run_action};
use crate::times::Times;
use crate::watchdog::Watchdog;
use crate::{BuildContext, Counters, Shelf, StreamContext, StreamLog};

/// How often an open stream's counts are told.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The fault of a source that panicked where it was lent to a thread.
pub(crate) const SOURCE_PANICKED: u32 = 3140;

/// How a workflow is told to end: first no new streams, then none at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stops {
    pub(crate) drain: CancellationToken,
    pub(crate) abort: CancellationToken,
}

/// One instance's way to live streams: what it runs, where, and with what.
pub(crate) struct Life<'a> {
    pub(crate) services: &'a Services,
    pub(crate) plan: &'a ClearPlan,
    pub(crate) means: &'a Means,
    pub(crate) cx: &'a BuildContext,
    pub(crate) stops: &'a Stops,
    pub(crate) pulse: &'a Pulse,
    pub(crate) times: &'a Times,
    /// Of a replay of dead letters: where they came from.
    pub(crate) origins: Arc<Origins>,
}

/// Threads of the engine that a pipeline may block.
pub(crate) type Threads = tokio::sync::OwnedSemaphorePermit;

/// The source lives longer than its streams: it is lent to threads that may block, and returned.
pub(crate) type Lent = Box<dyn Source>;

/// What was known before the claim, and what came with it.
pub(crate) struct Claimed {
    pub(crate) claim: Claim,
    pub(crate) context: Arc<StreamContext>,
    /// Removes what an attempt staged.
    pub(crate) discard: Vec<Action>,
    pub(crate) stream: Stream,
    /// What operators say to it.
    pub(crate) heard: Heard,
}

impl Life<'_> {
    /// Lives one stream to its end. Returns its last state, or `None` when something is still
    /// owed and will be paid after the next start.
    pub(crate) async fn live(
        &self,
        mut source: Lent,
        claimed: Claimed,
    ) -> Result<(Lent, Option<Stream>), Fault> {
        let Claimed { claim, context, discard, stream, heard } = claimed;
        let control = &heard.control;
        let mut reporter = Reporter::new(self.services, &self.means.secrets, stream);
        reporter.say(3010, format!("opened {}", claim.item.name));
        let attempt = loop {
            reporter.stream.state = StreamState::Open;
            reporter.stream.attempts += 1;
            let attempted;
            (source, attempted) =
                self.attempt(source, &claim, &context, control, &mut reporter).await?;
            let attempted = attempted.and_then(|it| control.ended().map_or(Ok(it), Err));
            let Err(fault) = attempted else { break attempted };
            let fault = self.means.secrets.masked_fault(fault);
            self.notify(&self.cx.shelf, Outcome::Failed, &reporter).await;
            self.undo(&discard, &reporter).await;
            self.clear_the_way(&fault, &reporter).await;
            if !self.wait_for_retry(&fault, control, &mut reporter).await {
                break Err(control.ended().unwrap_or(fault));
            }
        };
        let paid = match attempt {
            Ok(prepared) => {
                let mut actions: Vec<_> = prepared.into_iter().flat_map(|it| it.actions).collect();
                actions.extend(source.settle(&claim.item, Outcome::Committed));
                self.commit(&claim, actions, discard, reporter).await
            }
            Err(fault) => {
                let settle = source.settle(&claim.item, Outcome::Failed);
                self.roll_back(&claim, fault, settle, discard, reporter).await
            }
        };
        Ok((source, paid))
    }

    /// Runs the pipeline once. The outer error is a defect: the source itself was lost.
    async fn attempt(
        &self,
        source: Lent,
        claim: &Claim,
        context: &Arc<StreamContext>,
        control: &Control,
        reporter: &mut Reporter<'_>,
    ) -> Result<(Lent, Result<Vec<Prepared>, Fault>), Fault> {
        let item = claim.item.clone();
        let (source, opened) = self.lend(source, move |it| it.open(&item)).await?;
        let piped = match opened {
            Ok(reader) => self.pipe(reader, context, control, reporter).await,
            Err(fault) => Err(fault),
        };
        let held = match piped {
            Ok(prepared) => control.held(reporter, &self.stops.abort).await.map(|()| prepared),
            Err(fault) => Err(fault),
        };
        let prepared = match held {
            Ok(prepared) => prepared,
            Err(fault) => return Ok((source, Err(fault))),
        };
        let item = claim.item.clone();
        let (source, verified) = self.lend(source, move |it| it.verify(&item)).await?;
        Ok((source, verified.map(|()| prepared)))
    }

    /// Lends the source to a thread that may block.
    pub(crate) async fn lend<T: Send + 'static>(
        &self,
        mut source: Lent,
        work: impl FnOnce(&mut dyn Source) -> T + Send + 'static,
    ) -> Result<(Lent, T), Fault> {
        let lent = self.services.system.tasks().spawn_blocking("source", move || {
            let answer = work(source.as_mut());
            (source, answer)
        });
        lent.join().await.map_err(|_| source_panicked(&self.cx.stage))
    }

    async fn pipe(
        &self,
        reader: Box<dyn RecordReader>,
        context: &Arc<StreamContext>,
        control: &Control,
        reporter: &mut Reporter<'_>,
    ) -> Result<Vec<Prepared>, Fault> {
        if reader.schema().fields().is_empty() {
            return Ok(Vec::new());
        }
        let _threads = self.threads(control).await?;
        let mut gate = control.gate();
        let ground = Ground {
            plan: self.plan,
            secrets: &self.means.secrets,
            registry: &self.services.registry,
            cx: self.cx,
            stream: context.clone(),
            gate: gate.clone(),
            taps: self.services.taps.clone(),
            log: StreamLog::default(),
            driver: None,
            state: Restored::default(),
            origins: self.origins.clone(),
            times: self.times,
        };
        let log = ground.log.clone();
        let piping = self.pulse.piping();
        let Layout { bodies, counters, .. } = lay_out(&ground, Feed::Item(reader))?;
        let mut watchdog = Watchdog::new(counters.clone(), self.services.limits.progress_within);
        let (answer, mut ended) = oneshot::channel();
        let stop = self.stops.abort.child_token();
        let tasks = self.services.system.tasks().clone();
        let place = context.place();
        let arguments =
            pipeline::Arguments { bodies, tasks, stop: stop.clone(), answer, threads: None, place };
        let spawned = Pipeline::spawn(None, Pipeline, arguments).await;
        spawned.map_err(|it| not_started(&it))?;
        let mut tick = tokio::time::interval(PROGRESS_EVERY);
        tick.tick().await;
        reporter.paused(gate.is_shut());
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break ended,
                () = gate.changed() => reporter.paused(gate.is_shut()),
                () = control.abort.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                // Stages that hang end when they can: what they staged is cleared away, and they can
                // publish nothing.
                () = control.terminate.cancelled() => {
                    stop.cancel();
                    break Ok(Err(Fault::stopped("the stream was terminated")));
                }
                // Of an item its instance's own watchdog decides. Nobody tries it again as the same
                // stream: the stage that hangs may write yet, to where the next attempt would.
                fault = watchdog.hangs(), if self.origins.are_of_a_replay() => {
                    stop.cancel();
                    break Ok(Err(Fault { kind: FaultKind::Config, ..fault }));
                }
                _ = tick.tick() => {
                    let before = std::mem::take(&mut reporter.stream.stages);
                    count(self.plan, &counters, &mut reporter.stream);
                    let awaited = watchdog.awaited();
                    // One that is paused is not stuck, nor one that knows what it waits for.
                    if reporter.stream.stages != before || gate.is_shut() || awaited.is_some() {
                        piping.moved();
                    }
                    let hangs = watchdog.told(self.services.system.now());
                    if let Some((fault, true)) = &hangs {
                        reporter.warn(fault.code.0, fault.message.clone());
                    }
                    reporter.awaits(awaited);
                    if let Some((fault, _)) = hangs {
                        reporter.stream.fault.get_or_insert(fault);
                    }
                    reporter.progress();
                    reporter.pass_on(&log);
                }
            }
        };
        count(self.plan, &counters, &mut reporter.stream);
        reporter.stream.fault = None;
        reporter.pass_on(&log);
        let ended = ended.unwrap_or_else(|_| Err(ended_early()));
        // How a stage meets its end is no news if an operator ended it.
        ended.map_err(|fault| control.ended().unwrap_or(fault))
    }

    /// The threads that a pipeline of this plan blocks: its sources', its sinks' and those of
    /// operators that work for long.
    pub(crate) fn threads_needed(&self) -> u32 {
        let long = self.plan.stages.iter().filter(|it| blocks(it, &self.services.registry));
        let of = |role| self.plan.of_role(role).count();
        let needed = of(Role::Source) + of(Role::Sink) + 1 + long.count();
        u32::try_from(needed).unwrap_or(u32::MAX)
    }

    /// Those of a pipeline that keeps them for as long as it lives: it doesn't wait for them, since
    /// streams that come and go would wait behind it.
    pub(crate) fn threads_for_good(&self) -> Result<Threads, Fault> {
        let needed = self.threads_needed();
        self.services.threads.clone().try_acquire_many_owned(needed).map_err(|_| {
            let left = self.services.threads.available_permits();
            let message = format!("it needs {needed} threads, and {left} are left on this engine");
            Fault::transient(3192, message)
                .with_hint("let more engines run the workflow, or fewer workflows this engine")
        })
    }

    async fn threads(&self, control: &Control) -> Result<tokio::sync::SemaphorePermit<'_>, Fault> {
        tokio::select! {
            permit = self.services.threads.acquire_many(self.threads_needed()) => {
                permit.map_err(|_| Fault::stopped("the engine is stopping"))
            }
            () = self.stops.abort.cancelled() => Err(Fault::stopped("the stream was stopped")),
            () = control.abort.cancelled() => Err(Fault::stopped("the stream was stopped")),
        }
    }

    /// Tells what operators kept what became of the attempt. They change nothing about that.
    pub(crate) async fn notify(&self, shelf: &Shelf, outcome: Outcome, reporter: &Reporter<'_>) {
        let shelf = shelf.clone();
        if !shelf.is_used() {
            return;
        }
        let log = StreamLog::default();
        let said = log.clone();
        let tasks = self.services.system.tasks();
        let told = tasks.spawn_blocking("operators", move || shelf.settle(outcome, &said));
        if let Err(panicked) = told.join().await {
            reporter.warn(3144, format!("what operators kept is lost: {panicked}"));
        }
        reporter.pass_on(&log);
    }

    /// Removes what a failed attempt staged. What can't be removed now is removed with the rest.
    async fn undo(&self, discard: &[Action], reporter: &Reporter<'_>) {
        for action in discard {
            if let Err(fault) = run_action(self.services, self.means, action.clone()).await {
                reporter.warn(fault.code.0, format!("could not clear away: {fault}"));
            }
        }
    }

    /// Removes what a stream left in the way that has ended: one whose engine woke up after its
    /// work was undone by another engine, and was ended before it could clear up again.
    async fn clear_the_way(&self, fault: &Fault, reporter: &Reporter<'_>) {
        let Some(obstacle) = &fault.obstacle else { return };
        let Obstacle { stream, connector, payload } = &**obstacle;
        // Of a stream that is not known it can't be said that nobody works on it.
        if !matches!(self.services.monitor.has_ended(*stream).await, Ok(true)) {
            return;
        }
        let action = Action::new(connector.clone(), payload.clone());
        match run_action(self.services, self.means, action).await {
            Ok(_) => reporter.warn(3136, format!("cleared away what stream {stream} left")),
            Err(fault) => reporter.warn(fault.code.0, format!("could not clear away: {fault}")),
        }
    }

    /// Whether there is another attempt; then it is time for it.
    async fn wait_for_retry(
        &self,
        fault: &Fault,
        control: &Control,
        reporter: &mut Reporter<'_>,
    ) -> bool {
        let backoff = self.plan.retry.backoff(reporter.stream.attempts);
        let (FaultKind::Transient, Some(wait)) = (fault.kind, backoff) else { return false };
        if self.stops.drain.is_cancelled() || control.shutdown.is_cancelled() {
            return false;
        }
        reporter.stream.state = StreamState::Retrying;
        reporter.stream.fault = Some(fault.clone());
        let attempt = reporter.stream.attempts;
        reporter
            .warn(3013, format!("attempt {attempt} failed: {fault}; the next one is in {wait}"));
        tokio::select! {
            () = tokio::time::sleep(wait.duration()) => {
                reporter.stream.fault = None;
                true
            }
            () = self.stops.drain.cancelled() => false,
            () = control.shutdown.cancelled() => false,
        }
    }

    async fn commit(
        &self,
        claim: &Claim,
        mut actions: Vec<Action>,
        discard: Vec<Action>,
        mut reporter: Reporter<'_>,
    ) -> Option<Stream> {
        let counts = reporter.stream.counts;
        let mut owed_stream = reporter.stream.clone();
        owed_stream.state = match counts.dead_letters + counts.ignored {
            0 => StreamState::Committed,
            _ => StreamState::CommittedWithWarnings,
        };
        owed_stream.fault = None;
        owed_stream.closed_at = Some(self.services.system.now());
        actions.extend(discard.iter().cloned());
        let owed = Owed { actions, stream: owed_stream };
        let bytes = owed.to_bytes();
        let decide = || self.services.access.commit(claim.id, bytes.clone());
        match persist(decide, &mut reporter, &self.stops.abort).await {
            Some(Ok(())) => {
                self.notify(&self.cx.shelf, Outcome::Committed, &reporter).await;
                self.pay(claim, owed, Settlement::Done).await
            }
            Some(Err(lost)) => {
                self.notify(&self.cx.shelf, Outcome::Failed, &reporter).await;
                self.undo(&discard, &reporter).await;
                self.lost(&lost, reporter).await
            }
            // Not known whether it is decided: the next start finds out.
            None => None,
        }
    }

    async fn roll_back(
        &self,
        claim: &Claim,
        fault: Fault,
        settle: Vec<Action>,
        discard: Vec<Action>,
        reporter: Reporter<'_>,
    ) -> Option<Stream> {
        let is_given_back = is_given_back(&fault, self.stops.drain.is_cancelled());
        let mut owed_stream = reporter.stream.clone();
        owed_stream.state = StreamState::RolledBack;
        owed_stream.fault = Some(fault);
        owed_stream.closed_at = Some(self.services.system.now());
        owed_stream.published.clear();
        if is_given_back {
            return self.give_back(claim, Owed { actions: discard, stream: owed_stream }).await;
        }
        let actions = discard.into_iter().chain(settle).collect();
        let owed = Owed { actions, stream: owed_stream };
        self.decide(claim, owed, Outcome::Failed, reporter).await
    }

    /// Lets the item go to whoever claims it next.
    pub(crate) async fn give_back(&self, claim: &Claim, owed: Owed) -> Option<Stream> {
        match self.stops.drain.is_cancelled() {
            true => self.pay_briefly(claim, owed, Settlement::Released).await,
            false => self.pay(claim, owed, Settlement::Released).await,
        }
    }

    /// Decides what becomes of the item, and pays what is owed then.
    pub(crate) async fn decide(
        &self,
        claim: &Claim,
        owed: Owed,
        outcome: Outcome,
        mut reporter: Reporter<'_>,
    ) -> Option<Stream> {
        let (access, bytes) = (&self.services.access, owed.to_bytes());
        let decide = || match outcome {
            Outcome::Committed => access.commit(claim.id, bytes.clone()),
            Outcome::Failed => access.fail(claim.id, bytes.clone()),
        };
        let settlement = match outcome {
            Outcome::Committed => Settlement::Done,
            Outcome::Failed => Settlement::Failed,
        };
        match persist(decide, &mut reporter, &self.stops.abort).await {
            Some(Ok(())) => self.pay(claim, owed, settlement).await,
            Some(Err(lost)) => self.lost(&lost, reporter).await,
            // Not known whether it is decided: the next start finds out.
            None => None,
        }
    }

    async fn pay(&self, claim: &Claim, owed: Owed, settlement: Settlement) -> Option<Stream> {
        let stop = &self.stops.abort;
        match pay(self.services, self.means, claim.id, owed, settlement, stop).await {
            Paid::Closed(stream) => Some(*stream),
            Paid::StillOwed => None,
        }
    }

    /// As `pay`, when the stop token is already set: one try each.
    async fn pay_briefly(
        &self,
        claim: &Claim,
        owed: Owed,
        settlement: Settlement,
    ) -> Option<Stream> {
        let stop = CancellationToken::new();
        stop.cancel();
        match pay(self.services, self.means, claim.id, owed, settlement, &stop).await {
            Paid::Closed(stream) => Some(*stream),
            Paid::StillOwed => None,
        }
    }

    async fn lost(&self, lost: &AccessError, mut reporter: Reporter<'_>) -> Option<Stream> {
        reporter.stream.state = StreamState::RolledBack;
        reporter.stream.closed_at = Some(self.services.system.now());
        reporter.stream.fault = Some(Fault::stopped(lost.to_string()));
        reporter.close(&self.stops.abort).await
    }
}

/// Whether an item goes to whoever claims it next: its stream was stopped, or failed in a drain by what passes.
pub(crate) fn is_given_back(fault: &Fault, is_draining: bool) -> bool {
    fault.kind == FaultKind::Stopped || is_draining && fault.kind != FaultKind::Data
}

pub(crate) fn source_panicked(stage: &StageId) -> Fault {
    Fault::transient(SOURCE_PANICKED, format!("source {stage} panicked"))
}

pub(crate) fn not_started(error: &ractor::SpawnErr) -> Fault {
    Fault::transient(3141, format!("the pipeline did not start: {error}"))
}

pub(crate) fn ended_early() -> Fault {
    Fault::transient(3142, "the pipeline ended before its time")
}

/// Sums up the stages' counters: read by the sources, written by the sinks.
pub(crate) fn count(plan: &Plan, counters: &BTreeMap<StageId, Arc<Counters>>, stream: &mut Stream) {
    let counts: BTreeMap<_, _> =
        counters.iter().map(|(id, it)| (id.clone(), it.counts())).collect();
    let of = |role: Role| plan.of_role(role).filter_map(|it| counts.get(&it.id));
    let mut total = Counts::default();
    for source in of(Role::Source) {
        total.records_in += source.records_in;
        total.bytes_in += source.bytes_in;
    }
    for sink in of(Role::Sink) {
        total.records_out += sink.records_out;
        total.bytes_out += sink.bytes_out;
    }
    for (id, stage) in &counts {
        if id.as_str() != DEAD_LETTERS {
            total.dead_letters += stage.dead_letters;
            total.ignored += stage.ignored;
            total.dropped += stage.dropped;
        }
    }
    stream.counts = total;
    stream.stages = counts;
}
