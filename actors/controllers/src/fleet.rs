//! The fleet: the clusters that a configuration server knows, and where each is reached.
//!
//! Invariants:
//! - F1: a name is one cluster, and so is a cluster's id: no two entries have met the same cluster.
//! - F2: who an entry has met stays until the entry is removed: another cluster at its addresses is
//!   noticed, not taken for it.
//!
//! Whether a cluster answers is nothing that is written down: who asks it knows.

mod handle;
mod service;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use weir_domain::{ClusterId, ClusterName, Timestamp, did_you_mean};
use weir_runtime::{Decision, EventSourced, Form};

use crate::text::is_short;
use crate::{Author, TooLong};

pub use handle::{Failure, Fleet};
pub use service::{FleetService, FleetSingleton, Request, Response};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "fleet";
/// Each is probed again and again.
const CLUSTERS_MAX: usize = 1_000;
const URLS_MAX: usize = 20;

/// What people say about a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its engines, tried in this order.
    pub urls: Vec<String>,
    pub note: String,
}

#[derive(Debug, Clone)]
pub enum Command {
    Add {
        name: ClusterName,
        about: About,
        author: Author,
    },
    Set {
        name: ClusterName,
        about: About,
        expected: Option<u64>,
        author: Author,
    },
    Remove {
        name: ClusterName,
        expected: Option<u64>,
        author: Author,
    },
    /// It answered, and said who it is.
    Meet {
        name: ClusterName,
        id: ClusterId,
        at: Timestamp,
    },
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Added { name: ClusterName, about: About, author: Author },
    Set { name: ClusterName, about: About, author: Author },
    Removed { name: ClusterName, author: Author },
    Met { name: ClusterName, id: ClusterId, at: Timestamp },
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("there is no cluster {name} in the list")]
    Unknown { name: ClusterName, near: Option<String> },
    #[error("there is a cluster {0} in the list already: choose another name")]
    NameTaken(ClusterName),
    #[error(
        "the cluster {name} was changed since it was read: it has revision {actual}, not {expected}; \
         read it again"
    )]
    Changed { name: ClusterName, expected: u64, actual: u64 },
    #[error("{0:?} is not the address of an engine: write for instance http://node-1:5842")]
    NoAddress(String),
    #[error("a cluster is reached at 1 to {URLS_MAX} addresses, not {0}")]
    Addresses(usize),
    #[error("the cluster at the addresses of {name} is in the list as {other}: remove one of both")]
    SameCluster { name: ClusterName, other: ClusterName },
    #[error(
        "the addresses of {name} lead to another cluster than before: if that is meant, remove {name} \
         from the list and add it again"
    )]
    OtherCluster { name: ClusterName },
    #[error("there are {CLUSTERS_MAX} clusters already, which is the most")]
    TooMany,
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// A cluster as it stands in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub name: ClusterName,
    pub about: About,
    /// `None`: it has not answered yet.
    pub id: Option<ClusterId>,
    pub changed: Author,
    pub revision: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Clusters {
    by_name: BTreeMap<ClusterName, Entry>,
}

impl EventSourced for Clusters {
    type Command = Command;
    type Event = Event;
    type Effect = Infallible;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("fleet.event", 1);
    const STATE_FORM: Form = Form::new("fleet.state", 1);

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Add { name, about, author } => self.add(name, about, author),
            Command::Set { name, about, expected, author } => {
                self.set(name, about, expected, author)
            }
            Command::Remove { name, expected, author } => self.remove(name, expected, author),
            Command::Meet { name, id, at } => self.meet(name, id, at),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::Added { name, about, author } => {
                let entry =
                    Entry { name: name.clone(), about, id: None, changed: author, revision: 1 };
                let former = self.by_name.insert(name, entry);
                assert!(former.is_none(), "F1: {former:?} was added again");
            }
            Event::Set { name, about, author } => {
                let entry = self.by_name.get_mut(&name).expect("F1: what is set is in the list");
                (entry.about, entry.changed) = (about, author);
                entry.revision += 1;
            }
            Event::Removed { name, .. } => {
                self.by_name.remove(&name);
            }
            Event::Met { name, id, .. } => {
                let entry = self.by_name.get_mut(&name).expect("F2: who was met is in the list");
                assert!(entry.id.is_none_or(|it| it == id), "F2: {name} became another cluster");
                entry.id = Some(id);
            }
        }
    }

    fn outstanding(&self) -> Vec<Infallible> {
        vec![]
    }
}

