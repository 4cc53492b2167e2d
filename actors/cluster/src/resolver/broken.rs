//! Indirectly connected members: two that can't reach each other, while a third reaches both.
//!
//! They can't work together, but they are no two sides either. As few as possible have to go, so
//! that all who stay reach each other; every node that sees the same picture finds the same ones.

use std::collections::BTreeSet;

use weir_domain::NodeUid;

use super::Picture;

/// Those who go. Ends with the last pair, since each round takes at least one.
pub(super) fn superfluous(picture: &Picture) -> BTreeSet<NodeUid> {
    let mut pairs = picture.broken.clone();
    let mut taken = BTreeSet::new();
    while let Some(worst) = worst(picture, &pairs) {
        pairs.retain(|&(a, b)| a != worst && b != worst);
        taken.insert(worst);
    }
    taken
}

/// Whoever is cut off from most others; of those the youngest.
fn worst(picture: &Picture, pairs: &BTreeSet<(NodeUid, NodeUid)>) -> Option<NodeUid> {
    let ends: BTreeSet<NodeUid> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    ends.into_iter().max_by_key(|&uid| {
        let lost: BTreeSet<NodeUid> = pairs.iter().filter_map(|&pair| other(pair, uid)).collect();
        (lost.len(), picture.nodes.get(&uid).map(|it| it.up_number), uid)
    })
}

fn other((a, b): (NodeUid, NodeUid), uid: NodeUid) -> Option<NodeUid> {
    match uid {
        it if it == a => Some(b),
        it if it == b => Some(a),
        _ => None,
    }
}
