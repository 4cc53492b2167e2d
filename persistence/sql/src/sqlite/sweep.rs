//! Sweeps over items on SQLite: what a step does and how far it came, in one transaction.

use futures::FutureExt;
use sqlx::{SqliteConnection, query, query_as};
use weir_persistence_api::{Fence, ItemChange, Result, Sweep};

use super::error::Outcome;
use super::item::json;
use super::{SqliteStore, check_fence, statement};
use crate::row;

impl SqliteStore {
    pub(super) async fn begin_sweep(&self, fence: &Fence, sweep: Sweep) -> Result<Sweep> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    begin(connection, &sweep).await
                }
                .boxed()
            })
            .await
    }

    pub(super) async fn step_sweep(
        &self,
        fence: &Fence,
        sweep: Sweep,
        change: Option<(ItemChange, Vec<String>)>,
    ) -> Result<Sweep> {
        let fence = fence.clone();
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    step(connection, sweep, change).await
                }
                .boxed()
            })
            .await
    }
}

async fn begin(connection: &mut SqliteConnection, sweep: &Sweep) -> Outcome<Sweep> {
    query(statement::SWEEP_FORGET)
        .bind(row::forgotten_before(sweep))
        .execute(&mut *connection)
        .await?;
    let id = sweep.id.to_string();
    query(statement::SWEEP_BEGIN)
        .bind(&id)
        .bind(sweep.begun_at.0)
        .bind(row::sweep_body(sweep)?)
        .execute(&mut *connection)
        .await?;
    let stored = query_as(statement::SWEEP_LOAD).bind(id).fetch_one(connection).await?;
    Ok(row::sweep(stored)?)
}

async fn step(
    connection: &mut SqliteConnection,
    mut sweep: Sweep,
    change: Option<(ItemChange, Vec<String>)>,
) -> Outcome<Sweep> {
    if let Some((change, claims)) = change {
        let changed = apply(connection, &sweep, change, &claims).await?;
        row::count_swept(&mut sweep, claims.len(), changed);
    }
    let revision = row::bound(sweep.revision);
    let body = row::sweep_body(&sweep)?;
    let step = match sweep.ended_at {
        None => query(statement::SWEEP_STEP).bind(revision).bind(body),
        Some(ended_at) => query(statement::SWEEP_END).bind(revision).bind(body).bind(ended_at.0),
    };
    let step = step.bind(sweep.id.to_string()).bind(revision - 1).execute(connection).await?;
    match step.rows_affected() {
        1 => Ok(sweep),
        _ => Err(row::swept_elsewhere(&sweep).into()),
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    sweep: &Sweep,
    change: ItemChange,
    claims: &[String],
) -> Outcome<u64> {
    let change = match change {
        ItemChange::Forget => query(statement::ITEM_FORGET),
        ItemChange::Clear => query(statement::ITEM_CLEAR).bind(sweep.begun_at.0),
        ItemChange::Deny => query(statement::ITEM_DENY).bind(sweep.begun_at.0),
    };
    Ok(change.bind(json(claims)).execute(connection).await?.rows_affected())
}
