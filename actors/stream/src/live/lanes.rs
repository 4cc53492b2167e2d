//! The lanes of one instance: it claims those that nobody works on, and works on all that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use weir_domain::{Fault, Fingerprint, Item, Millis, Reprocess, SourceName, Stream, StreamState};
use weir_persistence_api::Claim;
use weir_runtime::{Backoff, Stopwatch};

use super::Share;
use super::driver::RunEnd;
use super::jobs::{lane_name, lanes_source};
use super::lane::{Lane, LiveSources};
use crate::clear::ClearPlan;
use crate::instance::{BEAT_EVERY, Happened, Instance, Open, Sources, Terms, sources};
use crate::life::{Claimed, Life, Threads};
use crate::report::Reporter;
use crate::services::Live;
use crate::settlement::Owed;
use crate::{Outcome, StreamContext};

/// How often an instance looks for a lane that nobody works on. Once more for each that it has: who
/// has fewer comes first.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a lane is left alone after faults in a row.
const BACKOFF: Backoff =
    Backoff { min: Duration::from_secs(1), max: Duration::from_secs(30), jitter: 0.0 };

/// A lane that was claimed, by its number, and all that is held with it.
type Held = (u32, Box<Claimed>, (Live, Threads));

/// What an instance waits for.
enum Step {
    Claimed(Result<Option<Held>, Fault>),
    Ran(u32, Ran),
}

/// How a run ended, and whether it had committed something.
struct Ran {
    ended: Result<RunEnd, Fault>,
    has_committed: bool,
}

/// What an instance has under way.
#[derive(Default)]
struct Hands {
    lanes: BTreeSet<u32>,
    is_claiming: bool,
    /// How often in a row it was granted nothing.
    misses: u32,
    /// Lanes that failed: how often in a row, since when they rest, and for how long.
    resting: BTreeMap<u32, (u32, Stopwatch, Duration)>,
}

impl Instance {
    /// Works on lanes until it is drained.
    pub(crate) async fn work_on_lanes(
        &self,
        plan: &ClearPlan,
        life: &Life<'_>,
    ) -> Result<(), Fault> {
        // Whatever the sources are called: all deployments of a workflow claim the same lanes.
        let name = lanes_source(&self.plan.workflow);
        let lanes = self.plan.instances.max(1);
        let mut steps: FuturesUnordered<BoxFuture<'_, Step>> = FuturesUnordered::new();
        let mut hands = Hands::default();
        let mut look = pin!(tokio::time::sleep(Duration::ZERO));
        let mut beat = tokio::time::interval(BEAT_EVERY);
        (self.notice)(Happened::Active);
        loop {
            let is_drained = self.stops.drain.is_cancelled();
            if is_drained && steps.is_empty() {
                return Ok(());
            }
            let is_looking =
                !is_drained && !hands.is_claiming && hands.lanes.len() < lanes as usize;
            tokio::select! {
                Some(step) = steps.next() => match step {
                    Step::Claimed(Ok(Some((lane, claimed, held)))) => {
                        hands.claimed(Some(lane));
                        let run = self.run(plan, life, Share { lane, lanes }, claimed, held);
                        steps.push(run.boxed());
                        look.set(tokio::time::sleep(hands.patience()));
                    }
                    Step::Claimed(nothing) => {
                        hands.claimed(None);
                        hands.misses += 1;
                        if let Err(fault) = nothing {
                            self.stands(fault);
                        }
                        if hands.lanes.is_empty() {
                            (self.notice)(Happened::Idle);
                        }
                        look.set(tokio::time::sleep(hands.patience()));
                    }
                    Step::Ran(lane, ran) => {
                        self.ran(&mut hands, lane, ran);
                        look.set(tokio::time::sleep(LOOK_EVERY));
                    }
                },
                () = &mut look, if is_looking => {
                    let free: Vec<_> = (0..lanes).filter(|it| hands.may_claim(*it)).collect();
                    if free.is_empty() {
                        look.set(tokio::time::sleep(LOOK_EVERY));
                        continue;
                    }
                    hands.is_claiming = true;
                    let claim = self.claim_lane(life, &name, free).map(Step::Claimed);
                    steps.push(claim.boxed());
                }
                () = self.stops.drain.cancelled(), if !is_drained => {}
                _ = beat.tick(), if !hands.lanes.is_empty() => (self.notice)(Happened::Worked),
            }
        }
    }

