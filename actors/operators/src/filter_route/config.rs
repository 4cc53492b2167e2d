//! How the rules of a filter are written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_domain::{PortName, did_you_mean};

use crate::expression::Text;

/// Sends each record to the ports of the first rule that it matches, or of several where rules
/// say `continue`. Ports are named by the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterRouteConfig {
    /// Tried in this order.
    pub rules: Vec<Rule>,
    /// Where records go that match no rule: a port, or `drop`. Default: the port `otherwise`,
    /// which must be connected like any other.
    #[serde(default)]
    pub otherwise: Otherwise,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// What people call it, in messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub when: Condition,
    /// The port, or the ports, that matching records go to.
    #[serde(default, skip_serializing_if = "Ports::is_empty")]
    pub to: Ports,
    /// Leaves matching records out instead. They are counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
    /// Tries the rules below for matching records, too. Without it the first match is the last.
    #[serde(default, rename = "continue", skip_serializing_if = "std::ops::Not::not")]
    pub go_on: bool,
}

/// A condition on a record. Null counts as no.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// An expression that is true or false.
    Is(Text),
    /// Every one of these. They are tried in order, up to the first that is false.
    All(Vec<Condition>),
    /// At least one of these. They are tried in order, up to the first that is true.
    Any(Vec<Condition>),
    /// Not one of these.
    None(Vec<Condition>),
}

const KEYS: [&str; 3] = ["all", "any", "none"];

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Is(text) => text.serialize(serializer),
            Self::All(it) => serializer.collect_map([("all", it)]),
            Self::Any(it) => serializer.collect_map([("any", it)]),
            Self::None(it) => serializer.collect_map([("none", it)]),
        }
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Condition;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or one of all, any, none with a list of conditions")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Condition, E> {
                Ok(Condition::Is(Text(text.to_owned())))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Condition, E> {
                Ok(Condition::Is(Text(value.to_string())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Condition, A::Error> {
                let none = || A::Error::custom("a condition needs one of all, any, none");
                let key: String = map.next_key()?.ok_or_else(none)?;
                let condition = match key.as_str() {
                    "all" => Condition::All(map.next_value()?),
                    "any" => Condition::Any(map.next_value()?),
                    "none" => Condition::None(map.next_value()?),
                    other => return Err(A::Error::custom(unknown_key(other))),
                };
                match map.next_key::<String>()? {
                    None => Ok(condition),
                    Some(second) => Err(A::Error::custom(format!(
                        "{key} and {second} stand side by side: put one into the other"
                    ))),
                }
            }
        }

        deserializer.deserialize_any(Written)
    }
}

fn unknown_key(key: &str) -> String {
    match did_you_mean(key, KEYS) {
        Some(near) => format!("there is no condition {key}: did you mean {near}?"),
        None => format!("there is no condition {key}: use one of {}", KEYS.join(", ")),
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let list = generator.subschema_for::<Vec<Self>>();
        let text = generator.subschema_for::<Text>();
        json_schema!({
            "description": "An expression, or one of all, any, none with a list of conditions.",
            "anyOf": [text, {
                "type": "object",
                "properties": { "all": list, "any": list, "none": list },
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1
            }]
        })
    }
}

/// One port or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ports(pub Vec<PortName>);

impl Ports {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Ports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port's name or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Ports, E> {
                Ok(Ports(vec![PortName::new(text).map_err(E::custom)?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Ports, A::Error> {
                let list = de::value::SeqAccessDeserializer::new(seq);
                Vec::deserialize(list).map(Ports)
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Ports {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<PortName>();
        let many = generator.subschema_for::<Vec<PortName>>();
        json_schema!({ "anyOf": [one, many] })
    }
}

/// What becomes of records that match no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Otherwise {
    Port(PortName),
    /// They are left out, and counted.
    Drop,
}

/// The word that is no port.
pub(crate) const DROP: &str = "drop";

impl Default for Otherwise {
    fn default() -> Self {
        Self::Port(PortName::new("otherwise").expect("the word is a name"))
    }
}

impl Serialize for Otherwise {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Port(port) => port.serialize(serializer),
            Self::Drop => serializer.serialize_str(DROP),
        }
    }
}

impl<'de> Deserialize<'de> for Otherwise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let port = PortName::deserialize(deserializer)?;
        Ok(if port.as_str() == DROP { Self::Drop } else { Self::Port(port) })
    }
}

impl JsonSchema for Otherwise {
    fn schema_name() -> Cow<'static, str> {
        "Otherwise".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = PortName::json_schema(generator);
        let text = "The port of records that match no rule, or `drop`. Default: `otherwise`.";
        schema.insert("description".into(), text.into());
        schema
    }
}
