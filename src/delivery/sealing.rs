//! The secrets of a package: to which keys they are sealed, and sealing them anew to those of the
//! clusters that it is for.

use serde::Serialize;
use weir_domain::{AssetName, KeyFingerprint};
use weir_http_api::KeyView;
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

/// The pair of a cluster that is meant, by its alias, its fingerprint or its public key; without any of
/// them, the one that is current.
pub(crate) fn meant<'k>(known: &'k [KeyView], key: Option<&str>) -> Option<&'k KeyView> {
    let is_meant = |it: &&KeyView| match key {
        Some(key) => it.alias == key || it.fingerprint.to_string() == key || it.public == key,
        None => it.current,
    };
    known.iter().find(is_meant)
}

fn read(ciphertext: &[u8]) -> weir_secrets::Result<SealedSecret> {
    std::str::from_utf8(ciphertext).unwrap_or_default().parse()
}
