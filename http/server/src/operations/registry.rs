//! The operations that there are: begun by any route, kept in a bounded number.
//!
//! - O1: an operation is kept before its work begins, and before who asked for it hears of it.
//! - O2: the same command begins once: who asks again is told of the operation that there is.
//! - O3: what ran when the server ended is interrupted after the next start, and is never begun again by
//!   itself.
//! - O4: so many run at once, of all users and of one, and so many that are over are kept; those that ended first go first.
//! - O5: nobody hears how an operation ended before that is kept.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use weir_domain::{CommandId, Fault, ProjectName, Timestamp, UserName};
use weir_http_api::{
    OperationState, OperationStep, OperationView, Problem, ProblemKind, StepState,
};
use weir_runtime::{System, Task, TaskFailed};

use super::kept::{InMemory, OperationStore};
use super::listed::{Listed, Saved};
use super::progress::{Ended, Progress, finish};
use crate::error::Error;
use crate::guard::Caller;

/// How an operation ended is saved again after so long where it could not be.
const SAVE_AGAIN: Duration = Duration::from_millis(500);

/// The operations of a server. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Operations(Arc<Inner>);

/// Operations that run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    pub of_all: usize,
    pub of_user: usize,
}

impl Default for Most {
    fn default() -> Self {
        Self { of_all: 16, of_user: 16 }
    }
}

struct Inner {
    system: System,
    most: Most,
    store: Arc<dyn OperationStore>,
    listed: Mutex<Listed>,
    /// Grows with every change.
    revision: watch::Sender<u64>,
}

/// What is to be done, for whom.
#[derive(Debug, Clone)]
pub struct Begin {
    pub kind: &'static str,
    pub project: Option<ProjectName>,
    pub by: UserName,
    /// What the command is known as, where its sender may send it again.
    pub id: Option<CommandId>,
    /// The names of its steps, in their order.
    pub steps: Vec<&'static str>,
}

impl Begin {
    /// A kind with its steps, for who asks; `id` is that of a command that may be sent again.
    pub(crate) fn of(
        (kind, steps): (&'static str, &[&'static str]),
        project: Option<&ProjectName>,
        caller: &Caller,
        id: Option<CommandId>,
    ) -> Self {
        Self { kind, project: project.cloned(), by: caller.by(), id, steps: steps.to_vec() }
    }
}

impl Operations {
    /// With all that is kept.
    pub async fn open(
        system: System,
        store: Arc<dyn OperationStore>,
        most: Most,
    ) -> Result<Self, Fault> {
        let mut kept = store.all().await?;
        kept.sort_by_key(|it| it.number);
        let this = Self::with(system, store, most);
        for mut view in kept {
            if view.state == OperationState::Running {
                interrupt(&mut view);
                view.ended_at = Some(this.0.system.now());
                this.0.store.save(view.clone()).await?;
            }
            this.listed().add(view);
        }
        this.forget_oldest().await;
        Ok(this)
    }

    /// For servers that are to know nothing after their end.
    pub fn in_memory(system: System) -> Self {
        Self::with(system, Arc::new(InMemory::default()), Most::default())
    }

