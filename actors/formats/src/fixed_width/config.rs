//! What people write about records of fixed width.

use arrow::datatypes::SchemaRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::framing::Frames;
use crate::{ConfigError, Encoding, Framing, LineEnding, NullText};

/// Records of text in which each column has its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedWidthConfig {
    /// The columns. What lies between them or behind the last one is left out when reading, and
    /// blank when writing; fields of a record that are no column here are not written.
    pub columns: Vec<FixedWidthColumn>,
    /// Where one record ends and the next begins. `none`: right behind it, as all have one length.
    #[serde(default)]
    pub framing: Framing,
    #[serde(default)]
    pub encoding: Encoding,
    /// A cell with exactly this text, once it is trimmed, is null. The first is what null is written
    /// as.
    #[serde(default = "no_text")]
    pub null_text: NullText,
    /// Whether a record may end early; cells that are missing, or cut off, are read as they are.
    #[serde(default)]
    pub allow_short: bool,
    /// Whether a record may go on behind the last column.
    #[serde(default)]
    pub allow_long: bool,
    /// What a line ends with when writing. Reading takes either.
    #[serde(default)]
    pub line_ending: LineEnding,
}

impl FixedWidthConfig {
    pub(crate) fn check(&self, errors: &mut Vec<ConfigError>) -> SchemaRef {
        Layout::new(self, errors).schema
    }

    /// Whether the input may begin with a mark that tells its encoding.
    pub(crate) fn begins_with_text(&self) -> bool {
        self.encoding == Encoding::Utf8 && self.framing == Framing::Lines
    }

    /// A valid configuration's records of one length have characters of one byte.
    pub(crate) fn frames(&self, record_bytes_max: usize) -> Frames {
        let length = Layout::new(self, &mut Vec::new()).length;
        Frames::new(self.framing, record_bytes_max).skipping_empty_lines().of_length(length)
    }
}

fn no_text() -> NullText {
    NullText::One(String::new())
}

/// A column and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FixedWidthColumn {
    pub name: String,
    /// `string`, `boolean`, `int64`, `float64`, `decimal(10, 2)`, `date`, `timestamp(ms)` … .
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many characters it has.
    pub width: usize,
    /// Its first character, counted from 1. Absent: behind the column before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Whether the value may be missing. A record without a value that must be there is bad.
    #[serde(default = "yes")]
    pub nullable: bool,
    /// On which sides blanks and `pad` are taken off when reading. A pad of `0` stays.
    #[serde(default)]
    pub trim: Trim,
    /// On which side a value stands that is shorter than the column, when writing. Absent: numbers
    /// on the right, all else on the left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<Align>,
    /// What the rest of the column is filled with.
    #[serde(default)]
    pub pad: PadChar,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Trim {
    #[default]
    Both,
    Left,
    Right,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Align {
    Left,
    Right,
}

/// One printable ASCII character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PadChar(pub u8);

impl Default for PadChar {
    fn default() -> Self {
        Self(b' ')
    }
}

impl TryFrom<String> for PadChar {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_bytes() {
            [byte @ b' '..=b'~'] => Ok(Self(*byte)),
            _ => Err(format!("{text:?} is not a single printable ASCII character")),
        }
    }
}

impl From<PadChar> for String {
    fn from(it: PadChar) -> Self {
        char::from(it.0).to_string()
    }
}
