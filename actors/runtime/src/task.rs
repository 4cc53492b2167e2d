//! Tasks outside actors: named, watched, and joined before the process ends.
//!
//! A panic in a task is logged with the task's name and handed to whoever joins it. Actors need
//! none of this: ractor runs them and their supervisors watch them.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use crate::{EventStream, RuntimeEvent, code};

/// Why a task gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskFailed {
    #[error("task {task} panicked: {cause}")]
    Panicked { task: Arc<str>, cause: String },
    #[error("task {task} was cancelled")]
    Cancelled { task: Arc<str> },
}

/// A running task. Dropping it lets the task run on.
#[derive(Debug)]
pub struct Task<T> {
    name: Arc<str>,
    handle: JoinHandle<Result<T, String>>,
}

impl<T> Task<T> {
    pub async fn join(self) -> Result<T, TaskFailed> {
        match self.handle.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(cause)) => Err(TaskFailed::Panicked { task: self.name, cause }),
            Err(_) => Err(TaskFailed::Cancelled { task: self.name }),
        }
    }

    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Cancels the task at its next await. A blocking task that has begun runs on.
    pub fn abort(&self) {
        self.handle.abort();
    }

    pub fn abort_handle(&self) -> AbortHandle {
        self.handle.abort_handle()
    }
}

/// All tasks of one system.
#[derive(Debug, Clone)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    running: Mutex<Running>,
    count: watch::Sender<usize>,
    events: EventStream,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    /// A task is listed before it has a handle, since it may end before it is given one.
    by_number: BTreeMap<u64, (Arc<str>, Option<AbortHandle>)>,
}

impl Tasks {
    pub(crate) fn new(events: EventStream) -> Self {
        let count = watch::Sender::new(0);
        Self(Arc::new(Inner { running: Mutex::default(), count, events }))
    }

    /// Runs a future beside the caller.
    pub fn spawn<F>(&self, name: impl Into<Arc<str>>, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = name.into();
        let listed = self.list(name.clone());
        let number = listed.number;
        #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
        let handle = tokio::spawn(async move {
            let result = AssertUnwindSafe(future).catch_unwind().await;
            listed.finish(result)
        });
        self.attach(number, handle.abort_handle());
        Task { name, handle }
    }

    /// Runs something that blocks a thread: file I/O, compression.
    pub fn spawn_blocking<T, F>(&self, name: impl Into<Arc<str>>, work: F) -> Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let name = name.into();
        let listed = self.list(name.clone());
        let number = listed.number;
        #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
        let handle = tokio::task::spawn_blocking(move || {
            let result = std::panic::catch_unwind(AssertUnwindSafe(work));
            listed.finish(result)
        });
        self.attach(number, handle.abort_handle());
        Task { name, handle }
    }

    /// The names of the tasks that run now, oldest first.
    pub fn running(&self) -> Vec<Arc<str>> {
        self.lock().by_number.values().map(|(name, _)| name.clone()).collect()
    }

    /// Waits until no task is left. Those that are still there at the deadline are cancelled and
    /// returned by name.
    pub async fn join_all(&self, deadline: Duration) -> Vec<Arc<str>> {
        let mut count = self.0.count.subscribe();
        if tokio::time::timeout(deadline, count.wait_for(|it| *it == 0)).await.is_ok() {
            return Vec::new();
        }
        let left: Vec<_> = self.lock().by_number.values().cloned().collect();
        left.iter().flat_map(|(_, handle)| handle).for_each(AbortHandle::abort);
        left.into_iter().map(|(name, _)| name).collect()
    }

    fn list(&self, name: Arc<str>) -> Listed {
        let mut running = self.lock();
        running.next += 1;
        let number = running.next;
        running.by_number.insert(number, (name.clone(), None));
        self.0.count.send_replace(running.by_number.len());
        Listed { number, name, tasks: self.clone() }
    }

    fn attach(&self, number: u64, handle: AbortHandle) {
        if let Some((_, place)) = self.lock().by_number.get_mut(&number) {
            *place = Some(handle);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task's place in the list, left when the task ends in whatever way.
struct Listed {
    number: u64,
    name: Arc<str>,
    tasks: Tasks,
}

impl Listed {
    fn finish<T>(self, result: Result<T, Box<dyn Any + Send>>) -> Result<T, String> {
        result.map_err(|panic| {
            let (task, cause) = (self.name.clone(), panic_text(&*panic));
            tracing::error!(code = %code::TASK_PANICKED, %task, cause, "a task panicked");
            metrics::counter!("weir_task_panics_total", "task" => task.to_string()).increment(1);
            let event = RuntimeEvent::TaskPanicked { task, cause: cause.clone() };
            self.tasks.0.events.publish(event);
            cause
        })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut running = self.tasks.lock();
        running.by_number.remove(&self.number);
        self.tasks.0.count.send_replace(running.by_number.len());
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_named_and_reaches_the_one_who_joins() {
        let events = EventStream::default();
        let mut seen = events.subscribe();
        let tasks = Tasks::new(events);
        let task = tasks.spawn("poller", async { panic!("no luck") });
        let failed = TaskFailed::Panicked { task: "poller".into(), cause: "no luck".into() };
        assert_eq!(task.join().await, Err::<(), _>(failed));
        let event = RuntimeEvent::TaskPanicked { task: "poller".into(), cause: "no luck".into() };
        assert_eq!(seen.recv().await.unwrap(), event);
        assert!(tasks.running().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn join_all_waits_and_then_names_and_cancels_what_is_left() {
        let tasks = Tasks::new(EventStream::default());
        let quick = tasks.spawn_blocking("quick", || 7);
        let stuck = tasks.spawn("stuck", futures::future::pending::<()>());
        assert_eq!(quick.join().await, Ok(7));
        assert_eq!(tasks.join_all(Duration::from_secs(1)).await, ["stuck".into()]);
        assert_eq!(stuck.join().await, Err(TaskFailed::Cancelled { task: "stuck".into() }));
        assert!(tasks.join_all(Duration::from_secs(1)).await.is_empty());
    }
}
