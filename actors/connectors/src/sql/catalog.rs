//! What the catalog of a database says of a table.

use weir_domain::Fault;

use super::answer::{Answer, Cell};
use super::codes;
use super::connection::DatabaseKind;
use super::session::Session;
use super::statement::Name;

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// As the database calls it, without what is in parentheses.
    pub(super) type_name: String,
    pub(super) class: Class,
    pub(super) may_be_null: bool,
    /// Whether it has a value of its own if it is given none.
    pub(super) has_default: bool,
    /// Whether it makes its values itself, always.
    pub(super) is_generated: bool,
}

/// What a column can take.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Class {
    Bool,
    Int {
        min: i128,
        max: i128,
    },
    Float,
    /// Digits in all, and behind the point. `None`: as many as one likes.
    Decimal(Option<(u32, i32)>),
    Text(TextLimit),
    Bytes {
        most: Option<u64>,
    },
    Date,
    Time,
    Timestamp,
    /// A timestamp with a zone, or one that stands for an instant.
    Instant,
    Json,
    Uuid,
    /// A type that is written as text and that the database reads.
    Other,
    /// SQLite: whatever it is given.
    Any,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TextLimit {
    pub(super) chars: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) characters: Characters,
}

/// Which characters a text may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Characters {
    /// All, or those of a set that is not known here.
    #[default]
    All,
    /// Of the first plane: MySQL's utf8mb3.
    FirstPlane,
    /// What MySQL calls latin1: Windows-1252.
    Latin,
    Ascii,
}

impl Characters {
    fn of_mysql(set: &str) -> Self {
        match set {
            "utf8" | "utf8mb3" | "ucs2" => Self::FirstPlane,
            "latin1" => Self::Latin,
            "ascii" => Self::Ascii,
            _ => Self::All,
        }
    }

    /// How many bytes a text takes there.
    pub(super) fn bytes(self, it: &str) -> u64 {
        match self {
            Self::All | Self::FirstPlane => it.len() as u64,
            Self::Latin | Self::Ascii => it.chars().count() as u64,
        }
    }

    pub(super) fn has(self, it: char) -> bool {
        match self {
            Self::All => true,
            Self::FirstPlane => it <= '\u{ffff}',
            Self::Latin => it <= '\u{ff}' || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(it),
            Self::Ascii => it.is_ascii(),
        }
    }
}

const POSTGRES: &str = "SELECT a.attname::text, \
    format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, -1)::text, \
    (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)::bigint, \
    (a.attnotnull OR t.typnotnull)::int::bigint, \
    (a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL)::int::bigint, \
    (a.attgenerated <> '' OR a.attidentity = 'a')::int::bigint \
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const MYSQL: &str = "SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR), \
    CAST(column_type AS CHAR), CAST(is_nullable = 'NO' AS SIGNED), \
    CAST(column_default IS NOT NULL OR extra LIKE '%auto_increment%' AS SIGNED), \
    CAST(extra LIKE '%GENERATED%' AND extra NOT LIKE '%DEFAULT_GENERATED%' AS SIGNED), \
    CAST(COALESCE(character_maximum_length, -1) AS SIGNED), \
    CAST(COALESCE(numeric_precision, -1) AS SIGNED), CAST(COALESCE(numeric_scale, -1) AS SIGNED), \
    CAST(COALESCE(character_set_name, '') AS CHAR) \
    FROM information_schema.columns \
    WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? ORDER BY ordinal_position";

const SQLITE: &str = "SELECT c.name, upper(c.type), c.\"notnull\", c.dflt_value IS NOT NULL, \
    c.pk, c.hidden IN (2, 3), l.strict, (SELECT count(*) FROM pragma_table_info(?2) WHERE pk > 0) \
    FROM pragma_table_xinfo(?2) c JOIN pragma_table_list l \
    ON l.name = ?2 COLLATE NOCASE AND l.schema = COALESCE(?1, 'main') WHERE c.hidden <> 1 ORDER BY c.cid";

/// The unique indexes of a table, a column at a time.
const MYSQL_UNIQUE: &str = "SELECT CAST(index_name AS CHAR), CAST(column_name AS CHAR) \
    FROM information_schema.statistics WHERE non_unique = 0 \
    AND table_schema = COALESCE(?, DATABASE()) AND table_name = ?";

/// A truth value, as MySQL has it.
pub(super) const BOOLEAN: &str = "tinyint(1)";

/// Whether there is such a table, as far as the user may see.
pub(super) fn is_there(session: &mut Session, table: &Name) -> Result<bool, Fault> {
    Ok(!rows(session, table)?.is_empty())
}

fn rows(session: &mut Session, table: &Name) -> Result<Answer, Fault> {
    let kind = session.kind();
    let (schema, name) = (table.schema.as_deref(), Some(table.name.as_str()));
    match kind {
        DatabaseKind::Postgres => session.ask(POSTGRES, &[Some(&table.quoted(kind))]),
        DatabaseKind::Mysql => session.ask(MYSQL, &[schema, name]),
        DatabaseKind::Sqlite => session.ask(SQLITE, &[schema, name]),
    }
}

/// The columns of a table, of which there is at least one.
pub(super) fn columns(session: &mut Session, table: &Name) -> Result<Vec<TableColumn>, Fault> {
    let kind = session.kind();
    let rows = rows(session, table)?;
    if rows.is_empty() {
        let message = format!("{} has no table {table} that its user may see", session.address);
        return Err(Fault::config(codes::TABLE, message)
            .with_hint("create the table, or name one that is there"));
    }
    let column = |row: &Vec<Cell>| match kind {
        DatabaseKind::Postgres => of_postgres(row),
        DatabaseKind::Mysql => of_mysql(row),
        DatabaseKind::Sqlite => of_sqlite(row),
    };
    let columns: Option<Vec<_>> = rows.iter().map(column).collect();
    columns.ok_or_else(|| {
        let message = format!("the catalog of {} can't be read", session.address);
        Fault::config(codes::ANSWER, message)
    })
}

