//! The private keys at hand, found by the fingerprint that a secret names.

use std::collections::BTreeMap;

use weir_domain::KeyFingerprint;

use crate::{Error, PrivateKey, PublicKey, Result, SealedSecret, Secret};

/// Private keys by fingerprint.
#[derive(Debug, Default)]
pub struct Keyring(BTreeMap<KeyFingerprint, PrivateKey>);

impl Keyring {
    pub fn insert(&mut self, key: PrivateKey) {
        self.0.insert(key.fingerprint(), key);
    }

    pub fn contains(&self, key: &KeyFingerprint) -> bool {
        self.0.contains_key(key)
    }

    /// Opens a secret with whichever of its keys is here; one that is not here is named.
    pub fn open(&self, secret: &SealedSecret) -> Result<Secret> {
        secret.open(self.key_of(secret)?)
    }

    fn key_of(&self, secret: &SealedSecret) -> Result<&PrivateKey> {
        let key = secret.keys().iter().find_map(|it| self.0.get(it));
        key.ok_or_else(|| Error::MissingKey(secret.keys().to_vec()))
    }

    /// Seals what a secret holds to other keys, and to these only, with whichever of its keys is here;
    /// one that is not here is named.
    pub fn reseal(&self, secret: &SealedSecret, to: &[PublicKey]) -> Result<SealedSecret> {
        secret.reseal(self.key_of(secret)?, to)
    }
}

impl FromIterator<PrivateKey> for Keyring {
    fn from_iter<T: IntoIterator<Item = PrivateKey>>(keys: T) -> Self {
        let mut ring = Self::default();
        keys.into_iter().for_each(|it| ring.insert(it));
        ring
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Binding;

    #[test]
    fn a_secret_sealed_again_is_for_its_targets_and_no_longer_for_the_first_key() {
        let [z, x, y] = std::array::from_fn(|_| PrivateKey::generate());
        let value = Secret::from("hunter2".to_owned());
        let binding = Binding { project: "p".parse().unwrap(), name: "n".parse().unwrap() };
        let of_z = SealedSecret::seal(&value, binding, &[z.public()]).unwrap();
        let ring = Keyring::from_iter([z.clone()]);
        let resealed = ring.reseal(&of_z, &[x.public(), y.public()]).unwrap();
        assert_eq!(resealed.open(&x).unwrap(), value);
        assert_eq!(resealed.open(&y).unwrap(), value);
        assert_eq!(ring.open(&of_z).unwrap(), value);
        assert!(matches!(ring.open(&resealed), Err(Error::MissingKey(it)) if it.len() == 2));
        let back = ring.reseal(&resealed, &[z.public()]);
        assert!(matches!(back, Err(Error::MissingKey(it)) if it.len() == 2));
        let without = Keyring::from_iter([x]).reseal(&of_z, &[y.public()]).unwrap_err();
        assert!(matches!(without, Error::MissingKey(it) if it == [z.fingerprint()]));
    }
}
