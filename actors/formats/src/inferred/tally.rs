//! What stands where in a sample: how many values of which kind each field has.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use serde_json::Value;

use crate::JsonLayout;

/// Values that are shown of what does not fit the rest.
const EXAMPLES_MAX: usize = 3;
const EXAMPLE_CHARS_MAX: usize = 24;

/// The kinds that values of a sample have, in the words of notes.
const KINDS: [&str; 6] = ["boolean", "whole number", "fraction", "text", "list", "structure"];
const BOOLEAN: usize = 0;
const WHOLE: usize = 1;
const FRACTION: usize = 2;
const TEXT: usize = 3;
const LIST: usize = 4;
const STRUCTURE: usize = 5;

/// Values at one place.
#[derive(Debug, Default)]
struct Place {
    counts: [u64; KINDS.len()],
    /// The first of each kind.
    examples: [Vec<String>; KINDS.len()],
    /// How often there could have been one.
    of: u64,
    /// Of a format that has types of its own.
    typed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) records: u64,
    places: BTreeMap<String, Place>,
}

impl Tally {
    /// Records that are no JSON objects don't count.
    pub(super) fn of_json(text: &[u8], layout: JsonLayout, records_max: usize) -> Self {
        let records: Vec<Value> = match layout {
            JsonLayout::Lines => serde_json::Deserializer::from_slice(text)
                .into_iter()
                .map_while(Result::ok)
                .take(records_max)
                .collect(),
            JsonLayout::Array => serde_json::from_slice(text).unwrap_or_default(),
        };
        let mut tally = Self::default();
        for record in records.iter().take(records_max) {
            if let Value::Object(_) = record {
                tally.records += 1;
                tally.members("", record);
            }
        }
        // How often a member could have been there is known when all structures were seen.
        let structures: BTreeMap<_, _> =
            tally.places.iter().map(|(path, it)| (path.clone(), it.counts[STRUCTURE])).collect();
        for (path, place) in &mut tally.places {
            let parent = parent(path, &structures);
            place.of = parent.and_then(|it| structures.get(it)).copied().unwrap_or(tally.records);
        }
        tally
    }

    fn members(&mut self, base: &str, value: &Value) {
        let Value::Object(members) = value else { return };
        for (name, value) in members {
            let path = super::below(base, name);
            self.value(&path, value);
        }
    }

    fn value(&mut self, path: &str, value: &Value) {
        let kind = match value {
            Value::Null => None,
            Value::Bool(_) => Some(BOOLEAN),
            Value::Number(it) if it.is_f64() => Some(FRACTION),
            Value::Number(_) => Some(WHOLE),
            Value::String(_) => Some(TEXT),
            Value::Array(_) => Some(LIST),
            Value::Object(_) => Some(STRUCTURE),
        };
        let place = self.places.entry(path.to_owned()).or_default();
        if let Some(kind) = kind {
            let shown = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            place.add(kind, shown);
        }
        if let Value::Array(items) = value {
            let path = format!("{path}[]");
            items.iter().for_each(|it| self.value(&path, it));
        }
        self.members(path, value);
    }

    /// A cell of CSV, whose kind is that of what could be read from it.
    pub(super) fn cell(&mut self, column: &str, cell: Option<&str>) {
        if !self.places.contains_key(column) {
            self.places.insert(column.to_owned(), Place::default());
        }
        let Some(place) = self.places.get_mut(column) else { return };
        place.of += 1;
        let Some(text) = cell else { return };
        let kind = match text {
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE" => BOOLEAN,
            it if it.parse::<i64>().is_ok() => WHOLE,
            it if it.parse::<f64>().is_ok() => FRACTION,
            _ => TEXT,
        };
        place.add(kind, || text.to_owned());
    }

    /// So many values of a column whose type is known.
    pub(super) fn typed(&mut self, column: &str, values: u64) {
        self.places.entry(column.to_owned()).or_default().typed += values;
    }

    /// Whether scalars of several kinds stand in one place, so that they are read as texts.
    pub(super) fn is_mixed(&self) -> bool {
        self.places.values().any(Place::is_mixed)
    }

    pub(super) fn is_optional(&self, path: &str) -> bool {
        self.places.get(path).is_none_or(|it| it.missing(self.records) > 0)
    }

    pub(super) fn notes(&self, path: &str, data_type: &DataType) -> Vec<String> {
        let Some(place) = self.places.get(path) else { return Vec::new() };
        let (mut notes, missing) = (Vec::new(), place.missing(self.records));
        let of = if place.of == 0 { self.records } else { place.of };
        if missing == of && of > 0 && place.typed == 0 {
            notes.push("it never has a value: the type is a guess".to_owned());
        } else if missing > 0 {
            notes.push(format!("it has no value in {missing} of {of} records"));
        }
        let kinds = place.kinds();
        let is_number = matches!(data_type, DataType::Float64);
        if kinds.len() > 1 && !(is_number && kinds.iter().all(|it| matches!(*it, WHOLE | FRACTION)))
        {
            let all: Vec<_> = kinds.iter().map(|it| place.told(*it)).collect();
            let is_text = matches!(data_type, DataType::Utf8);
            let end = match is_text {
                true => "it is read as text",
                false => "the others are bad records",
            };
            notes.push(format!("it has {}: {end}", all.join(" and ")));
        }
        notes
    }
}

impl Place {
    fn add(&mut self, kind: usize, shown: impl FnOnce() -> String) {
        self.counts[kind] += 1;
        if self.examples[kind].len() < EXAMPLES_MAX {
            let text = shown();
            let cut = text.char_indices().nth(EXAMPLE_CHARS_MAX).map(|it| it.0);
            let example = cut.map_or_else(|| text.clone(), |it| format!("{}…", &text[..it]));
            if !self.examples[kind].contains(&example) {
                self.examples[kind].push(example);
            }
        }
    }

    fn missing(&self, records: u64) -> u64 {
        let of = if self.of == 0 { records } else { self.of };
        of.saturating_sub(self.counts.iter().sum::<u64>() + self.typed)
    }

    /// Those that there are, the most frequent first.
    fn kinds(&self) -> Vec<usize> {
        let mut kinds: Vec<_> = (0..KINDS.len()).filter(|it| self.counts[*it] > 0).collect();
        kinds.sort_by_key(|it| std::cmp::Reverse(self.counts[*it]));
        kinds
    }

    fn is_mixed(&self) -> bool {
        let kinds = self.kinds();
        let scalars = kinds.iter().filter(|it| **it < LIST).count();
        scalars > 1 && !kinds.iter().all(|it| matches!(*it, WHOLE | FRACTION))
    }

    /// `3 texts (NA, none)`: the rare ones with examples.
    fn told(&self, kind: usize) -> String {
        let all: u64 = self.counts.iter().sum();
        let ending = if self.counts[kind] == 1 { "" } else { "s" };
        let counted = format!("{} {}{ending}", self.counts[kind], KINDS[kind]);
        match self.counts[kind] * 2 < all && kind < LIST {
            true => format!("{counted} ({})", self.examples[kind].join(", ")),
            false => counted,
        }
    }
}

/// The longest known path that it is below, as a member.
fn parent<'a>(path: &'a str, known: &BTreeMap<String, u64>) -> Option<&'a str> {
    let mut end = path.len();
    while let Some(dot) = path[..end].rfind('.') {
        if known.contains_key(&path[..dot]) {
            return Some(&path[..dot]);
        }
        end = dot;
    }
    None
}
