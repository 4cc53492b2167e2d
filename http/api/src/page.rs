//! Pages of a list, and the cursor that leads from one to the next.
//!
//! A cursor names the last item that was seen, not an offset: what is added or deleted meanwhile
//! neither repeats nor hides an item.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::StreamId;

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

/// Where a list of streams goes on: after this stream. Opaque outside of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(StreamId);

/// First byte of every cursor; another number is another shape.
const VERSION: u8 = 1;

impl Cursor {
    pub fn after(id: StreamId) -> Self {
        Self(id)
    }

    /// The last stream that was seen.
    pub fn stream(self) -> StreamId {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend(self.0.0.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const REFUSAL: &str = "this is no cursor of this list: pass nextCursor back as it came, \
                               or leave it out to begin at the start";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| REFUSAL)?;
        let Some((&VERSION, id)) = bytes.split_first() else { return Err(REFUSAL) };
        let id: [u8; 16] = id.try_into().map_err(|_| REFUSAL)?;
        Ok(Self(StreamId(uuid::Uuid::from_bytes(id))))
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
        let text = Cursor::after(id).to_string();
        assert_eq!(text.parse::<Cursor>().map(Cursor::stream), Ok(id));
        for bad in
            ["", "x", "AQ", "0197a8b0-5b5e-7c3e-9d4f-0123456789ab", "Agl6iwW158Pp1PASNFZ4mrAA"]
        {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
    }
}
