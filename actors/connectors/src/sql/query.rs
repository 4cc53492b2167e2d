//! Queries of sources and lookups: their columns, and how they are asked for.
//!
//! What a driver does not know is asked for as text, which the database writes best.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use weir_domain::{Fault, did_you_mean};
use weir_formats::{FieldConfig, declared};

use super::catalog::{self, Class};
use super::codes;
use super::connection::DatabaseKind;
use super::session::{Described, Session};
use super::statement::{Name, quoted};
use super::table::name;

/// What is read from: a table, or what a query answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum From {
    Table(Name),
    Query(String),
}

impl From {
    pub(super) fn new(table: Option<&str>, query: Option<&str>) -> Result<Self, Fault> {
        match (table, query) {
            (Some(table), None) => Ok(Self::Table(name(table)?)),
            (None, Some(query)) => {
                let query = query.trim().trim_end_matches(';');
                Ok(Self::Query(query.to_owned()))
            }
            _ => Err(Fault::config(codes::CONFIG, "write either table or query")),
        }
    }

    /// What stands behind FROM. A comment at the end of a query ends with its line.
    pub(super) fn text(&self, kind: DatabaseKind) -> String {
        match self {
            Self::Table(name) => format!("{} AS q", name.quoted(kind)),
            Self::Query(query) => format!("(\n{query}\n) AS q"),
        }
    }
}

/// A column that can be asked for.
#[derive(Debug, Clone)]
pub(super) struct Selected {
    pub(super) name: String,
    /// What it is asked for with.
    pub(super) expression: String,
    /// What its values become, unless somebody declares something else.
    pub(super) data_type: DataType,
    /// What a text is cast to that is compared with it, where that is needed.
    pub(super) cast: Option<String>,
    /// The column itself, as it stands in the statement.
    column: String,
}

impl Selected {
    pub(super) fn column(&self) -> String {
        self.column.clone()
    }
}

/// The columns of what is read from.
pub(super) fn columns(session: &mut Session, from: &From) -> Result<Vec<Selected>, Fault> {
    let kind = session.kind();
    let mut described = session.describe(&format!("SELECT * FROM {}", from.text(kind)))?;
    if described.is_empty() {
        return Err(Fault::config(codes::QUERY, "the query answers no columns"));
    }
    if kind == DatabaseKind::Mysql {
        tell_texts(session, from, &mut described)?;
    }
    let catalog = match from {
        // The digits of numbers are in the catalog alone.
        From::Table(name) if kind != DatabaseKind::Sqlite => catalog::columns(session, name).ok(),
        From::Table(_) | From::Query(_) => None,
    };
    let digits = |name: &str| {
        let found = catalog.iter().flatten().find(|it| it.name == name)?;
        match found.class {
            Class::Decimal(digits) => digits,
            _ => None,
        }
    };
    Ok(described.iter().map(|it| selected(kind, it, digits(&it.name))).collect())
}

/// MySQL describes texts of collations that compare bytes as bytes; their character set tells. It has an
/// answer where there are no rows too.
fn tell_texts(
    session: &mut Session,
    from: &From,
    described: &mut [Described],
) -> Result<(), Fault> {
    let kind = session.kind();
    let is_binary = |it: &Described| {
        let name = it.type_name.as_str();
        name.ends_with("BLOB") || matches!(name, "BINARY" | "VARBINARY")
    };
    let doubtful: Vec<_> = (0..described.len()).filter(|it| is_binary(&described[*it])).collect();
    if doubtful.is_empty() {
        return Ok(());
    }
    let sets = doubtful.iter().map(|it| {
        let column = quoted(kind, &described[*it].name);
        format!("CAST(CHARSET(q.{column}) AS CHAR)")
    });
    let sets = sets.collect::<Vec<_>>().join(", ");
    let from = from.text(kind);
    let text = format!("SELECT {sets} FROM (SELECT 1) AS d LEFT JOIN {from} ON 1 = 0");
    let answer = session.ask(&text, &[])?;
    for (at, set) in doubtful.into_iter().zip(answer.iter().flatten()) {
        if set.as_text().is_some_and(|it| it != "binary") {
            described[at].type_name = "TEXT".to_owned();
        }
    }
    Ok(())
}

fn selected(kind: DatabaseKind, it: &Described, digits: Option<(u32, i32)>) -> Selected {
    let column = format!("q.{}", quoted(kind, &it.name));
    let decimal = || match digits {
        Some((precision, scale)) if precision <= 38 && (0..=38).contains(&scale) => {
            DataType::Decimal128(precision as u8, scale as i8)
        }
        _ => DataType::Utf8,
    };
    let (data_type, is_text, cast) = match kind {
        DatabaseKind::Postgres => of_postgres(&it.type_name, decimal),
        DatabaseKind::Mysql => of_mysql(&it.type_name, decimal),
        DatabaseKind::Sqlite => of_sqlite(&it.type_name),
    };
    let expression = match (kind, is_text) {
        (_, false) => column.clone(),
        (DatabaseKind::Mysql, true) => format!("CAST({column} AS CHAR)"),
        (_, true) => format!("CAST({column} AS text)"),
    };
    Selected { name: it.name.clone(), expression, data_type, cast, column }
}

