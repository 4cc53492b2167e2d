//! An instance: one copy of a workflow's plan. It claims items of its source, one after the other,
//! and lives a stream for each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use weir_domain::plan::{Plan, Role};
use weir_domain::{
    Counts, Fault, FaultKind, InstanceId, Item, Millis, Reprocess, SourceName, StageId, Stream,
    StreamId, StreamState, Timestamp, WorkflowName,
};
use weir_persistence_api::{Claim, ClaimRequest};
use weir_runtime::{Stopwatch, System};

use crate::clear::ClearPlan;
use crate::connector::Action;
use crate::control::Gate;
use crate::layout::{Ground, unknown_kind};
use crate::letters::Schemas;
use crate::life::{Claimed, Lent, Life, Stops};
use crate::live::{LiveSources, Restored};
use crate::means::Means;
use crate::outcomes::Outcomes;
use crate::pulse::Pulse;
use crate::services::{AccessError, Live, Services};
use crate::settlement::Owed;
use crate::times::Times;
use crate::{AnySource, BuildContext, Shelf, Staging, StreamContext, StreamLog};

/// How many candidates are offered to the coordinator at once.
const CANDIDATES_MAX: usize = 256;
/// How long to wait before a claim that was not answered is asked for again.
const CLAIM_RETRY: Duration = Duration::from_secs(1);
/// How long it may take to take an offer back.
const TAKE_BACK_WITHIN: Duration = Duration::from_secs(2);
/// How often is asked what became of items that were rolled back.
const LOOK_BACK_EVERY: Duration = Duration::from_secs(5);
/// How often an instance with an open stream says that it works.
pub(crate) const BEAT_EVERY: Duration = Duration::from_secs(1);

/// What an instance says of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// Its source is there.
    Active,
    /// It made progress.
    Worked,
    /// It looked for work, and there is none that it could do.
    Idle,
    /// The last thing that it says. An error is one that only a new start can mend.
    Ended(Result<(), Fault>),
}

/// Is told what happens to an instance. It must not block.
pub type Notice = Arc<dyn Fn(Happened) + Send + Sync>;

/// What an instance is made of.
pub(crate) struct Instance {
    pub(crate) services: Services,
    pub(crate) plan: Arc<Plan>,
    pub(crate) means: Means,
    pub(crate) id: InstanceId,
    pub(crate) base_dir: std::path::PathBuf,
    pub(crate) stops: Stops,
    pub(crate) tally: Arc<Mutex<Tally>>,
    pub(crate) notice: Notice,
    pub(crate) pulse: Pulse,
    pub(crate) times: Arc<Times>,
}

/// What became known of a workflow since its start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) open: BTreeSet<StreamId>,
    /// Of live ones: what they have counted so far.
    pub(crate) live: BTreeMap<StreamId, (Counts, BTreeMap<StageId, Counts>)>,
    pub(crate) committed: u64,
    pub(crate) committed_with_warnings: u64,
    pub(crate) rolled_back: u64,
    pub(crate) counts: Counts,
    pub(crate) stages: BTreeMap<StageId, Counts>,
    pub(crate) last_stream_at: Option<Timestamp>,
    /// How the newest streams of items ended.
    pub(crate) outcomes: Outcomes,
    /// What stands in the way of the next stream.
    pub(crate) fault: Option<Fault>,
    /// What stands in the way of jobs of a live one.
    pub(crate) failed: BTreeMap<String, FailedJob>,
}

/// Why nobody works on a job.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FailedJob {
    pub(crate) fault: Fault,
    pub(crate) by: InstanceId,
    /// It is not begun again by this instance.
    pub(crate) is_given_up: bool,
}

impl Tally {
    fn add(&mut self, counts: Counts, stages: &BTreeMap<StageId, Counts>) {
        self.counts = self.counts.plus(counts);
        for (id, counts) in stages {
            let total = self.stages.entry(id.clone()).or_default();
            *total = total.plus(*counts);
        }
    }

    /// With what live streams have counted so far.
    pub(crate) fn so_far(mut self) -> Self {
        for (counts, stages) in std::mem::take(&mut self.live).into_values() {
            self.add(counts, &stages);
        }
        self
    }
}

