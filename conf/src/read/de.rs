//! Serde's view of a draft. Errors carry the path of the node that failed.
//!
//! A struct is read from a mapping only, never from a list by position. In HOCON a scalar is turned
//! into the type that is asked for, since environment variables and substitutions are always text.

use serde::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::draft::{Draft, Shape};
use super::error::{Error, name_found};
use super::hole::Hole;
use crate::document::Kind;
use crate::path::Step;

#[derive(Clone, Copy)]
pub(super) struct Reader<'d, 'a> {
    pub draft: &'d Draft<'a>,
    pub kind: Kind,
}

impl<'d, 'a> Reader<'d, 'a> {
    fn child(self, draft: &'d Draft<'a>) -> Self {
        Self { draft, kind: self.kind }
    }

    /// The text of a HOCON scalar, where the asked type could be written as text.
    fn lenient(self) -> Option<&'a str> {
        match (self.kind, &self.draft.shape) {
            (Kind::Hocon, Shape::Text(text)) => Some(text.trim()),
            _ => None,
        }
    }

    fn mismatch(self, expected: &str) -> Error {
        let found = self.draft.found();
        de::Error::custom(format_args!("expected {expected}, found {found}"))
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Some(text) = self.lenient() else { return self.deserialize_any(visitor) };
        if let Ok(it) = text.parse::<u64>() {
            return visitor.visit_u64(it);
        }
        if let Ok(it) = text.parse::<i64>() {
            return visitor.visit_i64(it);
        }
        match text.parse::<f64>() {
            // `inf` and `nan` are words to Rust's parser, but no numbers of HOCON.
            Ok(it) if it.is_finite() => visitor.visit_f64(it),
            _ => self.deserialize_any(visitor),
        }
    }
}

