//! How a command line says to whom the secrets of a package are sealed anew.

use std::path::{Path, PathBuf};

use weir_http_api::SealTo;
use weir_http_client::Client;
use weir_secrets::{Error, Keyring, PublicKey, Secret, import, read_private};

use super::exit::Reason;
use super::failure::Failure;
use super::hidden;
use crate::delivery::{self, Sealing};

#[derive(Debug, clap::Args)]
pub(crate) struct SealingArgs {
    /// Seal the secrets anew to this key, and to no others than are named so; may be repeated: a public key,
    /// or, where it goes to a cluster, the alias or fingerprint of a key there, or `current`. Without it they stay
    /// sealed as the project has them
    #[arg(long, value_name = "KEY")]
    seal_to: Vec<String>,
    /// A file with a private key that opens the secrets of the project; may be repeated. A configuration server
    /// has keys of its own
    #[arg(long, value_name = "FILE", requires = "seal_to")]
    open_with: Vec<PathBuf>,
    /// The passphrase that these files are under, if they are exported keys
    #[arg(long, value_name = "FILE", requires = "open_with")]
    passphrase_file: Option<PathBuf>,
}

/// The word for the key that is current in a cluster.
const CURRENT: &str = "current";

impl SealingArgs {
    /// For what is built on this machine. `client` asks the cluster that it goes to, if that is known.
    pub(crate) async fn read(
        &self,
        what: &str,
        client: Option<&Client>,
    ) -> Result<Sealing, Failure> {
        if !self.seal_to.is_empty() && self.open_with.is_empty() {
            let why = "nothing opens the secrets that are to be sealed anew";
            let failure = Failure::new(Reason::Usage, what, why);
            return Err(failure.with_hint("--open-with FILE, with a private key of the project"));
        }
        let mut to = Vec::new();
        for key in &self.seal_to {
            let public = match is_public(key) {
                true => key.clone(),
                false => at_cluster(key, what, client).await?,
            };
            let parsed = public.parse::<PublicKey>();
            to.push(parsed.map_err(|it: Error| Failure::of_secrets(what, &it))?);
        }
        Ok(Sealing { to, ring: self.keyring(what)? })
    }

    /// For what a configuration server builds.
    pub(crate) fn request(&self, what: &str) -> Result<Vec<SealTo>, Failure> {
        if !self.open_with.is_empty() {
            let why = "a private key stays on this machine, and the server has keys of its own";
            let failure = Failure::new(Reason::Usage, what, why);
            return Err(failure.with_hint(
                "leave out --open-with; the server's configuration names its keys in \
                 weir.config-server.project-keys",
            ));
        }
        let key = |it: &String| (it != CURRENT).then(|| it.clone());
        Ok(self.seal_to.iter().map(|it| SealTo { cluster: None, key: key(it) }).collect())
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

fn is_public(key: &str) -> bool {
    key.starts_with("age1")
}

/// The public key of a pair that the cluster has.
async fn at_cluster(key: &str, what: &str, client: Option<&Client>) -> Result<String, Failure> {
    let Some(client) = client else {
        let why = format!("no cluster is asked which key is {key:?}");
        let failure = Failure::new(Reason::Usage, what, why);
        return Err(failure.with_hint("name the public key, age1…: weir key list -o wide"));
    };
    let known = client.keys().await;
    let known = known.map_err(|it| Failure::of_client("can't list the keys of the cluster", it))?;
    let found = delivery::meant(&known.items, (key != CURRENT).then_some(key));
    found.map(|it| it.public.clone()).ok_or_else(|| {
        let why = format!("{key:?} is neither an alias nor a fingerprint of the cluster");
        Failure::new(Reason::Unknown, what, why).with_hint("weir key list")
    })
}

fn private_key(
    file: &Path,
    passphrase: Option<&Secret>,
) -> weir_secrets::Result<weir_secrets::PrivateKey> {
    import(&read_private(file)?, passphrase)
}
