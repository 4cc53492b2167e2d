//! A key pair as it is stored, and as it is shown.

use serde::{Deserialize, Serialize};
use weir_domain::KeyFingerprint;
use weir_secrets::{PublicKey, Wrapped};

use super::Alias;
use crate::Author;

/// A pair that someone brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPair {
    pub alias: Alias,
    pub description: String,
    pub wrapped: Wrapped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyPair {
    pub alias: Alias,
    pub description: String,
    pub created: Author,
    /// Grows with every change of alias or description.
    pub revision: u64,
    pub(super) wrapped: Wrapped,
}

impl KeyPair {
    pub(super) fn new(pair: NewPair, created: Author) -> Self {
        let NewPair { alias, description, wrapped } = pair;
        Self { alias, description, created, revision: 1, wrapped }
    }

    pub(super) fn describe(&mut self, alias: Alias, description: String) {
        (self.alias, self.description) = (alias, description);
        self.revision += 1;
    }
}

/// What everybody may see of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairView {
    pub fingerprint: KeyFingerprint,
    pub public: PublicKey,
    pub alias: Alias,
    pub description: String,
    pub created: Author,
    pub revision: u64,
    pub is_current: bool,
    /// The master key that its private key is under.
    pub master: KeyFingerprint,
    /// What was stored under a former master key, or of deleted pairs, is still to be deleted.
    #[serde(default)]
    pub is_forgetting: bool,
}

impl super::Keys {
    /// All pairs, by fingerprint.
    pub fn pairs(&self) -> impl Iterator<Item = PairView> {
        self.pairs.iter().map(|(key, it)| PairView {
            fingerprint: *key,
            public: it.wrapped.public.clone(),
            alias: it.alias.clone(),
            description: it.description.clone(),
            created: it.created.clone(),
            revision: it.revision,
            is_current: self.current == Some(*key),
            master: it.wrapped.master(),
            is_forgetting: self.owes_forgetting,
        })
    }

    /// The private keys, wrapped: for the service alone.
    pub(super) fn wrapped(&self) -> impl Iterator<Item = (&KeyFingerprint, &Wrapped)> {
        self.pairs.iter().map(|(key, it)| (key, &it.wrapped))
    }
}
