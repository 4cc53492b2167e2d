//! The configuration of formats, as it is written in a project.

use arrow::datatypes::{DataType, SchemaRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::{self, ConfigError, FieldConfig};
use crate::{ArrowConfig, ArrowLayout, AvroConfig, FixedWidthConfig, ProtobufConfig, RawConfig};
use weir_records::type_name;

/// How the records of a file are written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FormatConfig {
    Csv(CsvConfig),
    Json(JsonConfig),
    Parquet(ParquetConfig),
    FixedWidth(FixedWidthConfig),
    Raw(RawConfig),
    Arrow(ArrowConfig),
    Avro(AvroConfig),
    Protobuf(ProtobufConfig),
}

/// Comma-separated values, with any delimiter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CsvConfig {
    /// Whether the first record holds the names of the columns.
    pub header: bool,
    pub delimiter: CsvChar,
    pub quote: CsvChar,
    /// Escapes a character within quotes, besides a doubled quote. For reading only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<CsvChar>,
    /// Lines that begin with it are left out when reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CsvChar>,
    /// A cell with exactly this text is null. The first is what null is written as.
    pub null_text: NullText,
    /// Whether a record may end early; what is missing is null.
    pub allow_missing_columns: bool,
    /// The columns to read. With a header they are found by name, without one by position.
    /// Absent: all columns, with types inferred from the first records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Vec<FieldConfig>>,
    /// How many records types are inferred from.
    pub infer_rows: usize,
    /// What a line ends with when writing. Reading takes either.
    pub line_ending: LineEnding,
}

impl Default for CsvConfig {
    fn default() -> Self {
        Self {
            header: true,
            delimiter: CsvChar(b','),
            quote: CsvChar(b'"'),
            escape: None,
            comment: None,
            null_text: NullText::One(String::new()),
            allow_missing_columns: false,
            schema: None,
            infer_rows: INFER_ROWS,
            line_ending: LineEnding::Lf,
        }
    }
}

const INFER_ROWS: usize = 1000;

/// JSON objects, one a line or in one array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JsonConfig {
    pub layout: JsonLayout,
    /// The fields to read; others are left out. Absent: all, with types inferred from the first
    /// records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Vec<FieldConfig>>,
    /// How many records types are inferred from.
    pub infer_rows: usize,
    /// Whether numbers and booleans are read as they are written where a text is declared. Otherwise
    /// such a record is a bad one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub scalars_as_text: bool,
}

impl Default for JsonConfig {
    fn default() -> Self {
        Self {
            layout: JsonLayout::Lines,
            schema: None,
            infer_rows: INFER_ROWS,
            scalars_as_text: false,
        }
    }
}

/// Parquet, which carries its own schema and compression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ParquetConfig {
    /// Of the pages within the file, when writing.
    pub compression: ParquetCompression,
    /// Most records in a row group, when writing. A group also ends at 64 MiB.
    pub row_group_rows: usize,
}

impl Default for ParquetConfig {
    fn default() -> Self {
        Self { compression: ParquetCompression::Zstd, row_group_rows: 1_048_576 }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JsonLayout {
    /// One object on each line.
    #[default]
    Lines,
    /// One array of objects.
    Array,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ParquetCompression {
    None,
    Snappy,
    #[default]
    Zstd,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineEnding {
    #[default]
    Lf,
    CrLf,
}

impl LineEnding {
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

/// One ASCII character that has a meaning in CSV. A tab may be written as `\t`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CsvChar(pub u8);

impl TryFrom<String> for CsvChar {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Self(*byte)),
            br"\t" => Ok(Self(b'\t')),
            _ => Err(format!("{text:?} is not a single ASCII character within a line")),
        }
    }
}

impl From<CsvChar> for String {
    fn from(it: CsvChar) -> Self {
        char::from(it.0).to_string()
    }
}

/// The text or texts that stand for null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NullText {
    One(String),
    Any(Vec<String>),
}

impl NullText {
    pub(crate) fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Any(texts) => texts,
        }
    }
}

impl FormatConfig {
    /// The schema that the configuration declares, `None` where the file's own is taken, or
    /// everything that is wrong with the configuration.
    pub fn declared_schema(&self) -> Result<Option<SchemaRef>, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let declared = match self {
            Self::Csv(it) => it.check(&mut errors),
            Self::Json(it) => {
                check_infer_rows(it.infer_rows, &mut errors);
                it.schema.as_ref().map(|fields| field::schema(fields, &mut errors))
            }
            Self::Parquet(it) => {
                if it.row_group_rows == 0 {
                    let cause = "a row group holds at least one record";
                    errors.push(ConfigError::new("rowGroupRows", cause, "remove it or raise it"));
                }
                None
            }
            Self::FixedWidth(it) => Some(it.check(&mut errors)),
            Self::Raw(it) => Some(it.check(&mut errors)),
            Self::Arrow(_) => None,
            Self::Avro(it) => it.check(&mut errors),
            Self::Protobuf(it) => it.check(&mut errors),
        };
        if errors.is_empty() { Ok(declared) } else { Err(errors) }
    }

    /// What a file name of this format ends with, without the dot.
    pub fn extension(&self) -> &str {
        match self {
            Self::Csv(_) => "csv",
            Self::Json(JsonConfig { layout: JsonLayout::Lines, .. }) => "jsonl",
            Self::Json(_) => "json",
            Self::Parquet(_) => "parquet",
            Self::FixedWidth(_) => "txt",
            Self::Raw(it) => it.extension(),
            Self::Arrow(ArrowConfig { layout: ArrowLayout::File, .. }) => "arrow",
            Self::Arrow(_) => "arrows",
            Self::Avro(_) => "avro",
            Self::Protobuf(_) => "pb",
        }
    }
}

