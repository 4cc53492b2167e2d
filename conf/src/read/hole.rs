//! A value of any type that is asked for: it stands in for what was reported already.
//!
//! A type may refuse an answer (a name must not be empty, a duration needs its unit), so there are
//! several, and the answer's number says which one to give.

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::error::Error;

/// How many different answers a hole has before what is around it becomes a hole, too.
pub(super) const ANSWERS: u8 = 10;

/// Texts that satisfy one or another of the types that read themselves from a text. They are odd, so
/// that a message that speaks of one is known to come from a hole.
const TEXTS: [&str; 7] =
    ["zq0", "113s", "113MiB", "/zq0", "zq0 = 113", "2001-01-13T01:13:00Z", "http://zq0/"];

const NUMBER: u64 = 113;

/// Types that contain themselves would go on for ever.
const DEPTH_MAX: u8 = 12;

#[derive(Clone, Copy)]
pub(super) struct Hole {
    answer: u8,
    depth: u8,
}

impl Hole {
    pub(super) fn new(answer: u8) -> Self {
        Self { answer, depth: 0 }
    }

    fn deeper(self) -> Result<Self, Error> {
        if self.depth == DEPTH_MAX {
            return Err(de::Error::custom("the type contains itself"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn text(self) -> &'static str {
        TEXTS[usize::from(self.answer) % TEXTS.len()]
    }

    /// What a hole is where nobody says what it should be.
    pub(super) fn any(self) -> Unexpected<'static> {
        match self.answer {
            0 => Unexpected::Unit,
            1 => Unexpected::Str(TEXTS[0]),
            2 => Unexpected::Unsigned(NUMBER),
            3 => Unexpected::Str(TEXTS[1]),
            4 => Unexpected::Bool(true),
            5 => Unexpected::Seq,
            6 => Unexpected::Map,
            it => Unexpected::Str(TEXTS[usize::from(it - 5) % TEXTS.len()]),
        }
    }
}

impl<'de> Deserializer<'de> for Hole {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.any() {
            Unexpected::Str(text) => visitor.visit_str(text),
            Unexpected::Unsigned(number) => visitor.visit_u64(number),
            Unexpected::Bool(it) => visitor.visit_bool(it),
            Unexpected::Seq => visitor.visit_seq(Repeat { hole: self, left: 0 }),
            Unexpected::Map => visitor.visit_map(Fields { hole: self, fields: [].iter() }),
            _ => visitor.visit_unit(),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.answer % 2 == 1)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(u64::from(1 + self.answer))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char('a')
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.answer % 2);
        visitor.visit_seq(Repeat { hole: self.deeper()?, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Repeat { hole: self.deeper()?, left: length })
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
        visitor.visit_map(Fields { hole: self, fields: [].iter() })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { hole: self.deeper()?, fields: fields.iter() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let chosen = variants.get(usize::from(self.answer) % variants.len().max(1));
        visitor.visit_enum(Variant { hole: self.deeper()?, name: chosen.copied().unwrap_or("") })
    }

    forward_to_deserialize_any! { unit unit_struct bytes byte_buf identifier ignored_any }
}

struct Repeat {
    hole: Hole,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Repeat {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.hole).map(Some)
    }
}

struct Fields {
    hole: Hole,
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'de> de::MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.fields.next() else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = (*field).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.hole)
    }
}

struct Variant {
    hole: Hole,
    name: &'static str,
}

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Hole;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Hole), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.hole))
    }
}

impl<'de> de::VariantAccess<'de> for Hole {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}
