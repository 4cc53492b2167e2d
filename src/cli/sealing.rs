//! How a command line says to whom the secrets of a package are sealed anew.

use std::path::{Path, PathBuf};

use weir_secrets::{Error, Keyring, PublicKey, Secret, import, read_private};

use super::failure::Failure;
use super::hidden;
use crate::delivery::Sealing;

#[derive(Debug, clap::Args)]
pub(crate) struct SealingArgs {
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

impl SealingArgs {
    pub(crate) fn read(&self, what: &str) -> Result<Sealing, Failure> {
        let to: Result<Vec<PublicKey>, _> = self.seal_to.iter().map(|it| it.parse()).collect();
        let to = to.map_err(|it: Error| Failure::of_secrets(what, &it))?;
        Ok(Sealing { to, ring: self.keyring(what)? })
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
