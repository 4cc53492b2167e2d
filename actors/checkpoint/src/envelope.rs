//! The outside of everything that the protocol stores: one line that says what it is, in which
//! version, and its checksum; then JSON. Who looks at it with `cat` can read it.
//!
//! ```text
//! weir-checkpoint manifest 1 crc32=5a0e77c1
//! {"job":"jobs/flights","epoch":"3.17",…}
//! ```
//!
//! Nothing is guessed: what isn't exactly this is refused, with the reason.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &str = "weir-checkpoint";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

/// Why stored bytes can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it does not begin with the line of a checkpoint: something else was stored there")]
    Foreign,
    #[error(
        "it is written in version {found}, and this build reads versions up to {reads}: run the \
         build that wrote it, or a newer one"
    )]
    Newer { found: u32, reads: u32 },
    #[error("it is a {found}, where a {expected} should be")]
    Misplaced { found: String, expected: &'static str },
    #[error(
        "its checksum is {found:08x}, and {expected:08x} was written: it was damaged or cut off \
         where it is stored"
    )]
    Damaged { found: u32, expected: u32 },
    #[error("its content is not what its version says: {0}")]
    Malformed(String),
}

/// What can be stored inside of an envelope.
pub(crate) trait Content: Serialize + DeserializeOwned {
    const KIND: &'static str;

    /// What the types do not say already.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) fn seal<T: Content>(content: &T) -> Bytes {
    let json = serde_json::to_vec(content).expect("values with text keys become JSON");
    let checksum = crc32fast::hash(&json);
    let mut bytes = format!("{MAGIC} {} {VERSION} crc32={checksum:08x}\n", T::KIND).into_bytes();
    bytes.extend_from_slice(&json);
    bytes.into()
}

pub(crate) fn open<T: Content>(bytes: &[u8]) -> Result<T, Unreadable> {
    let end = bytes.iter().take(200).position(|it| *it == b'\n').ok_or(Unreadable::Foreign)?;
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| Unreadable::Foreign)?;
    let words: Vec<_> = line.split(' ').collect();
    let [MAGIC, kind, version, checksum] = words[..] else { return Err(Unreadable::Foreign) };
    let found = version.parse().map_err(|_| Unreadable::Foreign)?;
    if found != VERSION {
        return Err(Unreadable::Newer { found, reads: VERSION });
    }
    if kind != T::KIND {
        return Err(Unreadable::Misplaced { found: kind.to_owned(), expected: T::KIND });
    }
    let expected = checksum.strip_prefix("crc32=").and_then(|it| u32::from_str_radix(it, 16).ok());
    let (json, expected) = (&bytes[end + 1..], expected.ok_or(Unreadable::Foreign)?);
    let found = crc32fast::hash(json);
    if found != expected {
        return Err(Unreadable::Damaged { found, expected });
    }
    let malformed = |it: serde_json::Error| Unreadable::Malformed(it.to_string());
    let content: T = serde_json::from_slice(json).map_err(malformed)?;
    content.check().map_err(Unreadable::Malformed)?;
    Ok(content)
}

/// Bytes inside of JSON, as base64.
pub(crate) mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note(u32);

    impl Content for Note {
        const KIND: &'static str = "note";

        fn check(&self) -> Result<(), String> {
            if self.0 == 13 { Err("13 brings bad luck".into()) } else { Ok(()) }
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Other(u32);

    impl Content for Other {
        const KIND: &'static str = "other";
    }

    #[test]
    fn what_was_sealed_is_opened_and_can_be_read_by_people() {
        let sealed = seal(&Note(7));
        assert_eq!(
            sealed,
            "weir-checkpoint note 1 crc32=4c0ea100\n7"
                .replace("4c0ea100", &format!("{:08x}", crc32fast::hash(b"7")))
        );
        assert_eq!(open(&sealed), Ok(Note(7)));
    }

    #[test]
    fn whatever_else_is_there_is_refused_with_the_reason() {
        let sealed = String::from_utf8(seal(&Note(7)).to_vec()).unwrap();
        let check = |text: &str, expected: &str| {
            let refused = open::<Note>(text.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains(expected), "{text:?}: {refused}");
        };
        check("", "does not begin");
        check("weir-checkpoint", "does not begin");
        check("{}\n{}", "does not begin");
        check(&sealed.replace(" 1 ", " 2 "), "version 2");
        check(&sealed[..sealed.len() - 1], "checksum");
        check(&sealed.replace("\n7", "\n8"), "checksum");
        let other = String::from_utf8(seal(&Other(7)).to_vec()).unwrap();
        check(&other, "it is a other, where a note");
        let text = format!("weir-checkpoint note 1 crc32={:08x}\nx", crc32fast::hash(b"x"));
        check(&text, "not what its version says");
        let unlucky = String::from_utf8(seal(&Note(13)).to_vec()).unwrap();
        check(&unlucky, "bad luck");
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_passes_for_what_was_written(at in 0usize..60, by in 1u8..) {
            let mut sealed = seal(&Note(123_456)).to_vec();
            let at = at % sealed.len();
            sealed[at] = sealed[at].wrapping_add(by);
            if let Ok(read) = open::<Note>(&sealed) {
                // The checksum's digits may be written in upper case.
                prop_assert_eq!(read, Note(123_456));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = open::<Note>(&bytes);
        }
    }
}
