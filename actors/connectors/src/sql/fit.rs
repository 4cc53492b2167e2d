//! Fields become values of columns: what fits where, and which values do not.
//!
//! What can be told before the commit is told here, so that a record that the table can't take is a dead
//! letter instead of a commit that waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimeUnit, UInt64Type};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use weir_domain::Fault;
use weir_stream::type_name;

use super::catalog::{Class, TableColumn, TextLimit};
use super::codes;
use super::connection::DatabaseKind;
use super::value::Column;

/// What a field holds, as far as databases care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Null,
    Bool,
    Int,
    UInt,
    Float,
    /// Digits behind the point.
    Decimal(i8),
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    Instant,
    Nested,
}

impl Sort {
    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Int,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Self::Int,
            DataType::UInt64 => Self::UInt,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => Self::Decimal(*scale),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Instant,
            DataType::Dictionary(_, value) => Self::of(value)?,
            it if it.is_nested() => Self::Nested,
            _ => return None,
        })
    }

    /// Whether values of it may go into such a column, each for itself.
    fn goes_into(self, class: &Class, kind: DatabaseKind) -> bool {
        use Class as C;
        match (self, class) {
            (Self::Null, _) | (_, C::Any) => true,
            (Self::Bool, C::Bool | C::Text(_) | C::Other) => true,
            (Self::Bool, C::Int { .. }) => kind != DatabaseKind::Postgres,
            (
                Self::Int | Self::UInt,
                C::Int { .. } | C::Decimal(_) | C::Float | C::Text(_) | C::Other,
            ) => true,
            (Self::Float, C::Float | C::Decimal(_) | C::Text(_)) => true,
            (Self::Decimal(_), C::Decimal(_) | C::Float | C::Text(_) | C::Other) => true,
            (Self::Decimal(scale), C::Int { .. }) => scale <= 0,
            (Self::Text, C::Text(_) | C::Json | C::Uuid | C::Decimal(_) | C::Other) => true,
            (Self::Bytes, C::Bytes { .. }) => true,
            (Self::Date, C::Date | C::Timestamp | C::Instant | C::Text(_)) => true,
            (Self::Time, C::Time | C::Text(_)) => true,
            (Self::Timestamp | Self::Instant, C::Timestamp | C::Instant | C::Text(_)) => true,
            (Self::Nested, C::Json | C::Text(_)) => true,
            _ => false,
        }
    }
}

/// A field and the column that it becomes.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) field: String,
    pub(super) column: TableColumn,
}

/// Which rows of a batch can't be written, and why.
pub(super) type Misfits = BTreeMap<usize, String>;

impl Fit {
    /// That the values of a field may go into the column at all.
    pub(super) fn check(&self, field: &Field, kind: DatabaseKind) -> Result<(), Fault> {
        let Self { column, .. } = self;
        let sort = Sort::of(field.data_type());
        let fits = sort.is_some_and(|it| it.goes_into(&column.class, kind));
        if fits && !column.is_generated {
            return Ok(());
        }
        let (name, type_name) = (&column.name, &column.type_name);
        let cause = match column.is_generated {
            true => "it makes its values itself".to_owned(),
            false => format!("it is {type_name}, and the field {}", self::said(field)),
        };
        let message = format!("the column {name} can't take the field {}: {cause}", self.field);
        Err(Fault::config(codes::TABLE, message)
            .with_hint("cast the field in a mapping before this, or leave it out of columns"))
    }

    /// The values of the field for the column. Rows that can't be written are noted.
    pub(super) fn values(
        &self,
        records: &RecordBatch,
        kind: DatabaseKind,
        misfits: &mut Misfits,
    ) -> Result<Column, Fault> {
        let broken = |error: ArrowError| {
            let message = format!("the field {} can't be written: {error}", self.field);
            Fault::config(codes::TABLE, message)
        };
        let array = records.column_by_name(&self.field).ok_or_else(|| {
            Fault::config(codes::TABLE, format!("the records have no field {}", self.field))
        })?;
        let values = self.bound(array, kind).map_err(broken)?;
        let judge = Judge { class: &self.column.class, kind, column: &self.column };
        for row in 0..values.len() {
            if let Err(why) = judge.judge(&values, row) {
                let why =
                    format!("{} can't be in the column {}: {why}", self.field, self.column.name);
                misfits.entry(row).or_insert(why);
            }
        }
        Ok(values)
    }

