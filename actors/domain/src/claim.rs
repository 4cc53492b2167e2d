//! What a user may do: the claims, each documented in one place.
//!
//! Every route and command asks for exactly one of them. A claim of an item in work is something
//! else: see `ClaimId`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{ClusterName, ProjectName, did_you_mean};

macro_rules! claims {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// The right to do one kind of thing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        pub enum UserClaim {
            $(#[doc = $doc] #[schemars(rename = $text)] $name,)*
        }

        impl UserClaim {
            /// All of them, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// `noun:verb`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it lets a user do.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }
        }
    };
}

claims! {
    ClusterRead "cluster:read" "See nodes, members, controllers and their health";
    ClusterLog "cluster:log" "See what engines and the configuration server log";
    ClusterManage "cluster:manage" "Drain, undrain, shut down and remove nodes; move controllers";
    ProjectRead "project:read" "See the assets of projects on a configuration server";
    ProjectWrite "project:write" "Create, change, rename and delete projects and their assets on a configuration server";
    DeploymentRead "deployment:read" "See deployments, assignments and what each node runs";
    DeploymentWrite "deployment:write" "Create, upload and delete deployments";
    DeploymentActivate "deployment:activate" "Set the default, assign, canary and roll back";
    ScheduleRead "schedule:read" "See targets, limits, placements and why; preview changes";
    ScheduleWrite "schedule:write" "Change targets, weights and limits; rebalance";
    AccessRead "access:read" "See source items and resources";
    AccessManage "access:manage" "Reset items, give or deny clearance, revoke resources";
    WorkflowRead "workflow:read" "See workflows and their instances";
    WorkflowControl "workflow:control" "Shut down, terminate, abort and reset workflows; take, delete and restore savepoints";
    AlarmRead "alarm:read" "See alarms, those that have ended too";
    AlarmConfirm "alarm:confirm" "Confirm alarms";
    StreamRead "stream:read" "See streams, their counts and logs";
    StreamPause "stream:pause" "Pause and resume streams";
    StreamControl "stream:control" "Shut down, terminate and abort streams";
    StreamSniff "stream:sniff" "See records that pass a stage: payload data";
    StreamReveal "stream:reveal" "See records of dead letters as they are kept, values of secrets in them included";
    ServiceTest "service:test" "Test the services that workflows use";
    KeyRead "key:read" "See public keys, certificates and known hosts; seal secrets to them";
    KeyWrite "key:write" "Create, import, rotate and delete keys, certificates and known hosts";
    KeyExport "key:export" "Export private keys under a passphrase";
    UserRead "user:read" "See users, roles, tokens and sessions";
    UserWrite "user:write" "Create, change and delete users and roles; revoke tokens and sessions of others";
    ProfileWrite "profile:write" "Change one's own profile; create and revoke one's own tokens";
    AuditRead "audit:read" "See, verify and export the audit";
    AuditManage "audit:manage" "Seal and drop old entries of the audit";
}

impl fmt::Display for UserClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// There is no such claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no claim {given:?}{}", .meant.map_or_else(String::new, |it| format!(": did you mean {it}?")))]
pub struct UnknownClaim {
    given: String,
    meant: Option<&'static str>,
}

impl FromStr for UserClaim {
    type Err = UnknownClaim;

    fn from_str(text: &str) -> Result<Self, UnknownClaim> {
        let found = Self::ALL.iter().copied().find(|it| it.as_str() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.iter().map(|it| it.as_str());
            UnknownClaim {
                given: text.chars().take(80).collect(),
                meant: did_you_mean(text, names),
            }
        })
    }
}

impl Serialize for UserClaim {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for UserClaim {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What claims hold for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    Everything,
    /// These projects, their workflows and streams. What belongs to no project is outside.
    Projects(BTreeSet<ProjectName>),
    /// All that is in these clusters. What belongs to the configuration server itself is outside.
    Clusters(BTreeSet<ClusterName>),
}

/// Which of the projects of one place a claim holds for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    Everything,
    /// What belongs to no project is outside.
    Projects(BTreeSet<ProjectName>),
}

impl Extent {
    /// Whether it holds for what belongs to the project; `None`: to the place as a whole.
    pub fn covers(&self, project: Option<&ProjectName>) -> bool {
        match self {
            Self::Everything => true,
            Self::Projects(them) => project.is_some_and(|it| them.contains(it)),
        }
    }

