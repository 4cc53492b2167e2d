//! One run of a scene: an engine after the other, each cut off where the case says, until all that
//! came in is published.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use weir_domain::{Fault, InstanceId, StageId, Timestamp};
use weir_runtime::Stopwatch;
use weir_stream::{Happened, Registry, RunningWorkflow, Services, resume};

use crate::engine::{Stores, services};
use crate::scene::Scene;
use crate::world::{Output, World};

/// How long those of a life that is over may take to go.
const GOING: Duration = Duration::from_secs(10);
const ONLY: InstanceId = InstanceId(1);

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) published: BTreeMap<StageId, Output>,
    /// Why items, or the whole workflow, ended without a commit.
    pub(crate) faults: Vec<Fault>,
    /// How many records came in.
    pub(crate) came: u64,
    /// Cuts that were not reached.
    pub(crate) cuts_left: usize,
    /// It was not done in time, and what stood in its way.
    pub(crate) late: Option<Option<Fault>>,
}

/// How a life ended.
enum End {
    Done,
    Cut,
    Late(Option<Fault>),
}

/// Runs a scene, cut off after so many records, ascending.
pub(crate) async fn run(
    scene: &Scene,
    registry: &Registry,
    (begin, timeout): (Timestamp, Duration),
    kills: &[u64],
) -> Result<Outcome, Fault> {
    let mut world = World::new(scene.state.clone(), begin, kills);
    let (stores, watch) = (Stores::new(), Stopwatch::start());
    loop {
        let services = services(&world, &stores, (registry, scene.limits)).await?;
        let left = timeout.saturating_sub(watch.elapsed());
        let end = live(scene, &world, &services, left).await;
        world.next_life();
        // Nobody of this life may act in the next one.
        services.system.tasks().join_all(GOING).await;
        match end {
            End::Cut => {}
            End::Done => return Ok(outcome(&world, None)),
            End::Late(standing) => return Ok(outcome(&world, Some(standing))),
        }
    }
}

fn outcome(world: &World, late: Option<Option<Fault>>) -> Outcome {
    let cuts_left = world.cuts_left();
    world.with(|it| {
        let ended = it.ended.values().flatten().cloned();
        Outcome {
            faults: it.failed.iter().cloned().chain(ended).collect(),
            published: std::mem::take(&mut it.published),
            came: it.came,
            cuts_left,
            late,
        }
    })
}

/// One life: from the start of an engine to its end.
async fn live(scene: &Scene, world: &World, services: &Services, left: Duration) -> End {
    // In memory the store always answers.
    let resumed = resume(services).await;
    if let Err(error) = resumed {
        return End::Late(Some(Fault::transient(2280, error.to_string())));
    }
    let running = RunningWorkflow::new(services.clone(), scene.spec.clone());
    let (told, is_over) = (world.clone(), Arc::new(AtomicBool::new(false)));
    let is_expected = is_over.clone();
    running.start(
        ONLY,
        Arc::new(move |it| {
            if let Happened::Ended(Err(fault)) = it
                && !is_expected.load(Ordering::SeqCst)
            {
                told.tell(|it| it.failed = Some(fault));
            }
        }),
    );
    let _ends = Ends { running: &running, world, is_over: &is_over };
    let until = tokio::time::timeout(left, over(scene, world)).await;
    until.unwrap_or_else(|_| End::Late(running.view(Vec::new()).fault))
}

/// Ends what runs, also where nobody waits for it any more.
struct Ends<'l> {
    running: &'l RunningWorkflow,
    world: &'l World,
    is_over: &'l AtomicBool,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.running.terminate(ONLY);
        self.world.let_go();
    }
}

/// Waits until nothing more is to come, or the run is cut off.
async fn over(scene: &Scene, world: &World) -> End {
    loop {
        let is_done = world.with(|it| {
            let wanted = if scene.is_live { 1 } else { it.items.len() };
            it.failed.is_some() || it.ended.len() >= wanted
        });
        match (world.is_cut(), is_done) {
            (true, _) => return End::Cut,
            (false, true) => return End::Done,
            (false, false) => world.changed().await,
        }
    }
}
