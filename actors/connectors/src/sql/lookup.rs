//! Looks up rows by their keys: one query for all keys of a batch that are not remembered, and more where some of
//! them have so many rows that an answer would fill the memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::DataType;
use weir_domain::Fault;
use weir_runtime::Stopwatch;

use super::answer::{Answer, Cell};
use super::codes;
use super::connection::{Address, DatabaseKind};
use super::enrich_config::CacheConfig;
use super::fit::is_uuid;
use super::query::{self, From, Selected};
use super::rows;
use super::session::Sessions;

/// MySQL takes 65,535 parameters.
const PARAMETERS_MAX: usize = 60_000;

/// So many rows more than it has keys an answer may have. A key is to have one, and one that has more is bad: it is
/// not needed how many there are.
pub(super) const ROWS_SPARE: usize = 1_000;

/// The values of the columns of a key, as texts.
pub(super) type Key = Vec<String>;

/// What a key led to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    Row(Arc<Vec<Cell>>),
    None,
    /// So many rows; those behind [`ROWS_SPARE`] are not counted.
    Several(usize),
}

struct Remembered {
    since: Stopwatch,
    number: u64,
    found: Found,
}

pub(super) struct Lookup {
    pub(super) address: Arc<Address>,
    pub(super) sessions: Sessions,
    pub(super) from: From,
    /// Columns.
    pub(super) on: Vec<String>,
    pub(super) take: Vec<String>,
    pub(super) cache: CacheConfig,
    /// The columns as the database has them, once they were asked for: of the key, and those that are taken.
    columns: Option<(Vec<Selected>, Vec<Selected>)>,
    remembered: HashMap<Key, Remembered>,
    /// In the order in which they were looked up, each with its number: a key may be there twice.
    order: VecDeque<(u64, Key)>,
    looked_up: u64,
    /// How many queries were sent.
    pub(super) queries: u64,
}

impl Lookup {
    pub(super) fn new(
        address: Arc<Address>,
        sessions: Sessions,
        from: From,
        (on, take): (Vec<String>, Vec<String>),
        cache: CacheConfig,
    ) -> Self {
        Self {
            address,
            sessions,
            from,
            on,
            take,
            cache,
            columns: None,
            remembered: HashMap::new(),
            order: VecDeque::new(),
            looked_up: 0,
            queries: 0,
        }
    }

    /// What all these keys lead to.
    pub(super) fn find(&mut self, keys: Vec<Key>) -> Result<HashMap<Key, Found>, Fault> {
        let mut found = HashMap::with_capacity(keys.len());
        let mut unknown = BTreeMap::new();
        for key in keys {
            match self.known(&key) {
                Some(it) => {
                    found.insert(key, it);
                }
                None => {
                    unknown.insert(key, ());
                }
            }
        }
        let unknown: Vec<Key> = unknown.into_keys().collect();
        if unknown.is_empty() {
            return Ok(found);
        }
        self.describe()?;
        let (fitting, others): (Vec<Key>, Vec<Key>) =
            unknown.into_iter().partition(|it| self.fits(it));
        found.extend(others.into_iter().map(|it| (it, Found::None)));
        for keys in fitting.chunks(self.keys_max()) {
            for (key, it) in self.found(keys)? {
                self.remember(&key, &it);
                found.insert(key, it);
            }
        }
        Ok(found)
    }

    fn keys_max(&self) -> usize {
        match self.address.kind {
            DatabaseKind::Mysql => PARAMETERS_MAX / self.on.len().max(1),
            DatabaseKind::Postgres | DatabaseKind::Sqlite => usize::MAX,
        }
    }

    fn known(&self, key: &Key) -> Option<Found> {
        let it = self.remembered.get(key)?;
        let ttl: Duration = match it.found {
            Found::None => self.cache.missing_ttl.duration(),
            Found::Row(_) | Found::Several(_) => self.cache.ttl.duration(),
        };
        (it.since.elapsed() < ttl).then(|| it.found.clone())
    }

