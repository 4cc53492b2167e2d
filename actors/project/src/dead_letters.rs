//! Where a workflow's dead letters go: a file sink, written by this front door.

use serde_json::json;
use weir_conf::{Document, Node, Value, read_at};
use weir_domain::Finding;
use weir_domain::plan::{DeadLetters, OnError, Plan};

use crate::config::Config;
use crate::references::References;
use crate::spec::DeadLettersSpec;

/// The kind of sink that takes dead letters.
pub(crate) const KIND: &str = "file";

const PATH: &str = "spec.deadLetters";

/// The sink's configuration: what the workflow says, with the rest filled in. `None`: no stage of
/// the workflow ever sends a dead letter, and none are configured.
pub(crate) fn config(
    document: &Document,
    plan: &Plan,
    references: &mut References<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Config> {
    let written = document.node(PATH).filter(|it| !matches!(it.value, Value::Null));
    let spec = match written {
        None if plan.stages.iter().all(|it| it.on_error != OnError::DeadLetter) => return None,
        None => DeadLettersSpec::default(),
        Some(_) => match read_at::<DeadLettersSpec>(document, PATH) {
            Ok(spec) => spec,
            Err(found) => {
                findings.extend(found);
                return None;
            }
        },
    };
    let place = document.place(if written.is_some() { PATH } else { "spec" });
    let mut entries = Vec::new();
    let mut put = |key: &str, default: Option<serde_json::Value>| {
        let node = written.and_then(|it| it.get(key)).cloned();
        let node = node.or_else(|| Some(node_of(&default?, &place)));
        entries.extend(node.map(|it| (key.to_owned(), it)));
    };
    put("directory", Some(spec.directory.into()));
    put("name", Some(spec.name.into()));
    put("format", Some(json!({ "type": "json" })));
    put("compression", None);
    // Streams have names of their own; only a template that leaves them out can meet a namesake.
    put("onExisting", Some("counter".into()));
    put("createDirectory", Some(true.into()));
    let mut config = Config::new(Node::new(Value::Mapping(entries), place), PATH);
    references.put_format(&mut config, findings);
    Some(config)
}

pub(crate) fn sink(config: &Config) -> DeadLetters {
    DeadLetters { kind: KIND.to_owned(), config: config.to_json() }
}

fn node_of(json: &serde_json::Value, place: &weir_domain::Place) -> Node {
    let value = match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(it) => Value::Bool(*it),
        serde_json::Value::Number(it) => Value::Number(it.clone()),
        serde_json::Value::String(it) => Value::Text(it.clone()),
        serde_json::Value::Array(items) => {
            Value::Sequence(items.iter().map(|it| node_of(it, place)).collect())
        }
        serde_json::Value::Object(entries) => Value::Mapping(
            entries.iter().map(|(key, it)| (key.clone(), node_of(it, place))).collect(),
        ),
    };
    Node::new(value, place.clone())
}
