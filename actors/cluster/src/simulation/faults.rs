//! What goes wrong, drawn from the seed.

use rand::Rng;
use rand::rngs::SmallRng;

use super::store::Millis;

/// Something that begins, and mostly ends again.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// Silence between two groups; the bits say who is in the first.
    Partition(u32),
    /// The same, by a firewall that refuses connections in the hosts' names.
    Reject(u32),
    /// One node has neither the others nor the store: its cable is out.
    Isolate(usize),
    /// Silence between two nodes.
    Link(usize, usize),
    /// One hears the other no more, but not the other way round.
    OneWay(usize, usize),
    Pause(usize),
    Kill(usize),
    /// The machine is gone, and nothing tells.
    Crash(usize),
    /// It leaves in order and comes back.
    Leave(usize),
    /// The store answers nobody.
    Outage,
    /// The store does not answer one node.
    CutOff(usize),
    /// The store answers late.
    Slow,
    /// Some of what is sent is lost.
    Loss,
}

impl Fault {
    /// Whether nobody may lose his membership by it.
    pub(super) fn is_harmless(&self, length: Millis) -> bool {
        match self {
            Self::Outage | Self::Slow | Self::CutOff(_) => true,
            Self::Pause(_) => length <= 1_500,
            Self::Partition(_)
            | Self::Reject(_)
            | Self::Isolate(_)
            | Self::Link(..)
            | Self::OneWay(..)
            | Self::Kill(_)
            | Self::Crash(_)
            | Self::Leave(_)
            | Self::Loss => false,
        }
    }
}

/// A fault and its time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Planned {
    pub(super) at: Millis,
    pub(super) until: Millis,
    pub(super) fault: Fault,
}

pub(super) fn plan(random: &mut SmallRng, nodes: usize) -> Vec<Planned> {
    let count = random.random_range(1..=4);
    (0..count).map(|_| one(random, nodes)).collect()
}

fn one(random: &mut SmallRng, nodes: usize) -> Planned {
    let at = random.random_range(0..20_000);
    let node = random.random_range(0..nodes);
    let other = (node + random.random_range(1..nodes.max(2))) % nodes;
    let length = match random.random_range(0..10) {
        0..3 => random.random_range(100..3_000),
        3..8 => random.random_range(1_000..15_000),
        _ => random.random_range(10_000..60_000),
    };
    let fault = match random.random_range(0..20) {
        16 | 17 => Fault::Isolate(node),
        18 | 19 => Fault::Reject(random.random_range(1..1 << nodes)),
        0..4 => Fault::Partition(random.random_range(1..1 << nodes)),
        4 => Fault::Link(node, other),
        5 => Fault::OneWay(node, other),
        6..8 => Fault::Pause(node),
        8..10 => Fault::Kill(node),
        10 => Fault::Crash(node),
        11 => Fault::Leave(node),
        12 => Fault::Outage,
        13 => Fault::CutOff(node),
        14 => Fault::Slow,
        _ => Fault::Loss,
    };
    // A cluster that loses a third of everything for long may rightly give up.
    let length = if fault == Fault::Loss { length.min(8_000) } else { length };
    Planned { at, until: at + length, fault }
}
