//! Signatures: who built a package. Ed25519.
//!
//! A key is made from 32 random bytes that the caller draws and keeps: nothing here is random.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use weir_domain::Digest;

use crate::{Error, Result};

pub(crate) const KEY_LENGTH: usize = 32;
pub(crate) const SIGNATURE_LENGTH: usize = 64;

/// Separates these signatures from all others that a key may ever make.
const CONTEXT: &[u8] = b"weir package\n";

/// A server's public key. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerKey([u8; KEY_LENGTH]);

impl SignerKey {
    pub(crate) const fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        let signed = key.verify(&in_context(message), signature);
        signed.map_err(|_| Error::BadSignature { signer: *self })
    }
}

impl fmt::Display for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both are 32 bytes that are shown as hexadecimal digits.
        fmt::Display::fmt(&Digest::from_bytes(self.0), f)
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({self:.12})")
    }
}

impl FromStr for SignerKey {
    type Err = weir_domain::InvalidDigest;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        text.parse::<Digest>().map(|it| Self(*it.as_bytes()))
    }
}

/// Whose packages are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Whoever signed: proves that a file is whole, not where it comes from.
    Anyone,
    Only(BTreeSet<SignerKey>),
}

impl Trust {
    pub(crate) fn check(&self, signer: SignerKey) -> Result<()> {
        match self {
            Self::Only(known) if !known.contains(&signer) => Err(Error::UnknownSigner { signer }),
            Self::Anyone | Self::Only(_) => Ok(()),
        }
    }
}

/// A server's private key. It is never shown.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// The key of 32 secret bytes, the same every time.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        Self(pair.expect("any 32 bytes are a seed"))
    }

    pub fn key(&self) -> SignerKey {
        let public = self.0.public_key().as_ref();
        SignerKey(public.try_into().expect("a public key has 32 bytes"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LENGTH] {
        let signature = self.0.sign(&in_context(message));
        signature.as_ref().try_into().expect("a signature has 64 bytes")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:.12})", self.key())
    }
}

fn in_context(message: &[u8]) -> Vec<u8> {
    [CONTEXT, message].concat()
}
