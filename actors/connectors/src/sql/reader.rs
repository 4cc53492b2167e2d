//! Reads rows in the order of columns that only increase, page by page.
//!
//! Invariants:
//! - J1: pages are of rows behind the last one that was read, in the order (`updatedAt`, `increasing`), of
//!   which each row has its own place: rows that were changed at the same time are neither lost nor doubled.
//! - J2: with a lag, nothing is read before the lag has passed since something later could be seen: what was
//!   committed late is still ahead.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::Fault;
use weir_runtime::Stopwatch;
use weir_stream::{
    BadRecord, Batch, Limits, LiveRead, LiveReader, Positions, Read, Splits, beginning,
};

use super::answer::{Answer, Cell};
use super::codes;
use super::connection::{Address, DatabaseKind};
use super::query::{From, Selected};
use super::rows;
use super::session::Sessions;
use super::statement::parameter;

/// The one split.
pub(super) const SPLIT: &str = "rows";

/// Behind a row: the values of the columns that increase, as texts, how many rows were read, and what they
/// are of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) after: Vec<String>,
    pub(super) rows: u64,
    /// What is read and the columns that increase; empty where nothing was read.
    #[serde(default)]
    pub(super) of: Vec<String>,
}

impl Place {
    /// Where a source of these columns goes on. A value of another column says nothing of it.
    pub(super) fn read(splits: &Splits, of: Vec<String>) -> Result<Self, Fault> {
        let Some(found) = splits.get(SPLIT) else { return Ok(Self { of, ..Self::default() }) };
        let refused = |cause: &dyn std::fmt::Display| {
            let message = format!("the source can't go on from {found}: {cause}");
            Fault::config(codes::POSITION, message).with_hint(
                "deploy what it was of, or let the workflow begin anew: weir workflow reset",
            )
        };
        let place = Self::deserialize(found).map_err(|it| refused(&it))?;
        let is_known = place.of.is_empty() || place.of == of;
        let fits = place.after.is_empty() || place.after.len() + 1 == of.len();
        match is_known && fits {
            true => Ok(Self { of, ..place }),
            false => Err(refused(&format!("it reads {} now", of.join(", ")))),
        }
    }
}

/// What is read, and how.
pub(super) struct Reading {
    pub(super) address: Arc<Address>,
    pub(super) from: From,
    pub(super) selected: Vec<Selected>,
    pub(super) schema: SchemaRef,
    /// The columns that increase, the most significant first.
    pub(super) increasing: Vec<Selected>,
    pub(super) lag: Duration,
    pub(super) interval: Duration,
    pub(super) once: bool,
    pub(super) limits: Limits,
}

impl Reading {
    fn kind(&self) -> DatabaseKind {
        self.address.kind
    }

    /// What a place is of: another table or column has other places. A query may ask for more or less.
    pub(super) fn identity(&self) -> Vec<String> {
        let from = match &self.from {
            From::Table(name) => name.quoted(self.kind()),
            From::Query(_) => "a query".to_owned(),
        };
        [from].into_iter().chain(self.increasing.iter().map(Selected::column)).collect()
    }

    fn columns(&self) -> Vec<&Selected> {
        self.selected.iter().chain(&self.increasing).collect()
    }