    fn with(system: System, store: Arc<dyn OperationStore>, most: Most) -> Self {
        let (listed, revision) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Inner { system, most, store, listed, revision }))
    }

    /// Begins it, unless it has begun before. It is kept, and the work goes on, whether or not anybody waits
    /// for it; who asks again while it is being kept learns the same.
    pub async fn begin<W, F>(&self, begin: Begin, work: W) -> Result<OperationView, Fault>
    where
        W: FnOnce(Progress) -> F + Send + 'static,
        F: Future<Output = Result<Value, Ended>> + Send + 'static,
    {
        let mut saved = match self.admit(begin)? {
            Admitted::Known(view) => return Ok(*view),
            Admitted::Beginning(saved) => saved,
            Admitted::New(view, saving) => {
                let (this, saved) = (self.clone(), saving.subscribe());
                self.0.system.tasks().spawn("operation", async move {
                    let id = view.id;
                    if this.keep_new(*view, &saving).await {
                        this.forget_oldest().await;
                        this.carry_out(id, work).await;
                    }
                });
                saved
            }
        };
        let known = saved.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
        known.unwrap_or_else(|| {
            let message = "the server ended before the operation could begin";
            Err(Fault::transient(7_141, message).with_hint("begin it again"))
        })
    }

    /// Whether an operation may begin; from then on it is shown.
    async fn keep_new(&self, view: OperationView, saving: &watch::Sender<Saved>) -> bool {
        let saved = self.0.store.save(view.clone()).await;
        let mut listed = self.listed();
        listed.beginning.remove(&view.id);
        if saved.is_ok() {
            self.0.revision.send_modify(|it| *it += 1);
            listed.add(view.clone()).revision = *self.0.revision.borrow();
        }
        let is_kept = saved.is_ok();
        saving.send_replace(Some(saved.map(|()| view)));
        is_kept
    }

    /// The newest first.
    pub fn list(
        &self,
        before: Option<u64>,
        limit: usize,
        is_wanted: impl Fn(&OperationView) -> bool,
    ) -> Vec<OperationView> {
        let listed = self.listed();
        let older = listed.by_number.range(..before.unwrap_or(u64::MAX)).rev();
        older.map(|it| &it.1.view).filter(|it| is_wanted(it)).take(limit).cloned().collect()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.system.now()
    }

    pub fn get(&self, id: CommandId) -> Option<OperationView> {
        self.listed().entry(id).map(|it| it.view.clone())
    }

    /// Asks it to end. What is over stays as it is.
    pub fn cancel(&self, id: CommandId) -> Option<OperationView> {
        let cancelled = self.listed().entry(id).map(|it| it.cancelled.clone())?;
        self.change(id, true, |it| it.is_cancelling |= !it.state.is_final());
        cancelled.cancel();
        self.get(id)
    }

    /// What changed after this revision, and the revision until which that is all.
    pub(super) fn changed(&self, after: u64) -> (Vec<OperationView>, u64) {
        let listed = self.listed();
        let newer = listed.by_number.values().filter(|it| it.revision > after);
        (newer.map(|it| it.view.clone()).collect(), *self.0.revision.borrow())
    }

    /// All of them, in the same way.
    pub(super) fn all(&self) -> (Vec<OperationView>, u64) {
        let listed = self.listed();
        let all = listed.by_number.values().map(|it| it.view.clone()).collect();
        (all, *self.0.revision.borrow())
    }

    pub(super) fn revisions(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// Changes what is shown while it runs. `is_kept`: it is worth a write.
    pub(super) fn change(
        &self,
        id: CommandId,
        is_kept: bool,
        change: impl FnOnce(&mut OperationView),
    ) {
        let mut listed = self.listed();
        let Some(entry) = listed.entry_mut(id).filter(|it| !it.view.state.is_final()) else {
            return;
        };
        change(&mut entry.view);
        self.0.revision.send_modify(|it| *it += 1);
        entry.revision = *self.0.revision.borrow();
        if is_kept {
            entry.moved.notify_one();
        }
    }

    fn admit(&self, begin: Begin) -> Result<Admitted, Fault> {
        let Begin { kind, project, by, id, steps } = begin;
        let mut listed = self.listed();
        let id = id.unwrap_or_else(|| self.0.system.ids().command());
        if let Some(known) = listed.entry(id) {
            return Ok(Admitted::Known(Box::new(known.view.clone())));
        }
        if let Some((_, saved)) = listed.beginning.get(&id) {
            return Ok(Admitted::Beginning(saved.clone()));
        }
        let Most { of_all, of_user } = self.0.most;
        let hint = "wait until one is over, or cancel one: `weir operation list` shows them";
        let (running, own) = (listed.running(), listed.running_of(&by));
        if running >= of_all {
            let message = format!("{running} operations run, and no more are begun");
            return Err(Fault::transient(7_140, message).with_hint(hint));
        }
        if own >= of_user {
            let message = format!("{by} has {own} operations running, and may have no more");
            return Err(Fault::transient(7_142, message).with_hint(hint));
        }
        let view = OperationView {
            id,
            number: listed.next_number(),
            kind: kind.to_owned(),
            state: OperationState::Running,
            is_cancelling: false,
            project,
            by,
            begun_at: self.0.system.now(),
            ended_at: None,
            steps: steps.into_iter().map(OperationStep::waiting).collect(),
            problem: None,
            result: None,
        };
        let (saving, saved) = watch::channel(None);
        listed.beginning.insert(id, (view.by.clone(), saved));
        Ok(Admitted::New(Box::new(view), saving))
    }

    async fn carry_out<W, F>(self, id: CommandId, work: W)
    where
        W: FnOnce(Progress) -> F + Send + 'static,
        F: Future<Output = Result<Value, Ended>> + Send + 'static,
    {
        let found = self.listed().entry(id).map(|it| (it.cancelled.clone(), it.moved.clone()));
        let Some((cancelled, moved)) = found else { return };
        let progress = Progress { operations: self.clone(), id, cancelled: cancelled.clone() };
        let stopping = self.0.system.shutdown().stopping();
        let task = self.0.system.tasks().spawn("operation/work", work(progress));
        let worked = self.worked(id, task, &moved);
        let watched = async {
            stopping.stopped().await;
            cancelled.cancel();
            std::future::pending::<Infallible>().await
        };
        let ended = tokio::select! {
            ended = worked => ended,
            never = watched => match never {},
        };
        self.conclude(id, ended).await;
    }

    /// Waits for the work, and saves how far it is.
    async fn worked(
        &self,
        id: CommandId,
        task: Task<Result<Value, Ended>>,
        moved: &Notify,
    ) -> Result<Result<Value, Ended>, TaskFailed> {
        let joined = task.join();
        tokio::pin!(joined);
        loop {
            tokio::select! {
                ended = &mut joined => return ended,
                () = moved.notified() => self.save(id).await,
            }
        }
    }

    /// It is over for everybody once that is kept (O5).
    async fn conclude(&self, id: CommandId, ended: Result<Result<Value, Ended>, TaskFailed>) {
        let Some(view) = self.get(id) else { return };
        let view = concluded(view, ended, self.0.system.now());
        if self.keep_ended(&view).await {
            self.change(id, false, |it| *it = view);
        }
    }

    /// Tries until it is done, and shows that meanwhile; not done if the server ends before: after its next start
    /// the operation is one that was interrupted.
    async fn keep_ended(&self, view: &OperationView) -> bool {
        let stopping = self.0.system.shutdown().stopping();
        let mut is_told = false;
        loop {
            let is_last = stopping.is_stopping();
            let Err(fault) = self.0.store.save(view.clone()).await else { return true };
            if !is_told {
                let (code, id) = (fault.code, view.id);
                tracing::error!(%code, %id, "how an operation ended is not saved yet: {fault}");
                is_told = true;
            }
            if is_last {
                return false;
            }
            self.change(view.id, false, |it| {
                let running = it.steps.iter_mut().find(|it| it.state == StepState::Running);
                if let Some(step) = running {
                    step.message = Some(format!("it ended, and how can't be kept yet: {fault}"));
                }
            });
            tokio::select! {
                () = tokio::time::sleep(SAVE_AGAIN) => {}
                () = stopping.stopped() => {}
            }
        }
    }

    /// How far it is may be lost; what it did is not undone by that.
    async fn save(&self, id: CommandId) {
        let Some(view) = self.get(id) else { return };
        if let Err(fault) = self.0.store.save(view).await {
            tracing::error!(code = %fault.code, %id, "how an operation stands was not saved: {fault}");
        }
    }

    async fn forget_oldest(&self) {
        let surplus = self.listed().surplus();
        for id in surplus {
            if let Err(fault) = self.0.store.forget(id).await {
                tracing::warn!(code = %fault.code, %id, "an old operation is kept: {fault}");
            }
        }
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.0.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Admitted {
    Known(Box<OperationView>),
    /// Somebody else has just asked for it.
    Beginning(watch::Receiver<Saved>),
    New(Box<OperationView>, watch::Sender<Saved>),
}

fn concluded(
    mut view: OperationView,
    ended: Result<Result<Value, Ended>, TaskFailed>,
    at: Timestamp,
) -> OperationView {
    let it = &mut view;
    it.ended_at = Some(at);
    let is_done = matches!(ended, Ok(Ok(_)));
    finish(&mut it.steps, if is_done { StepState::Done } else { StepState::Failed });
    match ended {
        Ok(Ok(result)) => {
            it.state = OperationState::Succeeded;
            it.result = Some(result).filter(|it| !it.is_null());
        }
        Ok(Err(Ended::Cancelled)) if it.is_cancelling => {
            it.state = OperationState::Cancelled;
            it.problem = Some(Box::new(cancelled()));
        }
        // The server stops.
        Ok(Err(Ended::Cancelled)) | Err(TaskFailed::Cancelled { .. }) => interrupt(it),
        Ok(Err(Ended::Failed(problem))) => {
            it.state = OperationState::Failed;
            it.problem = Some(problem);
        }
        Err(TaskFailed::Panicked { .. }) => {
            it.state = OperationState::Failed;
            it.problem = Some(Box::new(Error::Panicked.problem()));
        }
    }
    view
}

fn interrupt(view: &mut OperationView) {
    view.state = OperationState::Interrupted;
    finish(&mut view.steps, StepState::Failed);
    let detail = "the server ended while the operation ran: how far it came is not known";
    let hint = "look at what it was to change, and begin it again";
    let problem = Problem::new(ProblemKind::Unavailable, detail).with_hint(hint);
    view.problem = Some(Box::new(problem));
}

fn cancelled() -> Problem {
    let detail = "somebody asked for its end: what steps had done before stays done";
    Problem::new(ProblemKind::Conflict, detail).with_hint("begin it again")
}
