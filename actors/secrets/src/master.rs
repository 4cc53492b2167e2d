//! The master key: what private keys are stored under.
//!
//! It is a key pair like all others, and a private key at rest is a secret that is sealed to it.
//! So a stored key names the master key that it is under, and a rotation seals the stored keys
//! anew and touches no secret.

use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_domain::KeyFingerprint;

use crate::{
    Error, PrivateKey, PublicKey, Result, Sealed, Secret, export, import, read_private,
    write_private,
};

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum MasterSource {
    /// A file with mode 0600.
    File(PathBuf),
    /// The same, under a passphrase, which stands in a file of its own (mode 0600).
    ProtectedFile { path: PathBuf, passphrase: PathBuf },
    /// A variable of the process's environment.
    Environment(String),
}

#[derive(Debug, Clone)]
pub struct MasterKey(PrivateKey);

impl MasterKey {
    pub fn generate() -> Self {
        Self(PrivateKey::generate())
    }

    pub fn load(source: &MasterSource) -> Result<Self> {
        match source {
            MasterSource::File(path) => Self::parse(&read_private(path)?, None),
            MasterSource::ProtectedFile { path, passphrase } => {
                let passphrase = first_line(&read_private(passphrase)?);
                Self::parse(&read_private(path)?, Some(&passphrase))
            }
            MasterSource::Environment(name) => {
                let text = env::var(name).map_err(|_| Error::NoVariable(name.clone()))?;
                Self::parse(&Secret::from(text), None)
            }
        }
    }

