//! What stands where in a sample: how many values of which kind each field has.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use serde_json::Value;

use crate::JsonLayout;
use crate::json::{Unkept, unkept};
use crate::number::{self, Spelling};

/// Values that are shown of what does not fit the rest.
const EXAMPLES_MAX: usize = 3;
const EXAMPLE_CHARS_MAX: usize = 24;

/// The kinds that values of a sample have, in the words of notes: one and several.
const KINDS: [(&str, &str); 12] = [
    ("boolean", "booleans"),
    ("whole number", "whole numbers"),
    ("whole number that float64 rounds", "whole numbers that float64 rounds"),
    ("whole number beyond int64", "whole numbers beyond int64"),
    ("fraction", "fractions"),
    ("fraction that float64 rounds", "fractions that float64 rounds"),
    ("number out of float64's range", "numbers out of float64's range"),
    ("number with leading zeros", "numbers with leading zeros"),
    ("number with a decimal comma", "numbers with a decimal comma"),
    ("text", "texts"),
    ("list", "lists"),
    ("structure", "structures"),
];
const BOOLEAN: usize = 0;
const WHOLE: usize = 1;
const LARGE: usize = 2;
const BEYOND: usize = 3;
const FRACTION: usize = 4;
const ROUNDED: usize = 5;
const OUT_OF_RANGE: usize = 6;
const PADDED: usize = 7;
const WITH_COMMA: usize = 8;
const TEXT: usize = 9;
const LIST: usize = 10;
const STRUCTURE: usize = 11;

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
        let (mut tally, unkept) = (Self::default(), unkept(text));
        for record in records.iter().take(records_max) {
            if let Value::Object(_) = record {
                tally.records += 1;
                tally.members("", record, &unkept);
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

    fn members(&mut self, base: &str, value: &Value, unkept: &Unkept) {
        let Value::Object(members) = value else { return };
        for (name, value) in members {
            let path = super::below(base, name);
            self.value(&path, value, unkept);
        }
    }

    fn value(&mut self, path: &str, value: &Value, unkept: &Unkept) {
        let kind = match value {
            Value::Null => None,
            Value::Bool(_) => Some(BOOLEAN),
            Value::Number(it) => Some(of_number(it, unkept)),
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
            items.iter().for_each(|it| self.value(&path, it, unkept));
        }
        self.members(path, value, unkept);
    }

    /// A cell of CSV, whose kind is that of what could be read from it.
    /// A comma may stand for the point where it does not end cells.
    pub(super) fn cell(&mut self, column: &str, cell: Option<&str>, delimiter: u8) {
        if !self.places.contains_key(column) {
            self.places.insert(column.to_owned(), Place::default());
        }
        let Some(place) = self.places.get_mut(column) else { return };
        place.of += 1;
        let Some(text) = cell else { return };
        let kind = match text {
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE" => BOOLEAN,
            it => match Spelling::of(it) {
                Some(spelling) => of_spelling(spelling),
                None if delimiter != b',' && has_decimal_comma(it) => WITH_COMMA,
                None => TEXT,
            },
        };
        place.add(kind, || text.to_owned());
    }

    /// So many values of a column whose type is known.
    pub(super) fn typed(&mut self, column: &str, values: u64) {
        self.places.entry(column.to_owned()).or_default().typed += values;
    }

    /// Whether scalars stand in the place that are no texts.
    pub(super) fn has_scalars(&self, path: &str) -> bool {
        let scalars = |it: &Place| it.kinds().iter().any(|it| *it < TEXT);
        self.places.get(path).is_some_and(scalars)
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
        notes.extend(place.misfits(data_type));
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

    /// What is not read as what it is, and what becomes of it.
    fn misfits(&self, data_type: &DataType) -> Option<String> {
        let kinds = self.kinds();
        let told = |kinds: &[usize]| {
            let all: Vec<_> = kinds.iter().map(|it| self.told(*it)).collect();
            all.join(" and ")
        };
        let fits = |it: &usize| match data_type {
            DataType::Utf8 => *it == TEXT,
            DataType::Int64 | DataType::UInt64 => matches!(*it, WHOLE | LARGE),
            DataType::Float64 => matches!(*it, WHOLE | FRACTION | ROUNDED),
            _ => kinds.len() < 2,
        };
        let end = match data_type {
            DataType::Utf8 => "it is read as text",
            _ => "the others are bad records",
        };
        if !kinds.iter().all(fits) {
            let hint = match kinds.contains(&WITH_COMMA) {
                true => ", and no format reads it as a number: replace the commas in a stage",
                false => "",
            };
            return Some(format!("it has {}: {end}{hint}", told(&kinds)));
        }
        let is_rounded = *data_type == DataType::Float64 && kinds.contains(&ROUNDED);
        let hint = "declare decimal or string, if all digits matter";
        is_rounded.then(|| format!("it has {}: {hint}", self.told_with(ROUNDED, true)))
    }

    /// `3 texts (NA, none)`: the rare ones with examples.
    fn told(&self, kind: usize) -> String {
        let all: u64 = self.counts.iter().sum();
        let is_rare = self.counts[kind] * 2 < all && kind < LIST;
        // What no type holds is shown, however frequent it is.
        let is_odd = matches!(kind, LARGE | BEYOND | ROUNDED..=WITH_COMMA);
        self.told_with(kind, is_rare || is_odd)
    }

    fn told_with(&self, kind: usize, examples: bool) -> String {
        let (one, several) = KINDS[kind];
        let word = if self.counts[kind] == 1 { one } else { several };
        let counted = format!("{} {word}", self.counts[kind]);
        match examples {
            true => format!("{counted} ({})", self.examples[kind].join(", ")),
            false => counted,
        }
    }
}

fn of_spelling(spelling: Spelling) -> usize {
    match spelling {
        Spelling::Whole => WHOLE,
        Spelling::Large => LARGE,
        Spelling::Beyond => BEYOND,
        Spelling::Fraction => FRACTION,
        Spelling::Rounded => ROUNDED,
        Spelling::OutOfRange => OUT_OF_RANGE,
        Spelling::Padded => PADDED,
    }
}

fn of_number(number: &serde_json::Number, unkept: &Unkept) -> usize {
    let whole = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match (whole, number.as_f64()) {
        (Some(it), _) if number::is_exact(it) => WHOLE,
        (Some(_), _) => LARGE,
        (None, float) => {
            let spelling = float.and_then(|it| unkept.get(&it.to_bits()).copied());
            of_spelling(spelling.unwrap_or(Spelling::Fraction))
        }
    }
}

/// `1,5`, `1.234,50`.
fn has_decimal_comma(text: &str) -> bool {
    let are_digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let bare = text.strip_prefix('-').unwrap_or(text);
    let Some((whole, decimals)) = bare.split_once(',') else { return false };
    are_digits(decimals) && whole.split('.').all(are_digits)
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
