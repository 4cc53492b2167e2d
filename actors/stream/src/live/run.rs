//! A run while data flows: what its stages say, what operators say, and what time does.
//!
//! What is decided is decided by the coordinator of its checkpoints, which the driver carries; here is
//! who is heard, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::Actor as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use weir_domain::{Counts, Fault, StageId};

use super::driver::{Drive, RunEnd};
use super::lane::{Lane, stopped};
use super::{Driver, LiveReader, Report, Restored};
use crate::control::{Control, Gate};
use crate::layout::{Feed, Layout, lay_out};
use crate::life::{Stops, Threads, count, ended_early, not_started};
use crate::pipeline::{self, Ended, Pipeline as Supervisor};
use crate::report::Reporter;
use crate::watchdog::Watchdog;
use crate::{Counters, StreamContext, StreamLog};

/// How often an open run's counts are told.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// What a pipeline begins with.
pub(super) struct Opened {
    pub(super) readers: BTreeMap<StageId, Box<dyn LiveReader>>,
    pub(super) state: Restored,
    pub(super) threads: Threads,
    pub(super) context: StreamContext,
}

/// A pipeline that runs.
struct Running {
    ended: oneshot::Receiver<Ended>,
    reports: mpsc::UnboundedReceiver<(StageId, Report)>,
    counters: BTreeMap<StageId, Arc<Counters>>,
    log: StreamLog,
    watchdog: Watchdog,
    /// Whether its sources are to wait: it is paused, or too much is to be published.
    is_shut: watch::Sender<bool>,
    stop: CancellationToken,
    _stops: DropGuard,
}