    fn bound(&self, array: &ArrayRef, kind: DatabaseKind) -> Result<Column, ArrowError> {
        let flat = match array.data_type() {
            DataType::Dictionary(_, value) => &cast(array, value)?,
            _ => array,
        };
        let sort = Sort::of(flat.data_type()).unwrap_or(Sort::Text);
        // What is neither a number of the database nor its text goes as text, and the database reads it.
        let as_text = match &self.column.class {
            Class::Text(_) | Class::Other => true,
            Class::Int { .. } | Class::Decimal(_) => matches!(sort, Sort::Decimal(_)),
            _ => false,
        };
        Ok(match sort {
            Sort::Bool if !as_text => Column::Bool(flat.as_boolean().iter().collect()),
            Sort::Int if !as_text => Column::Int(
                cast(flat, &DataType::Int64)?.as_primitive::<Int64Type>().iter().collect(),
            ),
            Sort::UInt if !as_text => {
                Column::UInt(flat.as_primitive::<UInt64Type>().iter().collect())
            }
            Sort::Float if !as_text => {
                let floats = cast(flat, &DataType::Float64)?;
                Column::Float(floats.as_primitive::<Float64Type>().iter().collect())
            }
            Sort::Decimal(_) if self.column.class == Class::Float => {
                let floats = cast(flat, &DataType::Float64)?;
                Column::Float(floats.as_primitive::<Float64Type>().iter().collect())
            }
            Sort::Bytes => {
                let bytes = cast(flat, &DataType::Binary)?;
                let bytes = bytes.as_binary::<i32>().iter().map(|it| it.map(<[u8]>::to_vec));
                Column::Bytes(bytes.collect())
            }
            Sort::Nested => Column::Text(json(flat)?),
            _ => Column::Text(self.texts(flat, sort, kind)?),
        })
    }

    fn texts(
        &self,
        array: &ArrayRef,
        sort: Sort,
        kind: DatabaseKind,
    ) -> Result<Vec<Option<String>>, ArrowError> {
        // In the zone UTC, whatever zone it is shown in.
        let array = &match array.data_type() {
            DataType::Timestamp(unit, Some(_)) => without_zone(array, *unit)?,
            _ => array.clone(),
        };
        // Where the database keeps the zone, or keeps the text.
        let has_zone = match self.column.class {
            Class::Instant => kind == DatabaseKind::Postgres,
            Class::Any | Class::Text(_) => sort == Sort::Instant,
            _ => false,
        };
        let options = FormatOptions::new()
            .with_timestamp_format(Some(match has_zone {
                true => "%Y-%m-%d %H:%M:%S%.f+00:00",
                false => "%Y-%m-%d %H:%M:%S%.f",
            }))
            .with_date_format(Some("%Y-%m-%d"))
            .with_datetime_format(Some("%Y-%m-%d %H:%M:%S%.f"))
            .with_time_format(Some("%H:%M:%S%.f"));
        let writer = ArrayFormatter::try_new(array.as_ref(), &options)?;
        let text = |row| match array.is_null(row) {
            true => Ok(None),
            false => writer.value(row).try_to_string().map(Some),
        };
        (0..array.len()).map(text).collect()
    }
}

fn said(field: &Field) -> String {
    format!("{} is {}", field.name(), type_name(field.data_type()))
}

fn without_zone(array: &ArrayRef, unit: TimeUnit) -> Result<ArrayRef, ArrowError> {
    let data = array.to_data().into_builder().data_type(DataType::Timestamp(unit, None));
    Ok(arrow::array::make_array(data.build()?))
}

/// Each value as JSON.
fn json(array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    const HEAD: usize = "{\"v\":".len();
    let field = Field::new("v", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array.clone()])?;
    let mut text = Vec::new();
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, LineDelimited>(&mut text);
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    let text = String::from_utf8(text).map_err(|it| ArrowError::JsonError(it.to_string()))?;
    let value = |(row, line): (usize, &str)| {
        let inner = line.get(HEAD..line.len().saturating_sub(1)).unwrap_or_default();
        (!array.is_null(row)).then(|| inner.to_owned())
    };
    Ok(text.lines().enumerate().map(value).collect())
}

/// Tells whether a value can be in a column.
struct Judge<'a> {
    class: &'a Class,
    kind: DatabaseKind,
    column: &'a TableColumn,
}

