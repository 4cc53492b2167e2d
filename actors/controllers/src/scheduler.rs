//! The Scheduler Master: which workflows run, how many instances of each, and on which nodes.

mod placement;

pub use placement::{Situation, explain, place, rebalance};
