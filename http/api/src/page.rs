//! Pages of a list, and the cursor that leads from one to the next.
//!
//! A cursor names the last item that was seen, not an offset: what is added or deleted meanwhile
//! neither repeats nor hides an item.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use weir_domain::{LetterId, SourceName, StreamId, Timestamp};

use crate::schema;

/// Items of a page where the request does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// Most items of one page.
pub const LIMIT_MAX: u32 = 500;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Ask again with this cursor for what follows. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Cursor>)]
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// A list that always fits one page.
    pub fn whole(items: impl IntoIterator<Item = impl Into<T>>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect(), next_cursor: None }
    }
}

/// Where a list goes on: after this element. Opaque outside of this module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Last);

/// The last element that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Last {
    Stream(StreamId),
    Item(SourceName, Timestamp, String),
    Entry(u64),
    Letter(LetterId),
    Version(String),
    Line(Timestamp, String, u64),
    Row(Row),
}

/// An element of a list that is at hand as a whole: where it stands by the values that the list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub list: String,
    /// What the list is sorted by.
    pub order: String,
    pub values: Vec<Value>,
}

/// First byte of every cursor: which list it belongs to, and in which shape.
const STREAM: u8 = 1;
const ITEM: u8 = 2;
const ENTRY: u8 = 3;
const LETTER: u8 = 4;
const VERSION: u8 = 13;
const LINE: u8 = 14;
const ROW: u8 = 15;

const REFUSAL: &str = "this is no cursor of this list: pass nextCursor back as it came, or leave \
                       it out to begin at the start";
const OTHER_ORDER: &str = "this cursor was given for another sort: ask with the same sort again, or \
                           leave it out to begin at the start";

impl Cursor {
    pub fn after_stream(id: StreamId) -> Self {
        Self(Last::Stream(id))
    }

    pub fn after_item(source: SourceName, claimed_at: Timestamp, name: String) -> Self {
        Self(Last::Item(source, claimed_at, name))
    }

