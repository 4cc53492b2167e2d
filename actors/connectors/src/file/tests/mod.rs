//! The connector against real files, through the registry that the pipeline sees.

mod checks;
mod crash;
mod faults;
mod listing;
mod mounts;
mod moving;
mod publishing;
mod reading;
mod writing;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use serde_json::{Value, json};
use weir_domain::{Clock, Fault, InstanceId, StageId, StreamId, Timestamp, WorkflowName};
use weir_persistence_api::MemoryBlobs;
use weir_stream::{
    Action, AnySource, Batch, BuildContext, Due, Epoch, Positions, Prepared, Published, Registry,
    Sink, SinkWriter, Source, Staging, StreamContext,
};

use super::{NAME, register};

/// The time at which every test begins, in seconds.
const NOW: i64 = 1_700_000_000;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// A project directory of its own, with a clock that stands still.
struct Project {
    directory: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl Project {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, clock: Arc::new(TestClock(AtomicI64::new(NOW * 1000))) }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn mkdir(&self, path: &str) -> PathBuf {
        fs::create_dir_all(self.path(path)).unwrap();
        self.path(path)
    }

    /// Writes a file that was last changed so many seconds ago.
    fn write_aged(&self, path: &str, text: &str, age: i64) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        set_age(&path, age);
        path
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        self.write_aged(path, text, 3600)
    }

    fn context(&self, stage: &str) -> BuildContext {
        BuildContext::alone(
            StageId::new(stage).unwrap(),
            self.directory.path().to_owned(),
            self.clock.clone(),
        )
    }

    /// A source over `in`, with the keys given.
    fn source(&self, keys: Value) -> Box<dyn Source> {
        let config = with(json!({"directory": "in", "format": {"type": "json"}}), keys);
        let kind = &registry().sources[NAME];
        kind.decode(&config).unwrap();
        items(kind.build(&config, &self.context("read")).unwrap())
    }

    fn sink(&self, keys: Value) -> Box<dyn Sink> {
        self.sink_at("write", keys)
    }

    /// A sink into `out`, with the keys given.
    fn sink_at(&self, stage: &str, keys: Value) -> Box<dyn Sink> {
        let base = json!({"directory": "out", "name": "x.jsonl", "format": {"type": "json"}});
        let config = with(base, keys);
        let kind = &registry().sinks[NAME];
        kind.decode(&config).unwrap();
        kind.build(&config, &self.context(stage)).unwrap()
    }

    /// All files below a directory with their contents; directories end with `/`.
    fn tree(&self, directory: &str) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        collect(&self.path(directory), "", &mut tree);
        tree
    }

    fn names(&self, directory: &str) -> Vec<String> {
        self.tree(directory).into_keys().collect()
    }
}

fn collect(directory: &Path, prefix: &str, tree: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            tree.insert(format!("{name}/"), String::new());
            collect(&entry.path(), &format!("{name}/"), tree);
        } else {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            tree.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

fn with(mut config: Value, keys: Value) -> Value {
    let Value::Object(keys) = keys else { return config };
    config.as_object_mut().unwrap().extend(keys);
    config
}

/// A directory on another device than the temporary one, if this machine has one.
fn other_device(project: &Project) -> Option<tempfile::TempDir> {
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    let here = device(project.directory.path());
    let other = tempfile::tempdir_in("/dev/shm").ok().filter(|it| device(it.path()) != here);
    if other.is_none() {
        eprintln!("skipped: /dev/shm is no other device than the temporary directory");
    }
    other
}

fn registry() -> Registry {
    register(Registry::default())
}

fn set_age(path: &Path, seconds: i64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs((NOW - seconds).cast_unsigned());
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

fn items(source: AnySource) -> Box<dyn Source> {
    match source {
        AnySource::Items(it) => it,
        AnySource::Live(_) => panic!("files are items"),
    }
}

fn stream(n: u32) -> StreamContext {
    let id = format!("0192f0c1-2222-7333-8444-{n:012}");
    StreamContext {
        workflow: WorkflowName::new("flights").unwrap(),
        instance: InstanceId(1),
        stream: StreamId(id.parse().unwrap()),
        item: format!("in/item{n}.csv.gz"),
        segment: None,
        opened_at: Timestamp(NOW * 1000),
    }
}

/// Records with a carrier and a number, numbered from 1.
fn batch(carriers: &[&str]) -> Batch {
    let carrier: ArrayRef = Arc::new(StringArray::from(carriers.to_vec()));
    let count = i64::try_from(carriers.len()).unwrap();
    let number: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=count));
    let records = RecordBatch::try_from_iter([("carrier", carrier), ("n", number)]).unwrap();
    Batch::new(records, Positions::Range { first: 1 })
}

fn schema() -> SchemaRef {
    batch(&[]).records.schema()
}

fn line(carrier: &str, n: u32) -> String {
    format!("{{\"carrier\":\"{carrier}\",\"n\":{n}}}\n")
}

fn open(sink: &mut dyn Sink, n: u32) -> Box<dyn SinkWriter> {
    sink.open(&stream(n), schema()).unwrap()
}

/// Writes one batch and prepares it.
fn prepare(sink: &mut dyn Sink, n: u32, carriers: &[&str]) -> Result<Prepared, Fault> {
    let mut writer = sink.open(&stream(n), schema())?;
    assert!(writer.write(&batch(carriers))?.is_empty());
    writer.prepare()
}

fn run(action: &Action) -> Result<Vec<Published>, Fault> {
    // Stored and read again, as after a crash.
    let text = serde_json::to_string(action).unwrap();
    let action: Action = serde_json::from_str(&text).unwrap();
    let staging = Staging::new(Arc::new(MemoryBlobs::default()));
    let (payload, connection) = (&action.payload, &action.connection);
    let due = Due { payload, connection, config: None, staging: &staging };
    registry().effects[action.connector.as_str()].run(due)
}

/// Runs the actions twice, as a crash in between would: the second run changes nothing and
/// gives the same answer.
fn run_twice(project: &Project, actions: &[Action]) -> Vec<Published> {
    let mut all = Vec::new();
    for action in actions {
        let first = run(action).unwrap();
        let after = project.tree("");
        assert_eq!(run(action).unwrap(), first);
        assert_eq!(project.tree(""), after);
        all.extend(first);
    }
    all
}

/// Writes, prepares and publishes one stream.
fn publish(project: &Project, sink: &mut dyn Sink, n: u32, carriers: &[&str]) -> Vec<Published> {
    let prepared = prepare(sink, n, carriers).unwrap();
    run_twice(project, &prepared.actions)
}

/// Paths below the project's directory, with the mark `!` where there is a warning.
fn places(project: &Project, published: &[Published]) -> Vec<String> {
    let root = format!("{}/", project.directory.path().display());
    let place = |it: &Published| {
        let path = it.address.strip_prefix(&root).unwrap_or(&it.address);
        format!("{path}{}", if it.warning.is_some() { " !" } else { "" })
    };
    published.iter().map(place).collect()
}
