//! One run of a lane, from its claim to its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_checkpoint::fit::{Fit, Leftover, fit};
use weir_checkpoint::group::Order;
use weir_checkpoint::{
    Checkpoints, Coordinator, Epoch, Group, Manifest, Pipeline, Recovered, RestoreFrom, Writer,
};
use weir_domain::plan::Role;
use weir_domain::{Fault, StageId, Stream, StreamId};

use super::driver::{Drive, RunEnd};
use super::effects::fault;
use super::jobs::{self, shape};
use super::regions;
use super::run::Opened;
use super::{Driver, LiveReader, LiveSource, Restored, Share, position};
use crate::control::{Control, Gate};
use crate::layout::{Ground, stage_ids};
use crate::letters::Schemas;
use crate::life::{Life, Threads, source_panicked};
use crate::report::Reporter;
use crate::settlement::run_action;
use crate::watchdog::hangs;
use crate::{BuildContext, Outcome, Shelf, StreamContext, StreamLog};

/// How many epochs may be under way.
const EPOCHS_MAX: usize = 2;

/// The sources of a plan, by stage.
pub(crate) type LiveSources = BTreeMap<StageId, Box<dyn LiveSource>>;

/// One region of a lane: what has checkpoints of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) share: Share,
    /// Which of the regions, from 0.
    pub(crate) region: usize,
}

pub(crate) struct Lane<'a> {
    pub(super) life: &'a Life<'a>,
    share: Share,
    job: &'a str,
    /// The order under which it is this job.
    order: u32,
    /// With a shelf of its own: runs of several jobs take nothing from each other.
    pub(super) cx: BuildContext,
    pub(super) seen: &'a (dyn Fn(Seen<'_>) + Sync),
}

/// What is to be seen of a run now and then.
pub(crate) struct Seen<'a> {
    /// With what it has counted.
    pub(crate) stream: &'a Stream,
    pub(crate) has_committed: bool,
    /// What it waits for, and should not have to.
    pub(crate) trouble: Option<Fault>,
}

