//! Whether a body has objects where objects belong: serde's types also take a list of the values, in their order.

use std::fmt;

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// Where a list stands in place of an object, and what belongs there. The value is one that can be read as a `T`;
/// whatever else is wrong is not said here.
pub(super) fn list_for_object<T: DeserializeOwned>(value: &Value) -> Option<String> {
    match serde_path_to_error::deserialize::<_, T>(Shape(value)) {
        Ok(_) => None,
        Err(error) => match (error.path().to_string(), error.into_inner()) {
            (path, Unfit::List(why)) if path == "." => Some(why),
            (path, Unfit::List(why)) => Some(format!("{path}: {why}")),
            (_, Unfit::Other) => None,
        },
    }
}

#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("{0}")]
    List(String),
    #[error("something else")]
    Other,
}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

impl From<serde_json::Error> for Unfit {
    fn from(_: serde_json::Error) -> Self {
        Self::Other
    }
}

fn list(expected: &dyn serde::de::Expected) -> Unfit {
    let why = serde_json::Error::invalid_type(Unexpected::Seq, expected);
    Unfit::List(why.to_string())
}

#[derive(Clone, Copy)]
struct Shape<'de>(&'de Value);

impl<'de> Deserializer<'de> for Shape<'de> {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Array(all) => visitor.visit_seq(List(all.iter())),
            Value::Object(all) => visitor.visit_map(Entries { rest: all.iter(), value: None }),
            plain => Ok(plain.deserialize_any(visitor)?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        if self.0.is_array() { Err(list(&visitor)) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.0.as_object().and_then(|it| it.iter().next()) {
            Some((variant, value)) => visitor.visit_enum(Variant { variant, value: Shape(value) }),
            None => Ok(self.0.deserialize_enum(name, variants, visitor)?),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct List<'de>(std::slice::Iter<'de, Value>);

impl<'de> SeqAccess<'de> for List<'de> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unfit> {
        self.0.next().map(|it| seed.deserialize(Shape(it))).transpose()
    }
}

struct Entries<'de> {
    rest: serde_json::map::Iter<'de>,
    value: Option<&'de Value>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unfit> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unfit> {
        let value = self.value.take().ok_or(Unfit::Other)?;
        seed.deserialize(Shape(value))
    }
}

struct Variant<'de> {
    variant: &'de str,
    value: Shape<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Unfit;
    type Variant = Shape<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Shape<'de>), Unfit> {
        let name: StrDeserializer<'_, Unfit> = self.variant.into_deserializer();
        let variant = seed.deserialize(name)?;
        Ok((variant, self.value))
    }
}

impl<'de> VariantAccess<'de> for Shape<'de> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unfit> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read, and nothing else")]
    struct Outer {
        name: Option<String>,
        inner: Vec<Inner>,
        by_name: BTreeMap<String, Inner>,
        choice: Option<Choice>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read, and nothing else")]
    struct Inner {
        count: u64,
        pair: (u8, u8),
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "read, and nothing else")]
    enum Choice {
        Nothing,
        One(Inner),
        Both { a: u8 },
    }

    fn said(value: &Value) -> Option<String> {
        // It is one that serde takes.
        assert!(serde_json::from_str::<Outer>(&value.to_string()).is_ok(), "{value}");
        list_for_object::<Outer>(value)
    }

    #[test]
    fn lists_and_objects_where_they_belong_are_taken() {
        let inner = json!({ "count": 18_446_744_073_709_551_615_u64, "pair": [1, 2] });
        for choice in
            [json!(null), json!("nothing"), json!({ "one": inner }), json!({ "both": { "a": 1 } })]
        {
            let value = json!({ "name": "x", "inner": [inner], "by_name": { "a": inner }, "choice": choice });
            assert_eq!(said(&value), None);
        }
    }

    #[test]
    fn a_list_for_an_object_is_refused_with_its_place_however_deep_it_is() {
        let (inner, list) = (json!({ "count": 1, "pair": [1, 2] }), json!([1, [1, 2]]));
        let of = |inner: &Value, named: &Value, choice: &Value| json!({ "name": null, "inner": [inner], "by_name": { "a": named }, "choice": choice });
        let none = json!(null);
        for (value, place) in [
            (json!([null, [], {}, null]), ""),
            (of(&list, &inner, &none), "inner[0]: "),
            (of(&inner, &list, &none), "by_name.a: "),
            (of(&inner, &inner, &json!({ "one": list })), "choice.one: "),
            (of(&inner, &inner, &json!({ "both": [1] })), "choice.both: "),
        ] {
            let said = said(&value).unwrap();
            assert!(
                said.starts_with(&format!("{place}invalid type: sequence, expected ")),
                "{said}"
            );
        }
    }
}
