//! Values on their way into a database: columns of what its driver can bind.

use std::ops::Range;

use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::mysql::MySqlArguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// The values of one column. All of them are bound as one type, nulls too: a statement is prepared once.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i64>>),
    /// Only for MySQL, the one that has such.
    UInt(Vec<Option<u64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    pub(super) fn text(value: impl Into<String>) -> Self {
        Self::Text(vec![Some(value.into())])
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bool(it) => it.len(),
            Self::Int(it) => it.len(),
            Self::UInt(it) => it.len(),
            Self::Float(it) => it.len(),
            Self::Text(it) => it.len(),
            Self::Bytes(it) => it.len(),
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(it) => it[row].is_none(),
            Self::Int(it) => it[row].is_none(),
            Self::UInt(it) => it[row].is_none(),
            Self::Float(it) => it[row].is_none(),
            Self::Text(it) => it[row].is_none(),
            Self::Bytes(it) => it[row].is_none(),
        }
    }

    /// About how many bytes a row takes on the way to the server.
    pub(super) fn bytes(&self, row: usize) -> usize {
        match self {
            Self::Text(it) => it[row].as_ref().map_or(1, |it| it.len() + 4),
            Self::Bytes(it) => it[row].as_ref().map_or(1, |it| it.len() + 4),
            _ => 9,
        }
    }

    /// A value that tells rows apart.
    pub(super) fn key(&self, row: usize) -> Vec<u8> {
        let of = |it: Option<&[u8]>| {
            let mut key = vec![u8::from(it.is_some())];
            let it = it.unwrap_or_default();
            key.extend_from_slice(&(it.len() as u64).to_le_bytes());
            key.extend_from_slice(it);
            key
        };
        match self {
            Self::Bool(it) => of(it[row].map(|it| [u8::from(it)]).as_ref().map(|it| &it[..])),
            Self::Int(it) => of(it[row].map(i64::to_le_bytes).as_ref().map(|it| &it[..])),
            Self::UInt(it) => of(it[row].map(u64::to_le_bytes).as_ref().map(|it| &it[..])),
            Self::Float(it) => of(it[row].map(f64::to_le_bytes).as_ref().map(|it| &it[..])),
            Self::Text(it) => of(it[row].as_ref().map(String::as_bytes)),
            Self::Bytes(it) => of(it[row].as_deref()),
        }
    }

    /// These rows, in this order.
    pub(super) fn take(&self, rows: &[usize]) -> Self {
        fn picked<T: Clone>(all: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|it| all[*it].clone()).collect()
        }
        match self {
            Self::Bool(it) => Self::Bool(picked(it, rows)),
            Self::Int(it) => Self::Int(picked(it, rows)),
            Self::UInt(it) => Self::UInt(picked(it, rows)),
            Self::Float(it) => Self::Float(picked(it, rows)),
            Self::Text(it) => Self::Text(picked(it, rows)),
            Self::Bytes(it) => Self::Bytes(picked(it, rows)),
        }
    }

    /// What PostgreSQL calls an array of it.
    pub(super) fn postgres_array(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean[]",
            Self::Int(_) => "bigint[]",
            Self::Float(_) => "double precision[]",
            Self::UInt(_) | Self::Text(_) => "text[]",
            Self::Bytes(_) => "bytea[]",
        }
    }

    pub(super) fn add_array(
        &self,
        arguments: &mut PgArguments,
        rows: Range<usize>,
    ) -> Result<(), BoxDynError> {
        match self {
            Self::Bool(it) => arguments.add(&it[rows]),
            Self::Int(it) => arguments.add(&it[rows]),
            Self::Float(it) => arguments.add(&it[rows]),
            Self::UInt(it) => {
                let texts = it[rows].iter().map(|it| it.map(|it| it.to_string()));
                arguments.add(texts.collect::<Vec<_>>())
            }
            Self::Text(it) => arguments.add(&it[rows]),
            Self::Bytes(it) => arguments.add(&it[rows]),
        }
    }

    pub(super) fn add_to_mysql(
        &self,
        arguments: &mut MySqlArguments,
        row: usize,
    ) -> Result<(), BoxDynError> {
        match self {
            Self::Bool(it) => arguments.add(it[row]),
            Self::Int(it) => arguments.add(it[row]),
            Self::UInt(it) => arguments.add(it[row]),
            Self::Float(it) => arguments.add(it[row]),
            Self::Text(it) => arguments.add(it[row].as_deref()),
            Self::Bytes(it) => arguments.add(it[row].as_deref()),
        }
    }

    pub(super) fn add_to_sqlite(
        &self,
        arguments: &mut SqliteArguments,
        row: usize,
    ) -> Result<(), BoxDynError> {
        match self {
            Self::Bool(it) => arguments.add(it[row]),
            Self::Int(it) => arguments.add(it[row]),
            Self::UInt(it) => arguments.add(it[row].map(|it| it.cast_signed())),
            Self::Float(it) => arguments.add(it[row]),
            Self::Text(it) => arguments.add(it[row].clone()),
            Self::Bytes(it) => arguments.add(it[row].clone()),
        }
    }
}
