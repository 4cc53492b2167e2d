//! A text that is sent and received, and never shown.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};
use zeroize::Zeroizing;

/// A password, a passphrase, a token: wiped when it is dropped. Only a body that is sent holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Concealed(Zeroizing<String>);

impl Concealed {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one who needs it. It must not go into a log or a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Concealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Concealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not as a text: a deserializer that finds something else would say what it is.
        deserializer.deserialize_any(Unseen)
    }
}

/// Takes a text, and says nothing of what else may come.
struct Unseen;

/// As serde says it, without what came.
const NO_TEXT: &str = "invalid type: something else, expected a string";

impl<'de> Visitor<'de> for Unseen {
    type Value = Concealed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Concealed, E> {
        Ok(Concealed::new(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Concealed, E> {
        Ok(Concealed::new(text))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Concealed, E> {
        Err(E::custom(NO_TEXT))
    }
}

impl PartialSchema for Concealed {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let format = SchemaFormat::KnownFormat(KnownFormat::Password);
        text.format(Some(format)).description(Some("It is never shown.")).build().into()
    }
}

impl ToSchema for Concealed {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Concealed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sent_and_not_shown() {
        let it = Concealed::new("hunter2");
        assert_eq!(serde_json::to_string(&it).unwrap(), "\"hunter2\"");
        assert_eq!(format!("{it:?} {:?}", Some(&it)), "*** Some(***)");
        assert_eq!(serde_json::from_str::<Concealed>("\"hunter2\"").unwrap(), it);
    }

    #[test]
    fn what_is_no_text_is_refused_without_being_shown() {
        for odd in ["1234", "-1234", "12.34", "1e1234", "true", "null", "[1234]", "{\"1234\":1}"] {
            let refused = serde_json::from_str::<Concealed>(odd).unwrap_err().to_string();
            assert!(!refused.contains("1234") && !refused.contains("12.34"), "{refused}");
        }
        let refused = serde_json::from_str::<Concealed>("1234").unwrap_err().to_string();
        assert!(refused.ends_with("expected a string at line 1 column 4"), "{refused}");
    }
}
