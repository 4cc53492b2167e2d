//! Who asks.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use weir_controllers::Author;
use weir_controllers::deployments::storage::{self, Limit};
use weir_controllers::users::{Identity, Via};
use weir_domain::{Extent, ProjectName, SessionId, UserClaim, UserName};

use super::rule::{Need, OPEN_READS, Rule};
use crate::error::Error;

/// What whoever is on this machine may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// No more than others.
    Nothing,
    /// See what runs, why, and what is logged, and reset items.
    Operation,
    Everything,
}

impl Here {
    pub(crate) fn may(self, claim: UserClaim) -> bool {
        match self {
            Self::Nothing => false,
            Self::Operation => {
                let more =
                    [UserClaim::AccessManage, UserClaim::ClusterLog, UserClaim::ScheduleRead];
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
                Via::Token(_) | Via::Voucher => None,
            },
            Self::Anonymous | Self::Local(_) | Self::Operator => None,
        }
    }
}

impl Caller {
    /// Whether they may do it there, where only the content of what is asked for tells the project.
    pub(crate) fn may(&self, claim: UserClaim, project: Option<&ProjectName>) -> bool {
        match self {
            Self::User(user) => user.grants.allows(claim, project),
            Self::Operator => true,
            Self::Local(here) => here.may(claim),
            Self::Anonymous => false,
        }
    }

    /// What the claim that the route asks for is restricted to. `None`: the route asks for none that
    /// is decided by the content, or who asks does not have it.
    pub(super) fn reach(&self, rule: Rule) -> Option<Reach> {
        let Need::Within(claim) = rule.need else { return None };
        let extent = match self {
            Self::User(user) => user.grants.allows_somewhere(claim)?,
            Self::Operator | Self::Local(_) => &Extent::Everything,
            Self::Anonymous => return None,
        };
        Some(Reach(match extent {
            Extent::Everything => storage::Reach::Everything,
            Extent::Projects(projects) => {
                storage::Reach::Projects(Limit { claim, projects: projects.clone() })
            }
        }))
    }
}

/// How far the caller reaches on this route. Put beside the request by the guard where the route is
/// declared as `Need::Within`: what changes something there takes it, and elsewhere it is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reach(pub(crate) storage::Reach);

impl<S: Send + Sync> FromRequestParts<S> for Reach {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::NoReach)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self::Anonymous))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn how_far_a_caller_reaches_is_said_or_the_request_refused() {
        let (mut parts, ()) = axum::http::Request::new(()).into_parts();
        let refused = Reach::from_request_parts(&mut parts, &()).await;
        assert!(matches!(refused, Err(Error::NoReach)), "{refused:?}");

        let claim = UserClaim::DeploymentActivate;
        let of = |caller: Caller, need| caller.reach(Rule { need, action: None });
        let everything = Some(Reach(storage::Reach::Everything));
        assert_eq!(of(Caller::Operator, Need::Within(claim)), everything);
        assert_eq!(of(Caller::Operator, Need::Claim(claim)), None);
        assert_eq!(of(Caller::Anonymous, Need::Within(claim)), None);
    }
}
