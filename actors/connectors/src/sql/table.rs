//! A table as records are written into it: which field becomes which column, checked against the catalog,
//! and the statements that write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, did_you_mean};

use super::catalog::{self, TableColumn};
use super::codes;
use super::config::{Mode, OutputConfig};
use super::connection::DatabaseKind;
use super::fit::{Fit, Misfits};
use super::session::Session;
use super::statement::{Name, Writing};
use super::value::Column;

/// Most rows of one statement, where rows are listed.
const ROWS_MAX: usize = 500;
/// A statement is not made longer than about that.
const BYTES_MAX: usize = 1 << 20;

/// What is written where. It is stored with actions: fields may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TableSpec {
    pub(super) table: Name,
    pub(super) mode: Mode,
    /// Fields.
    pub(super) key: Vec<String>,
    /// Columns by fields; none: all by name.
    pub(super) columns: BTreeMap<String, String>,
}

impl TableSpec {
    pub(super) fn new(config: &OutputConfig) -> Result<Self, Fault> {
        let (mode, key, columns) = (config.mode, config.key.clone(), config.columns.clone());
        Ok(Self { table: name(&config.table)?, mode, key, columns })
    }

    /// The field and the column of each value that is written.
    pub(super) fn mapping(&self, schema: &Schema) -> Vec<(String, String)> {
        let fields = schema.fields().iter().map(|it| (it.name().clone(), it.name().clone()));
        let all: Vec<_> = match self.columns.is_empty() {
            true => fields.collect(),
            false => self.columns.iter().map(|it| (it.0.clone(), it.1.clone())).collect(),
        };
        match self.mode {
            Mode::Delete => all.into_iter().filter(|it| self.key.contains(&it.0)).collect(),
            Mode::Insert | Mode::Upsert | Mode::Update => all,
        }
    }
}

pub(super) fn name(text: &str) -> Result<Name, Fault> {
    Name::parse(text).ok_or_else(|| {
        let message = format!("\"{text}\" is no name of a table");
        Fault::config(codes::CONFIG, message).with_hint("write table or schema.table")
    })
}

/// A table that records of one schema are written into.
#[derive(Debug, Clone)]
pub(super) struct Table {
    kind: DatabaseKind,
    name: Name,
    mode: Mode,
    fits: Vec<Fit>,
    /// Which of them are the key.
    key: Vec<usize>,
}

impl Table {
    /// Looks the table up, and whether records of this schema go into it.
    pub(super) fn open(
        session: &mut Session,
        spec: &TableSpec,
        schema: &Schema,
    ) -> Result<Self, Fault> {
        let all = catalog::columns(session, &spec.table)?;
        let mut fits = Vec::new();
        for (field, column) in spec.mapping(schema) {
            let found = schema.field_with_name(&field).map_err(|_| {
                let message = format!("the records have no field {field}");
                Fault::config(codes::TABLE, message).with_hint("name a field that is there")
            })?;
            let column = find(&all, &column, &spec.table)?.clone();
            let fit = Fit { field, column };
            fit.check(found, session.kind())?;
            fits.push(fit);
        }
        let at = |field: &String| fits.iter().position(|it| it.field == *field);
        let key: Option<Vec<_>> = spec.key.iter().map(at).collect();
        let key = key.filter(|it| it.len() == spec.key.len()).ok_or_else(|| {
            let message = "a field of the key becomes no column".to_owned();
            Fault::config(codes::CONFIG, message).with_hint("write it in columns too")
        })?;
        let (kind, name, mode) = (session.kind(), spec.table.clone(), spec.mode);
        let table = Self { kind, name, mode, fits, key };
        table.check_rest(&all)?;
        table.check_key(session)?;
        Ok(table)
    }

    /// That rows are whole with what they get.
    fn check_rest(&self, all: &[TableColumn]) -> Result<(), Fault> {
        if matches!(self.mode, Mode::Update | Mode::Delete) {
            return Ok(());
        }
        let given: BTreeSet<_> = self.fits.iter().map(|it| &it.column.name).collect();
        let is_missing = |it: &&TableColumn| !it.may_be_null && !it.has_default && !it.is_generated;
        let missing = all.iter().filter(is_missing).find(|it| !given.contains(&it.name));
        let Some(missing) = missing else { return Ok(()) };
        let message = format!(
            "the column {} of the table {} must have a value, and no field becomes it",
            missing.name, self.name
        );
        Err(Fault::config(codes::TABLE, message)
            .with_hint("make the field in a mapping before this, or give the column a default"))
    }

    /// That the database takes such statements: rights, and a unique key for what is upserted.
    fn check_key(&self, session: &mut Session) -> Result<(), Fault> {
        let nothing: Vec<_> = self.fits.iter().map(|_| Column::Text(vec![None])).collect();
        if self.kind == DatabaseKind::Mysql && self.mode == Mode::Upsert {
            let key: BTreeSet<_> =
                self.key.iter().map(|it| self.fits[*it].column.name.clone()).collect();
            let indexes = catalog::unique_indexes(session, &self.name)?;
            if !indexes.into_iter().any(|it| it.into_iter().collect::<BTreeSet<_>>() == key) {
                return Err(self.no_key());
            }
        }
        let writing = self.writing(&nothing);
        let text = format!("EXPLAIN {}", writing.text(1));
        let count = usize::from(self.kind != DatabaseKind::Postgres);
        let columns: Vec<_> = writing.order().iter().map(|_| Column::Text(vec![None])).collect();
        match session.execute(&text, &columns, (0, count), false) {
            // That null is no value is no news: only the statement is asked about.
            Err(fault) if fault.code.0 == codes::REFUSED => Ok(()),
            Err(fault) if fault.code.0 == codes::QUERY && self.mode == Mode::Upsert => {
                Err(self.no_key())
            }
            done => done.map(drop),
        }
    }

