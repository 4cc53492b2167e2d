//! One writer's work: a group of appends becomes one statement, or one transaction if readers are
//! to find the events by tags.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use weir_domain::Code;
use weir_persistence_api::{Append, Error, PersistenceId, Result};

use super::dialect::{Class, Dialect};
use super::error;
use super::known::Known;
use super::pace::Pace;
use super::rows::{rows, tag, tags};
use super::session::{self, Era, Purpose};
use super::transaction::{check_fence, fenced};
use super::{ServerSettings, check_key, now};
use crate::row;

/// A connection that rested that long is tried out first, so that one which the server closed
/// meanwhile leaves no outcome unknown.
const CHECKED_AFTER: Duration = Duration::from_millis(500);

pub(super) struct Appends<D: Dialect> {
    settings: Arc<ServerSettings>,
    known: Arc<Known>,
    pace: Arc<Pace>,
    era: Arc<Era>,
    /// `None` after it broke, until the next group.
    connection: Option<D::Connection>,
    /// The era that the connection was made in.
    made_in: u64,
    used_at: Instant,
    /// The largest statement that the server takes, in bytes.
    bytes_max: u64,
    /// While a group is written: still set afterwards, its caller went away in the middle.
    is_at_work: bool,
}

/// What became of a statement that appends.
enum Fault {
    /// Nothing was written, for a reason that lies in the appends.
    Refused(Class, sqlx::Error),
    /// The whole group has the same answer.
    All(Error),
}

