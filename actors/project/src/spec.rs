//! What people write: the types of the assets, for reading them and for their JSON Schemas.
//!
//! Configurations of kinds stay JSON: their types are in the registry. References and single-kind
//! mappings are read by hand where they are resolved, so that each finding has its exact place.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use weir_domain::plan::INSTANCES_MAX;
use weir_domain::plan::{ErrorLimit, OnError, Retry};
use weir_domain::schedule::SettingsPatch;
use weir_domain::{AssetName, NodeName, StageId, WorkflowName};
use weir_package::AssignmentSettings;

/// The frame of every asset. The version, the kind and the spec are judged apart.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the check")]
pub(crate) struct Envelope {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Value,
}

/// What the asset is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the check")]
pub(crate) struct Metadata {
    /// The name by which other assets refer to this one, unique among the assets of its kind.
    name: AssetName,
    /// What it is for, in a sentence.
    description: Option<String>,
    /// Another asset of the kind: what this one does not say is as it is there.
    extends: Option<AssetName>,
}

/// The project as a whole.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ProjectSpec {
    /// The environment assets whose values are put in for `${env:NAME}`, in order: where two
    /// define one name, the later wins.
    #[serde(default)]
    pub(crate) environments: Vec<AssetName>,
    /// The secret assets whose values `${sec:NAME}` stands for, in order: where two define one name,
    /// the later wins.
    #[serde(default)]
    pub(crate) secrets: Vec<AssetName>,
    /// Directories, relative to the project, that hold data and no assets: they are not searched.
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
    /// The version of the project: what `${build:version}` stands for in the tag of a package.
    pub(crate) version: Option<String>,
    /// What a package of this project says of the schedule, by workflow. What is silent is left as
    /// operators set it.
    #[serde(default)]
    #[schemars(with = "BTreeMap<WorkflowName, Schedule>")]
    pub(crate) scheduler: BTreeMap<WorkflowName, SettingsPatch>,
    /// Which deployment runs where, as a package of this project wants it.
    pub(crate) assignments: Option<AssignmentSettings>,
}

/// What is wanted of one workflow's schedule.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Schedule {
    /// Instances in the whole cluster.
    target: Option<u32>,
    /// How heavy one instance is for the node that runs it.
    #[schemars(range(min = 1))]
    weight: Option<u32>,
    /// Per node, where no narrower rule says otherwise.
    default: Option<Bounds>,
    /// On these nodes.
    nodes: Option<BTreeMap<NodeName, Bounds>>,
    /// On each node that has the role.
    roles: Option<BTreeMap<String, Bounds>>,
}

/// Least and most instances per node.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Bounds {
    min: Option<u32>,
    max: Option<Most>,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Most {
    Number(u32),
    Word(Unlimited),
}

#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Unlimited {
    Unlimited,
}

/// Values that differ from one place to another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the check")]
pub(crate) struct EnvironmentSpec {
    /// Each value is a text, a number, true or false, and is written `${env:NAME}` where it is
    /// used. A value may use the values of earlier environments and those above it.
    #[schemars(with = "BTreeMap<String, EnvironmentValue>")]
    pub(crate) values: serde_json::Map<String, Value>,
}

/// A text, a number, true or false.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum EnvironmentValue {
    Text(String),
    Number(f64),
    Bool(bool),
}

/// Values that only the engine sees that uses them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the check")]
pub(crate) struct SecretSpec {
    /// Each value as `weir secret encrypt NAME` prints it for this project. It is written `${sec:NAME}` where it is used.
    #[schemars(with = "BTreeMap<AssetName, SealedText>")]
    pub(crate) values: serde_json::Map<String, Value>,
}

/// A sealed value.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = "^weir-secret:2:"))]
#[expect(dead_code, reason = "only its schema is used")]
struct SealedText(String);

/// A graph of stages that every item of its source flows through.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WorkflowSpec {
    /// Copies that run at the same time in the whole cluster, as long as nobody has set another target.
    /// Each has one stream open at a time.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = INSTANCES_MAX))]
    pub(crate) instances: u32,
    /// How often and how fast a stream is tried again after a transient fault.
    #[serde(default)]
    pub(crate) retry: Retry,
    /// When bad records of all stages together are too many, of those that the sources read: the stream is
    /// rolled back then, and a live run ends.
    #[serde(default)]
    pub(crate) error_limit: Option<ErrorLimit>,
    /// Where records go that can't be read, mapped or written.
    #[serde(default)]
    #[schemars(with = "Option<DeadLettersSpec>")]
    #[expect(dead_code, reason = "read by itself")]
    dead_letters: Option<Value>,
    /// The stages. Data flows as each stage's `from` says; the order of writing is yours.
    #[schemars(with = "Vec<StageSpec>", length(min = 1))]
    #[expect(dead_code, reason = "read one by one")]
    stages: Vec<Value>,
}

/// Stages that are put into workflows, where they are the workflow's own from then on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "reading it is the check")]
pub(crate) struct SnippetSpec {
    /// The stages. What reads from none of them is fed by the workflow that they are put into, and what leaves
    /// them by a port that leads nowhere is for that workflow to take.
    #[schemars(with = "Vec<StageSpec>", length(min = 1))]
    stages: Vec<Value>,
}

fn one() -> u32 {
    1
}

/// One stage: a source, a processor or a sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StageSpec {
    /// Unique in the workflow.
    #[expect(dead_code, reason = "read for all stages first")]
    name: StageId,
    /// Where its records come from: `stage` (that stage's port `out`), `stage.port`, or a list.
    #[schemars(with = "Option<crate::schema::Connections>")]
    #[serde(default)]
    #[expect(dead_code, reason = "read with its places when edges are made")]
    from: Value,
    /// The name of a Source asset, or a source written here.
    #[schemars(with = "Option<crate::schema::SourceSlot>")]
    #[expect(dead_code, reason = "resolved with its places")]
    source: Option<Value>,
    /// A processor and its configuration.
    #[schemars(with = "Option<crate::schema::ProcessorSlot>")]
    #[expect(dead_code, reason = "resolved with its places")]
    processor: Option<Value>,
    /// The name of a Sink asset, or a sink written here.
    #[schemars(with = "Option<crate::schema::SinkSlot>")]
    #[expect(dead_code, reason = "resolved with its places")]
    sink: Option<Value>,
    /// What to do with a record that can't be read, mapped or written.
    #[serde(default)]
    pub(crate) on_error: OnError,
    /// When bad records of this stage are too many: the stream is rolled back then, and a live run ends.
    #[serde(default)]
    pub(crate) error_limit: Option<ErrorLimit>,
}

/// The files that take a workflow's dead letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct DeadLettersSpec {
    /// A directory, relative to the project; it is created when it is missing.
    pub(crate) directory: String,
    /// The template of the files' names, with the macros of the file sink.
    pub(crate) name: String,
    /// The format: the name of a Format asset, or a format written here.
    #[schemars(with = "Option<crate::schema::FormatSlot>")]
    pub(crate) format: Option<Value>,
    /// As in the file sink.
    pub(crate) compression: Option<String>,
}

impl Default for DeadLettersSpec {
    fn default() -> Self {
        Self {
            directory: "dead-letters".into(),
            name: "${workflow}-${stream}.jsonl".into(),
            format: None,
            compression: None,
        }
    }
}
