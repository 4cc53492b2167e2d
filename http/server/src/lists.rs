//! Lists that are at hand as a whole: the part of one that a [`ListQuery`] asks for.
//!
//! - Who asks for nothing gets everything, as it is listed.
//! - A page goes on behind a place among the values that the list is sorted by, not behind an element: what is added or
//!   deleted meanwhile neither repeats nor hides another one.
//! - What is sorted and filtered by is what the answer shows, by the names that it has there.

mod fields;
mod filter;

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;
use weir_domain::did_you_mean;
use weir_http_api::{Cursor, ListQuery, Page, Row};

use crate::error::Error;
use crate::paging;
use filter::Filter;

/// A list whose elements are these.
pub(crate) trait Listed: Serialize {
    /// What cursors of the list are known by.
    const LIST: &'static str;
    /// What it can be sorted and filtered by, with dots between a field and one within it.
    const FIELDS: &'static [&'static str];
    /// The list's own order. No two elements have the same values of all of these.
    const ORDER: &'static [&'static str];

    /// Comes before others in the list's own order.
    fn leads(&self) -> bool {
        false
    }
}

/// What is asked for of all elements.
pub(crate) fn page<T: Listed>(
    all: impl IntoIterator<Item = impl Into<T>>,
    query: ListQuery,
) -> Result<Page<T>, Error> {
    if query == ListQuery::default() {
        return Ok(Page::whole(all));
    }
    let limit = query.limit.map(|it| paging::limit(Some(it))).transpose()?;
    let filter = Filter::of::<T>(query.filter.as_deref().unwrap_or_default())?;
    let order = Order::of::<T>(query.sort.as_deref())?;
    let after = query.cursor.map(|it| it.row(T::LIST, &order.text)).transpose();
    let after = after.map_err(paging::wrong_cursor)?;
    let mut placed: Vec<_> = all
        .into_iter()
        .map(Into::into)
        .filter_map(|it: T| {
            let shown = serde_json::to_value(&it).expect("a view is plain values, which are JSON");
            filter.takes(&shown).then(|| (order.place(&it, &shown), it))
        })
        .collect();
    placed.sort_by(|a, b| order.compare(&a.0, &b.0));
    if let Some(row) = after {
        placed.retain(|it| order.compare(&it.0, &row.values) == Ordering::Greater);
    }
    let limit = limit.map_or(placed.len(), |it| it as usize);
    let has_more = placed.len() > limit;
    placed.truncate(limit);
    let last = placed.last().filter(|_| has_more).map(|it| it.0.clone());
    let next_cursor = last.map(|values| {
        Cursor::after_row(Row { list: T::LIST.to_owned(), order: order.text.clone(), values })
    });
    Ok(Page { items: placed.into_iter().map(|it| it.1).collect(), next_cursor })
}

/// What a list is sorted by. Whatever was asked for, the list's own order decides between equals.
struct Order {
    /// As it was asked for; nothing: the list's own.
    text: String,
    fields: Vec<(&'static str, Direction)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Order {
    fn of<T: Listed>(asked: Option<&str>) -> Result<Self, Error> {
        let text = asked.unwrap_or_default().to_owned();
        if text.len() > ListQuery::SORT_MAX {
            return Err(wrong("sort", format!("it is longer than {} bytes", ListQuery::SORT_MAX)));
        }
        let mut fields: Vec<(&'static str, Direction)> = Vec::new();
        for part in asked.map(|it| it.split(',')).into_iter().flatten() {
            let (name, direction) = directed(part.trim());
            let field = known::<T>(name).map_err(|it| wrong("sort", it))?;
            if fields.iter().any(|it| it.0 == field) {
                return Err(wrong("sort", format!("{field} is named twice")));
            }
            fields.push((field, direction));
        }
        fields.extend(T::ORDER.iter().map(|it| directed(it)));
        Ok(Self { text, fields })
    }

    /// Where an element stands: the values of all fields, and before them what leads, where that is the order.
    fn place<T: Listed>(&self, element: &T, shown: &Value) -> Vec<Value> {
        let first = Value::from(self.text.is_empty() && element.leads());
        let values = self.fields.iter().map(|(field, _)| value(shown, field).clone());
        std::iter::once(first).chain(values).collect()
    }

    /// A place that somebody else has written may have too few values: those are absent.
    fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        let directions = self.fields.iter().map(|it| it.1);
        let directions = std::iter::once(Direction::Down).chain(directions);
        let compared = directions.enumerate().map(|(at, direction)| {
            let (a, b) = (a.get(at).unwrap_or(&Value::Null), b.get(at).unwrap_or(&Value::Null));
            match direction {
                Direction::Up => by_value(a, b),
                Direction::Down => by_value(b, a),
            }
        });
        compared.fold(Ordering::Equal, Ordering::then)
    }
}

fn directed(part: &str) -> (&str, Direction) {
    match part.strip_prefix('-') {
        Some(name) => (name, Direction::Down),
        None => (part, Direction::Up),
    }
}

fn known<T: Listed>(name: &str) -> Result<&'static str, String> {
    if let Some(field) = T::FIELDS.iter().find(|it| **it == name) {
        return Ok(field);
    }
    let near = did_you_mean(name, T::FIELDS.iter().copied());
    let near = near.map(|it| format!(": did you mean {it}?")).unwrap_or(".".into());
    Err(format!("{name:?} is no field of this list{near} It has {}", T::FIELDS.join(", ")))
}

/// What an element has there; null, where it has nothing.
fn value<'a>(shown: &'a Value, field: &str) -> &'a Value {
    field.split('.').try_fold(shown, |it, name| it.get(name)).unwrap_or(&Value::Null)
}

/// Nothing, then numbers by their size, then texts by their bytes. Only what a user wrote into a cursor mixes them.
fn by_value(a: &Value, b: &Value) -> Ordering {
    let kind = |it: &Value| match it {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => match (a.as_u64(), b.as_u64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let compared = a.iter().zip(b).map(|(a, b)| by_value(a, b));
            compared.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        _ => kind(a).cmp(&kind(b)),
    }
}

fn wrong(field: &str, reason: String) -> Error {
    Error::Invalid { pointer: format!("query/{field}"), reason }
}

#[cfg(test)]
mod tests;