    /// Takes note of how a run ended.
    fn ran(&self, hands: &mut Hands, lane: u32, ran: Ran) {
        hands.lanes.remove(&lane);
        let before = hands.resting.remove(&lane).filter(|_| !ran.has_committed);
        match ran.ended {
            Ok(RunEnd::Finished | RunEnd::Stopped) => self.clears(),
            Err(fault) => {
                let failures = before.map_or(1, |it| it.0.saturating_add(1));
                let rest = (failures, Stopwatch::start(), BACKOFF.delay(failures, 0.0));
                hands.resting.insert(lane, rest);
                self.stands(fault);
            }
        }
    }

    async fn claim_lane(
        &self,
        life: &Life<'_>,
        name: &SourceName,
        free: Vec<u32>,
    ) -> Result<Option<Held>, Fault> {
        let threads = life.threads_for_good()?;
        let interval = Millis(u64::try_from(LOOK_EVERY.as_millis()).unwrap_or(u64::MAX));
        let terms = Terms { reprocess: Reprocess::WhenChanged, clearance: false, interval };
        let candidates = free.iter().map(|it| item(*it)).collect();
        // What it stages is cleared away by the next run: a checkpoint may have decided for it.
        let nothing = |_: &StreamContext| Ok(Vec::new());
        let claimed = self.claim(name, terms, candidates, nothing).await?;
        Ok(claimed.and_then(|(claimed, live)| {
            let lane = free.into_iter().find(|it| item(*it) == claimed.claim.item)?;
            Some((lane, Box::new(claimed), (live, threads)))
        }))
    }

    async fn run(
        &self,
        plan: &ClearPlan,
        life: &Life<'_>,
        share: Share,
        claimed: Box<Claimed>,
        _held: (Live, Threads),
    ) -> Step {
        let _open = Open::new(self, claimed.stream.id);
        let Claimed { claim, context, stream, heard, .. } = *claimed;
        let mut reporter = Reporter::new(life.services, &life.means.secrets, stream);
        reporter.say(3010, format!("opened {}", claim.item.name));
        let has_committed = AtomicBool::new(false);
        let seen = |stream: &Stream, commits: bool| {
            if commits && !has_committed.swap(true, Ordering::Relaxed) {
                self.clears();
            }
            self.goes_on(stream);
        };
        let lane = Lane::new(life, share, &seen);
        let control = &heard.control;
        let ended = match self.live_sources(plan) {
            // The claim was answered when nobody waited for it any more.
            _ if self.stops.drain.is_cancelled() => Ok(RunEnd::Stopped),
            Ok(sources) => lane.run(sources, &context, control, &mut reporter).await,
            Err(fault) => Err(fault),
        };
        let ended = ended.map_err(|it| life.means.secrets.masked_fault(it));
        let is_ended_by_hand = control.ended().is_some();
        let closed = self.close(life, &claim, (&ended, is_ended_by_hand), reporter).await;
        if let Some(stream) = closed {
            self.closed(&stream);
        }
        let has_committed = has_committed.load(Ordering::Relaxed);
        Step::Ran(share.lane, Ran { ended, has_committed })
    }

    fn live_sources(&self, plan: &ClearPlan) -> Result<LiveSources, Fault> {
        match sources(plan, &self.base_dir, &self.services)?.0 {
            Sources::Live(sources) => Ok(sources),
            Sources::Items(_) => {
                Err(Fault::config(3111, "the source offers items and was to be live"))
            }
        }
    }

    /// Gives the lane back; for good if it has no more to read, or an operator ended it.
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
            Ok(RunEnd::Stopped) | Err(_) => life.give_back(claim, owed).await,
        }
    }
}

impl Hands {
    fn claimed(&mut self, lane: Option<u32>) {
        self.is_claiming = false;
        if lane.is_some() {
            self.misses = 0;
        }
        self.lanes.extend(lane);
    }

    fn may_claim(&self, lane: u32) -> bool {
        let rests = self.resting.get(&lane).is_some_and(|(_, since, rest)| since.elapsed() < *rest);
        !rests && !self.lanes.contains(&lane)
    }

    /// Before it looks for a further lane: who has fewer comes first, and who found none looks less often.
    fn patience(&self) -> Duration {
        let held = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        LOOK_EVERY.saturating_mul((held + 1) << self.misses.min(3))
    }
}

/// A lane as the Access Coordinator knows it. All of one name are the same.
fn item(lane: u32) -> Item {
    Item { name: lane_name(lane), fingerprint: Fingerprint::default() }
}
