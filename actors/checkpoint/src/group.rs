//! Groups: jobs that begin anew together, as the lanes of a workflow do.
//!
//! ```text
//! GROUP/lanes                      of how many jobs it is, as the first of them found it;
//! GROUP/lanes-0000000003           the same since order 3 let it be found anew
//! GROUP/sources/orders             whose job a source belongs to, as the first who ran it found it;
//! GROUP/sources-0000000003/orders  the same since order 3 let its jobs begin elsewhere
//! GROUP/orders/0000000003          what each of its jobs begins from next, once
//! GROUP/savepoints/before-upgrade  that somebody wants a savepoint of all its jobs
//! GROUP/lane-1/…                   a job
//! ```
//!
//! Invariants:
//! - O1: an order is one blob, created under the number behind the newest: of two who give one at
//!   once one does, and it holds for all jobs or for none.
//! - O2: orders are never changed or deleted, and their numbers have no gap. Whoever follows one
//!   sees by one look whether there is a later one.
//! - O3: a name is reserved for the whole group before a job uses it. A savepoint of the group is
//!   whole when each of its jobs has one of that name.
//! - O4: a source keeps its place as long as the jobs go on from where they stand: whoever asks is
//!   told the same, in whatever order and version they come.
//!
//! Which orders a job follows is in its own log ([`RestoreFrom::Ordered`](crate::RestoreFrom)); who
//! may give one, and whether anything runs meanwhile, is no matter of this room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::{SavepointName, Timestamp};

use crate::envelope::Content;
use crate::epoch::Epoch;

/// What the next run of every job of a group is to begin from, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// From 1.
    pub number: u32,
    /// Whoever gave it finds it again by this.
    pub id: String,
    pub begin: Begin,
    /// Of how many jobs the group is from then on; `None`: as many as the first that runs finds.
    pub jobs: Option<u32>,
    /// State that the plan has no place for is given up.
    pub drops_leftovers: bool,
    pub given_at: Timestamp,
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
pub enum Begin {
    /// Where they stand.
    Newest,
    /// As if they had never run.
    Nothing,
    /// Each job from its epoch of that name.
    Savepoint { name: SavepointName, epochs: BTreeMap<String, Epoch> },
}

/// That somebody wants a savepoint of all jobs of a group. It reserves the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    pub name: SavepointName,
    /// Whoever wanted it finds it again by this.
    pub id: String,
    /// Which run of each job was told.
    pub runs: BTreeMap<String, String>,
    pub wanted_at: Timestamp,
    pub by: String,
}

impl Content for Order {
    const KIND: &'static str = "order";
}

impl Content for Wish {
    const KIND: &'static str = "wish";
}