impl Instance {
    /// Works until it is drained. An error is one that only a new start can mend.
    pub(crate) async fn work(&self) -> Result<(), Fault> {
        let replays =
            Stops { drain: self.stops.drain.child_token(), abort: self.stops.abort.child_token() };
        let replayer = self.replayer(replays.clone());
        let work = async {
            let ended = Box::pin(self.work_on_source()).await;
            replays.drain.cancel();
            if ended.is_err() {
                replays.abort.cancel();
            }
            ended
        };
        tokio::join!(work, Box::pin(replayer.work_on_replays())).0
    }

    /// Works on what its source has.
    async fn work_on_source(&self) -> Result<(), Fault> {
        let plan = ClearPlan::of(&self.plan, &self.means.secrets, &self.services.registry)?;
        let (sources, cx) = sources(&plan, &self.base_dir, &self.services)?;
        let name = SourceName::of(&self.plan.workflow, &cx.stage);
        let life = self.life(&plan, &cx);
        let mut source = match sources {
            Sources::Items(source) => source,
            // Each job has sources of its own.
            Sources::Live(_) => return self.work_on_lanes(&cx).await,
        };
        (self.notice)(Happened::Active);
        let mut has_offered = false;
        let mut looked_back = Stopwatch::start();
        while !self.stops.drain.is_cancelled() {
            let listed;
            (source, listed) = life.lend(source, |it| it.list()).await?;
            let interval = source.interval();
            let was_busy;
            (source, was_busy) = match listed {
                Ok(items) => {
                    self.clears();
                    match items.is_empty() {
                        true => self.take_back(&mut has_offered, &name, Terms::of(&source)).await,
                        false => has_offered = true,
                    }
                    self.claim_all(&life, &name, source, items).await?
                }
                Err(fault) => {
                    self.stands(fault);
                    self.take_back(&mut has_offered, &name, Terms::of(&source)).await;
                    (source, false)
                }
            };
            if looked_back.elapsed() >= LOOK_BACK_EVERY {
                self.look_back(&name).await;
                looked_back = Stopwatch::start();
            }
            if !was_busy {
                (self.notice)(Happened::Idle);
                self.pause(interval).await;
            }
        }
        self.take_back(&mut has_offered, &name, Terms::of(&source)).await;
        Ok(())
    }