macro_rules! read_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match &self.draft.shape {
                Shape::Hole(answer) => Hole::new(*answer).$method(visitor),
                _ => self.number(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.draft.shape {
            Shape::Null | Shape::Gone => visitor.visit_unit(),
            Shape::Bool(it) => visitor.visit_bool(*it),
            Shape::Number(it) => match (it.as_u64(), it.as_i64(), it.as_f64()) {
                (Some(it), ..) => visitor.visit_u64(it),
                (_, Some(it), _) => visitor.visit_i64(it),
                (.., it) => visitor.visit_f64(it.unwrap_or_default()),
            },
            Shape::Text(it) => visitor.visit_str(it),
            Shape::Sequence(items) => {
                visitor.visit_seq(Items { reader: self, items: items.iter().enumerate() })
            }
            Shape::Mapping(entries) => {
                visitor.visit_map(Entries { reader: self, entries: entries.iter(), value: None })
            }
            Shape::Hole(answer) => Hole::new(*answer).deserialize_any(visitor),
        }
    }

    read_numbers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Shape::Hole(answer) = &self.draft.shape {
            return Hole::new(*answer).deserialize_bool(visitor);
        }
        match self.lenient() {
            Some("true" | "yes" | "on") => visitor.visit_bool(true),
            Some("false" | "no" | "off") => visitor.visit_bool(false),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match (self.kind, &self.draft.shape) {
            (_, Shape::Hole(answer)) => Hole::new(*answer).deserialize_str(visitor),
            (Kind::Hocon, Shape::Number(it)) => visitor.visit_string(it.to_string()),
            (Kind::Hocon, Shape::Bool(it)) => visitor.visit_string(it.to_string()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.draft.shape {
            Shape::Null | Shape::Hole(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.draft.shape {
            Shape::Hole(answer) => Hole::new(*answer).deserialize_seq(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.draft.shape {
            Shape::Hole(answer) => Hole::new(*answer).deserialize_tuple(length, visitor),
            Shape::Sequence(items) if items.len() > length => {
                let found = items.len();
                let error: Error = de::Error::custom(format_args!(
                    "expected a list of {length}, found a list of {found}"
                ));
                Err(error.own())
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.draft.shape {
            Shape::Hole(answer) => Hole::new(*answer).deserialize_map(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.draft.shape {
            Shape::Hole(answer) => Hole::new(*answer).deserialize_struct(name, fields, visitor),
            Shape::Sequence(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor).map_err(Error::own),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let read = match &self.draft.shape {
            Shape::Hole(answer) => Hole::new(*answer).deserialize_enum(name, variants, visitor),
            Shape::Text(text) => {
                visitor.visit_enum(Choice { reader: self, name: text, content: None })
            }
            Shape::Mapping(entries) => match entries.as_slice() {
                [(name, content)] => {
                    visitor.visit_enum(Choice { reader: self, name, content: Some(content) })
                }
                _ => Err(de::Error::custom(format_args!(
                    "expected exactly one key, found {}; the key is one of {}",
                    entries.len(),
                    variants.join(", ")
                ))),
            },
            _ => Err(self.mismatch(&format!("one of {}", variants.join(", ")))),
        };
        read.map_err(Error::own)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { unit unit_struct bytes byte_buf identifier }
}

struct Items<'d, 'a> {
    reader: Reader<'d, 'a>,
    items: std::iter::Enumerate<std::slice::Iter<'d, Draft<'a>>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some((index, item)) = self.items.find(|it| !matches!(it.1.shape, Shape::Gone)) else {
            return Ok(None);
        };
        let step = Step::Index(index);
        seed.deserialize(self.reader.child(item)).map(Some).map_err(|error| error.below(step))
    }
}

struct Entries<'d, 'a> {
    reader: Reader<'d, 'a>,
    entries: std::slice::Iter<'d, (&'a str, Draft<'a>)>,
    value: Option<(&'a str, &'d Draft<'a>)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.entries.find(|it| !matches!(it.1.shape, Shape::Gone)) else {
            return Ok(None);
        };
        self.value = Some((key, value));
        let read = seed.deserialize((*key).into_deserializer());
        read.map(Some).map_err(|error: Error| error.own().below(Step::Key((*key).to_owned())))
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (key, value) = self.value.take().expect("serde asks for a value after its key");
        let read = seed.deserialize(self.reader.child(value));
        read.map_err(|error| error.below(Step::Key(key.to_owned())))
    }
}

/// One variant of an enum: a name alone, or a mapping with one key.
struct Choice<'d, 'a> {
    reader: Reader<'d, 'a>,
    name: &'a str,
    content: Option<&'d Draft<'a>>,
}

impl<'d, 'a> Choice<'d, 'a> {
    fn content(&self, found: Unexpected<'_>) -> Result<Reader<'d, 'a>, Error> {
        let Some(content) = self.content else {
            return Err(de::Error::custom(format_args!(
                "{:?} needs {} below it",
                self.name,
                name_found(found)
            )));
        };
        Ok(self.reader.child(content))
    }

    fn below(&self, error: Error) -> Error {
        if self.content.is_some() { error.below(Step::Key(self.name.to_owned())) } else { error }
    }
}

impl<'de> de::EnumAccess<'de> for Choice<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(self.name.into_deserializer());
        variant.map(|it| (it, Self { ..self })).map_err(|error| self.below(error))
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            None => Ok(()),
            Some(it) if matches!(it.shape, Shape::Null | Shape::Hole(_)) => Ok(()),
            Some(_) => Err(self
                .below(de::Error::custom(format_args!("{:?} takes nothing below it", self.name)))),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let reader = self.content(Unexpected::Map)?;
        seed.deserialize(reader).map_err(|error| self.below(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        let reader = self.content(Unexpected::Seq)?;
        reader.deserialize_tuple(length, visitor).map_err(|error| self.below(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let reader = self.content(Unexpected::Map)?;
        reader.deserialize_struct("", fields, visitor).map_err(|error| self.below(error))
    }
}