impl CsvConfig {
    fn check(&self, errors: &mut Vec<ConfigError>) -> Option<SchemaRef> {
        check_infer_rows(self.infer_rows, errors);
        self.check_characters(errors);
        if self.null_text.texts().is_empty() {
            let fix = "give a text, or leave the key out";
            errors.push(ConfigError::new("nullText", "the list is empty", fix));
        }
        let before = errors.len();
        let schema = self.schema.as_ref().map(|fields| field::schema(fields, errors))?;
        if errors.len() == before {
            check_flat(&schema, errors);
        }
        Some(schema)
    }

    fn check_characters(&self, errors: &mut Vec<ConfigError>) {
        let characters = [
            ("delimiter", Some(self.delimiter)),
            ("quote", Some(self.quote)),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (at, (name, given)) in characters.iter().enumerate() {
            let Some(given) = given else { continue };
            let earlier = characters[..at].iter().find(|(_, it)| *it == Some(*given));
            if let Some((other, _)) = earlier {
                let cause = format!("{:?} is the {other} as well", char::from(given.0));
                errors.push(ConfigError::new(*name, cause, "use different characters"));
            }
        }
    }
}

/// A cell of CSV holds one value.
fn check_flat(schema: &SchemaRef, errors: &mut Vec<ConfigError>) {
    for (at, field) in schema.fields().iter().enumerate() {
        if field.data_type().is_nested() || *field.data_type() == DataType::Binary {
            let name = type_name(field.data_type());
            let cause = format!("CSV can't hold \"{}\" of type {name}", field.name());
            let fix = "read it as a string";
            errors.push(ConfigError::new(format!("schema[{at}].type"), cause, fix));
        }
    }
}

fn check_infer_rows(rows: usize, errors: &mut Vec<ConfigError>) {
    if rows == 0 {
        let cause = "types can't be inferred from no records";
        errors.push(ConfigError::new("inferRows", cause, "remove it or raise it"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(json: &str) -> String {
        let config: FormatConfig = match serde_json::from_str(json) {
            Ok(config) => config,
            Err(error) => return error.to_string(),
        };
        let errors = config.declared_schema().expect_err("an error is expected");
        errors.iter().map(|it| format!("{it} -> {}", it.fix)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_schema_is_resolved_to_the_last_leaf() {
        let json = r#"{"type": "json", "schema": [
            {"name": "id", "type": "int64", "nullable": false},
            {"name": "at", "type": "timestamp(ms)"},
            {"name": "tags", "type": "list", "items": {"type": "string"}},
            {"name": "who", "type": "struct", "fields": [{"name": "age", "type": "uint8"}]}]}"#;
        let config: FormatConfig = serde_json::from_str(json).expect("it is a configuration");
        let schema = config.declared_schema().expect("it is valid").expect("it is declared");
        let text: Vec<_> = schema.fields().iter().map(|it| type_name(it.data_type())).collect();
        assert_eq!(text, ["int64", "timestamp(ms)", "list<string>", "struct<age: uint8>"]);
        assert!(!schema.field(0).is_nullable() && schema.field(1).is_nullable());
        let back = serde_json::to_string(&config).expect("it serializes");
        assert_eq!(serde_json::from_str::<FormatConfig>(&back).expect("and back"), config);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path_and_a_fix() {
        for (json, expected) in [
            (r#"{"type": "csv", "delimeter": ";"}"#, "unknown field `delimeter`"),
            (r#"{"type": "csv", "delimiter": "::"}"#, "is not a single ASCII character"),
            (r#"{"type": "csv", "quote": ","}"#, "quote: ',' is the delimiter as well"),
            (r#"{"type": "xml"}"#, "unknown variant `xml`"),
            (
                r#"{"type": "csv", "schema": [{"name": "a", "type": "strin"}]}"#,
                "schema[0].type: there is no type \"strin\" at character 1 of the type \"strin\" \
                 -> did you mean \"string\"?",
            ),
            (
                r#"{"type": "csv", "schema": [{"name": "a", "type": "list<int>"}]}"#,
                "schema[0].type: CSV can't hold \"a\" of type list<int64> -> read it as a string",
            ),
            (
                r#"{"type": "json", "schema": [{"name": "a", "type": "struct", "fields":
                    [{"name": "b", "type": "int"}, {"name": "b", "type": "int"}]}]}"#,
                "schema[0].fields[1].name: the field \"b\" is declared twice",
            ),
            (r#"{"type": "json", "schema": []}"#, "schema: a schema needs at least one field"),
            (r#"{"type": "parquet", "rowGroupRows": 0}"#, "rowGroupRows: a row group holds"),
        ] {
            let errors = errors(json);
            assert!(errors.contains(expected), "{json}\ngave {errors}");
        }
    }
}
