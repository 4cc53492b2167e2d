//! One attempt of one stream: which records go to which output, and when the next one begins.
//!
//! Where outputs are staged, and what publishes them, is the business of the connector.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::{Fault, StageId};
use weir_formats::{Compression, FormatConfig};
use weir_stream::{Batch, StreamContext};

use super::codes;
use super::counter::numbered;
use super::output::{Output, Staged};
use super::split::{Group, Split};
use super::template::Template;

/// Most bytes of memory in records that the open outputs of one stream hold back. Each Parquet file
/// holds a row group: beyond this the largest is written out, small as it may be.
const BUFFERED_MAX: usize = 128 << 20;

/// Most outputs of one stream altogether: they are published one by one after the commit.
const OUTPUTS_MAX: usize = 10_000;

/// When an output gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Before its first byte.
    First,
    /// Once it is whole.
    Last,
}

/// Where the outputs of one attempt are staged.
pub(crate) trait Outputs: Send {
    const NAMED: Named;
    type Staged: Staged;

    /// Begins an output, and says where its bytes go. The name is empty if it gets one last.
    fn begin(&mut self, name: &str) -> Result<(Self::Staged, Box<dyn Write + Send>), Fault>;
}

/// What all attempts of all streams at one sink have in common.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) stage: StageId,
    pub(crate) template: Template,
    pub(crate) format: FormatConfig,
    pub(crate) compression: Compression,
    pub(crate) roll_records: Option<u64>,
    pub(crate) roll_bytes: Option<u64>,
    /// Most outputs that one stream writes at the same time: each costs buffers.
    pub(crate) open_max: usize,
}

impl Rules {
    /// Where the fields of the name stand in these records.
    pub(crate) fn split(&self, schema: &SchemaRef) -> Result<Split, Fault> {
        Split::new(&self.template.fields(), schema).map_err(|bad| {
            let message = format!("stage {}: name: {}", self.stage, bad.cause);
            Fault::config(codes::OUTPUT_NAME, message).with_hint(bad.fix)
        })
    }
}

/// An output that is whole.
pub(crate) struct Sealed<T> {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) staged: T,
}

pub(crate) struct Rolling<O: Outputs> {
    rules: Arc<Rules>,
    pub(crate) outputs: O,
    stream: StreamContext,
    schema: SchemaRef,
    split: Split,
    series: Vec<Series<O::Staged>>,
    /// By the name of the first output, which tells the series apart.
    by_name: HashMap<String, usize>,
    /// Whole outputs, in order.
    pub(crate) sealed: Vec<Sealed<<O::Staged as Staged>::Sealed>>,
    /// The names of all: no output of a stream may replace another one of it.
    names: HashSet<String>,
    /// What the open outputs hold back, and may.
    pub(crate) buffered: usize,
    pub(crate) buffered_max: usize,
}

/// Outputs that follow each other by rolling.
struct Series<S> {
    values: Vec<String>,
    /// The number of the output that comes next, from 1.
    roll: u32,
    first_name: String,
    open: Option<Output<S>>,
}

impl<O: Outputs> Rolling<O> {
    pub(crate) fn new(
        rules: Arc<Rules>,
        outputs: O,
        stream: StreamContext,
        (schema, split): (SchemaRef, Split),
    ) -> Self {
        Self {
            rules,
            outputs,
            stream,
            schema,
            split,
            series: Vec::new(),
            by_name: HashMap::new(),
            sealed: Vec::new(),
            names: HashSet::new(),
            buffered: 0,
            buffered_max: BUFFERED_MAX,
        }
    }

    pub(crate) fn write(&mut self, batch: &Batch) -> Result<(), Fault> {
        if batch.rows() == 0 {
            return Ok(());
        }
        let groups = self.split.groups(&batch.records).map_err(|error| {
            let message =
                format!("stage {}: the records can't be split: {error}", self.rules.stage);
            Fault::data(codes::OUTPUT_SPLIT, message)
        })?;
        groups.into_iter().try_for_each(|it| self.write_group(it))
    }

    /// Ends all that is open.
    pub(crate) fn seal_all(&mut self) -> Result<(), Fault> {
        (0..self.series.len()).try_for_each(|it| self.seal(it))
    }

