//! Who asks.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use weir_controllers::Author;
use weir_controllers::deployments::storage;
use weir_controllers::users::{Identity, Via};
use weir_domain::{Scope, SessionId, UserClaim, UserName};

use super::rule::{OPEN_READS, Rule};
use crate::error::Error;

/// What whoever is on this machine may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// No more than others.
    Nothing,
    /// See what runs and why, and reset items.
    Operation,
    Everything,
}

impl Here {
    pub(crate) fn may(self, claim: UserClaim) -> bool {
        match self {
            Self::Nothing => false,
            Self::Operation => {
                let more = [UserClaim::AccessManage, UserClaim::ScheduleRead];
                more.contains(&claim) || OPEN_READS.contains(&claim)
            }
            Self::Everything => true,
        }
    }
}

/// Put beside the request by the guard: a handler of a guarded route takes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Caller {
    /// Somebody who did not say.
    Anonymous,
    /// Whoever is on this machine.
    Local(Here),
    /// Whoever has the token of the configuration.
    Operator,
    User(Box<Identity>),
}

impl Caller {
    /// Whom changes are put down to.
    pub(crate) fn by(&self) -> UserName {
        match self {
            Self::User(it) => it.user.clone(),
            Self::Operator => Author::operator(),
            // What everybody may do changes nothing that has an author.
            Self::Local(_) | Self::Anonymous => Author::local(),
        }
    }

    /// For the audit: who did not say who they are is nobody.
    pub(crate) fn name(&self) -> Option<UserName> {
        match self {
            Self::Anonymous => None,
            Self::Local(_) | Self::Operator | Self::User(_) => Some(self.by()),
        }
    }

    /// A user, where nobody else will do.
    pub(crate) fn identity(&self) -> Result<&Identity, Error> {
        match self {
            Self::User(it) => Ok(it),
            Self::Anonymous | Self::Local(_) | Self::Operator => Err(Error::Unauthorized {
                reason: "only a user who logged in can do that".to_owned(),
                from_here: false,
                has_users: true,
            }),
        }
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        match self {
            Self::User(it) => match it.via {
                Via::Session(id) => Some(id),
                Via::Token(_) => None,
            },
            Self::Anonymous | Self::Local(_) | Self::Operator => None,
        }
    }
}

impl Caller {
    /// What the claim that the route asks for is restricted to.
    pub(super) fn reach(&self, rule: Rule) -> Reach {
        let Self::User(user) = self else { return Reach(None) };
        let granted =
            rule.need.claim().and_then(|it| Some((it, user.grants.allows_somewhere(it)?)));
        Reach(granted.and_then(|(claim, scope)| match scope {
            Scope::Everything => None,
            Scope::Projects(projects) => Some(storage::Reach { claim, projects: projects.clone() }),
        }))
    }
}

/// How far the caller reaches on this route. Put beside the request by the guard: what changes
/// something on a route that is declared as `Need::Within` takes it.
#[derive(Debug, Clone)]
pub(crate) struct Reach(pub(crate) Option<storage::Reach>);

impl<S: Send + Sync> FromRequestParts<S> for Reach {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self::Anonymous))
    }
}
