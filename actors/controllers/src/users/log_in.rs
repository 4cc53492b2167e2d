//! Who may log in: a function of the failures so far, and of the time.

use weir_domain::{Timestamp, UserName};
use weir_runtime::Decision;
use weir_secrets::PasswordHash;

use super::{Event, NewSession, Rejection, Users};

/// What is to be done about somebody who gives a password.
#[derive(Debug, Clone, PartialEq)]
pub enum Attempt {
    /// Check it against this hash, which is the user's password with that number.
    Check { hash: PasswordHash, password: u64 },
    /// Don't even look at it.
    Wait(Timestamp),
    /// There is no such user.
    Unknown,
}

impl Users {
    pub fn attempt(&self, name: &UserName, from: &str, now: Timestamp) -> Attempt {
        let Some(user) = self.users.get(name) else { return Attempt::Unknown };
        match user.attempts.wait_until(from, now) {
            Some(until) => Attempt::Wait(until),
            None => match user.password.clone() {
                Some(hash) => Attempt::Check { hash, password: user.password_number },
                // Nobody's password is kept here under that name.
                None => Attempt::Unknown,
            },
        }
    }

    /// The password that somebody else set for the user, and that must be changed.
    pub(super) fn set_by_another(&self, name: &UserName) -> Option<PasswordHash> {
        self.users.get(name).filter(|it| it.must_change)?.password.clone()
    }

    pub(super) fn log_in(&self, session: NewSession, password: u64) -> Decision<Self> {
        self.is_let_in(&session.user, password, (&session.from, session.at))?;
        self.is_id_free(session.id.0)?;
        Ok(vec![Event::LoggedIn { session }])
    }

    /// Whether a password that was checked lets its user in now: meanwhile it may have been changed,
    /// the user disabled, or other log-ins have failed.
    pub(super) fn is_let_in(
        &self,
        name: &UserName,
        password: u64,
        (from, now): (&str, Timestamp),
    ) -> Result<(), Rejection> {
        let user = self.users.get(name).ok_or(Rejection::BadCredentials { is_user: false })?;
        if user.password_number != password {
            return Err(Rejection::BadCredentials { is_user: true });
        }
        if let Some(until) = user.attempts.wait_until(from, now) {
            return Err(Rejection::TryLater(until));
        }
        if user.is_enabled { Ok(()) } else { Err(Rejection::Disabled(name.clone())) }
    }

    pub(super) fn fail_log_in(
        &self,
        user: UserName,
        from: String,
        at: Timestamp,
    ) -> Decision<Self> {
        // One that was deleted meanwhile has nothing to count.
        match self.users.contains_key(&user) {
            true => Ok(vec![Event::LogInFailed { user, from, at }]),
            false => Ok(vec![]),
        }
    }

    pub(super) fn logged_in(&mut self, session: NewSession) {
        let at = session.at;
        // Those that ended by themselves are cleared away here: nothing else grows their number.
        self.sessions.retain(|_, it| at < it.expires_at);
        let user = self.stored(&session.user);
        user.attempts.succeed(&session.from, at);
        user.logged_in_at = Some(at);
        self.sessions.insert(session.id, session.into());
    }
}
