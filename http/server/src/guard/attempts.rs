//! Log-ins that failed, for the audit: anybody can cause them, so that not each is an entry.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_domain::UserName;

use crate::throttle::Throttle;

/// The first one of a user is an entry; those after it are counted for so long.
const QUIET: Duration = Duration::from_secs(15 * 60);
/// Names come here that users have: there are not so many.
const USERS_MAX: usize = 10_000;

/// By user, of this engine.
#[derive(Default)]
pub(super) struct Attempts(Mutex<BTreeMap<UserName, Throttle>>);

impl Attempts {
    /// Whether this one is to be an entry, with how many were none since the last.
    pub(super) fn pass(&self, user: UserName) -> Option<u64> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= USERS_MAX && !users.contains_key(&user) {
            return None;
        }
        users.entry(user).or_insert_with(|| Throttle::after(QUIET)).pass()
    }
}
