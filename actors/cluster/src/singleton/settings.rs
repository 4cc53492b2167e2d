//! What the leases and their singletons are run with.

use std::time::Duration;

use super::rule::Timing;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingletonSettings {
    /// How long a lease holds without being renewed.
    pub lease_ttl: Duration,
    pub renew_every: Duration,
    /// How much earlier than in the store a lease ends here.
    pub margin: Duration,
    /// How long one statement on a lease may take.
    pub statement_within: Duration,
    /// How often the leases are read.
    pub look_every: Duration,
    /// Whether singletons are spread over the nodes.
    pub spread: bool,
    /// How long a singleton may take to finish what it is doing when it is handed over.
    pub hand_over_within: Duration,
    /// How long the view of the members must not have changed before singletons are moved.
    pub settled_after: Duration,
    /// Requests that may wait for an owner; more are refused at once.
    pub buffer: usize,
    /// How long a request waits for an owner.
    pub buffer_within: Duration,
}

impl Default for SingletonSettings {
    fn default() -> Self {
        Self {
            lease_ttl: Duration::from_secs(6),
            renew_every: Duration::from_secs(2),
            margin: Duration::from_millis(1_500),
            statement_within: Duration::from_millis(1_500),
            look_every: Duration::from_secs(1),
            spread: true,
            hand_over_within: Duration::from_secs(10),
            settled_after: Duration::from_secs(5),
            buffer: 1_000,
            buffer_within: Duration::from_secs(10),
        }
    }
}

impl SingletonSettings {
    pub fn timing(&self) -> Timing {
        Timing {
            ttl: self.lease_ttl,
            renew_every: self.renew_every,
            margin: self.margin,
            settled_after: self.settled_after,
            hand_over_within: self.hand_over_within,
            ..Timing::default()
        }
    }
}
