//! Savepoints of live workflows, and where their next runs begin.
//!
//! What is stored decides; this asks who works on the lanes, and tells them. A savepoint is wanted
//! of the streams that are open, and is whole when all of them have stored it: who looks sees how far
//! it came, whatever became of the engine that was asked. An order is given while nobody holds a
//! lane; one who takes a lane at that moment finds the order before it publishes anything
//! (`weir_stream`, V4).

mod answers;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use weir_domain::{
    CommandId, Fault, ItemStatus, Member, NodeStatus, SavepointName, Stream, StreamId, StreamState,
    WorkflowName,
};
use weir_http_api::{RenewalView, SavepointLaneView, SavepointState, SavepointView, SweepAction};
use weir_http_server::{Begin, ItemFilter, Refusal, RenewalRequest, SweepRequest};
use weir_persistence_api::{BlobStore, StreamFilter};
use weir_runtime::Stopwatch;
use weir_stream::jobs::{Asked, Jobs, Saved, Wish, lanes_source};

use super::{items, unavailable};
use crate::boot::engine::Engine;
use answers::{checkpoint, entries, view_of};
use refusals::{gone, refusal, refuse_resting, refuse_unfit, refuse_working, taken};

/// How long a request waits for a savepoint before it is told how far it came.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// More lanes than a workflow may have.
const LANES_MAX: u32 = 10_000;
const OPEN: [StreamState; 3] = [StreamState::Open, StreamState::Paused, StreamState::Retrying];

impl Engine {
    pub(super) fn jobs(&self, workflow: &WorkflowName) -> Result<Jobs, Fault> {
        let store: Arc<dyn BlobStore> = self.services.checkpoints.clone();
        Jobs::new(store, self.system.tasks().clone(), workflow)
    }

    pub(super) async fn saved_all(
        &self,
        workflow: &WorkflowName,
    ) -> Result<Vec<SavepointView>, Fault> {
        let mut views = Vec::new();
        for saved in self.jobs(workflow)?.savepoints().await? {
            views.push(self.view(workflow, saved).await?);
        }
        Ok(views)
    }

