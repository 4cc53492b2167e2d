//! Certificates for a cluster of one's own.

use std::path::{Path, PathBuf};

use weir_domain::{Clock as _, Fault, FaultKind};
use weir_remote::certs::{self, Existing};
use weir_runtime::SystemClock;

use super::refusal;

/// The files of an authority and of its hosts.
pub(crate) struct Made {
    pub(crate) written: Vec<PathBuf>,
    /// They were there before.
    pub(crate) kept: Vec<PathBuf>,
}

pub(crate) fn dev(dir: &Path, hosts: &[String], overwrite: bool) -> Result<Made, Fault> {
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    match certs::dev(dir, hosts, existing, SystemClock.now()) {
        Ok(certs::Made { written, kept }) => Ok(Made { written, kept }),
        Err(error) => {
            let kind = match &error {
                certs::Error::File { .. } => FaultKind::Transient,
                certs::Error::HalfAnAuthority { .. }
                | certs::Error::Host { .. }
                | certs::Error::Certificate { .. } => FaultKind::Config,
            };
            Err(Fault::new(kind, 65, refusal::chain(&error)))
        }
    }
}
