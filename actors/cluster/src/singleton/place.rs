//! Placement: on which node each singleton should be. A pure function that every node computes for
//! itself, and all alike where they see the same members and leases.

use std::collections::BTreeMap;

use weir_domain::{Incarnation, NodeName, NodeUid};
use weir_persistence_api::LeaseName;

/// What placement depends on, and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Placing<'a> {
    /// All singletons. Their order says who is placed first.
    pub singletons: Vec<&'a LeaseName>,
    /// The nodes that may have singletons, oldest first.
    pub nodes: Vec<&'a Incarnation>,
    /// Who has which lease now. Holders that are no `nodes` count as none.
    pub holders: BTreeMap<&'a LeaseName, NodeUid>,
    /// Where administrators want a singleton. A node that is not among `nodes` is no obstacle: the
    /// singleton is placed as if it were not pinned.
    pub pins: BTreeMap<&'a LeaseName, &'a NodeName>,
    /// Whether singletons are spread over the nodes. Otherwise the oldest gets those that are free.
    pub spread: bool,
}

/// The node that each singleton should be on; none where there are no nodes.
///
/// Pins win. Holders keep what they have, unless that is more than their share, `ceil(S / N)`.
/// What is free goes to the node with the least, the oldest of several.
pub fn place(placing: &Placing<'_>) -> BTreeMap<LeaseName, NodeUid> {
    let mut placed = Placed::new(placing);
    let pinned = |name| {
        let pin = placing.pins.get(name)?;
        placing.nodes.iter().find(|it| it.name == **pin).map(|it| it.uid)
    };
    let (fixed, movable): (Vec<_>, Vec<_>) =
        placing.singletons.iter().map(|&name| (name, pinned(name))).partition(|it| it.1.is_some());
    for (name, node) in fixed {
        if let Some(node) = node {
            placed.put(name, node);
        }
    }
    let share = match placing.spread {
        true => placing.singletons.len().div_ceil(placing.nodes.len().max(1)),
        false => usize::MAX,
    };
    let mut free = Vec::new();
    for (name, _) in movable {
        match placing.holders.get(name) {
            Some(&holder) if placed.load(holder).is_some_and(|it| it < share) => {
                placed.put(name, holder);
            }
            Some(_) | None => free.push(name),
        }
    }
    for name in free {
        if let Some(node) = placed.least_loaded(placing.spread) {
            placed.put(name, node);
        }
    }
    placed.by_name
}

struct Placed {
    /// By age, oldest first.
    loads: Vec<(NodeUid, usize)>,
    by_name: BTreeMap<LeaseName, NodeUid>,
}

impl Placed {
    fn new(placing: &Placing<'_>) -> Self {
        let loads = placing.nodes.iter().map(|it| (it.uid, 0)).collect();
        Self { loads, by_name: BTreeMap::new() }
    }

    fn load(&self, node: NodeUid) -> Option<usize> {
        self.loads.iter().find(|it| it.0 == node).map(|it| it.1)
    }

    fn put(&mut self, name: &LeaseName, node: NodeUid) {
        if let Some(load) = self.loads.iter_mut().find(|it| it.0 == node) {
            load.1 += 1;
        }
        self.by_name.insert(name.clone(), node);
    }

    fn least_loaded(&self, spread: bool) -> Option<NodeUid> {
        let load = |it: &&(NodeUid, usize)| if spread { it.1 } else { 0 };
        // The first of several with the least is the oldest.
        self.loads.iter().min_by_key(load).map(|it| it.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{member, uid};
    use weir_domain::NodeStatus;

    fn nodes(n: u8) -> Vec<Incarnation> {
        (1..=n).map(|it| member(it, NodeStatus::Up).node).collect()
    }

    fn names(n: usize) -> Vec<LeaseName> {
        (0..n).map(|it| LeaseName(format!("s{it}"))).collect()
    }

    /// Where each is placed, as numbers of nodes, given its holder (0: nobody) and pin.
    fn check(nodes_max: u8, held: &[u8], pins: &[(usize, u8)], spread: bool, expected: &[u8]) {
        let (nodes, names) = (nodes(nodes_max), names(held.len()));
        let everybody = self::nodes(9);
        let held = names.iter().zip(held).filter(|(_, it)| **it != 0);
        let placing = Placing {
            singletons: names.iter().collect(),
            nodes: nodes.iter().collect(),
            holders: held.map(|(name, &it)| (name, uid(it))).collect(),
            pins: pins.iter().map(|&(s, n)| (&names[s], &everybody[n as usize - 1].name)).collect(),
            spread,
        };
        let placed = place(&placing);
        let expected: Vec<_> =
            names.iter().cloned().zip(expected.iter().map(|&it| uid(it))).collect();
        assert_eq!(placed.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn free_singletons_are_spread_oldest_first() {
        check(3, &[0, 0, 0, 0], &[], true, &[1, 2, 3, 1]);
        check(3, &[0, 0, 0, 0], &[], false, &[1, 1, 1, 1]);
    }

    #[test]
    fn holders_keep_their_share_and_give_the_rest_away() {
        check(2, &[2, 2, 1], &[], true, &[2, 2, 1]);
        check(3, &[1, 1, 1], &[], true, &[1, 2, 3]);
        check(3, &[1, 1, 1], &[], false, &[1, 1, 1]);
    }

    #[test]
    fn what_a_lost_node_had_goes_to_those_with_the_least() {
        check(2, &[1, 3, 3, 2], &[], true, &[1, 1, 2, 2]);
    }

    #[test]
    fn pins_win_and_count_as_load_while_their_node_may_have_singletons() {
        check(3, &[1, 2, 3], &[(0, 3)], true, &[3, 2, 1]);
        check(2, &[1, 2], &[(0, 7)], true, &[1, 2]);
    }

    #[test]
    fn without_nodes_nothing_is_placed() {
        check(0, &[1, 2], &[], true, &[]);
    }

    proptest! {
        /// The result is balanced, and stable: placing again what was placed moves nothing.
        #[test]
        fn placement_is_balanced_and_stable(n in 1_u8..7, held in prop::collection::vec(0_u8..9, 0..12)) {
            let (nodes, names) = (nodes(n), names(held.len()));
            let holders = names.iter().zip(&held).filter(|(_, it)| **it != 0);
            let mut placing = Placing {
                singletons: names.iter().collect(),
                nodes: nodes.iter().collect(),
                holders: holders.map(|(name, &it)| (name, uid(it))).collect(),
                pins: BTreeMap::new(),
                spread: true,
            };
            let placed = place(&placing);
            let share = names.len().div_ceil(nodes.len());
            for node in &nodes {
                let load = placed.values().filter(|it| **it == node.uid).count();
                prop_assert!(load <= share);
            }
            placing.holders = placed.iter().map(|(name, &it)| (name, it)).collect();
            prop_assert_eq!(place(&placing), placed);
        }
    }
}
