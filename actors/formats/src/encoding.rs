//! Encodings of text in records that have one.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How text is written in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Encoding {
    #[default]
    Utf8,
    /// ISO 8859-1: each byte is one of the first 256 characters of Unicode.
    Latin1,
}

impl Encoding {
    /// The text that the bytes are, or why they are none.
    pub(crate) fn text(self, bytes: &[u8]) -> Result<Cow<'_, str>, String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|it| format!("it is not UTF-8 after {} bytes", it.valid_up_to())),
            Self::Latin1 => match std::str::from_utf8(bytes) {
                Ok(text) if bytes.is_ascii() => Ok(Cow::Borrowed(text)),
                _ => Ok(bytes.iter().map(|it| char::from(*it)).collect()),
            },
        }
    }

    /// Appends the bytes of a text, or says why it has none.
    pub(crate) fn put(self, text: &str, out: &mut Vec<u8>) -> Result<(), String> {
        if self == Self::Utf8 || text.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        for character in text.chars() {
            let byte = u8::try_from(u32::from(character))
                .map_err(|_| format!("Latin-1 has no character {character:?}"))?;
            out.push(byte);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_character_of_latin_1() {
        let all: Vec<u8> = (0..=255).collect();
        let text = Encoding::Latin1.text(&all).unwrap();
        assert_eq!(text.chars().count(), 256);
        let mut back = Vec::new();
        Encoding::Latin1.put(&text, &mut back).unwrap();
        assert_eq!(back, all);
        let refused = Encoding::Latin1.put("a€", &mut back);
        assert_eq!(refused, Err("Latin-1 has no character '€'".into()));
    }

    #[test]
    fn what_is_not_utf_8_is_told_with_its_place() {
        assert_eq!(Encoding::Utf8.text("ä".as_bytes()).unwrap(), "ä");
        let refused = Encoding::Utf8.text(b"ab\xff");
        assert_eq!(refused, Err("it is not UTF-8 after 2 bytes".into()));
    }
}
