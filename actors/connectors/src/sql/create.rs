//! Makes a table from the fields of records, where people ask for that.

use arrow::datatypes::{DataType, Field, Schema};
use weir_domain::Fault;
use weir_stream::type_name;

use super::codes;
use super::connection::DatabaseKind;
use super::session::Session;
use super::statement::quoted;
use super::table::TableSpec;

pub(super) fn table(session: &mut Session, spec: &TableSpec, schema: &Schema) -> Result<(), Fault> {
    let kind = session.kind();
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for (field, column) in spec.mapping(schema) {
        let Ok(found) = schema.field_with_name(&field) else { continue };
        let is_key = spec.key.contains(&field);
        let column_type = column_type(kind, found, is_key)?;
        let null = if found.is_nullable() && !is_key { "" } else { " NOT NULL" };
        columns.push(format!("{} {column_type}{null}", quoted(kind, &column)));
        if is_key {
            key.push(quoted(kind, &column));
        }
    }
    if !key.is_empty() {
        columns.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    let table = spec.table.quoted(kind);
    let made =
        session.make(&format!("CREATE TABLE IF NOT EXISTS {table} ({})", columns.join(", ")));
    made.or_else(|fault| match fault.code.0 {
        // Who may not make it may still use one that is there: that is looked up next.
        codes::FORBIDDEN => Ok(()),
        _ => Err(fault),
    })
}

fn column_type(kind: DatabaseKind, field: &Field, is_key: bool) -> Result<String, Fault> {
    use DatabaseKind::{Mysql, Postgres, Sqlite};
    let text = match (kind, field.data_type()) {
        (_, DataType::Boolean) => "boolean",
        (Sqlite, it) if it.is_integer() => "integer",
        (_, DataType::Int8 | DataType::Int16 | DataType::UInt8) => "smallint",
        (_, DataType::Int32 | DataType::UInt16) => "integer",
        (Postgres, DataType::UInt64) => "numeric(20)",
        (Mysql, DataType::UInt64) => "bigint unsigned",
        (_, it) if it.is_integer() => "bigint",
        (Sqlite, it) if it.is_floating() => "real",
        (Postgres, DataType::Float32) => "real",
        (_, it) if it.is_floating() => "double precision",
        // Its numbers with a point would lose digits.
        (Sqlite, DataType::Decimal128(..) | DataType::Decimal256(..)) => "text",
        (_, DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale)) => {
            return Ok(format!("decimal({precision}, {scale})"));
        }
        (Mysql, DataType::Utf8 | DataType::LargeUtf8) if is_key => "varchar(255)",
        (Mysql, DataType::Utf8 | DataType::LargeUtf8) => "longtext",
        (_, DataType::Utf8 | DataType::LargeUtf8) => "text",
        (Postgres, DataType::Binary | DataType::LargeBinary) => "bytea",
        (Mysql, DataType::Binary | DataType::LargeBinary) if is_key => "varbinary(255)",
        (Mysql, DataType::Binary | DataType::LargeBinary) => "longblob",
        (Sqlite, DataType::Binary | DataType::LargeBinary) => "blob",
        (Sqlite, it) if it.is_temporal() || it.is_nested() => "text",
        (_, DataType::Date32 | DataType::Date64) => "date",
        (Mysql, DataType::Time32(_) | DataType::Time64(_)) => "time(6)",
        (_, DataType::Time32(_) | DataType::Time64(_)) => "time",
        (Mysql, DataType::Timestamp(..)) => "datetime(6)",
        (_, DataType::Timestamp(_, None)) => "timestamp",
        (_, DataType::Timestamp(_, Some(_))) => "timestamptz",
        (Postgres, it) if it.is_nested() => "jsonb",
        (Mysql, it) if it.is_nested() => "json",
        (_, it) => {
            let message = format!(
                "no column can be made for the field {}: it is {}",
                field.name(),
                type_name(it)
            );
            return Err(Fault::config(codes::TABLE, message)
                .with_hint("cast it in a mapping before this, or make the table yourself"));
        }
    };
    Ok(text.to_owned())
}
