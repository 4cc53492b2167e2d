//! The secrets of a package: to which keys they are sealed, and sealing them anew to those of the
//! clusters that it is for.

use std::path::{Path, PathBuf};

use serde::Serialize;
use weir_domain::{AssetName, KeyFingerprint};
use weir_package::Parts;
use weir_secrets::{Error, Keyring, PublicKey, SealedSecret, Secret, import, read_private};

use super::failure::Failure;
use super::hidden;

#[derive(Debug, clap::Args)]
pub(crate) struct Sealing {
    /// Seal the secrets to this public key of a cluster, and to no others than are named so; may be
    /// repeated. Without it they stay sealed as the project has them
    #[arg(long, value_name = "age1…", requires = "open_with")]
    seal_to: Vec<String>,
    /// A file with a private key that opens the secrets of the project; may be repeated
    #[arg(long, value_name = "FILE", requires = "seal_to")]
    open_with: Vec<PathBuf>,
    /// The passphrase that these files are under, if they are exported keys
    #[arg(long, value_name = "FILE", requires = "open_with")]
    passphrase_file: Option<PathBuf>,
}

/// A secret that a package carries.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Carried {
    pub(crate) name: AssetName,
    pub(crate) keys: Vec<KeyFingerprint>,
}

impl Sealing {
    /// Seals what the package carries anew, if that is asked for; all of it, or nothing.
    pub(crate) fn apply(&self, parts: &mut Parts, what: &str) -> Result<Vec<Carried>, Failure> {
        let unfit = |name: &AssetName, error: &Error| {
            Failure::of_secrets(format!("{what}: secret {name}"), error)
        };
        let to: Result<Vec<PublicKey>, _> = self.seal_to.iter().map(|it| it.parse()).collect();
        let to = to.map_err(|it: Error| Failure::of_secrets(what, &it))?;
        let ring = self.keyring(what)?;
        let mut carried = Vec::new();
        for secret in &mut parts.secrets {
            let mut sealed = read(&secret.ciphertext).map_err(|it| unfit(&secret.name, &it))?;
            if !to.is_empty() {
                sealed = ring.reseal(&sealed, &to).map_err(|it| unfit(&secret.name, &it))?;
                secret.ciphertext = sealed.to_string().into();
            }
            carried.push(Carried { name: secret.name.clone(), keys: sealed.keys().to_vec() });
        }
        Ok(carried)
    }

    fn keyring(&self, what: &str) -> Result<Keyring, Failure> {
        let passphrase = match &self.passphrase_file {
            Some(file) => {
                let text = hidden::line("passphrase", Some(file.as_path()))?;
                Some(Secret::from(text.expose().to_owned()))
            }
            None => None,
        };
        let key = |file: &PathBuf| private_key(file, passphrase.as_ref());
        let keys: Result<Vec<_>, _> = self.open_with.iter().map(key).collect();
        let keys = keys.map_err(|it| Failure::of_secrets(what, &it))?;
        Ok(keys.into_iter().collect())
    }
}

fn private_key(
    file: &Path,
    passphrase: Option<&Secret>,
) -> weir_secrets::Result<weir_secrets::PrivateKey> {
    import(&read_private(file)?, passphrase)
}

fn read(ciphertext: &[u8]) -> weir_secrets::Result<SealedSecret> {
    std::str::from_utf8(ciphertext).unwrap_or_default().parse()
}
