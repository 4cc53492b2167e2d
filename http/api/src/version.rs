//! Which Weir answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
}