    fn no_key(&self) -> Fault {
        let key: Vec<_> = self.key.iter().map(|it| self.fits[*it].column.name.as_str()).collect();
        let key = key.join(", ");
        let message = format!("the table {} has no primary or unique key of {key}", self.name);
        let hint = format!("add one: ALTER TABLE {} ADD UNIQUE ({key}); or change key", self.name);
        Fault::config(codes::TABLE, message).with_hint(hint)
    }

    fn writing(&self, columns: &[Column]) -> Writing<'_> {
        Writing {
            kind: self.kind,
            table: &self.name,
            mode: self.mode,
            columns: self.fits.iter().map(|it| &it.column).collect(),
            key: self.key.clone(),
            arrays: columns.iter().map(Column::postgres_array).collect(),
        }
    }

    /// The values of records, column by column, and which rows can't be written.
    pub(super) fn values(&self, records: &RecordBatch) -> Result<(Vec<Column>, Misfits), Fault> {
        let mut misfits = Misfits::new();
        let columns = self.fits.iter().map(|it| it.values(records, self.kind, &mut misfits));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for at in &self.key {
            for row in (0..records.num_rows()).filter(|it| columns[*at].is_null(*it)) {
                let why =
                    format!("{} is part of the key and must not be null", self.fits[*at].field);
                misfits.entry(row).or_insert(why);
            }
        }
        Ok((columns, misfits))
    }

    /// Writes all rows, in their order.
    pub(super) fn write(&self, session: &mut Session, columns: &[Column]) -> Result<(), Fault> {
        let columns = self.last_of_each_key(columns);
        let writing = self.writing(&columns);
        let rows = columns.first().map_or(0, Column::len);
        if rows == 0 {
            return Ok(());
        }
        if self.kind == DatabaseKind::Postgres {
            return session.execute(&writing.text(rows), &columns, (0, rows), true).map(drop);
        }
        let order = writing.order();
        let columns: Vec<_> = order.iter().map(|it| columns[*it].clone()).collect();
        let most = if writing.takes_rows() { self.rows_max() } else { 1 };
        let whole = writing.text(most);
        let mut first = 0;
        while first < rows {
            let count = chunk(&columns, first, most.min(rows - first));
            match count == most {
                true => session.execute(&whole, &columns, (first, count), true)?,
                false => session.execute(&writing.text(count), &columns, (first, count), false)?,
            };
            first += count;
        }
        Ok(())
    }

    /// How many rows a statement takes: 65,535 parameters of MySQL, 32,766 of SQLite.
    fn rows_max(&self) -> usize {
        (32_766 / self.fits.len().max(1)).clamp(1, ROWS_MAX)
    }

    /// PostgreSQL takes each key once in a statement: the last row of each wins, as it would one by one.
    fn last_of_each_key<'a>(&self, columns: &'a [Column]) -> std::borrow::Cow<'a, [Column]> {
        let rows = columns.first().map_or(0, Column::len);
        let is_bound = matches!(self.mode, Mode::Upsert | Mode::Update);
        if !is_bound || self.kind != DatabaseKind::Postgres {
            return columns.into();
        }
        let key = |row| self.key.iter().flat_map(|it| columns[*it].key(row)).collect::<Vec<_>>();
        let mut last = HashMap::with_capacity(rows);
        for row in 0..rows {
            last.insert(key(row), row);
        }
        if last.len() == rows {
            return columns.into();
        }
        let mut kept: Vec<_> = last.into_values().collect();
        kept.sort_unstable();
        columns.iter().map(|it| it.take(&kept)).collect::<Vec<_>>().into()
    }
}

/// How many rows from the first on go into one statement.
fn chunk(columns: &[Column], first: usize, most: usize) -> usize {
    let bytes = |row: usize| columns.iter().map(|it| it.bytes(row)).sum::<usize>();
    let mut sum = 0;
    let fits = (first..first + most).take_while(|row| {
        sum += bytes(*row);
        sum <= BYTES_MAX
    });
    fits.count().max(1)
}

fn find<'a>(all: &'a [TableColumn], name: &str, table: &Name) -> Result<&'a TableColumn, Fault> {
    let exact = all.iter().find(|it| it.name == name);
    let similar = || all.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    exact.or_else(similar).ok_or_else(|| {
        let near = did_you_mean(name, all.iter().map(|it| it.name.as_str()));
        let hint = match near {
            Some(near) => format!("did you mean {near}? write it in columns"),
            None => "add the column, or list in columns what becomes of which field".to_owned(),
        };
        let message = format!("the table {table} has no column {name}");
        Fault::config(codes::TABLE, message).with_hint(hint)
    })
}
