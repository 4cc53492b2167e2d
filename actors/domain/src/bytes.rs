//! An amount of bytes that people write with a unit: `512`, `64KiB`, `4 MiB`, `10MB`.
//!
//! The units are HOCON's: `k`, `m`, `g`, `t` and `KiB`, `MiB` … are powers of 1024; `kB`, `MB` … are
//! powers of 1000. A bare number counts bytes.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const NAMES: [(&str, u32); 4] = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];

impl Bytes {
    /// As a length in memory; saturates on a machine that can't address as much.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let split = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..split], text[split..].trim());
        let Some(factor) = factor(unit) else {
            return Err(format!("{unit:?} is no unit of size: use B, KiB, MiB, GiB, kB, MB or GB"));
        };
        let wrong = |_| format!("{text:?} is not a size: write for instance \"4MiB\"");
        if let Ok(whole) = number.parse::<u64>() {
            let bytes = whole.checked_mul(factor).ok_or_else(|| format!("{text:?} is too large"));
            return bytes.map(Self);
        }
        let bytes = number.parse::<f64>().map_err(wrong)? * factor as f64;
        if !bytes.is_finite() || bytes > 9.0e15 {
            return Err(format!("{text:?} is too large"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        Ok(Self(bytes.round() as u64))
    }
}

fn factor(unit: &str) -> Option<u64> {
    Some(match unit {
        "" | "B" | "b" | "byte" | "bytes" => 1,
        "k" | "K" | "Ki" | "KiB" | "kibibyte" | "kibibytes" => 1 << 10,
        "m" | "M" | "Mi" | "MiB" | "mebibyte" | "mebibytes" => 1 << 20,
        "g" | "G" | "Gi" | "GiB" | "gibibyte" | "gibibytes" => 1 << 30,
        "t" | "T" | "Ti" | "TiB" | "tebibyte" | "tebibytes" => 1 << 40,
        "kB" | "kilobyte" | "kilobytes" => 1_000,
        "MB" | "megabyte" | "megabytes" => 1_000_000,
        "GB" | "gigabyte" | "gigabytes" => 1_000_000_000,
        "TB" | "terabyte" | "terabytes" => 1_000_000_000_000,
        _ => return None,
    })
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |it: &&(&str, u32)| self.0 > 0 && self.0.trailing_zeros() >= it.1;
        match NAMES.iter().find(fits) {
            Some((name, bits)) => write!(f, "{}{name}B", self.0 >> bits),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Size)
    }
}

struct Size;

impl Visitor<'_> for Size {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as 4MiB")
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Bytes, E> {
        Ok(Bytes(bytes))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        text.parse().map_err(E::custom)
    }
}

impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A size in bytes, or with its unit as 64KiB, 4MiB, 10MB.",
            "type": ["string", "integer"],
            "pattern": "^[0-9]+(\\.[0-9]+)? ?[A-Za-z]*$",
            "minimum": 0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_reads_with_the_units_of_hocon_and_shows_its_shortest_form() {
        let check = |text: &str, bytes: u64, shown: &str| {
            let size = text.parse::<Bytes>();
            assert_eq!(size, Ok(Bytes(bytes)), "{text}");
            assert_eq!(size.unwrap().to_string(), shown);
        };
        check("4MiB", 4 << 20, "4MiB");
        check("512k", 512 << 10, "512KiB");
        check("10 MB", 10_000_000, "10000000B");
        check("1.5 GiB", 3 << 29, "1536MiB");
        check("0", 0, "0B");
        check("100 bytes", 100, "100B");
        check("2TiB", 2 << 40, "2TiB");
    }

    #[test]
    fn a_size_is_refused_with_the_reason() {
        let check = |text: &str, reason: &str| {
            let refused = text.parse::<Bytes>().unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        };
        check("10 parsecs", "no unit of size");
        check("MiB", "not a size");
        check("", "not a size");
        check("1.2.3k", "not a size");
        check("-5", "no unit of size");
        check("99999999999999999999", "too large");
        check("18446744073709551615k", "too large");
    }
}
