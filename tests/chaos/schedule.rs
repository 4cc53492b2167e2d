//! Which faults happen in a round: a function of the seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Nodes by their position.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    Kill(usize),
    Pause(usize),
    /// A service manager restarts it in good order.
    Restart(usize),
    /// These against the others; all reach the database.
    Partition(Vec<usize>),
    /// What the first sends does not arrive at the second.
    OneWay(usize, usize),
    /// It reaches its peers and not the database.
    Blind(usize),
    /// So many of a hundred packets between all hosts are lost.
    Loss(u8),
    DatabaseFrozen,
    DatabaseKilled,
}

/// A fault, and how long it lasts before the next one comes or all are undone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) fault: Fault,
    pub(super) lasts: Duration,
}

/// The steps of a round; each round of a seed has its own.
pub(super) fn round(seed: u64, round: u64, nodes: usize) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed ^ (round << 32));
    let count = random.random_range(1..=3);
    (0..count).map(|_| step(&mut random, nodes)).collect()
}

fn step(random: &mut StdRng, nodes: usize) -> Step {
    let node = random.random_range(0..nodes);
    let other = (node + random.random_range(1..nodes)) % nodes;
    let fault = match random.random_range(0..10) {
        0..=1 => Fault::Kill(node),
        2 => Fault::Pause(node),
        3 => Fault::Restart(node),
        4..=5 => Fault::Partition(vec![node]),
        6 => Fault::OneWay(node, other),
        7 => Fault::Blind(node),
        8 if random.random() => Fault::DatabaseKilled,
        8 => Fault::DatabaseFrozen,
        _ => Fault::Loss(random.random_range(5..=30)),
    };
    // From less than anybody notices to more than any deadline of a cluster.
    let lasts = match random.random_range(0..4) {
        0 => random.random_range(50..1_000),
        1..=2 => random.random_range(1_000..6_000),
        _ => random.random_range(6_000..14_000),
    };
    Step { fault, lasts: Duration::from_millis(lasts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_the_same_rounds_every_time_and_rounds_differ() {
        assert_eq!(round(7, 3, 3), round(7, 3, 3));
        let all: Vec<_> = (0..200).map(|it| round(7, it, 3)).collect();
        assert!(all.iter().all(|it| (1..=3).contains(&it.len())));
        assert!(all.windows(2).any(|it| it[0] != it[1]));
        let has = |wanted: fn(&Fault) -> bool| all.iter().flatten().any(|it| wanted(&it.fault));
        assert!(has(|it| matches!(it, Fault::Kill(_))) && has(|it| matches!(it, Fault::Loss(_))));
        assert!(has(|it| matches!(it, Fault::OneWay(from, to) if from != to)));
    }
}
