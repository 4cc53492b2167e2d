//! The straight way from JSON to columns: no tape in between, and what nobody asked for is only skipped.
//!
//! It takes records as nearly all of them are. At the first one that is not plainly right it gives up the
//! whole batch, which then goes the other way: that knows all that may stand in a record, and says what is
//! wrong. What it takes is what the other way would have made of it.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::column::Column;
use super::token::{self, literal, skip_space};

/// So many batches go the other way after the first that had to, and twice as many after each that follows.
const PAUSE_MAX: u32 = 64;

pub(super) struct Straight {
    schema: SchemaRef,
    columns: Vec<Column>,
    by_name: BTreeMap<Vec<u8>, usize>,
    /// The keys of the last record, in order: the next has mostly the same.
    keys: Vec<Key>,
    rows: usize,
    record_bytes_max: usize,
    pause: Pause,
}

struct Key {
    /// From its quote to the space behind its colon.
    text: Vec<u8>,
    column: Option<usize>,
}

/// Where many records are unusual it is not worth while to try.
#[derive(Default)]
struct Pause {
    length: u32,
    left: u32,
}

impl Straight {
    /// `None`: the schema has types that only the other way knows. Longer records are for others.
    pub(super) fn of(schema: &SchemaRef, record_bytes_max: usize) -> Option<Self> {
        let columns = schema.fields().iter().map(|it| Column::of(it));
        let columns: Vec<_> = columns.collect::<Option<_>>()?;
        let names = schema.fields().iter().map(|it| it.name().as_bytes().to_vec());
        let by_name: BTreeMap<_, _> = names.zip(0..).collect();
        // Two fields of one name are for others to think about.
        (by_name.len() == columns.len()).then(|| Self {
            schema: schema.clone(),
            columns,
            by_name,
            keys: Vec::new(),
            rows: 0,
            record_bytes_max,
            pause: Pause::default(),
        })
    }

    /// Whether the next batch should be tried.
    pub(super) fn begins(&mut self) -> bool {
        let begins = self.pause.left == 0;
        self.pause.left = self.pause.left.saturating_sub(1);
        begins
    }

    /// Takes a record. `false`: it is unusual, and all that was taken of this batch is forgotten.
    pub(super) fn take(&mut self, record: &[u8]) -> bool {
        let is_taken = record.len() <= self.record_bytes_max && self.record(record).is_some();
        if !is_taken {
            self.forget();
            self.pause.length = (self.pause.length * 2).clamp(1, PAUSE_MAX);
            self.pause.left = self.pause.length;
        }
        is_taken
    }

    /// What was taken. `None`: it has bytes that are not UTF-8. `texts` is where all of it stood.
    pub(super) fn finish<'a>(
        &mut self,
        texts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<RecordBatch> {
        let batch = self.batch(texts);
        self.pause.length = 0;
        // Columns behind one that could not be finished have their values still.
        self.forget();
        batch
    }

    fn batch<'a>(&mut self, texts: impl IntoIterator<Item = &'a [u8]>) -> Option<RecordBatch> {
        // What was skipped has to be right, too.
        texts.into_iter().try_for_each(|it| std::str::from_utf8(it).map(drop)).ok()?;
        let rows = self.rows;
        let columns: Option<Vec<_>> = self.columns.iter_mut().map(|it| it.finish(rows)).collect();
        RecordBatch::try_new(self.schema.clone(), columns?).ok()
    }

    /// Begins a batch anew; the keys are likely to come again.
    fn forget(&mut self) {
        self.columns.iter_mut().for_each(Column::clear);
        self.rows = 0;
    }

    fn record(&mut self, text: &[u8]) -> Option<()> {
        let mut at = skip_space(text, literal(text, 0, b"{")?);
        let (mut keys, mut filled) = (0, 0);
        if text.get(at) == Some(&b'}') {
            at += 1;
        } else {
            loop {
                let column;
                (column, at) = self.key(text, at, keys)?;
                keys += 1;
                at = match column {
                    None => token::skip(text, at)?,
                    Some(column) => {
                        let column = &mut self.columns[column];
                        if column.len() != self.rows {
                            // It stands there twice.
                            return None;
                        }
                        filled += 1;
                        column.take(text, at)?
                    }
                };
                at = skip_space(text, at);
                match text.get(at)? {
                    b',' => at = skip_space(text, at + 1),
                    b'}' => {
                        at += 1;
                        break;
                    }
                    _ => return None,
                }
            }
        }
        if skip_space(text, at) != text.len() {
            return None;
        }
        self.rows += 1;
        if filled < self.columns.len() {
            let rows = self.rows;
            self.columns.iter_mut().filter(|it| it.len() < rows).try_for_each(Column::skip)?;
        }
        Some(())
    }

    /// The column of the key that stands there, and where its value begins.
    #[inline]
    fn key(&mut self, text: &[u8], at: usize, number: usize) -> Option<(Option<usize>, usize)> {
        if let Some(key) = self.keys.get(number)
            && let Some(end) = literal(text, at, &key.text)
        {
            return Some((key.column, end));
        }
        self.other_key(text, at, number)
    }

    fn other_key(
        &mut self,
        text: &[u8],
        at: usize,
        number: usize,
    ) -> Option<(Option<usize>, usize)> {
        let start = literal(text, at, b"\"")?;
        let end = token::quote(text, start)?;
        if text[end] != b'"' {
            return None;
        }
        let column = self.by_name.get(&text[start..end]).copied();
        let colon = skip_space(text, end + 1);
        let value = skip_space(text, literal(text, colon, b":")?);
        // From here on the order is another one.
        self.keys.truncate(number);
        self.keys.push(Key { text: text[at..value].to_vec(), column });
        Some((column, value))
    }
}

#[cfg(test)]
mod tests;