    /// The query for a page behind a place, up to another.
    fn page(&self, place: &Place, until: Option<&Vec<String>>) -> (String, Vec<String>) {
        let mut texts = Vec::new();
        let mut conditions: Vec<_> =
            self.increasing.iter().map(|it| format!("{} IS NOT NULL", it.column())).collect();
        if !place.after.is_empty() {
            conditions.push(self.compared(">", &place.after, &mut texts));
        }
        if let Some(until) = until {
            let beyond = self.compared(">", until, &mut texts);
            conditions.push(format!("NOT ({beyond})"));
        }
        let select: Vec<_> = self.columns().iter().map(|it| it.expression.clone()).collect();
        let order: Vec<_> = self.increasing.iter().map(Selected::column).collect();
        let text = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}",
            select.join(", "),
            self.from.text(self.kind()),
            conditions.join(" AND "),
            order.join(", "),
            self.limits.batch_rows.max(1)
        );
        (text, texts)
    }

    /// The last row that can be seen now.
    fn last(&self) -> String {
        let select: Vec<_> = self.increasing.iter().map(|it| it.expression.clone()).collect();
        let order: Vec<_> =
            self.increasing.iter().map(|it| format!("{} DESC", it.column())).collect();
        let known = self.increasing.iter().map(|it| format!("{} IS NOT NULL", it.column()));
        format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT 1",
            select.join(", "),
            self.from.text(self.kind()),
            known.collect::<Vec<_>>().join(" AND "),
            order.join(", ")
        )
    }

    /// (a, b) > (x, y), in a form that all databases find an index for.
    fn compared(&self, with: &str, values: &[String], texts: &mut Vec<String>) -> String {
        let mut value = |at: usize| {
            texts.push(values[at].clone());
            let parameter = parameter(self.kind(), texts.len());
            match (&self.increasing[at].cast, self.kind()) {
                (Some(cast), _) => format!("CAST({parameter} AS {cast})"),
                (None, DatabaseKind::Sqlite) => sqlite_value(&parameter, &values[at]),
                (None, _) => parameter,
            }
        };
        let first = self.increasing[0].column();
        let Some(second) = self.increasing.get(1).map(Selected::column) else {
            return format!("{first} {with} {}", value(0));
        };
        let (a, b, c, d) = (value(0), value(0), value(0), value(1));
        // The first condition says nothing more, and lets an index be used.
        format!(
            "{first} >= {a} AND ({first} {with} {b} OR ({first} = {c} AND {second} {with} {d}))"
        )
    }
}

/// A number compares with texts by its type: what looks like a number and was stored as one is one.
fn sqlite_value(parameter: &str, value: &str) -> String {
    match value.split_once(':') {
        Some(("i", _)) => format!("CAST(substr({parameter}, 3) AS INTEGER)"),
        Some(("f", _)) => format!("CAST(substr({parameter}, 3) AS REAL)"),
        _ => format!("substr({parameter}, 3)"),
    }
}

/// The value of a column that increases, as a text that says of SQLite's which type it has.
fn place_text(kind: DatabaseKind, cell: &Cell) -> String {
    let text = rows::text(cell).unwrap_or_default();
    match (kind, cell) {
        (DatabaseKind::Sqlite, Cell::Int(_)) => format!("i:{text}"),
        (DatabaseKind::Sqlite, Cell::Float(_)) => format!("f:{text}"),
        (DatabaseKind::Sqlite, _) => format!("t:{text}"),
        _ => text,
    }
}

pub(super) struct Reader {
    pub(super) reading: Reading,
    pub(super) sessions: Sessions,
    pub(super) place: Place,
    /// Since the last look that found nothing more.
    pub(super) rested: Option<Stopwatch>,
    /// The last rows that could be seen, and since when.
    pub(super) seen: VecDeque<(Stopwatch, Vec<String>)>,
    pub(super) is_over: bool,
}

impl Reader {
    fn ask(&self, text: &str, texts: &[String]) -> Result<Answer, Fault> {
        let texts: Vec<_> = texts.iter().map(|it| Some(it.as_str())).collect();
        self.sessions.with(&self.reading.address, false, |it| it.ask(text, &texts))
    }

    /// Notes what can be seen now; tells up to where rows may be read. `None`: nothing may be yet.
    fn horizon(&mut self) -> Result<Option<Vec<String>>, Fault> {
        let rows = self.ask(&self.reading.last(), &[])?;
        if let Some(row) = rows.first() {
            let kind = self.reading.kind();
            let place: Vec<_> = row.iter().map(|it| place_text(kind, it)).collect();
            if self.seen.back().is_none_or(|it| it.1 != place) {
                self.seen.push_back((Stopwatch::start(), place));
            }
        }
        let lag = self.reading.lag;
        while self.seen.get(1).is_some_and(|it| it.0.elapsed() >= lag) {
            self.seen.pop_front();
        }
        let first = self.seen.front().filter(|it| it.0.elapsed() >= lag);
        Ok(first.map(|it| it.1.clone()))
    }

