//! Sessions with the server: connections that are lent, a bounded number at a time.
//!
//! Invariant: a session comes back only from a call that ended well. One whose call failed or was
//! cancelled is closed when it is dropped: nobody meets it in the middle of a protocol.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout};
use weir_persistence_api::{Error, Result};

use super::dialect::{Class, Columns, Dialect, Value};
use super::{ServerSettings, error, now};

/// A connection that rested that long may have been closed by the server, or on the way to it.
const CHECKED_AFTER: Duration = Duration::from_secs(1);

/// What sessions are for: those of leases are ended sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Data,
    Lease,
}

/// Which server the sessions are to. When one turns out to take no writes, the primary is another
/// one from then on: sessions of the time before are closed, for whatever they are.
#[derive(Debug, Default)]
pub(super) struct Era(AtomicU64);

impl Era {
    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Ends the era of a session. It has ended already if another session found out.
    pub(super) fn end(&self, of_session: u64) {
        let next = of_session + 1;
        let _ = self.0.compare_exchange(of_session, next, Ordering::AcqRel, Ordering::Acquire);
    }
}

struct Idle<D: Dialect> {
    connection: D::Connection,
    era: u64,
    since: Instant,
}

/// Where sessions are made, and rest between calls.
struct Home<D: Dialect> {
    settings: Arc<ServerSettings>,
    purpose: Purpose,
    era: Arc<Era>,
    idle: Mutex<Vec<Idle<D>>>,
}

pub(super) struct Sessions<D: Dialect> {
    pub(super) settings: Arc<ServerSettings>,
    home: Arc<Home<D>>,
    permits: Arc<Semaphore>,
}

pub(super) struct Session<D: Dialect> {
    connection: D::Connection,
    era: u64,
    home: Arc<Home<D>>,
    permit: OwnedSemaphorePermit,
}

impl<D: Dialect> Session<D> {
    pub(super) fn connection(&mut self) -> &mut D::Connection {
        &mut self.connection
    }

    /// Gives the session back: its call ended well.
    pub(super) fn keep(self) {
        let Self { connection, era, home, permit } = self;
        let mut idle = home.lock();
        if era == home.era.current() && !permit.semaphore().is_closed() {
            idle.push(Idle { connection, era, since: now() });
        }
        drop(idle);
        drop(permit);
    }

    /// Gives the session back if the error leaves it usable.
    pub(super) fn keep_after(self, error: &sqlx::Error) {
        if error::is_usable::<D>(error) {
            self.keep();
        } else if error::class::<D>(error) == Some(Class::ReadOnly) {
            self.home.era.end(self.era);
        }
    }
}

impl<D: Dialect> Home<D> {
    fn lock(&self) -> MutexGuard<'_, Vec<Idle<D>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that rested shortest, if it is of this era.
    fn newest(&self) -> Option<Idle<D>> {
        let (mut idle, era) = (self.lock(), self.era.current());
        idle.retain(|it| it.era == era);
        idle.pop()
    }

    /// A connection that is not new, but answers.
    async fn tried_out(&self) -> Option<Idle<D>> {
        let mut idle = self.newest()?;
        if idle.since.elapsed() < CHECKED_AFTER {
            return Some(idle);
        }
        let check = timeout(CHECKED_AFTER, idle.connection.ping()).await;
        if matches!(check, Ok(Ok(()))) {
            return Some(idle);
        }
        // What broke it broke those that rested longer.
        self.lock().clear();
        None
    }

    async fn session(self: Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Session<D>> {
        let era = self.era.current();
        let (connection, era) = match self.tried_out().await {
            Some(idle) => (idle.connection, idle.era),
            None => (connect::<D>(&self.settings, self.purpose).await?, era),
        };
        Ok(Session { connection, era, home: self, permit })
    }
}

impl<D: Dialect> Sessions<D> {
    pub(super) fn new(
        settings: &Arc<ServerSettings>,
        (size, purpose): (u32, Purpose),
        era: &Arc<Era>,
    ) -> Self {
        let (settings, era) = (Arc::clone(settings), Arc::clone(era));
        let home = Home { settings: Arc::clone(&settings), purpose, era, idle: Mutex::default() };
        let permits = Arc::new(Semaphore::new(size as usize));
        Self { settings, home: Arc::new(home), permits }
    }

