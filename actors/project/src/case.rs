//! Test assets as values: what comes into a workflow, and what is to come out of it.
//!
//! A case is data. It knows where each of its parts was written, so that a difference can be shown
//! there; how a case is run is not known here.

mod check;
mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use weir_domain::plan::DEAD_LETTERS;
use weir_domain::{AssetName, Place, PortName, StageId, Timestamp, WorkflowName};

pub(crate) use check::check;
pub(crate) use read::{TestSpec, read};

/// A record as JSON.
pub type Row = Map<String, Value>;

/// An asset of kind Test.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub name: AssetName,
    pub workflow: WorkflowName,
    pub cases: Vec<Case>,
}

/// What comes in, and what is to come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub name: String,
    pub place: Place,
    /// This stage alone. Without it: the whole workflow.
    pub stage: Option<StageId>,
    /// Values that take the place of those of the project's environments.
    pub environment: Row,
    /// What the secrets are that the workflow names.
    pub secrets: BTreeMap<AssetName, String>,
    /// When the case begins.
    pub clock: Timestamp,
    /// Most records in a batch; without it as many as in an engine.
    pub batch_rows: Option<usize>,
    pub input: BTreeMap<StageId, Vec<Piece>>,
    pub expect: Vec<Expected>,
    /// A part of the reason for which nothing is committed.
    pub fails: Option<String>,
    /// After how many records the run is cut off, ascending.
    pub kill_at: Vec<u64>,
    pub timeout: Duration,
}

/// An item of a source of items, or what a live source has at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub place: Place,
    pub item: String,
    pub at: Option<Timestamp>,
    pub given: Given,
}

/// Records that come in.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    Rows(Vec<Row>),
    /// In the source's format.
    Text(String),
    /// As a file in the source's format would have them.
    Bytes(Vec<u8>),
    /// The path of a file in the source's format, below the project's directory.
    File(String),
}

/// Where records come out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlet {
    Sink(StageId),
    Port(StageId, PortName),
    DeadLetters,
}

/// As it is written below `expect`.
impl fmt::Display for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink(stage) => write!(f, "{stage}"),
            Self::Port(stage, port) => write!(f, "{stage}.{port}"),
            Self::DeadLetters => f.write_str(DEAD_LETTERS),
        }
    }
}

/// What is to come out at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub outlet: Outlet,
    pub place: Place,
    pub records: Option<ExpectedRecords>,
    /// What the sink writes, in its format.
    pub text: Option<String>,
    pub count: Option<u64>,
    /// `None`: nothing was said, and it is the same each time.
    pub order: Option<Order>,
    pub fields: Fields,
}

/// Records that are to come out.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectedRecords {
    Rows(Vec<(Place, Row)>),
    /// The path of a file of JSON lines, below the project's directory.
    File(String),
}

/// Whether the order of records counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExpectedOrder")]
pub enum Order {
    /// In the order that is written.
    Exact,
    /// In any order.
    Any,
}

/// Which fields of a record count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExpectedFields")]
pub enum Fields {
    /// A record has the fields that are written, and no others that are not null.
    #[default]
    All,
    /// A record may have further fields.
    Written,
}
