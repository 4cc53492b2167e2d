//! What is seen of the cluster at a time. What can't be seen says why: that is not the same as seeing nothing.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_cluster::View;
use weir_domain::schedule::Outcome;
use weir_domain::{Fault, NodeName, NodeStatus, Timestamp, WorkflowName};

/// What is seen, or why it can't be.
pub type Sight<T> = Result<T, String>;

/// Looks at the cluster. Supplied by the composition, which knows whom to ask.
#[async_trait]
pub trait Lookout: Send + Sync + 'static {
    /// What is to be seen now. `with_letters`: workflows whose dead letters count though no engine has the workflow.
    async fn look(&self, with_letters: &BTreeSet<WorkflowName>) -> Sighting;
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The last life of each node.
    pub members: Sight<BTreeMap<NodeName, MemberSeen>>,
    /// Why the database can't be used.
    pub store_trouble: Option<String>,
    pub controllers: Sight<Vec<ControllerSeen>>,
    /// What nodes say of themselves that are heard.
    pub nodes: BTreeMap<NodeName, NodeSeen>,
    pub workflows: Sight<WorkflowsSeen>,
    pub schedule: Sight<ScheduleSeen>,
    /// Why nodes don't run what they should, of all that have said what they run.
    pub activations: Sight<BTreeMap<NodeName, Option<(Fault, Timestamp)>>>,
    pub letters: BTreeMap<WorkflowName, Sight<LettersSeen>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSeen {
    pub status: NodeStatus,
    pub is_unreachable: bool,
    /// Since when it is so.
    pub since: Timestamp,
    /// Who does not hear it.
    pub unheard_by: Vec<String>,
    /// Why it has its status.
    pub reason: String,
    /// It worked once.
    pub was_up: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerSeen {
    pub name: String,
    pub is_held: bool,
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSeen {
    pub certificate_ends: Option<Timestamp>,
    /// Memory of its machine, or of the part of it that it may use, and how much of it is free.
    pub memory: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowsSeen {
    pub all: Vec<WorkflowSeen>,
    /// Engines that gave no answer: what they run is not among these.
    pub unreached: Vec<NodeName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowSeen {
    pub name: WorkflowName,
    pub has_failed: bool,
    pub fault: Option<Fault>,
    pub paused_streams: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleSeen {
    pub outcomes: BTreeMap<WorkflowName, Outcome>,
    pub drained: BTreeSet<NodeName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LettersSeen {
    /// Those of which nothing has become yet.
    pub waiting: u64,
    /// There are more, which are not counted yet.
    pub has_more: bool,
}

/// Something that can't be judged now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unjudged {
    pub what: String,
    pub why: String,
}

impl MemberSeen {
    /// The last life of each node; an error before the list of members was read.
    pub fn all(view: &View) -> Sight<BTreeMap<NodeName, Self>> {
        if view.version == 0 {
            return Err("the list of members was not read yet".to_owned());
        }
        let names: BTreeSet<_> = view.members.iter().map(|it| &it.node.name).collect();
        let last = names.into_iter().filter_map(|it| Some((it.clone(), Self::named(view, it)?)));
        Ok(last.collect())
    }

    fn named(view: &View, name: &NodeName) -> Option<Self> {
        let member = view.named(name)?;
        let uid = member.node.uid;
        let is_unreachable = view.reach.unreachable.contains(&uid);
        let silent_since = view.unreachable_since.get(&uid).copied().filter(|_| is_unreachable);
        let of = |uid| view.member(uid).map(|it| it.node.name.to_string());
        let broken = view.reach.broken.iter().filter(|(_, subject)| *subject == uid);
        Some(Self {
            status: member.status,
            is_unreachable,
            since: silent_since.unwrap_or(member.changed_at),
            unheard_by: broken.filter_map(|(observer, _)| of(*observer)).collect(),
            reason: member.reason.clone(),
            was_up: member.up_number > 0,
        })
    }

    /// It is a part of the cluster, or was lost and can be again.
    pub(super) fn is_present(&self) -> bool {
        self.status < NodeStatus::Down
    }
}
