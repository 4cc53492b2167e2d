//! The values that a project's environments define.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::Value;
use weir_domain::{Finding, Place};

use crate::asset::{Asset, AssetKind};
use crate::library::Library;
use crate::path::{self, Step};
use crate::spec::{EnvironmentSpec, ProjectSpec};
use crate::substitute::expand;

/// Names and what they stand for, of all environments together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    by_name: BTreeMap<String, Value>,
    /// Some environments can't be read, which was reported: names that are missing may be theirs.
    pub(crate) is_partial: bool,
}

impl Values {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.by_name.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.by_name.insert(name.to_owned(), value);
    }
}

/// Reads all environments, and takes the values of those that the project lists, in its order.
pub(crate) fn values(
    project: &Asset,
    spec: Option<&ProjectSpec>,
    library: &Library,
    findings: &mut Vec<Finding>,
) -> Values {
    let mut listed = BTreeSet::new();
    let mut values = Values { is_partial: spec.is_none(), ..Values::default() };
    for (index, name) in spec.iter().flat_map(|it| &it.environments).enumerate() {
        let path = format!("spec.environments[{index}]");
        match library.find(AssetKind::Environment, name.as_str()) {
            Ok(asset) if listed.insert(name.as_str()) => define(asset, &mut values, findings),
            Ok(_) => {
                let cause = format!("the environment {name} is listed twice");
                let finding = project.document.finding(2210, &path, cause);
                findings.push(finding.with_fix("remove one: the later one would win"));
            }
            Err(missing) => {
                values.is_partial = true;
                findings.extend(missing.finding(project.document.place(&path), &path));
            }
        }
    }
    // What is not listed today may be tomorrow: it should read, too.
    let is_unlisted = |it: &&Asset| !listed.contains(it.name.as_str());
    for asset in library.of_kind(AssetKind::Environment).filter(is_unlisted) {
        define(asset, &mut values.clone(), findings);
    }
    values
}

fn define(asset: &Asset, values: &mut Values, findings: &mut Vec<Finding>) {
    // A missing spec was reported with the frame.
    let read = asset.spec().map(|_| weir_conf::read_at::<EnvironmentSpec>(&asset.document, "spec"));
    findings.extend(read.and_then(Result::err).unwrap_or_default());
    let node = asset.document.node("spec.values");
    let Some(Value::Mapping(entries)) = node.map(|it| &it.value) else {
        values.is_partial = true;
        return;
    };
    for (name, node) in entries {
        let path = path::join("spec.values", &path::write(&[Step::Key(name.clone())]));
        let mut refuse = |place: &Place, cause: String, fix: &str| {
            findings.push(Finding::error(2214, place.clone(), &path, cause).with_fix(fix));
        };
        if !is_name(name) {
            let place = node.key_place.as_ref().unwrap_or(&node.place);
            let cause = format!("{name:?} can't be the name of a value");
            refuse(place, cause, "use letters, digits, '_', '-' and '.'");
            continue;
        }
        let value = match &node.value {
            Value::Text(text) => {
                let found = expand(text, values);
                let troubles = found.troubles.into_iter().filter(|it| !it.follows(values));
                findings.extend(troubles.map(|it| it.finding(&node.place, &path)));
                found.value
            }
            Value::Bool(_) | Value::Number(_) => node.value.clone(),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
                let cause = format!("the value of {name} is neither text nor number nor boolean");
                refuse(&node.place, cause, "write one text, one number, true or false");
                Value::Text(String::new())
            }
        };
        values.set(name, value);
    }
}

fn is_name(text: &str) -> bool {
    let fits = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
    text.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_') && text.chars().all(fits)
}
