//! What the nodes of a canary told of what they have processed. It is lost when the storage moves, and every node that
//! lives tells its count again; of those that died the storage has noted it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use weir_domain::Incarnation;

use super::storage::{Canary, CanaryCounts, CanaryTold, Processed};

/// Each life of a node counts for itself: what one did before it died is not forgotten.
#[derive(Default)]
pub(super) struct CanaryTally(Mutex<Option<CanaryTold>>);

impl CanaryTally {
    /// All that was told of that canary, with what this node says now.
    pub(super) fn add(&self, node: Incarnation, counts: CanaryCounts) -> CanaryTold {
        let CanaryCounts { tag, started_at, records, errors } = counts;
        let processed = Processed { records, errors };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            Some(it) if it.tag == tag && it.started_at == started_at => {
                it.by.insert(node, processed);
                it.clone()
            }
            // A node that lags behind must not wipe out what others say of a later one.
            Some(it) if it.started_at > started_at => {
                CanaryTold { tag, started_at, by: [(node, processed)].into() }
            }
            _ => {
                known.insert(CanaryTold { tag, started_at, by: [(node, processed)].into() }).clone()
            }
        }
    }

    /// What is known of this canary; nothing before any node has told.
    pub(super) fn of(&self, canary: &Canary) -> Option<Processed> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of =
            |it: &&CanaryTold| it.tag == canary.plan.tag && it.started_at == canary.started_at;
        let told = known.as_ref().filter(is_of);
        let is_silent = told.is_none() && canary.noted.is_empty();
        (!is_silent).then(|| canary.processed(told.map_or(&BTreeMap::new(), |it| &it.by)))
    }
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
        let canary = |started_at, noted| Canary {
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
            noted,
        };
        let sum = |told: CanaryTold| {
            let Processed { records, errors } =
                canary(told.started_at.0, BTreeMap::new()).processed(&told.by);
            (records, errors)
        };
        assert_eq!(sum(tally.add(node(1), counts(5, 10, 1))), (10, 1));
        assert_eq!(sum(tally.add(node(2), counts(5, 20, 0))), (30, 1));
        assert_eq!(sum(tally.add(node(1), counts(5, 15, 2))), (35, 2));
        assert_eq!(sum(tally.add(node(1), counts(6, 1, 0))), (1, 0));
        assert_eq!(sum(tally.add(node(2), counts(5, 99, 9))), (99, 9), "of the one before");
        assert_eq!(sum(tally.add(node(2), counts(6, 1, 1))), (2, 1));
        let none = BTreeMap::new;
        let of = |it: &Canary| tally.of(it).map(|it| (it.records, it.errors));
        assert_eq!(of(&canary(6, none())), Some((2, 1)));
        assert_eq!(of(&canary(7, none())), None, "nobody told of it");
        // Of a life that ended before this tally began, and of one that goes on.
        let noted: BTreeMap<_, _> =
            [3, 2].map(|it| (node(it), Processed { records: 40, errors: 4 })).into();
        assert_eq!(of(&canary(6, noted.clone())), Some((42, 5)));
        assert_eq!(of(&canary(7, noted)), Some((80, 8)));
    }
}
