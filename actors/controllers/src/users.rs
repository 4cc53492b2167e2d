//! User Storage: users, roles, tokens and sessions of the cluster, and who may log in.
//!
//! Invariants:
//! - U1: once the cluster is set up there is an enabled administrator, whatever is changed.
//! - U2: names of users and roles never change, and two never differ by case alone.
//! - U3: of passwords, tokens and sessions only hashes are known here.
//! - U4: a token never allows more than its user, and neither a token nor a session of a disabled
//!   or deleted user allows anything.
//! - U5: what a user may do follows from the roles as they are now, not as they were at log-in.
//!
//! There is no default password: the first administrator is made with a one-time secret, which the
//! engine writes where its operator finds it.

mod access;
mod changes;
mod handle;
mod log_in;
mod matrix;
mod protocol;
mod role;
mod service;
mod set_up;
mod strangers;
mod user;
mod uses;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use weir_domain::{RoleName, SessionId, Timestamp, TokenId, UserName};
use weir_runtime::{Decision, EventSourced, Form};
use weir_secrets::{PasswordHash, SecretHash};

pub use crate::Author;
pub use access::{
    Identity, NewSession, NewToken, Session, SessionView, Shown, Token, TokenView, Via,
};
pub use handle::{Failure, UserStorage};
pub use log_in::Attempt;
pub use matrix::matrix;
pub use protocol::{Request, Response};
pub use role::Role;
pub use service::{UserService, UserSingleton};
pub use set_up::{SetUpFile, SetUpNotice};
pub use user::{Failures, NewUser, Profile, User, UserChange, UserView};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "user-storage";

#[derive(Debug)]
pub enum Command {
    /// Lets whoever has this secret make the first administrator.
    PrepareSetUp {
        secret: SecretHash,
        at: Timestamp,
    },
    SetUp {
        secret: SecretHash,
        user: NewUser,
        at: Timestamp,
    },
    CreateUser {
        user: NewUser,
        author: Author,
    },
    ChangeUser {
        name: UserName,
        change: UserChange,
        expected: Option<u64>,
        author: Author,
    },
    SetPassword {
        name: UserName,
        password: PasswordHash,
        author: Author,
    },
    /// Users change their own. `checked`: the number of the one that they gave; `keep`: the session
    /// that goes on.
    ChangePassword {
        name: UserName,
        password: PasswordHash,
        checked: u64,
        keep: Option<SessionId>,
        at: Timestamp,
    },
    DeleteUser {
        name: UserName,
        expected: Option<u64>,
        author: Author,
    },
    CreateRole {
        role: Role,
        author: Author,
    },
    ChangeRole {
        role: Role,
        expected: Option<u64>,
        author: Author,
    },
    DeleteRole {
        name: RoleName,
        expected: Option<u64>,
        author: Author,
    },
    CreateToken {
        token: NewToken,
        author: Author,
    },
    RevokeToken {
        id: TokenId,
        author: Author,
    },
    /// The password was checked and is the one with that number.
    LogIn {
        session: NewSession,
        password: u64,
    },
    /// The password was checked and is wrong.
    FailLogIn {
        user: UserName,
        at: Timestamp,
    },
    EndSession {
        id: SessionId,
        author: Author,
    },
    EndSessionsOf {
        user: UserName,
        author: Author,
    },
    /// When tokens were used last.
    Touch {
        tokens: BTreeMap<TokenId, Timestamp>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewPassword {
    pub hash: PasswordHash,
    /// Whether the user must change it at the next log-in: somebody else knows it.
    pub must_change: bool,
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    SetUpPrepared { secret: SecretHash, at: Timestamp },
    SetUp { user: NewUser, at: Timestamp },
    UserCreated { user: NewUser, author: Author },
    UserChanged { name: UserName, change: UserChange, author: Author },
    PasswordSet { name: UserName, password: NewPassword, keep: Option<SessionId>, author: Author },
    UserDeleted { name: UserName, author: Author },
    RoleCreated { role: Role, author: Author },
    RoleChanged { role: Role, author: Author },
    RoleDeleted { name: RoleName, author: Author },
    TokenCreated { token: NewToken, author: Author },
    TokenRevoked { id: TokenId, author: Author },
    LoggedIn { session: NewSession },
    LogInFailed { user: UserName, at: Timestamp },
    SessionEnded { id: SessionId, author: Author },
    SessionsOfUserEnded { user: UserName, author: Author },
    TokensUsed { tokens: BTreeMap<TokenId, Timestamp> },
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("there is no user {0}")]
    UnknownUser(UserName),
    #[error("there is no role {0}: create it first, or use admin, monitoring or user")]
    UnknownRole(RoleName),
    #[error("there is no token {0}: it may have been revoked")]
    UnknownToken(TokenId),
    #[error("there is no session {0}: it may have ended")]
    UnknownSession(SessionId),
    #[error("there is a {what} {name} already: choose another name")]
    NameTaken { what: String, name: String },
    #[error(
        "{what} was changed since it was read: it has revision {actual}, not {expected}; read it again"
    )]
    Changed { what: String, expected: u64, actual: u64 },
    #[error("{0} is the last administrator that can log in: make another one first")]
    LastAdministrator(UserName),
    #[error("the role {0} is built in and can't be changed: create one of your own")]
    BuiltIn(RoleName),
    #[error("the cluster is set up already: log in as an administrator")]
    IsSetUp,
    #[error("this is not the set-up secret: use the last one that the engine wrote")]
    WrongSetUpSecret,
    /// Says neither which of the two is wrong nor whether the user is known.
    #[error("the user or the password is wrong")]
    BadCredentials,
    #[error("the user {0} is disabled: ask an administrator")]
    Disabled(UserName),
    #[error("too many log-ins failed: try again after {0}")]
    TryLater(Timestamp),
    #[error("the token or session is not known, has expired or was revoked: log in again")]
    NotAuthenticated,
    #[error("the password {0}")]
    BadPassword(String),
    #[error("there is a token or session with the id {0} already")]
    IdTaken(uuid::Uuid),
    #[error("only a user who logged in, with a password of their own, can do that")]
    NeedsSession,
    #[error("a token must expire within {days} days, and after now")]
    BadExpiry { days: u64 },
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Users {
    /// Who has it makes the first administrator.
    set_up: Option<SecretHash>,
    users: BTreeMap<UserName, User>,
    roles: BTreeMap<RoleName, Role>,
    tokens: BTreeMap<TokenId, Token>,
    sessions: BTreeMap<SessionId, Session>,
}