    pub(crate) fn life<'a>(&'a self, plan: &'a ClearPlan, cx: &'a BuildContext) -> Life<'a> {
        Life {
            services: &self.services,
            plan,
            means: &self.means,
            cx,
            stops: &self.stops,
            pulse: &self.pulse,
            times: &self.times,
            origins: Arc::default(),
        }
    }

    /// Lives a stream for every item that may be claimed, until the list is done or old.
    async fn claim_all(
        &self,
        life: &Life<'_>,
        name: &SourceName,
        mut source: Lent,
        items: Vec<Item>,
    ) -> Result<(Lent, bool), Fault> {
        let listed = Stopwatch::start();
        let mut items = VecDeque::from(items);
        let mut was_busy = false;
        while !items.is_empty() && !self.stops.drain.is_cancelled() {
            let candidates: Vec<_> = items.iter().take(CANDIDATES_MAX).cloned().collect();
            let lists_more = items.len() > CANDIDATES_MAX;
            let terms = Terms { lists_more, ..Terms::of(&source) };
            let clears = |context: &StreamContext| discard(life, context);
            let claimed = match self.claim(name, terms, candidates, clears).await {
                Ok(it) => it,
                Err(fault) => {
                    self.stands(fault);
                    break;
                }
            };
            self.clears();
            let Some((claimed, _live)) = claimed else {
                items.drain(..items.len().min(CANDIDATES_MAX));
                continue;
            };
            // Those before the claimed one were refused: they need not be asked for again.
            let at = items.iter().position(|it| *it == claimed.claim.item);
            items.drain(..=at.unwrap_or(0));
            let id = claimed.stream.id;
            let _open = Open::new(self, id);
            let closed;
            (source, closed) = self.beating(life.live(source, claimed)).await?;
            // What was given back is free at once: whoever works on it needs a moment.
            was_busy |= !closed.as_ref().is_some_and(is_given_back);
            if let Some(stream) = closed {
                self.closed(&stream);
                let is_draining = self.stops.drain.is_cancelled();
                let fault = stream.fault.as_ref();
                self.tally().outcomes.note(&stream.item, (stream.state, fault), is_draining);
            }
            if listed.elapsed() > source.interval().max(Duration::from_secs(1)) {
                break;
            }
        }
        Ok((source, was_busy))
    }

    /// What was rolled back here may have been mended since, and done elsewhere.
    async fn look_back(&self, name: &SourceName) {
        let asked = self.tally().outcomes.at_fault();
        if asked.is_empty() {
            return;
        }
        // Who can't be asked is asked again.
        if let Ok(known) = self.services.access.items(name, asked.clone()).await {
            self.tally().outcomes.recall(&asked, &known);
        }
    }

    /// What was offered last is not there any more, or not looked for: nobody is to be told that it
    /// waits. Said once: where that gets lost, the offer is forgotten in a while.
    async fn take_back(&self, has_offered: &mut bool, name: &SourceName, terms: Terms) {
        if std::mem::take(has_offered) {
            let nothing = self.request(name, &terms, &self.new_stream());
            let told = self.services.access.claim(nothing);
            let _ = tokio::time::timeout(TAKE_BACK_WITHIN, told).await;
        }
    }

    /// Says again and again that the work goes on, as long as it does, and that it did.
    async fn beating<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut beat = tokio::time::interval(BEAT_EVERY);
        loop {
            tokio::select! {
                done = &mut work => {
                    // It may have been over before the first beat.
                    (self.notice)(Happened::Worked);
                    return done;
                }
                _ = beat.tick() => if self.pulse.beats() {
                    (self.notice)(Happened::Worked);
                }
            }
        }
    }

    /// Claims one of the candidates, if it may. `clears` says what clears away everything that the
    /// stream may leave behind.
    pub(crate) async fn claim(
        &self,
        name: &SourceName,
        terms: Terms,
        candidates: Vec<Item>,
        clears: impl FnOnce(&StreamContext) -> Result<Vec<Action>, Fault>,
    ) -> Result<Option<(Claimed, Live)>, Fault> {
        let mut stream = self.new_stream();
        let mut context = StreamContext {
            workflow: self.plan.workflow.clone(),
            instance: self.id,
            stream: stream.id,
            item: String::new(),
            segment: None,
            opened_at: stream.opened_at,
        };
        let discard = clears(&context)?;
        let settlement = Owed { actions: discard.clone(), stream: stream.clone() }.to_bytes();
        let request = self.request(name, &terms, &stream);
        let request = ClaimRequest { candidates, settlement, ..request };
        let live = self.services.live.hold(request.claim);
        let claim = self.ask_for_claim(request).await?;
        Ok(claim.map(|claim| {
            stream.item.clone_from(&claim.item.name);
            context.item.clone_from(&claim.item.name);
            let heard = self.services.streams.hold(stream.id);
            (Claimed { claim, context: Arc::new(context), discard, stream, heard }, live)
        }))
    }

    /// A request for one of no items.
    fn request(&self, name: &SourceName, terms: &Terms, stream: &Stream) -> ClaimRequest {
        let instance = Some(self.id);
        ClaimRequest { instance, ..terms.request(&self.services.system, name, stream) }
    }

    /// Asks with the same request until there is an answer: one that got lost may have granted it,
    /// and an item that is held by nobody who knows would wait for the next start.
    async fn ask_for_claim(&self, request: ClaimRequest) -> Result<Option<Claim>, Fault> {
        loop {
            let fault = match self.services.access.claim(request.clone()).await {
                Ok(claim) => return Ok(claim),
                Err(AccessError::ClaimLost) => return Ok(None),
                Err(AccessError::Unavailable(why)) => Fault::transient(3132, why),
            };
            self.stands(fault.clone());
            self.pause(CLAIM_RETRY).await;
            if self.stops.drain.is_cancelled() {
                return Err(fault);
            }
        }
    }

    fn new_stream(&self) -> Stream {
        new_stream(&self.services.system, &self.plan.workflow, self.id)
    }

    pub(crate) fn closed(&self, stream: &Stream) {
        let mut tally = self.tally();
        match stream.state {
            StreamState::Committed => tally.committed += 1,
            StreamState::CommittedWithWarnings => tally.committed_with_warnings += 1,
            StreamState::RolledBack => tally.rolled_back += 1,
            StreamState::Open | StreamState::Paused | StreamState::Retrying => {}
        }
        let was_live = tally.live.remove(&stream.id).is_some();
        // What a live one published before its end is published.
        if was_live || stream.state != StreamState::RolledBack {
            tally.add(stream.counts, &stream.stages);
        }
        tally.last_stream_at = stream.closed_at;
    }

    /// A live stream goes on.
    pub(crate) fn goes_on(&self, stream: &Stream) {
        let counted = (stream.counts, stream.stages.clone());
        self.tally().live.insert(stream.id, counted);
    }

    /// Something stands in the way of the next stream: said once, shown until it is gone.
    pub(crate) fn stands(&self, fault: Fault) {
        let fault = self.means.secrets.masked_fault(fault);
        let mut tally = self.tally();
        if tally.fault.as_ref() != Some(&fault) {
            let workflow = &self.plan.workflow;
            tracing::warn!(code = %fault.code, %workflow, "no new stream: {fault}");
            tally.fault = Some(fault);
        }
    }

    pub(crate) fn clears(&self) {
        if self.tally().fault.take().is_some() {
            tracing::info!(code = "WEIR-03030", workflow = %self.plan.workflow, "streams go on");
        }
    }

    /// Something stands in the way of a job, as `stands`; once and for all, if it `is_given_up`.
    pub(crate) fn stands_for(&self, job: &str, fault: Fault, is_given_up: bool) {
        let fault = self.means.secrets.masked_fault(fault);
        let failed = FailedJob { fault, by: self.id, is_given_up };
        let mut tally = self.tally();
        if tally.failed.get(job) == Some(&failed) {
            return;
        }
        let (workflow, fault) = (&self.plan.workflow, &failed.fault);
        match is_given_up {
            true => tracing::error!(code = %fault.code, %workflow, "{fault}"),
            false => tracing::warn!(code = %fault.code, %workflow, "{job} failed: {fault}"),
        }
        tally.failed.insert(job.to_owned(), failed);
    }

    /// What this instance failed of is not shown any more: somebody else works on the job.
    pub(crate) fn clears_own(&self, job: &str) {
        let mut tally = self.tally();
        if tally.failed.get(job).is_some_and(|it| it.by == self.id) {
            tally.failed.remove(job);
            tracing::info!(code = "WEIR-03030", workflow = %self.plan.workflow, "{job} goes on elsewhere");
        }
    }

    pub(crate) fn clears_of(&self, job: &str) {
        self.clears();
        if self.tally().failed.remove(job).is_some() {
            tracing::info!(code = "WEIR-03030", workflow = %self.plan.workflow, "{job} goes on");
        }
    }

    /// What failed here is shown as long as this lives: who comes after it tries again.
    pub(crate) fn shown(&self) -> Shown<'_> {
        Shown(self)
    }

    pub(crate) fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn pause(&self, length: Duration) {
        let drain: &CancellationToken = &self.stops.drain;
        tokio::select! {
            () = tokio::time::sleep(length) => {}
            () = drain.cancelled() => {}
        }
    }
}

