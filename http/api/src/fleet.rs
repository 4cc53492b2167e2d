//! The clusters that a configuration server knows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{ClusterId, ClusterName, Timestamp, UserName};

use crate::schema;

/// A cluster, where it is reached, and how it was found last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cluster)]
pub struct FleetClusterView {
    #[schema(value_type = schema::Name)]
    pub name: ClusterName,
    /// Its engines, tried in this order.
    pub urls: Vec<String>,
    pub note: String,
    /// What is asked without the name of a cluster is asked of this one.
    pub is_default: bool,
    /// `null`: it is named by the server's configuration and can't be changed here.
    pub entry: Option<FleetEntryView>,
    /// Which cluster answers there; `null`: none has answered yet.
    #[schema(value_type = Option<schema::Id>)]
    pub id: Option<ClusterId>,
    /// `null`: it was not looked at yet.
    pub standing: Option<FleetStandingView>,
}

/// Who put it into the list, or changed it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClusterEntry)]
pub struct FleetEntryView {
    pub revision: u64,
    #[schema(value_type = schema::Timestamp)]
    pub changed_at: Timestamp,
    #[schema(value_type = schema::Name)]
    pub changed_by: UserName,
}

/// How a cluster was found when it was looked at last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClusterStanding)]
pub struct FleetStandingView {
    pub reachable: bool,
    /// Since when that is so.
    #[schema(value_type = schema::Timestamp)]
    pub since: Timestamp,
    /// When it was looked at last.
    #[schema(value_type = schema::Timestamp)]
    pub checked_at: Timestamp,
    /// What is wrong, where something is.
    pub cause: Option<String>,
    /// The engine that answered.
    pub engine: Option<String>,
    /// How long its answer took.
    pub answered_in_ms: Option<u64>,
    /// Of the engine that answered.
    pub version: Option<String>,
    pub nodes_up: Option<u32>,
    pub nodes: Option<u32>,
    /// Whether it takes this server's word for its users; `null`: not known.
    pub trusts: Option<bool>,
}

/// A cluster that is added to the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ClusterAdd)]
pub struct FleetAdd {
    #[schema(value_type = schema::Name)]
    pub name: ClusterName,
    /// Its engines, as `http://node-1:5842`, in the order in which they are tried.
    pub urls: Vec<String>,
    #[serde(default)]
    pub note: String,
    /// Which cluster is to answer there, as `weir version --remote` says at one of its engines; without it, the
    /// first one that answers is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Id>)]
    pub id: Option<ClusterId>,
}

/// What is said of a cluster from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ClusterSet)]
pub struct FleetSet {
    /// Its engines, as `http://node-1:5842`, in the order in which they are tried.
    pub urls: Vec<String>,
    #[serde(default)]
    pub note: String,
}

/// Who vouches for users of this server and signs its packages, and what is to be trusted for that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Issuer)]
pub struct IssuerView {
    #[schema(value_type = schema::Name)]
    pub name: ClusterName,
    /// The public key, 64 hexadecimal digits.
    pub key: String,
    /// The line for `weir.rest-server.trusted-servers` of the engines.
    pub setting: String,
    /// The public key of its packages, for `weir.packages.trusted-signers` of the engines: without it they refuse what
    /// it deploys. Absent: it can't be read, and nothing can be built; the log says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}
