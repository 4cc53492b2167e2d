//! Sessions with the server: connections that are lent, a bounded number at a time.
//!
//! Invariant: a session comes back only from a call that ended well. One whose call failed or was
//! cancelled is closed when it is dropped: nobody meets it in the middle of a protocol.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use weir_persistence_api::{Error, Result};

use super::dialect::{Columns, Dialect, Value};
use super::{ServerSettings, error, now};

/// A connection that rested that long may have been closed by the server, or on the way to it.
const CHECKED_AFTER: Duration = Duration::from_secs(1);

/// What sessions are for: those of leases are ended sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Data,
    Lease,
}

type Idle<D> = Arc<Mutex<Vec<(<D as Dialect>::Connection, Instant)>>>;

pub(super) struct Sessions<D: Dialect> {
    pub(super) settings: Arc<ServerSettings>,
    pub(super) purpose: Purpose,
    idle: Idle<D>,
    permits: Arc<Semaphore>,
}

pub(super) struct Session<D: Dialect> {
    connection: D::Connection,
    idle: Idle<D>,
    permit: OwnedSemaphorePermit,
}

impl<D: Dialect> Session<D> {
    pub(super) fn connection(&mut self) -> &mut D::Connection {
        &mut self.connection
    }

    /// Gives the session back: its call ended well.
    pub(super) fn keep(self) {
        let Self { connection, idle, permit } = self;
        idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, now()));
        drop(permit);
    }

    /// Gives the session back if the error leaves it usable.
    pub(super) fn keep_after(self, error: &sqlx::Error) {
        if error::is_usable::<D>(error) {
            self.keep();
        }
    }
}

impl<D: Dialect> Sessions<D> {
    pub(super) fn new(settings: &Arc<ServerSettings>, size: u32, purpose: Purpose) -> Self {
        Self {
            settings: Arc::clone(settings),
            purpose,
            idle: Idle::<D>::default(),
            permits: Arc::new(Semaphore::new(size as usize)),
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        match self.purpose {
            Purpose::Data => self.settings.deadline,
            Purpose::Lease => self.settings.lease_deadline,
        }
    }

    /// Waits for a session, for as long as a call may last.
    pub(super) async fn acquire(&self) -> Result<Session<D>> {
        let waiting = Arc::clone(&self.permits).acquire_owned();
        let permit = match timeout(self.deadline(), waiting).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Error::Unavailable("it is closed".into())),
            Err(_) => {
                let (at, waited_ms) = (self.settings.at(), self.deadline().as_millis());
                let why = format!("no connection to {at} became free for {waited_ms} ms");
                return Err(Error::Unavailable(why));
            }
        };
        let connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => connect::<D>(&self.settings, self.purpose).await?,
        };
        Ok(Session { connection, idle: Arc::clone(&self.idle), permit })
    }

    async fn idle_connection(&self) -> Option<D::Connection> {
        loop {
            let newest = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let (mut connection, since) = newest?;
            if since.elapsed() < CHECKED_AFTER {
                return Some(connection);
            }
            let check = timeout(self.deadline().min(CHECKED_AFTER), connection.ping()).await;
            if matches!(check, Ok(Ok(()))) {
                return Some(connection);
            }
        }
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
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for (connection, _) in idle {
            say_goodbye::<D>(connection).await;
        }
    }
}

/// Tells the server that the session ends; it finds out in any case.
pub(super) async fn say_goodbye<D: Dialect>(connection: D::Connection) {
    let _ = timeout(CHECKED_AFTER, connection.close()).await;
}

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
        Ok(connection)
    };
    match timeout(settings.connect_deadline, connecting).await {
        Ok(connected) => connected.map_err(|e| error::at_connect::<D>(settings, &e)),
        Err(_) => Err(error::late(settings, settings.connect_deadline)),
    }
}
