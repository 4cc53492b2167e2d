//! The names of types: one small language in both directions.
//!
//! `string`, `boolean`, `int8` … `int64`, `uint8` … `uint64`, `float32`, `float64`,
//! `decimal(p, s)`, `date`, `time(unit)`, `timestamp(unit, zone)`, `binary`, `list<type>`,
//! `struct<name: type, …>`. Units are `s`, `ms`, `us` (the default) and `ns`.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::datatypes::{DataType, Field, TimeUnit};
use weir_domain::did_you_mean;

/// Nobody writes deeper types by hand, and a parser that calls itself needs an end.
const DEPTH_MAX: usize = 32;

const NAMES: [&str; 28] = [
    "string",
    "text",
    "boolean",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "int",
    "integer",
    "long",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "float",
    "double",
    "decimal",
    "date",
    "time",
    "timestamp",
    "datetime",
    "binary",
    "list",
    "struct",
    "bytes",
];

/// Why a text names no type, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause} at character {position} of the type \"{text}\"")]
pub struct TypeError {
    pub text: String,
    /// Counted from 1.
    pub position: usize,
    pub cause: String,
    /// What to write instead, where that can be guessed; else empty.
    pub fix: String,
}

/// Reads a type's name.
pub fn parse_type(text: &str) -> Result<DataType, TypeError> {
    let mut parser = Parser { text, at: 0 };
    let data_type = parser.data_type(0)?;
    parser.skip_spaces();
    if parser.at < text.len() {
        return Err(parser.error("nothing may follow", ""));
    }
    Ok(data_type)
}

