//! Sweeps: one pass over the items of a source that match a filter, to reset them, to give or deny
//! them clearance, or only to count them.
//!
//! - W1: a step examines a bounded number of rows, and what it did is written with how far it came,
//!   in one transaction: after a fail-over the next step goes on there, and counts nothing twice.
//! - W2: an item that was claimed since it was looked at is left alone.

use serde::{Deserialize, Serialize};
use weir_domain::{SweepId, Timestamp};

use crate::item_page::examine;
use crate::{Fence, ItemChange, ItemFilter, ItemPlace, ItemStore, Result, item_rule};

/// Rows that a step examines, at most.
const EXAMINED_AT_ONCE: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Chosen by who asks for it: asked again, it is the same sweep.
    pub id: SweepId,
    pub change: ItemChange,
    /// Only count.
    pub dry_run: bool,
    pub filter: ItemFilter,
    /// Who asked for it.
    pub by: String,
    pub begun_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Go on after this item.
    pub after: Option<ItemPlace>,
    pub examined: u64,
    /// Changed, or would be.
    pub changed: u64,
    /// Match the filter, but are held, or were claimed meanwhile.
    pub kept: u64,
    /// Grows by one with each step.
    pub revision: u64,
}

impl Sweep {
    pub fn is_open(&self) -> bool {
        self.ended_at.is_none()
    }
}

/// Takes the next step of a sweep that has not ended.
pub async fn advance<S: ItemStore + ?Sized>(
    store: &S,
    fence: &Fence,
    sweep: Sweep,
    now: Timestamp,
) -> Result<Sweep> {
    let found = examine(store, &sweep.filter, sweep.after.clone(), EXAMINED_AT_ONCE).await?;
    let (meant, held): (Vec<_>, Vec<_>) = found
        .rows
        .into_iter()
        .partition(|it| item_rule::is_swept(it.status, it.settled_at.is_some(), sweep.change));
    let claims: Vec<_> = meant.into_iter().map(|it| it.claim).collect();
    let (change, dry) = (sweep.change, sweep.dry_run);
    let next = Sweep {
        ended_at: found.next.is_none().then_some(now),
        after: found.next,
        examined: sweep.examined + found.examined,
        changed: sweep.changed + if dry { claims.len() as u64 } else { 0 },
        kept: sweep.kept + held.len() as u64,
        revision: sweep.revision + 1,
        ..sweep
    };
    let change = (!dry && !claims.is_empty()).then_some((change, claims));
    store.sweep_step(fence, next, change).await
}
