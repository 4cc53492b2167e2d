//! Kinds of stages, and the registry of all that this process knows.
//!
//! Adding a connector or an operator is a folder of its own and one line where the registry is
//! built. The front doors validate against the registry, the runtime builds from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_domain::plan::{Plan, Role};
use weir_domain::{Clock, Fault, Finding, PortName, StageId, TableName};
use weir_persistence_api::MemoryBlobs;
use weir_runtime::RestartPolicy;

use crate::clear::SecretUse;
use crate::state::TableSpec;
use crate::{BacklogLimits, Effects, LiveSource, Operator, Shelf, Sink, Source, Staging};

/// Where a configuration does not fit its type: the path inside it, and why.
pub type ConfigError = serde_path_to_error::Error<serde_json::Error>;

/// Reads a stage's configuration. The usual body of a kind's `decode`.
pub fn decode_config<T: DeserializeOwned>(config: &Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(config)
}

/// What a kind knows of a stage before any data flows.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Output ports in order. The schema is `None` while it depends on data not seen yet.
    pub outputs: Vec<(PortName, Option<SchemaRef>)>,
    /// Ports that may stay unconnected.
    pub optional: BTreeSet<PortName>,
    /// What is wrong, with paths inside the stage's configuration and no place yet.
    pub findings: Vec<Finding>,
}

/// What a stage is built with.
#[derive(Clone)]
pub struct BuildContext {
    pub stage: StageId,
    /// Relative paths are below this directory: the project's.
    pub base_dir: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub limits: Limits,
    /// What operators of the instance keep from one stream to the next.
    pub shelf: Shelf,
    /// The stage's configuration as it was deployed: with the names of secrets in place of their
    /// values. Parts of it may be stored.
    pub deployed: Value,
    pub staging: Staging,
}

/// Bounds of the data plane, from the process's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub batch_rows: usize,
    pub batch_bytes: usize,
    /// Bytes in flight on one edge.
    pub edge_bytes: usize,
    /// A longer record is a bad one.
    pub record_bytes_max: usize,
    /// How much of a bad record is kept.
    pub raw_bytes_max: usize,
    /// How often a live workflow takes a checkpoint while something flows.
    pub checkpoint_interval: Duration,
    /// How long a checkpoint may take to pass all stages before it is abandoned.
    pub checkpoint_within: Duration,
    /// How often a job of a live workflow that fails is begun again.
    pub restarts: RestartPolicy,
    /// How long a stage of a live workflow may be in one call of its connector or operator.
    pub progress_within: Duration,
    /// How much of a job of a live workflow may wait to be published.
    pub backlog: BacklogLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_rows: 8_192,
            batch_bytes: 1 << 20,
            edge_bytes: 4 << 20,
            record_bytes_max: 16 << 20,
            raw_bytes_max: 64 << 10,
            checkpoint_interval: Duration::from_secs(10),
            checkpoint_within: Duration::from_secs(600),
            restarts: RestartPolicy::default(),
            progress_within: Duration::from_secs(900),
            backlog: BacklogLimits { epochs: 32, bytes: 1 << 30 },
        }
    }
}

impl BuildContext {
    /// One without an engine around it, for stages by themselves.
    pub fn alone(stage: StageId, base_dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            stage,
            base_dir: base_dir.into(),
            clock,
            limits: Limits::default(),
            shelf: Shelf::default(),
            deployed: Value::Null,
            staging: Staging::new(Arc::new(MemoryBlobs::default())),
        }
    }

    /// The stage's configuration. What was checked fits; a fault with this code says what does not.
    pub fn config<T: DeserializeOwned>(&self, config: &Value, code: u32) -> Result<T, Fault> {
        decode_config(config)
            .map_err(|error| Fault::config(code, format!("stage {}: {error}", self.stage)))
    }

    /// The path as seen from the project.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.base_dir.join(path)
    }
}

/// An operator ready to run, with the schema of each of its ports.
pub struct BuiltOperator {
    pub operator: Box<dyn Operator>,
    pub outputs: Vec<(PortName, SchemaRef)>,
}

