//! The connector against a real S3 server, through the registry that the pipeline sees.

mod azure;
mod checks;
mod reading;
mod writing;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use weir_domain::{Clock, Fault, InstanceId, StageId, StreamId, Timestamp, WorkflowName};
use weir_persistence_api::{BlobStore, MemoryBlobs};
use weir_stream::{
    Action, AnySource, Batch, BuildContext, Due, Epoch, Positions, Published, Registry, Sink,
    Source, Staging, StreamContext,
};
use weir_test_servers::S3;

use super::connection::Connection;
use super::store::Store;
use super::{NAME, register};

const BUCKET: &str = "data";

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }
}

/// A store of its own, and what an engine has around the connector.
struct World {
    server: S3,
    connection: Value,
    blobs: Arc<MemoryBlobs>,
    runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let server = S3::start();
        server.bucket(BUCKET);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let connection = json!({ "s3": {
            "bucket": BUCKET, "endpoint": server.endpoint(), "allowHttp": true,
            "accessKeyId": S3::ACCESS_KEY, "secretAccessKey": S3::SECRET_KEY,
        }});
        Self { server, connection, blobs: Arc::new(MemoryBlobs::default()), runtime }
    }

    fn connection(&self) -> Value {
        self.connection.clone()
    }

    fn staging(&self) -> Staging {
        Staging::new(self.blobs.clone())
    }

    fn with(&self, keys: Value) -> Value {
        let mut config = json!({ "connection": self.connection(), "format": { "type": "json" } });
        let Value::Object(keys) = keys else { panic!("{keys} is no object") };
        config.as_object_mut().unwrap().extend(keys);
        config
    }

    fn context(&self, config: &Value) -> BuildContext {
        let stage = StageId::new("objects").unwrap();
        let alone = BuildContext::alone(stage, "/", Arc::new(Still));
        BuildContext { deployed: config.clone(), staging: self.staging(), ..alone }
    }

    fn sink(&self, keys: Value) -> Box<dyn Sink> {
        let config = self.with(keys);
        let registry = register(Registry::default());
        registry.sinks[NAME].build(&config, &self.context(&config)).unwrap()
    }

    fn source(&self, keys: Value) -> Box<dyn Source> {
        let config = self.with(keys);
        let registry = register(Registry::default());
        match registry.sources[NAME].build(&config, &self.context(&config)).unwrap() {
            AnySource::Items(source) => source,
            AnySource::Live(_) => panic!("it offers items"),
        }
    }

    fn run(&self, action: &Action) -> Result<Vec<Published>, Fault> {
        let registry = register(Registry::default());
        let (payload, connection, staging) = (&action.payload, &action.connection, &self.staging());
        registry.effects[NAME].run(Due { payload, connection, config: None, staging })
    }

    fn store(&self) -> Store {
        let connection: Connection = serde_json::from_value(self.connection()).unwrap();
        Store::open(&connection).unwrap()
    }

    fn put(&self, key: &str, content: impl Into<Bytes>) {
        let connection: Connection = serde_json::from_value(self.connection()).unwrap();
        let store = connection.open().unwrap().store;
        self.runtime.block_on(store.put(&Path::from(key), content.into().into())).unwrap();
    }

    fn text(&self, key: &str) -> Option<String> {
        let (store, path) = (self.store(), Path::from(key));
        let found = store.head(&path).unwrap()?;
        let (_, content) = store.range(&path, (0, found.size), None).unwrap();
        Some(String::from_utf8(content.to_vec()).unwrap())
    }

    fn keys(&self) -> Vec<String> {
        let found = self.store().list(None).unwrap();
        let mut keys: Vec<_> = found.iter().map(|it| it.location.to_string()).collect();
        keys.sort();
        keys
    }

    /// Notes of uploads.
    fn notes(&self) -> usize {
        let all = weir_persistence_api::BlobKey::new("staged").unwrap();
        self.runtime.block_on(self.blobs.blob_list(&all)).unwrap().len()
    }
}

fn stream(number: u32, segment: Option<Epoch>) -> StreamContext {
    StreamContext {
        workflow: WorkflowName::new("flights").unwrap(),
        instance: InstanceId(1),
        stream: StreamId(format!("0192f0c1-2222-7333-8444-{number:012}").parse().unwrap()),
        item: format!("in/item{number}.csv"),
        segment,
        opened_at: Timestamp(1_700_000_000_000),
    }
}

fn schema() -> SchemaRef {
    batch(&[]).records.schema()
}

fn batch(names: &[&str]) -> Batch {
    let name: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
    let numbers = (1..).take(names.len()).collect::<Vec<i64>>();
    let number: ArrayRef = Arc::new(Int64Array::from(numbers));
    let records = RecordBatch::try_from_iter([("name", name), ("n", number)]).unwrap();
    Batch::new(records, Positions::Range { first: 1 })
}

fn lines(names: &[&str]) -> String {
    let line = |(n, name): (usize, &&str)| format!("{{\"name\":\"{name}\",\"n\":{}}}\n", n + 1);
    names.iter().enumerate().map(line).collect()
}
