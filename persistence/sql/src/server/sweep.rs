//! Sweeps over items on a server: what a step does and how far it came, in one transaction.

use futures::FutureExt;
use weir_persistence_api::{Fence, ItemChange, Result, Sweep};

use super::ServerStore;
use super::dialect::{Dialect, Value};
use super::error::Outcome;
use crate::row;

/// Claims that one statement names.
const CLAIMS_AT_ONCE: usize = 256;

type Step = (Sweep, Option<(ItemChange, Vec<String>)>);

impl<D: Dialect> ServerStore<D> {
    pub(super) async fn begin_sweep(&self, fence: &Fence, sweep: &Sweep) -> Result<Sweep> {
        let work = self.sessions.transaction(Some(fence), sweep, |connection, sweep| {
            begin::<D>(connection, sweep).boxed()
        });
        work.await
    }

    pub(super) async fn step_sweep(&self, fence: &Fence, step: &Step) -> Result<Sweep> {
        let work = self
            .sessions
            .transaction(Some(fence), step, |connection, step| take::<D>(connection, step).boxed());
        work.await
    }
}

async fn begin<D: Dialect>(connection: &mut D::Connection, sweep: &Sweep) -> Outcome<Sweep> {
    let s = D::STATEMENTS;
    let before = row::forgotten_before(sweep).into();
    D::execute(connection, s.sweep_forget, &[before]).await?;
    let (id, body) = (sweep.id.to_string(), row::sweep_body(sweep)?);
    let values = [(&id).into(), sweep.begun_at.0.into(), (&body).into()];
    D::execute(connection, s.sweep_begin, &values).await?;
    let mut rows: Vec<(String, String)> =
        D::rows(connection, s.sweep_load, &[(&id).into()]).await?;
    let stored = rows.pop().ok_or(sqlx::Error::RowNotFound)?;
    Ok(row::sweep(stored)?)
}

async fn take<D: Dialect>(
    connection: &mut D::Connection,
    (sweep, change): &Step,
) -> Outcome<Sweep> {
    let mut sweep = sweep.clone();
    if let Some((change, claims)) = change {
        let changed = apply::<D>(connection, &sweep, *change, claims).await?;
        row::count_swept(&mut sweep, claims.len(), changed);
    }
    let (id, body) = (sweep.id.to_string(), row::sweep_body(&sweep)?);
    let revision = row::bound(sweep.revision);
    let mut values: Vec<Value<'_>> = vec![revision.into(), (&body).into()];
    values.extend(sweep.ended_at.map(|it| Value::from(it.0)));
    values.extend([Value::from(&id), (revision - 1).into()]);
    let statement = match sweep.ended_at {
        None => D::STATEMENTS.sweep_step,
        Some(_) => D::STATEMENTS.sweep_end,
    };
    match D::execute(connection, statement, &values).await? {
        1 => Ok(sweep),
        _ => Err(row::swept_elsewhere(&sweep).into()),
    }
}

async fn apply<D: Dialect>(
    connection: &mut D::Connection,
    sweep: &Sweep,
    change: ItemChange,
    claims: &[String],
) -> Outcome<u64> {
    let s = D::STATEMENTS;
    let mut changed = 0;
    for claims in claims.chunks(CLAIMS_AT_ONCE) {
        let claims: Vec<_> = claims.iter().map(String::as_str).collect();
        let (claims, at) = (Value::Texts(&claims), sweep.begun_at.0.into());
        changed += match change {
            ItemChange::Forget => D::execute(connection, s.item_forget, &[claims]).await?,
            ItemChange::Clear => D::execute(connection, s.item_clear, &[at, claims]).await?,
            ItemChange::Deny => D::execute(connection, s.item_deny, &[at, claims]).await?,
        };
    }
    Ok(changed)
}