pub trait SourceKind: Send + Sync {
    fn name(&self) -> &'static str;
    /// The JSON Schema of its configuration.
    fn config_schema(&self) -> Schema;
    /// Whether the configuration fits its type.
    fn decode(&self, config: &Value) -> Result<(), ConfigError>;
    /// What becomes of secrets that its configuration names. Each kind says so itself: one that forgot
    /// would show them.
    fn secret_use(&self) -> SecretUse;
    /// Checks a configuration that `decode` accepted, without touching the outside world.
    fn check(&self, config: &Value) -> Checked;
    /// Whether it never ends: then it is built as [`AnySource::Live`].
    fn is_live(&self) -> bool {
        false
    }
    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault>;
}

/// A source of one of two sorts.
pub enum AnySource {
    /// Offers items, each of which is committed as a whole.
    Items(Box<dyn Source>),
    /// Never ends, and is committed by checkpoints.
    Live(Box<dyn LiveSource>),
}

pub trait OperatorKind: Send + Sync {
    fn name(&self) -> &'static str;
    fn config_schema(&self) -> Schema;
    fn decode(&self, config: &Value) -> Result<(), ConfigError>;
    fn secret_use(&self) -> SecretUse;
    /// `input` is `None` while the schema depends on data not seen yet.
    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked;
    /// What its operators remember from record to record: tables that are part of checkpoints.
    fn tables(&self, _config: &Value) -> BTreeMap<TableName, TableSpec> {
        BTreeMap::new()
    }
    /// Whether its operators may work for long on one batch. They run on threads that may block.
    fn blocks(&self) -> bool {
        false
    }
    /// What its operators ask, in the words of people. `None`: they know all by themselves.
    fn looks_up(&self, _config: &Value) -> Option<String> {
        None
    }
    /// Whether what they ask is there for this engine. Nothing is left behind.
    fn check_access(&self, _config: &Value, _cx: &BuildContext) -> Result<(), Fault> {
        Ok(())
    }
    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault>;
}

pub trait SinkKind: Send + Sync {
    fn name(&self) -> &'static str;
    fn config_schema(&self) -> Schema;
    fn decode(&self, config: &Value) -> Result<(), ConfigError>;
    fn secret_use(&self) -> SecretUse;
    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked;
    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault>;
}

/// All kinds of stages and all connectors' effects, by name.
#[derive(Clone, Default)]
pub struct Registry {
    pub sources: BTreeMap<&'static str, Arc<dyn SourceKind>>,
    pub operators: BTreeMap<&'static str, Arc<dyn OperatorKind>>,
    pub sinks: BTreeMap<&'static str, Arc<dyn SinkKind>>,
    pub effects: BTreeMap<&'static str, Arc<dyn Effects>>,
}

impl Registry {
    #[must_use]
    pub fn source(mut self, kind: impl SourceKind + 'static) -> Self {
        self.sources.insert(kind.name(), Arc::new(kind));
        self
    }

    #[must_use]
    pub fn operator(mut self, kind: impl OperatorKind + 'static) -> Self {
        self.operators.insert(kind.name(), Arc::new(kind));
        self
    }

    #[must_use]
    pub fn sink(mut self, kind: impl SinkKind + 'static) -> Self {
        self.sinks.insert(kind.name(), Arc::new(kind));
        self
    }

    pub fn knows(&self, role: Role, kind: &str) -> bool {
        match role {
            Role::Source => self.sources.contains_key(kind),
            Role::Operator => self.operators.contains_key(kind),
            Role::Sink => self.sinks.contains_key(kind),
        }
    }

    /// Whether a workflow is live: its number of instances is that of its lanes then.
    pub fn is_live(&self, plan: &Plan) -> bool {
        let mut sources = plan.of_role(Role::Source);
        sources.any(|it| self.sources.get(it.kind.as_str()).is_some_and(|it| it.is_live()))
    }

    /// What a kind does with secrets; one that is not known is not built.
    pub fn secret_use(&self, role: Role, kind: &str) -> SecretUse {
        let known = match role {
            Role::Source => self.sources.get(kind).map(|it| it.secret_use()),
            Role::Operator => self.operators.get(kind).map(|it| it.secret_use()),
            Role::Sink => self.sinks.get(kind).map(|it| it.secret_use()),
        };
        known.unwrap_or(SecretUse::Refused)
    }

    #[must_use]
    pub fn effects(mut self, connector: &'static str, effects: impl Effects + 'static) -> Self {
        self.effects.insert(connector, Arc::new(effects));
        self
    }
}
