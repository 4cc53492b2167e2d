//! Bodies of HTTP: one message, or several.

use bytes::{BufMut as _, Bytes, BytesMut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_formats::FormatConfig;

use super::json;

/// What a body is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HttpBody")]
pub enum BodyConfig {
    /// One record.
    #[default]
    Record,
    /// A record in each line; empty ones are left out.
    Lines,
    /// A JSON array of records.
    Array,
}

impl BodyConfig {
    /// The messages of a body.
    pub(super) fn split(self, body: Bytes) -> Result<Vec<Bytes>, String> {
        match self {
            Self::Record => Ok(vec![body]),
            Self::Array => json::elements(&body),
            Self::Lines => {
                let lines = body.split(|it| *it == b'\n');
                let lines = lines.map(|it| it.strip_suffix(b"\r").unwrap_or(it));
                Ok(lines.filter(|it| !it.is_empty()).map(|it| body.slice_ref(it)).collect())
            }
        }
    }

    /// The body of these messages.
    pub(super) fn join(self, messages: &[Bytes]) -> Bytes {
        if let (Self::Record, [one]) = (self, messages) {
            return one.clone();
        }
        let mut body = BytesMut::new();
        let (start, between, end): (&[u8], &[u8], &[u8]) = match self {
            Self::Record | Self::Lines => (b"", b"\n", b"\n"),
            Self::Array => (b"[", b",", b"]"),
        };
        body.put(start);
        for (at, message) in messages.iter().enumerate() {
            body.put(if at == 0 { &b""[..] } else { between });
            body.put(&message[..]);
        }
        body.put(end);
        body.freeze()
    }

    /// What a body of this format is called.
    pub(super) fn media_type(self, format: &FormatConfig) -> &'static str {
        match (format, self) {
            (FormatConfig::Json(_), Self::Lines) => "application/x-ndjson",
            (FormatConfig::Json(_), Self::Record | Self::Array) => "application/json",
            (FormatConfig::Avro(_), _) => "application/avro",
            (FormatConfig::Protobuf(_), _) => "application/protobuf",
            (FormatConfig::Raw(_) | FormatConfig::FixedWidth(_), _) => "text/plain; charset=utf-8",
            (FormatConfig::Csv(_) | FormatConfig::Parquet(_) | FormatConfig::Arrow(_), _) => {
                "application/octet-stream"
            }
        }
    }

    /// Whether records of a format can stand in it.
    pub(super) fn fits(self, format: &FormatConfig) -> bool {
        match self {
            Self::Record => true,
            Self::Lines => !matches!(format, FormatConfig::Avro(_) | FormatConfig::Protobuf(_)),
            Self::Array => matches!(format, FormatConfig::Json(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_split_again() {
        let messages = [Bytes::from("{\"a\":1}"), Bytes::from("{\"a\":[]}")];
        for body in [BodyConfig::Lines, BodyConfig::Array] {
            for count in 0..=2 {
                let joined = body.join(&messages[..count]);
                assert_eq!(body.split(joined).unwrap(), messages[..count], "{body:?}");
            }
        }
        assert_eq!(BodyConfig::Record.join(&messages[..1]), messages[0]);
        let lines = BodyConfig::Lines.split(Bytes::from("a\r\n\nb")).unwrap();
        assert_eq!(lines, [Bytes::from("a"), Bytes::from("b")]);
    }
}