    /// Reads it from the file, or makes one there. For an engine that is alone: of a cluster's, each
    /// would make its own.
    pub fn load_or_make(path: &Path) -> Result<Self> {
        if !path.exists() {
            match Self::generate().save(path, None) {
                Err(Error::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        Self::load(&MasterSource::File(path.into()))
    }

    /// Reads it as private keys are imported.
    pub fn parse(text: &Secret, passphrase: Option<&Secret>) -> Result<Self> {
        import(text, passphrase).map(Self)
    }

    /// Writes it to a new file that its owner alone may read, under a passphrase if there is one.
    pub fn save(&self, path: &Path, passphrase: Option<&Secret>) -> Result<()> {
        let text = match passphrase {
            Some(passphrase) => Secret::from(export(&self.0, passphrase)?),
            None => self.0.to_text(),
        };
        write_private(path, &text)
    }

    pub fn fingerprint(&self) -> KeyFingerprint {
        self.0.fingerprint()
    }

    pub fn wrap(&self, key: &PrivateKey) -> Wrapped {
        let sealed = Sealed::seal(&key.to_text(), &[self.0.public()]);
        Wrapped { public: key.public(), sealed: sealed.expect("it is sealed to one key") }
    }

    pub fn unwrap(&self, wrapped: &Wrapped) -> Result<PrivateKey> {
        let text = wrapped.sealed.open(&self.0).map_err(|error| match error {
            Error::MissingKey(_) => Error::WrongMaster {
                key: wrapped.public.fingerprint(),
                under: wrapped.master(),
                given: self.fingerprint(),
            },
            other => other,
        })?;
        let key = PrivateKey::parse(&text)?;
        match key.public() == wrapped.public {
            true => Ok(key),
            false => Err(Error::Mismatch(wrapped.public.fingerprint())),
        }
    }

    /// Puts a stored key under another master key.
    pub fn rewrap(&self, wrapped: &Wrapped, under: &MasterKey) -> Result<Wrapped> {
        Ok(under.wrap(&self.unwrap(wrapped)?))
    }
}

/// Editors end a file with a line break that nobody means.
fn first_line(text: &Secret) -> Secret {
    let line = text.expose().split(|it| *it == b'\n').next().unwrap_or_default();
    Secret::new(line.trim_ascii_end().to_vec())
}

/// A key pair at rest: its private key sealed to the master key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    pub public: PublicKey,
    sealed: Sealed,
}

impl Wrapped {
    /// The master key that it is under.
    pub fn master(&self) -> KeyFingerprint {
        self.sealed.keys()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_reads_back_and_holds_no_clear_key() {
        let (master, key) = (MasterKey::generate(), PrivateKey::generate());
        let stored = serde_json::to_string(&master.wrap(&key)).unwrap();
        assert!(!stored.contains("AGE-SECRET-KEY"), "{stored}");
        let wrapped: Wrapped = serde_json::from_str(&stored).unwrap();
        assert_eq!(wrapped.master(), master.fingerprint());
        assert_eq!(master.unwrap(&wrapped).unwrap().public(), key.public());
    }

    #[test]
    fn another_master_key_is_refused_and_both_are_named() {
        let (master, other) = (MasterKey::generate(), MasterKey::generate());
        let refused = other.unwrap(&master.wrap(&PrivateKey::generate())).unwrap_err().to_string();
        for named in [&master, &other] {
            assert!(refused.contains(&named.fingerprint().short()), "{refused}");
        }
    }

    #[test]
    fn a_rotation_leaves_the_old_master_key_nothing() {
        let (old, new, key) =
            (MasterKey::generate(), MasterKey::generate(), PrivateKey::generate());
        let value = Secret::from("hunter2".to_owned());
        let sealed = Sealed::seal(&value, &[key.public()]).unwrap();
        let rewrapped = old.rewrap(&old.wrap(&key), &new).unwrap();
        assert!(matches!(old.unwrap(&rewrapped), Err(Error::WrongMaster { .. })));
        assert_eq!(sealed.open(&new.unwrap(&rewrapped).unwrap()).unwrap(), value);
    }

    #[test]
    fn a_private_key_under_another_public_key_is_refused() {
        let (master, key) = (MasterKey::generate(), PrivateKey::generate());
        let mut wrapped = master.wrap(&key);
        wrapped.public = PrivateKey::generate().public();
        let fingerprint = wrapped.public.fingerprint();
        assert!(matches!(master.unwrap(&wrapped), Err(Error::Mismatch(it)) if it == fingerprint));
    }

    #[test]
    fn the_master_key_comes_from_a_file_with_or_without_a_passphrase() {
        let dir = tempfile::tempdir().unwrap();
        let (master, path) = (MasterKey::generate(), dir.path().join("master.key"));
        master.save(&path, None).unwrap();
        let loaded = MasterKey::load(&MasterSource::File(path)).unwrap();
        assert_eq!(loaded.fingerprint(), master.fingerprint());

        let (path, passphrase) = (dir.path().join("protected"), dir.path().join("passphrase"));
        master.save(&path, Some(&Secret::from("correct horse battery".to_owned()))).unwrap();
        write_private(&passphrase, &Secret::from("correct horse battery\n".to_owned())).unwrap();
        let refused = MasterKey::load(&MasterSource::File(path.clone()));
        assert!(matches!(refused, Err(Error::PassphraseNeeded)), "{refused:?}");
        let loaded = MasterKey::load(&MasterSource::ProtectedFile { path, passphrase }).unwrap();
        assert_eq!(loaded.fingerprint(), master.fingerprint());
    }

    #[test]
    fn an_engine_that_is_alone_makes_its_master_key_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let made = MasterKey::load_or_make(&path).unwrap();
        let long_ago = std::time::UNIX_EPOCH;
        let opened = std::fs::File::open(dir.path()).unwrap();
        opened.set_modified(long_ago).unwrap();
        assert_eq!(MasterKey::load_or_make(&path).unwrap().fingerprint(), made.fingerprint());
        let changed = opened.metadata().unwrap().modified().unwrap();
        assert_eq!(changed, long_ago, "nothing is written beside a key that is there");
        let nowhere = MasterKey::load_or_make(&dir.path().join("no/such/directory"));
        assert!(matches!(nowhere, Err(Error::File { action: "written", .. })), "{nowhere:?}");
    }

    #[test]
    fn a_variable_that_is_not_set_or_holds_no_key_is_refused_by_name_or_kind() {
        let load = |name: &str| MasterKey::load(&MasterSource::Environment(name.into()));
        let refused = load("WEIR_NO_SUCH_KEY").unwrap_err();
        assert!(refused.to_string().contains("WEIR_NO_SUCH_KEY"), "{refused}");
        assert!(matches!(load("PATH"), Err(Error::NotAKey { .. })));
    }
}
