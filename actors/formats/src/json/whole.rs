//! Fractions in fields of whole numbers.
//!
//! Arrow's decoder takes `1.7` for a whole number and silently makes it 1. A value that is not
//! what the schema says makes its record bad, so such values are looked for in the bytes. What
//! runs over every batch is a search for points and negative exponents in numbers, and a glance
//! at the key before them; only a record that is under suspicion is parsed a second time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use arrow::datatypes::{DataType, Fields};
use memchr::memmem::Finder;
use memchr::{memchr_iter, memrchr};
use serde_json::Value;

/// How a number ends in a fraction without a point: `1e-7`.
static NEGATIVE_EXPONENTS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new(b"e-"), Finder::new(b"E-")]);

pub(crate) struct WholeNumbers {
    fields: Fields,
    /// Names of fields that hold whole numbers, at any depth, by their length.
    names: BTreeMap<usize, Vec<Box<[u8]>>>,
    has_lists: bool,
}

impl WholeNumbers {
    /// The guard for a schema; `None` where it has no whole numbers.
    pub(crate) fn of(fields: &Fields) -> Option<Self> {
        let mut guard = Self { fields: fields.clone(), names: BTreeMap::new(), has_lists: false };
        guard.learn(fields);
        (guard.has_lists || !guard.names.is_empty()).then_some(guard)
    }

    fn learn(&mut self, fields: &Fields) {
        for field in fields {
            if is_whole(field.data_type()) {
                let name = field.name().as_bytes();
                self.names.entry(name.len()).or_default().push(name.into());
            }
            self.learn_type(field.data_type());
        }
    }

    fn learn_type(&mut self, data_type: &DataType) {
        match data_type {
            DataType::Struct(members) => self.learn(members),
            DataType::List(item) => {
                self.has_lists |= is_whole(item.data_type());
                self.learn_type(item.data_type());
            }
            _ => {}
        }
    }

    /// Whether a fraction may stand where a whole number should. Never misses one; may be wrong
    /// the other way round.
    pub(crate) fn suspects(&self, bytes: &[u8]) -> bool {
        let mut cleared = Cleared::default();
        memchr_iter(b'.', bytes).any(|at| self.suspects_number(bytes, at, &mut cleared))
            || NEGATIVE_EXPONENTS.iter().any(|it| {
                let mut found = it.find_iter(bytes);
                found.any(|at| self.suspects_number(bytes, at, &mut cleared))
            })
    }

    /// Whether the number whose first digits end at `at` is the value of a field of whole numbers.
    #[inline]
    fn suspects_number<'a>(&self, bytes: &'a [u8], at: usize, cleared: &mut Cleared<'a>) -> bool {
        let mut start = at;
        while start > 0 && matches!(bytes[start - 1], b'0'..=b'9' | b'-') {
            start -= 1;
        }
        if start == at || cleared.contains(&bytes[..start]) {
            return false;
        }
        let before = bytes[..start].trim_ascii_end();
        match before.last() {
            Some(b':') => self.suspects_key(&bytes[..start], before.len() - 1, cleared),
            Some(b'[' | b',') => self.has_lists,
            // It stands in a string, or its point was looked at.
            _ => false,
        }
    }

    /// Whether the key before the colon is that of a field of whole numbers.
    fn suspects_key<'a>(&self, before: &'a [u8], colon: usize, cleared: &mut Cleared<'a>) -> bool {
        let Some((b'"', name)) = before[..colon].trim_ascii_end().split_last() else {
            return false;
        };
        let Some(quote) = memrchr(b'"', name) else {
            return false;
        };
        let key = &name[quote + 1..];
        let is_name = |it: &Vec<Box<[u8]>>| it.iter().any(|name| **name == *key);
        let is_suspect = self.names.get(&key.len()).is_some_and(is_name)
            || key.contains(&b'\\')
            || name[..quote].ends_with(b"\\");
        if !is_suspect {
            cleared.push(&before[quote..]);
        }
        is_suspect
    }

    /// Why a record under suspicion is bad, if it is.
    pub(crate) fn fault(&self, record: &[u8]) -> Option<String> {
        match serde_json::from_slice::<Value>(record) {
            Ok(value) => members_fault(&self.fields, &value),
            Err(error) => Some(format!("it is not valid JSON: {error}")),
        }
    }
}

