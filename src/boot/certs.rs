//! Certificates for a cluster of one's own.

use std::io::ErrorKind;
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

/// Why there are none.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) fault: Fault,
    /// What the operating system says of a file, where that is the cause.
    pub(crate) file: Option<ErrorKind>,
}

pub(crate) fn dev(dir: &Path, hosts: &[String], overwrite: bool) -> Result<Made, Refused> {
    let existing = if overwrite { Existing::Replace } else { Existing::Keep };
    match certs::dev(dir, hosts, existing, SystemClock.now()) {
        Ok(certs::Made { written, kept }) => Ok(Made { written, kept }),
        Err(error) => {
            let (kind, file) = match &error {
                certs::Error::File { source, .. } => (FaultKind::Transient, Some(source.kind())),
                certs::Error::HalfAnAuthority { .. }
                | certs::Error::Host { .. }
                | certs::Error::Certificate { .. } => (FaultKind::Config, None),
            };
            Err(Refused { fault: Fault::new(kind, 65, refusal::chain(&error)), file })
        }
    }
}
