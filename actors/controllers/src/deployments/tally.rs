//! What the nodes of a canary have processed, added up. It is lost when the storage moves, and every
//! node tells its count again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use weir_domain::Incarnation;

use super::storage::{Canary, CanaryCounts};

/// Each life of a node counts for itself: what one did before it died is not forgotten.
#[derive(Default)]
pub(super) struct CanaryTally(Mutex<BTreeMap<Incarnation, CanaryCounts>>);

impl CanaryTally {
    /// The sum, with what this node says now.
    pub(super) fn add(&self, node: Incarnation, counts: CanaryCounts) -> CanaryCounts {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same =
            |it: &CanaryCounts| it.tag == counts.tag && it.started_at == counts.started_at;
        // A node that lags behind must not wipe out what others say of a later one.
        if all.values().any(|it| !is_same(it) && it.started_at > counts.started_at) {
            return counts;
        }
        all.retain(|_, it| is_same(it));
        all.insert(node, counts.clone());
        sum(all.values()).unwrap_or(counts)
    }

    /// What was told of this canary; nothing before any node has told.
    pub(super) fn of(&self, canary: &Canary) -> Option<CanaryCounts> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sum(all
            .values()
            .filter(|it| it.tag == canary.plan.tag && it.started_at == canary.started_at))
    }
}

fn sum<'a>(all: impl Iterator<Item = &'a CanaryCounts>) -> Option<CanaryCounts> {
    all.cloned().reduce(|sum, it| CanaryCounts {
        records: sum.records + it.records,
        errors: sum.errors + it.errors,
        ..sum
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weir_domain::{DeploymentTag, Millis, NodeName, NodeUid, Timestamp};

    use super::super::storage::CanaryPlan;
    use super::*;

    #[test]
    fn nodes_and_lives_are_added_up_and_another_canary_begins_anew() {
        let tally = CanaryTally::default();
        let node = |uid: u128| Incarnation {
            name: NodeName::new("n").unwrap(),
            uid: NodeUid(uuid::Uuid::from_u128(uid)),
        };
        let counts = |started_at, records, errors| CanaryCounts {
            tag: DeploymentTag::new("a").unwrap(),
            started_at: Timestamp(started_at),
            records,
            errors,
        };
        assert_eq!(tally.add(node(1), counts(5, 10, 1)), counts(5, 10, 1));
        assert_eq!(tally.add(node(2), counts(5, 20, 0)), counts(5, 30, 1));
        assert_eq!(tally.add(node(1), counts(5, 15, 2)), counts(5, 35, 2));
        assert_eq!(tally.add(node(1), counts(6, 1, 0)), counts(6, 1, 0));
        assert_eq!(tally.add(node(2), counts(5, 99, 9)), counts(5, 99, 9), "of the one before");
        assert_eq!(tally.add(node(2), counts(6, 1, 1)), counts(6, 2, 1));
        let canary = |started_at| Canary {
            plan: CanaryPlan {
                tag: DeploymentTag::new("a").unwrap(),
                nodes: 2,
                candidates: BTreeSet::new(),
                bake: Millis(1),
                errors_per_million_max: 0,
                records_min: 0,
            },
            nodes: BTreeSet::new(),
            started_at: Timestamp(started_at),
            baking_since: None,
        };
        assert_eq!(tally.of(&canary(6)), Some(counts(6, 2, 1)));
        assert_eq!(tally.of(&canary(7)), None, "nobody told of it");
    }
}
