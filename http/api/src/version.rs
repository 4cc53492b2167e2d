//! Which Weir answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{ClusterId, ClusterName};

use crate::schema;

/// Which server answers, and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Version)]
pub struct VersionView {
    /// `reactive-engine` or `config-server`.
    pub server: String,
    pub version: String,
    /// The newest version of the REST API that it speaks.
    pub api: String,
    /// The cluster that the server belongs to. A configuration server belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterIdentity>,
    /// How long what is sent to it may be. An older server says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsView>,
}

/// How long bodies may be that a server takes: a longer one is refused with 413.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Limits)]
pub struct LimitsView {
    /// Of a command.
    pub body_bytes: u64,
    /// Of a package that is uploaded through this server.
    pub upload_bytes: u64,
    /// Of an archive that a project is imported from. Only a configuration server imports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_bytes: Option<u64>,
    /// Of samples for a run or for finding a format, as they are sent: in base64, all together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_bytes: Option<u64>,
}

/// A cluster, as nobody mistakes it for another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterIdentity {
    #[schema(value_type = schema::Id)]
    pub id: ClusterId,
    #[schema(value_type = schema::Name)]
    pub name: ClusterName,
}