impl Clusters {
    /// By name.
    pub fn entries(&self) -> Vec<Entry> {
        self.by_name.values().cloned().collect()
    }

    fn add(&self, name: ClusterName, about: About, author: Author) -> Decision<Self> {
        is_usable(&about)?;
        // In paths and on command lines nobody tells them apart.
        let is_same = |it: &&ClusterName| it.as_str().eq_ignore_ascii_case(name.as_str());
        if let Some(taken) = self.by_name.keys().find(is_same) {
            return Err(Rejection::NameTaken(taken.clone()));
        }
        if self.by_name.len() >= CLUSTERS_MAX {
            return Err(Rejection::TooMany);
        }
        Ok(vec![Event::Added { name, about, author }])
    }

    fn set(
        &self,
        name: ClusterName,
        about: About,
        expected: Option<u64>,
        author: Author,
    ) -> Decision<Self> {
        is_usable(&about)?;
        match self.as_read(&name, expected)?.about == about {
            true => Ok(vec![]),
            false => Ok(vec![Event::Set { name, about, author }]),
        }
    }

    fn remove(&self, name: ClusterName, expected: Option<u64>, author: Author) -> Decision<Self> {
        self.as_read(&name, expected)?;
        Ok(vec![Event::Removed { name, author }])
    }

    fn meet(&self, name: ClusterName, id: ClusterId, at: Timestamp) -> Decision<Self> {
        let known = self.find(&name)?.id;
        if known == Some(id) {
            return Ok(vec![]);
        }
        if known.is_some() {
            return Err(Rejection::OtherCluster { name });
        }
        match self.by_name.values().find(|it| it.id == Some(id)) {
            Some(other) => Err(Rejection::SameCluster { name, other: other.name.clone() }),
            None => Ok(vec![Event::Met { name, id, at }]),
        }
    }

    fn find(&self, name: &ClusterName) -> Result<&Entry, Rejection> {
        self.by_name.get(name).ok_or_else(|| {
            let near = did_you_mean(name.as_str(), self.by_name.keys().map(ClusterName::as_str));
            Rejection::Unknown { name: name.clone(), near: near.map(str::to_owned) }
        })
    }

    fn as_read(&self, name: &ClusterName, expected: Option<u64>) -> Result<&Entry, Rejection> {
        let entry = self.find(name)?;
        let actual = entry.revision;
        match expected.filter(|it| *it != actual) {
            Some(expected) => Err(Rejection::Changed { name: name.clone(), expected, actual }),
            None => Ok(entry),
        }
    }
}

/// Only plain addresses: what else may stand in one, as a password, would be shown to all who see the list.
fn is_usable(about: &About) -> Result<(), Rejection> {
    is_short("note", &about.note)?;
    if !(1..=URLS_MAX).contains(&about.urls.len()) {
        return Err(Rejection::Addresses(about.urls.len()));
    }
    let is_address = |it: &&String| {
        let rest = it.strip_prefix("http://");
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-._:[]".contains(it);
        rest.is_some_and(|it| !it.is_empty() && it.len() <= 255 && it.chars().all(is_plain))
    };
    match about.urls.iter().find(|it| !is_address(it)) {
        Some(bad) => Err(Rejection::NoAddress(bad.chars().take(200).collect())),
        None => Ok(()),
    }
}
