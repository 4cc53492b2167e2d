//! People whom somebody else knows: what a directory (LDAP) or a provider of log-ins (OpenID Connect) says of
//! them. Whoever speaks with these implements the traits; User Storage knows no protocol.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, RoleName, Timestamp, UserName};
use weir_secrets::Secret;

use super::Profile;

/// Who vouches for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    Ldap,
    Oidc,
}

/// Somebody as they are known there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub name: UserName,
    pub origin: Origin,
    /// What stays with them, and is never another one's.
    pub subject: String,
    pub profile: Profile,
    /// What their groups give them; some of it may not exist here.
    pub roles: BTreeSet<RoleName>,
}

/// Why there is no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// What was brought is wrong. Why is for the log.
    Wrong(String),
    /// It is them, and nothing is open to them. Why is for the log and the audit.
    NotAdmitted(String),
    /// It can't be told now; the fault says why, and what an administrator does.
    Silent(Fault),
    /// Nothing was tried, and nothing is before then.
    TooSoon(Timestamp),
}

/// Whether a password may be tried: whoever guesses waits, however they name the one whose it is.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Asked with the subject that the name leads to before its password is tried, and without one where it leads
    /// to nobody. What it refuses with is the answer.
    async fn may_try(&self, subject: Option<&str>) -> Result<(), Doubt>;
}

/// Knows people and checks their passwords.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Who that is, if it is the right password. It answers within that time. How long it takes must not tell
    /// whether there is anybody of that name.
    async fn check(
        &self,
        name: &str,
        password: (&Secret, &dyn Gate),
        within: Duration,
    ) -> Result<Person, Doubt>;

    /// The same, of somebody who was let in before, as that subject. [`Doubt::Wrong`]: they are not there under that
    /// name any more.
    async fn look_up(
        &self,
        name: &UserName,
        subject: &str,
        within: Duration,
    ) -> Result<Person, Doubt>;

    /// So long is believed what it said.
    fn recheck_every(&self) -> Duration;
}

/// What a log-in at a provider is recognised by when its browser comes back.
#[derive(Debug, Clone)]
pub struct Begun {
    pub state: String,
    pub nonce: String,
    /// Of PKCE: whoever brings the code must have it.
    pub verifier: Secret,
}

/// Lets people log in in their browser.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What people call it.
    fn name(&self) -> &str;

    /// Where the browser is led to.
    async fn begin(&self, begun: &Begun, now: Timestamp) -> Result<String, Doubt>;

    /// Who it is that the provider gave the code for.
    async fn finish(&self, code: &Secret, begun: &Begun, now: Timestamp) -> Result<Person, Doubt>;

    /// Whether browsers come back by TLS: then what they keep meanwhile goes no other way.
    fn is_secure(&self) -> bool;

    fn session_max(&self) -> Duration;

    /// So long after the last log-in the tokens of its users allow something.
    fn token_trust(&self) -> Duration;
}
