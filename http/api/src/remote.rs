//! Other repositories that the versions of a project are exchanged with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Concealed, MergeView, ProjectSummary};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Remote)]
pub struct RemoteView {
    pub name: String,
    /// What another program left in it of credentials is covered.
    pub address: String,
    /// Whether the server keeps credentials for it. They are never shown.
    pub has_credentials: bool,
    /// Whose they are, if they are no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoteAdd {
    pub name: String,
    /// `https://host/path`.
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<RemoteCredentials>,
}

/// What a remote is shown. The server keeps it sealed, and sends it to the remote's address alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoteCredentials {
    /// Without it the secret is a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A password or a token.
    pub secret: Concealed,
}

/// The same for a remote that there is: whoever leads it elsewhere meanwhile gets nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressedCredentials {
    /// Where they may be sent: the address of the remote, as it was shown.
    pub address: String,
    /// Without it the secret is a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A password or a token.
    pub secret: Concealed,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemotePull {
    /// Of the remote; without it the one that is called as the project's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The author's address, as Git wants one, if there is something to merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemotePush {
    /// Of the project; without it the one that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// A project that is to be made of what a remote has. It keeps its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectClone {
    /// `https://host/path`.
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<RemoteCredentials>,
}

/// A branch of a remote that is not where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchedBranch {
    pub branch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Absent: the remote has it no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The result of the operation `fetch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    pub branches: Vec<FetchedBranch>,
}

/// The result of the operation `pull`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pulled {
    pub branches: Vec<FetchedBranch>,
    /// Conflicts are decided by merging this branch.
    pub branch: String,
    pub merge: MergeView,
}

/// The result of the operation `push`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pushed {
    pub remote: String,
    pub branch: String,
    pub version: String,
}

/// The result of the operation `clone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cloned {
    pub project: ProjectSummary,
}
