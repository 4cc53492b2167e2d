//! The jobs of one instance: it claims those that nobody works on, and works on all that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;
use weir_domain::{
    Fault, FaultKind, Fingerprint, Item, ItemStatus, Millis, Reprocess, SourceName, Stream,
    StreamOrder, StreamState,
};
use weir_persistence_api::{Claim, Unfinished};
use weir_runtime::Stopwatch;

use super::driver::RunEnd;
use super::effects::fault;
use super::failures::{Failures, Next};
use super::jobs::{self, lanes_source};
use super::lane::{Lane, LiveSources, Seen};
use super::regions::{self, Region};
use super::{Job, Share};
use crate::clear::ClearPlan;
use crate::instance::{BEAT_EVERY, Happened, Instance, Open, Sources, Terms, sources};
use crate::life::{Claimed, Life, Threads};
use crate::report::Reporter;
use crate::services::{Live, Services};
use crate::settlement::Owed;
use crate::{BuildContext, Outcome, StreamContext};

/// How often an instance looks for a job that nobody works on. Once more for each lane that it has:
/// who has fewer comes first.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The same once a job was released whose engine is gone: nobody works on it.
const LOOK_SOON: Duration = Duration::from_millis(50);

/// How often it asks whether other engines work on what failed here.
const ASK_EVERY: Duration = Duration::from_secs(3);
/// A run that goes on for so long without trouble has left behind what the run before it failed of, also
/// where nothing is there to be committed.
const FINE_AFTER: Duration = Duration::from_secs(5);

/// A job that was claimed, and all that is held with it.
type Held = (usize, Box<Claimed>, (Live, Threads));

/// What an instance waits for.
enum Step {
    Claimed(Result<Option<Held>, Fault>),
    Ran(usize, Ran),
    /// Jobs that other engines have; `None`: nobody could say.
    Elsewhere(Option<BTreeSet<usize>>),
}

/// How a run ended, and how long it took.
struct Ran {
    ended: Result<RunEnd, Fault>,
    took: Duration,
}

/// The jobs of a workflow, as they are under an order.
struct Work<'a> {
    name: SourceName,
    /// The number of the order.
    order: u32,
    /// What runs a region, by region.
    lives: Vec<Life<'a>>,
    /// By lane, and by region in each.
    jobs: Vec<Job>,
}

/// What an instance has under way.
#[derive(Default)]
struct Hands {
    held: BTreeSet<usize>,
    is_claiming: bool,
    /// How often in a row it was granted nothing.
    misses: u32,
    /// Nobody works on what was released last, until it finds nothing any more.
    is_released: bool,
    failed: BTreeMap<usize, Failed>,
    is_asking: bool,
    /// Another order holds now: which job is whose is to be asked again, and what is under way ends.
    stale: CancellationToken,
}

/// A job that failed here.
struct Failed {
    failures: Failures,
    fault: Fault,
    /// When it may be begun again; `None`: when a person has looked.
    rest: Option<(Stopwatch, Duration)>,
}

