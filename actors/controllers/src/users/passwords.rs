//! Checking and hashing passwords, which costs memory and time on purpose.
//!
//! Invariants:
//! - W1: a password whose check began is checked to the end, and counted if it is wrong, whoever
//!   still waits for the answer: who hangs up guesses nothing for free.
//! - W2: those who log in, those who set the cluster up, and those who are known and change a
//!   password stand in lines of their own: none can take the turns of the others.
//! - W3: an unknown user costs the same as a wrong password, and the answer does not wait for the
//!   failure to be written: how long it takes tells neither.
//! - W4: who is known to somebody (the address was good lately, or what is shown proves a user) stands in a
//!   line apart from the rest of the world, and no address has more than its share of either.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::poll;
use tokio::sync::oneshot;
use weir_cluster::Unavailable;
use weir_domain::{Timestamp, UserName};
use weir_runtime::{HostRef, System};
use weir_secrets::{PasswordHash, Secret};

use super::attempts::network;
use super::neighbours::Neighbours;
use super::strangers::Strangers;
use super::{Attempt, Command, Rejection, Response, Users};
use crate::instance::RECOVER_WITHIN;
use crate::line::{Line, Turn};

/// Names that nobody has, and that are remembered.
const STRANGERS_MAX: usize = 1_000;
/// The task that hashes a password.
const PASSWORD: &str = "users/password";
/// Each check takes 19 MiB.
const CHECKS_AT_ONCE: usize = 2;
const CHECKS_WAITING_MAX: usize = 32;
/// Of them, from one address.
const SHARE_MAX: usize = 8;
/// Set-ups that bring the right secret, and passwords that known users set.
const OTHERS_AT_ONCE: usize = 1;
const OTHERS_WAITING_MAX: usize = 8;
const LENGTH_MIN: usize = 12;
const LENGTH_MAX: usize = 1_024;

type Stop = crate::answer::Stop<Response>;

pub(super) struct Passwords {
    system: System,
    host: HostRef<Users>,
    /// Checked in place of a user's that there is not.
    decoy: PasswordHash,
    strangers: Arc<Strangers>,
    /// Where somebody logged in from lately.
    neighbours: Neighbours,
    /// Those of people who are known, and all others.
    known: Line,
    checks: Line,
    set_ups: Line,
    changes: Line,
}

/// Why a password is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    SetUp,
    Change,
}

impl Passwords {
    pub(super) fn new(
        system: System,
        host: HostRef<Users>,
        decoy: PasswordHash,
        neighbours: Neighbours,
    ) -> Self {
        let checks = || Line::new(CHECKS_AT_ONCE, CHECKS_WAITING_MAX);
        let others = || Line::new(OTHERS_AT_ONCE, OTHERS_WAITING_MAX);
        Self {
            system,
            host,
            decoy,
            strangers: Arc::new(Strangers::new(STRANGERS_MAX)),
            neighbours,
            known: checks(),
            checks: checks(),
            set_ups: others(),
            changes: others(),
        }
    }

    /// Checks a password and counts it if it is wrong; gives the number of the one it is. `is_proven`: who
    /// brings it has shown to be a user.
    pub(super) async fn check(
        &self,
        (user, from): (&UserName, &str),
        (password, is_proven): (Secret, bool),
        within: Duration,
    ) -> Result<u64, Stop> {
        let line = match self.is_known(from, is_proven) {
            true => &self.known,
            false => &self.checks,
        };
        let turn = line.turn_of(network(from), SHARE_MAX, within).await?;
        // Asked only now: those that were checked before this one are counted.
        let (hash, number) = self.to_check((user, from), within).await?;
        let (tell, told) = oneshot::channel();
        let wrong = self.wrong((user, from), number.is_some());
        let (system, may_be_right) = (self.system.clone(), number.is_some());
        self.system.tasks().spawn("users/check", async move {
            let is_right: Result<bool, Stop> = spent(&turn, &system, hash, password).await;
            let is_wrong = matches!(is_right, Ok(is_right) if !(is_right && may_be_right));
            let mut counted = pin!(wrong.count(is_wrong));
            // It is on its way before the next attempt can be.
            let is_counted = poll!(&mut counted).is_ready();
            // An error only says that nobody waits any more.
            let _ = tell.send(is_right);
            if !is_counted {
                counted.await;
            }
            drop(turn);
        });
        let lost = |_| Stop::Unavailable(Unavailable::new("the check of a password was cut off"));
        let is_right = told.await.map_err(lost)??;
        let is_user = number.is_some();
        number.filter(|_| is_right).ok_or_else(|| Rejection::BadCredentials { is_user }.into())
    }

