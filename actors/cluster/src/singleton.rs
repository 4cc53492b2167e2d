//! Fenced singletons: each is at most one *writer*, always, and one *instance*, nearly always.
//!
//! A lease in the store says who may write, and the store checks it with every write. So taking a
//! lease early is safe, and the keepers here only see to it that somebody has it soon, and that
//! whoever lost it stops.
//!
//! Invariants:
//! - L1: an instance runs here only under a lease that was granted to this incarnation.
//! - L2: past the local deadline of its lease an instance begins nothing, until a renewal says
//!   that the lease is still this node's. It then goes on without recovery.
//! - L3: a lease is taken from its holder only if that has been proven to be gone, is no member any
//!   more, or can't be reached by a side that would survive; otherwise it is waited for.
//! - L4: a request is answered once or refused with a reason, and none waits without a bound.
//! - L5: hints between nodes save time; what they say is true only once the store agrees.
//!
//! The rules are pure (`rule`, `place`): time, the members and the rows arrive as values. A keeper
//! per singleton carries them out; nothing in it waits for the store, for an instance, or a peer.

mod announce;
pub mod code;
mod declined;
mod epochs;
mod facts;
mod keeper;
mod links;
mod peers;
mod place;
mod proxy;
mod rule;
mod serving;
mod settings;
mod shared;
mod singletons;
mod stage;
mod status;
mod table;
mod watcher;
mod wire;

#[cfg(test)]
mod tests;

pub use epochs::{ReceiverEpochs, StaleEpoch};
pub use facts::{Facts, Fate};
pub use peers::{Form, NotServed, PeerError, Peers, Serve};
pub use place::{Placing, place};
pub use proxy::{Proxy, ProxyError, Why};
pub use rule::{Action, Report, Rule, Sight, State, Timing, Way, may_force};
pub use settings::SingletonSettings;
pub use singletons::{MoveError, Singletons};
pub use status::{LeaseStatus, SingletonEvent};
pub use table::{Owner, Owners, Row};
