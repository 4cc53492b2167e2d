//! A peek: some records of a source for somebody who wants to know what comes there, outside of any run.
//!
//! - E1: nothing is taken from anybody. What was peeked at is read by the workflow as if nobody had looked: nothing
//!   is claimed, settled, acknowledged or remembered. A kind that can't promise that refuses.
//! - E2: it is bounded in records, in bytes and in time, and shows what came until then.
//! - E3: of the machine that it runs on it reads files of the project, and no others.
//!
//! Connections are as the plan has them, with their secrets; no fault shows any of those.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use serde_json::{Map, Value};
use weir_domain::plan::{Plan, Role};
use weir_domain::{Clock, Fault, StageId};
use weir_persistence_api::MemoryBlobs;
use weir_runtime::Stopwatch;
use weir_secrets::Opened;

use crate::clear::ClearPlan;
use crate::layout::unknown_kind;
use crate::sniff::rows;
use crate::{
    AnySource, BadRecord, BuildContext, Limits, LiveRead, LiveSource, Read, Registry, Shelf,
    Source, Staging,
};

const NOT_PEEKED: u32 = 3165;
const NOTHING_CAME: u32 = 3166;
const ELSEWHERE: u32 = 3167;

/// How long one look at a source may wait.
const LOOK: Duration = Duration::from_millis(100);
/// Once something came and then nothing for so long, that was what there is.
const QUIET: Duration = Duration::from_secs(1);
/// Bad records that are kept.
const BAD_MAX: usize = 5;

/// What is peeked at.
pub struct PeekSpec<'a> {
    pub plan: &'a Plan,
    /// One of its sources.
    pub stage: &'a StageId,
    /// The project's directory.
    pub base_dir: &'a Path,
    pub secrets: &'a Opened,
    pub clock: Arc<dyn Clock>,
}

/// What is enough.
#[derive(Debug, Clone, Copy)]
pub struct PeekBounds {
    /// None: whether the source is there is all that is asked.
    pub records: usize,
    pub bytes: usize,
    pub within: Duration,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Peeked {
    /// What was read from, in the words of people.
    pub origin: String,
    /// No columns: it is not known without records.
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    pub records: usize,
    pub bytes: u64,
    /// Records that are none, the first of them, and how many there were.
    pub bad: Vec<BadRecord>,
    pub bad_count: usize,
    /// There is more, or may be.
    pub is_cut: bool,
}

impl Peeked {
    /// What was read raw, of the first column.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let columns = self.batches.iter().filter_map(|it| it.columns().first());
        columns.filter_map(|it| it.as_binary_opt::<i32>()).flat_map(|it| it.iter().flatten())
    }

    /// The first records as JSON.
    pub fn rows(&self, most: usize) -> Vec<Map<String, Value>> {
        let mut left = most;
        let first = self.batches.iter().map(|it| {
            let batch = it.slice(0, left.min(it.num_rows()));
            left -= batch.num_rows();
            rows(&batch)
        });
        first.flatten().collect()
    }
}

/// What a source says that no peek may be taken at.
pub fn not_peeked(origin: &str, why: &str) -> Fault {
    Fault::config(NOT_PEEKED, format!("nobody can peek at {origin}: {why}"))
        .with_hint("look at what passes in the running workflow, or give a sample in a file")
}

/// Peeks. Blocks, where the runtime's tasks may, for about as long as the bounds say; connecting may take
/// longer.
pub fn peek(spec: &PeekSpec<'_>, registry: &Registry, bounds: PeekBounds) -> Result<Peeked, Fault> {
    peeked(spec, registry, bounds).map_err(|it| spec.secrets.masked_fault(it))
}

fn peeked(spec: &PeekSpec<'_>, registry: &Registry, bounds: PeekBounds) -> Result<Peeked, Fault> {
    let watch = Stopwatch::start();
    let plan = ClearPlan::of(spec.plan, spec.secrets, registry)?;
    let stage = plan.of_role(Role::Source).find(|it| it.id == *spec.stage);
    let stage = stage.ok_or_else(|| Fault::config(NOT_PEEKED, "the plan has no such source"))?;
    let kind = registry.sources.get(stage.kind.as_str());
    let kind = kind.ok_or_else(|| unknown_kind(Role::Source, &stage.kind))?;
    let cx = BuildContext {
        stage: stage.id.clone(),
        base_dir: spec.base_dir.to_owned(),
        clock: spec.clock.clone(),
        limits: Limits {
            batch_rows: bounds.records.max(1),
            batch_bytes: bounds.bytes,
            record_bytes_max: bounds.bytes,
            ..Limits::default()
        },
        shelf: Shelf::default(),
        deployed: plan.deployed(&stage.id),
        staging: Staging::new(Arc::new(MemoryBlobs::default())),
    };
    let source = kind.build(&stage.config, &cx)?;
    let (origin, path) = match &source {
        AnySource::Items(it) => (it.origin(), it.path_here()),
        AnySource::Live(it) => (it.origin(), it.path_here()),
    };
    if let Some(path) = path {
        check_within(spec.base_dir, &path, &origin)?;
    }
    let mut sight = Sight::new(bounds, watch);
    match source {
        AnySource::Items(it) if bounds.records == 0 => it.check_access()?,
        AnySource::Live(it) if bounds.records == 0 => it.check_access()?,
        AnySource::Items(it) => sight.of_items(it)?,
        AnySource::Live(it) => sight.of_live(it)?,
    }
    sight.peeked(origin)
}

