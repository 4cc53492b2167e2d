//! What User Storage is asked, and what it answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, RoleName, SessionId, TokenId, UserName};
use weir_secrets::{PublicKey, Sealed, SecretHash};

use super::{
    Failure, Identity, NewToken, Profile, Rejection, Role, SessionView, Shown, TokenView,
    UserChange, UserView,
};
use crate::answer::{Refusal, Stop};
use crate::line::Busy;
use crate::transit::Confidant;

/// What it is asked. Names of fields and variants travel between engines of two versions.
/// Passwords are sealed to the transit key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Transit,
    /// Whether what is asked with this request's id was carried out before.
    Recall,
    Users,
    Roles,
    Tokens,
    Sessions,
    /// Whether there is a session or token of this id, whoever it opens something for now.
    IsGiven(uuid::Uuid),
    SetUp {
        secret: SecretHash,
        name: UserName,
        profile: Profile,
        password: Sealed,
    },
    CreateUser {
        name: UserName,
        profile: Profile,
        roles: BTreeSet<RoleName>,
        password: Sealed,
        by: UserName,
    },
    ChangeUser {
        name: UserName,
        change: UserChange,
        expected: Option<u64>,
        by: UserName,
    },
    DeleteUser {
        name: UserName,
        expected: Option<u64>,
        by: UserName,
    },
    /// An administrator sets it, and the user must change it.
    SetPassword {
        name: UserName,
        password: Sealed,
        by: UserName,
    },
    /// Users change their own.
    ChangePassword {
        name: UserName,
        current: Sealed,
        new: Sealed,
        from: String,
        keep: Option<SessionId>,
    },
    CreateRole {
        role: Role,
        by: UserName,
    },
    ChangeRole {
        role: Role,
        expected: Option<u64>,
        by: UserName,
    },
    DeleteRole {
        name: RoleName,
        expected: Option<u64>,
        by: UserName,
    },
    CreateToken {
        token: NewToken,
        by: UserName,
    },
    RevokeToken {
        id: TokenId,
        by: UserName,
    },
    LogIn {
        name: UserName,
        password: Sealed,
        session: Shown,
        from: String,
        /// Who asks has shown a session or token that is good.
        #[serde(default)]
        is_proven: bool,
    },
    EndSession {
        id: SessionId,
        by: UserName,
    },
    EndSessionsOf {
        user: UserName,
        by: UserName,
    },
    /// Who is that?
    Identify(Shown),
    /// How people may log in.
    Ways,
    /// Whether somebody administers the cluster.
    IsSetUp,
    /// Begins a log-in at the provider, for the browser that has this.
    BeginProvider {
        binding: SecretHash,
        from: String,
    },
    FinishProvider {
        state: String,
        /// What the provider gave, or why it gave nothing.
        code: Result<Sealed, String>,
        binding: SecretHash,
        session: Shown,
        from: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Done,
    /// The transit key of this instance: what came was sealed to another one, or only this was asked.
    Transit(PublicKey),
    Recalled(bool),
    Users(Vec<UserView>),
    Roles(Vec<Role>),
    Tokens(Vec<TokenView>),
    Sessions(Vec<SessionView>),
    IsGiven(bool),
    Identity(Box<Identity>),
    /// What the provider is called, if there is one.
    Ways(Option<String>),
    IsSetUp(bool),
    /// Where the browser is led to, and whether it comes back by TLS.
    Begun {
        location: String,
        is_secure: bool,
    },
    Rejected(Rejection),
    Fault(Fault),
    /// Asking again gives the same answer.
    Refused(String),
}

impl From<Refusal<Rejection>> for Response {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(it) => Self::Rejected(it),
            Refusal::Refused(it) => Self::Refused(it),
        }
    }
}

impl From<Fault> for Response {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Rejection> for Stop<Response> {
    fn from(it: Rejection) -> Self {
        Self::answer(Response::Rejected(it))
    }
}

impl From<Busy> for Stop<Response> {
    fn from(Busy: Busy) -> Self {
        Self::answer(Response::Rejected(Rejection::Busy))
    }
}

impl Confidant for Response {
    type Failure = Failure;

    fn of_key(key: PublicKey) -> Self {
        Self::Transit(key)
    }

    fn key(self) -> Result<PublicKey, Self> {
        match self {
            Self::Transit(key) => Ok(key),
            other => Err(other),
        }
    }

    fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl Request {
    /// Whether it brings something sealed to one instance, which no other one can open.
    pub(super) fn is_sealed(&self) -> bool {
        matches!(
            self,
            Self::SetUp { .. }
                | Self::CreateUser { .. }
                | Self::SetPassword { .. }
                | Self::ChangePassword { .. }
                | Self::LogIn { .. }
                | Self::FinishProvider { .. }
        )
    }
}
