//! Who signs packages here, and whose are accepted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weir_domain::Digest;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Packages {
    /// None: one in the data directory, made when it is needed for the first time.
    pub signing_key: Option<PathBuf>,
    /// Public keys, which look like digests. The one of the signing key is trusted besides.
    pub trusted_signers: Vec<Digest>,
    pub accept_any_signer: bool,
}
