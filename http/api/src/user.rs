//! Users, roles, tokens, sessions, and who one is oneself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{
    Claims, ClusterName, RoleName, Scope, SessionId, Timestamp, TokenId, UserClaim, UserName,
};

use crate::{Concealed, schema};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogIn {
    #[schema(value_type = schema::Name)]
    pub name: UserName,
    pub password: Concealed,
}

/// A session has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    #[schema(value_type = schema::Name)]
    pub user: UserName,
    /// What is shown from now on: `authorization: Bearer …`.
    pub token: Concealed,
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// Nothing is allowed before the password was changed.
    pub must_change: bool,
}

/// How people may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaysToLogIn {
    /// With a name and a password.
    pub password: bool,
    /// Whether somebody administers what answers: who finds nobody makes the first one, by `POST /set-up`.
    /// One of an earlier version does not say so, and has one.
    #[serde(default = "yes")]
    pub administrator: bool,
    /// What the provider is called that a browser may be led to, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

fn yes() -> bool {
    true
}

/// A log-in at the provider has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderBegun {
    /// Where the browser is to be led to.
    pub location: String,
}

/// What a browser came back with from the provider: `code`, or `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderFinish {
    pub state: Concealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Concealed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Who knows the password of a user, and says who that is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UserOrigin {
    /// Weir itself.
    #[default]
    Local,
    /// A directory.
    Ldap,
    /// A provider of OpenID Connect.
    Oidc,
}

/// Makes the first administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetUp {
    /// What the engine that hosts the users wrote to `set-up-secret` in its data directory.
    pub secret: Concealed,
    #[schema(value_type = schema::Name)]
    pub name: UserName,
    pub password: Concealed,
    #[serde(default)]
    pub profile: ProfileView,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Via {
    Session,
    Token,
    /// A configuration server vouches for its user.
    Voucher,
    /// With the token of the engine's configuration.
    ManagementToken,
    /// The request came from the engine's own machine, which is trusted.
    Machine,
    /// Not at all.
    Nothing,
}

/// Who the server takes one for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    #[schema(value_type = Option<schema::Name>)]
    pub user: Option<UserName>,
    pub via: Via,
    /// What may be done and where: claims, each `"everything"` or with its projects.
    #[schema(value_type = Object)]
    pub grants: Claims,
    /// What may be done at some clusters beside that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub at_clusters: BTreeMap<ClusterName, Claims>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub expires_at: Option<Timestamp>,
    pub must_change: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    pub current: Concealed,
    pub new: Concealed,
}

/// Somebody else's password: it must be changed at the next log-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordSet {
    pub password: Concealed,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[schema(as = Profile)]
pub struct ProfileView {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    #[schema(value_type = schema::Name)]
    pub name: UserName,
    pub enabled: bool,
    pub profile: ProfileView,
    #[schema(value_type = Vec<schema::Name>)]
    pub roles: BTreeSet<RoleName>,
    pub must_change: bool,
    /// When the password was set.
    #[schema(value_type = schema::Timestamp)]
    pub password_at: Timestamp,
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    #[schema(value_type = schema::Name)]
    pub created_by: UserName,
    /// Grows with every change; `if-match` takes it.
    pub revision: u64,
    #[schema(value_type = Option<schema::Timestamp>)]
    pub logged_in_at: Option<Timestamp>,
    /// Log-ins that failed since the last one that did not.
    pub failures: u32,
    /// Where the user is from.
    #[serde(default)]
    pub origin: UserOrigin,
    /// What groups there give, beside `roles`, which are given here.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Name>)]
    pub group_roles: BTreeSet<RoleName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserCreate {
    #[schema(value_type = schema::Name)]
    pub name: UserName,
    /// It must be changed at the first log-in.
    pub password: Concealed,
    #[serde(default)]
    #[schema(value_type = Vec<schema::Name>)]
    pub roles: BTreeSet<RoleName>,
    #[serde(default)]
    pub profile: ProfileView,
}

/// What is given is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct UserChange {
    pub enabled: Option<bool>,
    pub profile: Option<ProfileView>,
    #[schema(value_type = Option<Vec<schema::Name>>)]
    pub roles: Option<BTreeSet<RoleName>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role)]
pub struct RoleView {
    #[schema(value_type = schema::Name)]
    pub name: RoleName,
    pub description: String,
    #[schema(value_type = Vec<schema::UserClaim>)]
    pub claims: BTreeSet<UserClaim>,
    /// `everything`, or the projects or clusters that the claims hold for.
    #[schema(value_type = schema::Scope)]
    pub scope: Scope,
    /// 0: it is built in. Else it grows with every change; `if-match` takes it.
    pub revision: u64,
}

/// A role of one's own, as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleCreate {
    #[schema(value_type = schema::Name)]
    pub name: RoleName,
    #[serde(default)]
    pub description: String,
    #[schema(value_type = Vec<schema::UserClaim>)]
    pub claims: BTreeSet<UserClaim>,
    #[serde(default = "everything")]
    #[schema(value_type = schema::Scope)]
    pub scope: Scope,
}

/// As `RoleCreate`: the path has the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleChange {
    #[serde(default)]
    pub description: String,
    #[schema(value_type = Vec<schema::UserClaim>)]
    pub claims: BTreeSet<UserClaim>,
    #[serde(default = "everything")]
    #[schema(value_type = schema::Scope)]
    pub scope: Scope,
}

fn everything() -> Scope {
    Scope::Everything
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenView {
    #[schema(value_type = schema::Id)]
    pub id: TokenId,
    #[schema(value_type = schema::Name)]
    pub user: UserName,
    pub description: String,
    #[schema(value_type = Vec<schema::UserClaim>)]
    pub claims: BTreeSet<UserClaim>,
    #[schema(value_type = schema::Scope)]
    pub scope: Scope,
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    #[schema(value_type = schema::Timestamp)]
    pub created_at: Timestamp,
    /// To ten minutes.
    #[schema(value_type = Option<schema::Timestamp>)]
    pub used_at: Option<Timestamp>,
}

/// A token of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenCreate {
    #[serde(default)]
    pub description: String,
    #[schema(value_type = Vec<schema::UserClaim>)]
    pub claims: BTreeSet<UserClaim>,
    #[serde(default = "everything")]
    #[schema(value_type = schema::Scope)]
    pub scope: Scope,
    /// A year from now at most.
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenCreated {
    #[schema(value_type = schema::Id)]
    pub id: TokenId,
    /// Shown this once, and never again.
    pub token: Concealed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView {
    #[schema(value_type = schema::Id)]
    pub id: SessionId,
    #[schema(value_type = schema::Name)]
    pub user: UserName,
    /// The address that the user came from.
    pub from: String,
    #[schema(value_type = schema::Timestamp)]
    pub opened_at: Timestamp,
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
    /// It is the one that asks.
    #[serde(default)]
    pub current: bool,
}
