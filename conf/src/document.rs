//! The located tree that every document becomes, whatever it was written in.
//!
//! Invariants: a mapping holds each key once, in the order of the text; a node under a key knows the
//! place of that key. A document does no I/O and never changes meaning by being looked at.

use weir_domain::{Finding, Place};

use crate::path::{self, Step};

/// What a document was written in. It decides the codes of findings, and how strict types are: a
/// number in quotes is a number in HOCON (environment variables are always text), and text in YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hocon,
    Yaml,
}

impl Kind {
    /// The stable code of the `n`-th sort of finding.
    pub(crate) fn code(self, n: u32) -> u32 {
        match self {
            Self::Hocon => 1100 + n,
            Self::Yaml => 2000 + n,
        }
    }
}

/// A parsed text: one tree, of which every node knows its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub kind: Kind,
    /// The file as its user named it.
    pub file: String,
    pub root: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    /// Where the value begins.
    pub place: Place,
    /// Where the key stands that this node belongs to, if it belongs to one.
    pub key_place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    Sequence(Vec<Node>),
    /// In the order of the text; no key stands twice.
    Mapping(Vec<(String, Node)>),
}

impl Document {
    /// The node at a path such as `spec.stages[2].filter`; the empty path is the root.
    pub fn node(&self, path: &str) -> Option<&Node> {
        path::parse(path).iter().try_fold(&self.root, |node, step| node.child(step))
    }

    /// Where the value at `path` stands, or the nearest thing around it that exists.
    pub fn place(&self, path: &str) -> Place {
        self.nearest(path).place.clone()
    }

    /// Where the key at the end of `path` stands, or the nearest key around it that exists.
    pub fn key_place(&self, path: &str) -> Place {
        self.nearest(path).best_place().clone()
    }

    /// A finding about the value at `path`, for checks that go beyond types.
    pub fn finding(&self, code: u32, path: &str, cause: impl Into<String>) -> Finding {
        Finding::error(code, self.place(path), path, cause)
    }

    pub fn to_json(&self) -> serde_json::Value {
        self.root.to_json()
    }

    fn nearest(&self, path: &str) -> &Node {
        let mut node = &self.root;
        for step in path::parse(path) {
            let Some(child) = node.child(&step) else { break };
            node = child;
        }
        node
    }
}

impl Node {
    pub fn new(value: Value, place: Place) -> Self {
        Self { value, place, key_place: None }
    }

    /// The value under `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|it| it.0 == key).map(|it| &it.1),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(it) => (*it).into(),
            Value::Number(it) => it.clone().into(),
            Value::Text(it) => it.clone().into(),
            Value::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Value::Mapping(entries) => {
                entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect()
            }
        }
    }

    /// Calls `change` with every text at and below this node and its path, so that what is written
    /// inside texts (`${env:NAME}`) can be put in before the document is read. `path` is this node's.
    pub fn texts_mut(&mut self, path: &str, change: &mut impl FnMut(&str, &mut Node)) {
        match &mut self.value {
            Value::Text(_) => change(path, self),
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    item.texts_mut(&format!("{path}[{index}]"), change);
                }
            }
            Value::Mapping(entries) => {
                for (key, node) in entries {
                    node.texts_mut(&path::join(path, key), change);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    pub(crate) fn child(&self, step: &Step) -> Option<&Node> {
        match (step, &self.value) {
            (Step::Key(key), _) => self.get(key),
            (Step::Index(index), Value::Sequence(items)) => items.get(*index),
            (Step::Index(_), _) => None,
        }
    }

    /// The key's place, or the value's where there is no key.
    pub(crate) fn best_place(&self) -> &Place {
        self.key_place.as_ref().unwrap_or(&self.place)
    }
}