    pub(crate) fn bytes_written(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|it| it.bytes).sum();
        let open: u64 =
            self.series.iter().filter_map(|it| it.open.as_ref()).map(Output::bytes).sum();
        sealed + open
    }

    fn write_group(&mut self, group: Group) -> Result<(), Fault> {
        let at = self.series_of(group.values)?;
        let mut rest = group.records;
        while rest.num_rows() > 0 {
            let room = self.room(at)?;
            let rows = usize::try_from(room).unwrap_or(usize::MAX).min(rest.num_rows());
            self.write_rows(at, &rest.slice(0, rows))?;
            rest = rest.slice(rows, rest.num_rows() - rows);
        }
        Ok(())
    }

    /// Records that fit into the series' output, after the next one was begun if it was full.
    fn room(&mut self, at: usize) -> Result<u64, Fault> {
        let (records_max, bytes_max) = (self.rules.roll_records, self.rules.roll_bytes);
        if let Some(open) = &self.series[at].open {
            let is_full = records_max.is_some_and(|it| open.records() >= it)
                || bytes_max.is_some_and(|it| open.bytes() >= it);
            if is_full {
                self.seal(at)?;
            }
        }
        let records = self.series[at].open.as_ref().map_or(0, Output::records);
        Ok(records_max.map_or(u64::MAX, |it| it.max(1) - records))
    }

    fn write_rows(&mut self, at: usize, records: &RecordBatch) -> Result<(), Fault> {
        if self.series[at].open.is_none() {
            self.series[at].open = Some(self.begin(at)?);
        }
        let open = self.series[at].open.as_mut().expect("it was opened above");
        let before = open.buffered();
        open.write(records)?;
        self.buffered = (self.buffered + open.buffered()).saturating_sub(before);
        self.relieve()
    }

    /// Writes out what the fullest outputs hold back, until all together fit into memory.
    fn relieve(&mut self) -> Result<(), Fault> {
        while self.buffered > self.buffered_max {
            let open = self.series.iter_mut().filter_map(|it| it.open.as_mut());
            let Some(fullest) = open.max_by_key(|it| it.buffered()) else { break };
            let before = fullest.buffered();
            fullest.flush()?;
            let after = fullest.buffered();
            if after >= before {
                break;
            }
            self.buffered = self.buffered.saturating_sub(before - after);
        }
        Ok(())
    }

    fn begin(&mut self, at: usize) -> Result<Output<O::Staged>, Fault> {
        if self.sealed.len() >= OUTPUTS_MAX {
            let message = format!(
                "stage {} would make more than {OUTPUTS_MAX} files of one item",
                self.rules.stage
            );
            return Err(Fault::data(codes::OUTPUT_COUNT, message)
                .with_hint("raise rollRecords or rollBytes"));
        }
        let name = match O::NAMED {
            Named::First => self.next_name(at)?,
            Named::Last => String::new(),
        };
        let staged = self.outputs.begin(&name)?;
        let how = (&self.rules.format, self.rules.compression);
        Output::new(name, staged, how, self.schema.clone())
    }

    fn series_of(&mut self, values: Vec<String>) -> Result<usize, Fault> {
        let (first_name, open_max) = (self.name(&values, 1)?, self.rules.open_max);
        match self.by_name.entry(first_name) {
            Entry::Occupied(found) => Ok(*found.get()),
            Entry::Vacant(_) if self.series.len() >= open_max => {
                let message = format!(
                    "stage {} would write more than {open_max} files at the same time: {} has more values than that",
                    self.rules.stage,
                    self.rules.template.fields().join(", ")
                );
                Err(Fault::data(codes::OUTPUT_COUNT, message)
                    .with_hint("put a field with fewer different values into the name"))
            }
            Entry::Vacant(free) => {
                let first_name = free.key().clone();
                free.insert(self.series.len());
                self.series.push(Series { values, roll: 1, first_name, open: None });
                Ok(self.series.len() - 1)
            }
        }
    }

    fn name(&self, values: &[String], roll: u32) -> Result<String, Fault> {
        // The text of the name was checked before: what is wrong now came with the data.
        self.rules.template.expand(&self.stream, values, roll).map_err(|bad| {
            let message = format!("stage {}: name: {}", self.rules.stage, bad.cause);
            Fault::data(codes::OUTPUT_NAME, message).with_hint(bad.fix)
        })
    }

    fn seal(&mut self, at: usize) -> Result<(), Fault> {
        let Some(open) = self.series[at].open.take() else { return Ok(()) };
        self.buffered = self.buffered.saturating_sub(open.buffered());
        let name = match O::NAMED {
            Named::First => open.name.clone(),
            Named::Last => self.next_name(at)?,
        };
        let (staged, bytes) = open.seal()?;
        self.sealed.push(Sealed { name, bytes, staged });
        Ok(())
    }

    /// The name of the series' next output. `a_2.csv` may be the second file of one value and the
    /// first of another: then the number goes on.
    fn next_name(&mut self, at: usize) -> Result<String, Fault> {
        loop {
            let series = &self.series[at];
            let name = match series.roll {
                1 => series.first_name.clone(),
                roll if self.rules.template.has_roll() => self.name(&series.values, roll)?,
                roll => numbered(&series.first_name, roll),
            };
            self.series[at].roll += 1;
            if self.names.insert(name.clone()) {
                return Ok(name);
            }
        }
    }
}
