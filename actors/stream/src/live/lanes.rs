//! The lanes of one instance: it claims those that nobody works on, and works on all that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use weir_domain::plan::Plan;
use weir_domain::{Fault, Fingerprint, Item, Millis, Reprocess, SourceName, Stream, StreamState};
use weir_persistence_api::Claim;

use super::Share;
use super::driver::RunEnd;
use super::lane::{Lane, LiveSources};
use crate::StreamContext;
use crate::clear::ClearPlan;
use crate::instance::{BEAT_EVERY, Happened, Instance, Open, Sources, Terms, sources};
use crate::life::{Claimed, Life};
use crate::report::Reporter;
use crate::services::Live;
use crate::settlement::Owed;

/// How often an instance looks for a lane that nobody works on. Once more for each that it has: who
/// has fewer comes first.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a lane is left alone after a fault, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A lane that was claimed, by its number.
type Held = (u32, Box<Claimed>, Live);

/// What an instance waits for.
enum Step {
    Claimed(Result<Option<Held>, Fault>),
    Ran(u32, Result<RunEnd, Fault>),
}

/// What an instance has under way.
#[derive(Default)]
struct Hands {
    lanes: BTreeSet<u32>,
    is_claiming: bool,
    /// By lane: how often it has failed in a row.
    failures: BTreeMap<u32, u32>,
}

impl Instance {
    /// Works on lanes until it is drained.
    pub(crate) async fn work_on_lanes(
        &self,
        plan: &ClearPlan,
        life: &Life<'_>,
    ) -> Result<(), Fault> {
        let name = SourceName::of(&self.plan.workflow, &life.cx.stage);
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
                    Step::Claimed(Ok(Some((lane, claimed, live)))) => {
                        hands.claimed(Some(lane));
                        let run = self.run(plan, life, Share { lane, lanes }, claimed, live);
                        steps.push(run.boxed());
                        look.set(tokio::time::sleep(hands.patience()));
                    }
                    Step::Claimed(nothing) => {
                        hands.claimed(None);
                        if let Err(fault) = nothing {
                            self.stands(fault);
                        }
                        if hands.lanes.is_empty() {
                            (self.notice)(Happened::Idle);
                        }
                        look.set(tokio::time::sleep(hands.patience()));
                    }
                    Step::Ran(lane, ended) => {
                        let pause = self.ran(&mut hands, lane, ended);
                        look.set(tokio::time::sleep(pause));
                    }
                },
                () = &mut look, if is_looking => {
                    hands.is_claiming = true;
                    let free: Vec<_> = (0..lanes).filter(|it| !hands.lanes.contains(it)).collect();
                    let claim = self.claim_lane(&name, free).map(Step::Claimed);
                    steps.push(claim.boxed());
                }
                () = self.stops.drain.cancelled(), if !is_drained => {}
                _ = beat.tick(), if !hands.lanes.is_empty() => (self.notice)(Happened::Worked),
            }
        }
    }

    /// Takes note of how a run ended, and says how long to leave lanes alone.
    fn ran(&self, hands: &mut Hands, lane: u32, ended: Result<RunEnd, Fault>) -> Duration {
        hands.lanes.remove(&lane);
        match ended {
            Ok(RunEnd::Finished | RunEnd::Stopped) => {
                hands.failures.remove(&lane);
                self.clears();
                LOOK_EVERY
            }
            Err(fault) => {
                let count = hands.failures.entry(lane).or_default();
                *count += 1;
                let pause = BACKOFF.0.saturating_mul(2_u32.saturating_pow(*count - 1));
                self.stands(fault);
                pause.min(BACKOFF.1)
            }
        }
    }

    async fn claim_lane(&self, name: &SourceName, free: Vec<u32>) -> Result<Option<Held>, Fault> {
        let interval = Millis(u64::try_from(LOOK_EVERY.as_millis()).unwrap_or(u64::MAX));
        let terms = Terms { reprocess: Reprocess::WhenChanged, clearance: false, interval };
        let candidates = free.iter().map(|it| item(*it)).collect();
        // What it stages is cleared away by the next run: a checkpoint may have decided for it.
        let nothing = |_: &StreamContext| Ok(Vec::new());
        let claimed = self.claim(name, terms, candidates, nothing).await?;
        Ok(claimed.and_then(|(claimed, live)| {
            let lane = free.into_iter().find(|it| item(*it) == claimed.claim.item)?;
            Some((lane, Box::new(claimed), live))
        }))
    }

    async fn run(
        &self,
        plan: &ClearPlan,
        life: &Life<'_>,
        share: Share,
        claimed: Box<Claimed>,
        _live: Live,
    ) -> Step {
        let _open = Open::new(self, claimed.stream.id);
        let Claimed { claim, context, stream, heard, .. } = *claimed;
        let mut reporter = Reporter::new(life.services, life.secrets, stream);
        reporter.say(3010, format!("opened {}", claim.item.name));
        let seen = |stream: &Stream| self.goes_on(stream);
        let lane = Lane::new(life, share, &seen);
        let ended = match self.live_sources(plan) {
            Ok(sources) => lane.run(sources, &context, &heard.control, &mut reporter).await,
            Err(fault) => Err(fault),
        };
        let ended = ended.map_err(|it| life.secrets.masked_fault(it));
        if let Some(stream) = self.close(life, &claim, &ended, reporter).await {
            self.closed(&stream);
        }
        Step::Ran(share.lane, ended)
    }

    fn live_sources(&self, plan: &Plan) -> Result<LiveSources, Fault> {
        match sources(plan, &self.base_dir, &self.services)?.0 {
            Sources::Live(sources) => Ok(sources),
            Sources::Items(_) => {
                Err(Fault::config(3111, "the source offers items and was to be live"))
            }
        }
    }

    /// Gives the lane back, or for good if it has no more to read.
    async fn close(
        &self,
        life: &Life<'_>,
        claim: &Claim,
        ended: &Result<RunEnd, Fault>,
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
            Ok(RunEnd::Finished) => life.finish(claim, owed, reporter).await,
            Ok(RunEnd::Stopped) | Err(_) => life.give_back(claim, owed).await,
        }
    }
}

impl Hands {
    fn claimed(&mut self, lane: Option<u32>) {
        self.is_claiming = false;
        self.lanes.extend(lane);
    }

    /// Before it looks for a further lane: who has fewer comes first.
    fn patience(&self) -> Duration {
        LOOK_EVERY * u32::try_from(self.lanes.len() + 1).unwrap_or(u32::MAX)
    }
}

/// A lane as the Access Coordinator knows it. All of one name are the same.
fn item(lane: u32) -> Item {
    Item { name: format!("lane-{}", lane + 1), fingerprint: Fingerprint::default() }
}