impl Judge<'_> {
    fn judge(&self, values: &Column, row: usize) -> Result<(), String> {
        if values.is_null(row) {
            return match self.column.may_be_null {
                true => Ok(()),
                false => Err("it must not be null".to_owned()),
            };
        }
        match values {
            Column::Bool(_) => Ok(()),
            Column::Int(all) => all[row].map_or(Ok(()), |it| self.whole(it.into())),
            Column::UInt(all) => all[row].map_or(Ok(()), |it| self.whole(it.into())),
            Column::Float(all) => all[row].map_or(Ok(()), |it| self.float(it)),
            Column::Text(all) => all[row].as_deref().map_or(Ok(()), |it| self.text(it)),
            Column::Bytes(all) => {
                let length = all[row].as_ref().map_or(0, |it| it.len() as u64);
                match self.class {
                    Class::Bytes { most: Some(most) } if length > *most => {
                        Err(format!("it has {length} bytes, and there is room for {most}"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn whole(&self, it: i128) -> Result<(), String> {
        match self.class {
            Class::Int { min, max } if it < *min || it > *max => {
                Err(format!("{it} is not between {min} and {max}"))
            }
            Class::Any if it > i64::MAX.into() => Err(format!("{it} is more than {}", i64::MAX)),
            Class::Decimal(_) => self.digits(&it.to_string()),
            _ => Ok(()),
        }
    }

    fn float(&self, it: f64) -> Result<(), String> {
        let is_refused = match self.kind {
            DatabaseKind::Postgres => matches!(self.class, Class::Decimal(_)) && !it.is_finite(),
            DatabaseKind::Mysql => !it.is_finite(),
            // It would become null.
            DatabaseKind::Sqlite => it.is_nan(),
        };
        let most = match self.column.type_name.as_str() {
            "real" | "float" if self.kind != DatabaseKind::Sqlite => f64::from(f32::MAX),
            _ => f64::MAX,
        };
        if is_refused {
            return Err(format!("{it} is no number that it has"));
        }
        if it.is_finite() && it.abs() > most {
            return Err(format!("{it} is too large"));
        }
        match self.class {
            Class::Decimal(_) => self.digits(&format!("{it:.0}")),
            _ => Ok(()),
        }
    }

    /// Of a number: how many digits it has before the point. Those behind are rounded.
    fn digits(&self, it: &str) -> Result<(), String> {
        let Class::Decimal(Some((precision, scale))) = self.class else { return Ok(()) };
        let whole = it.split('.').next().unwrap_or_default();
        let digits = whole.trim_start_matches(['-', '0']).len() as i64;
        let room = i64::from(*precision) - i64::from(*scale);
        if digits <= room {
            return Ok(());
        }
        Err(format!("{it} has {digits} digits before the point, and there is room for {room}"))
    }

    fn text(&self, it: &str) -> Result<(), String> {
        match self.class {
            Class::Text(limit) => self.length(it, limit),
            Class::Decimal(_) if !is_number(it) => Err("it is no number".to_owned()),
            Class::Decimal(_) => self.digits(it),
            Class::Int { .. } => match it.parse() {
                Ok(number) => self.whole(number),
                Err(_) => Err(format!("{it} is out of range")),
            },
            Class::Json => match serde_json::from_str::<serde::de::IgnoredAny>(it) {
                Ok(_) => self.no_nul(it),
                Err(error) => Err(format!("it is no JSON: {error}")),
            },
            Class::Uuid if !is_uuid(it) => Err("it is no UUID".to_owned()),
            Class::Date | Class::Timestamp | Class::Instant => self.moment(it),
            Class::Other => self.no_nul(it),
            _ => Ok(()),
        }
    }

    fn length(&self, it: &str, limit: &TextLimit) -> Result<(), String> {
        let chars = it.chars().count() as u64;
        if limit.chars.is_some_and(|most| chars > most) {
            let most = limit.chars.unwrap_or_default();
            return Err(format!("it has {chars} characters, and there is room for {most}"));
        }
        let bytes = limit.characters.bytes(it);
        if limit.bytes.is_some_and(|most| bytes > most) {
            let most = limit.bytes.unwrap_or_default();
            return Err(format!("it has {bytes} bytes, and there is room for {most}"));
        }
        if let Some(strange) = it.chars().find(|it| !limit.characters.has(*it)) {
            return Err(format!("the character set of the column has no \"{strange}\""));
        }
        self.no_nul(it)
    }

    fn no_nul(&self, it: &str) -> Result<(), String> {
        let has_nul =
            it.contains('\0') || (self.column.type_name == "jsonb" && it.contains("\\u0000"));
        match self.kind == DatabaseKind::Postgres && has_nul {
            true => Err("PostgreSQL has no character with the code 0".to_owned()),
            false => Ok(()),
        }
    }

    fn moment(&self, it: &str) -> Result<(), String> {
        if it.starts_with(['-', '+']) || it.starts_with("0000") {
            return Err("its year is not between 1 and 9999".to_owned());
        }
        let is_short = self.kind == DatabaseKind::Mysql && *self.class == Class::Instant;
        if is_short && !("1970-01-01 00:00:01".."2038-01-19 03:14:07").contains(&it) {
            return Err(format!("{it} is not between 1970 and 2038-01-19 03:14:07"));
        }
        Ok(())
    }
}

/// Digits, maybe with a sign before and a point between them.
fn is_number(it: &str) -> bool {
    let digits = it.strip_prefix(['-', '+']).unwrap_or(it);
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    all(whole) && all(rest)
}

pub(super) fn is_uuid(it: &str) -> bool {
    let groups: Vec<_> = it.split('-').collect();
    let is_hex = |it: &&str| it.bytes().all(|it| it.is_ascii_hexdigit());
    let lengths: Vec<_> = groups.iter().map(|it| it.len()).collect();
    groups.iter().all(is_hex) && matches!(lengths[..], [8, 4, 4, 4, 12] | [32])
}