    pub(super) async fn saved_one(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<Option<SavepointView>, Fault> {
        match self.jobs(workflow)?.savepoint(name).await? {
            Some(saved) => self.view(workflow, saved).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn save(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
        id: Option<CommandId>,
        by: String,
    ) -> Result<SavepointView, Refusal> {
        let jobs = self.jobs(workflow)?;
        let id = id.unwrap_or_else(|| self.system.ids().command()).to_string();
        match jobs.savepoint(name).await? {
            Some(there) if there.wish.as_ref().is_none_or(|it| it.id != id) => {
                return Err(taken(workflow, &self.view(workflow, there).await?));
            }
            Some(_) => {}
            None => self.want(&jobs, workflow, name, (id, by)).await?,
        }
        let since = Stopwatch::start();
        loop {
            let view = self.saved_one(workflow, name).await?.ok_or_else(|| gone(name))?;
            if view.state != SavepointState::Taking || since.elapsed() > PATIENCE {
                return Ok(view);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Reserves the name, and tells all runs.
    async fn want(
        &self,
        jobs: &Jobs,
        workflow: &WorkflowName,
        name: &SavepointName,
        (id, by): (String, String),
    ) -> Result<(), Refusal> {
        let lanes = jobs.lanes().await?;
        if lanes.is_empty() {
            let detail =
                format!("workflow {workflow} has no checkpoints: it is not live, or never ran");
            let hint = Some(format!("weir workflow show {workflow}"));
            return Err(Refusal::Conflict { detail, hint });
        }
        let streams = self.open_lanes(workflow).await?;
        let ended = self.ended_lanes(workflow).await?;
        refuse_resting(workflow, &lanes, (&streams, &ended))?;
        let runs = lanes.iter().filter_map(|it| Some((it.clone(), streams.get(it)?)));
        let runs: BTreeMap<String, &Stream> = runs.collect();
        let ended: Vec<_> = lanes.iter().filter(|it| !runs.contains_key(*it)).collect();
        // Those that have ended have no run that could be told.
        let all = runs.iter().map(|(lane, it)| (lane.clone(), it.id.to_string()));
        let all = all.chain(ended.iter().map(|it| ((*it).clone(), String::new())));
        let now = self.system.now();
        let wish = Wish { name: name.clone(), id, runs: all.collect(), wanted_at: now, by };
        let found = jobs.reserve(&wish).await?;
        if found.id != wish.id {
            let there = jobs.savepoint(name).await?.ok_or_else(|| gone(name))?;
            return Err(taken(workflow, &self.view(workflow, there).await?));
        }
        let mut by_node: BTreeMap<String, Vec<StreamId>> = BTreeMap::new();
        for it in runs.values() {
            by_node.entry(it.node.clone()).or_default().push(it.id);
        }
        let wanted: BTreeSet<_> = runs.values().map(|it| it.id).collect();
        let mut are_saved = true;
        for lane in ended {
            are_saved &= jobs.save_ended(lane, name, now).await?;
        }
        let (told, unreached) = self.steering.save(name, by_node).await;
        let why = match (unreached.into_iter().next(), are_saved && told.len() == wanted.len()) {
            (None, true) => return Ok(()),
            (Some(it), _) => it.why,
            (None, false) => "a lane was begun anew just now".to_owned(),
        };
        // Nobody else knows the name: what some have taken meanwhile goes with it.
        jobs.delete(name).await.map_err(|it| refusal(workflow, it))?;
        let fault = Fault::transient(68, format!("savepoint {name} can't be taken: {why}"));
        Err(fault.with_hint("take it again").into())
    }

    /// What works on the lanes of a workflow now, by lane.
    async fn open_lanes(&self, workflow: &WorkflowName) -> Result<BTreeMap<String, Stream>, Fault> {
        let mut open: BTreeMap<String, Stream> = BTreeMap::new();
        for state in OPEN {
            let (workflow, state) = (Some(workflow.clone()), Some(state));
            let filter = StreamFilter { workflow, state, before: None, limit: LANES_MAX };
            for it in self.monitor.list(filter).await.map_err(|it| unavailable(&it))? {
                let newest = open.get(&it.item).is_none_or(|other| other.id < it.id);
                if newest {
                    open.insert(it.item.clone(), it);
                }
            }
        }
        Ok(open)
    }

    pub(super) async fn unsave(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<(), Refusal> {
        let deleted = self.jobs(workflow)?.delete(name).await;
        deleted.map(drop).map_err(|it| refusal(workflow, it))
    }

    pub(super) async fn renew(&self, request: RenewalRequest) -> Result<RenewalView, Refusal> {
        let RenewalRequest { workflow, begin, drops_leftovers, dry_run, id, by } = request;
        let jobs = self.jobs(&workflow)?;
        let id = id.unwrap_or_else(|| self.system.ids().command()).to_string();
        let asked = match &begin {
            Begin::Newest => Asked::Newest,
            Begin::Nothing => Asked::Nothing,
            Begin::Savepoint(name) => Asked::Savepoint(name.clone()),
        };
        let deployed = self.activation.workflow(&workflow);
        let plan = deployed.as_ref().map(|it| (&it.plan, self.registry()));
        let planned = jobs.plan(&asked, drops_leftovers, plan).await;
        let mut renewal = planned.map_err(|it| refusal(&workflow, it))?;
        let working = self.working(&workflow).await?;
        if dry_run {
            return Ok(view_of(&workflow, &renewal, working, true));
        }
        match jobs.ordered(&id).await? {
            // Sent again: what it does once it is given may have been cut off.
            Some(given) => renewal.number = given.number,
            None => {
                refuse_working(&workflow, &working)?;
                refuse_unfit(&workflow, &begin, &renewal)?;
                if !jobs.order(&renewal, id, self.system.now(), by.clone()).await? {
                    return Err(Refusal::Conflict {
                        detail: format!("somebody else has just said where {workflow} begins"),
                        hint: Some("look again what this would do: --dry-run".to_owned()),
                    });
                }
            }
        }
        self.let_begin(&workflow, by).await?;
        Ok(view_of(&workflow, &renewal, working, false))
    }

    /// The lanes that somebody holds.
    async fn working(&self, workflow: &WorkflowName) -> Result<Vec<String>, Fault> {
        let is_held = |it| matches!(it, ItemStatus::Acquired | ItemStatus::Committing);
        self.lanes_that(workflow, is_held).await
    }

    /// The lanes that have nothing more to read.
    async fn ended_lanes(&self, workflow: &WorkflowName) -> Result<Vec<String>, Fault> {
        self.lanes_that(workflow, |it| it == ItemStatus::Done).await
    }

    async fn lanes_that(
        &self,
        workflow: &WorkflowName,
        are: impl Fn(ItemStatus) -> bool,
    ) -> Result<Vec<String>, Fault> {
        let source = Some(lanes_source(workflow));
        let filter = ItemFilter { source, ..ItemFilter::default() };
        let found = items::list(&self.access, filter, None, LANES_MAX).await;
        let (rows, _) = found.map_err(|it| unavailable(&it))?;
        Ok(rows.into_iter().filter(|it| are(it.status)).map(|it| it.name).collect())
    }

    /// Lanes that had come to their end, or that an operator has ended, are worked on again.
    async fn let_begin(&self, workflow: &WorkflowName, by: String) -> Result<(), Refusal> {
        let sweep = SweepRequest {
            id: None,
            action: SweepAction::Reset,
            dry_run: false,
            source: lanes_source(workflow),
            filter: ItemFilter::default(),
            by,
        };
        let id = self.system.ids().sweep();
        items::sweep(&self.access, id, sweep, self.system.now()).await.map(drop)
    }

    async fn view(&self, workflow: &WorkflowName, saved: Saved) -> Result<SavepointView, Fault> {
        let mut lanes = Vec::new();
        for (lane, taken) in &saved.lanes {
            let run = saved.wish.as_ref().and_then(|it| it.runs.get(lane));
            let state = match (taken, run) {
                (Some(_), _) => SavepointState::Whole,
                (None, Some(run)) if self.is_open(run).await? => SavepointState::Taking,
                (None, _) => SavepointState::Failed,
            };
            let checkpoint = taken.as_ref().map(checkpoint);
            lanes.push(SavepointLaneView { lane: lane.clone(), state, checkpoint });
        }
        let any = |state| lanes.iter().any(|it| it.state == state);
        let state = match &saved.fault {
            Some(_) => SavepointState::Failed,
            None if any(SavepointState::Failed) || lanes.is_empty() => SavepointState::Failed,
            None if any(SavepointState::Taking) => SavepointState::Taking,
            None => SavepointState::Whole,
        };
        let all: Vec<_> = saved.lanes.values().flatten().collect();
        Ok(SavepointView {
            name: saved.name,
            workflow: workflow.clone(),
            state,
            wanted_at: saved.wish.as_ref().map(|it| it.wanted_at),
            by: saved.wish.map(|it| it.by),
            bytes: all.iter().map(|it| it.bytes()).sum(),
            entries: entries(&all),
            lanes,
            fault: saved.fault.map(Into::into),
        })
    }

    /// Whether a run goes on, so that it may still take a savepoint.
    async fn is_open(&self, run: &str) -> Result<bool, Fault> {
        let Ok(id) = run.parse::<StreamId>() else { return Ok(false) };
        let stream = self.monitor.load(id).await.map_err(|it| unavailable(&it))?;
        let view = self.membership.cluster.view().borrow().clone();
        Ok(stream.is_some_and(|it| is_worked_on(&it, &view.members)))
    }
}

/// Whether somebody may still do what was asked of a stream: one that an engine has left behind that is no member any
/// more stays open until another one settles it, and is then another run.
fn is_worked_on(stream: &Stream, members: &[Member]) -> bool {
    let is_its = |it: &Member| {
        let is_gone = matches!(it.status, NodeStatus::Down | NodeStatus::Removed);
        it.node.name.as_str() == stream.node && !is_gone
    };
    !stream.state.is_closed() && members.iter().any(is_its)
}

#[cfg(test)]
mod tests {
    use weir_domain::{Counts, InstanceId, Timestamp};

    use super::*;

    fn stream(state: StreamState) -> Stream {
        Stream {
            id: "0197a8b0-5b5e-7c3e-9d4f-0123456789ab".parse().unwrap(),
            workflow: WorkflowName::new("clicks").unwrap(),
            instance: InstanceId(1),
            node: "one".into(),
            item: "lane-1".into(),
            state,
            attempts: 1,
            opened_at: Timestamp(1),
            closed_at: None,
            counts: Counts::default(),
            stages: BTreeMap::new(),
            published: Vec::new(),
            fault: None,
        }
    }

    fn member(name: &str, status: NodeStatus) -> Member {
        Member {
            node: format!("{name}#0197a8b0-5b5e-7c3e-9d4f-0123456789ab").parse().unwrap(),
            address: format!("weir://weir@{name}:5843").parse().unwrap(),
            rest: String::new(),
            roles: BTreeSet::new(),
            version: String::new(),
            status,
            up_number: 1,
            joined_at: Timestamp(1),
            changed_at: Timestamp(1),
            reason: String::new(),
        }
    }

    #[test]
    fn a_savepoint_is_not_awaited_of_an_engine_that_is_gone() {
        let up = [member("one", NodeStatus::Up), member("two", NodeStatus::Up)];
        assert!(is_worked_on(&stream(StreamState::Open), &up));
        assert!(!is_worked_on(&stream(StreamState::Committed), &up));
        assert!(!is_worked_on(&stream(StreamState::Open), &up[1..]));
        let down = [member("one", NodeStatus::Down), member("two", NodeStatus::Up)];
        assert!(!is_worked_on(&stream(StreamState::Open), &down));
    }
}