impl EventSourced for Users {
    type Command = Command;
    type Event = Event;
    type Effect = Infallible;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("users.event", 1);
    const STATE_FORM: Form = Form::new("users.state", 1);

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::PrepareSetUp { secret, at } => self.prepare_set_up(secret, at),
            Command::SetUp { secret, user, at } => self.decide_set_up(&secret, user, at),
            Command::CreateUser { user, author } => self.create_user(user, author),
            Command::ChangeUser { name, change, expected, author } => {
                self.checked_user(&name, expected)?;
                self.change_user(name, change, author)
            }
            Command::SetPassword { name, password, author } => {
                self.user(&name)?;
                let password = NewPassword { hash: password, must_change: true };
                Ok(vec![Event::PasswordSet { name, password, keep: None, author }])
            }
            Command::ChangePassword { name, password, checked, keep, at } => {
                self.is_let_in(&name, checked, at)?;
                let password = NewPassword { hash: password, must_change: false };
                let author = Author { user: name.clone(), at };
                Ok(vec![Event::PasswordSet { name, password, keep, author }])
            }
            Command::DeleteUser { name, expected, author } => {
                self.checked_user(&name, expected)?;
                self.keeps_an_administrator(&name)?;
                Ok(vec![Event::UserDeleted { name, author }])
            }
            Command::CreateRole { role, author } => self.create_role(role, author),
            Command::ChangeRole { role, expected, author } => {
                self.change_role(role, expected, author)
            }
            Command::DeleteRole { name, expected, author } => {
                self.checked_role(&name, expected)?;
                Ok(vec![Event::RoleDeleted { name, author }])
            }
            Command::CreateToken { token, author } => self.create_token(token, author),
            Command::RevokeToken { id, author } => self.revoke_token(id, author),
            Command::LogIn { session, password } => self.log_in(session, password),
            Command::FailLogIn { user, at } => self.fail_log_in(user, at),
            Command::EndSession { id, author } => self.end_session(id, author),
            Command::EndSessionsOf { user, author } => {
                self.user(&user)?;
                Ok(vec![Event::SessionsOfUserEnded { user, author }])
            }
            Command::Touch { tokens } => self.touch(tokens),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::SetUpPrepared { secret, .. } => self.set_up = Some(secret),
            Event::SetUp { user, at } => {
                self.set_up = None;
                let author = Author { user: user.name.clone(), at };
                self.users.insert(user.name.clone(), User::new(user, author));
            }
            Event::UserCreated { user, author } => {
                self.users.insert(user.name.clone(), User::new(user, author));
            }
            Event::UserChanged { name, change, .. } => {
                if change.is_enabled == Some(false) {
                    self.end_sessions(&name, None);
                }
                self.stored(&name).change(change);
            }
            Event::PasswordSet { name, password, keep, author } => {
                self.end_sessions(&name, keep);
                self.stored(&name).set_password(password, author.at);
            }
            Event::UserDeleted { name, .. } => {
                self.end_sessions(&name, None);
                self.tokens.retain(|_, it| it.user != name);
                self.users.remove(&name);
            }
            Event::RoleCreated { role, .. } => {
                self.roles.insert(role.name.clone(), role);
            }
            Event::RoleChanged { role, .. } => {
                let known = self.roles.get_mut(&role.name).expect("a role that changed is stored");
                *known = Role { revision: known.revision + 1, ..role };
            }
            Event::RoleDeleted { name, .. } => {
                // A role of that name that is created later is another one: nobody has it.
                for user in self.users.values_mut() {
                    user.roles.remove(&name);
                }
                self.roles.remove(&name);
            }
            Event::TokenCreated { token, author } => {
                self.tokens.insert(token.id, Token::new(token, author));
            }
            Event::TokenRevoked { id, .. } => {
                self.tokens.remove(&id);
            }
            Event::LoggedIn { session } => self.logged_in(session),
            Event::LogInFailed { user, at } => self.stored(&user).failures.count(at),
            Event::SessionEnded { id, .. } => {
                self.sessions.remove(&id);
            }
            Event::SessionsOfUserEnded { user, .. } => self.end_sessions(&user, None),
            Event::TokensUsed { tokens } => {
                for (id, at) in tokens {
                    if let Some(token) = self.tokens.get_mut(&id) {
                        token.used_at = Some(at);
                    }
                }
            }
        }
        let is_set_up = self.set_up.is_none() && !self.users.is_empty();
        assert!(!is_set_up || self.administrators().next().is_some(), "U1: nobody administers");
    }

    fn outstanding(&self) -> Vec<Infallible> {
        vec![]
    }
}

impl Users {
    fn stored(&mut self, name: &UserName) -> &mut User {
        self.users.get_mut(name).expect("events are about users that are stored")
    }

    fn end_sessions(&mut self, user: &UserName, keep: Option<SessionId>) {
        self.sessions.retain(|id, it| it.user != *user || Some(*id) == keep);
    }
}
