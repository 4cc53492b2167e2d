//! Roles: sets of claims with a scope. Three are built in.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_domain::{Grants, RoleName, Scope, UserClaim, UserName};

use super::{Rejection, User, Users};
use crate::text::is_short;

pub(super) const ADMIN: &str = "admin";
/// Projects, or clusters, that a role or token may name.
const NAMES_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub name: RoleName,
    pub description: String,
    pub claims: BTreeSet<UserClaim>,
    pub scope: Scope,
    /// Given by the storage.
    #[serde(default)]
    pub revision: u64,
}

impl Role {
    /// They are not stored: a new version may give them new claims.
    pub fn built_in() -> [Self; 3] {
        let all = UserClaim::ALL.iter().copied();
        let reads = |it: &UserClaim| it.as_str().ends_with(":read") || *it == UserClaim::ClusterLog;
        let operates = |it: &UserClaim| {
            use UserClaim::{
                AlarmConfirm, AuditRead, ProfileWrite, ScheduleWrite, StreamControl, StreamPause,
                UserRead, WorkflowControl,
            };
            let may = [
                AlarmConfirm,
                ScheduleWrite,
                WorkflowControl,
                StreamPause,
                StreamControl,
                ProfileWrite,
            ];
            may.contains(it) || reads(it) && ![UserRead, AuditRead].contains(it)
        };
        let watches = |it: &UserClaim| reads(it) || *it == UserClaim::ProfileWrite;
        [
            built_in(ADMIN, "May do everything", all.clone().collect()),
            built_in(
                "monitoring",
                "Sees everything and changes nothing",
                all.clone().filter(watches).collect(),
            ),
            built_in("user", "Operates workflows and streams", all.filter(operates).collect()),
        ]
    }
}

/// What a role or token names, beside claims.
pub(super) fn is_bounded(description: &str, scope: &Scope) -> Result<(), Rejection> {
    is_short("description", description)?;
    let (names, what) = match scope {
        Scope::Everything => (0, ""),
        Scope::Projects(them) => (them.len(), "projects in the scope"),
        Scope::Clusters(them) => (them.len(), "clusters in the scope"),
    };
    match names > NAMES_MAX {
        true => Err(Rejection::TooMany { what: what.into(), max: NAMES_MAX }),
        false => Ok(()),
    }
}

fn built_in(name: &str, description: &str, claims: BTreeSet<UserClaim>) -> Role {
    let name = RoleName::new(name).expect("names of built-in roles are valid");
    Role {
        name,
        description: description.to_owned(),
        claims,
        scope: Scope::Everything,
        revision: 0,
    }
}

impl Users {
    /// All roles: the built-in ones, then others by name.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        Role::built_in().into_iter().chain(self.roles.values().cloned())
    }

    /// What a user may do by the roles as they are now.
    pub(super) fn grants(&self, user: &User) -> Grants {
        let mut grants = Grants::default();
        for role in self.roles().filter(|it| user.all_roles().any(|name| *name == it.name)) {
            grants.add(role.claims, &role.scope);
        }
        grants
    }

    /// Those who can log in whoever else is away, and may do everything.
    pub(super) fn administrators(&self) -> impl Iterator<Item = &UserName> {
        let is_here = |it: &User| it.is_enabled && it.external.is_none();
        let can = move |it: &User| is_here(it) && it.roles.iter().any(|it| it.as_str() == ADMIN);
        self.users.iter().filter(move |it| can(it.1)).map(|it| it.0)
    }

    pub(super) fn is_last_administrator(&self, name: &UserName) -> bool {
        self.administrators().eq([name])
    }
}
