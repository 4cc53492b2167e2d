//! What User Storage is asked, and what it answers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, RoleName, SessionId, TokenId, UserName};
use weir_secrets::{PublicKey, Sealed, SecretHash};

use super::{
    Identity, NewToken, Profile, Rejection, Role, SessionView, Shown, TokenView, UserChange,
    UserView,
};
use crate::answer::{Refusal, Stop};

/// What it is asked. Names of fields and variants travel between engines of two versions.
/// Passwords are sealed to the transit key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Transit,
    Users,
    Roles,
    Tokens,
    Sessions,
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
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Done,
    Transit(PublicKey),
    Users(Vec<UserView>),
    Roles(Vec<Role>),
    Tokens(Vec<TokenView>),
    Sessions(Vec<SessionView>),
    Identity(Box<Identity>),
    Rejected(Rejection),
    Fault(Fault),
    /// Asking again gives the same answer.
    Refused(String),
    /// What came was sealed to the transit key of another instance: seal it anew.
    OtherTransit(PublicKey),
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
