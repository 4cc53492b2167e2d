//! Putting schemas that were generated elsewhere into one document, with all their definitions.

use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::{Map, Value};

const PREFIX: &str = "#/$defs/";

pub(super) struct Definitions {
    by_name: BTreeMap<String, Value>,
}

impl Definitions {
    pub(super) fn new(definitions: Map<String, Value>) -> Self {
        Self { by_name: definitions.into_iter().collect() }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.by_name.insert(name.to_owned(), value);
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.by_name.get_mut(name)
    }

    /// A schema that has no definitions of its own.
    pub(super) fn value_of(&self, schema: Schema) -> Value {
        schema.to_value()
    }

    /// Takes the definitions of a whole schema in and returns what is left of it. Types that are
    /// there already are shared; where one name means two things, `owner` tells them apart.
    pub(super) fn embed(&mut self, owner: &str, schema: Option<&Schema>) -> Value {
        let Some(mut value) = schema.map(|it| it.clone().to_value()) else {
            return Value::Object(Map::new());
        };
        let Some(root) = value.as_object_mut() else { return value };
        root.remove("$schema");
        root.remove("title");
        let Some(Value::Object(own)) = root.remove("$defs") else { return value };
        let is_other =
            |(name, it): (&String, &Value)| self.by_name.get(name).is_some_and(|known| known != it);
        let clash = own.iter().any(is_other);
        let renamed = |name: &str| if clash { format!("{owner}.{name}") } else { name.to_owned() };
        for (name, mut definition) in own {
            rename(&mut definition, &renamed);
            self.by_name.insert(renamed(&name), definition);
        }
        rename(&mut value, &renamed);
        value
    }

    /// The definitions that are used, directly or not.
    pub(super) fn reachable_from(mut self, spec: &Value, metadata: &Value) -> Map<String, Value> {
        let mut open = Vec::new();
        references(spec, &mut open);
        references(metadata, &mut open);
        let mut reached = BTreeMap::new();
        while let Some(name) = open.pop() {
            if let Some(definition) = self.by_name.remove(&name) {
                references(&definition, &mut open);
                reached.insert(name, definition);
            }
        }
        reached.into_iter().collect()
    }
}

fn rename(value: &mut Value, renamed: &impl Fn(&str) -> String) {
    match value {
        Value::Object(entries) => {
            for (key, it) in entries {
                match it.as_str().and_then(|it| it.strip_prefix(PREFIX)) {
                    Some(name) if key == "$ref" => {
                        *it = format!("{PREFIX}{}", renamed(name)).into();
                    }
                    _ => rename(it, renamed),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| rename(it, renamed)),
        _ => {}
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, it) in entries {
                match it.as_str().and_then(|it| it.strip_prefix(PREFIX)) {
                    Some(name) if key == "$ref" => found.push(name.to_owned()),
                    _ => references(it, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, found)),
        _ => {}
    }
}