impl<'a> Lane<'a> {
    pub(crate) fn new(
        life: &'a Life<'a>,
        (job, order): (&'a Job, u32),
        seen: &'a (dyn Fn(Seen<'_>) + Sync),
    ) -> Self {
        let cx = BuildContext { shelf: Shelf::default(), ..life.cx.clone() };
        Self { life, share: job.share, job: &job.name, order, cx, seen }
    }

    /// Works until it is stopped, or all sources have ended. An error: what was not published is
    /// read again by the next run.
    pub(crate) async fn run(
        &self,
        (sources, threads): (LiveSources, Threads),
        context: &StreamContext,
        control: &Control,
        reporter: &mut Reporter<'_>,
    ) -> Result<RunEnd, Fault> {
        let services = self.life.services;
        let group = jobs::group(services.checkpoints.clone(), &self.life.plan.workflow)?;
        let order = group.newest_order().await.map_err(|it| fault(&it))?;
        if order.as_ref().map_or(0, |it| it.number) != self.order {
            return Ok(RunEnd::Renewed);
        }
        self.check_lanes(&group, order.as_ref()).await?;
        let checkpoints = jobs::job(&group, self.job)?;
        let recovered = self.recover(&checkpoints, order.as_ref(), context);
        let recovered = self.abortable(control, recovered).await?;
        let coordinator =
            Coordinator::new(checkpoints.layout().clone(), self.pipeline(), &recovered);
        let (of, means) = ((&group, &checkpoints), self.life.means);
        let mut drive = Drive::new((services, means), of, self.share, coordinator, &recovered);
        self.settle(&mut drive, control, reporter).await?;
        // V2: what former runs decided is published, the rest of what they staged is nobody's.
        let cleared = self.clear_away(&checkpoints, &recovered, context, reporter);
        self.abortable(control, cleared).await?;
        // A run that fails before it commits anything leaves no more than the one before it.
        if let Err(error) = checkpoints.collect(&drive.retention()).await {
            reporter.warn(3184, format!("old checkpoints could not be deleted: {error}"));
        }
        if let Some(end) = drive.end {
            return Ok(end);
        }
        let state = Restored::of(recovered.manifest.as_ref(), &checkpoints);
        let state = self.abortable(control, state).await?;
        let readers = self.abortable(control, self.open(sources, &recovered)).await?;
        let from = recovered.manifest.as_ref().map(|it| it.epoch);
        let begins = match (from, recovered.is_ordered) {
            (Some(epoch), false) => format!("goes on from checkpoint {epoch}"),
            (Some(epoch), true) => format!("goes on from checkpoint {epoch}, as it was ordered"),
            (None, false) => "begins without a checkpoint".to_owned(),
            (None, true) => "begins without a checkpoint, as it was ordered".to_owned(),
        };
        reporter.say(3180, begins);
        let segment = Some(Epoch { generation: recovered.generation, number: 0 });
        let context = StreamContext { segment, ..context.clone() };
        let opened = Opened { readers, state, threads, context };
        let ended = self.drive(drive, opened, control, reporter).await;
        let outcome = if ended.is_ok() { Outcome::Committed } else { Outcome::Failed };
        self.life.notify(&self.cx.shelf, outcome, reporter).await;
        ended
    }

    /// Publishes what former runs have decided.
    async fn settle(
        &self,
        drive: &mut Drive<'_>,
        control: &Control,
        reporter: &mut Reporter<'_>,
    ) -> Result<(), Fault> {
        drive.begin()?;
        while drive.is_working() {
            self.abortable(control, drive.work()).await?;
            self.shows(drive, None, &reporter.stream);
            drive.pass_on(reporter);
        }
        Ok(())
    }

    /// Says what it waits for, and should not have to.
    pub(super) fn shows(&self, drive: &Drive<'_>, trouble: Option<Fault>, stream: &Stream) {
        let trouble = trouble.or_else(|| drive.trouble());
        (self.seen)(Seen { stream, has_committed: drive.commits > 0, trouble });
    }

    /// What need not be waited for once the stream, or its instance, is aborted.
    async fn abortable<T>(
        &self,
        control: &Control,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        tokio::select! {
            done = work => done,
            () = self.life.stops.abort.cancelled() => Err(stopped()),
            () = control.abort.cancelled() => Err(control.ended().unwrap_or_else(stopped)),
        }
    }

    /// V5: splits would be read twice, or never.
    async fn check_lanes(&self, group: &Group, order: Option<&Order>) -> Result<(), Fault> {
        let there = group.agree(order, self.share.lanes).await.map_err(|it| fault(&it))?;
        position::check_lanes(there, self.share.lanes, &self.life.plan.workflow)
    }

    async fn recover(
        &self,
        checkpoints: &Checkpoints,
        order: Option<&Order>,
        context: &StreamContext,
    ) -> Result<Recovered, Fault> {
        let system = &self.life.services.system;
        let writer = written(context.stream, system.owner(), &system.ids().claim().to_string());
        let from = order.map_or(RestoreFrom::Newest, |it| RestoreFrom::Ordered(it.clone().into()));
        let recovered = checkpoints.recover(&writer, &from).await;
        let mut recovered = recovered.map_err(|it| fault(&it))?;
        // Only as long as nothing stands on what the order has chosen.
        let drops = recovered.is_ordered && order.is_some_and(|it| it.drops_leftovers);
        if let Some(manifest) = &mut recovered.manifest {
            let leftover = if drops { Leftover::Drop } else { Leftover::Refuse };
            let shape = shape(self.life.plan, &self.life.services.registry);
            let fitted = fit(manifest, &shape, leftover).map_err(|misfits| {
                let all: Vec<_> = misfits.iter().map(ToString::to_string).collect();
                let epoch = manifest.epoch;
                let message = format!("checkpoint {epoch} does not fit: {}", all.join("; "));
                regions::misfit(message, &self.life.plan.workflow)
            })?;
            drop_leftovers(manifest, &fitted);
        }
        Ok(recovered)
    }

    fn pipeline(&self) -> Pipeline {
        Pipeline {
            plan: shape(self.life.plan, &self.life.services.registry).digest,
            stages: stage_ids(self.life.plan),
            sources: self.life.plan.of_role(Role::Source).map(|it| it.id.clone()).collect(),
            epochs_max: EPOCHS_MAX,
        }
    }

    /// Removes what former runs have staged.
    async fn clear_away(
        &self,
        checkpoints: &Checkpoints,
        recovered: &Recovered,
        context: &StreamContext,
        reporter: &Reporter<'_>,
    ) -> Result<(), Fault> {
        let former = checkpoints.predecessors(recovered).await.map_err(|it| fault(&it))?;
        let ground =
            self.ground(Arc::new(context.clone()), Gate::open(), (None, Restored::default()));
        let sinks = ground.sinks(Schemas::new())?;
        let former = former.iter().filter_map(stream_of);
        let former = former.map(|stream| StreamContext { stream, ..context.clone() });
        let left = former.flat_map(|it| sinks.iter().flat_map(move |(_, sink)| sink.discard(&it)));
        let left: Vec<_> = left.collect();
        drop(sinks);
        let mut is_clear = true;
        for action in left {
            if let Err(fault) = run_action(self.life.services, self.life.means, action).await {
                reporter.warn(fault.code.0, format!("could not clear away: {fault}"));
                is_clear = false;
            }
        }
        match is_clear {
            true => checkpoints.cleared(recovered).await.map_err(|it| fault(&it)),
            false => Ok(()),
        }
    }

    /// Opens the sources where the checkpoint ends, on a thread that may block.
    async fn open(
        &self,
        sources: LiveSources,
        recovered: &Recovered,
    ) -> Result<BTreeMap<StageId, Box<dyn LiveReader>>, Fault> {
        let (share, mut opened) = (self.share, BTreeMap::new());
        for (id, mut source) in sources {
            let stage = recovered.manifest.as_ref().and_then(|it| it.stages.get(&id));
            let position = stage.map(|it| it.position.clone()).unwrap_or_default();
            let from = position::read(&id, share, &position)?;
            let tasks = self.life.services.system.tasks();
            let open = tasks.spawn_blocking("source", move || source.open(share, &from));
            let within = self.life.services.limits.progress_within;
            let answer = tokio::time::timeout(within, open.join()).await;
            let answer = answer.map_err(|_| hangs(&id, "opening", within))?;
            let reader = answer.map_err(|_| source_panicked(&id))??;
            opened.insert(id, reader);
        }
        Ok(opened)
    }

    pub(super) fn ground(
        &self,
        stream: Arc<StreamContext>,
        gate: Gate,
        (driver, state): (Option<Driver>, Restored),
    ) -> Ground<'_> {
        let Life { services, plan, means, times, .. } = *self.life;
        let (cx, secrets) = (&self.cx, &means.secrets);
        let (registry, taps) = (&*services.registry, services.taps.clone());
        let log = StreamLog::default();
        let origins = Arc::default();
        Ground {
            plan,
            secrets,
            registry,
            cx,
            stream,
            gate,
            taps,
            log,
            driver,
            state,
            origins,
            times,
        }
    }
}

/// Gives up state that the plan has no place for: nothing of it is in checkpoints to come.
fn drop_leftovers(manifest: &mut Manifest, fitted: &Fit) {
    for (stage, table) in &fitted.dropped {
        match (table, manifest.stages.get_mut(stage)) {
            (None, _) => drop(manifest.stages.remove(stage)),
            (Some(table), Some(of)) => drop(of.tables.remove(table)),
            (Some(_), None) => {}
        }
    }
}

/// Who coordinates: the stream stands first, so that those who come later find what it has staged.
fn written(stream: StreamId, owner: &str, nonce: &str) -> Writer {
    Writer(format!("{stream} {owner} {nonce}"))
}

fn stream_of(writer: &Writer) -> Option<StreamId> {
    writer.0.split(' ').next()?.parse().ok()
}

pub(super) fn stopped() -> Fault {
    Fault::stopped("the stream was stopped")
}
