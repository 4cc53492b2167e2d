//! How many instances of one workflow a node may and must run.
//!
//! A bound has three values: no rule (a wider scope decides), a rule that bounds nothing (a least
//! number of 0, a largest of *unlimited*: it hides the wider scopes), and a number.

use std::fmt;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::NodeName;

const UNLIMITED: &str = "unlimited";

/// The largest number of instances, written as a number or as `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Max {
    AtMost(u32),
    Unlimited,
}

impl Max {
    /// As a number that every count stays below or reaches.
    pub const fn count(self) -> u32 {
        match self {
            Self::AtMost(it) => it,
            Self::Unlimited => u32::MAX,
        }
    }
}

impl fmt::Display for Max {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(it) => it.fmt(f),
            Self::Unlimited => f.pad(UNLIMITED),
        }
    }
}

impl Serialize for Max {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AtMost(it) => serializer.serialize_u32(*it),
            Self::Unlimited => serializer.serialize_str(UNLIMITED),
        }
    }
}

impl<'de> Deserialize<'de> for Max {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaxVisitor)
    }
}

struct MaxVisitor;

impl Visitor<'_> for MaxVisitor {
    type Value = Max;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of instances or {UNLIMITED:?}")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Max, E> {
        let count = u32::try_from(value);
        count.map(Max::AtMost).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Max, E> {
        let count = u32::try_from(value);
        count.map(Max::AtMost).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Max, E> {
        match value {
            UNLIMITED => Ok(Max::Unlimited),
            _ => Err(E::invalid_value(Unexpected::Str(value), &self)),
        }
    }
}

/// One rule: both bounds, of which either may be left to a wider scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Limit {
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Max>,
}

/// What a node can be made to run of one workflow at least. A rule is written before its nodes
/// join, and their number is not known: this bounds what a slip of the finger may start.
const MIN_MAX: u32 = 1_000;

/// Why two bounds are no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum InvalidLimit {
    #[error(
        "the least number of instances, {min}, is above the largest, {max}: lower the one or raise the other"
    )]
    Contradiction { min: u32, max: u32 },
    #[error("the least number of instances on a node is {max} at most, and this is {min}")]
    TooMany { min: u32, max: u32 },
}

impl Limit {
    pub fn new(min: Option<u32>, max: Option<Max>) -> Result<Self, InvalidLimit> {
        match (min, max) {
            (Some(min), Some(Max::AtMost(max))) if min > max => {
                Err(InvalidLimit::Contradiction { min, max })
            }
            (Some(min), _) if min > MIN_MAX => Err(InvalidLimit::TooMany { min, max: MIN_MAX }),
            _ => Ok(Self { min, max }),
        }
    }

    pub fn min(&self) -> Option<u32> {
        self.min
    }

    pub fn max(&self) -> Option<Max> {
        self.max
    }

    /// Whether it says nothing, so that it is no rule at all.
    pub fn is_silent(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(default)]
            min: Option<u32>,
            #[serde(default)]
            max: Option<Max>,
        }
        let Written { min, max } = Written::deserialize(deserializer)?;
        Self::new(min, max).map_err(D::Error::custom)
    }
}

/// Which nodes a rule is for. A narrower one hides a wider one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    Node(NodeName),
    /// Every node that has the role: the bounds hold on each, not for their sum.
    Role(String),
    Default,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(it) => write!(f, "node {it}"),
            Self::Role(it) => write!(f, "role {it}"),
            Self::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_least_number_above_the_largest_is_refused_however_it_arrives() {
        let refused = Limit::new(Some(3), Some(Max::AtMost(2)));
        assert_eq!(refused, Err(InvalidLimit::Contradiction { min: 3, max: 2 }));
        let read = serde_json::from_str::<Limit>(r#"{"min": 3, "max": 2}"#);
        assert!(read.unwrap_err().to_string().contains("lower the one or raise the other"));
        assert!(Limit::new(Some(3), Some(Max::Unlimited)).is_ok());
        assert!(matches!(Limit::new(Some(u32::MAX), None), Err(InvalidLimit::TooMany { .. })));
    }

    #[test]
    fn no_rule_zero_and_unlimited_are_three_things() {
        let read = |it: &str| serde_json::from_str::<Limit>(it).unwrap();
        assert!(read("{}").is_silent());
        assert!(read(r#"{"min": null, "max": null}"#).is_silent());
        assert_eq!(read(r#"{"min": 0}"#), Limit { min: Some(0), max: None });
        assert_eq!(read(r#"{"max": "unlimited"}"#), Limit { min: None, max: Some(Max::Unlimited) });
        assert_eq!(read(r#"{"max": 0}"#), Limit { min: None, max: Some(Max::AtMost(0)) });
        for text in ["{}", r#"{"max":"unlimited"}"#, r#"{"min":0,"max":2}"#] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        }
        for text in [r#"{"max": -1}"#, r#"{"max": "many"}"#, r#"{"maximum": 1}"#] {
            assert!(serde_json::from_str::<Limit>(text).is_err(), "{text}");
        }
    }
}
