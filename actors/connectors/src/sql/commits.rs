//! The table that says what was written last: a row for each job, written in the transaction that writes
//! the job's rows.
//!
//! Invariants:
//! - K1: the row of a job is locked before anything is looked at or written, and until the end.
//! - K2: an outbox whose identity is in the row has been written, and is not written again.

use weir_domain::{Digest, Fault};

use super::answer::Cell;
use super::codes;
use super::connection::DatabaseKind;
use super::session::Session;
use super::statement::{Name, parameter};
use super::value::Column;

pub(super) struct Commits<'a> {
    pub(super) table: &'a Name,
}

impl Commits<'_> {
    /// Makes the table if it is missing.
    pub(super) fn ensure(&self, session: &mut Session) -> Result<(), Fault> {
        let table = self.table.quoted(session.kind());
        let look = format!("SELECT id, job, outbox, committed_at FROM {table} WHERE 1 = 0");
        match session.ask(&look, &[]) {
            Ok(_) => return Ok(()),
            Err(fault) if fault.code.0 == codes::TABLE => {}
            Err(fault) => return Err(fault),
        }
        let create = self.create(session.kind());
        session.make(&create).map_err(|fault| match fault.kind {
            weir_domain::FaultKind::Transient => fault,
            _ => {
                let message = format!(
                    "the table {} is missing, which says what was written last, and can't be made: \
                     {}",
                    self.table, fault.message
                );
                Fault::config(codes::FORBIDDEN, message)
                    .with_hint(format!("let somebody who may run: {create}"))
            }
        })
    }

    pub(super) fn create(&self, kind: DatabaseKind) -> String {
        let table = self.table.quoted(kind);
        let (id, at) = match kind {
            DatabaseKind::Postgres => ("char(64)", "timestamptz"),
            DatabaseKind::Mysql => {
                ("char(64) CHARACTER SET ascii COLLATE ascii_bin", "timestamp(3)")
            }
            DatabaseKind::Sqlite => ("text", "text"),
        };
        let engine = if kind == DatabaseKind::Mysql { " ENGINE = InnoDB" } else { "" };
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (id {id} NOT NULL PRIMARY KEY, job text NOT NULL, \
             outbox text NOT NULL, committed_at {at} NOT NULL DEFAULT {}){engine}",
            now(kind)
        )
    }

    /// Locks the row of a job; tells the outbox that was written last, empty where there was none.
    pub(super) fn lock(&self, session: &mut Session, job: &str) -> Result<String, Fault> {
        let (kind, id) = (session.kind(), id(job));
        let table = self.table.quoted(kind);
        let insert = match kind {
            DatabaseKind::Postgres => format!(
                "INSERT INTO {table} (id, job, outbox) SELECT v.id, v.job, v.outbox FROM \
                 unnest($1::text[], $2::text[], $3::text[]) AS v(id, job, outbox) \
                 ON CONFLICT (id) DO NOTHING"
            ),
            DatabaseKind::Mysql => format!(
                "INSERT INTO {table} (id, job, outbox) VALUES (?, ?, ?) \
                 ON DUPLICATE KEY UPDATE id = id"
            ),
            DatabaseKind::Sqlite => format!(
                "INSERT INTO {table} (id, job, outbox) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
            ),
        };
        let row = [Column::text(&id), Column::text(job), Column::text("")];
        session.execute(&insert, &row, (0, 1), true)?;
        let lock = if kind == DatabaseKind::Sqlite { "" } else { " FOR UPDATE" };
        let first = parameter(kind, 1);
        let select = format!("SELECT outbox FROM {table} WHERE id = {first}{lock}");
        let rows = session.ask(&select, &[Some(&id)])?;
        let outbox = rows.into_iter().flatten().next().and_then(Cell::into_text);
        outbox.ok_or_else(|| {
            let message = format!("the table {} can't be read", self.table);
            Fault::transient(codes::ANSWER, message)
        })
    }

    /// Notes what was written.
    pub(super) fn write(
        &self,
        session: &mut Session,
        job: &str,
        outbox: &str,
    ) -> Result<(), Fault> {
        let kind = session.kind();
        let table = self.table.quoted(kind);
        let now = now(kind);
        let text = match kind {
            DatabaseKind::Postgres => format!(
                "UPDATE {table} AS t SET outbox = v.outbox, committed_at = {now} FROM \
                 unnest($1::text[], $2::text[]) AS v(outbox, id) WHERE t.id = v.id"
            ),
            DatabaseKind::Mysql | DatabaseKind::Sqlite => {
                format!("UPDATE {table} SET outbox = ?, committed_at = {now} WHERE id = ?")
            }
        };
        let row = [Column::text(outbox), Column::text(id(job))];
        let changed = session.execute(&text, &row, (0, 1), true)?;
        if changed == 1 {
            return Ok(());
        }
        let message = format!("the row of {job} in the table {} is gone", self.table);
        Err(Fault::transient(codes::CONTENDED, message))
    }
}

fn now(kind: DatabaseKind) -> &'static str {
    if kind == DatabaseKind::Mysql { "CURRENT_TIMESTAMP(3)" } else { "CURRENT_TIMESTAMP" }
}

/// Of any length, the names of jobs: the key is their digest.
fn id(job: &str) -> String {
    Digest::of(job.as_bytes()).to_string()
}

/// Where an outbox stands in the order of its job: only those of live streams have one.
pub(super) fn order(outbox: &str) -> Option<(u64, u64)> {
    let (generation, number) = outbox.rsplit('/').next()?.split_once('.')?;
    Some((generation.parse().ok()?, number.parse().ok()?))
}