    fn remember(&mut self, key: &Key, found: &Found) {
        if self.cache.entries == 0 {
            return;
        }
        self.looked_up += 1;
        let number = self.looked_up;
        self.order.push_back((number, key.clone()));
        let it = Remembered { since: Stopwatch::start(), number, found: found.clone() };
        self.remembered.insert(key.clone(), it);
        while self.order.len() > self.cache.entries {
            let Some((number, key)) = self.order.pop_front() else { break };
            if self.remembered.get(&key).is_some_and(|it| it.number == number) {
                self.remembered.remove(&key);
            }
        }
    }

    /// Looks at what the rows are taken from, once.
    pub(super) fn describe(&mut self) -> Result<(), Fault> {
        if self.columns.is_some() {
            return Ok(());
        }
        let from = &self.from;
        let all = self.sessions.with(&self.address, false, |it| query::columns(it, from))?;
        let find = |names: &[String]| {
            names.iter().map(|it| query::find(&all, it).cloned()).collect::<Result<Vec<_>, _>>()
        };
        let (on, take) = (find(&self.on)?, find(&self.take)?);
        for it in &on {
            let is_good = super::enrich_config::is_key(&it.data_type);
            if !is_good {
                let message = format!("rows can't be looked up by the column {}", it.name);
                return Err(Fault::config(codes::TABLE, message)
                    .with_hint("look them up by a text, a whole number, a date or a UUID"));
            }
        }
        self.columns = Some((on, take));
        Ok(())
    }

    /// Whether the columns can have such values: what they can't have has no row.
    fn fits(&self, key: &Key) -> bool {
        let columns = self.columns.iter().flat_map(|it| &it.0);
        columns.zip(key).all(|(column, value)| match &column.data_type {
            it if it.is_unsigned_integer() => value.parse::<u64>().is_ok(),
            it if it.is_integer() => value.parse::<i64>().is_ok(),
            DataType::Date32 => value.len() == 10 && value.parse::<jiff::civil::Date>().is_ok(),
            _ if column.cast.as_deref() == Some("\"uuid\"") => is_uuid(value),
            _ => !(value.contains('\0') && self.address.kind == DatabaseKind::Postgres),
        })
    }

    /// The query that finds rows of keys, and its parameters.
    fn query(&self, keys: &[Key]) -> (String, Vec<String>) {
        let empty = (Vec::new(), Vec::new());
        let (on, take) = self.columns.as_ref().unwrap_or(&empty);
        let kind = self.address.kind;
        let from = self.from.text(kind);
        let take = take.iter().map(|it| format!(", {}", it.expression)).collect::<String>();
        let joined = |value: &dyn Fn(usize, &Selected) -> String| {
            let equal =
                |(at, it): (usize, &Selected)| format!("{} = {}", it.column(), value(at, it));
            on.iter().enumerate().map(equal).collect::<Vec<_>>().join(" AND ")
        };
        match kind {
            DatabaseKind::Postgres => {
                let by = joined(&|at, it| {
                    let cast = it.cast.as_deref().unwrap_or("text");
                    format!("CAST(v.e->>{at} AS {cast})")
                });
                let text = format!(
                    "SELECT v.n{take} FROM jsonb_array_elements(CAST($1 AS jsonb)) WITH ORDINALITY \
                     AS v(e, n) JOIN {from} ON {by}"
                );
                (text, vec![as_json(on, keys)])
            }
            DatabaseKind::Sqlite => {
                let by = joined(&|at, _| format!("json_extract(v.value, '$[{at}]')"));
                let text =
                    format!("SELECT v.key + 1{take} FROM json_each(?) AS v JOIN {from} ON {by}");
                (text, vec![as_json(on, keys)])
            }
            DatabaseKind::Mysql => {
                let value = |it: &Selected| match &it.cast {
                    Some(cast) => format!("CAST(? AS {cast})"),
                    None => "?".to_owned(),
                };
                let names: Vec<_> = on.iter().map(Selected::column).collect();
                let key: Vec<_> = on.iter().map(value).collect();
                let (names, key) = (names.join(", "), key.join(", "));
                let keys_text = vec![format!("({key})"); keys.len()].join(", ");
                let asked: Vec<_> = on.iter().map(|it| it.expression.clone()).collect();
                let asked = asked.join(", ");
                let text =
                    format!("SELECT {asked}{take} FROM {from} WHERE ({names}) IN ({keys_text})");
                (text, keys.concat())
            }
        }
    }

