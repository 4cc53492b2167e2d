//! A sealed value: its ciphertext, and the fingerprints of the keys that open it.
//!
//! It is bound to nothing: what a cluster keeps and sends for itself is sealed so. What people seal for
//! a project is a `SealedSecret`.

use std::fmt;
use std::io::{Read, Write};
use std::str::FromStr;

use age::{DecryptError, Decryptor, Encryptor, Recipient};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use weir_domain::KeyFingerprint;
use zeroize::Zeroizing;

use crate::{Error, PrivateKey, PublicKey, Result, Secret};

/// What a sealed value begins with. The number is the version of its form.
const BEGIN: &str = "weir-secret:1:";

/// One line of text: `weir-secret:1:FINGERPRINT[,FINGERPRINT]:BASE64`, where the last part is an
/// age file to all of these keys. It is safe to store, send and show.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Ascending, each once, never none.
    keys: Vec<KeyFingerprint>,
    file: Vec<u8>,
}

impl Sealed {
    /// Seals a value of any length to one or many keys. The same value never looks the same twice.
    pub fn seal(value: &Secret, to: &[PublicKey]) -> Result<Self> {
        let mut to: Vec<_> = to.iter().map(|it| (it.fingerprint(), it)).collect();
        to.sort_by_key(|it| it.0);
        to.dedup_by_key(|it| it.0);
        if to.is_empty() {
            return Err(Error::NoKeys);
        }
        let recipients = to.iter().map(|it| it.1.recipient() as &dyn Recipient);
        let file = encrypt(value, recipients);
        Ok(Self { keys: to.into_iter().map(|it| it.0).collect(), file })
    }

    /// The keys that open it.
    pub fn keys(&self) -> &[KeyFingerprint] {
        &self.keys
    }

    pub fn open(&self, key: &PrivateKey) -> Result<Secret> {
        let fingerprint = key.fingerprint();
        if !self.keys.contains(&fingerprint) {
            return Err(Error::MissingKey(self.keys.clone()));
        }
        // Whoever changed it chose the reason: it says no more than that it was changed.
        decrypt(&self.file, key.identity()).map_err(|_| Error::Damaged(fingerprint))
    }

    /// `FINGERPRINT[,FINGERPRINT]:BASE64`, what its text ends with.
    pub(crate) fn write_body(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, key) in self.keys.iter().enumerate() {
            write!(f, "{}{key}", if n == 0 { "" } else { "," })?;
        }
        write!(f, ":{}", STANDARD.encode(&self.file))
    }

    pub(crate) fn of_body(text: &str) -> Result<Self> {
        let (keys, file) = text.split_once(':').ok_or(Error::NotSealed("it is cut off"))?;
        let keys: std::result::Result<Vec<KeyFingerprint>, _> =
            keys.split(',').map(str::parse).collect();
        let keys = keys.map_err(|_| Error::NotSealed("what should be a fingerprint is none"))?;
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(Error::NotSealed("its fingerprints are not in order"));
        }
        let file = STANDARD.decode(file);
        let file = file.map_err(|_| Error::NotSealed("its last part is not whole base64"))?;
        Ok(Self { keys, file })
    }
}

pub(crate) fn encrypt<'a>(
    value: &Secret,
    recipients: impl Iterator<Item = &'a dyn Recipient>,
) -> Vec<u8> {
    let encryptor =
        Encryptor::with_recipients(recipients).expect("there are recipients of one kind");
    let mut file = Vec::with_capacity(value.expose().len() + 1_024);
    let mut writer = encryptor.wrap_output(&mut file).expect("memory takes what is written");
    writer.write_all(value.expose()).expect("memory takes what is written");
    writer.finish().expect("memory takes what is written");
    file
}

pub(crate) fn decrypt(
    file: &[u8],
    identity: &dyn age::Identity,
) -> std::result::Result<Secret, DecryptError> {
    let mut reader = Decryptor::new_buffered(file)?.decrypt(std::iter::once(identity))?;
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut value = Zeroizing::new(Vec::with_capacity(file.len() + 64));
    reader.read_to_end(&mut value)?;
    Ok(value.into())
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BEGIN)?;
        self.write_body(f)
    }
}

