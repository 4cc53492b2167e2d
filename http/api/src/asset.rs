//! Assets of a project: what is read, what is written, and what becomes of two changes of one asset.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use weir_domain::Digest;

use crate::FindingView;

/// A file of a project that is an asset, or should be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetSummary {
    /// As seen from the project's directory, as `sources/orders.yaml`: this is how it is named in the API.
    pub path: String,
    /// As `Source`. Absent while that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Unique among the assets of its kind. Absent while it can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The digest of its text; `if-match` takes it. Absent while the file can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub etag: Option<Digest>,
    /// What is wrong with the file itself. What is wrong inside is found by validating the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
}

/// An asset with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetView {
    #[serde(flatten)]
    pub asset: AssetSummary,
    pub text: String,
}

/// An asset that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetWrite {
    /// The whole text of the file, 4 MiB at most.
    pub text: String,
}

/// Another name for an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetRename {
    pub name: String,
}

/// An asset that was renamed. A file that was called as its asset has another path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetRenamed {
    pub asset: AssetView,
    /// The paths of the assets that name it, and were changed as well.
    pub users: Vec<String>,
}

/// Where an asset is named by another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetUsage {
    /// The path of the asset that names it.
    pub path: String,
    pub kind: String,
    pub name: String,
    /// The path inside of that, as `spec.stages[2].source`.
    pub at: String,
    pub line: u32,
    pub column: u32,
    /// The macro that stands there, where values of environments make the name: such a name is not
    /// changed with the asset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// An asset with all that it has from those that it extends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetEffective {
    /// The names of the assets that it extends, the nearest first.
    pub extends: Vec<String>,
    pub spec: Value,
    /// Where every value of the spec was written.
    pub fields: Vec<AssetOrigin>,
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetOrigin {
    /// As `spec.stages[read].source`: entries of lists by their names.
    pub at: String,
    /// The path of the asset.
    pub path: String,
    pub line: u32,
    pub column: u32,
}

/// What a request was based on is not what is there: three texts of one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetConflict {
    pub path: String,
    /// What was read. Absent where that was nothing, or is not known any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What is there. Absent where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<AssetTheirs>,
    /// What was sent. Absent where it was to be deleted or renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yours: Option<String>,
    /// Both changes in one text, where no field was changed by both in different ways: to be sent with
    /// the etag of `theirs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<String>,
    /// The fields that were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<AssetField>,
}

/// What others have made of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetTheirs {
    #[schema(value_type = String)]
    pub etag: Digest,
    pub text: String,
}

/// A field that two changed in different ways. A value that is absent is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssetField {
    /// As `spec.stages[read].source`: entries of lists by their names.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yours: Option<Value>,
}

/// A project that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectCreate {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A directory of the server's machine that is to be taken in as a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectOpen {
    /// From the root of the server's file system.
    pub directory: String,
}

/// Another name for a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectRename {
    pub name: String,
}

/// What a project is sent as.
pub const ZIP: &str = "application/zip";

/// What is to become of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProjectImport {
    /// The name of the project, instead of the one that it has in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How a project is to go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProjectRemove {
    /// The project's name once more: its files are deleted as well. Without it they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_files_of: Option<String>,
}