    fn look(&mut self) -> Result<Answer, Fault> {
        let until = match self.reading.lag.is_zero() {
            true => None,
            false => match self.horizon()? {
                Some(until) => Some(until),
                None => return Ok(Answer::new()),
            },
        };
        let (text, texts) = self.reading.page(&self.place, until.as_ref());
        self.ask(&text, &texts)
    }

    fn records(&mut self, found: &Answer) -> Result<Read, Fault> {
        let Reading { schema, selected, limits, .. } = &self.reading;
        let first = self.place.rows + 1;
        let mut bad = BTreeMap::new();
        let mut columns = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            let wanted = (field.name().as_str(), field.data_type());
            let column = rows::column(found, at, wanted, &mut bad)?;
            if !field.is_nullable() {
                for row in (0..column.len()).filter(|it| column.is_null(*it)) {
                    bad.entry(row)
                        .or_insert_with(|| format!("the column {} is null", field.name()));
                }
            }
            columns.push(column);
        }
        let names: Vec<_> = selected.iter().map(|it| it.name.clone()).collect();
        let refused = bad.iter().map(|(row, reason)| {
            let (raw, raw_cut) =
                beginning(&rows::as_json(&names, &found[*row]), limits.raw_bytes_max);
            let (position, reason) = (first + *row as u64, reason.clone());
            BadRecord { position, line: None, offset: None, raw, raw_cut, reason }
        });
        let refused: Vec<_> = refused.collect();
        let broken = |error: arrow::error::ArrowError| {
            Fault::config(codes::ANSWER, format!("rows make no records: {error}"))
        };
        let (columns, positions) = match bad.is_empty() {
            true => (columns, Positions::Range { first }),
            false => {
                let mask: BooleanArray =
                    (0..found.len()).map(|it| Some(!bad.contains_key(&it))).collect();
                let good = columns.iter().map(|it| arrow::compute::filter(it, &mask));
                let columns = good.collect::<Result<Vec<_>, _>>().map_err(broken)?;
                (columns, Positions::Range { first }.filter(&mask).map_err(broken)?)
            }
        };
        let records = RecordBatch::try_new(schema.clone(), columns).map_err(broken)?;
        let bytes = records.get_array_memory_size() as u64;
        Ok(Read { batch: Batch::new(records, positions), bad: refused, bytes })
    }

    fn step(&mut self, found: &Answer) {
        let Some(last) = found.last() else { return };
        let kind = self.reading.kind();
        let increasing = last.iter().skip(self.reading.selected.len());
        self.place.after = increasing.map(|it| place_text(kind, it)).collect();
        self.place.rows += found.len() as u64;
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.reading.schema.clone()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        if self.is_over {
            return Ok(LiveRead::End);
        }
        let rest = self.rested.as_ref().map(Stopwatch::elapsed);
        let rest = rest.and_then(|it| self.reading.interval.checked_sub(it));
        if let Some(rest) = rest.filter(|it| !it.is_zero()) {
            thread::sleep(within.min(rest));
            return Ok(LiveRead::Nothing);
        }
        let found = self.look()?;
        let is_last = found.len() < self.reading.limits.batch_rows.max(1);
        self.rested = is_last.then(Stopwatch::start);
        if found.is_empty() {
            self.is_over = self.reading.once;
            return Ok(if self.is_over { LiveRead::End } else { LiveRead::Nothing });
        }
        let read = self.records(&found)?;
        self.step(&found);
        if self.reading.once {
            self.rested = None;
        }
        Ok(LiveRead::Records(read))
    }

    fn splits(&self) -> Splits {
        let place = serde_json::to_value(&self.place).unwrap_or(Value::Null);
        Splits::from([(SPLIT.to_owned(), place)])
    }
}
