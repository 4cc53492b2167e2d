//! The sink against SQLite, in the process: what is written when, and by whom.

mod delivery;
mod enrich;
mod reading;
mod values;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_domain::{Fault, InstanceId, StageId, StreamId, Timestamp, WorkflowName};
use weir_persistence_api::MemoryBlobs;
use weir_runtime::SystemClock;
use weir_stream::{
    Action, BadRecord, Batch, BuildContext, Due, Epoch, Positions, Registry, Staging, StreamContext,
};

use super::answer::Cell;
use super::connection::ConnectionConfig;
use super::session::Sessions;
use super::{NAME, register};

/// A database in a file, and an engine's end of it.
struct Bench {
    directory: TempDir,
    registry: Registry,
    cx: BuildContext,
    runtime: tokio::runtime::Runtime,
}

fn connection() -> Value {
    json!({ "file": "data.db" })
}

impl Bench {
    fn new(tables: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let stage = StageId::new("write").unwrap();
        let mut cx = BuildContext::alone(stage, directory.path(), Arc::new(SystemClock));
        cx.staging = Staging::new(Arc::new(MemoryBlobs::default()));
        cx.deployed = json!({ "connection": connection() });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let bench = Self { directory, registry: register(Registry::default()), cx, runtime };
        std::fs::write(bench.path().join("data.db"), "").unwrap();
        bench.run(tables);
        bench
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs what blocks where it may.
    fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = self.runtime.enter();
        work()
    }

    fn run(&self, sql: &str) {
        self.ask_with(sql, true);
    }

    fn ask(&self, sql: &str) -> Vec<Vec<Cell>> {
        self.ask_with(sql, false)
    }

    fn ask_with(&self, sql: &str, is_script: bool) -> Vec<Vec<Cell>> {
        let config: ConnectionConfig = serde_json::from_value(connection()).unwrap();
        let address = Arc::new(config.address(self.path()).unwrap());
        let call = || {
            Sessions::default().with(&address, false, |session| match is_script {
                true => session.script(sql).map(|()| Vec::new()),
                false => session.ask(sql, &[]),
            })
        };
        self.within(call).unwrap()
    }

    fn numbers(&self, sql: &str) -> Vec<i64> {
        self.ask(sql).iter().map(|it| it[0].as_int().unwrap()).collect()
    }

    /// Writes records and tells what would publish them.
    fn prepared(
        &self,
        config: &Value,
        stream: &StreamContext,
        records: &RecordBatch,
    ) -> Result<(Vec<Action>, Vec<BadRecord>), Fault> {
        let mut config = config.clone();
        config["connection"] = connection();
        self.within(|| {
            let kind = &self.registry.sinks[NAME];
            let mut sink = kind.build(&config, &self.cx)?;
            let mut writer = sink.open(stream, records.schema())?;
            let batch = Batch::new(records.clone(), Positions::Range { first: 1 });
            let bad = writer.write(&batch)?;
            Ok((writer.prepare()?.actions, bad))
        })
    }

    fn publish(&self, actions: &[Action]) -> Result<(), Fault> {
        self.within(|| {
            for it in actions {
                let due = Due {
                    payload: &it.payload,
                    connection: &it.connection,
                    config: None,
                    staging: &self.cx.staging,
                };
                self.registry.effects[it.connector.as_str()].run(due)?;
            }
            Ok(())
        })
    }
}

/// A new stream, of an item or of a part of a live source.
fn stream(number: u32, segment: Option<Epoch>) -> StreamContext {
    let id = format!("0192f0c1-2222-7333-8444-{number:012}");
    StreamContext {
        workflow: WorkflowName::new("orders").unwrap(),
        instance: InstanceId(1),
        stream: StreamId(id.parse().unwrap()),
        item: "lane-0".to_owned(),
        segment,
        opened_at: Timestamp(0),
    }
}

fn records(first: i64, count: i64) -> RecordBatch {
    let numbers = Int64Array::from_iter_values(first..first + count);
    let names = (first..first + count).map(|it| format!("name {it}"));
    let names = StringArray::from_iter_values(names);
    let columns = [("id", Arc::new(numbers) as _), ("name", Arc::new(names) as _)];
    RecordBatch::try_from_iter(columns).unwrap()
}
