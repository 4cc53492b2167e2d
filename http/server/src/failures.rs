//! Why alarms, keys, users, deployments, the scheduler, the audit and resources gave no good answer, as
//! refusals.

use weir_cluster::ProxyError;
use weir_controllers::deployments::{self, TransferError, storage};
use weir_controllers::{alarms, audit, fleet, keys, resources, scheduler, users};
use weir_domain::{Fault, FaultKind, Timestamp};

use crate::error::Error;

impl From<ProxyError> for Error {
    fn from(error: ProxyError) -> Self {
        let fault = Fault::transient(7131, error.to_string());
        match error {
            ProxyError::Unavailable { retry_after, .. } => {
                Self::Later { fault, after: retry_after.duration() }
            }
            ProxyError::Refused { cause, .. } => Self::Conflict { detail: cause, hint: None },
            ProxyError::Unsettled { .. } | ProxyError::Busy { .. } | ProxyError::Timeout { .. } => {
                Self::Fault(fault)
            }
        }
    }
}

impl From<alarms::Failure> for Error {
    fn from(failure: alarms::Failure) -> Self {
        use alarms::{Failure, Rejection};
        let detail = failure.to_string();
        match failure {
            Failure::Rejected(Rejection::Unknown(it)) => Self::not_found("alarm", &it, []),
            Failure::Rejected(Rejection::TooMany(_)) => {
                Self::Invalid { pointer: "/ids".into(), reason: detail }
            }
            Failure::Rejected(Rejection::TooLong(_)) => {
                Self::Invalid { pointer: "/note".into(), reason: detail }
            }
            Failure::Refused(_) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<users::Failure> for Error {
    fn from(failure: users::Failure) -> Self {
        match failure {
            users::Failure::Rejected(it) => it.into(),
            users::Failure::Fault(it) => Self::Unfit(it),
            users::Failure::Refused(detail) => Self::Conflict { detail, hint: None },
            users::Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<users::Rejection> for Error {
    fn from(rejection: users::Rejection) -> Self {
        use users::Rejection;
        let detail = rejection.to_string();
        match rejection {
            Rejection::UnknownUser(it) => Self::not_found("user", &it, []),
            Rejection::UnknownToken(it) => Self::not_found("token", &it, []),
            Rejection::UnknownSession(it) => Self::not_found("session", &it, []),
            Rejection::Changed { .. } => Self::Stale { detail },
            Rejection::WrongSetUpSecret => {
                let hint = "it is in the file that the engine's log names (WEIR-06140)".to_owned();
                Self::NotLetIn { detail, hint }
            }
            Rejection::BadCredentials { .. } => {
                let hint = "look at the name, and type the password again; an administrator sets a new \
                            one with `weir user password NAME`";
                Self::NotLetIn { detail, hint: hint.to_owned() }
            }
            Rejection::Disabled(name) => {
                let hint = format!("an administrator does it with `weir user set {name} --enable`");
                Self::NotLetIn { detail, hint }
            }
            Rejection::NotAdmitted { .. } => {
                let hint = "ask an administrator for a role, or for a group that gives one";
                Self::NotLetIn { detail, hint: hint.to_owned() }
            }
            Rejection::LogInExpired | Rejection::NotProven => {
                let hint = "go to the log-in page and begin again; the engine's log says more";
                Self::NotLetIn { detail, hint: hint.to_owned() }
            }
            Rejection::NoProvider => {
                let hint =
                    "log in with a name and a password, or set weir.users.oidc up".to_owned();
                Self::Conflict { detail, hint: Some(hint) }
            }
            Rejection::Silent(it) => Self::Fault(it),
            Rejection::IsSetUp => {
                let hint = "`weir login`; an administrator makes users with `weir user create`";
                Self::Conflict { detail, hint: Some(hint.to_owned()) }
            }
            Rejection::NotAuthenticated | Rejection::NeedsSession => {
                Self::Unauthorized { reason: detail, from_here: false, has_users: true }
            }
            Rejection::Busy => Self::Busy { detail },
            Rejection::TooLong(_) => Self::Invalid { pointer: "body".into(), reason: detail },
            Rejection::TryLater(_) => Self::TooManyAttempts { detail, after: None },
            Rejection::BadPassword(_) => {
                Self::Invalid { pointer: "/password".into(), reason: detail }
            }
            Rejection::BadExpiry { .. } => {
                Self::Invalid { pointer: "/expiresAt".into(), reason: detail }
            }
            Rejection::MadeBefore(id) => {
                Self::Conflict { detail, hint: Some(format!("weir token revoke {id}")) }
            }
            Rejection::UnknownRole(it) => Self::not_found("role", &it, []),
            Rejection::NameTaken { .. }
            | Rejection::LastAdministrator(_)
            | Rejection::BuiltIn(_)
            | Rejection::TooMany { .. }
            | Rejection::SetAnother
            | Rejection::KeptElsewhere(_)
            | Rejection::NameOfServer(_)
            | Rejection::IdTaken(_) => Self::Conflict { detail, hint: None },
        }
    }
}

/// As `From`, for who gave a password: one that must wait is told how long.
pub(crate) fn of_log_in(failure: users::Failure, now: Timestamp) -> Error {
    let until = match &failure {
        users::Failure::Rejected(users::Rejection::TryLater(until)) => Some(*until),
        _ => None,
    };
    match (Error::from(failure), until) {
        (Error::TooManyAttempts { detail, .. }, Some(until)) => {
            Error::TooManyAttempts { detail, after: Some(until.since(now)) }
        }
        (error, _) => error,
    }
}

impl From<keys::Failure> for Error {
    fn from(failure: keys::Failure) -> Self {
        use keys::{Failure, Rejection};
        let detail = failure.to_string();
        match failure {
            Failure::Rejected(Rejection::Busy) => Self::Busy { detail },
            Failure::Rejected(Rejection::TooLong(_)) => {
                Self::Invalid { pointer: "body".into(), reason: detail }
            }
            Failure::Rejected(Rejection::Unknown(it)) => Self::not_found("key", &it, []),
            Failure::Rejected(Rejection::UnknownAlias(it)) => Self::not_found("alias", &it, []),
            Failure::Rejected(Rejection::Changed { .. } | Rejection::CurrentChanged(_)) => {
                Self::Stale { detail }
            }
            Failure::Rejected(
                Rejection::AliasTaken(_)
                | Rejection::Known { .. }
                | Rejection::IsCurrent(_)
                | Rejection::InUse { .. }
                | Rejection::BroughtAnother
                | Rejection::NotAll,
            )
            | Failure::Refused(_) => Self::Conflict { detail, hint: None },
            Failure::NotTrusted(it) => {
                Self::Invalid { pointer: "body".into(), reason: it.to_string() }
            }
            Failure::Fault(it) => Self::Unfit(it),
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<resources::Failure> for Error {
    fn from(failure: resources::Failure) -> Self {
        use resources::{Failure, Rejection};
        let detail = failure.to_string();
        match failure {
            Failure::Rejected(Rejection::UnknownGroup(it)) => {
                Self::not_found("group of resources", &it, [])
            }
            Failure::Rejected(Rejection::UnknownResource { resource, .. }) => {
                Self::not_found("resource", &resource, [])
            }
            Failure::Rejected(Rejection::TooMany { .. }) => {
                Self::Invalid { pointer: "/resources".into(), reason: detail }
            }
            Failure::Rejected(
                Rejection::Depleted { .. } | Rejection::Held { .. } | Rejection::Crowded(_),
            ) => {
                let hint = "weir access resources shows who holds them".to_owned();
                Self::Conflict { detail, hint: Some(hint) }
            }
            Failure::Refused(_) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<fleet::Failure> for Error {
    fn from(failure: fleet::Failure) -> Self {
        use fleet::{Failure, Rejection};
        let detail = failure.to_string();
        match failure {
            Failure::Rejected(Rejection::Unknown { name, near }) => {
                Self::NotFound { what: "cluster", name: name.to_string(), near }
            }
            Failure::Rejected(Rejection::Changed { .. }) => Self::Stale { detail },
            Failure::Rejected(Rejection::NoAddress(_) | Rejection::Addresses(_)) => {
                Self::Invalid { pointer: "/urls".into(), reason: detail }
            }
            Failure::Rejected(Rejection::TooLong(_)) => {
                Self::Invalid { pointer: "/note".into(), reason: detail }
            }
            Failure::Rejected(Rejection::SameCluster { .. } | Rejection::OtherCluster { .. }) => {
                Self::NotVouched { detail }
            }
            Failure::Rejected(Rejection::NameTaken(_) | Rejection::TooMany)
            | Failure::Refused(_) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<audit::Failure> for Error {
    fn from(failure: audit::Failure) -> Self {
        use audit::Failure;
        match failure {
            Failure::Store(it) => Self::Fault(Fault::transient(7132, it.to_string())),
            Failure::Broken(it) => Self::Broken { detail: it.to_string() },
            Failure::Refused(detail) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<scheduler::Failure> for Error {
    fn from(failure: scheduler::Failure) -> Self {
        use scheduler::{Failure, Rejection};
        let detail = failure.to_string();
        match failure {
            Failure::Rejected(Rejection::UnknownWorkflow(it)) => {
                Self::not_found("workflow", &it, [])
            }
            Failure::Rejected(Rejection::UnknownNode(it)) => Self::not_found("node", &it, []),
            Failure::Rejected(Rejection::Stale { .. }) => Self::Stale { detail },
            Failure::Rejected(Rejection::Moved { .. }) => {
                let hint = "look at the plan again, and send the revision that it has now";
                Self::Conflict { detail, hint: Some(hint.to_owned()) }
            }
            Failure::Rejected(Rejection::Limit { .. }) => {
                Self::Invalid { pointer: "body".into(), reason: detail }
            }
            Failure::Rejected(Rejection::TooMany { .. } | Rejection::NotAMember(_))
            | Failure::Refused(_) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<deployments::Failure> for Error {
    fn from(failure: deployments::Failure) -> Self {
        use deployments::{Failure, Rejection};
        match failure {
            Failure::Rejected(Rejection::Storage(it)) => it.into(),
            Failure::Rejected(it) => {
                let hint = match &it {
                    Rejection::WorkflowOfDirectory { owner, .. }
                    | Rejection::WorkflowTaken { owner, .. } => {
                        Some(format!("weir deployment withdraw {owner}"))
                    }
                    Rejection::WorkflowOfPackage { .. } => {
                        Some("weir deployment assignments".to_owned())
                    }
                    Rejection::Unknown(_) => Some("weir deployment list".to_owned()),
                    Rejection::Empty(_) | Rejection::Storage(_) => None,
                };
                Self::Conflict { detail: it.to_string(), hint }
            }
            Failure::Refused(detail) => Self::Conflict { detail, hint: None },
            Failure::Proxy(it) => it.into(),
        }
    }
}

impl From<storage::Rejection> for Error {
    fn from(rejection: storage::Rejection) -> Self {
        use storage::{Rejection, Use};
        let detail = rejection.to_string();
        let conflict =
            |hint: &str| Self::Conflict { detail: detail.clone(), hint: Some(hint.to_owned()) };
        match rejection {
            Rejection::Changed { .. } => Self::Stale { detail },
            Rejection::OutOfReach { .. } => Self::OutOfReach { detail },
            Rejection::Unknown { tag, near } => {
                Self::NotFound { what: "deployment", name: tag.to_string(), near }
            }
            Rejection::UnknownNode { node, near } => {
                Self::NotFound { what: "node", name: node.to_string(), near }
            }
            Rejection::NoRole { .. } | Rejection::RoleTwice { .. } => {
                Self::Invalid { pointer: "/roles".into(), reason: detail }
            }
            Rejection::CanarySenseless => Self::Invalid { pointer: "body".into(), reason: detail },
            Rejection::TagTaken { .. } | Rejection::TagReserved => conflict(
                "weir deploy PROJECT --tag OTHER, or weir deployment upload FILE --tag OTHER",
            ),
            Rejection::IsDefault { .. } => conflict("weir deployment activate OTHER"),
            Rejection::IsAssigned { uses, .. } if uses.contains(&Use::Canary) => {
                conflict("weir deployment canary promote, or weir deployment canary rollback")
            }
            Rejection::IsAssigned { .. } => conflict("weir deployment assignments"),
            Rejection::SwitchingAway { .. } => conflict("weir deployment nodes --watch"),
            Rejection::ObjectsMissing { .. } => conflict("weir deployment upload FILE"),
            Rejection::CanaryRuns { .. } => conflict("weir deployment canary status"),
            Rejection::TooFewNodes { found: 0, .. } => conflict(
                "weir deployment nodes shows each node's rule, and weir deployment unassign takes one away",
            ),
            Rejection::TooFewNodes { .. } => conflict("weir deployment nodes"),
            Rejection::NothingToRollBack | Rejection::NoCanary => conflict(
                "weir deployment list shows what is the default, and what runs as a canary",
            ),
            Rejection::NotAssigned { node } => {
                Self::NotFound { what: "rule of node", name: node.to_string(), near: None }
            }
            Rejection::WorkflowTaken { .. } => conflict("weir deployment assignments"),
            Rejection::CanaryOfDefault { .. } => conflict("weir deployment list"),
            Rejection::RootStays => Self::Conflict { detail, hint: None },
        }
    }
}

impl From<TransferError> for Error {
    fn from(error: TransferError) -> Self {
        let text = error.to_string();
        match error {
            TransferError::Package(it) => Self::Unfit(of_package(&it)),
            TransferError::Signers(it) => Self::Fault(it),
            TransferError::Store(it) => {
                Self::Fault(Fault::transient(7133, format!("{text}: {it}")))
            }
            TransferError::Gone(_) | TransferError::Interrupted => {
                Self::Fault(Fault::transient(7134, text))
            }
        }
    }
}

fn of_package(error: &weir_package::Error) -> Fault {
    let cause = match error {
        weir_package::Error::Io(cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    };
    let hint = Some(error.hint().to_owned());
    Fault { kind: FaultKind::Config, code: error.code(), message: cause, hint, obstacle: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Use;
    use weir_domain::DeploymentTag;

    fn told(error: impl Into<Error>) -> (u16, String) {
        let problem = error.into().problem();
        (problem.status, problem.hint.unwrap_or_default())
    }

    #[test]
    fn who_is_not_let_in_is_told_what_to_do_there() {
        let (status, hint) = told(users::Rejection::BadCredentials { is_user: false });
        assert!(status == 401 && hint.contains("type the password again"), "{hint}");
        let (status, hint) = told(users::Rejection::Disabled("bob".parse().expect("a name")));
        assert!(status == 401 && hint.contains("weir user set bob --enable"), "{hint}");
        let (status, hint) = told(users::Rejection::IsSetUp);
        assert!(status == 409 && hint.contains("weir login"), "{hint}");
    }

    #[test]
    fn what_is_named_and_not_there_is_not_found() {
        let node = "node-1".parse().expect("a name");
        assert_eq!(told(storage::Rejection::NotAssigned { node }).0, 404);
        assert_eq!(told(users::Rejection::UnknownRole("nope".parse().expect("a name"))).0, 404);
    }

    #[test]
    fn who_meets_what_runs_from_a_directory_is_told_how_to_end_it() {
        let refused = deployments::Rejection::WorkflowOfDirectory {
            tag: "flights-3".parse().expect("a tag"),
            workflow: "copy".parse().expect("a name"),
            owner: "flights".parse().expect("a name"),
        };
        let (status, hint) = told(deployments::Failure::Rejected(refused));
        assert_eq!((status, hint.as_str()), (409, "weir deployment withdraw flights"));
    }

    #[test]
    fn a_canary_that_runs_is_ended_before_it_is_deleted() {
        let tag: DeploymentTag = "flights-3".parse().expect("a tag");
        let used = |uses| storage::Rejection::IsAssigned { tag: tag.clone(), uses };
        assert!(told(used(vec![Use::Canary])).1.contains("canary rollback"));
        assert_eq!(told(used(vec![Use::Role("edge".into())])).1, "weir deployment assignments");
    }
}
