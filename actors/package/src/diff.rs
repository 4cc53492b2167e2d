//! The difference of two deployments, down to fields of assets and lines of scripts.
//!
//! Secrets are compared and never shown, not even as ciphertext.

mod fields;
mod lines;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::Digest;

use crate::{Content, Contents, Error, Item, Result};

/// What must change to get from one deployment to the other, by item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    pub changes: Vec<Change>,
    /// The base directories, where they differ: said of where the two come from, and no change of what they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_dir: Option<Moved>,
}

/// One thing in two places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    pub before: String,
    pub after: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "change")]
pub enum Change {
    Added { item: Item },
    Removed { item: Item },
    Changed { item: Item, edits: Vec<Edit> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "edit")]
pub enum Edit {
    FieldAdded {
        path: String,
        after: Value,
    },
    FieldRemoved {
        path: String,
        before: Value,
    },
    FieldChanged {
        path: String,
        before: Value,
        after: Value,
    },
    /// The same keys or elements in another order.
    Reordered {
        path: String,
    },
    /// Lines of a text: of the script itself where the path is empty.
    Lines {
        path: String,
        lines: Vec<Line>,
    },
    /// It differs, and that is all that is said: it is a secret.
    Hidden,
}

/// Numbers of lines start at 1: in the text before for what was removed, in the text after for
/// what was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "line")]
pub enum Line {
    Removed { number: u32, text: String },
    Added { number: u32, text: String },
}

impl Edit {
    /// How the fields of two values differ.
    pub fn between(before: &Value, after: &Value) -> Vec<Self> {
        fields::between(before, after)
    }
}

impl Diff {
    /// `None` is the empty deployment, which all others descend from. The objects that
    /// [`Diff::needed`] names must be there.
    pub fn between(before: Option<&Contents>, after: Option<&Contents>) -> Result<Self> {
        let settings = settings(before.map(|it| &it.content), after.map(|it| &it.content));
        let mut changes: Vec<_> = settings.into_iter().collect();
        let (old, new) = (items(before), items(after));
        let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for item in all {
            let item = item.clone();
            changes.extend(match (old.get(&item), new.get(&item)) {
                (Some(old), Some(new)) if old == new => None,
                (Some(&old), Some(&new)) => {
                    let old = bytes(before, &item, old)?;
                    let new = bytes(after, &item, new)?;
                    let edits = edits(&item, old, new)?;
                    Some(Change::Changed { item, edits })
                }
                (Some(_), None) => Some(Change::Removed { item }),
                (None, _) => Some(Change::Added { item }),
            });
        }
        let base_dir = moved(before.map(|it| &it.content), after.map(|it| &it.content));
        Ok(Self { changes, base_dir })
    }

    /// The objects that a difference of the two is made from: those of items that are in both and
    /// differ.
    pub fn needed(before: &Content, after: &Content) -> BTreeSet<Digest> {
        let new: BTreeMap<_, _> = after.items().collect();
        let differing = before.items().filter_map(|(item, old)| {
            let new = *new.get(&item)?;
            let is_needed = old != new && !matches!(item, Item::Secret(_));
            is_needed.then_some([old, new])
        });
        differing.flatten().collect()
    }
}

fn items(contents: Option<&Contents>) -> BTreeMap<Item, Digest> {
    contents.map(|it| it.content.items().collect()).unwrap_or_default()
}

fn bytes<'c>(contents: Option<&'c Contents>, item: &Item, object: Digest) -> Result<&'c [u8]> {
    let missing = || Error::Missing { used_by: item.clone(), object };
    match item {
        // Its bytes are not looked at.
        Item::Secret(_) => Ok(&[]),
        _ => contents.ok_or_else(missing)?.object(item, object).map(|it| &it[..]),
    }
}

fn edits(item: &Item, before: &[u8], after: &[u8]) -> Result<Vec<Edit>> {
    let malformed = |reason: String| Error::Malformed { what: item.to_string(), reason };
    let json = |bytes: &[u8]| {
        serde_json::from_slice::<Value>(bytes).map_err(|it| malformed(it.to_string()))
    };
    let text = |bytes| std::str::from_utf8(bytes).map_err(|it| malformed(it.to_string()));
    Ok(match item {
        Item::Secret(_) => vec![Edit::Hidden],
        Item::Script(_) => {
            let lines = lines::between(text(before)?, text(after)?);
            vec![Edit::Lines { path: String::new(), lines }]
        }
        Item::Settings
        | Item::Workflow(_)
        | Item::Asset(_)
        | Item::Environment(_)
        | Item::Scheduler
        | Item::Assignments => fields::between(&json(before)?, &json(after)?),
    })
}

/// What is no object of its own.
fn settings(before: Option<&Content>, after: Option<&Content>) -> Option<Change> {
    let (before, after) = (before?, after?);
    let named = |it: &Content| {
        let order: Vec<_> = it.environments.iter().map(|it| it.name.as_str()).collect();
        serde_json::json!({
            "project": it.project.as_str(),
            "environments": order,
        })
    };
    let edits = fields::between(&named(before), &named(after));
    (!edits.is_empty()).then_some(Change::Changed { item: Item::Settings, edits })
}

fn moved(before: Option<&Content>, after: Option<&Content>) -> Option<Moved> {
    let (before, after) = (&before?.base_dir, &after?.base_dir);
    (before != after).then(|| Moved { before: before.clone(), after: after.clone() })
}
