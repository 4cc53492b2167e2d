//! What may be changed of users and roles.

use weir_domain::{RoleName, Timestamp, UserName};
use weir_runtime::Decision;
use weir_secrets::{PasswordHash, SecretHash};

use super::role::{ADMIN, is_bounded};
use super::{
    Author, Event, NewPassword, NewUser, Profile, Rejection, Role, User, UserChange, Users,
};

impl Users {
    pub(super) fn prepare_set_up(&self, secret: SecretHash, at: Timestamp) -> Decision<Self> {
        match self.is_set_up() {
            false => Ok(vec![Event::SetUpPrepared { secret, at }]),
            true => Err(Rejection::IsSetUp),
        }
    }

    /// Whether somebody administers the cluster. Users without that role may be there before.
    pub(super) fn is_set_up(&self) -> bool {
        self.administrators().next().is_some()
    }

    /// Whether who has this secret may make the first administrator.
    pub(super) fn may_be_set_up(&self, secret: &SecretHash) -> Result<(), Rejection> {
        if self.is_set_up() {
            return Err(Rejection::IsSetUp);
        }
        match self.set_up.as_ref() == Some(secret) {
            true => Ok(()),
            false => Err(Rejection::WrongSetUpSecret),
        }
    }

    pub(super) fn decide_set_up(
        &self,
        secret: &SecretHash,
        mut user: NewUser,
        at: Timestamp,
    ) -> Decision<Self> {
        self.may_be_set_up(secret)?;
        self.is_name_free(&user.name)?;
        user.profile.is_short()?;
        user.roles = [RoleName::new(ADMIN).expect("the name is valid")].into();
        Ok(vec![Event::SetUp { user, at }])
    }

    pub(super) fn create_user(&self, user: NewUser, author: Author) -> Decision<Self> {
        self.is_name_free(&user.name)?;
        user.profile.is_short()?;
        self.are_known(&user.roles)?;
        Ok(vec![Event::UserCreated { user, author }])
    }

    pub(super) fn is_name_free(&self, name: &UserName) -> Result<(), Rejection> {
        if name.is_of_server() {
            return Err(Rejection::NameOfServer(name.clone()));
        }
        let is_same = |it: &&UserName| it.as_str().eq_ignore_ascii_case(name.as_str());
        let reserved = [Author::weir(), Author::operator(), Author::local()];
        match self.users.keys().chain(&reserved).find(is_same) {
            None => Ok(()),
            Some(known) => {
                Err(Rejection::NameTaken { what: "user".into(), name: known.to_string() })
            }
        }
    }

    pub(super) fn change_user(
        &self,
        name: UserName,
        change: UserChange,
        author: Author,
    ) -> Decision<Self> {
        if !self.user(&name)?.would_change(&change) {
            return Ok(vec![]);
        }
        if let Some(roles) = &change.roles {
            self.are_known(roles)?;
        }
        change.profile.as_ref().map_or(Ok(()), Profile::is_short)?;
        let loses_role =
            change.roles.as_ref().is_some_and(|it| it.iter().all(|it| it.as_str() != ADMIN));
        if loses_role || change.is_enabled == Some(false) {
            self.keeps_an_administrator(&name)?;
        }
        Ok(vec![Event::UserChanged { name, change, author }])
    }

    /// Somebody sets the password of another user, perhaps since the old one is known to a thief: what
    /// the user made with it goes, too.
    pub(super) fn set_password(
        &self,
        name: UserName,
        password: PasswordHash,
        author: Author,
    ) -> Decision<Self> {
        if self.user(&name)?.external.is_some() {
            return Err(Rejection::KeptElsewhere(name));
        }
        let tokens = self.tokens.iter().filter(|it| it.1.user == name && author.user != name);
        let revoked: Vec<_> =
            tokens.map(|it| Event::TokenRevoked { id: *it.0, author: author.clone() }).collect();
        let password = NewPassword { hash: password, must_change: true };
        let mut events = vec![Event::PasswordSet { name, password, keep: None, author }];
        events.extend(revoked);
        Ok(events)
    }

    pub(super) fn create_role(&self, mut role: Role, author: Author) -> Decision<Self> {
        let is_same = |it: &Role| it.name.as_str().eq_ignore_ascii_case(role.name.as_str());
        if let Some(known) = self.roles().find(is_same) {
            return Err(Rejection::NameTaken { what: "role".into(), name: known.name.to_string() });
        }
        is_bounded(&role.description, &role.scope)?;
        role.revision = 1;
        Ok(vec![Event::RoleCreated { role, author }])
    }

    pub(super) fn change_role(
        &self,
        role: Role,
        expected: Option<u64>,
        author: Author,
    ) -> Decision<Self> {
        is_bounded(&role.description, &role.scope)?;
        let known = self.checked_role(&role.name, expected)?;
        match *known == (Role { revision: known.revision, ..role.clone() }) {
            true => Ok(vec![]),
            false => Ok(vec![Event::RoleChanged { role, author }]),
        }
    }

    /// A user that can be taken away without taking away the last administrator.
    pub(super) fn keeps_an_administrator(&self, without: &UserName) -> Result<(), Rejection> {
        match self.is_last_administrator(without) {
            true => Err(Rejection::LastAdministrator(without.clone())),
            false => Ok(()),
        }
    }

    pub(super) fn user(&self, name: &UserName) -> Result<&User, Rejection> {
        self.users.get(name).ok_or_else(|| Rejection::UnknownUser(name.clone()))
    }

    pub(super) fn checked_user(
        &self,
        name: &UserName,
        expected: Option<u64>,
    ) -> Result<&User, Rejection> {
        let user = self.user(name)?;
        is_revision(expected, user.revision, || format!("user {name}"))?;
        Ok(user)
    }

    pub(super) fn checked_role(
        &self,
        name: &RoleName,
        expected: Option<u64>,
    ) -> Result<&Role, Rejection> {
        if Role::built_in().iter().any(|it| it.name == *name) {
            return Err(Rejection::BuiltIn(name.clone()));
        }
        let role = self.roles.get(name).ok_or_else(|| Rejection::UnknownRole(name.clone()))?;
        is_revision(expected, role.revision, || format!("role {name}"))?;
        Ok(role)
    }

    fn are_known<'a>(
        &self,
        roles: impl IntoIterator<Item = &'a RoleName>,
    ) -> Result<(), Rejection> {
        let is_unknown = |it: &&RoleName| self.roles().all(|known| known.name != **it);
        match roles.into_iter().find(is_unknown) {
            Some(unknown) => Err(Rejection::UnknownRole(unknown.clone())),
            None => Ok(()),
        }
    }
}

fn is_revision(
    expected: Option<u64>,
    actual: u64,
    what: impl FnOnce() -> String,
) -> Result<(), Rejection> {
    match expected {
        Some(expected) if expected != actual => {
            Err(Rejection::Changed { what: what(), expected, actual })
        }
        _ => Ok(()),
    }
}
