//! The values that a project's environments define.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::Value;
use weir_domain::{AssetName, Finding, Place, did_you_mean};

use crate::asset::{Asset, AssetKind};
use crate::files::PROJECT_FILE;
use crate::library::Library;
use crate::path::{self, Step};
use crate::spec::{EnvironmentSpec, ProjectSpec};
use crate::substitute::expand;

/// Names and what they stand for, of all environments together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    by_name: BTreeMap<String, Value>,
    /// Names whose values were given from outside: what environments say of them does not count.
    given: BTreeSet<String>,
    /// Some environments can't be read, which was reported: names that are missing may be theirs.
    pub(crate) is_partial: bool,
}

impl Values {
    /// Values that take the place of those of environments.
    pub(crate) fn given(values: &serde_json::Map<String, serde_json::Value>) -> Self {
        let mut all = Self::default();
        for (name, value) in values {
            let value = match value {
                serde_json::Value::Bool(it) => Value::Bool(*it),
                serde_json::Value::Number(it) => Value::Number(it.clone()),
                serde_json::Value::String(it) => Value::Text(it.clone()),
                other => Value::Text(other.to_string()),
            };
            all.set(name, value);
            all.given.insert(name.clone());
        }
        all
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.by_name.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if !self.given.contains(name) {
            self.by_name.insert(name.to_owned(), value);
        }
    }
}

/// Reads all environments, and takes the values of those that the project lists, in its order.
pub(crate) fn values(
    project: &Asset,
    spec: Option<&ProjectSpec>,
    (library, given): (&Library, Values),
    findings: &mut Vec<Finding>,
) -> Values {
    let mut listed = BTreeSet::new();
    let mut values = Values { is_partial: spec.is_none(), ..given };
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

/// Puts the values of environments that were chosen from outside behind those of the project's own list.
pub(crate) fn choose(
    chosen: &[AssetName],
    values: &mut Values,
    library: &Library,
    findings: &mut Vec<Finding>,
) {
    for name in last(chosen) {
        match library.find(AssetKind::Environment, name.as_str()) {
            // What is wrong with it was said when all of them were read.
            Ok(asset) => define(asset, values, &mut Vec::new()),
            Err(missing) => {
                values.is_partial = true;
                findings.extend(missing.finding(Place::file(PROJECT_FILE), ""));
            }
        }
    }
}

/// Each once, where it was chosen last.
pub(crate) fn last(chosen: &[AssetName]) -> impl Iterator<Item = &AssetName> {
    let is_last = |(at, name): &(usize, &AssetName)| !chosen[at + 1..].contains(name);
    chosen.iter().enumerate().filter(is_last).map(|it| it.1)
}

/// Names that were given from outside, and that no environment defines and no asset uses.
pub(crate) fn strangers(
    given: &serde_json::Map<String, serde_json::Value>,
    library: &Library,
) -> Vec<Finding> {
    let environments = library.of_kind(AssetKind::Environment);
    let values = environments.filter_map(|it| match &it.document.node("spec.values")?.value {
        Value::Mapping(entries) => Some(entries),
        _ => None,
    });
    let names: BTreeSet<&str> = values.flatten().map(|it| it.0.as_str()).collect();
    let texts: Vec<_> = library.iter().map(|it| it.document.to_json().to_string()).collect();
    let is_used = |name: &str| {
        let (whole, or) = (format!("${{env:{name}}}"), format!("${{env:{name}:-"));
        texts.iter().any(|it| it.contains(&whole) || it.contains(&or))
    };
    let strange = given.keys().filter(|it| !names.contains(it.as_str()) && !is_used(it));
    let finding = |name: &String| {
        let cause = format!("no environment of the project defines {name}, and nothing uses it");
        let fix = match did_you_mean(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "remove it".to_owned(),
        };
        Finding::error(2249, Place::default(), "", cause).with_fix(fix)
    };
    strange.map(finding).collect()
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