impl Instance {
    /// Works on jobs until it is drained. What fails for good is given up, job by job.
    pub(crate) async fn work_on_lanes(&self, cx: &BuildContext) -> Result<(), Fault> {
        let _shown = self.shown();
        (self.notice)(Happened::Active);
        while !self.stops.drain.is_cancelled() {
            match self.agree().await {
                Ok((order, regions)) => self.work_on(order, &regions, cx).await?,
                Err(fault) if fault.kind == FaultKind::Transient => {
                    self.stands(fault);
                    self.pause(LOOK_EVERY).await;
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// The regions of the plan, and the number of the order under which they are these.
    async fn agree(&self) -> Result<(u32, Vec<Region>), Fault> {
        let group = jobs::group(self.services.checkpoints.clone(), &self.plan.workflow)?;
        let order = group.newest_order().await.map_err(|it| fault(&it))?;
        let regions = regions::agree(&group, order.as_ref(), &self.plan).await?;
        Ok((order.map_or(0, |it| it.number), regions))
    }

    /// Works on jobs until it is drained, or another order holds.
    async fn work_on(
        &self,
        order: u32,
        regions: &[Region],
        cx: &BuildContext,
    ) -> Result<(), Fault> {
        let part = |it: &Region| {
            ClearPlan::of(&self.plan.part(&it.stages), &self.means.secrets, &self.services.registry)
        };
        let plans = regions.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        let lanes = self.plan.instances.max(1);
        let job = |lane, region: usize| Job {
            name: regions[region].name.job(lane),
            share: Share { lane, lanes },
            region,
        };
        let each = (0..lanes).flat_map(|lane| (0..regions.len()).map(move |of| (lane, of)));
        let work = Work {
            // Whatever the sources are called: all deployments of a workflow claim the same jobs.
            name: lanes_source(&self.plan.workflow),
            order,
            lives: plans.iter().map(|it| self.life(it, cx)).collect(),
            jobs: each.map(|(lane, region)| job(lane, region)).collect(),
        };
        self.claim_and_run(&work).await;
        Ok(())
    }

    async fn claim_and_run(&self, work: &Work<'_>) {
        let mut hands = Hands::default();
        let (since, stale) = (Stopwatch::start(), hands.stale.clone());
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        let mut look = pin!(tokio::time::sleep(Duration::ZERO));
        let mut ask = pin!(tokio::time::sleep(ASK_EVERY));
        let mut beat = tokio::time::interval(BEAT_EVERY);
        let mut releases = self.services.live.releases();
        loop {
            let is_drained = self.stops.drain.is_cancelled();
            let is_ending = is_drained || stale.is_cancelled();
            if is_ending && steps.is_empty() {
                return;
            }
            let is_looking = !is_ending && !hands.is_claiming && hands.held.len() < work.jobs.len();
            let may_ask = !is_ending && !hands.is_asking && !hands.failed.is_empty();
            tokio::select! {
                Some(step) = steps.next() => match step {
                    Step::Claimed(claimed) => {
                        if let Some(held) = self.claimed(&mut hands, claimed) {
                            steps.push(self.run(work, held, &stale).boxed());
                        }
                        look.set(tokio::time::sleep(hands.patience(work.lives.len())));
                    }
                    Step::Ran(at, ran) => {
                        self.ran(&mut hands, (at, &work.jobs[at].name), ran, since.elapsed());
                        look.set(tokio::time::sleep(LOOK_EVERY));
                    }
                    Step::Elsewhere(held) => {
                        hands.is_asking = false;
                        ask.set(tokio::time::sleep(ASK_EVERY));
                        if let Some(held) = held {
                            self.shows_what_failed(&hands, work, &held);
                        }
                    }
                },
                () = &mut ask, if may_ask => {
                    hands.is_asking = true;
                    steps.push(self.elsewhere(work).map(Step::Elsewhere).boxed());
                }
                () = &mut look, if is_looking => {
                    let free: Vec<_> =
                        (0..work.jobs.len()).filter(|it| hands.may_claim(*it)).collect();
                    if free.is_empty() {
                        // All that is left rests, or was given up: that is not being stuck.
                        if hands.held.is_empty() {
                            (self.notice)(Happened::Idle);
                        }
                        look.set(tokio::time::sleep(LOOK_EVERY));
                        continue;
                    }
                    hands.is_claiming = true;
                    steps.push(self.claim_job(work, free).map(Step::Claimed).boxed());
                }
                Ok(()) = releases.changed(), if is_looking => {
                    (hands.misses, hands.is_released) = (0, true);
                    look.set(tokio::time::sleep(hands.patience(work.lives.len())));
                }
                () = self.stops.drain.cancelled(), if !is_drained => {}
                _ = beat.tick(), if !hands.held.is_empty() => (self.notice)(Happened::Worked),
            }
        }
    }

    /// Takes note of what was granted.
    fn claimed(&self, hands: &mut Hands, claimed: Result<Option<Held>, Fault>) -> Option<Held> {
        hands.is_claiming = false;
        if claimed.is_ok() {
            // Whoever gives jobs out answers again, whether there is one or not.
            self.clears();
        }
        match claimed {
            Ok(Some(held)) => {
                hands.misses = 0;
                hands.held.insert(held.0);
                return Some(held);
            }
            Ok(None) => {}
            Err(fault) => self.stands(fault),
        }
        hands.misses += 1;
        hands.is_released = false;
        if hands.held.is_empty() {
            (self.notice)(Happened::Idle);
        }
        None
    }

    /// Takes note of how a run ended.
    fn ran(&self, hands: &mut Hands, (at, job): (usize, &str), ran: Ran, now: Duration) {
        hands.held.remove(&at);
        let fault = match ran.ended {
            Ok(RunEnd::Finished | RunEnd::Stopped) => {
                hands.failed.remove(&at);
                return self.clears_of(job);
            }
            Ok(RunEnd::Renewed) => return hands.stale.cancel(),
            Err(fault) => fault,
        };
        let policy = self.services.limits.restarts;
        let chance = self.services.system.ids().chance();
        let was = hands.failed.remove(&at);
        let mut failures = was.map_or_else(|| Failures::new(policy), |it| it.failures);
        let next = failures.failed(job, &fault, (now, ran.took), chance);
        let (fault, rest) = match next {
            Next::After(wait) => (fault, Some((Stopwatch::start(), wait))),
            Next::GivenUp(fault) => (fault, None),
        };
        let failed = Failed { failures, fault, rest };
        self.shows(job, &failed);
        hands.failed.insert(at, failed);
    }

    /// Says that a job failed. What was stopped goes on elsewhere, or anew: nothing is to be done.
    fn shows(&self, job: &str, failed: &Failed) {
        match failed.fault.kind {
            FaultKind::Stopped => {}
            FaultKind::Data | FaultKind::Transient | FaultKind::Config => {
                self.stands_for(job, failed.fault.clone(), failed.rest.is_none());
            }
        }
    }

    /// What failed here is no fault of the workflow as long as somebody else works on it.
    fn shows_what_failed(&self, hands: &Hands, work: &Work<'_>, elsewhere: &BTreeSet<usize>) {
        for (at, failed) in hands.failed.iter().filter(|it| !hands.held.contains(it.0)) {
            let job = &work.jobs[*at].name;
            match elsewhere.contains(at) {
                true => self.clears_own(job),
                false => self.shows(job, failed),
            }
        }
    }

    /// The jobs that somebody works on: another engine, or another instance of this one.
    async fn elsewhere(&self, work: &Work<'_>) -> Option<BTreeSet<usize>> {
        let Services { access, peers, system, live, .. } = &self.services;
        let held = access.unfinished_of(&work.name).await.ok()?.into_iter().filter(|it| {
            it.status == ItemStatus::Acquired
                && match it.owner == system.owner() {
                    true => live.contains(it.claim.id),
                    false => !peers.is_gone(&it.owner),
                }
        });
        let at = |it: Unfinished| work.jobs.iter().position(|job| job.name == it.claim.item.name);
        Some(held.filter_map(at).collect())
    }

    async fn claim_job(&self, work: &Work<'_>, free: Vec<usize>) -> Result<Option<Held>, Fault> {
        // Of the one that needs most: which one is granted is not known.
        let greediest = work.lives.iter().max_by_key(|it| it.threads_needed());
        let threads = greediest.map(Life::threads_for_good).transpose()?;
        let interval = Millis(u64::try_from(LOOK_EVERY.as_millis()).unwrap_or(u64::MAX));
        let terms = Terms {
            reprocess: Reprocess::WhenChanged,
            clearance: false,
            interval,
            lists_more: false,
        };
        let item_of = |at: usize| item(&work.jobs[at].name);
        let candidates = free.iter().map(|it| item_of(*it)).collect();
        // What it stages is cleared away by the next run: a checkpoint may have decided for it.
        let nothing = |_: &StreamContext| Ok(Vec::new());
        let claimed = self.claim(&work.name, terms, candidates, nothing).await?;
        Ok(claimed.zip(threads).and_then(|((claimed, live), threads)| {
            let at = free.into_iter().find(|it| item_of(*it) == claimed.claim.item)?;
            Some((at, Box::new(claimed), (live, threads)))
        }))
    }

    async fn run(
        &self,
        work: &Work<'_>,
        (at, claimed, (_live, threads)): Held,
        stale: &CancellationToken,
    ) -> Step {
        let (job, since) = (&work.jobs[at], Stopwatch::start());
        let life = &work.lives[job.region];
        let _open = Open::new(self, claimed.stream.id);
        let Claimed { claim, context, stream, heard, .. } = *claimed;
        let mut reporter = Reporter::new(life.services, &life.means.secrets, stream);
        reporter.say(3010, format!("opened {}", claim.item.name));
        // Until it has committed something, or is fine for a while, what the run before it failed of is
        // shown.
        let is_shown = AtomicBool::new(true);
        let seen = |it: Seen<'_>| {
            match it.trouble {
                Some(fault) => {
                    is_shown.store(true, Ordering::Relaxed);
                    self.stands_for(&job.name, fault, false);
                }
                None if (it.has_committed || since.elapsed() > FINE_AFTER)
                    && is_shown.swap(false, Ordering::Relaxed) =>
                {
                    self.clears_of(&job.name);
                }
                None => {}
            }
            self.goes_on(it.stream);
        };
        let lane = Lane::new(life, (job, work.order), &seen);
        let control = &heard.control;
        let ended = match self.live_sources(life.plan) {
            // The claim was answered when nobody waited for it any more.
            _ if self.stops.drain.is_cancelled() => Ok(RunEnd::Stopped),
            Ok(sources) => {
                let mut run = pin!(lane.run((sources, threads), &context, control, &mut reporter));
                tokio::select! {
                    ended = &mut run => ended,
                    // It does not follow the order. Where it has data it finds that out by itself, and
                    // where it has none it would never.
                    () = stale.cancelled() => {
                        control.obey(StreamOrder::Shutdown);
                        run.await
                    }
                }
            }
            Err(fault) => Err(fault),
        };
        let ended = ended.map_err(|it| life.means.secrets.masked_fault(it));
        let is_ended_by_hand = control.ended().is_some();
        let closed = self.close(life, &claim, (&ended, is_ended_by_hand), reporter).await;
        if let Some(stream) = closed {
            self.closed(&stream);
        }
        Step::Ran(at, Ran { ended, took: since.elapsed() })
    }

    fn live_sources(&self, plan: &ClearPlan) -> Result<LiveSources, Fault> {
        match sources(plan, &self.base_dir, &self.services)?.0 {
            Sources::Live(sources) => Ok(sources),
            Sources::Items(_) => {
                Err(Fault::config(3111, "the source offers items and was to be live"))
            }
        }
    }

    /// Gives the job back; for good if it has no more to read, or an operator ended it.
    async fn close(
        &self,
        life: &Life<'_>,
        claim: &Claim,
        (ended, is_ended_by_hand): (&Result<RunEnd, Fault>, bool),
        reporter: Reporter<'_>,
    ) -> Option<Stream> {
        let mut stream = reporter.stream.clone();
        stream.closed_at = Some(self.services.system.now());
        (stream.state, stream.fault) = match ended {
            Ok(_) if stream.counts.dead_letters + stream.counts.ignored == 0 => {
                (StreamState::Committed, None)
            }
            Ok(_) => (StreamState::CommittedWithWarnings, None),
            Err(fault) => (StreamState::RolledBack, Some(fault.clone())),
        };
        let owed = Owed { actions: Vec::new(), stream };
        match ended {
            Ok(RunEnd::Finished) => life.decide(claim, owed, Outcome::Committed, reporter).await,
            Err(_) if is_ended_by_hand => life.decide(claim, owed, Outcome::Failed, reporter).await,
            Ok(RunEnd::Stopped | RunEnd::Renewed) | Err(_) => life.give_back(claim, owed).await,
        }
    }
}

impl Hands {
    fn may_claim(&self, at: usize) -> bool {
        let rests = self.failed.get(&at).is_some_and(|it| match &it.rest {
            Some((since, wait)) => since.elapsed() < *wait,
            None => true,
        });
        !rests && !self.held.contains(&at)
    }

    /// Before it looks for a further job: who has fewer lanes comes first, and who found none looks
    /// less often.
    fn patience(&self, regions: usize) -> Duration {
        let held = u32::try_from(self.held.len() / regions.max(1)).unwrap_or(u32::MAX);
        let every = if self.is_released { LOOK_SOON } else { LOOK_EVERY };
        every.saturating_mul(held.saturating_add(1) << self.misses.min(3))
    }
}

/// A job as the Access Coordinator knows it. All of one name are the same.
fn item(job: &str) -> Item {
    Item { name: job.to_owned(), fingerprint: Fingerprint::default() }
}
