//! Where live workflows keep their checkpoints, and sinks what they are about to publish.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::empty_is_none;
use crate::Secret;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointStore {
    #[serde(rename = "type")]
    pub kind: CheckpointStoreKind,
    /// For the type `directory`.
    #[serde(deserialize_with = "empty_is_none")]
    pub directory: Option<PathBuf>,
    pub s3: CheckpointS3,
    pub gcs: CheckpointGcs,
    pub azure: CheckpointAzure,
    /// The place that this one takes over from, as a refusal names it.
    #[serde(deserialize_with = "empty_is_none")]
    pub replaces: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointStoreKind {
    Database,
    Directory,
    S3,
    Gcs,
    Azure,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointS3 {
    pub bucket: String,
    pub prefix: String,
    #[serde(deserialize_with = "empty_is_none")]
    pub region: Option<String>,
    #[serde(deserialize_with = "empty_is_none")]
    pub endpoint: Option<String>,
    #[serde(deserialize_with = "empty_is_none")]
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Secret>,
    pub session_token: Option<Secret>,
    pub virtual_hosted: bool,
    pub allow_http: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointGcs {
    pub bucket: String,
    pub prefix: String,
    /// A file with the key of a service account, as JSON.
    #[serde(deserialize_with = "empty_is_none")]
    pub service_account_key_file: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CheckpointAzure {
    pub account: String,
    pub container: String,
    pub prefix: String,
    #[serde(deserialize_with = "empty_is_none")]
    pub endpoint: Option<String>,
    pub access_key: Option<Secret>,
    pub allow_http: bool,
}