/// A stream that begins now, of no item yet.
pub(crate) fn new_stream(system: &System, workflow: &WorkflowName, instance: InstanceId) -> Stream {
    Stream {
        id: system.ids().stream(),
        workflow: workflow.clone(),
        instance,
        node: system.node().to_string(),
        item: String::new(),
        state: StreamState::Open,
        attempts: 0,
        opened_at: system.now(),
        closed_at: None,
        counts: Counts::default(),
        stages: BTreeMap::new(),
        published: Vec::new(),
        fault: None,
    }
}

/// On which terms a source's items are claimed.
pub(crate) struct Terms {
    pub(crate) reprocess: Reprocess,
    pub(crate) clearance: bool,
    pub(crate) interval: Millis,
    /// More than what is offered at once.
    pub(crate) lists_more: bool,
}

impl Terms {
    pub(crate) fn of(source: &Lent) -> Self {
        let interval = Millis(u64::try_from(source.interval().as_millis()).unwrap_or(u64::MAX));
        let clearance = source.waits_for_clearance();
        Self { reprocess: source.reprocess(), clearance, interval, lists_more: false }
    }

    /// A request for one of no items, by no instance.
    pub(crate) fn request(
        &self,
        system: &System,
        source: &SourceName,
        stream: &Stream,
    ) -> ClaimRequest {
        ClaimRequest {
            source: source.clone(),
            candidates: Vec::new(),
            reprocess: self.reprocess,
            claim: system.ids().claim(),
            stream: stream.id,
            owner: system.owner().to_owned(),
            now: stream.opened_at,
            settlement: Bytes::new(),
            clearance: self.clearance,
            instance: None,
            interval: Some(self.interval),
            lists_more: self.lists_more,
        }
    }
}

