//! A text that is sent and received, and never shown.

use std::borrow::Cow;
use std::fmt;

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
        String::deserialize(deserializer).map(Self::new)
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
    }
}
