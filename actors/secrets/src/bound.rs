//! A secret of a project: a sealed value, bound to its project and its name.
//!
//! Whoever may run one project could copy a sealed line of another one into it, and let it show what it
//! stands for. So what is sealed begins with whose it is, and is opened as nothing else (K4).
//!
//! Who knows a value can seal it for any project: public keys are public. What is bound is a value
//! that one does not know.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use weir_domain::{AssetName, KeyFingerprint, ProjectName};
use zeroize::Zeroizing;

use crate::{Error, PrivateKey, PublicKey, Result, Sealed, Secret};

/// What a secret begins with, sealed and within. The number is the version of its form.
const BEGIN: &str = "weir-secret:2:";
/// The form that names neither project nor name.
const UNBOUND: &str = "weir-secret:1:";

/// Which secret a value is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    pub project: ProjectName,
    pub name: AssetName,
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} of project {}", self.name, self.project)
    }
}

impl Binding {
    /// What stands before the keys in the sealed line, and in a line of its own before the value.
    fn begin(&self) -> String {
        format!("{BEGIN}{}:{}", self.project, self.name)
    }

    /// The value, and before it what it is.
    fn around(&self, value: &Secret) -> Secret {
        let begin = self.begin();
        // Room for all of it from the start: a vector that grows leaves copies behind.
        let mut whole = Zeroizing::new(Vec::with_capacity(begin.len() + 1 + value.expose().len()));
        whole.extend_from_slice(begin.as_bytes());
        whole.push(b'\n');
        whole.extend_from_slice(value.expose());
        whole.into()
    }

    /// What stands within, and the value; `None`: that was no secret of a project.
    fn within(whole: &[u8]) -> Option<(Self, &[u8])> {
        let end = whole.iter().position(|it| *it == b'\n')?;
        let begin = std::str::from_utf8(&whole[..end]).ok()?.strip_prefix(BEGIN)?;
        let (project, name) = begin.split_once(':')?;
        let binding = Self { project: project.parse().ok()?, name: name.parse().ok()? };
        Some((binding, &whole[end + 1..]))
    }
}

/// One line of text: `weir-secret:2:PROJECT:NAME:FINGERPRINT[,FINGERPRINT]:BASE64`, where the last part
/// is an age file of `weir-secret:2:PROJECT:NAME`, a line break and the value. It is safe to store, send
/// and show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// What it says that it is.
    binding: Binding,
    sealed: Sealed,
}

impl SealedSecret {
    /// Seals a value of any length to one or many keys.
    pub fn seal(value: &Secret, binding: Binding, to: &[PublicKey]) -> Result<Self> {
        let sealed = Sealed::seal(&binding.around(value), to)?;
        Ok(Self { binding, sealed })
    }

    /// The keys that open it.
    pub fn keys(&self) -> &[KeyFingerprint] {
        self.sealed.keys()
    }

    /// Refuses one that says that it is another secret than the one that it is used as.
    pub fn check_is(&self, used_as: &Binding) -> Result<()> {
        match self.binding == *used_as {
            true => Ok(()),
            false => {
                Err(Error::Moved { sealed_as: self.binding.clone(), used_as: used_as.clone() })
            }
        }
    }

    /// Opens it as what it says that it is. Refused if it was sealed as something else.
    pub fn open(&self, key: &PrivateKey) -> Result<Secret> {
        let whole = self.sealed.open(key)?;
        match Binding::within(whole.expose()) {
            Some((binding, value)) if binding == self.binding => Ok(Secret::new(value.to_vec())),
            Some((sealed_as, _)) => Err(Error::Moved { sealed_as, used_as: self.binding.clone() }),
            None => Err(Error::Damaged(key.fingerprint())),
        }
    }

    /// Seals what it holds to other keys, and to these only, as the same secret.
    pub fn reseal(&self, key: &PrivateKey, to: &[PublicKey]) -> Result<Self> {
        Self::seal(&self.open(key)?, self.binding.clone(), to)
    }
}

impl fmt::Display for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.binding.begin())?;
        self.sealed.write_body(f)
    }
}

impl FromStr for SealedSecret {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with(UNBOUND) {
            return Err(Error::Unbound);
        }
        let Some(rest) = text.strip_prefix(BEGIN) else {
            return Err(Error::NotSealed(match text {
                it if it.starts_with("weir-secret:") => "it has a form of a newer version",
                _ => "it does not begin with weir-secret:",
            }));
        };
        let mut parts = rest.splitn(3, ':');
        let mut part = || parts.next().ok_or(Error::NotSealed("it is cut off"));
        let (project, name, body) = (part()?, part()?, part()?);
        let project = project.parse().map_err(|_| Error::NotSealed("it names no project"))?;
        let name = name.parse().map_err(|_| Error::NotSealed("it names no secret"))?;
        Ok(Self { binding: Binding { project, name }, sealed: Sealed::of_body(body)? })
    }
}

