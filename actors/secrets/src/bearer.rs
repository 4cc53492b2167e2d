//! Random secrets that prove who someone is: API tokens, sessions, one-time secrets.
//!
//! They have 256 bits of the system's randomness, so a plain SHA-256 is what is stored of them:
//! there is nothing to guess.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use weir_domain::KeyFingerprint;
use zeroize::Zeroizing;

use crate::Secret;

/// What such a secret begins with, so that scanners of repositories find one that leaked.
const BEGIN: &str = "weir_";

/// What is stored of a random secret. Compared in constant time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(into = "KeyFingerprint", from = "KeyFingerprint")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    pub fn of(secret: &Secret) -> Self {
        Self(Sha256::digest(secret.expose()).into())
    }
}

/// Written alike, in hexadecimal digits.
impl From<SecretHash> for KeyFingerprint {
    fn from(hash: SecretHash) -> Self {
        Self(hash.0)
    }
}

impl From<KeyFingerprint> for SecretHash {
    fn from(text: KeyFingerprint) -> Self {
        Self(text.0)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(***)")
    }
}

/// 256 random bits as text, from the operating system: they can't be seeded.
pub fn random_secret() -> Secret {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.try_fill_bytes(&mut *bytes).expect("the system has randomness");
    Secret::from(URL_SAFE_NO_PAD.encode(&bytes[..]))
}

/// A bearer's secret with the id that it is found by: `weir_ID_SECRET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    pub id: Uuid,
    secret: Secret,
}

impl Bearer {
    pub fn generate(id: Uuid) -> Self {
        Self { id, secret: random_secret() }
    }

    /// What its bearer is given, once.
    pub fn to_text(&self) -> Secret {
        let secret = self.secret.expose_text().expect("it was made from text");
        Secret::from(format!("{BEGIN}{}_{secret}", self.id.simple()))
    }

    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }
}

/// What a bearer showed has not the form of what bearers are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no token: one looks like {BEGIN}…_…")]
pub struct NoBearer;

impl FromStr for Bearer {
    type Err = NoBearer;

    fn from_str(text: &str) -> Result<Self, NoBearer> {
        let rest = text.strip_prefix(BEGIN).ok_or(NoBearer)?;
        let (id, secret) = rest.split_once('_').ok_or(NoBearer)?;
        if id.len() != 32 || secret.len() != 43 {
            return Err(NoBearer);
        }
        let id = Uuid::try_parse(id).map_err(|_| NoBearer)?;
        Ok(Self { id, secret: Secret::from(secret.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearers_text_reads_back_and_is_not_shown() {
        let bearer = Bearer::generate(Uuid::from_u128(7));
        let text = bearer.to_text();
        let text = text.expose_text().unwrap();
        assert!(text.starts_with("weir_00000000000000000000000000000007_"), "{text}");
        let read: Bearer = text.parse().unwrap();
        assert_eq!((&read, read.hash()), (&bearer, bearer.hash()));
        assert_ne!(Bearer::generate(bearer.id).hash(), bearer.hash());
        assert!(format!("{bearer:?}").ends_with("secret: Secret(***) }"), "{bearer:?}");
        for bad in
            ["", "weir_", "weir_x_y", &text[5..], &format!("{text}x"), &text.replace('0', "é")]
        {
            assert_eq!(bad.parse::<Bearer>(), Err(NoBearer), "{bad}");
        }
    }

    #[test]
    fn a_stored_hash_reads_back() {
        let hash = SecretHash::of(&random_secret());
        let stored = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<SecretHash>(&stored).unwrap(), hash);
    }
}
