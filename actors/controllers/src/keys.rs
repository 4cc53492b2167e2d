//! Key Storage: the cluster's key pairs, and whom it trusts.
//!
//! Invariants:
//! - Y1: a private key is in events and snapshots only under the master key.
//! - Y2: an alias belongs to one key pair, one certificate and one host at most.
//! - Y3: the current key is one that is stored, and is never deleted.
//! - Y4: a key that an identity is sealed to is not deleted.
//! - Y7: once a rotation of the master key is through, nothing is stored under a former one: what was
//!   stored before it is deleted.
//!
//! Nothing here has a clear key: the service makes, opens and wraps them, and what it made comes as
//! fields of a command. Secrets are not stored here: they live where they are used.

mod alias;
mod changes;
mod forgetting;
mod handle;
mod pair;
mod protocol;
mod service;
mod trust;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::KeyFingerprint;
use weir_persistence_api::Tag;
use weir_runtime::{Decision, EventSourced, Form};
use weir_secrets::Wrapped;

use changes::{free, there};

pub use crate::Author;
pub use alias::{Alias, InvalidAlias};
pub use handle::{Failure, KeyStorage};
pub use pair::{KeyPair, NewPair, PairView};
pub use protocol::{Listing, Request, Response};
pub use service::{EXPIRES_SOON, KeyService, KeySingleton, Masters};
pub use trust::{Certificate, Expiry, HostLine, Identity, KnownHost, NotTrusted, Trusted};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "key-storage";

#[derive(Debug)]
pub enum Command {
    /// A new pair. The first one is current.
    Create {
        pair: NewPair,
        author: Author,
    },
    /// A pair from elsewhere. If its alias is taken, it gets a number.
    Import {
        pair: NewPair,
        author: Author,
    },
    /// A new pair that is current from now on. The former ones still open what is sealed to them.
    Rotate {
        pair: NewPair,
        expected: Option<KeyFingerprint>,
        author: Author,
    },
    /// Makes a stored pair the current one.
    Choose {
        key: KeyFingerprint,
        expected: Option<KeyFingerprint>,
        author: Author,
    },
    Describe {
        key: KeyFingerprint,
        alias: Alias,
        description: String,
        expected: Option<u64>,
        author: Author,
    },
    Delete {
        key: KeyFingerprint,
        expected: Option<u64>,
        author: Author,
    },
    /// The same private keys under another master key.
    Rewrap {
        wrapped: Vec<Wrapped>,
        author: Author,
    },
    AddCertificate {
        certificate: Certificate,
        author: Author,
    },
    DeleteCertificate {
        alias: Alias,
        author: Author,
    },
    /// What was stored before the keys were restated for the time of that number is deleted.
    ConfirmForgotten {
        restated: u64,
    },
    AddHost {
        host: KnownHost,
        author: Author,
    },
    DeleteHost {
        alias: Alias,
        author: Author,
    },
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Created {
        pair: NewPair,
        author: Author,
    },
    Imported {
        pair: NewPair,
        author: Author,
    },
    Chosen {
        key: KeyFingerprint,
        author: Author,
    },
    Described {
        key: KeyFingerprint,
        alias: Alias,
        description: String,
        author: Author,
    },
    Deleted {
        key: KeyFingerprint,
        author: Author,
    },
    Rewrapped {
        wrapped: Vec<Wrapped>,
        author: Author,
    },
    CertificateAdded {
        certificate: Certificate,
        author: Author,
    },
    CertificateDeleted {
        alias: Alias,
        author: Author,
    },
    HostAdded {
        host: KnownHost,
        author: Author,
    },
    HostDeleted {
        alias: Alias,
        author: Author,
    },
    /// All there is, so that nothing before it is needed: the form of the state is that of an event.
    Restated {
        keys: Box<Keys>,
        author: Author,
    },
    /// What was before the last `Restated` is deleted.
    Forgotten,
}

/// What is owed to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// That what was stored before the keys were restated is deleted. The number says which time that
    /// was: what is owed after another one is another effect.
    Forget { restated: u64 },
}

/// By which events are found that restate all.
pub(crate) const RESTATED: &str = "key-storage.restated";

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("there is no key with fingerprint {0}: list the keys to see which there are")]
    Unknown(KeyFingerprint),
    #[error("the alias {0} is taken: choose another one")]
    AliasTaken(Alias),
    #[error("the key {} is stored already, as {alias}", key.short())]
    Known { key: KeyFingerprint, alias: Alias },
    #[error(
        "the key {alias} was changed since it was read: it has revision {actual}, not {expected}; read it again"
    )]
    Changed { alias: Alias, expected: u64, actual: u64 },
    #[error("the current key is another one by now: {}", .0.map_or_else(|| "none".into(), |it| it.short()))]
    CurrentChanged(Option<KeyFingerprint>),
    #[error(
        "{0} is the current key, which new secrets are sealed to: make another one current first"
    )]
    IsCurrent(Alias),
    #[error("the key {key} can't be deleted: the identity {identity} is sealed to it")]
    InUse { key: Alias, identity: Alias },
    #[error("more passphrases are being tried than can be: try again in a second")]
    Busy,
    #[error(
        "the key that this command brought when it was carried out before was another one, or is deleted: \
         send it under another idempotency key to store this one"
    )]
    BroughtAnother,
    #[error("the keys changed while the master key was rotated: do it again")]
    NotAll,
    #[error("there is nothing with the alias {0}")]
    UnknownAlias(Alias),
    #[error(transparent)]
    TooLong(#[from] crate::TooLong),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Keys {
    pairs: BTreeMap<KeyFingerprint, KeyPair>,
    current: Option<KeyFingerprint>,
    certificates: BTreeMap<Alias, Trusted<Certificate>>,
    hosts: BTreeMap<Alias, Trusted<KnownHost>>,
    /// The last change restated all.
    #[serde(default)]
    is_restated: bool,
    /// How often all was restated.
    #[serde(default)]
    restated: u64,
    /// What was stored before they were restated is still to be deleted.
    #[serde(default)]
    owes_forgetting: bool,
}

