//! Group commit: a few writers, each with a connection of its own, append what waits.
//!
//! An append that finds all writers idle is written at once, in its caller's task: nobody is woken
//! for it. What comes while a writer is at work gathers in the queue and goes together, as soon as
//! that writer is done: one full statement after the other takes the server less than two that
//! share the rows, and appends under one lease wait for each other there anyway. A second writer
//! is asked for when an append has waited for twice as long as a commit usually takes, so that a
//! statement that is slow, or waits for a lock, does not hold up what comes after it. Those in the
//! statement wait together, under whatever leases: a group for each lease would be more statements
//! all the time, to spare a wait that only a take-over causes.
//!
//! Invariants:
//! - W1: an answer leaves only after the commit of its group.
//! - W2: a group is one statement: all of it is written or none. If none for a reason that lies in
//!   an append, each of the group is done alone, so that one that is refused spoils no other.
//! - W3: a caller that ran out of patience knows whether its append was begun: if it was not, it
//!   never will be.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{timeout, timeout_at};
use weir_domain::Code;
use weir_persistence_api::{Append, Error, Result};

use super::appends::Appends;
use super::dialect::Dialect;
use super::queue::{Queue, Waiting};
use super::session::Era;
use super::writers::{Loan, Writers};
use super::{ServerSettings, now};

/// The callers' end.
pub(super) struct Writer<D: Dialect> {
    queue: Arc<Queue>,
    writers: Arc<Writers<D>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    patience: Duration,
}

impl<D: Dialect> Writer<D> {
    pub(super) fn start(settings: &Arc<ServerSettings>, era: &Arc<Era>) -> Self {
        let queue = Arc::new(Queue::new(settings.queue));
        let writers = Arc::new(Writers::<D>::new(settings, era));
        let task = |_| {
            let work = run(Arc::clone(&queue), Arc::clone(&writers));
            #[expect(clippy::disallowed_methods, reason = "below the runtime; joined by close")]
            tokio::spawn(work)
        };
        let tasks = Mutex::new((0..settings.writers()).map(task).collect());
        // In the queue and at the server: each within the deadline.
        let patience = settings.deadline * 2;
        Self { queue, writers, tasks, patience }
    }

    pub(super) async fn append(&self, append: Append) -> Result<u64> {
        if self.queue.is_idle()
            && let Some(mut writer) = self.writers.take_if_all_idle()
        {
            let mut answers = writer.write(std::slice::from_ref(&append)).await;
            return answers.pop().expect("W2: every append has its answer");
        }
        self.queued(append).await
    }

    async fn queued(&self, append: Append) -> Result<u64> {
        let (reply, answer) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let waiting = Waiting { append, reply, begun: Arc::clone(&begun), since: now() };
        let asked = async {
            let room = self.queue.room().await.ok_or("it is closed")?;
            self.queue.push(waiting);
            let answer = answer.await.map_err(|_| "its writer ended before it answered");
            drop(room);
            answer
        };
        let why = match timeout(self.patience, asked).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(why)) => why.to_owned(),
            Err(_) => format!("it did not answer for {} ms", self.patience.as_millis()),
        };
        let was_begun = begun.swap(true, Ordering::AcqRel);
        Err(if was_begun { Error::Unknown(why) } else { Error::Unavailable(why) })
    }

    /// Finishes what is queued and ends the writers.
    pub(super) async fn close(&self) {
        self.queue.close();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let error: Box<dyn std::error::Error> = match timeout(self.patience, task).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.into(),
                Err(late) => late.into(),
            };
            tracing::error!(code = %Code(5002), %error, "the store's writer did not end well");
        }
        let _ = timeout(self.patience, self.writers.close()).await;
    }
}

/// Writes what is queued, whenever it is this task's turn.
async fn run<D: Dialect>(queue: Arc<Queue>, writers: Arc<Writers<D>>) {
    while queue.wait().await {
        let Some(mut writer) = turn(&queue, &writers).await else { continue };
        let mut answered = 0;
        loop {
            // The writer is kept meanwhile: nobody who comes back first shall go alone.
            queue.settle(answered).await;
            let group = queue.take();
            answered = group.len();
            write(&mut writer, group).await;
            if answered == 0 || !writers.is_alone_at_work() {
                break;
            }
        }
    }
}

/// A writer for what waits: at once if no other is at work, or else as soon as that is so, or what
/// waits has waited for long. `None`: another wrote it.
async fn turn<D: Dialect>(queue: &Queue, writers: &Arc<Writers<D>>) -> Option<Loan<D>> {
    loop {
        let returned = writers.returned();
        let overdue = queue.oldest()? + writers.pace().gather_max();
        if let Some(writer) = writers.take_if_all_idle() {
            return Some(writer);
        }
        if now() >= overdue {
            return Some(writers.take().await);
        }
        // Whatever ends the wait, it is looked again.
        let _ = timeout_at(overdue, returned).await;
    }
}

async fn write<D: Dialect>(writer: &mut Appends<D>, group: Vec<Waiting>) {
    let (group, replies): (Vec<_>, Vec<_>) =
        group.into_iter().map(|it| (it.append, it.reply)).unzip();
    let answers = writer.write(&group).await;
    for (reply, answer) in replies.into_iter().zip(answers) {
        // A caller that has gone needs no answer.
        let _ = reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::tests::waiting;
    use super::*;
    use crate::postgres::Postgres;

    fn two_writers() -> Arc<Writers<Postgres>> {
        let settings = ServerSettings { connections: 6, ..ServerSettings::new("nowhere", 1) };
        Arc::new(Writers::new(&Arc::new(settings), &Arc::default()))
    }

    #[tokio::test]
    async fn no_second_writer_is_asked_for_before_two_usual_commits_could_have_gone_by() {
        let (queue, writers) = (Queue::new(9), two_writers());
        (0..100).for_each(|_| writers.pace().record(Duration::from_millis(20)));
        let _at_work = writers.take().await;
        let waiting = waiting("a", 0, 1);
        let since = waiting.since;
        queue.push(waiting);
        assert!(turn(&queue, &writers).await.is_some());
        assert!(since.elapsed() >= Duration::from_millis(39), "{:?}", since.elapsed());
    }

    #[tokio::test]
    async fn what_gathers_goes_as_soon_as_the_writer_at_work_is_done() {
        let (queue, writers) = (Queue::new(9), two_writers());
        let hour = Duration::from_secs(3_600);
        (0..200).for_each(|_| writers.pace().record(hour));
        assert!(writers.pace().gather_max() > hour, "nobody waits for that here");
        let at_work = writers.take().await;
        queue.push(waiting("a", 0, 1));
        let both = async { tokio::join!(turn(&queue, &writers), async { drop(at_work) }) };
        let (turn, ()) = timeout(Duration::from_secs(30), both).await.expect("it is its turn");
        assert!(turn.is_some());
    }
}
