//! The strategies.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_domain::{NodeStatus, NodeUid};

use super::broken::superfluous;
use super::{Contest, Decision, Node, Picture, Standing, Strategy, Tie};

/// What one side's members amount to.
struct Sides {
    here: BTreeSet<NodeUid>,
    there: BTreeSet<NodeUid>,
}

/// The fate of this side.
enum Fate {
    GoesOn(String),
    Ends(String),
    Contest { after: Duration, why: String },
}

/// How much longer a side waits that goes on only if those that seem gone are. The others may take
/// that much longer to notice that they are apart: a link falls silent later than it is reset.
const LATER: Duration = Duration::from_secs(6);

/// Decides what happens to a cluster that is not whole.
pub fn decide(strategy: &Strategy, picture: &Picture) -> Decision {
    if picture.standing(Standing::SeemsGone).is_empty() {
        return decide_surely(strategy, picture);
    }
    // By down-all a process that ends is no reason for all to go; here as with any other strategy.
    let strict = match strategy {
        Strategy::DownAll if picture.is_whole() => Decision::Nothing,
        _ => decide_surely(strategy, &picture.taken_as(Standing::Unreachable)),
    };
    match strict {
        Decision::Down { ref nodes, .. } if !nodes.contains(&picture.me) => strict,
        Decision::Nothing
        | Decision::Down { .. }
        | Decision::DownAll { .. }
        | Decision::Contest(_) => {
            later(picture, decide_surely(strategy, &picture.taken_as(Standing::Gone)))
        }
    }
}

/// What goes for a side only if those that seem gone are (B4).
fn later(picture: &Picture, lenient: Decision) -> Decision {
    match lenient {
        Decision::Nothing => Decision::Nothing,
        Decision::DownAll { nodes, why } => Decision::DownAll { nodes, why },
        Decision::Down { nodes, why } if nodes.contains(&picture.me) => {
            Decision::Down { nodes, why }
        }
        Decision::Down { nodes, why } => Decision::Contest(Contest {
            after: LATER,
            win: nodes,
            lose: picture.standing(Standing::Here),
            why,
        }),
        Decision::Contest(it) => Decision::Contest(Contest { after: it.after + LATER, ..it }),
    }
}

/// Decides where nobody is left who only seems gone.
fn decide_surely(strategy: &Strategy, picture: &Picture) -> Decision {
    let lost = picture.lost();
    if picture.is_whole() && lost.is_empty() {
        return Decision::Nothing;
    }
    if picture.is_whole() {
        let why = "the process is gone".to_owned();
        return Decision::Down { nodes: lost, why };
    }
    let here = picture.standing(Standing::Here);
    let there = picture.standing(Standing::Unreachable);
    let gone = picture.standing(Standing::Gone);
    if *strategy == Strategy::DownAll {
        let why = "by down-all nobody goes on when members can't reach each other".to_owned();
        return Decision::DownAll { nodes: &(&here | &there) | &gone, why };
    }
    let superfluous = superfluous(picture);
    let others = &(&there | &gone) | &superfluous;
    match fate(strategy, picture, &there) {
        Fate::GoesOn(why) => Decision::Down { nodes: others, why },
        Fate::Ends(why) => Decision::Down { nodes: here, why },
        Fate::Contest { after, why } => {
            Decision::Contest(Contest { after, win: others, lose: here, why })
        }
    }
}

/// Whether this side would go on if it were decided now, without a contest that it might lose.
pub fn survives(strategy: &Strategy, picture: &Picture) -> bool {
    match decide(strategy, picture) {
        Decision::Nothing => true,
        Decision::Down { nodes, .. } => !nodes.contains(&picture.me),
        Decision::DownAll { .. } | Decision::Contest(_) => false,
    }
}

fn fate(strategy: &Strategy, picture: &Picture, there: &BTreeSet<NodeUid>) -> Fate {
    if there.is_empty() {
        return Fate::GoesOn("members can't reach each other though others reach them".into());
    }
    if !there.iter().any(|uid| picture.nodes.get(uid).is_some_and(is_settled)) {
        return Fate::GoesOn("nobody who has gone up is missing".into());
    }
    let sides = sides(strategy, picture);
    match strategy {
        Strategy::KeepMajority { tie, .. } => keep_majority(*tie, picture, &sides),
        Strategy::StaticQuorum { size, .. } => static_quorum(*size, &sides),
        Strategy::KeepOldest { down_if_alone, .. } => keep_oldest(*down_if_alone, picture, &sides),
        Strategy::LeaseMajority { minority_delay, .. } => lease_majority(*minority_delay, &sides),
        Strategy::DownAll => Fate::Ends("by down-all nobody goes on".into()),
    }
}

