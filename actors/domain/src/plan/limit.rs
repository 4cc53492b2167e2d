//! How many bad records a stream may have before it ends: a circuit breaker.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Millis, parse_duration};

/// When bad records are too many. The stream is rolled back then, and a live run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorLimit {
    /// Most bad records of a stream, or of a live run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Most bad records of those within the window, as `5%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Share>,
    /// What the rate is of: the last `1000 records`, or those of the last `1m`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub window: Window,
}

fn is_default(window: &Window) -> bool {
    *window == Window::default()
}

impl ErrorLimit {
    /// What makes no sense, by its key.
    pub fn wrong(&self) -> Option<(&'static str, &'static str)> {
        match (self.max, self.rate, self.window) {
            (None, None, _) => Some(("", "it limits nothing: write max, or rate")),
            (_, _, Window::Records(0)) => Some(("window", "a window has at least one record")),
            (_, _, Window::Time(Millis(0))) => Some(("window", "a window takes some time")),
            (_, None, it) if it != Window::default() => {
                Some(("window", "only a rate has a window"))
            }
            _ => None,
        }
    }
}

/// A part of a hundred, in thousandths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

const WHOLE: u32 = 100_000;

impl Share {
    /// Whether so many of so many are more than this.
    pub fn is_exceeded(self, bad: u64, seen: u64) -> bool {
        u128::from(bad) * u128::from(WHOLE) > u128::from(seen) * u128::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 1_000.0)
    }
}

/// Of what a rate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    Records(u64),
    Time(Millis),
}

impl Default for Window {
    fn default() -> Self {
        Self::Records(1_000)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(n) => write!(f, "{n} records"),
            Self::Time(length) => write!(f, "{length}"),
        }
    }
}

fn share(text: &str) -> Result<Share, String> {
    let number = text.trim().strip_suffix('%').and_then(|it| it.trim().parse::<f64>().ok());
    let share = number.filter(|it| (0.0..=100.0).contains(it)).map(|it| (it * 1_000.0).round());
    share.map(|it| Share(it as u32)).ok_or_else(|| "write a share such as 5%".to_owned())
}

fn window(text: &str) -> Result<Window, String> {
    let records = text.trim().strip_suffix("records").or(text.trim().strip_suffix("record"));
    match records {
        Some(number) => number.trim().parse().map(Window::Records).map_err(|_| WINDOW.to_owned()),
        None => parse_duration(text).map(Window::Time).map_err(|_| WINDOW.to_owned()),
    }
}

const WINDOW: &str = "write a window such as 1000 records or 1m";

macro_rules! text {
    ($name:ident, $read:ident, $title:literal, $describe:literal, $pattern:literal) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $read(&text).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": $describe,
                    "pattern": $pattern
                })
            }
        }
    };
}

text!(Share, share, "Share", "A share, as 5% or 0.1%.", "^[0-9]+(\\.[0-9]+)? ?%$");
text!(
    Window,
    window,
    "ErrorWindow",
    "So many records, as 1000 records, or a length of time, as 1m.",
    "^[0-9]+(\\.[0-9]+)? ?(records?|ms|s|m|h|d)$"
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_is_read_as_it_is_written() {
        for written in [
            json!({ "max": 100 }),
            json!({ "rate": "5%" }),
            json!({ "rate": "0.1%", "window": "50 records" }),
            json!({ "max": 1, "rate": "100%", "window": "1m" }),
        ] {
            let limit: ErrorLimit = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(limit).unwrap(), written);
            assert_eq!(limit.wrong(), None, "{written}");
        }
        for bad in [json!({ "rate": "5" }), json!({ "rate": "101%" }), json!({ "window": "7" })] {
            assert!(serde_json::from_value::<ErrorLimit>(bad.clone()).is_err(), "{bad}");
        }
        for odd in [
            json!({}),
            json!({ "rate": "1%", "window": "0 records" }),
            json!({ "max": 1, "window": "1m" }),
        ] {
            assert!(serde_json::from_value::<ErrorLimit>(odd.clone()).unwrap().wrong().is_some());
        }
    }

    #[test]
    fn a_share_is_exceeded_by_more_than_it() {
        let five = share("5%").unwrap();
        assert!(!five.is_exceeded(50, 1_000) && five.is_exceeded(51, 1_000));
        assert!(share("0%").unwrap().is_exceeded(1, u64::MAX));
    }
}
