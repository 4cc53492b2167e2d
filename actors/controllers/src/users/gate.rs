//! What stands between a directory that found somebody and their password: whoever guesses waits.
//!
//! - Counted is whom the directory found: as the user that they are here, or by subject while they are none.
//! - Beside that the name counts as it was written, and the address: names that nobody has are treated alike.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use weir_domain::{Timestamp, UserName};
use weir_runtime::{HostRef, System};

use super::guesses::Guesses;
use super::passwords::Wrong;
use super::vouching::unasked;
use super::{Doubt, Gate, Users};

/// Of one password.
pub(super) struct Guessed {
    system: System,
    host: HostRef<Users>,
    guesses: Arc<Guesses>,
    from: String,
    within: Duration,
    found: Mutex<Found>,
}

/// Whom the name led to.
#[derive(Clone, Default)]
struct Found {
    subject: Option<String>,
    user: Option<UserName>,
}

impl Guessed {
    pub(super) fn new(
        (system, host): (System, HostRef<Users>),
        guesses: Arc<Guesses>,
        from: &str,
        within: Duration,
    ) -> Self {
        Self { system, host, guesses, from: from.to_owned(), within, found: Mutex::default() }
    }

    /// The user whom the directory found.
    pub(super) fn user(&self) -> Option<UserName> {
        self.found().user.clone()
    }

    /// Counts a password that is wrong; `named`: under the name as it was written.
    pub(super) async fn count(&self, named: Wrong) {
        let (at, from) = (self.system.now(), self.from.as_str());
        self.guesses.address_fails(from, at);
        let Found { subject, user } = self.found().clone();
        match (subject, user) {
            (_, Some(user)) => named.of(user).count(true).await,
            (Some(subject), None) => {
                self.guesses.person_fails(&subject, from, at);
                named.count(true).await;
            }
            (None, None) => named.count(true).await,
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Gate for Guessed {
    async fn may_try(&self, subject: Option<&str>) -> Result<(), Doubt> {
        let now = self.system.now();
        let (asked, from) = (subject.unwrap_or_default().to_owned(), self.from.clone());
        // Of nobody too: how long it takes must not tell.
        let read = move |it: &Users| it.subject_waits(&asked, &from, now);
        let known = self.host.query(self.within, read).await.map_err(|_| unasked())?;
        let known = known.filter(|_| subject.is_some());
        let until = match (&known, subject) {
            (Some(it), _) => it.until,
            (None, Some(it)) => self.guesses.person_waits(it, &self.from, now),
            (None, None) => None,
        };
        let is_at_home = known.as_ref().is_some_and(|it| it.is_at_home);
        let of_address = self.guesses.address_waits(&self.from, now).filter(|_| !is_at_home);
        *self.found() =
            Found { subject: subject.map(str::to_owned), user: known.map(|it| it.name) };
        until.max(of_address).map_or(Ok(()), |until| Err(Doubt::TooSoon(until)))
    }
}

/// A user whom the directory vouches for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) name: UserName,
    pub(super) until: Option<Timestamp>,
    /// They have logged in from there.
    pub(super) is_at_home: bool,
}