impl Serialize for SealedSecret {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SealedSecret {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_domain::Fault;

    use super::*;

    fn binding(project: &str, name: &str) -> Binding {
        Binding { project: project.parse().unwrap(), name: name.parse().unwrap() }
    }

    fn secret() -> Secret {
        Secret::from("hunter2\nand more".to_owned())
    }

    fn seal(key: &PrivateKey) -> SealedSecret {
        SealedSecret::seal(&secret(), binding("flights", "SALT"), &[key.public()]).unwrap()
    }

    #[test]
    fn it_is_opened_as_what_it_was_sealed_as() {
        let (key, other) = (PrivateKey::generate(), PrivateKey::generate());
        let sealed = seal(&key);
        let text = sealed.to_string();
        assert!(text.starts_with("weir-secret:2:flights:SALT:"), "{text}");
        let read: SealedSecret = text.parse().unwrap();
        assert_eq!((&read, read.open(&key).unwrap()), (&sealed, secret()));
        assert!(sealed.check_is(&binding("flights", "SALT")).is_ok());
        let anew = sealed.reseal(&key, &[other.public()]).unwrap();
        assert_eq!(anew.open(&other).unwrap(), secret());
        assert!(anew.check_is(&binding("flights", "SALT")).is_ok());
    }

    #[test]
    fn one_that_was_moved_is_refused_whatever_its_line_says() {
        let key = PrivateKey::generate();
        let sealed = seal(&key);
        for (project, name) in [("billing", "SALT"), ("flights", "PEPPER")] {
            let used_as = binding(project, name);
            let why = sealed.check_is(&used_as).unwrap_err().to_string();
            let both = format!(
                "a value that was sealed as secret SALT of project flights is used as {used_as}"
            );
            assert_eq!(why, both);
            let said = format!("weir-secret:2:{project}:{name}:");
            let text = sealed.to_string().replace("weir-secret:2:flights:SALT:", &said);
            let forged: SealedSecret = text.parse().unwrap();
            assert!(forged.check_is(&used_as).is_ok());
            for refused in [forged.open(&key).map(|_| ()), forged.reseal(&key, &[]).map(|_| ())] {
                assert_eq!(refused.unwrap_err().to_string(), both);
            }
        }
    }

    #[test]
    fn what_a_cluster_sealed_for_itself_is_no_secret_of_a_project() {
        let key = PrivateKey::generate();
        for own in ["hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2", "weir-secret:2:a\nhunter2"] {
            let own = Sealed::seal(&Secret::from(own.to_owned()), &[key.public()]).unwrap();
            let refused = own.to_string().parse::<SealedSecret>().unwrap_err();
            assert!(matches!(refused, Error::Unbound), "{refused}");
            let hint = Fault::from(&refused).hint.unwrap();
            assert!(hint.contains("weir secret encrypt NAME --project PROJECT"), "{hint}");
            assert!(hint.contains("activate"), "{hint}");
            let said = own.to_string().replace("weir-secret:1:", "weir-secret:2:flights:SALT:");
            let refused = said.parse::<SealedSecret>().unwrap().open(&key);
            assert!(matches!(refused, Err(Error::Damaged(it)) if it == key.fingerprint()));
        }
    }

    #[test]
    fn a_text_that_is_none_says_why() {
        let why = |text: &str| text.parse::<SealedSecret>().unwrap_err().to_string();
        assert!(why("hunter2").contains("does not begin") && !why("hunter2").contains("hunter2"));
        assert!(why("weir-secret:3:x").contains("newer"));
        assert!(why("weir-secret:2:p:n").contains("cut off"));
        assert!(why("weir-secret:2:p p:n:x:y").contains("no project"));
        assert!(why("weir-secret:2:p::x:y").contains("no secret"));
        assert!(why("weir-secret:2:p:n:x:y").contains("fingerprint"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_bytes_come_back(value in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let (key, value) = (PrivateKey::generate(), Secret::new(value));
            let sealed = SealedSecret::seal(&value, binding("p", "n"), &[key.public()]).unwrap();
            let read: SealedSecret = sealed.to_string().parse().unwrap();
            prop_assert_eq!(read.open(&key).unwrap(), value);
        }

        #[test]
        fn one_flipped_bit_is_refused(at: prop::sample::Index, bit in 0_u8..8) {
            let key = PrivateKey::generate();
            let mut text = seal(&key).to_string().into_bytes();
            let at = at.index(text.len());
            text[at] ^= 1_u8 << bit;
            let opened = String::from_utf8(text).ok().and_then(|it| it.parse::<SealedSecret>().ok());
            let opened = opened.and_then(|it| it.open(&key).ok());
            prop_assert!(opened.is_none(), "opened with bit {} of byte {} flipped", bit, at);
        }

        #[test]
        fn no_text_panics(text in "weir-secret:2:[a-z:]{0,20}[0-9a-f,:]{0,140}|\\PC{0,80}") {
            let _ = text.parse::<SealedSecret>();
        }
    }
}
