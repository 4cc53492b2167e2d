//! People whom somebody else knows: the directory, and the provider of log-ins.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weir_domain::{Millis, RoleName};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Users {
    pub ldap: Ldap,
    pub oidc: Oidc,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ldap {
    /// Empty: there is no directory.
    pub urls: Vec<String>,
    pub start_tls: bool,
    /// None: the authorities of the system.
    pub ca: Option<PathBuf>,
    pub bind_dn: String,
    pub bind_password_file: Option<PathBuf>,
    #[serde(deserialize_with = "super::empty_is_none")]
    pub bind_password_variable: Option<String>,
    pub base: String,
    pub scope: LdapScope,
    pub filter: String,
    pub name_attribute: String,
    #[serde(deserialize_with = "super::empty_is_none")]
    pub id_attribute: Option<String>,
    pub groups: Groups,
    pub roles: Vec<GroupRoles>,
    pub timeout: Millis,
    pub recheck_every: Millis,
}

impl Ldap {
    pub fn is_given(&self) -> bool {
        !self.urls.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LdapScope {
    Subtree,
    OneLevel,
}

/// Where the groups of somebody are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Groups {
    #[serde(deserialize_with = "super::empty_is_none")]
    pub attribute: Option<String>,
    #[serde(deserialize_with = "super::empty_is_none")]
    pub base: Option<String>,
    pub filter: String,
}

/// Who is in the group has the roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GroupRoles {
    pub group: String,
    pub roles: Vec<RoleName>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Oidc {
    /// None: there is no provider.
    #[serde(deserialize_with = "super::empty_is_none")]
    pub issuer: Option<String>,
    pub name: String,
    pub client_id: String,
    pub client_secret_file: Option<PathBuf>,
    #[serde(deserialize_with = "super::empty_is_none")]
    pub client_secret_variable: Option<String>,
    pub redirect_uri: String,
    pub ca: Option<PathBuf>,
    pub scopes: Vec<String>,
    pub name_claim: String,
    pub groups_claim: String,
    pub roles: Vec<GroupRoles>,
    pub algorithms: Vec<String>,
    pub timeout: Millis,
    pub session_max: Millis,
    pub token_trust: Millis,
}