    #[must_use]
    fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Projects(a), Self::Projects(b)) => Self::Projects(a | b),
            _ => Self::Everything,
        }
    }

    #[must_use]
    fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Everything, it) | (it, Self::Everything) => it.clone(),
            (Self::Projects(a), Self::Projects(b)) => Self::Projects(a & b),
        }
    }
}

/// Claims that hold in one place, each with its extent.
pub type Claims = BTreeMap<UserClaim, Extent>;

/// What somebody may do, and where: the union of all roles.
///
/// Invariant: a claim that is held at a cluster alone is wider there than what is held everywhere, or is
/// not held everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// As all grants were written before there were others.
    #[serde(flatten, deserialize_with = "known")]
    everywhere: Claims,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "known_at")]
    at: BTreeMap<ClusterName, Claims>,
}

/// An engine of a later version may know more claims. They allow nothing here, and are in nobody's way.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Claims, D::Error> {
    Ok(of_names(BTreeMap::deserialize(deserializer)?))
}

fn known_at<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ClusterName, Claims>, D::Error> {
    let all = BTreeMap::<ClusterName, _>::deserialize(deserializer)?;
    Ok(all.into_iter().map(|(cluster, it)| (cluster, of_names(it))).collect())
}

fn of_names(named: BTreeMap<String, Extent>) -> Claims {
    named.into_iter().filter_map(|(name, extent)| Some((name.parse().ok()?, extent))).collect()
}

impl Grants {
    pub fn add(&mut self, claims: impl IntoIterator<Item = UserClaim>, scope: &Scope) {
        let (extent, clusters) = match scope {
            Scope::Everything => (Extent::Everything, None),
            Scope::Projects(them) => (Extent::Projects(them.clone()), None),
            Scope::Clusters(them) => (Extent::Everything, Some(them)),
        };
        for claim in claims {
            match clusters {
                None => widen(&mut self.everywhere, claim, &extent),
                Some(clusters) => clusters.iter().for_each(|it| {
                    widen(self.at.entry(it.clone()).or_default(), claim, &extent);
                }),
            }
        }
        self.tidy();
    }

    /// In the place that judges, which is none of the clusters that are named.
    pub fn allows(&self, claim: UserClaim, project: Option<&ProjectName>) -> bool {
        self.everywhere.get(&claim).is_some_and(|it| it.covers(project))
    }

    /// Whether it is allowed somewhere, so that a list may be shown with what is covered.
    pub fn allows_somewhere(&self, claim: UserClaim) -> Option<&Extent> {
        self.everywhere.get(&claim)
    }

    /// What is allowed in one of the clusters: all of it is everywhere there.
    #[must_use]
    pub fn at(&self, cluster: &ClusterName) -> Self {
        let mut everywhere = self.everywhere.clone();
        for (claim, extent) in self.at.get(cluster).into_iter().flatten() {
            widen(&mut everywhere, *claim, extent);
        }
        Self { everywhere, at: BTreeMap::new() }
    }

    /// What both allow: a token never allows more than its user.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let places: BTreeSet<_> = self.at.keys().chain(other.at.keys()).collect();
        let at = places
            .into_iter()
            .map(|it| (it.clone(), common(&self.at(it).everywhere, &other.at(it).everywhere)));
        let at = at.collect();
        let mut both = Self { everywhere: common(&self.everywhere, &other.everywhere), at };
        both.tidy();
        both
    }

    /// What is allowed wherever one is.
    pub fn everywhere(&self) -> &Claims {
        &self.everywhere
    }

    /// What is allowed at some clusters beside that.
    pub fn at_clusters(&self) -> &BTreeMap<ClusterName, Claims> {
        &self.at
    }

    fn tidy(&mut self) {
        let everywhere = &self.everywhere;
        self.at.retain(|_, claims| {
            claims.retain(|claim, extent| match everywhere.get(claim) {
                Some(known) => known.union(extent) != *known,
                None => true,
            });
            !claims.is_empty()
        });
    }
}

fn widen(claims: &mut Claims, claim: UserClaim, extent: &Extent) {
    let wider = claims.get(&claim).map_or_else(|| extent.clone(), |it| it.union(extent));
    claims.insert(claim, wider);
}