    /// What each of the keys leads to. Where an answer is cut off, each half of them is asked for by itself, until
    /// it is one key that has so many rows.
    fn found(&mut self, keys: &[Key]) -> Result<Vec<(Key, Found)>, Fault> {
        let (found, is_whole) = self.ask(keys)?;
        if is_whole || keys.len() < 2 {
            return Ok(found);
        }
        let (before, behind) = keys.split_at(keys.len() / 2);
        let mut all = self.found(before)?;
        all.extend(self.found(behind)?);
        Ok(all)
    }

    /// The same, as far as the answer goes, and whether that is all of it.
    fn ask(&mut self, keys: &[Key]) -> Result<(Vec<(Key, Found)>, bool), Fault> {
        let (text, texts) = self.query(keys);
        let rows_max = keys.len() + ROWS_SPARE;
        let text = format!("{text} LIMIT {rows_max}");
        let texts: Vec<_> = texts.iter().map(|it| Some(it.as_str())).collect();
        self.queries += 1;
        let answer = self.sessions.with(&self.address, false, |it| it.ask(&text, &texts))?;
        let is_whole = answer.len() < rows_max;
        let mut found: Vec<_> = keys.iter().map(|it| (it.clone(), Found::None)).collect();
        let is_by_key = self.address.kind == DatabaseKind::Mysql;
        let places = if is_by_key { Places::of(keys) } else { Places::default() };
        let width = if is_by_key { self.on.len() } else { 1 };
        for row in answer {
            let (key, rest) = row.split_at(width.min(row.len()));
            let places = match is_by_key {
                true => places.find(key),
                false => {
                    let number = key.first().and_then(Cell::as_int);
                    number.and_then(|it| usize::try_from(it - 1).ok()).into_iter().collect()
                }
            };
            for at in places {
                let Some(it) = found.get_mut(at) else { continue };
                it.1 = match &it.1 {
                    Found::None => Found::Row(Arc::new(rest.to_vec())),
                    Found::Row(_) => Found::Several(2),
                    Found::Several(count) => Found::Several(count + 1),
                };
            }
        }
        Ok((found, is_whole))
    }
}

/// Numbers as numbers, so that they are compared as such.
fn as_json(on: &[Selected], keys: &[Key]) -> String {
    let value = |(column, it): (&Selected, &String)| match column.data_type.is_integer() {
        true => it.parse::<i64>().map_or_else(|_| it.as_str().into(), serde_json::Value::from),
        false => serde_json::Value::from(it.as_str()),
    };
    let key = |key: &Key| on.iter().zip(key).map(value).collect::<serde_json::Value>();
    keys.iter().map(key).collect::<serde_json::Value>().to_string()
}

/// Which keys a row is of, where the database says only what is in the row. Its collation may take for
/// equal what is written differently.
#[derive(Default)]
struct Places(HashMap<Key, Vec<usize>>);

impl Places {
    fn of(keys: &[Key]) -> Self {
        let mut places: HashMap<Key, Vec<usize>> = HashMap::new();
        for (at, key) in keys.iter().enumerate() {
            places.entry(folded(key.iter())).or_default().push(at);
        }
        Self(places)
    }

    fn find(&self, key: &[Cell]) -> Vec<usize> {
        let texts: Vec<_> = key.iter().map(|it| rows::text(it).unwrap_or_default()).collect();
        self.0.get(&folded(texts.iter())).cloned().unwrap_or_default()
    }
}

fn folded<'a>(key: impl Iterator<Item = &'a String>) -> Key {
    key.map(|it| it.trim_end_matches(' ').to_lowercase()).collect()
}

/// Rows of an answer, one for each record: nulls where nothing was found.
pub(super) fn answer<'f>(found: impl Iterator<Item = &'f Found>) -> Answer {
    let row = |it: &Found| match it {
        Found::Row(row) => row.as_ref().clone(),
        Found::None | Found::Several(_) => Vec::new(),
    };
    found.map(row).collect()
}