impl EventSourced for Keys {
    type Command = Command;
    type Event = Event;
    type Effect = Effect;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("keys.event", 1);
    const STATE_FORM: Form = Form::new("keys.state", 1);

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Create { pair, author } => self.create(pair, author),
            Command::Import { pair, author } => self.import(pair, author),
            Command::Rotate { pair, expected, author } => self.rotate(pair, expected, author),
            Command::Choose { key, expected, author } => self.choose(key, expected, author),
            Command::Describe { key, alias, description, expected, author } => {
                self.checked(&key, expected)?;
                self.describe(key, alias, description, author)
            }
            Command::Delete { key, expected, author } => {
                self.checked(&key, expected)?;
                self.delete(key, author)
            }
            Command::Rewrap { wrapped, author } => self.rewrap(wrapped, author),
            Command::AddCertificate { certificate, author } => {
                free(&self.certificates, &certificate.alias)?;
                Ok(vec![Event::CertificateAdded { certificate, author }])
            }
            Command::DeleteCertificate { alias, author } => {
                there(&self.certificates, &alias)?;
                Ok(vec![Event::CertificateDeleted { alias, author }])
            }
            Command::ConfirmForgotten { restated } => Ok(self.confirm_forgotten(restated)),
            Command::AddHost { host, author } => {
                free(&self.hosts, &host.alias)?;
                Ok(vec![Event::HostAdded { host, author }])
            }
            Command::DeleteHost { alias, author } => {
                there(&self.hosts, &alias)?;
                Ok(vec![Event::HostDeleted { alias, author }])
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        self.is_restated &= matches!(event, Event::Forgotten);
        match event.clone() {
            Event::Created { pair, author } | Event::Imported { pair, author } => {
                let key = pair.wrapped.public.fingerprint();
                assert!(
                    !self.is_alias_taken(&pair.alias, None),
                    "Y2: {} is stored twice",
                    pair.alias
                );
                self.pairs.insert(key, KeyPair::new(pair, author));
                self.current.get_or_insert(key);
            }
            Event::Chosen { key, .. } => {
                assert!(self.pairs.contains_key(&key), "Y3: {key} is current and not stored");
                self.current = Some(key);
            }
            Event::Described { key, alias, description, .. } => {
                self.stored(key).describe(alias, description);
            }
            Event::Deleted { key, .. } => {
                assert_ne!(self.current, Some(key), "Y3: the current key was deleted");
                self.pairs.remove(&key);
            }
            Event::Rewrapped { wrapped, .. } => {
                for it in wrapped {
                    let key = it.public.fingerprint();
                    self.stored(key).wrapped = it;
                }
            }
            Event::CertificateAdded { certificate, author } => {
                let alias = certificate.alias.clone();
                self.certificates.insert(alias, Trusted { value: certificate, added: author });
            }
            Event::CertificateDeleted { alias, .. } => {
                self.certificates.remove(&alias);
            }
            Event::HostAdded { host, author } => {
                self.hosts.insert(host.alias.clone(), Trusted { value: host, added: author });
            }
            Event::HostDeleted { alias, .. } => {
                self.hosts.remove(&alias);
            }
            Event::Restated { keys, .. } => *self = *keys,
            Event::Forgotten => self.owes_forgetting = false,
        }
    }

    fn outstanding(&self) -> Vec<Effect> {
        let forget = Effect::Forget { restated: self.restated };
        self.owes_forgetting.then_some(forget).into_iter().collect()
    }

    fn restates(event: &Event) -> bool {
        matches!(event, Event::Restated { .. })
    }

    fn tags(event: &Event) -> Vec<Tag> {
        match Self::restates(event) {
            true => vec![Tag(RESTATED.to_owned())],
            false => vec![],
        }
    }
}

impl Keys {
    pub fn current(&self) -> Option<KeyFingerprint> {
        self.current
    }

    /// How often all was restated.
    fn restated(&self) -> u64 {
        self.restated
    }

    pub fn certificates(&self) -> impl Iterator<Item = &Trusted<Certificate>> {
        self.certificates.values()
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Trusted<KnownHost>> {
        self.hosts.values()
    }
}