/// The type of the values, whether they are asked for as text, and what to compare them with.
type Asked = (DataType, bool, Option<String>);

fn moment(zone: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.then(|| "UTC".into()))
}

fn of_postgres(type_name: &str, decimal: impl Fn() -> DataType) -> Asked {
    let (data_type, is_text) = match type_name {
        "BOOL" => (DataType::Boolean, false),
        "INT2" => (DataType::Int16, false),
        "INT4" => (DataType::Int32, false),
        "INT8" => (DataType::Int64, false),
        "FLOAT4" => (DataType::Float32, false),
        "FLOAT8" => (DataType::Float64, false),
        "BYTEA" => (DataType::Binary, false),
        "NUMERIC" => (decimal(), true),
        "DATE" => (DataType::Date32, true),
        "TIME" => (DataType::Time64(TimeUnit::Microsecond), true),
        "TIMESTAMP" => (moment(false), true),
        "TIMESTAMPTZ" => (moment(true), true),
        _ => (DataType::Utf8, true),
    };
    let cast = match type_name {
        "TEXT" | "VARCHAR" | "BPCHAR" | "CHAR" | "NAME" => "text".to_owned(),
        other => quoted(DatabaseKind::Postgres, &other.to_ascii_lowercase()),
    };
    (data_type, is_text, Some(cast))
}

fn of_mysql(type_name: &str, decimal: impl Fn() -> DataType) -> Asked {
    let cast = |it: &str| Some(it.to_owned());
    match type_name {
        "BOOLEAN" => (DataType::Boolean, false, cast("SIGNED")),
        "TINYINT" => (DataType::Int8, false, cast("SIGNED")),
        "SMALLINT" => (DataType::Int16, false, cast("SIGNED")),
        "MEDIUMINT" | "INT" => (DataType::Int32, false, cast("SIGNED")),
        "BIGINT" => (DataType::Int64, false, cast("SIGNED")),
        "TINYINT UNSIGNED" => (DataType::UInt8, false, cast("UNSIGNED")),
        "SMALLINT UNSIGNED" => (DataType::UInt16, false, cast("UNSIGNED")),
        "MEDIUMINT UNSIGNED" | "INT UNSIGNED" => (DataType::UInt32, false, cast("UNSIGNED")),
        "BIGINT UNSIGNED" => (DataType::UInt64, false, cast("UNSIGNED")),
        "FLOAT" => (DataType::Float32, false, None),
        "DOUBLE" => (DataType::Float64, false, None),
        "YEAR" => (DataType::Int32, true, cast("SIGNED")),
        "DECIMAL" => (decimal(), true, cast("DECIMAL(65, 30)")),
        "DATE" => (DataType::Date32, true, cast("DATE")),
        "TIME" => (DataType::Time64(TimeUnit::Microsecond), true, cast("TIME(6)")),
        "DATETIME" => (moment(false), true, cast("DATETIME(6)")),
        "TIMESTAMP" => (moment(true), true, cast("DATETIME(6)")),
        "BINARY" | "VARBINARY" | "TINYBLOB" | "BLOB" | "MEDIUMBLOB" | "LONGBLOB" => {
            (DataType::Binary, false, None)
        }
        _ => (DataType::Utf8, true, None),
    }
}

/// By the type that was declared; values may be of others.
fn of_sqlite(type_name: &str) -> Asked {
    match type_name {
        "INTEGER" | "INT4" | "INT8" | "BIGINT" => (DataType::Int64, false, None),
        "REAL" | "NUMERIC" => (DataType::Float64, false, None),
        "BOOLEAN" => (DataType::Boolean, false, None),
        "BLOB" => (DataType::Binary, false, None),
        _ => (DataType::Utf8, false, None),
    }
}

/// The columns that a source reads, and what they become: as they are, or as people declare them.
pub(super) fn schema(
    all: Vec<Selected>,
    fields: &[FieldConfig],
) -> Result<(Vec<Selected>, SchemaRef), Fault> {
    if fields.is_empty() {
        let field = |it: &Selected| Field::new(&it.name, it.data_type.clone(), true);
        let schema = Arc::new(Schema::new(all.iter().map(field).collect::<Vec<_>>()));
        return Ok((all, schema));
    }
    let declared = declared_fields(fields)?;
    let mut selected = Vec::new();
    for field in &declared {
        let found = find(&all, field.name())?;
        selected.push(found.clone());
    }
    Ok((selected, Arc::new(Schema::new(declared))))
}

pub(super) fn declared_fields(fields: &[FieldConfig]) -> Result<Fields, Fault> {
    declared("schema", fields).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        Fault::config(codes::CONFIG, first)
    })
}

pub(super) fn find<'a>(all: &'a [Selected], name: &str) -> Result<&'a Selected, Fault> {
    all.iter().find(|it| it.name == name).ok_or_else(|| {
        let near = did_you_mean(name, all.iter().map(|it| it.name.as_str()));
        let fault = Fault::config(codes::TABLE, format!("there is no column {name}"));
        let names: Vec<_> = all.iter().map(|it| it.name.as_str()).collect();
        fault.with_hint(match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", names.join(", ")),
        })
    })
}
