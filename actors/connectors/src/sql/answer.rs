//! What a query answers, out of the drivers' types.
//!
//! Statements ask for what is here alone: whole numbers, floats, truth values, texts and bytes. Everything
//! else they let the database write as text.

use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row, TypeInfo as _, ValueRef as _};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Rows of cells.
pub(super) type Answer = Vec<Vec<Cell>>;

impl Cell {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(it) => Some(it),
            _ => None,
        }
    }

    /// A text, though MySQL may call it bytes: those of collations that compare bytes.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(it) => Some(it),
            Self::Bytes(it) => String::from_utf8(it).ok(),
            _ => None,
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(it) => Some(*it),
            Self::UInt(it) => i64::try_from(*it).ok(),
            Self::Bool(it) => Some(i64::from(*it)),
            Self::Text(it) => it.parse().ok(),
            _ => None,
        }
    }

    /// Whether it stands for yes.
    pub(super) fn is_true(&self) -> bool {
        self.as_int().is_some_and(|it| it != 0)
    }
}

fn all<R, F>(rows: &[R], cell: F) -> sqlx::Result<Answer>
where
    R: Row,
    F: Fn(&R, usize) -> sqlx::Result<Cell>,
{
    let row = |row: &R| (0..row.columns().len()).map(|at| cell(row, at)).collect();
    rows.iter().map(row).collect()
}

pub(super) fn of_postgres(rows: &[PgRow]) -> sqlx::Result<Answer> {
    all(rows, |row, at| {
        if row.try_get_raw(at)?.is_null() {
            return Ok(Cell::Null);
        }
        Ok(match row.column(at).type_info().name() {
            "BOOL" => Cell::Bool(row.try_get(at)?),
            "INT2" => Cell::Int(row.try_get::<i16, _>(at)?.into()),
            "INT4" => Cell::Int(row.try_get::<i32, _>(at)?.into()),
            "INT8" => Cell::Int(row.try_get(at)?),
            "FLOAT4" => Cell::Float(row.try_get::<f32, _>(at)?.into()),
            "FLOAT8" => Cell::Float(row.try_get(at)?),
            "BYTEA" => Cell::Bytes(row.try_get(at)?),
            _ => Cell::Text(row.try_get(at)?),
        })
    })
}

pub(super) fn of_mysql(rows: &[MySqlRow]) -> sqlx::Result<Answer> {
    all(rows, |row, at| {
        if row.try_get_raw(at)?.is_null() {
            return Ok(Cell::Null);
        }
        let name = row.column(at).type_info().name();
        Ok(match name {
            "FLOAT" => Cell::Float(row.try_get::<f32, _>(at)?.into()),
            "DOUBLE" => Cell::Float(row.try_get(at)?),
            "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => {
                Cell::Bytes(row.try_get_unchecked(at)?)
            }
            "BOOLEAN" => Cell::Int(row.try_get_unchecked(at)?),
            _ if name.ends_with("INT UNSIGNED") => Cell::UInt(row.try_get_unchecked(at)?),
            _ if name.ends_with("INT") => Cell::Int(row.try_get_unchecked(at)?),
            _ => Cell::Text(row.try_get_unchecked(at)?),
        })
    })
}

/// Each value has its own type.
pub(super) fn of_sqlite(rows: &[SqliteRow]) -> sqlx::Result<Answer> {
    all(rows, |row, at| {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Cell::Null);
        }
        let name = raw.type_info().name().to_owned();
        Ok(match name.as_str() {
            "INTEGER" | "BOOLEAN" => Cell::Int(row.try_get_unchecked(at)?),
            "REAL" => Cell::Float(row.try_get_unchecked(at)?),
            "BLOB" => Cell::Bytes(row.try_get_unchecked(at)?),
            _ => Cell::Text(row.try_get_unchecked(at)?),
        })
    })
}
