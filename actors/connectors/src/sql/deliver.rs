//! Writes what an outbox holds into its table: all of it and the note that it was written, or nothing.
//!
//! A deliverer that fell asleep and wakes up when others have gone on changes nothing. It locks the row of
//! its job first (K1). Either the row names its outbox, then it was written (K2). Or others have written
//! later ones: whoever writes an outbox removes its blobs before the next of that job, so that the sleeper
//! finds none. Blobs that are there behind a later row are of another history, and that is refused.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::Fault;
use weir_stream::{CrashPoint, Published, reach};

use super::commits::{Commits, order};
use super::config::OutputConfig;
use super::connection::ConnectionConfig;
use super::session::{Session, Sessions};
use super::statement::{Name, quoted};
use super::table::{Table, TableSpec};
use super::{NAME, codes, entry};
use crate::outbox::{Deliver, Delivery};

/// Stored with actions: fields may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    /// Relative paths of the connection are below this directory.
    pub(super) base: PathBuf,
    pub(super) commits: Name,
    pub(super) spec: TableSpec,
}

/// Writes to databases.
pub(super) struct Writer {
    pub(super) sessions: Sessions,
}

impl Deliver for Writer {
    const NAME: &'static str = NAME;
    type Connection = ConnectionConfig;
    type Target = Target;
    type Config = OutputConfig;

    /// The note of what was written is looked for where it was promised.
    fn renewed(stored: Target, config: OutputConfig) -> Target {
        match TableSpec::new(&config) {
            Ok(spec) => Target { spec, ..stored },
            Err(_) => stored,
        }
    }

    fn deliver(
        &self,
        connection: ConnectionConfig,
        delivery: &Delivery<'_, Target>,
    ) -> Result<Vec<Published>, Fault> {
        let target = &delivery.target;
        let address = Arc::new(connection.address(&target.base)?);
        let commits = Commits { table: &target.commits };
        let written = self.sessions.with(&address, false, |session| {
            commits.ensure(session)?;
            session.transaction(|session| write(session, &commits, delivery))
        })?;
        let address = format!("{} of {address}", target.spec.table);
        let published = written.map(|written| match written {
            Written::All => Published { address, warning: None },
            Written::Unknown => Published::nothing_but(format!(
                "{address}: what was to be written is not there any more, and {} knows nothing of {}: it was \
                 written to another database, or is lost",
                target.commits, delivery.job
            )),
        });
        Ok(published.into_iter().collect())
    }
}

enum Written {
    All,
    /// By somebody to somewhere else, or by nobody.
    Unknown,
}

/// In a transaction. `None`: there is nothing to write any more.
fn write(
    session: &mut Session,
    commits: &Commits<'_>,
    delivery: &Delivery<'_, Target>,
) -> Result<Option<Written>, Fault> {
    let outbox = delivery.outbox.id();
    let last = commits.lock(session, delivery.job)?;
    if last == outbox {
        return Ok(None);
    }
    let is_overtaken = order(&last).zip(order(outbox)).is_some_and(|(last, own)| own < last);
    let mut table = None;
    for part in delivery.parts() {
        let Some(entries) = part? else {
            // Nobody has written it, and it is not there any more: that is never so, and not passed over.
            let is_ahead = order(&last).zip(order(outbox)).is_some_and(|(last, own)| last < own);
            // A database that knows nothing of the job may be another one than it was written to.
            return match (is_ahead, last.is_empty()) {
                (true, _) => Err(gone(session, delivery, &last)),
                (false, true) => Ok(Some(Written::Unknown)),
                (false, false) => Ok(None),
            };
        };
        if is_overtaken {
            return Err(other_history(session, commits, delivery, &last));
        }
        for it in entries {
            write_entry(session, &delivery.target.spec, &mut table, &it)?;
        }
    }
    commits.write(session, delivery.job, outbox)?;
    reach(CrashPoint::BeforePublication);
    Ok(Some(Written::All))
}

fn write_entry(
    session: &mut Session,
    spec: &TableSpec,
    table: &mut Option<Table>,
    content: &Bytes,
) -> Result<(), Fault> {
    for records in entry::read(content)? {
        let table = match table {
            Some(table) => table,
            None => table.insert(Table::open(session, spec, &records.schema())?),
        };
        let (values, misfits) = table.values(&records)?;
        if let Some(why) = misfits.into_values().next() {
            let message =
                format!("the table {} does not take a record any more: {why}", spec.table);
            return Err(Fault::config(codes::REFUSED, message)
                .with_hint("change the table back, or so that it takes it; it is tried again"));
        }
        table.write(session, &values).map_err(|fault| match fault.code.0 {
            codes::REFUSED => fault.with_hint(
                "make the table take the record: drop the constraint, or change the row that is in \
                 its way; it is tried again until then",
            ),
            _ => fault,
        })?;
    }
    Ok(())
}

fn gone(session: &Session, delivery: &Delivery<'_, Target>, last: &str) -> Fault {
    let (own, job) = (delivery.outbox.id(), delivery.job);
    let message = format!(
        "{}: what {job} was to write is gone ({own}), and {last} was written last",
        session.address
    );
    Fault::config(codes::HISTORY, message).with_hint(
        "was the store of checkpoints brought back from a backup, or the database? restore the workflow from a \
         savepoint, or reset it",
    )
}

fn other_history(
    session: &Session,
    commits: &Commits<'_>,
    delivery: &Delivery<'_, Target>,
    last: &str,
) -> Fault {
    let kind = session.kind();
    let message = format!(
        "{}: {} says that {} has written {last}, which is later than {}: it is of another history",
        session.address,
        commits.table,
        delivery.job,
        delivery.outbox.id()
    );
    let (table, job) = (commits.table.quoted(kind), quoted(kind, "job"));
    Fault::config(codes::HISTORY, message).with_hint(format!(
        "if another installation writes with a workflow of that name, name another table in commits; \
         if this one began anew, run: DELETE FROM {table} WHERE {job} = '{}'",
        delivery.job.replace('\'', "''")
    ))
}