/// A list of nullable items, named as Arrow's own readers name them.
pub(crate) fn list_of(item: DataType, nullable: bool) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, nullable)))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn data_type(&mut self, depth: usize) -> Result<DataType, TypeError> {
        if depth > DEPTH_MAX {
            return Err(self.error("the type is nested too deeply", "use fewer levels"));
        }
        self.skip_spaces();
        let start = self.at;
        let name = self.word();
        Ok(match name.to_ascii_lowercase().as_str() {
            "string" | "text" => DataType::Utf8,
            "boolean" | "bool" => DataType::Boolean,
            "int8" => DataType::Int8,
            "int16" => DataType::Int16,
            "int32" => DataType::Int32,
            "int64" | "int" | "integer" | "long" => DataType::Int64,
            "uint8" => DataType::UInt8,
            "uint16" => DataType::UInt16,
            "uint32" => DataType::UInt32,
            "uint64" => DataType::UInt64,
            "float32" => DataType::Float32,
            "float64" | "float" | "double" => DataType::Float64,
            "binary" | "bytes" => DataType::Binary,
            "date" => DataType::Date32,
            "decimal" => self.decimal()?,
            "time" => self.time()?,
            "timestamp" | "datetime" => self.timestamp()?,
            "list" => self.list(depth)?,
            "struct" => self.structure(depth)?,
            _ => {
                self.at = start;
                return Err(self.unknown(name));
            }
        })
    }

    fn decimal(&mut self) -> Result<DataType, TypeError> {
        let start = self.at;
        let arguments = self.arguments()?;
        let number = |at: usize| arguments.get(at).and_then(|it| it.parse::<u8>().ok());
        let (precision, scale) = match (number(0), number(1), arguments.len()) {
            (Some(precision), None, 1) => (precision, 0),
            (Some(precision), Some(scale), 2) => (precision, scale),
            _ => return Err(self.error_at(start, "digits are missing", "write decimal(10, 2)")),
        };
        if !(1..=76).contains(&precision) || scale > precision {
            let cause = "a decimal has 1 to 76 digits, and no more of them after the point";
            return Err(self.error_at(start, cause, "write decimal(10, 2)"));
        }
        let scale = scale as i8;
        Ok(match precision {
            ..=38 => DataType::Decimal128(precision, scale),
            _ => DataType::Decimal256(precision, scale),
        })
    }

    fn time(&mut self) -> Result<DataType, TypeError> {
        let start = self.at;
        let unit = match self.arguments()?.as_slice() {
            [] => TimeUnit::Microsecond,
            [unit] => self.unit(start, unit)?,
            _ => return Err(self.error_at(start, "a time has only a unit", "write time(ms)")),
        };
        Ok(match unit {
            TimeUnit::Second | TimeUnit::Millisecond => DataType::Time32(unit),
            TimeUnit::Microsecond | TimeUnit::Nanosecond => DataType::Time64(unit),
        })
    }

    fn timestamp(&mut self) -> Result<DataType, TypeError> {
        let start = self.at;
        let arguments = self.arguments()?;
        let (unit, zone) = match arguments.as_slice() {
            [] => return Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
            [unit] => (self.unit(start, unit)?, None),
            [unit, zone] => (self.unit(start, unit)?, Some(self.zone(start, zone)?)),
            _ => {
                let cause = "a timestamp has a unit and a time zone, no more";
                return Err(self.error_at(start, cause, "write timestamp(ms, +00:00)"));
            }
        };
        Ok(DataType::Timestamp(unit, zone))
    }

    fn unit(&self, start: usize, text: &str) -> Result<TimeUnit, TypeError> {
        Ok(match text {
            "s" => TimeUnit::Second,
            "ms" => TimeUnit::Millisecond,
            "us" => TimeUnit::Microsecond,
            "ns" => TimeUnit::Nanosecond,
            _ => {
                let cause = format!("\"{text}\" is no unit of time");
                return Err(self.error_at(start, &cause, "use s, ms, us or ns"));
            }
        })
    }

    fn zone(&self, start: usize, text: &str) -> Result<Arc<str>, TypeError> {
        let zone = if matches!(text, "UTC" | "Z") { "+00:00" } else { text };
        match Tz::from_str(zone) {
            Ok(_) => Ok(zone.into()),
            Err(_) => {
                let cause = format!("\"{text}\" is no time zone that is known here");
                Err(self.error_at(start, &cause, "use UTC or an offset such as +02:00"))
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<DataType, TypeError> {
        self.expect('<', "write list<string>, or give the items below `items`")?;
        let item = self.data_type(depth + 1)?;
        self.expect('>', "close the list with '>'")?;
        Ok(list_of(item, true))
    }

    fn structure(&mut self, depth: usize) -> Result<DataType, TypeError> {
        self.expect('<', "write struct<name: type, …>, or give the members below `fields`")?;
        let mut fields: Vec<Field> = Vec::new();
        loop {
            self.skip_spaces();
            let start = self.at;
            let name = self.word().to_owned();
            if name.is_empty() || fields.iter().any(|it| *it.name() == name) {
                let cause = "every member of a struct needs a name of its own";
                return Err(self.error_at(start, cause, "write struct<name: type, …>"));
            }
            self.expect(':', "write the member's type after a colon")?;
            fields.push(Field::new(name, self.data_type(depth + 1)?, true));
            if !self.take(',') {
                break;
            }
        }
        self.expect('>', "close the struct with '>'")?;
        Ok(DataType::Struct(fields.into()))
    }

    /// `(a, b)` as words without spaces around them; nothing where there is no bracket.
    fn arguments(&mut self) -> Result<Vec<&'a str>, TypeError> {
        if !self.take('(') {
            return Ok(Vec::new());
        }
        let rest = &self.text[self.at..];
        let Some(end) = rest.find(')') else {
            return Err(self.error("the bracket is not closed", "add ')'"));
        };
        self.at += end + 1;
        Ok(rest[..end].split(',').map(str::trim).collect())
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_spaces();
        let found = self.text[self.at..].starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char, fix: &str) -> Result<(), TypeError> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(self.error(&format!("'{wanted}' is missing"), fix))
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn unknown(&self, name: &str) -> TypeError {
        let guess = did_you_mean(name, NAMES);
        let fix = guess.map_or_else(
            || "use string, boolean, int64, float64, decimal(p, s), date, timestamp …".to_owned(),
            |it| format!("did you mean \"{it}\"?"),
        );
        self.error(&format!("there is no type \"{name}\""), &fix)
    }

    fn error(&self, cause: &str, fix: &str) -> TypeError {
        self.error_at(self.at, cause, fix)
    }

    fn error_at(&self, at: usize, cause: &str, fix: &str) -> TypeError {
        let position = self.text[..at].chars().count() + 1;
        TypeError { text: self.text.into(), position, cause: cause.into(), fix: fix.into() }
    }
}

#[cfg(test)]
mod tests {
    use weir_records::type_name;

    use super::*;

    #[test]
    fn a_type_is_read_and_written_back() {
        for (given, text) in [
            ("string", "string"),
            ("TEXT", "string"),
            ("bool", "boolean"),
            ("int", "int64"),
            ("uint16", "uint16"),
            ("float", "float64"),
            ("float32", "float32"),
            ("decimal(10,2)", "decimal(10, 2)"),
            ("decimal(9)", "decimal(9, 0)"),
            ("decimal(60, 4)", "decimal(60, 4)"),
            ("date", "date"),
            ("time", "time(us)"),
            ("time(s)", "time(s)"),
            ("timestamp", "timestamp(us)"),
            ("timestamp( ms )", "timestamp(ms)"),
            ("timestamp(ns, UTC)", "timestamp(ns, +00:00)"),
            ("timestamp(s,+02:00)", "timestamp(s, +02:00)"),
            ("binary", "binary"),
            (" list < list<int8> > ", "list<list<int8>>"),
            (
                "struct<a: int, b: list<struct<c: text>>>",
                "struct<a: int64, b: list<struct<c: string>>>",
            ),
        ] {
            let parsed = parse_type(given).map(|it| type_name(&it));
            assert_eq!(parsed.as_deref(), Ok(text), "{given}");
            assert_eq!(parse_type(text).map(|it| type_name(&it)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_slip_is_answered_with_its_place_and_a_way_out() {
        for (given, position, cause, fix) in [
            ("strng", 1, "there is no type \"strng\"", "did you mean \"string\"?"),
            ("list<itn64>", 6, "there is no type \"itn64\"", "did you mean \"int64\"?"),
            ("list<int64", 11, "'>' is missing", "close the list with '>'"),
            ("decimal", 8, "digits are missing", "write decimal(10, 2)"),
            ("timestamp(min)", 10, "\"min\" is no unit of time", "use s, ms, us or ns"),
            ("int64 x", 7, "nothing may follow", ""),
            ("decimal(1", 9, "the bracket is not closed", "add ')'"),
        ] {
            let text = given.to_owned();
            let (cause, fix) = (cause.to_owned(), fix.to_owned());
            assert_eq!(parse_type(given), Err(TypeError { text, position, cause, fix }));
        }
        for given in ["", "list", "struct<>", "struct<a: int, a: int>", "timestamp(us, Mars)"] {
            assert!(parse_type(given).is_err(), "{given}");
        }
        assert!(parse_type(&"list<".repeat(100_000)).is_err());
    }
}
