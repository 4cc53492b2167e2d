//! Who signs packages on this machine, and whose packages are accepted.
//!
//! The signing key is made from a secret in a file that its owner alone may read. It is read whenever
//! it is needed: a key that `weir build` makes while an engine runs is trusted at once.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use weir_conf::Settings;
use weir_controllers::deployments::Signers;
use weir_domain::{Digest, Fault};
use weir_package::{Signer, SignerKey, Trust};
use weir_secrets::{Error, Secret, random_secret, read_private, write_private};

use super::lock;

/// In the data directory, where none is named.
pub(super) const FILE: &str = "package-signing.key";
/// Shorter texts are no secrets of a machine.
const LENGTH_MIN: usize = 32;

#[derive(Debug, Clone)]
pub(crate) struct Signing {
    pub(crate) file: PathBuf,
    /// It is ours to make.
    is_own: bool,
    trusted: BTreeSet<SignerKey>,
    accepts_anyone: bool,
}

impl Signing {
    pub(crate) fn of(settings: &Settings, data_dir: &Path) -> Self {
        let packages = &settings.packages;
        let key =
            |it: &Digest| it.to_string().parse().expect("a public key is written as a digest is");
        Self {
            file: packages.signing_key.clone().unwrap_or_else(|| data_dir.join(FILE)),
            is_own: packages.signing_key.is_none(),
            trusted: packages.trusted_signers.iter().map(key).collect(),
            accepts_anyone: packages.accept_any_signer,
        }
    }

    /// The key to sign with, and whether it was made just now.
    pub(crate) fn signer(&self) -> Result<(Signer, bool), Fault> {
        if let Some(signer) = self.read()? {
            return Ok((signer, false));
        }
        if !self.is_own {
            let file = self.file.display();
            let message = format!("weir.packages.signing-key names {file}, which is not there");
            return Err(Fault::config(87, message).with_hint(
                "put the key there, or set it to null: then one is made in the data directory",
            ));
        }
        let made =
            |source| Fault::config(88, format!("{} can't be made: {source}", self.file.display()));
        if let Some(directory) = self.file.parent() {
            lock::make(directory).map_err(made)?;
        }
        match write_private(&self.file, &random_secret()) {
            // Whoever made it at the same time made the one that counts.
            Err(Error::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(|it| Fault::from(&it))?,
        }
        let signer = self.read()?;
        signer.map(|it| (it, true)).ok_or_else(|| made(ErrorKind::NotFound.into()))
    }

    fn read(&self) -> Result<Option<Signer>, Fault> {
        if !self.file.exists() {
            return Ok(None);
        }
        let secret = read_private(&self.file).map_err(|it| Fault::from(&it))?;
        of_secret(&secret).map(Some).ok_or_else(|| {
            let file = self.file.display();
            Fault::config(
                89,
                format!("{file} holds no signing key: it has less than {LENGTH_MIN} characters"),
            )
            .with_hint("remove the file: a new key is made, which clusters must be told to trust")
        })
    }
}

fn of_secret(secret: &Secret) -> Option<Signer> {
    let text = secret.expose().trim_ascii();
    (text.len() >= LENGTH_MIN).then(|| Signer::from_seed(Digest::of(text).as_bytes()))
}

/// Signs what nobody shall trust: the key is kept nowhere.
pub(crate) fn nobody() -> Signer {
    Signer::from_seed(Digest::of(random_secret().expose()).as_bytes())
}

impl Signers for Signing {
    fn trust(&self) -> Result<Trust, Fault> {
        if self.accepts_anyone {
            return Ok(Trust::Anyone);
        }
        let own = self.read()?.map(|it| it.key());
        Ok(Trust::Only(self.trusted.iter().copied().chain(own).collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn signing(directory: &Path) -> Signing {
        Signing::of(&Settings::load(None, &[]).expect("the defaults"), directory)
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_trusted() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let data_dir = directory.path().join("a/b");
        let signing = signing(&data_dir);
        assert_eq!(signing.trust().expect("nobody"), Trust::Only([].into()));
        let (signer, is_new) = signing.signer().expect("made");
        assert!(is_new);
        let mode = |it: &Path| std::fs::metadata(it).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&signing.file), mode(&data_dir)), (0o600, 0o700));
        let (again, is_new) = signing.signer().expect("read");
        assert_eq!((again.key(), is_new), (signer.key(), false));
        assert_eq!(signing.trust().expect("its own"), Trust::Only([signer.key()].into()));
        assert_ne!(nobody().key(), nobody().key());
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_none_is_refused() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let signing = signing(directory.path());
        write_private(&signing.file, &Secret::from("short".to_owned())).expect("written");
        let refused = signing.trust().expect_err("no key").to_string();
        assert!(refused.contains("holds no signing key"), "{refused}");
        std::fs::set_permissions(&signing.file, std::fs::Permissions::from_mode(0o644))
            .expect("set");
        assert!(signing.signer().is_err());
    }
}
