//! User Storage: users, roles, tokens and sessions of the cluster, and who may log in.
//!
//! Invariants:
//! - U1: once the cluster is set up there is an enabled administrator, whatever is changed.
//! - U2: names of users and roles never change, and two never differ by case alone.
//! - U3: of passwords, tokens and sessions only hashes are known here.
//! - U4: a token never allows more than its user, and neither a token nor a session of a disabled
//!   or deleted user allows anything.
//! - U5: what a user may do follows from the roles as they are now, not as they were at log-in.
//! - U6: a local user's name is nobody else's, and one from outside is one person and stays it.
//!
//! There is no default password: the first administrator is made with a one-time secret, which the
//! engine writes where its operator finds it.

mod access;
mod attempts;
mod changes;
mod external;
mod gate;
mod guesses;
mod handle;
mod log_in;
mod matrix;
mod neighbours;
mod outside;
mod passwords;
mod protocol;
mod rejection;
mod role;
mod service;
mod set_up;
mod strangers;
mod user;
mod uses;
mod vouching;

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
pub use attempts::{Attempts, Failures};
pub use external::External;
pub use handle::{Failure, UserStorage};
pub use log_in::Attempt;
pub use matrix::matrix;
pub use outside::{Begun, Directory, Doubt, Gate, Origin, Person, Provider};
pub use protocol::{Request, Response};
pub use rejection::Rejection;
pub use role::Role;
pub use service::{UserService, UserSingleton};
pub use set_up::{SetUpFile, SetUpNotice};
pub use user::{NewUser, Profile, User, UserChange, UserView};
pub use vouching::Outside;

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
    /// Users change their own. `checked`: the number of the one that they gave, from that address;
    /// `keep`: the session that goes on.
    ChangePassword {
        name: UserName,
        password: PasswordHash,
        checked: u64,
        from: String,
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
        from: String,
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
    /// Somebody else vouches for who that is.
    Admit {
        person: Person,
        session: NewSession,
    },
    /// What is said now of somebody who was let in before.
    Refresh {
        person: Person,
        at: Timestamp,
    },
    /// Nobody vouches for them any more.
    Disown {
        name: UserName,
        at: Timestamp,
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
    SetUpPrepared {
        secret: SecretHash,
        at: Timestamp,
    },
    SetUp {
        user: NewUser,
        at: Timestamp,
    },
    UserCreated {
        user: NewUser,
        author: Author,
    },
    UserChanged {
        name: UserName,
        change: UserChange,
        author: Author,
    },
    PasswordSet {
        name: UserName,
        password: NewPassword,
        keep: Option<SessionId>,
        author: Author,
    },
    UserDeleted {
        name: UserName,
        author: Author,
    },
    RoleCreated {
        role: Role,
        author: Author,
    },
    RoleChanged {
        role: Role,
        author: Author,
    },
    RoleDeleted {
        name: RoleName,
        author: Author,
    },
    TokenCreated {
        token: NewToken,
        author: Author,
    },
    TokenRevoked {
        id: TokenId,
        author: Author,
    },
    LoggedIn {
        session: NewSession,
    },
    LogInFailed {
        user: UserName,
        #[serde(default)]
        from: String,
        at: Timestamp,
    },
    SessionEnded {
        id: SessionId,
        author: Author,
    },
    SessionsOfUserEnded {
        user: UserName,
        author: Author,
    },
    TokensUsed {
        tokens: BTreeMap<TokenId, Timestamp>,
    },
    /// A user from outside, as they are known there.
    ExternalRecorded {
        person: Person,
        at: Timestamp,
    },
    /// Nobody vouches for them any more, for now.
    ExternalDisowned {
        name: UserName,
        at: Timestamp,
    },
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
                self.set_password(name, password, author)
            }
            Command::ChangePassword { name, password, checked, from, keep, at } => {
                self.is_let_in(&name, checked, (&from, at))?;
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
            Command::FailLogIn { user, from, at } => self.fail_log_in(user, from, at),
            Command::EndSession { id, author } => self.end_session(id, author),
            Command::EndSessionsOf { user, author } => {
                self.user(&user)?;
                Ok(vec![Event::SessionsOfUserEnded { user, author }])
            }
            Command::Touch { tokens } => self.touch(tokens),
            Command::Admit { person, session } => self.admit(person, session),
            Command::Refresh { person, at } => self.refresh(person, at),
            Command::Disown { name, at } => self.disown(name, at),
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
                    if let Some(external) = &mut user.external {
                        external.roles.remove(&name);
                    }
                }
                self.roles.remove(&name);
            }
            Event::TokenCreated { token, author } => {
                // Those that have expired are cleared away here: nothing else grows their number.
                self.tokens.retain(|_, it| author.at < it.expires_at);
                self.tokens.insert(token.id, Token::new(token, author));
            }
            Event::TokenRevoked { id, .. } => {
                self.tokens.remove(&id);
            }
            Event::LoggedIn { session } => self.logged_in(session),
            Event::LogInFailed { user, from, at } => {
                self.stored(&user).attempts.fail(&from, at);
            }
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
            Event::ExternalRecorded { person, at } => self.record(person, at),
            Event::ExternalDisowned { name, .. } => self.disowned(&name),
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
