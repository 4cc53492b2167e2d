//! A user: as stored, and as shown.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_domain::{RoleName, Timestamp, UserName};
use weir_secrets::PasswordHash;

use super::{Attempts, External, Failures, NewPassword};
use crate::text::is_short;
use crate::{Author, TooLong};

/// What users say about themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub description: String,
}

impl Profile {
    pub(super) fn is_short(&self) -> Result<(), TooLong> {
        is_short("first name", &self.first_name)?;
        is_short("last name", &self.last_name)?;
        is_short("email", &self.email)?;
        is_short("description", &self.description)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewUser {
    pub name: UserName,
    pub profile: Profile,
    pub roles: BTreeSet<RoleName>,
    pub password: NewPassword,
}

/// What is given is changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserChange {
    pub is_enabled: Option<bool>,
    pub profile: Option<Profile>,
    pub roles: Option<BTreeSet<RoleName>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub is_enabled: bool,
    pub profile: Profile,
    pub roles: BTreeSet<RoleName>,
    pub must_change: bool,
    pub password_at: Timestamp,
    pub created: Author,
    pub revision: u64,
    pub logged_in_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) attempts: Attempts,
    /// None: it is not kept here.
    pub(super) password: Option<PasswordHash>,
    /// Grows with every password: one that was checked may have been changed meanwhile.
    pub(super) password_number: u64,
    /// Who vouches for users that are not of here.
    #[serde(default)]
    pub(super) external: Option<External>,
}

impl User {
    pub(super) fn new(user: NewUser, created: Author) -> Self {
        Self {
            is_enabled: true,
            profile: user.profile,
            roles: user.roles,
            must_change: user.password.must_change,
            password_at: created.at,
            created,
            revision: 1,
            logged_in_at: None,
            attempts: Attempts::default(),
            password: Some(user.password.hash),
            password_number: 1,
            external: None,
        }
    }

    pub(super) fn change(&mut self, change: UserChange) {
        self.is_enabled = change.is_enabled.unwrap_or(self.is_enabled);
        self.profile = change.profile.unwrap_or_else(|| self.profile.clone());
        self.roles = change.roles.unwrap_or_else(|| self.roles.clone());
        self.revision += 1;
    }

    pub(super) fn set_password(&mut self, password: NewPassword, at: Timestamp) {
        self.password = Some(password.hash);
        self.must_change = password.must_change;
        self.password_at = at;
        self.password_number += 1;
        self.attempts = Attempts::default();
        self.revision += 1;
    }

    pub(super) fn would_change(&self, change: &UserChange) -> bool {
        change.is_enabled.is_some_and(|it| it != self.is_enabled)
            || change.profile.as_ref().is_some_and(|it| *it != self.profile)
            || change.roles.as_ref().is_some_and(|it| *it != self.roles)
    }
}

/// What may be shown of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    pub name: UserName,
    pub is_enabled: bool,
    pub profile: Profile,
    pub roles: BTreeSet<RoleName>,
    pub must_change: bool,
    pub password_at: Timestamp,
    pub created: Author,
    pub revision: u64,
    pub logged_in_at: Option<Timestamp>,
    pub failures: Failures,
    /// None: it is a local user.
    #[serde(default)]
    pub external: Option<External>,
}

impl super::Users {
    /// Where users have logged in from, and when last.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let known = self.users.values().flat_map(|it| it.attempts.known());
        known.map(|(from, at)| (from.as_str(), at))
    }

    /// All users, by name.
    pub fn users(&self) -> impl Iterator<Item = UserView> {
        self.users.iter().map(|(name, it)| UserView {
            name: name.clone(),
            is_enabled: it.is_enabled,
            profile: it.profile.clone(),
            roles: it.roles.clone(),
            must_change: it.must_change,
            password_at: it.password_at,
            created: it.created.clone(),
            revision: it.revision,
            logged_in_at: it.logged_in_at,
            failures: it.attempts.all(),
            external: it.external.clone(),
        })
    }
}