/// Keys that were found to be harmless, as they stand in the bytes: `"price": `. Most records
/// have the same keys in the same order, so the next one is tried first.
#[derive(Default)]
struct Cleared<'a> {
    keys: Vec<&'a [u8]>,
    next: usize,
}

impl<'a> Cleared<'a> {
    /// More keys than this would take longer to try than to look at.
    const KEYS_MAX: usize = 32;

    #[inline]
    fn contains(&mut self, before: &[u8]) -> bool {
        for _ in 0..self.keys.len() {
            let at = self.next;
            self.next = if at + 1 < self.keys.len() { at + 1 } else { 0 };
            // An escaped quote belongs to a longer key.
            if let Some(rest) = before.strip_suffix(self.keys[at])
                && rest.last() != Some(&b'\\')
            {
                return true;
            }
        }
        false
    }

    fn push(&mut self, key: &'a [u8]) {
        if self.keys.len() < Self::KEYS_MAX {
            self.keys.push(key);
        }
    }
}

fn is_whole(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Date32
                | DataType::Date64
                | DataType::Time32(_)
                | DataType::Time64(_)
                | DataType::Timestamp(_, _)
        )
}

fn members_fault(fields: &Fields, value: &Value) -> Option<String> {
    let Value::Object(members) = value else {
        return None;
    };
    fields.iter().find_map(|field| {
        let fault = value_fault(field.data_type(), members.get(field.name())?)?;
        Some(format!("field '{}': {fault}", field.name()))
    })
}

fn value_fault(data_type: &DataType, value: &Value) -> Option<String> {
    match (data_type, value) {
        (DataType::Struct(members), it) => members_fault(members, it),
        (DataType::List(item), Value::Array(items)) => {
            items.iter().find_map(|it| value_fault(item.data_type(), it))
        }
        (data_type, Value::Number(number)) if is_whole(data_type) => {
            // Beyond 2^53 a fraction can't be told from none.
            let is_exact = number.is_i64()
                || number.is_u64()
                || number.as_f64().is_some_and(|it| it.fract() == 0.0 && it.abs() <= 2f64.powi(53));
            (!is_exact).then(|| format!("{number} is not a whole number"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_type;

    fn check(schema: &str, record: &str, suspected: bool, faulty: bool) {
        let Ok(DataType::Struct(fields)) = parse_type(schema) else { panic!("{schema}") };
        let guard = WholeNumbers::of(&fields).expect("it has whole numbers");
        assert_eq!(guard.suspects(record.as_bytes()), suspected, "{record}");
        assert_eq!(guard.fault(record.as_bytes()).is_some(), faulty, "{record}");
    }

    #[test]
    fn a_fraction_is_found_wherever_a_whole_number_should_be() {
        let schema = "struct<n: int, f: float, t: string, o: struct<m: date>, l: list<int>>";
        for record in [
            r#"{"n":1.5}"#,
            r#"{"f":1,"n" : -10.25}"#,
            r#"{"n":1e-7}"#,
            r#"{"n":15E-1}"#,
            r#"{"o":{"m":0.1}}"#,
            r#"{"l":[1.5]}"#,
            r#"{"l":[1, 2.5]}"#,
            r#"{"\u006e":1.5}"#,
            r#"{"f":1.5,"g":1e-7,"n":1.5}"#,
            r#"{"f":1.5,"g":1e-7,"n":15e-1}"#,
        ] {
            check(schema, record, true, true);
        }
        for record in [r#"{"n":1.0}"#, r#"{"n":1.5e3}"#, r#"{"f":[1.5]}"#] {
            check(schema, record, true, false);
        }
        for record in [
            r#"{"n":1,"f":1.5,"f": 2.5,"g":3.5,"f":4.5}"#,
            r#"{"n":2,"t":"n:1.5 or 4.5, pre-war e-mail 1e-7"}"#,
            r#"{"f":1.5e3}"#,
            r#"{"f":1e-7,"g":1.5E-3}"#,
        ] {
            check(schema, record, false, false);
        }
    }

    #[test]
    fn a_schema_without_whole_numbers_needs_no_guard() {
        let Ok(DataType::Struct(fields)) = parse_type("struct<a: float, b: list<string>>") else {
            panic!("it is a struct")
        };
        assert!(WholeNumbers::of(&fields).is_none());
    }
}