/// The columns of the unique indexes of a table of MySQL.
pub(super) fn unique_indexes(
    session: &mut Session,
    table: &Name,
) -> Result<Vec<Vec<String>>, Fault> {
    let rows = session.ask(MYSQL_UNIQUE, &[table.schema.as_deref(), Some(&table.name)])?;
    let mut indexes = std::collections::BTreeMap::<String, Vec<String>>::new();
    for row in &rows {
        if let [Cell::Text(index), Cell::Text(column)] = &row[..] {
            indexes.entry(index.clone()).or_default().push(column.clone());
        }
    }
    Ok(indexes.into_values().collect())
}

fn signed(bits: u32) -> Class {
    let half = 1_i128 << (bits - 1);
    Class::Int { min: -half, max: half - 1 }
}

fn of_postgres(row: &[Cell]) -> Option<TableColumn> {
    let type_name = row.get(1)?.as_text()?.to_owned();
    let modifier = row.get(2)?.as_int()? - 4;
    let length = (modifier >= 0).then_some(modifier.unsigned_abs());
    let class = match type_name.as_str() {
        "boolean" => Class::Bool,
        "smallint" => signed(16),
        "integer" => signed(32),
        "bigint" => signed(64),
        "real" | "double precision" => Class::Float,
        "numeric" => {
            // The scale has eleven bits, the first of them its sign.
            let digits =
                |it: i64| ((it >> 16) as u32 & 0xffff, ((it & 0x7ff) as i32 ^ 1024) - 1024);
            Class::Decimal((modifier >= 0).then(|| digits(modifier)))
        }
        "text" | "name" => Class::Text(TextLimit::default()),
        "character varying" | "bpchar" | "character" => {
            Class::Text(TextLimit { chars: length, ..TextLimit::default() })
        }
        "bytea" => Class::Bytes { most: None },
        "date" => Class::Date,
        "time without time zone" => Class::Time,
        "timestamp without time zone" => Class::Timestamp,
        "timestamp with time zone" => Class::Instant,
        "json" | "jsonb" => Class::Json,
        "uuid" => Class::Uuid,
        _ => Class::Other,
    };
    Some(TableColumn {
        name: row[0].as_text()?.to_owned(),
        type_name,
        class,
        may_be_null: !row.get(3)?.is_true(),
        has_default: row.get(4)?.is_true(),
        is_generated: row.get(5)?.is_true(),
    })
}

fn of_mysql(row: &[Cell]) -> Option<TableColumn> {
    let type_name = row.get(1)?.as_text()?.to_ascii_lowercase();
    let whole = row.get(2)?.as_text()?.to_ascii_lowercase();
    let length = |at: usize| row.get(at)?.as_int().and_then(|it| u64::try_from(it).ok());
    let int = |bits: u32| match whole.contains("unsigned") {
        true => Class::Int { min: 0, max: (1_i128 << bits) - 1 },
        false => signed(bits),
    };
    let characters = Characters::of_mysql(row.get(9)?.as_text()?);
    let class = match type_name.as_str() {
        "tinyint" => int(8),
        "smallint" => int(16),
        "mediumint" => int(24),
        "int" => int(32),
        "bigint" => int(64),
        "float" | "double" => Class::Float,
        "decimal" => {
            let scale = row.get(8)?.as_int().and_then(|it| i32::try_from(it).ok());
            Class::Decimal(length(7).and_then(|it| u32::try_from(it).ok()).zip(scale))
        }
        "char" | "varchar" => Class::Text(TextLimit { chars: length(6), bytes: None, characters }),
        "tinytext" | "text" | "mediumtext" | "longtext" => {
            Class::Text(TextLimit { chars: None, bytes: length(6), characters })
        }
        "binary" | "varbinary" => Class::Bytes { most: length(6) },
        "tinyblob" | "blob" | "mediumblob" | "longblob" => Class::Bytes { most: length(6) },
        "date" => Class::Date,
        "time" => Class::Time,
        "datetime" => Class::Timestamp,
        "timestamp" => Class::Instant,
        "json" => Class::Json,
        "uuid" => Class::Uuid,
        _ => Class::Other,
    };
    // What `boolean` means to MySQL.
    let type_name = if whole == BOOLEAN { BOOLEAN.to_owned() } else { type_name };
    Some(TableColumn {
        name: row[0].as_text()?.to_owned(),
        type_name,
        class,
        may_be_null: !row.get(3)?.is_true(),
        has_default: row.get(4)?.is_true(),
        is_generated: row.get(5)?.is_true(),
    })
}

fn of_sqlite(row: &[Cell]) -> Option<TableColumn> {
    let type_name = row.get(1)?.as_text()?.to_owned();
    let is_only_key = row.get(4)?.is_true() && row.get(7)?.as_int()? == 1;
    let is_row_id = is_only_key && type_name == "INTEGER";
    let class = match (row.get(6)?.is_true(), type_name.as_str()) {
        _ if is_row_id => signed(64),
        (true, "INT" | "INTEGER") => signed(64),
        (true, "REAL") => Class::Float,
        (true, "TEXT") => Class::Text(TextLimit::default()),
        (true, "BLOB") => Class::Bytes { most: None },
        _ => Class::Any,
    };
    Some(TableColumn {
        name: row[0].as_text()?.to_owned(),
        type_name,
        class,
        may_be_null: is_row_id || !row.get(2)?.is_true(),
        has_default: is_row_id || row.get(3)?.is_true(),
        is_generated: row.get(5)?.is_true(),
    })
}