/// A stream counts as open as long as this lives, however its life ends.
pub(crate) struct Open<'a> {
    instance: &'a Instance,
    stream: StreamId,
}

impl<'a> Open<'a> {
    pub(crate) fn new(instance: &'a Instance, stream: StreamId) -> Self {
        instance.tally().open.insert(stream);
        Self { instance, stream }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut tally = self.instance.tally();
        tally.open.remove(&self.stream);
        tally.live.remove(&self.stream);
    }
}

pub(crate) struct Shown<'a>(&'a Instance);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let id = self.0.id;
        self.0.tally().failed.retain(|_, it| it.by != id);
    }
}

fn is_given_back(stream: &Stream) -> bool {
    stream.fault.as_ref().is_some_and(|it| it.kind == FaultKind::Stopped)
}

/// What a plan reads from: one source of items, or any number of live ones.
pub(crate) enum Sources {
    Items(Lent),
    Live(LiveSources),
}

/// The sources of a plan, and what the first was built with.
pub(crate) fn sources(
    plan: &ClearPlan,
    base_dir: &Path,
    services: &Services,
) -> Result<(Sources, BuildContext), Fault> {
    let mut live = LiveSources::new();
    let mut first = None;
    for stage in plan.of_role(Role::Source) {
        let kind = services.registry.sources.get(stage.kind.as_str());
        let kind = kind.ok_or_else(|| unknown_kind(Role::Source, &stage.kind))?;
        let cx = context(plan, &stage.id, base_dir, services);
        match kind.build(&stage.config, &cx)? {
            AnySource::Items(source) => return Ok((Sources::Items(source), cx)),
            AnySource::Live(source) => drop(live.insert(stage.id.clone(), source)),
        }
        first.get_or_insert(cx);
    }
    let first = first.ok_or_else(|| Fault::config(3111, "the plan has no source"))?;
    Ok((Sources::Live(live), first))
}

/// What a stage of the plan is built with.
pub(crate) fn context(
    plan: &ClearPlan,
    stage: &StageId,
    base_dir: &Path,
    services: &Services,
) -> BuildContext {
    BuildContext {
        stage: stage.clone(),
        base_dir: base_dir.to_owned(),
        clock: services.system.clock().clone(),
        limits: services.limits,
        shelf: Shelf::default(),
        deployed: plan.deployed(stage),
        staging: Staging::new(services.checkpoints.clone()),
    }
}

/// What clears away everything that a stream may leave at the sinks.
pub(crate) fn discard(life: &Life<'_>, context: &StreamContext) -> Result<Vec<Action>, Fault> {
    let ground = Ground {
        plan: life.plan,
        secrets: &life.means.secrets,
        registry: &life.services.registry,
        cx: life.cx,
        stream: Arc::new(context.clone()),
        gate: Gate::open(),
        taps: life.services.taps.clone(),
        log: StreamLog::default(),
        driver: None,
        state: Restored::default(),
        origins: life.origins.clone(),
        times: life.times,
    };
    let sinks = ground.sinks(Schemas::new())?;
    Ok(sinks.iter().flat_map(|(_, sink)| sink.discard(context)).collect())
}