impl<D: Dialect> Appends<D> {
    pub(super) fn new(
        settings: Arc<ServerSettings>,
        (known, pace): (Arc<Known>, Arc<Pace>),
        era: Arc<Era>,
    ) -> Self {
        Self {
            settings,
            known,
            pace,
            made_in: era.current(),
            era,
            connection: None,
            used_at: now(),
            bytes_max: u64::MAX,
            is_at_work: false,
        }
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            session::say_goodbye::<D>(connection).await;
        }
    }

    /// Closes the connection if it may be in the middle of a call.
    pub(super) fn close_if_cut_short(&mut self) {
        if std::mem::take(&mut self.is_at_work) {
            self.broken();
        }
    }

    /// Writes a group; answers in its order.
    pub(super) async fn write(&mut self, group: &[Append]) -> Vec<Result<u64>> {
        if group.is_empty() {
            return Vec::new();
        }
        let started = now();
        self.is_at_work = true;
        let answers = self.answers(group).await;
        self.is_at_work = false;
        let size = u32::try_from(group.len()).unwrap_or(u32::MAX);
        metrics::histogram!("weir_store_group_size").record(f64::from(size));
        let took = started.elapsed();
        metrics::histogram!("weir_store_commit_seconds").record(took);
        // What was not written says nothing about a commit.
        if answers.iter().any(Result::is_ok) {
            self.pace.record(took);
        }
        answers
    }

    async fn answers(&mut self, group: &[Append]) -> Vec<Result<u64>> {
        // First of all: the connection knows how much the server takes.
        if let Err(error) = self.connected().await {
            return group.iter().map(|_| Err(error.clone())).collect();
        }
        let mut answers: Vec<Option<Result<u64>>> = Vec::with_capacity(group.len());
        for append in group {
            answers.push(self.before(append).await);
        }
        let open = |answers: &[Option<_>]| -> Vec<usize> {
            (0..answers.len()).filter(|&at| answers[at].is_none()).collect()
        };
        let together = open(&answers);
        let appends: Vec<&Append> = together.iter().map(|&at| &group[at]).collect();
        match self.together(&appends).await {
            Ok(()) => together.iter().for_each(|&at| answers[at] = Some(self.written(&group[at]))),
            Err(Fault::All(error)) => {
                together.iter().for_each(|&at| answers[at] = Some(Err(error.clone())));
            }
            Err(Fault::Refused(class, error)) if together.len() == 1 => {
                let at = together[0];
                answers[at] = Some(self.refused(&group[at], class, error).await);
            }
            Err(Fault::Refused(..)) => {
                for at in together {
                    answers[at] = Some(self.alone(&group[at]).await);
                }
            }
        }
        answers.into_iter().map(|it| it.expect("W2: every append has its answer")).collect()
    }

    fn written(&self, append: &Append) -> Result<u64> {
        let highest = append.after + append.events.len() as u64;
        self.known.set(&append.id, highest);
        Ok(highest)
    }

    async fn alone(&mut self, append: &Append) -> Result<u64> {
        match self.together(&[append]).await {
            Ok(()) => self.written(append),
            Err(Fault::All(error)) => Err(error),
            Err(Fault::Refused(class, error)) => self.refused(append, class, error).await,
        }
    }

    /// What can be said before anything is written; `None`: it is to be written.
    async fn before(&mut self, append: &Append) -> Option<Result<u64>> {
        let Append { id, after, events, .. } = append;
        if let Err(refusal) = self.check(append) {
            return Some(Err(refusal));
        }
        let known = match self.known.get(id) {
            Some(known) => known,
            None => match self.highest(id).await {
                Ok(highest) => highest,
                Err(error) => return Some(Err(error)),
            },
        };
        if known == *after && !events.is_empty() {
            return None;
        }
        // The fence comes first: a deposed writer's picture does not matter.
        if let Err(error) = self.check_fence(append).await {
            return Some(Err(error));
        }
        Some(match self.highest(id).await {
            Ok(highest) if highest == *after && events.is_empty() => Ok(highest),
            Ok(highest) if highest == *after => return None,
            Ok(highest) => Err(conflict(append, highest)),
            Err(error) => Err(error),
        })
    }

    fn check(&self, append: &Append) -> Result<()> {
        check_key("persistence id", &append.id.0)?;
        for event in &append.events {
            check_key("manifest", &event.manifest.name)?;
            event.tags.iter().try_for_each(|it| check_key("tag", &it.0))?;
        }
        let bytes: u64 = append.events.iter().map(|it| it.payload.len() as u64 + 1_024).sum();
        if bytes > self.bytes_max {
            return Err(Error::Rejected(format!(
                "an append of {bytes} bytes to {} is larger than a statement may be ({} bytes): \
                 raise max_allowed_packet on the server, or write smaller events",
                append.id, self.bytes_max
            )));
        }
        Ok(())
    }

    /// Why an append that stood alone was not written.
    async fn refused(&mut self, append: &Append, class: Class, error: sqlx::Error) -> Result<u64> {
        match class {
            Class::Null => Err(fenced(&append.fence)),
            Class::Duplicate => {
                self.known.forget(&append.id);
                self.check_fence(append).await?;
                let highest = self.highest(&append.id).await?;
                Err(conflict(append, highest))
            }
            _ => Err(error::before_commit::<D>(&self.settings, &error)),
        }
    }

    async fn check_fence(&mut self, append: &Append) -> Result<()> {
        let settings = Arc::clone(&self.settings);
        let connection = self.connected().await?;
        let check = timeout(settings.deadline, check_fence::<D>(connection, &append.fence)).await;
        match check {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error::Failure::Refused(error))) => Err(error),
            Ok(Err(error::Failure::Sql(e))) => {
                self.after(&e);
                Err(error::before_commit::<D>(&settings, &e))
            }
            Ok(Err(error::Failure::Overtaken)) => Err(error::overtaken(&settings)),
            Err(_) => {
                self.broken();
                Err(error::late(&settings, settings.deadline))
            }
        }
    }

    async fn highest(&mut self, id: &PersistenceId) -> Result<u64> {
        let settings = Arc::clone(&self.settings);
        let connection = self.connected().await?;
        let values = [(&id.0).into(), (&id.0).into()];
        let look = D::rows::<(i64,)>(connection, D::STATEMENTS.event_highest, &values);
        let found = match timeout(settings.deadline, look).await {
            Ok(Ok(rows)) => rows.first().map_or(0, |it| it.0),
            Ok(Err(e)) => {
                self.after(&e);
                return Err(error::before_commit::<D>(&settings, &e));
            }
            Err(_) => {
                self.broken();
                return Err(error::late(&settings, settings.deadline));
            }
        };
        let highest = row::number(found, || format!("the journal of {id}"))?;
        self.known.set(id, highest);
        Ok(highest)
    }

    /// One statement, or one transaction, over all of them.
    async fn together(&mut self, appends: &[&Append]) -> std::result::Result<(), Fault> {
        if appends.is_empty() {
            return Ok(());
        }
        let settings = Arc::clone(&self.settings);
        let until = now() + settings.deadline;
        let rows = rows(appends);
        let tags = tags(appends);
        let mut wait = Duration::from_millis(2);
        loop {
            let connection = self.connected().await.map_err(Fault::All)?;
            let mut is_committing = tags.is_empty();
            let attempt = async {
                if tags.is_empty() {
                    return D::append(connection, &rows).await;
                }
                D::script(connection, D::STATEMENTS.begin).await?;
                D::append(connection, &rows).await?;
                tag::<D>(connection, &tags).await?;
                is_committing = true;
                D::script(connection, D::STATEMENTS.commit).await
            };
            let Ok(answer) = timeout_at(until, attempt).await else {
                self.lost(appends);
                let late = if is_committing { error::late_at_commit } else { error::late };
                return Err(Fault::All(late(&settings, settings.deadline)));
            };
            self.used_at = now();
            let Err(e) = answer else { return Ok(()) };
            let class = error::class::<D>(&e);
            if !error::is_usable::<D>(&e) {
                self.after(&e);
                self.lost(appends);
                let fault =
                    if is_committing { error::at_commit::<D> } else { error::before_commit::<D> };
                return Err(Fault::All(fault(&settings, &e)));
            }
            self.roll_back(!tags.is_empty()).await;
            match class {
                Some(Class::Contended) if now() + wait < until => {
                    metrics::counter!("weir_store_contended_total").increment(1);
                    sleep(wait).await;
                    wait *= 2;
                }
                Some(class @ (Class::Null | Class::Duplicate | Class::Refused)) => {
                    return Err(Fault::Refused(class, e));
                }
                // Whatever else it is, each alone would meet it too, and wait for it again.
                _ => return Err(Fault::All(error::before_commit::<D>(&settings, &e))),
            }
        }
    }

    async fn roll_back(&mut self, is_transaction: bool) {
        let Some(connection) = self.connection.as_mut().filter(|_| is_transaction) else { return };
        let rolling_back = D::script(connection, D::STATEMENTS.rollback);
        if !matches!(timeout(self.settings.deadline, rolling_back).await, Ok(Ok(()))) {
            self.broken();
        }
    }

    /// The connection, opened anew if the last one broke.
    async fn connected(&mut self) -> Result<&mut D::Connection> {
        let era = self.era.current();
        if self.connection.is_some() && self.made_in != era {
            self.broken();
        }
        if self.used_at.elapsed() > CHECKED_AFTER
            && let Some(connection) = &mut self.connection
        {
            let check = timeout(CHECKED_AFTER, connection.ping()).await;
            if !matches!(check, Ok(Ok(()))) {
                self.broken();
            }
        }
        self.used_at = now();
        match &mut self.connection {
            Some(_) => {}
            None => {
                let mut connection = session::connect::<D>(&self.settings, Purpose::Data).await?;
                self.bytes_max = bytes_max::<D>(&self.settings, &mut connection).await?;
                self.connection = Some(connection);
                self.made_in = era;
            }
        }
        Ok(self.connection.as_mut().expect("it was just opened"))
    }

    fn after(&mut self, error: &sqlx::Error) {
        if error::class::<D>(error) == Some(Class::ReadOnly) {
            self.era.end(self.made_in);
        }
        if !error::is_usable::<D>(error) {
            self.broken();
        }
    }

    /// The connection is no good any more. The server at its other end may be another one next.
    fn broken(&mut self) {
        self.connection = None;
        self.known.forget_all();
    }

    fn lost(&mut self, appends: &[&Append]) {
        metrics::counter!("weir_store_commit_failures_total").increment(1);
        let (appends, at) = (appends.len(), self.settings.at());
        tracing::warn!(
            code = %Code(5001), appends, at, "a commit failed; the connection is opened anew"
        );
        self.broken();
    }
}

async fn bytes_max<D: Dialect>(
    settings: &ServerSettings,
    connection: &mut D::Connection,
) -> Result<u64> {
    match timeout(settings.deadline, session::state::<D>(connection)).await {
        Ok(Ok(state)) => Ok(state.bytes_max),
        Ok(Err(e)) => Err(error::before_commit::<D>(settings, &e)),
        Err(_) => Err(error::late(settings, settings.deadline)),
    }
}

fn conflict(append: &Append, actual: u64) -> Error {
    Error::Conflict { id: append.id.clone(), expected: append.after, actual }
}
