//! Where the master key is, which the cluster's private keys are stored under.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Secrets {
    pub master_key: MasterKey,
    /// Files of the master keys before it, while a rotation is under way.
    pub former_master_keys: Vec<PathBuf>,
}

/// One place, or none: then an engine that is alone makes its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MasterKey {
    pub file: Option<PathBuf>,
    /// A file with the passphrase that `file` is under.
    pub passphrase_file: Option<PathBuf>,
    /// A variable of the environment instead of a file.
    #[serde(deserialize_with = "super::empty_is_none")]
    pub variable: Option<String>,
}

impl MasterKey {
    pub fn is_given(&self) -> bool {
        self.file.is_some() || self.variable.is_some()
    }
}
