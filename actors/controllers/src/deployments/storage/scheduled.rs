//! The scheduler settings that a deployment brings: they are to hold once it is the default, and once
//! for each time that it is made that. What an operator sets later stays.
//!
//! It is owed until the scheduler has answered, and the scheduler knows by the activation's number
//! what it has done: so a fail-over of either in between does it neither twice nor never.

use weir_domain::Digest;

use super::{Fact, Storage};

impl Storage {
    /// The activation whose settings the scheduler does not have yet, and the deployment.
    pub fn unscheduled(&self) -> Option<(u64, Digest)> {
        let activation = self.unscheduled?;
        let stored = self.by_tag.get(&self.default_tag())?;
        Some((activation, stored.deployment.digest))
    }

    pub(super) fn scheduled(&self, activation: u64, refusal: Option<String>) -> Vec<Fact> {
        match self.unscheduled == Some(activation) {
            true => vec![Fact::Scheduled { activation, refusal }],
            // It is about another activation by now.
            false => vec![],
        }
    }
}
