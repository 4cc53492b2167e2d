//! JSON Schemas of the assets, for editors: the types of `spec`, with the kinds' configurations
//! from the registry put in where a person writes them.
//!
//! A schema is no second validator: it is somewhat more lenient than `load`, never stricter. Where
//! a number or a boolean is asked for, `${env:NAME}` is allowed, too.

mod embed;
mod lenient;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use weir_stream::Registry;

use crate::asset::{API_VERSION, AssetKind};
use crate::case::TestSpec;
use crate::spec::{EnvironmentSpec, Metadata, ProjectSpec, SecretSpec, SnippetSpec, WorkflowSpec};
use embed::Definitions;

/// The JSON Schemas of all kinds of assets, by file name (`workflow.schema.json` …).
pub fn json_schemas(registry: &Registry) -> BTreeMap<String, Value> {
    let name = |kind: AssetKind| format!("{}.schema.json", kind.as_str().to_lowercase());
    AssetKind::ALL.into_iter().map(|kind| (name(kind), schema(kind, registry))).collect()
}

fn schema(kind: AssetKind, registry: &Registry) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let metadata = generator.subschema_for::<Metadata>();
    let spec = match kind {
        AssetKind::Project => generator.subschema_for::<ProjectSpec>(),
        AssetKind::Environment => generator.subschema_for::<EnvironmentSpec>(),
        AssetKind::Secret => generator.subschema_for::<SecretSpec>(),
        AssetKind::Workflow => generator.subschema_for::<WorkflowSpec>(),
        AssetKind::Snippet => generator.subschema_for::<SnippetSpec>(),
        AssetKind::Test => generator.subschema_for::<TestSpec>(),
        AssetKind::Format => generator.subschema_for::<FormatSpec>(),
        AssetKind::Source => generator.subschema_for::<SourceSpec>(),
        AssetKind::Sink => generator.subschema_for::<SinkSpec>(),
    };
    let mut definitions = Definitions::new(generator.take_definitions(true));
    fill(&mut definitions, registry);
    let spec = definitions.value_of(spec);
    let metadata = definitions.value_of(metadata);
    let mut definitions = definitions.reachable_from(&spec, &metadata);
    for (name, definition) in &mut definitions {
        lenient::without_nulls(definition);
        let may_use_values = !matches!(
            kind,
            AssetKind::Project | AssetKind::Environment | AssetKind::Secret | AssetKind::Test
        );
        if may_use_values && !IN_METADATA.contains(&name.as_str()) {
            lenient::with_macros(definition);
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Weir {kind}"),
        "description": purpose(kind),
        "type": "object",
        "properties": {
            "apiVersion": {
                "description": "The version of the language that the asset is written in.",
                "const": API_VERSION,
            },
            "kind": { "description": "What the asset is.", "const": kind.as_str() },
            "metadata": metadata,
            "spec": { "type": "object" },
        },
        // What extends another asset says a part of it.
        "if": { "properties": { "metadata": { "type": "object", "required": ["extends"] } } },
        "else": { "properties": { "spec": spec } },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn purpose(kind: AssetKind) -> &'static str {
    match kind {
        AssetKind::Project => "The project as a whole: the file project.yaml.",
        AssetKind::Environment => "Values that differ from one place to another.",
        AssetKind::Secret => "Values that only the engine sees that uses them.",
        AssetKind::Format => "How records are written in bytes.",
        AssetKind::Source => "Where records come from.",
        AssetKind::Sink => "Where records go.",
        AssetKind::Workflow => "A graph of stages that every item of its source flows through.",
        AssetKind::Snippet => "Stages that are put into workflows.",
        AssetKind::Test => {
            "What a workflow is tested with: what comes in, and what is to come out."
        }
    }
}

/// Types outside the spec: no environment values are put in there.
const IN_METADATA: [&str; 2] = ["Metadata", "AssetName"];

/// Replaces the placeholders by what the registry knows.
fn fill(definitions: &mut Definitions, registry: &Registry) {
    let kinds = Kinds {
        sources: registry.sources.iter().map(|it| (*it.0, it.1.config_schema())).collect(),
        processors: registry.operators.iter().map(|it| (*it.0, it.1.config_schema())).collect(),
        sinks: registry.sinks.iter().map(|it| (*it.0, it.1.config_schema())).collect(),
    };
    let format = kinds.format();
    let format = definitions.embed("format", format.as_ref());
    definitions.set("FormatSpec", format.clone());
    definitions.set("FormatSlot", named_or(AssetKind::Format, &format));
    let source = kind_choice(definitions, "source", &kinds.sources);
    let sink = kind_choice(definitions, "sink", &kinds.sinks);
    let processor = kind_choice(definitions, "processor", &kinds.processors);
    definitions
        .set("SourceSlot", named_or(AssetKind::Source, &json!({ "$ref": "#/$defs/SourceSpec" })));
    definitions.set("SinkSlot", named_or(AssetKind::Sink, &json!({ "$ref": "#/$defs/SinkSpec" })));
    definitions.set("SourceSpec", source);
    definitions.set("SinkSpec", sink);
    definitions.set("ProcessorSlot", processor);
    if let Some(stage) = definitions.get_mut("StageSpec").and_then(Value::as_object_mut) {
        let slots = ["source", "processor", "sink"].map(|it| json!({ "required": [it] }));
        stage.insert("oneOf".into(), slots.into_iter().collect());
    }
}

struct Kinds {
    sources: Vec<(&'static str, Schema)>,
    processors: Vec<(&'static str, Schema)>,
    sinks: Vec<(&'static str, Schema)>,
}

impl Kinds {
    /// The type of formats: what the first kind that has one calls its `format`.
    fn format(&self) -> Option<Schema> {
        let of_kind = |(_, schema): &(&str, Schema)| {
            let mut format = schema.pointer("/properties/format")?.as_object()?.clone();
            // It speaks of the kind's files.
            format.remove("description");
            if let Some(definitions) = schema.get("$defs") {
                format.insert("$defs".into(), definitions.clone());
            }
            Some(Schema::from(format))
        };
        self.sources.iter().chain(&self.sinks).find_map(of_kind)
    }
}

/// `kind: {configuration}`, exactly one.
fn kind_choice(
    definitions: &mut Definitions,
    role: &str,
    kinds: &[(&'static str, Schema)],
) -> Value {
    let mut properties = Map::new();
    for (name, schema) in kinds {
        let mut config = definitions.embed(&format!("{role}.{name}"), Some(schema));
        let format = config.get_mut("properties").and_then(|it| it.get_mut("format"));
        if let Some(format) = format.filter(|_| role != "processor") {
            let description = format.as_object_mut().and_then(|it| it.remove("description"));
            let mut choice = named_or(AssetKind::Format, format);
            if let Some(description) = description {
                choice["description"] = description;
            }
            *format = choice;
        }
        properties.insert((*name).to_owned(), config);
    }
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

fn named_or(kind: AssetKind, written: &Value) -> Value {
    let name = json!({ "description": format!("The name of {} asset.", kind.with_article()), "type": "string" });
    json!({ "anyOf": [name, written] })
}

/// Declares types that stand for what only the registry knows.
macro_rules! placeholders {
    ($($name:ident)*) => {$(
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                Schema::default()
            }
        }
    )*};
}

placeholders! { FormatSpec FormatSlot SourceSpec SourceSlot SinkSpec SinkSlot ProcessorSlot }

/// What `from` is: one connection or several.
pub(crate) struct Connections;

impl JsonSchema for Connections {
    fn schema_name() -> Cow<'static, str> {
        "Connections".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        })
    }
}