fn common(one: &Claims, other: &Claims) -> Claims {
    let both = one
        .iter()
        .filter_map(|(claim, extent)| Some((*claim, extent.intersection(other.get(claim)?))));
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projects(names: &[&str]) -> Scope {
        Scope::Projects(names.iter().map(|it| it.parse().unwrap()).collect())
    }

    #[test]
    fn every_claim_has_one_name_that_reads_back() {
        let names: BTreeSet<_> = UserClaim::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(names.len(), UserClaim::ALL.len());
        assert!(UserClaim::ALL.iter().all(|it| it.as_str().parse() == Ok(*it)));
        let refused = "stream:snif".parse::<UserClaim>().unwrap_err().to_string();
        assert!(refused.contains("did you mean stream:sniff?"), "{refused}");
    }

    #[test]
    fn grants_are_the_union_of_roles_and_a_tokens_are_cut_to_its_users() {
        let (read, sniff) = (UserClaim::StreamRead, UserClaim::StreamSniff);
        let [a, b] = ["a", "b"].map(|it| it.parse::<ProjectName>().unwrap());
        let mut user = Grants::default();
        user.add([read], &projects(&["a"]));
        user.add([read, sniff], &projects(&["b"]));
        assert!(user.allows(read, Some(&a)) && user.allows(read, Some(&b)));
        assert!(!user.allows(sniff, Some(&a)) && !user.allows(read, None));

        let mut token = Grants::default();
        token.add([read, UserClaim::KeyExport], &Scope::Everything);
        let both = token.intersection(&user);
        assert!(both.allows(read, Some(&a)) && !both.allows(read, None));
        assert!(!both.allows(UserClaim::KeyExport, None) && !both.allows(sniff, Some(&b)));
    }

    #[test]
    fn what_holds_at_a_cluster_holds_there_alone() {
        let (read, sniff) = (UserClaim::StreamRead, UserClaim::StreamSniff);
        let [east, west] = ["east", "west"].map(|it| it.parse::<ClusterName>().unwrap());
        let a = "a".parse::<ProjectName>().unwrap();
        let mut user = Grants::default();
        user.add([read, sniff], &Scope::Clusters([east.clone()].into()));
        user.add([read], &projects(&["a"]));
        assert!(user.allows(read, Some(&a)) && !user.allows(read, None));
        assert!(!user.allows(sniff, Some(&a)));
        assert!(user.at(&east).allows(read, None) && user.at(&east).allows(sniff, None));
        assert!(!user.at(&west).allows(read, None) && !user.at(&west).allows(sniff, Some(&a)));

        let mut token = Grants::default();
        token.add([sniff], &projects(&["a"]));
        for both in [token.intersection(&user), user.intersection(&token)] {
            assert!(!both.allows(sniff, Some(&a)));
            assert!(both.at(&east).allows(sniff, Some(&a)) && !both.at(&east).allows(sniff, None));
            assert_eq!(both.at(&west), Grants::default());
        }
        let mut token = Grants::default();
        token.add([sniff, read], &Scope::Clusters([west].into()));
        let both = token.intersection(&user);
        assert_eq!(both.at(&east), Grants::default());
        assert!(!both.allows(read, Some(&a)));
        let written = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<Grants>(&written).unwrap(), user, "{written}");
        user.add([read, sniff], &Scope::Everything);
        let written = serde_json::to_string(&user).unwrap();
        assert_eq!(written, r#"{"stream:read":"everything","stream:sniff":"everything"}"#);
        assert!(user.at_clusters().is_empty(), "it adds nothing");
    }

    #[test]
    fn claims_of_a_later_version_allow_nothing_and_are_in_nobodys_way() {
        let text = r#"{"comet:steer":"everything","stream:read":"everything",
            "at":{"east":{"comet:see":"everything","stream:sniff":"everything"}}}"#;
        let east = "east".parse::<ClusterName>().unwrap();
        let read = serde_json::from_str::<Grants>(text).unwrap();
        let mut wanted = Grants::default();
        wanted.add([UserClaim::StreamRead], &Scope::Everything);
        wanted.add([UserClaim::StreamSniff], &Scope::Clusters([east].into()));
        assert_eq!(read, wanted);
    }
}
