//! Key pairs: an X25519 key as age writes it.

use std::fmt;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use weir_domain::KeyFingerprint;

use crate::{Error, Result, Secret};

/// What values are sealed to. Written as `age1…`; there is one text for one key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(x25519::Recipient);

impl PublicKey {
    /// SHA-256 of the key's text: `printf %s age1… | sha256sum`.
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint(Sha256::digest(self.to_string()).into())
    }

    pub(crate) fn recipient(&self) -> &x25519::Recipient {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("AGE-SECRET-KEY-") {
            let reason = "it is a private key, which must not be shown: make a new pair";
            return Err(Error::NotAKey { what: "public key", reason });
        }
        let key = text.parse().map(Self);
        key.map_err(|reason| Error::NotAKey { what: "public key", reason })
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What opens them. Wiped when dropped; neither shown nor serialised.
#[derive(Clone)]
pub struct PrivateKey(x25519::Identity);

impl PrivateKey {
    /// A new one, from the operating system's randomness.
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads `AGE-SECRET-KEY-1…`, and what `age-keygen` writes: the same with comments around it.
    pub fn parse(text: &Secret) -> Result<Self> {
        let what = "private key";
        let not = |reason| Error::NotAKey { what, reason };
        let text = text.expose_text().ok_or_else(|| not("it is not text"))?;
        let mut lines =
            text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
        let line = lines.next().ok_or_else(|| not("it is empty"))?;
        if lines.next().is_some() {
            return Err(not(
                "it has several lines: only one key of the form AGE-SECRET-KEY-1… is read",
            ));
        }
        line.parse().map(Self).map_err(not)
    }

    /// As `parse` reads it.
    pub fn to_text(&self) -> Secret {
        Secret::from(self.0.to_string().expose_secret().to_owned())
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.to_public())
    }

    pub fn fingerprint(&self) -> KeyFingerprint {
        self.public().fingerprint()
    }

    pub(crate) fn identity(&self) -> &x25519::Identity {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.fingerprint().short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pair of age's own tests.
    const PRIVATE: &str =
        "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    const PUBLIC: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    #[test]
    fn a_key_pair_has_a_stable_text_and_fingerprint() {
        let key = PrivateKey::parse(&Secret::from(PRIVATE.to_owned())).unwrap();
        assert_eq!(key.public().to_string(), PUBLIC);
        assert_eq!(key.to_text().expose_text(), Some(PRIVATE));
        assert_eq!(PUBLIC.parse::<PublicKey>().unwrap(), key.public());
        assert_eq!(key.fingerprint(), KeyFingerprint(Sha256::digest(PUBLIC).into()));
    }

    #[test]
    fn the_file_of_age_keygen_is_read_and_two_keys_are_not() {
        let file = format!("# created: 2026-01-01\n# public key: {PUBLIC}\n{PRIVATE}\n");
        assert!(PrivateKey::parse(&Secret::from(file)).is_ok());
        for bad in ["", "# nothing", &format!("{PRIVATE}\n{PRIVATE}"), PUBLIC, "AGE-SECRET-KEY-1X"]
        {
            let refused = PrivateKey::parse(&Secret::from(bad.to_owned()));
            assert!(matches!(refused, Err(Error::NotAKey { .. })), "{bad}");
        }
        let refused = PrivateKey::parse(&Secret::new(vec![0xff])).unwrap_err();
        assert_eq!(refused.to_string(), "this is no private key: it is not text");
    }

    #[test]
    fn a_private_key_given_as_a_public_one_is_refused_and_not_repeated() {
        let refused = PRIVATE.parse::<PublicKey>().unwrap_err().to_string();
        assert!(refused.contains("private key") && !refused.contains("GQ9778"), "{refused}");
        let key = PrivateKey::parse(&Secret::from(PRIVATE.to_owned())).unwrap();
        assert!(!format!("{key:?}").contains("SECRET"), "{key:?}");
    }
}
