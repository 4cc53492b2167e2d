//! Whom this node lets in: what the members know that the links can't.
//!
//! The links ask before membership has read the list for the first time; then everybody may come
//! in, since a link gives no say in anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use weir_domain::{ClusterId, Incarnation, Member, NodeUid};

use crate::reach::is_present;

/// Shared by the links, which ask, and membership, which answers. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Admission(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    me: Option<Incarnation>,
    cluster: Option<ClusterId>,
    /// Why those who are no members any more are none.
    ended: BTreeMap<NodeUid, String>,
    /// Those that have a link to this node now.
    linked: BTreeSet<Incarnation>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    #[error(
        "it uses the database of cluster {theirs}, and this node that of {ours}: check weir.persistence.journal on both"
    )]
    OtherCluster { theirs: ClusterId, ours: ClusterId },
    #[error("the cluster goes on without {node}: {reason}; it comes back when it is started again")]
    Ended { node: Incarnation, reason: String },
    #[error("{other} has the same name and is here: give each node a name of its own")]
    DuplicateName { other: Incarnation },
}

impl Admission {
    pub fn admit(&self, node: &Incarnation, cluster: Option<ClusterId>) -> Result<(), NotAdmitted> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let (Some(theirs), Some(ours)) = (cluster, known.cluster)
            && theirs != ours
        {
            return Err(NotAdmitted::OtherCluster { theirs, ours });
        }
        if let Some(reason) = known.ended.get(&node.uid) {
            return Err(NotAdmitted::Ended { node: node.clone(), reason: reason.clone() });
        }
        let is_other = |it: &&Incarnation| it.name == node.name && it.uid != node.uid;
        match known.me.iter().chain(&known.linked).find(is_other) {
            Some(other) => Err(NotAdmitted::DuplicateName { other: other.clone() }),
            None => Ok(()),
        }
    }

    /// The id of the cluster, once it is known.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).cluster
    }

    pub(crate) fn begin(&self, me: Incarnation, cluster: ClusterId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        (known.me, known.cluster) = (Some(me), Some(cluster));
    }

    pub(crate) fn update(&self, members: &[Member], linked: BTreeSet<Incarnation>) {
        let ended = members.iter().filter(|it| !is_present(it.status));
        let ended = ended.map(|it| (it.node.uid, it.reason.clone())).collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        (known.ended, known.linked) = (ended, linked);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use weir_domain::NodeStatus;

    use super::*;
    use crate::testing::{member, uid};

    #[test]
    fn who_ended_or_has_a_taken_name_is_not_let_in() {
        let admission = Admission::default();
        let [me, up, ended] = [NodeStatus::Up, NodeStatus::Up, NodeStatus::Down];
        let members: Vec<_> = (1..).zip([me, up, ended]).map(|(n, it)| member(n, it)).collect();
        let node = |n: usize| members[n - 1].node.clone();
        assert_eq!(admission.admit(&node(3), None), Ok(()));

        let [ours, theirs] = [1, 2].map(|n| ClusterId(Uuid::from_u128(n)));
        admission.begin(node(1), ours);
        admission.update(&members, [node(2)].into());
        assert_eq!(admission.admit(&node(2), Some(ours)), Ok(()));
        let refused = Err(NotAdmitted::OtherCluster { theirs, ours });
        assert_eq!(admission.admit(&node(2), Some(theirs)), refused);
        let refused = Err(NotAdmitted::Ended { node: node(3), reason: String::new() });
        assert_eq!(admission.admit(&node(3), None), refused);
        for other in [node(1), node(2)] {
            let again = Incarnation { name: other.name.clone(), uid: uid(9) };
            assert_eq!(admission.admit(&again, None), Err(NotAdmitted::DuplicateName { other }));
        }
        // A restarted node is let in as soon as its old link is gone.
        admission.update(&members, [].into());
        let again = Incarnation { name: node(2).name, uid: uid(9) };
        assert_eq!(admission.admit(&again, None), Ok(()));
    }
}
