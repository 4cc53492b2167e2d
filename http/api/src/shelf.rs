//! Assets that one project takes from another one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::ProjectName;

use crate::schema;

/// An asset of another project is to be taken, with all that it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetTake {
    /// Whose asset it is.
    #[schema(value_type = schema::Name)]
    pub from: ProjectName,
    /// Its path there.
    pub asset: String,
    /// Other texts of the same kinds and names give way; otherwise nothing is taken where there is one.
    #[serde(default)]
    pub replace: bool,
}

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetTaken {
    /// The paths of assets that are new, or have another text now.
    pub written: Vec<String>,
    /// Those that were like this already.
    pub same: Vec<String>,
    /// What the texts name and what does not come along, as `env:NAME` and `sec:NAME`.
    pub needs: Vec<String>,
}

/// An asset of the same kind and name in another project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetCopy {
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    pub path: String,
    /// Its text is the same.
    pub same: bool,
    /// How many places of its project name it.
    pub usages: u32,
}
