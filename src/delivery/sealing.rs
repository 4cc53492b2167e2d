//! The secrets of a package: to which keys they are sealed, and sealing them anew to those of the
//! clusters that it is for.

use serde::Serialize;
use weir_domain::{AssetName, KeyFingerprint};
use weir_package::Parts;
use weir_secrets::{Error, Keyring, PublicKey, SealedSecret};

/// To whom secrets are sealed anew. To nobody: they stay as the project has them.
#[derive(Default)]
pub(crate) struct Sealing {
    pub(crate) to: Vec<PublicKey>,
    /// Opens the secrets of the project.
    pub(crate) ring: Keyring,
}

/// A secret that a package carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Carried {
    pub(crate) name: AssetName,
    pub(crate) keys: Vec<KeyFingerprint>,
}

impl Sealing {
    /// Seals what the package carries anew, if that is asked for; all of it, or nothing.
    pub(super) fn apply(&self, parts: &mut Parts) -> Result<Vec<Carried>, (AssetName, Box<Error>)> {
        let mut carried = Vec::new();
        for secret in &mut parts.secrets {
            let unfit = |it: Error| (secret.name.clone(), Box::new(it));
            let mut sealed = read(&secret.ciphertext).map_err(unfit)?;
            if !self.to.is_empty() {
                sealed = self.ring.reseal(&sealed, &self.to).map_err(unfit)?;
                secret.ciphertext = sealed.to_string().into();
            }
            carried.push(Carried { name: secret.name.clone(), keys: sealed.keys().to_vec() });
        }
        Ok(carried)
    }
}

fn read(ciphertext: &[u8]) -> weir_secrets::Result<SealedSecret> {
    std::str::from_utf8(ciphertext).unwrap_or_default().parse()
}