    pub(super) fn deadline(&self) -> Duration {
        match self.home.purpose {
            Purpose::Data => self.settings.deadline,
            Purpose::Lease => self.settings.lease_deadline,
        }
    }

    /// Waits for a session, for as long as a call may last, and for its connection to be made if
    /// none is there.
    pub(super) async fn acquire(&self) -> Result<Session<D>> {
        let waiting = Arc::clone(&self.permits).acquire_owned();
        let permit = match timeout(self.deadline(), waiting).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(closed()),
            Err(_) => {
                let (at, waited_ms) = (self.settings.at(), self.deadline().as_millis());
                let why = format!("no connection to {at} became free for {waited_ms} ms");
                return Err(Error::Unavailable(why));
            }
        };
        self.prepared(permit).await
    }

    /// A session whose connection is tried out, or made, in a task of its own: if that takes
    /// longer than its caller's patience, the next caller finds it made.
    async fn prepared(&self, permit: OwnedSemaphorePermit) -> Result<Session<D>> {
        let (reply, answer) = oneshot::channel();
        let preparing = Arc::clone(&self.home).session(permit);
        let work = async move {
            if let Err(Ok(unwanted)) = reply.send(preparing.await) {
                unwanted.keep();
            }
        };
        #[expect(clippy::disallowed_methods, reason = "below the runtime; ends by its deadlines")]
        tokio::spawn(work);
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// The rows of one statement that reads. What broke on the way is tried again once, on
    /// another connection.
    pub(super) async fn read<T: Columns>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        let mut is_second = false;
        loop {
            let mut session = self.acquire().await?;
            let rows = D::rows(session.connection(), statement, values);
            let Ok(answer) = timeout(self.deadline(), rows).await else {
                return Err(error::late(&self.settings, self.deadline()));
            };
            let error = match answer {
                Ok(rows) => {
                    session.keep();
                    return Ok(rows);
                }
                Err(error) => error,
            };
            let is_broken = !error::is_usable::<D>(&error);
            session.keep_after(&error);
            if !is_broken || is_second {
                return Err(error::before_commit::<D>(&self.settings, &error));
            }
            is_second = true;
        }
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.home.lock());
        for it in idle {
            say_goodbye::<D>(it.connection).await;
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("it is closed".into())
}

/// Tells the server that the session ends; it finds out in any case.
pub(super) async fn say_goodbye<D: Dialect>(connection: D::Connection) {
    let _ = timeout(CHECKED_AFTER, connection.close()).await;
}

/// Makes a connection to a server that takes writes.
pub(super) async fn connect<D: Dialect>(
    settings: &ServerSettings,
    purpose: Purpose,
) -> Result<D::Connection> {
    settings.check()?;
    let opening = match purpose {
        Purpose::Data => D::STATEMENTS.session_open,
        Purpose::Lease => D::STATEMENTS.session_open_lease,
    };
    let connecting = async {
        let mut connection = D::connect(settings).await?;
        D::script(&mut connection, opening).await?;
        let state = state::<D>(&mut connection).await?;
        Ok((connection, state.is_read_only))
    };
    match timeout(settings.connect_deadline, connecting).await {
        Ok(Ok((_, true))) => Err(error::read_only(settings)),
        Ok(Ok((connection, false))) => Ok(connection),
        Ok(Err(e)) => Err(error::at_connect::<D>(settings, &e)),
        Err(_) => Err(error::late(settings, settings.connect_deadline)),
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) is_read_only: bool,
    /// The largest statement that it takes.
    pub(super) bytes_max: u64,
}

pub(super) async fn state<D: Dialect>(connection: &mut D::Connection) -> sqlx::Result<State> {
    let rows = D::rows::<(i64, i64)>(connection, D::STATEMENTS.session_state, &[]).await?;
    let (is_read_only, bytes_max) = rows.first().copied().ok_or(sqlx::Error::RowNotFound)?;
    Ok(State { is_read_only: is_read_only != 0, bytes_max: bytes_max.unsigned_abs() })
}
