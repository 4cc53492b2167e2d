//! How the configuration server reaches the remotes of projects.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Remotes {
    /// For a whole step.
    pub timeout: Millis,
    /// The longest time in which nothing comes or goes.
    pub silence: Millis,
    /// All that a remote may send in one step.
    pub max_received: Bytes,
    /// Authorities that are believed instead of those of the system.
    pub ca_file: Option<PathBuf>,
    /// The hosts that addresses may have; none: any, but for those that answer this machine alone.
    pub hosts: Vec<String>,
    /// Whether an address may be a directory of the server's machine.
    pub directories: bool,
}