    /// Until when nobody is tried from there under a name that nobody has.
    pub(super) fn stranger_waits(
        &self,
        name: &UserName,
        from: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.strangers.wait_until(name.as_str(), from, now)
    }

    pub(super) fn is_known(&self, from: &str, is_proven: bool) -> bool {
        is_proven || self.neighbours.knows(from, self.system.now())
    }

    pub(super) fn let_in(&self, from: &str, at: Timestamp) {
        self.neighbours.note(from, at);
    }

    /// The hash to check against, and the number of the password that it is of.
    async fn to_check(
        &self,
        (user, from): (&UserName, &str),
        within: Duration,
    ) -> Result<(PasswordHash, Option<u64>), Stop> {
        let now = self.system.now();
        let asked = (user.clone(), from.to_owned());
        let read = move |it: &Users| it.attempt(&asked.0, &asked.1, now);
        match self.host.query(within, read).await? {
            Attempt::Wait(until) => Err(Rejection::TryLater(until).into()),
            Attempt::Check { hash, password } => Ok((hash, Some(password))),
            Attempt::Unknown => match self.strangers.wait_until(user.as_str(), from, now) {
                Some(until) => Err(Rejection::TryLater(until).into()),
                None => Ok((self.decoy.clone(), None)),
            },
        }
    }

    pub(super) fn wrong(&self, (user, from): (&UserName, &str), is_user: bool) -> Wrong {
        let (system, host) = (self.system.clone(), self.host.clone());
        let strangers = self.strangers.clone();
        Wrong { system, host, strangers, user: user.clone(), from: from.to_owned(), is_user }
    }

    /// Whether the password that somebody else set for the user is that one; `None` if the user has a
    /// password of their own by now: that is nobody's to compare with.
    pub(super) async fn is_still(
        &self,
        user: &UserName,
        (password, within): (Secret, Duration),
    ) -> Result<Option<bool>, Stop> {
        let user = user.clone();
        let set = self.host.query(within, move |it: &Users| it.set_by_another(&user)).await?;
        let Some(hash) = set else { return Ok(None) };
        let turn = self.changes.turn(within).await?;
        spent(&turn, &self.system, hash, password).await.map(Some)
    }

    pub(super) async fn hash(
        &self,
        why: For,
        user: &UserName,
        (password, within): (Secret, Duration),
    ) -> Result<PasswordHash, Stop> {
        is_good(&password, user).map_err(Rejection::BadPassword)?;
        let line = match why {
            For::SetUp => &self.set_ups,
            For::Change => &self.changes,
        };
        let turn = line.turn(within).await?;
        turn.spend(&self.system, PASSWORD, move || PasswordHash::of(&password)).await
    }
}

async fn spent(
    turn: &Turn,
    system: &System,
    hash: PasswordHash,
    password: Secret,
) -> Result<bool, Stop> {
    turn.spend(system, PASSWORD, move || hash.is_of(&password)).await
}

/// Counts a password that was wrong.
pub(super) struct Wrong {
    system: System,
    host: HostRef<Users>,
    strangers: Arc<Strangers>,
    user: UserName,
    from: String,
    is_user: bool,
}

impl Wrong {
    /// The same of a user.
    pub(super) fn of(self, user: UserName) -> Self {
        Self { user, is_user: true, ..self }
    }

    pub(super) async fn count(self, is_wrong: bool) {
        let Self { system, host, strangers, user, from, is_user } = self;
        let at = system.now();
        match is_user {
            _ if !is_wrong => {}
            false => strangers.fail(user.as_str(), &from, at),
            true => {
                // Under no command id: what was asked was not carried out. While it can't be
                // written, nobody can log in either.
                let _ = host.ask(Command::FailLogIn { user, from, at }, RECOVER_WITHIN).await;
            }
        }
    }
}

/// Length is what counts; what else a password must have makes people write it down.
fn is_good(password: &Secret, user: &UserName) -> Result<(), String> {
    let Some(text) = password.expose_text() else { return Err("must be text".into()) };
    let length = text.chars().count();
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
        return Err(format!("has {length} characters, and must have {LENGTH_MIN} to {LENGTH_MAX}"));
    }
    match text.to_lowercase().contains(&user.as_str().to_lowercase()) && length < 2 * LENGTH_MIN {
        true => Err("contains the name of the user: choose another one".into()),
        false => Ok(()),
    }
}
