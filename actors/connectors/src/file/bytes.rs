//! A number of bytes as people write it: `500000`, `64MiB`, `1 GB`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

fn parse(text: &str) -> Result<Bytes, String> {
    let text = text.trim();
    let split = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim().to_ascii_lowercase());
    let Some((_, factor)) = UNITS.iter().find(|it| it.0 == unit) else {
        return Err(format!("{unit:?} is no unit of size: use kB, MB, GB, KiB, MiB or GiB"));
    };
    let number: u64 =
        number.parse().map_err(|_| format!("{text:?} is no size: write for instance \"64MiB\""))?;
    number.checked_mul(*factor).map(Bytes).ok_or_else(|| format!("{text:?} is too large"))
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl serde::de::Visitor<'_> for Visitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of bytes, or a text as \"64MiB\"")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Bytes, E> {
        Ok(Bytes(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Bytes, E> {
        u64::try_from(number).map(Bytes).map_err(|_| E::custom("a size can't be negative"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
        parse(text).map_err(E::custom)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number of bytes, with a unit if wanted: 500000, 64MiB, 1 GB.",
            "oneOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+ ?([kKmMgG]i?)?[bB]?$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        let cases = [("5", 5), ("64MiB", 64 << 20), ("1 GB", 1_000_000_000), ("3kib", 3 << 10)];
        for (text, wanted) in cases {
            assert_eq!(parse(text), Ok(Bytes(wanted)));
        }
        assert!(parse("1 parsec").unwrap_err().contains("parsec"));
        assert!(parse("MiB").unwrap_err().contains("no size"));
        assert!(parse("99999999999999999GiB").unwrap_err().contains("too large"));
        let number: Bytes = serde_json::from_value(serde_json::json!(7)).unwrap();
        assert_eq!(number, Bytes(7));
        assert!(serde_json::from_value::<Bytes>(serde_json::json!(-7)).is_err());
    }
}
