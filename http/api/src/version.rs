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
