//! What a connector is to the pipeline: a source of items, a sink of records, and effects that
//! can be run again.
//!
//! All calls block and are made from threads that may block. None of them is told to stop in
//! the middle: they return after a bounded piece of work, and the caller asks again or not.

use std::path::PathBuf;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_checkpoint::Epoch;
use weir_domain::{Fault, InstanceId, Item, Reprocess, StageId, StreamId, Timestamp, WorkflowName};

use crate::{BadRecord, Batch, RawLetter, Staging};

/// Work on the outside world, as a value: it can be stored and run again after a crash, without
/// the plan that it came from. Running it twice is the same as running it once.
///
/// No secret is in it: it is stored as it is. A kind whose payloads hold texts of its configuration
/// refuses secrets there ([`SecretUse::Refused`]); what needs one stands in `connection`.
///
/// [`SecretUse::Refused`]: crate::SecretUse::Refused
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The connector whose [`Effects`] run it.
    pub connector: String,
    pub payload: Value,
    /// How the other side is reached, as it was deployed: it names secrets, which are put in when
    /// the action is run. Null where that is nobody's secret.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub connection: Value,
    /// The stage that it is of: as long as that is deployed, its connection and its configuration are
    /// those of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageId>,
}

impl Action {
    /// One that needs no connection.
    pub fn new(connector: impl Into<String>, payload: Value) -> Self {
        Self { connector: connector.into(), payload, connection: Value::Null, stage: None }
    }
}

/// What an action is run with.
#[derive(Clone, Copy)]
pub struct Due<'a> {
    pub payload: &'a Value,
    /// With its secrets.
    pub connection: &'a Value,
    /// The configuration of its stage, as it is deployed now, without secrets. None: it is not here.
    pub config: Option<&'a Value>,
    pub staging: &'a Staging,
}

/// Runs the actions of one connector.
pub trait Effects: Send + Sync {
    /// Returns what it made visible: paths or addresses, empty where nothing. A transient fault
    /// is tried again until it succeeds; after a crash it is run again though it succeeded, and says the
    /// same, warnings too. Called from a thread that may block.
    fn run(&self, due: Due<'_>) -> Result<Vec<Published>, Fault>;
}

/// Something that an action made visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Where it is now. Empty: nothing became visible, and there is only the warning.
    pub address: String,
    /// Set when it could not be put exactly where it was meant to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl Published {
    /// Nothing became visible, but somebody should know what happened.
    #[must_use]
    pub fn nothing_but(warning: String) -> Self {
        Self { address: String::new(), warning: Some(warning) }
    }
}

/// How a stream over an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    Failed,
}

/// Offers items and reads them. One source belongs to one instance of a workflow.
pub trait Source: Send {
    /// What it reads from, in the words of people: a directory, an address.
    fn origin(&self) -> String;

    /// Whether what it reads from is there for this engine: asked before a node begins to run it
    /// instead of something else.
    fn check_access(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// The file or directory of this machine that it reads, where it is one.
    fn path_here(&self) -> Option<PathBuf> {
        None
    }

    /// The items that are there now and ready to be read, in the order wanted. History is not
    /// the source's business: processed items may be among them.
    fn list(&mut self) -> Result<Vec<Item>, Fault>;

    /// Opens an item that was claimed. Fails if it is not the item that was listed.
    fn open(&mut self, item: &Item) -> Result<Box<dyn RecordReader>, Fault>;

    /// Whether the item is still what was claimed: asked last before the outcome is decided.
    fn verify(&mut self, item: &Item) -> Result<(), Fault>;

    /// What is owed to the item once its outcome is decided: a file is moved away.
    fn settle(&self, item: &Item, outcome: Outcome) -> Vec<Action>;

    /// Reads records again that were none when they came: dead letters of this source.
    fn reread(&mut self, _letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        Err(not_rereadable(&self.origin()))
    }

    /// What to do with an item whose name was processed before.
    fn reprocess(&self) -> Reprocess;

    /// Whether an item that is new waits until an operator gives it clearance.
    fn waits_for_clearance(&self) -> bool {
        false
    }

    /// How long to wait before listing again when there was nothing to do.
    fn interval(&self) -> Duration;
}

/// What a source can't read again that it could not read before.
pub(crate) fn not_rereadable(origin: &str) -> Fault {
    let message = format!("what could not be read from {origin} can't be read again by itself");
    Fault::config(3202, message)
        .with_hint("let its items, or its other side, bring the records again")
}

/// Reads the records of one item, in order.
pub trait RecordReader: Send {
    /// The schema of every batch. No columns: the item is empty.
    fn schema(&self) -> SchemaRef;

    /// What stands before the records and says what they mean, such as the names of columns.
    fn header(&self) -> Option<String> {
        None
    }

    /// The next records, or `None` at the clean end of the item.
    fn read(&mut self) -> Result<Option<Read>, Fault>;
}

/// One piece of an item.
#[derive(Debug, Clone)]
pub struct Read {
    pub batch: Batch,
    /// Records that are none, in order.
    pub bad: Vec<BadRecord>,
    /// Bytes taken from the item for this piece.
    pub bytes: u64,
}

/// What a sink may know of the stream that it writes for.
#[derive(Debug, Clone)]
pub struct StreamContext {
    pub workflow: WorkflowName,
    pub instance: InstanceId,
    pub stream: StreamId,
    pub item: String,
    /// Of a live stream: the barrier after which this was opened. What is written between two
    /// barriers is published as one, and needs names of its own.
    pub segment: Option<Epoch>,
    pub opened_at: Timestamp,
}

impl StreamContext {
    /// What is logged in it is about this stream.
    pub(crate) fn place(&self) -> tracing::Span {
        tracing::info_span!("stream", workflow = %self.workflow, stream = %self.stream)
    }
}

/// Writes what arrives at one stage of a workflow.
pub trait Sink: Send {
    /// Begins an attempt of a stream. Nothing becomes visible before its commit.
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault>;

    /// What it writes to, in the words of people: a directory, an address. `None`: nothing that could
    /// be out of reach.
    fn target(&self) -> Option<String> {
        None
    }

    /// Whether what it writes to is there for this engine, and takes records of this schema, if that is
    /// known: asked before a node begins to run it instead of something else. Nothing is left behind.
    fn check_access(&self, _schema: Option<&SchemaRef>) -> Result<(), Fault> {
        Ok(())
    }

    /// Removes whatever an attempt of this stream may have left behind unpublished. It is known
    /// before the stream begins, so that a crash can't leave anything that nobody clears away.
    fn discard(&self, stream: &StreamContext) -> Vec<Action>;
}

/// One attempt of one stream at one sink. Dropped without `prepare`, it leaves nothing visible.
pub trait SinkWriter: Send {
    /// Writes a batch. Records that can't be written are returned; the others were written.
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault>;

    /// Stores what `prepare` tells of and that lies in the store of the checkpoints. Called before that, and
    /// again for as long as it fails in passing: nothing of what was written is lost because that is away.
    fn store(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// Makes all that was written durable, still invisible.
    fn prepare(self: Box<Self>) -> Result<Prepared, Fault>;

    /// Bytes handed to the outside so far.
    fn bytes_written(&self) -> u64;
}

/// What a sink has ready at the end of an attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prepared {
    /// What publishes it.
    pub actions: Vec<Action>,
    pub bytes: u64,
}
