//! One attempt of one stream: which records go to which file, when the next file begins, and
//! what publishes them all. Dropped at any point, it takes what it staged with it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_stream::{BadRecord, Batch, Prepared, SinkWriter, StreamContext};

use super::action::{Action, Publish};
use super::counter::numbered;
use super::identity::DirectoryId;
use super::output::Output;
use super::sink::Setup;
use super::split::{Group, Split};
use super::staging::{Owner, StagedFile, Staging};
use super::{codes, disk};

/// Most files that one stream writes at the same time: each costs a descriptor and buffers.
const OPEN_MAX: usize = 256;

/// Most bytes of memory in records that the open files of one stream hold back. Each Parquet file
/// holds a row group: beyond this the largest is written out, small as it may be.
const BUFFERED_MAX: usize = 128 << 20;

/// Most files of one stream altogether: they are published one by one after the commit.
const FILES_MAX: usize = 10_000;

pub(super) struct FileWriter {
    setup: Arc<Setup>,
    stream: StreamContext,
    schema: SchemaRef,
    split: Split,
    staging: Staging,
    owner: Owner,
    /// Where the numbers of staged files go on.
    next: u64,
    series: Vec<Series>,
    /// By the name of the first file, which tells the series apart.
    by_name: HashMap<String, usize>,
    /// Whole files, in order, with the names that they get.
    sealed: Vec<(String, StagedFile)>,
    /// Those names: no file of a stream may replace another one of it.
    names: HashSet<String>,
    /// What the open files hold back, and may.
    pub(super) buffered: usize,
    pub(super) buffered_max: usize,
}

/// Files that follow each other by rolling.
struct Series {
    values: Vec<String>,
    /// The number of the file that is open or comes next, from 1.
    roll: u32,
    first_name: String,
    open: Option<Output>,
}