impl Lane<'_> {
    pub(super) async fn drive(
        &self,
        mut drive: Drive<'_>,
        opened: Opened,
        control: &Control,
        reporter: &mut Reporter<'_>,
    ) -> Result<RunEnd, Fault> {
        let stops = self.life.stops;
        let (mut gate, mut savepoints) = (control.gate(), control.savepoints());
        let mut run = self.begin(&mut drive, opened, gate.is_shut()).await?;
        let mut progress = tokio::time::interval(PROGRESS_EVERY);
        let mut interval = tokio::time::interval(self.life.services.limits.checkpoint_interval);
        interval.tick().await;
        reporter.paused(gate.is_shut());
        let (mut checkpointed, mut is_stopping) = (BTreeMap::new(), false);
        let ended = loop {
            let stepped = tokio::select! {
                ended = &mut run.ended => break ended,
                Some((stage, report)) = run.reports.recv() => drive.reported(stage, report),
                worked = drive.work() => worked,
                () = gate.changed() => {
                    reporter.paused(gate.is_shut());
                    Ok(())
                }
                // What is paused is not committed.
                Ok(()) = savepoints.changed(), if !gate.is_shut() => {
                    let wanted = savepoints.borrow_and_update().clone();
                    drive.save(wanted)
                }
                () = to_stop(stops, control), if !is_stopping => {
                    is_stopping = true;
                    drive.stop()
                }
                () = control.abort.cancelled(), if !run.stop.is_cancelled() => {
                    run.stop.cancel();
                    Ok(())
                }
                // Stages that hang end when they can: nobody publishes what they prepare.
                () = control.terminate.cancelled() => {
                    return Err(control.ended().unwrap_or_else(stopped));
                }
                hangs = run.watchdog.hangs() => Err(hangs),
                _ = interval.tick() => {
                    self.is_time(&mut drive, &run, &mut checkpointed, gate.is_shut(), reporter)
                }
                _ = progress.tick() => {
                    self.tell(&drive, &mut run, reporter);
                    Ok(())
                }
            };
            if let Err(fault) = stepped {
                run.wait(control).await;
                break Ok(Err(fault));
            }
            run.shut(gate.is_shut() || drive.is_held());
            drive.pass_on(reporter);
        };
        count(self.life.plan, &run.counters, &mut reporter.stream);
        reporter.pass_on(&run.log);
        drive.pass_on(reporter);
        match (ended.unwrap_or_else(|_| Err(ended_early())), drive.end) {
            (Ok(_), Some(end)) => Ok(end),
            (Err(fault), _) => Err(control.ended().unwrap_or(fault)),
            (Ok(_), None) => Err(ended_early()),
        }
    }

    /// Lays out the pipeline and starts it.
    async fn begin(
        &self,
        drive: &mut Drive<'_>,
        opened: Opened,
        is_paused: bool,
    ) -> Result<Running, Fault> {
        let Opened { readers, state, threads, context } = opened;
        let services = self.life.services;
        let (voice, reports) = mpsc::unbounded_channel();
        let is_shut = watch::Sender::new(is_paused);
        let gate = Gate::of(is_shut.subscribe());
        let place = context.place();
        let ground = self.ground(Arc::new(context), gate, (Some(Driver(voice)), state));
        let log = ground.log.clone();
        let Layout { bodies, counters, orders } = lay_out(&ground, Feed::Live(readers))?;
        // The stages alone say something: when the last has ended, nothing more comes.
        drop(ground);
        drive.orders = orders;
        let (answer, ended) = oneshot::channel();
        let stop = self.life.stops.abort.child_token();
        let _stops = stop.clone().drop_guard();
        let tasks = services.system.tasks().clone();
        let threads = Some(threads);
        let arguments =
            pipeline::Arguments { bodies, tasks, stop: stop.clone(), answer, threads, place };
        let spawned = Supervisor::spawn(None, Supervisor, arguments).await;
        spawned.map_err(|it| not_started(&it))?;
        let watchdog = Watchdog::new(counters.clone(), services.limits.progress_within);
        Ok(Running { ended, reports, counters, log, watchdog, is_shut, stop, _stops })
    }

    /// The interval is over.
    fn is_time(
        &self,
        drive: &mut Drive<'_>,
        run: &Running,
        checkpointed: &mut BTreeMap<StageId, Counts>,
        is_paused: bool,
        reporter: &mut Reporter<'_>,
    ) -> Result<(), Fault> {
        count(self.life.plan, &run.counters, &mut reporter.stream);
        // What is paused is not committed, and where nothing moved nothing is to be kept.
        let has_moved = reporter.stream.stages != *checkpointed && !is_paused;
        let written = reporter.stream.stages.values().map(|it| it.bytes_out).sum();
        if drive.tick((has_moved, written), is_paused)? {
            checkpointed.clone_from(&reporter.stream.stages);
        }
        Ok(())
    }

    /// Tells how far it came, and what it waits for.
    fn tell(&self, drive: &Drive<'_>, run: &mut Running, reporter: &mut Reporter<'_>) {
        count(self.life.plan, &run.counters, &mut reporter.stream);
        let now = self.life.services.system.now();
        let hangs = run.watchdog.told(now);
        if let Some((fault, true)) = &hangs {
            reporter.warn(fault.code.0, fault.message.clone());
        }
        let awaited = run.watchdog.awaited();
        reporter.awaits(awaited.clone());
        self.shows(drive, awaited.or(hangs.map(|it| it.0)), &reporter.stream);
        reporter.progress();
        reporter.pass_on(&run.log);
    }
}

impl Running {
    /// Its sources wait, or go on.
    fn shut(&self, is_shut: bool) {
        self.is_shut.send_if_modified(|it| std::mem::replace(it, is_shut) != is_shut);
    }

    /// No stage works on when the next run begins, unless it hangs. How they end is no news.
    async fn wait(&mut self, control: &Control) {
        self.stop.cancel();
        tokio::select! {
            _ = &mut self.ended => {}
            _ = self.watchdog.hangs() => {}
            () = control.terminate.cancelled() => {}
        }
    }
}

/// Resolves when the run is to commit what it has, and end.
async fn to_stop(stops: &Stops, control: &Control) {
    tokio::select! {
        () = stops.drain.cancelled() => {}
        () = control.shutdown.cancelled() => {}
    }
}
