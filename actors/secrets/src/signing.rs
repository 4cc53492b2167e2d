//! What a server signs with, so that others believe its word. Ed25519.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use weir_domain::{Digest, InvalidDigest};

use crate::Secret;

/// Shorter texts are no secrets of a machine.
const LENGTH_MIN: usize = 32;
/// Separates these signatures from all others that a key may ever make.
const CONTEXT: &[u8] = b"weir server\n";

/// A server's public key. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey([u8; 32]);

impl ServerKey {
    /// Whether the message was signed with the private key of this one.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(&in_context(message), signature).is_ok()
    }
}

impl From<Digest> for ServerKey {
    /// Both are 32 bytes that are written as hexadecimal digits.
    fn from(digits: Digest) -> Self {
        Self(*digits.as_bytes())
    }
}

impl FromStr for ServerKey {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse::<Digest>().map(Self::from)
    }
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Digest::from_bytes(self.0), f)
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({self:.12})")
    }
}

/// A server's private key. It is never shown.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of a secret text, the same every time; `None`: the text is too short to be secret.
    pub fn of_secret(secret: &Secret) -> Option<Self> {
        let text = secret.expose().trim_ascii();
        if text.len() < LENGTH_MIN {
            return None;
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(&Sha256::digest(text));
        Some(Self(pair.expect("any 32 bytes are a seed")))
    }

    pub fn public(&self) -> ServerKey {
        let public = self.0.public_key().as_ref();
        ServerKey(public.try_into().expect("a public key has 32 bytes"))
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&in_context(message)).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:.12})", self.public())
    }
}

fn in_context(message: &[u8]) -> Vec<u8> {
    [CONTEXT, message].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_believed_and_nothing_else() {
        let key = |it: &str| SigningKey::of_secret(&Secret::from(it.repeat(32))).unwrap();
        let (one, other) = (key("a"), key("b"));
        let signature = one.sign(b"message");
        let public: ServerKey = one.public().to_string().parse().unwrap();
        assert!(public.has_signed(b"message", &signature));
        assert!(!public.has_signed(b"massage", &signature));
        assert!(!public.has_signed(b"message", &signature[1..]));
        assert!(!other.public().has_signed(b"message", &signature));
        assert!(SigningKey::of_secret(&Secret::from("short".to_owned())).is_none());
    }
}
