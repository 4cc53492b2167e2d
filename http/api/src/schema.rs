//! OpenAPI schemas of domain values that appear in requests and responses as plain texts.
//!
//! The domain does not know OpenAPI. Each type here only names and describes a domain type, and
//! is put at a field with `value_type`; the lists of words are taken from the domain itself.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};
use weir_domain as domain;
use weir_domain::plan;

macro_rules! text {
    ($(#[doc = $doc:literal])* $name:ident, $describe:expr) => {
        $(#[doc = $doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let describe: fn(ObjectBuilder) -> ObjectBuilder = $describe;
                let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
                let doc = concat!($($doc, "\n"),*).trim().replace("\n ", "\n");
                describe(text.description(Some(doc))).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// The bytes of a file.
pub struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        let bytes = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
        bytes.build().into()
    }
}

impl ToSchema for Binary {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Binary")
    }
}

macro_rules! number_or {
    ($(#[doc = $doc:literal])* $name:ident, $word:literal) => {
        $(#[doc = $doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::Integer))
                    .minimum(Some(0));
                let word = ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .enum_values(Some([$word]));
                let either = OneOfBuilder::new().item(number).item(word);
                Schema::from(either.description(Some(concat!($($doc),*).trim())).build()).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// One life of a node: one that was started again is another incarnation.
#[derive(ToSchema)]
pub struct Incarnation {
    #[schema(value_type = Name)]
    pub name: domain::NodeName,
    #[schema(value_type = NodeUid)]
    pub uid: domain::NodeUid,
}

/// What claims hold for: `"everything"`, `{"projects": [names]}`, or `{"clusters": [names]}` with the names
/// that the server which keeps the role knows them by.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub enum Scope {
    Everything,
    #[schema(value_type = Vec<Name>)]
    Projects(Vec<String>),
    #[schema(value_type = Vec<Name>)]
    Clusters(Vec<String>),
}

/// One rule: how many instances of a workflow a node must and may run. A bound that is absent is
/// left to a wider rule.
#[derive(ToSchema)]
pub struct Limit {
    pub min: Option<u32>,
    pub max: Option<Max>,
}

number_or!(
    /// A number of instances, or `unlimited`.
    Max,
    "unlimited"
);
number_or!(
    /// Instances in the whole cluster, or `unset`.
    Target,
    "unset"
);

/// Records whose field has this text. Numbers and truth values are compared as they are written.
#[derive(ToSchema)]
pub struct SniffFilter {
    pub field: String,
    pub equals: String,
}

/// Texts of a domain enum, as serde writes them.
fn words<T: serde::Serialize>(all: &[T]) -> Vec<serde_json::Value> {
    all.iter().map(|it| serde_json::to_value(it).expect("a plain enum is a JSON text")).collect()
}

fn format(name: &str) -> Option<SchemaFormat> {
    Some(SchemaFormat::Custom(name.to_owned()))
}

text!(
    /// A point in time, RFC 3339 in UTC with milliseconds.
    Timestamp,
    |it| it.format(format("date-time"))
);
text!(
    /// A name: letters, digits, '-', '_' and '.', beginning with a letter or digit.
    Name,
    |it| it.pattern(Some("^[A-Za-z0-9][A-Za-z0-9_.-]*$")).max_length(Some(128))
);
text!(
    /// A stable code of a message.
    Code,
    |it| it.pattern(Some("^WEIR-[0-9]{5}$"))
);
text!(
    /// One stream: one item on its way through one workflow.
    StreamId,
    |it| it.format(format("uuid"))
);
text!(
    /// One incarnation of an engine: a restarted engine has another one.
    NodeUid,
    |it| it.format(format("uuid"))
);
text!(
    /// The id of a token or a session.
    Id,
    |it| it.format(format("uuid"))
);
text!(
    /// SHA-256 as 64 hexadecimal digits.
    Fingerprint,
    |it| it.pattern(Some("^[0-9a-f]{64}$"))
);
text!(
    /// What a user may do.
    UserClaim,
    |it| it.enum_values(Some(words(domain::UserClaim::ALL)))
);
text!(
    /// Where a list goes on. Opaque: pass it back as it came.
    Cursor,
    |it| it
);
text!(
    /// Where a stream stands. `open` and `retrying` are not finished; the others are final.
    StreamState,
    |it| it.enum_values(Some(words(&domain::StreamState::ALL)))
);
text!(
    /// The history that items are claimed in: a workflow's source stage, as `workflow/stage`.
    SourceName,
    |it| it
);
text!(
    /// What became of an item. `waiting` waits for clearance, `pending` was given it and `denied` was
    /// not; `acquired` and `committing` are held by a stream; `released` was given back unprocessed.
    ItemStatus,
    |it| it.enum_values(Some(words(&domain::ItemStatus::ALL)))
);
text!(
    /// Where a workflow stands on its engine.
    WorkflowState,
    |it| it.enum_values(Some(words(&[
        domain::WorkflowState::Waiting,
        domain::WorkflowState::Processing,
        domain::WorkflowState::Restarting,
        domain::WorkflowState::Failed,
        domain::WorkflowState::Stopping,
        domain::WorkflowState::Stopped,
    ])))
);
text!(
    /// Where a node stands in its life.
    NodeStatus,
    |it| it.enum_values(Some(words(&[
        domain::NodeStatus::Joining,
        domain::NodeStatus::Up,
        domain::NodeStatus::Leaving,
        domain::NodeStatus::Exiting,
        domain::NodeStatus::Down,
        domain::NodeStatus::Removed,
    ])))
);
text!(
    /// How bad a finding is. A project with an error does not run.
    Severity,
    |it| it.enum_values(Some(words(&[domain::Severity::Error, domain::Severity::Warning])))
);
text!(
    /// What may be done about a fault: mend the data, try again, change the workflow, nothing.
    FaultKind,
    |it| it.enum_values(Some(words(&[
        domain::FaultKind::Data,
        domain::FaultKind::Transient,
        domain::FaultKind::Config,
        domain::FaultKind::Stopped,
    ])))
);
text!(
    /// Where a stage stands in the flow of data.
    StageRole,
    |it| it.enum_values(Some(words(&[plan::Role::Source, plan::Role::Operator, plan::Role::Sink])))
);
text!(
    /// What becomes of a record that can't be read, mapped or written.
    OnError,
    |it| it.enum_values(Some(words(&[plan::OnError::Rollback, plan::OnError::DeadLetter, plan::OnError::Ignore])))
);
text!(
    /// Whether a node can be told what to run. An unreachable one may be working all the same.
    Reach,
    |it| it.enum_values(Some(words(&[
        domain::schedule::Reach::Up,
        domain::schedule::Reach::Unreachable,
        domain::schedule::Reach::Draining,
    ])))
);
text!(
    /// Where an instance stands in its life.
    InstanceState,
    |it| it.enum_values(Some(words(&domain::schedule::InstanceState::ALL)))
);
text!(
    /// Why a node takes no more: `max:node:<n>`, `max:role:<r>`, `max:default`, `default-min`,
    /// `draining`, `unreachable`, `roles`, `not-deployed` or `no-nodes`.
    ScheduleReason,
    |it| it
);
text!(
    /// A dead letter: the stream that left it, the epoch of a live one, and its number among them.
    LetterId,
    |it| it.examples(["0197a8b0-5b5e-7c3e-9d4f-0123456789ab:7"])
);
text!(
    /// What became of a dead letter.
    LetterState,
    |it| it.enum_values(Some(words(&domain::LetterState::ALL)))
);
text!(
    /// How far a replay has come that has not ended.
    ReplayState,
    |it| it.enum_values(Some(words(&domain::ReplayState::ALL)))
);
text!(
    /// The number of an alarm: each is larger than those before.
    AlarmId,
    |it| it.pattern(Some("^[0-9]+$"))
);
text!(
    /// How bad it is: something that should work does not; it works, and somebody should look; somebody wanted it so.
    AlarmSeverity,
    |it| it.enum_values(Some(words(&domain::AlarmSeverity::ALL)))
);
text!(
    /// Before a stage or behind it.
    SniffSide,
    |it| it.enum_values(Some(words(&[domain::SniffSide::In, domain::SniffSide::Out])))
);