/// By its keys: ciphertext tells nobody anything.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.keys.iter().map(KeyFingerprint::short).collect();
        write!(f, "Sealed({})", keys.join(", "))
    }
}

impl FromStr for Sealed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some(rest) = text.strip_prefix(BEGIN) else {
            return Err(Error::NotSealed(match text.starts_with("weir-secret:") {
                true => "it has another form",
                false => "it does not begin with weir-secret:",
            }));
        };
        Self::of_body(rest)
    }
}

impl Serialize for Sealed {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(count: usize) -> Vec<PrivateKey> {
        (0..count).map(|_| PrivateKey::generate()).collect()
    }

    fn seal(value: &[u8], keys: &[PrivateKey]) -> Sealed {
        let to: Vec<_> = keys.iter().map(PrivateKey::public).collect();
        Sealed::seal(&Secret::new(value.to_vec()), &to).unwrap()
    }

    #[test]
    fn a_value_longer_than_a_block_is_opened_by_each_of_its_keys() {
        let (keys, value) = (keys(3), vec![7; 200_000]);
        let sealed: Sealed = seal(&value, &keys).to_string().parse().unwrap();
        for key in &keys {
            assert_eq!(sealed.open(key).unwrap(), Secret::new(value.clone()));
        }
    }

    #[test]
    fn a_key_that_is_missing_is_named() {
        let [mine, other] = [PrivateKey::generate(), PrivateKey::generate()];
        let refused = seal(b"x", std::slice::from_ref(&mine)).open(&other).unwrap_err().to_string();
        assert!(refused.contains(&mine.fingerprint().to_string()), "{refused}");
    }

    #[test]
    fn a_value_is_sealed_to_somebody_and_to_each_once() {
        assert!(matches!(Sealed::seal(&Secret::new(vec![]), &[]), Err(Error::NoKeys)));
        let key = PrivateKey::generate();
        assert_eq!(seal(b"", &[key.clone(), key.clone()]).keys(), [key.fingerprint()]);
    }

    #[test]
    fn one_that_only_claims_to_be_for_a_key_is_refused() {
        let [mine, other] = [PrivateKey::generate(), PrivateKey::generate()];
        let file = seal(b"x", &[other]).file;
        let forged = Sealed { keys: vec![mine.fingerprint()], file };
        assert!(matches!(forged.open(&mine), Err(Error::Damaged(it)) if it == mine.fingerprint()));
    }

    #[test]
    fn a_text_that_is_none_says_why() {
        let why = |text: &str| text.parse::<Sealed>().unwrap_err().to_string();
        assert!(why("hunter2").contains("does not begin"), "{}", why("hunter2"));
        assert!(!why("hunter2").contains("hunter2"));
        assert!(why("weir-secret:2:x").contains("another form"));
        assert!(why("weir-secret:1:x").contains("cut off"));
        assert!(why("weir-secret:1:x:y").contains("fingerprint"));
        let key = PrivateKey::generate().fingerprint();
        assert!(why(&format!("weir-secret:1:{key}:AA")).contains("base64"));
        assert!(why(&format!("weir-secret:1:{key},{key}:AAAA")).contains("order"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_come_back(value in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let key = keys(1);
            let sealed: Sealed = seal(&value, &key).to_string().parse().unwrap();
            prop_assert_eq!(sealed.open(&key[0]).unwrap(), Secret::new(value));
        }

        #[test]
        fn one_flipped_bit_is_refused(value in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, bit in 0_u8..8) {
            let key = keys(1);
            let mut text = seal(&value, &key).to_string().into_bytes();
            let at = at.index(text.len());
            text[at] ^= 1_u8 << bit;
            let opened = String::from_utf8(text).ok().and_then(|it| it.parse::<Sealed>().ok());
            let opened = opened.and_then(|it| it.open(&key[0]).ok());
            prop_assert!(opened.is_none(), "opened with bit {} of byte {} flipped", bit, at);
        }

        #[test]
        fn no_text_panics(text in "weir-secret:1:[0-9a-f,:]{0,140}|\\PC{0,80}") {
            let _ = text.parse::<Sealed>();
        }
    }
}