/// E3. Links count as what they lead to; a path that leads nowhere counts as it is written, and is told to be
/// missing by who reads it.
fn check_within(base_dir: &Path, path: &Path, origin: &str) -> Result<(), Fault> {
    let root = base_dir.canonicalize().unwrap_or_else(|_| base_dir.to_owned());
    let is_within = match path.canonicalize() {
        Ok(real) => real.starts_with(&root),
        Err(_) => [base_dir, &root].iter().any(|it| plain(path).starts_with(it)),
    };
    if is_within {
        return Ok(());
    }
    let message = format!("{origin} is not in the directory of the project");
    Err(Fault::config(ELSEWHERE, message).with_hint(
        "this server shows no other files of its machine: copy one into the project's directory, or give a sample",
    ))
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What was seen so far.
struct Sight {
    bounds: PeekBounds,
    watch: Stopwatch,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    records: usize,
    bytes: u64,
    bad: Vec<BadRecord>,
    bad_count: usize,
    is_over: bool,
}

impl Sight {
    fn new(bounds: PeekBounds, watch: Stopwatch) -> Self {
        Self {
            bounds,
            watch,
            schema: Arc::new(arrow::datatypes::Schema::empty()),
            batches: Vec::new(),
            records: 0,
            bytes: 0,
            bad: Vec::new(),
            bad_count: 0,
            is_over: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.records + self.bad_count == 0
    }

    fn is_enough(&self) -> bool {
        self.records + self.bad_count >= self.bounds.records
            || self.bytes >= self.bounds.bytes as u64
            || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.watch.elapsed() >= self.bounds.within
    }

    fn take(&mut self, read: Read) {
        let left = self.bounds.records - self.records.min(self.bounds.records);
        let records = &read.batch.records;
        let taken = records.slice(0, left.min(records.num_rows()));
        self.records += taken.num_rows();
        self.bytes += read.bytes;
        self.bad_count += read.bad.len();
        self.bad.extend(read.bad.into_iter().take(BAD_MAX - self.bad.len().min(BAD_MAX)));
        if taken.num_rows() > 0 {
            self.batches.push(taken);
        }
    }

    /// The records of the first item that has any: those of another one may be written otherwise.
    fn of_items(&mut self, mut source: Box<dyn Source>) -> Result<(), Fault> {
        loop {
            for item in source.list()? {
                let mut reader = source.open(&item)?;
                self.is_over = false;
                while !self.is_enough() {
                    self.schema = reader.schema();
                    let Some(read) = reader.read()? else {
                        self.is_over = true;
                        break;
                    };
                    self.take(read);
                }
                if !self.is_empty() || self.is_late() {
                    return Ok(());
                }
            }
            if self.is_late() {
                return Ok(());
            }
            std::thread::sleep(LOOK.min(source.interval()));
        }
    }

    fn of_live(&mut self, mut source: Box<dyn LiveSource>) -> Result<(), Fault> {
        let mut reader = source.peek(self.bounds.records)?;
        let mut quiet = None;
        while !self.is_enough() {
            self.schema = reader.schema();
            match reader.read(LOOK)? {
                LiveRead::Records(read) => {
                    self.take(read);
                    quiet = None;
                }
                LiveRead::End => {
                    self.is_over = true;
                    break;
                }
                LiveRead::Nothing if self.is_empty() => {}
                LiveRead::Nothing => {
                    let since = quiet.get_or_insert_with(Stopwatch::start);
                    if since.elapsed() >= QUIET {
                        break;
                    }
                }
            }
        }
        self.schema = reader.schema();
        Ok(())
    }

    fn peeked(self, origin: String) -> Result<Peeked, Fault> {
        if self.is_empty() && self.schema.fields().is_empty() && self.bounds.records > 0 {
            return Err(nothing_came(&origin, self.bounds.within));
        }
        let Self { schema, batches, records, bytes, bad, bad_count, is_over, .. } = self;
        Ok(Peeked { origin, schema, batches, records, bytes, bad, bad_count, is_cut: !is_over })
    }
}

/// Of a source that is there and silent.
pub fn nothing_came(origin: &str, within: Duration) -> Fault {
    let message = format!("nothing came from {origin} within {within:?}");
    Fault::config(NOTHING_CAME, message)
        .with_hint("wait for longer, send something there meanwhile, or give a sample in a file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_the_project_are_not_shown_however_they_are_named() {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        std::fs::create_dir_all(project.join("in")).unwrap();
        std::fs::create_dir(root.path().join("secret")).unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), project.join("link")).unwrap();
        let is_shown = |path: &str| check_within(&project, &project.join(path), "it").is_ok();
        for shown in ["in", ".", "in/../in", "not/there"] {
            assert!(is_shown(shown), "{shown}");
        }
        for hidden in ["link", "../secret", "/etc", "../not-there", "in/../../not-there"] {
            assert!(!is_shown(hidden), "{hidden}");
        }
    }
}
