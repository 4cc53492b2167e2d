//! Stable message codes: what an operator greps for and what the documentation explains.
//!
//! Ranges: 00 start and stop, 01 configuration, 02 projects, plans and packages, 03 streams and
//! stages, 04 connectors and formats, 05 persistence, 06 actors, 07 HTTP, 10 peer links, 11 the
//! cluster, 12 keys and secrets, 13 versions. A code is never reused.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stable code, shown as `WEIR-nnnnn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
pub struct Code(pub u32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WEIR-{:05}", self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("WEIR-").and_then(|it| it.parse().ok());
        digits.map(Self).ok_or_else(|| serde::de::Error::custom("a code looks like WEIR-00123"))
    }
}