impl FileWriter {
    pub(super) fn new(
        setup: Arc<Setup>,
        stream: StreamContext,
        schema: SchemaRef,
        split: Split,
    ) -> Self {
        let next = first_number(&stream);
        Self {
            staging: Staging::of(&setup.directory),
            owner: setup.owner(&stream),
            setup,
            stream,
            schema,
            split,
            next,
            series: Vec::new(),
            by_name: HashMap::new(),
            sealed: Vec::new(),
            names: HashSet::new(),
            buffered: 0,
            buffered_max: BUFFERED_MAX,
        }
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

    /// Records that fit into the series' file, after the next one was begun if it was full.
    fn room(&mut self, at: usize) -> Result<u64, Fault> {
        let config = &self.setup.config;
        let (records_max, bytes_max) = (config.roll_records, config.roll_bytes);
        if let Some(open) = &self.series[at].open {
            let is_full = records_max.is_some_and(|it| open.records() >= it)
                || bytes_max.is_some_and(|it| open.bytes() >= it.0);
            if is_full {
                self.seal(at)?;
            }
        }
        let records = self.series[at].open.as_ref().map_or(0, Output::records);
        Ok(records_max.map_or(u64::MAX, |it| it.max(1) - records))
    }

    fn write_rows(&mut self, at: usize, records: &RecordBatch) -> Result<(), Fault> {
        if self.series[at].open.is_none() {
            self.series[at].open = Some(self.create()?);
        }
        let open = self.series[at].open.as_mut().expect("it was opened above");
        let before = open.buffered();
        open.write(records)?;
        self.buffered = (self.buffered + open.buffered()).saturating_sub(before);
        self.relieve()
    }

    /// Writes out what the fullest files hold back, until all together fit into memory.
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

    fn create(&mut self) -> Result<Output, Fault> {
        if self.sealed.len() >= FILES_MAX {
            let message = format!(
                "stage {} would make more than {FILES_MAX} files of one item",
                self.setup.stage
            );
            return Err(Fault::data(codes::OUTPUT_COUNT, message)
                .with_hint("raise rollRecords or rollBytes"));
        }
        self.setup.place().ready_directory()?;
        let staged = self.staging.create(&self.owner, &mut self.next).map_err(|error| {
            disk::fault(codes::OUTPUT_WRITE, "can't create a file in", self.staging.path(), &error)
        })?;
        let config = &self.setup.config;
        Output::new(staged, &config.format, config.compression.into(), self.schema.clone())
    }

    fn series_of(&mut self, values: Vec<String>) -> Result<usize, Fault> {
        let first_name = self.name(&values, 1)?;
        match self.by_name.entry(first_name) {
            Entry::Occupied(found) => Ok(*found.get()),
            Entry::Vacant(_) if self.series.len() >= OPEN_MAX => {
                let message = format!(
                    "stage {} would write more than {OPEN_MAX} files at the same time: {} has more values than that",
                    self.setup.stage,
                    self.setup.template.fields().join(", ")
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
        self.setup.template.expand(&self.stream, values, roll).map_err(|bad| {
            let message = format!("stage {}: name: {}", self.setup.stage, bad.cause);
            Fault::data(codes::OUTPUT_NAME, message).with_hint(bad.fix)
        })
    }

    fn seal(&mut self, at: usize) -> Result<(), Fault> {
        let Some(open) = self.series[at].open.take() else { return Ok(()) };
        self.buffered = self.buffered.saturating_sub(open.buffered());
        let name = self.next_name(at)?;
        self.sealed.push((name.clone(), open.seal()?));
        self.names.insert(name);
        Ok(())
    }

    /// The name of the series' next file. `a_2.csv` may be the second file of one value and the
    /// first of another: then the number goes on.
    fn next_name(&mut self, at: usize) -> Result<String, Fault> {
        loop {
            let series = &self.series[at];
            let name = match series.roll {
                1 => series.first_name.clone(),
                roll if self.setup.template.has_roll() => self.name(&series.values, roll)?,
                roll => numbered(&series.first_name, roll),
            };
            self.series[at].roll += 1;
            if !self.names.contains(&name) {
                return Ok(name);
            }
        }
    }

    /// Everything that could go wrong at publishing and can be known now goes wrong here.
    fn ready_targets(&mut self) -> Result<(), Fault> {
        let place = self.setup.place();
        for (name, _) in &self.sealed {
            place.ready_target(name, &self.owner, &mut self.next)?;
        }
        // The staged files' names are what the publishing starts from after a loss of power.
        for directory in [self.staging.path(), &self.setup.directory] {
            disk::sync_directory(directory).map_err(|error| {
                disk::fault(codes::OUTPUT_WRITE, "can't make durable", directory, &error)
            })?;
        }
        Ok(())
    }

    fn release_targets(&self) {
        for (name, _) in &self.sealed {
            // What can't be released here is released by the stream's discard.
            let _ = self.staging.release(name, &self.owner);
        }
    }

    fn publish(&self, name: &str, staged: &StagedFile, directory_id: DirectoryId) -> Action {
        Action::Publish(Publish {
            directory: self.setup.directory.clone(),
            staged: staged.name(),
            name: name.to_owned(),
            on_existing: self.setup.config.on_existing,
            create_directory: self.setup.config.create_directory,
            owner: self.owner.clone(),
            inode: staged.fingerprint().inode,
            directory_id,
        })
    }
}

/// Where the numbers of a writer's staged files begin. Several writers of one live stream may have
/// files here at once, published and not: none may have a name that another had.
fn first_number(stream: &StreamContext) -> u64 {
    stream.segment.map_or(0, |it| u64::from(it.number) << 32)
}

impl SinkWriter for FileWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        if batch.rows() == 0 {
            return Ok(Vec::new());
        }
        let groups = self.split.groups(&batch.records).map_err(|error| {
            let message =
                format!("stage {}: the records can't be split: {error}", self.setup.stage);
            Fault::data(codes::OUTPUT_WRITE, message)
        })?;
        for group in groups {
            self.write_group(group)?;
        }
        Ok(Vec::new())
    }

    fn prepare(mut self: Box<Self>) -> Result<Prepared, Fault> {
        for at in 0..self.series.len() {
            self.seal(at)?;
        }
        if self.sealed.is_empty() {
            return Ok(Prepared::default());
        }
        self.ready_targets()?;
        let directory = &self.setup.directory;
        let directory_id = DirectoryId::of(directory).map_err(|error| {
            disk::fault(codes::OUTPUT_DIRECTORY, "can't look at", directory, &error)
        })?;
        let mut prepared = Prepared::default();
        for (name, staged) in &self.sealed {
            prepared.actions.push(self.publish(name, staged, directory_id).stored());
            prepared.bytes += staged.fingerprint().size;
        }
        for (_, staged) in self.sealed.drain(..) {
            staged.keep();
        }
        Ok(prepared)
    }

    fn bytes_written(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|it| it.1.fingerprint().size).sum();
        let open: u64 =
            self.series.iter().filter_map(|it| it.open.as_ref()).map(Output::bytes).sum();
        sealed + open
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        // After `prepare` nothing is left here; before it, nothing of this attempt may stay.
        self.release_targets();
    }
}