    /// The last stream that was seen; an error for a cursor of another list.
    pub fn stream(self) -> Result<StreamId, &'static str> {
        let Last::Stream(id) = self.0 else { return Err(REFUSAL) };
        Ok(id)
    }

    /// The last item that was seen; an error for a cursor of another list.
    pub fn item(self) -> Result<(SourceName, Timestamp, String), &'static str> {
        let Last::Item(source, claimed_at, name) = self.0 else { return Err(REFUSAL) };
        Ok((source, claimed_at, name))
    }

    pub fn before_entry(sequence: u64) -> Self {
        Self(Last::Entry(sequence))
    }

    /// The last entry of the audit that was seen; an error for a cursor of another list.
    pub fn entry(self) -> Result<u64, &'static str> {
        let Last::Entry(sequence) = self.0 else { return Err(REFUSAL) };
        Ok(sequence)
    }

    pub fn after_letter(id: LetterId) -> Self {
        Self(Last::Letter(id))
    }

    /// The last dead letter that was seen; an error for a cursor of another list.
    pub fn letter(self) -> Result<LetterId, &'static str> {
        let Last::Letter(id) = self.0 else { return Err(REFUSAL) };
        Ok(id)
    }

    pub fn after_version(id: String) -> Self {
        Self(Last::Version(id))
    }

    /// The last version that was looked at; an error for a cursor of another list.
    pub fn version(self) -> Result<String, &'static str> {
        let Last::Version(id) = self.0 else { return Err(REFUSAL) };
        Ok(id)
    }

    /// When a line was logged, by which node, and its number there.
    pub fn after_line(at: Timestamp, node: String, number: u64) -> Self {
        Self(Last::Line(at, node, number))
    }

    /// The last line that was seen; an error for a cursor of another list.
    pub fn line(self) -> Result<(Timestamp, String, u64), &'static str> {
        let Last::Line(at, node, number) = self.0 else { return Err(REFUSAL) };
        Ok((at, node, number))
    }

    pub fn after_row(row: Row) -> Self {
        Self(Last::Row(row))
    }

    /// The last element that was seen; an error for a cursor of another list, or of another order of it.
    pub fn row(self, list: &str, order: &str) -> Result<Row, &'static str> {
        let Last::Row(row) = self.0 else { return Err(REFUSAL) };
        match row.list == list {
            true if row.order == order => Ok(row),
            true => Err(OTHER_ORDER),
            false => Err(REFUSAL),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        match &self.0 {
            Last::Stream(id) => {
                bytes.push(STREAM);
                bytes.extend(id.0.as_bytes());
            }
            Last::Item(source, claimed_at, name) => {
                bytes.push(ITEM);
                let parts = serde_json::to_vec(&(source, claimed_at, name));
                bytes.extend(parts.expect("texts are JSON"));
            }
            Last::Entry(sequence) => {
                bytes.push(ENTRY);
                bytes.extend(sequence.to_be_bytes());
            }
            Last::Letter(id) => {
                bytes.push(LETTER);
                bytes.extend(id.to_string().into_bytes());
            }
            Last::Version(id) => {
                bytes.push(VERSION);
                bytes.extend(id.as_bytes());
            }
            Last::Line(at, node, number) => {
                bytes.push(LINE);
                let parts = serde_json::to_vec(&(at, node, number));
                bytes.extend(parts.expect("texts are JSON"));
            }
            Last::Row(row) => {
                bytes.push(ROW);
                bytes.extend(serde_json::to_vec(row).expect("texts are JSON"));
            }
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| REFUSAL)?;
        match bytes.split_first() {
            Some((&STREAM, id)) => {
                let id: [u8; 16] = id.try_into().map_err(|_| REFUSAL)?;
                Ok(Self::after_stream(StreamId(uuid::Uuid::from_bytes(id))))
            }
            Some((&ITEM, parts)) => {
                let (source, claimed_at, name) =
                    serde_json::from_slice(parts).map_err(|_| REFUSAL)?;
                Ok(Self::after_item(source, claimed_at, name))
            }
            Some((&ENTRY, sequence)) => {
                let sequence = sequence.try_into().map_err(|_| REFUSAL)?;
                Ok(Self::before_entry(u64::from_be_bytes(sequence)))
            }
            Some((&LETTER, id)) => {
                let id = std::str::from_utf8(id).map_err(|_| REFUSAL)?;
                Ok(Self::after_letter(id.parse().map_err(|_| REFUSAL)?))
            }
            Some((&VERSION, id)) => {
                let id = std::str::from_utf8(id).map_err(|_| REFUSAL)?;
                Ok(Self::after_version(id.to_owned()))
            }
            Some((&LINE, parts)) => {
                let (at, node, number) = serde_json::from_slice(parts).map_err(|_| REFUSAL)?;
                Ok(Self::after_line(at, node, number))
            }
            Some((&ROW, row)) => {
                Ok(Self::after_row(serde_json::from_slice(row).map_err(|_| REFUSAL)?))
            }
            _ => Err(REFUSAL),
        }
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_as_written_and_nothing_else_is_one() {
        let id: StreamId = "0197a8b0-5b5e-7c3e-9d4f-0123456789ab".parse().unwrap();
        let source = SourceName::stored("flights/read");
        let of_streams = Cursor::after_stream(id);
        let of_items = Cursor::after_item(source.clone(), Timestamp(7), "a\"\u{e9}\0/b.csv".into());
        let of_lines = Cursor::after_line(Timestamp(9), "n1".into(), 3);
        let row = Row { list: "users".into(), order: "-name".into(), values: vec!["a".into()] };
        let of_rows = Cursor::after_row(row.clone());
        for cursor in [&of_streams, &of_items, &of_lines, &of_rows] {
            assert_eq!(cursor.to_string().parse().as_ref(), Ok(cursor));
        }
        for bad in [
            "",
            "x",
            "AQ",
            "Ag",
            "0197a8b0-5b5e-7c3e-9d4f-0123456789ab",
            "Agl6iwW158Pp1PASNFZ4mrAA",
        ] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
        assert_eq!(of_rows.clone().row("users", "-name"), Ok(row));
        assert_eq!(of_rows.clone().row("users", "name"), Err(OTHER_ORDER));
        assert_eq!(of_rows.row("roles", "-name"), Err(REFUSAL));
        assert_eq!(of_streams.clone().stream(), Ok(id));
        assert_eq!(of_items.clone().item(), Ok((source, Timestamp(7), "a\"\u{e9}\0/b.csv".into())));
        assert!(of_streams.item().is_err() && of_items.stream().is_err(), "of another list");
    }
}
