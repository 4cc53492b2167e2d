//! Writes of one statement and of several, under a fence or not.
//!
//! What was in the way of others (a deadlock, a lock that did not become free) is done again as a
//! whole, as long as the deadline allows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use weir_persistence_api::{Error, Fence, Result};

use super::dialect::{Dialect, Value};
use super::error::{self, Failure, Outcome};
use super::now;
use super::session::{Session, Sessions};
use crate::row::bound;

/// First wait before a contended transaction is done again; each is twice as long as the last.
const BACKOFF: Duration = Duration::from_millis(2);

/// How long it is asked, after work that failed, whether its writer was deposed.
const LOOK_WITHIN: Duration = Duration::from_millis(500);

impl<D: Dialect> Sessions<D> {
    /// Runs the work inside a transaction, whose last step is the check of the fence; its answer
    /// comes after the commit. The lease is not locked before: work that waits for others would
    /// keep its own renewal waiting, and lose it.
    ///
    /// Whoever was deposed is told so, whatever else was in the way of the work. Only where the
    /// lease can't be read either, or the outcome of the commit is not known, is that the answer.
    pub(super) async fn transaction<I: Sync, T: Send>(
        &self,
        fence: Option<&Fence>,
        input: &I,
        work: impl for<'c> Fn(&'c mut D::Connection, &'c I) -> BoxFuture<'c, Outcome<T>> + Sync,
    ) -> Result<T> {
        let mut session = self.acquire().await?;
        // A connection that had to be made took nothing of the time.
        let until = now() + self.deadline();
        let mut wait = BACKOFF;
        loop {
            let is_committing = AtomicBool::new(false);
            let attempt = async {
                let answer = self.attempt(&mut session, (fence, input), &work, &is_committing);
                let answer = answer.await;
                self.settle(session, answer).await
            };
            let Ok(answer) = timeout_at(until, attempt).await else {
                let waited = self.deadline();
                if is_committing.load(Ordering::Acquire) {
                    return Err(error::late_at_commit(&self.settings, waited));
                }
                return Err(self.unless_deposed(fence, error::late(&self.settings, waited)).await);
            };
            let failure = match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_contended::<D>() || now() + wait >= until {
                let was_committing = is_committing.load(Ordering::Acquire);
                // The fence was looked at before a commit, and before a refusal of ours.
                let was_checked = was_committing || matches!(failure, Failure::Refused(_));
                let fault = self.fault(failure, was_committing);
                return Err(match was_checked {
                    true => fault,
                    false => self.unless_deposed(fence, fault).await,
                });
            }
            metrics::counter!("weir_store_contended_total").increment(1);
            sleep(wait).await;
            wait *= 2;
            session = self.acquire().await?;
        }
    }

    async fn attempt<I: Sync, T: Send>(
        &self,
        session: &mut Session<D>,
        (fence, input): (Option<&Fence>, &I),
        work: &(impl for<'c> Fn(&'c mut D::Connection, &'c I) -> BoxFuture<'c, Outcome<T>> + Sync),
        is_committing: &AtomicBool,
    ) -> Outcome<T> {
        let connection = session.connection();
        D::script(connection, D::STATEMENTS.begin).await?;
        let answer = work(connection, input).await;
        // A deposed writer's picture does not matter: why its work was refused neither.
        if let (Some(fence), Ok(_) | Err(Failure::Refused(_))) = (fence, &answer) {
            check_fence::<D>(connection, fence).await?;
        }
        let answer = answer?;
        is_committing.store(true, Ordering::Release);
        D::script(connection, D::STATEMENTS.commit).await?;
        Ok(answer)
    }

    /// Leaves the session as it was found, or closes it.
    async fn settle<T>(&self, mut session: Session<D>, answer: Outcome<T>) -> Outcome<T> {
        match &answer {
            Ok(_) => session.keep(),
            Err(Failure::Sql(error)) if !error::is_usable::<D>(error) => session.keep_after(error),
            Err(_) => {
                if D::script(session.connection(), D::STATEMENTS.rollback).await.is_ok() {
                    session.keep();
                }
            }
        }
        answer
    }

    /// The fault of work that was rolled back, unless its writer was deposed meanwhile.
    async fn unless_deposed(&self, fence: Option<&Fence>, fault: Error) -> Error {
        let Some(fence) = fence else { return fault };
        let (look, values) = (D::STATEMENTS.lease_check, fence_values(fence));
        match timeout(LOOK_WITHIN, self.read::<(i64,)>(look, &values)).await {
            Ok(Ok(held)) if held.is_empty() => fenced(fence),
            Ok(Ok(_) | Err(_)) | Err(_) => fault,
        }
    }

    fn fault(&self, failure: Failure, was_committing: bool) -> Error {
        match failure {
            Failure::Refused(error) => error,
            Failure::Sql(e) if was_committing => error::at_commit::<D>(&self.settings, &e),
            Failure::Sql(e) => error::before_commit::<D>(&self.settings, &e),
            Failure::Overtaken => error::overtaken(&self.settings),
        }
    }

    /// Runs one statement that commits by itself; returns how many rows it changed.
    pub(super) async fn execute(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64> {
        self.single(Kind::Execute, statement, values).await.map(Option::unwrap_or_default)
    }

    /// Runs one statement that commits by itself; returns the number that it gave the row.
    pub(super) async fn number(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<u64>> {
        self.single(Kind::Number, statement, values).await
    }

    async fn single(
        &self,
        kind: Kind,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<u64>> {
        let mut session = self.acquire().await?;
        let until = now() + self.deadline();
        let mut wait = BACKOFF;
        loop {
            let Ok(answer) = self.answer(&mut session, kind, (statement, values), until).await
            else {
                return Err(error::late_at_commit(&self.settings, self.deadline()));
            };
            let failure = match answer {
                Ok(number) => {
                    session.keep();
                    return Ok(number);
                }
                Err(failure) => failure,
            };
            session.keep_after(&failure);
            let failure = Failure::Sql(failure);
            if !failure.is_contended::<D>() || now() + wait >= until {
                return Err(self.fault(failure, true));
            }
            sleep(wait).await;
            wait *= 2;
            session = self.acquire().await?;
        }
    }

    async fn answer(
        &self,
        session: &mut Session<D>,
        kind: Kind,
        (statement, values): (&'static str, &[Value<'_>]),
        until: Instant,
    ) -> std::result::Result<sqlx::Result<Option<u64>>, tokio::time::error::Elapsed> {
        let connection = session.connection();
        timeout_at(until, async {
            match kind {
                Kind::Execute => D::execute(connection, statement, values).await.map(Some),
                Kind::Number => {
                    let number = D::number(connection, statement, values).await?;
                    Ok(number.map(|it| it.unsigned_abs()))
                }
            }
        })
        .await
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Execute,
    Number,
}

/// Refuses a writer that was deposed. The lock keeps its successor out until the commit.
pub(super) async fn check_fence<D: Dialect>(
    connection: &mut D::Connection,
    fence: &Fence,
) -> Outcome<()> {
    let values = fence_values(fence);
    let held: Vec<(i64,)> = D::rows(connection, D::STATEMENTS.lease_check, &values).await?;
    if held.is_empty() { Err(fenced(fence).into()) } else { Ok(()) }
}

fn fence_values(fence: &Fence) -> [Value<'_>; 3] {
    [(&fence.lease.0).into(), (&fence.owner).into(), bound(fence.epoch).into()]
}

pub(super) fn fenced(fence: &Fence) -> Error {
    Error::Fenced { lease: fence.lease.clone(), epoch: fence.epoch }
}