fn is_settled(node: &Node) -> bool {
    matches!(node.status, NodeStatus::Up | NodeStatus::Leaving)
}

/// Those who count: members that have gone up and have not ended.
fn sides(strategy: &Strategy, picture: &Picture) -> Sides {
    let counts = |node: &Node| {
        is_settled(node) && strategy.role().is_none_or(|role| node.roles.contains(role))
    };
    let of = |standing| {
        let nodes = picture.nodes.iter().filter(|(_, it)| it.standing == standing && counts(it));
        nodes.map(|(&uid, _)| uid).collect()
    };
    Sides { here: of(Standing::Here), there: of(Standing::Unreachable) }
}

fn keep_majority(tie: Tie, picture: &Picture, sides: &Sides) -> Fate {
    let (here, there) = (sides.here.len(), sides.there.len());
    let why = format!("by keep-majority: {here} members are on this side, {there} on the other");
    match (here.cmp(&there), tie) {
        (std::cmp::Ordering::Greater, _) => Fate::GoesOn(why),
        (std::cmp::Ordering::Less, _) => Fate::Ends(why),
        (std::cmp::Ordering::Equal, Tie::Lease) => Fate::Contest { after: Duration::ZERO, why },
        (std::cmp::Ordering::Equal, Tie::LowestAddress) => match lowest(picture, sides) {
            None => Fate::Contest { after: Duration::ZERO, why },
            Some(it) if sides.here.contains(&it) => Fate::GoesOn(format!("{why}; {LOWEST}")),
            Some(_) => Fate::Ends(format!("{why}; {LOWEST}")),
        },
    }
}

const LOWEST: &str = "the lowest address decides";

fn lowest(picture: &Picture, sides: &Sides) -> Option<NodeUid> {
    let all = &sides.here | &sides.there;
    all.into_iter().min_by_key(|it| (picture.nodes.get(it).map(|node| node.address.clone()), *it))
}

fn static_quorum(size: u32, sides: &Sides) -> Fate {
    let (here, there) = (sides.here.len(), sides.there.len());
    let has_quorum = |count: usize| u32::try_from(count).is_ok_and(|it| it >= size);
    let why = format!("by static-quorum of {size}: {here} members are on this side");
    match (has_quorum(here), has_quorum(there)) {
        (false, _) => Fate::Ends(why),
        (true, false) => Fate::GoesOn(why),
        // The cluster has outgrown the quorum: it may be there twice.
        (true, true) => {
            let why = format!("{why}, and {there}, which is a quorum as well, on the other");
            Fate::Contest { after: Duration::ZERO, why }
        }
    }
}

fn keep_oldest(down_if_alone: bool, picture: &Picture, sides: &Sides) -> Fate {
    let age = |uid: &NodeUid| (picture.nodes.get(uid).map(|it| it.up_number), *uid);
    let Some(oldest) = (&sides.here | &sides.there).into_iter().min_by_key(age) else {
        let why = "by keep-oldest: nobody with the role is a member".to_owned();
        return Fate::Contest { after: Duration::ZERO, why };
    };
    let is_here = sides.here.contains(&oldest);
    let (its, other) = match is_here {
        true => (sides.here.len(), sides.there.len()),
        false => (sides.there.len(), sides.here.len()),
    };
    let is_outvoted = down_if_alone && its == 1 && other > 1;
    let place = if is_here { "this" } else { "the other" };
    let alone = if is_outvoted { ", alone" } else { "" };
    let why = format!("by keep-oldest: the oldest member is on {place} side{alone}");
    if is_here != is_outvoted { Fate::GoesOn(why) } else { Fate::Ends(why) }
}

fn lease_majority(minority_delay: Duration, sides: &Sides) -> Fate {
    let (here, there) = (sides.here.len(), sides.there.len());
    let after = if here < there { minority_delay } else { Duration::ZERO };
    let why = format!("by lease-majority: {here} members are on this side, {there} on the other");
    Fate::Contest { after, why }
}
