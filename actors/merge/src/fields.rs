//! Three versions of one asset become one, field by field. Pure: texts in, a text or conflicts out.
//!
//! Invariants:
//! - F1: what one side alone changed is taken, and what neither changed stays as it is written.
//! - F2: what both changed to different values is a conflict, whatever order they are merged in.
//! - F3: nothing is guessed: a conflict is decided by a resolution that names its field.
//!
//! Mappings are merged by key, lists by the `id` or `name` of their elements, anything else as a
//! whole. The order of a list counts; that of keys is taken from theirs only where nothing of ours
//! is in the way.

mod order;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::path::{FieldPath, Step};
use crate::yaml::{
    Edit, Node, Source, Tree, alike, apply, identity, in_order, items_by_identity, same,
};

/// A field that both sides changed to different values. None: it is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldConflict {
    pub path: FieldPath,
    pub base: Option<Value>,
    pub ours: Option<Value>,
    pub theirs: Option<Value>,
}

/// What is to become of a conflict.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Ours,
    Theirs,
    Value(Value),
}

/// Choices by the written form of the field's path.
pub type Choices = BTreeMap<String, Choice>;

#[derive(Debug, Clone, PartialEq)]
pub enum Merged {
    Text(String),
    Conflicts(Vec<FieldConflict>),
    /// A choice for a field that is in no conflict.
    Stray(String),
    /// One of the texts can't be merged by fields.
    NoFields,
}

/// `base` is none where both sides added the asset.
pub fn merge(base: Option<&str>, ours: &str, theirs: &str, choices: &Choices) -> Merged {
    if ours == theirs || base == Some(theirs) {
        return Merged::Text(ours.to_owned());
    }
    if base == Some(ours) {
        return Merged::Text(theirs.to_owned());
    }
    let (Some(ours), Some(theirs)) = (Tree::read(ours), Tree::read(theirs)) else {
        return Merged::NoFields;
    };
    let base = match base.map(Tree::read) {
        None => None,
        Some(None) => return Merged::NoFields,
        Some(base) => base,
    };
    let mut merge =
        Merge { choices, used: BTreeSet::new(), edits: Vec::new(), conflicts: Vec::new() };
    let sides = Sides {
        base: base.as_ref().map(|it| &it.root),
        ours: Some(&ours.root),
        theirs: Some(&theirs.root),
    };
    let merged = merge.field(&mut Vec::new(), sides);
    if !merge.conflicts.is_empty() {
        return Merged::Conflicts(merge.conflicts);
    }
    if let Some(stray) = choices.keys().find(|it| !merge.used.contains(*it)) {
        return Merged::Stray(stray.clone());
    }
    let merged = merged.unwrap_or_default();
    Merged::Text(apply(&ours, &theirs, merge.edits, &merged))
}

/// One field in all three versions.
#[derive(Clone, Copy)]
struct Sides<'t> {
    base: Option<&'t Node>,
    ours: Option<&'t Node>,
    theirs: Option<&'t Node>,
}

impl<'t> Sides<'t> {
    fn key(self, key: &str) -> Self {
        let get = |it: Option<&'t Node>| it.and_then(|it| it.get(key));
        Self { base: get(self.base), ours: get(self.ours), theirs: get(self.theirs) }
    }

    fn item(self, key: &'static str, name: &str) -> Self {
        let get = |it: Option<&'t Node>| it.and_then(|it| it.item(key, name));
        Self { base: get(self.base), ours: get(self.ours), theirs: get(self.theirs) }
    }

    /// All that are there are mappings, and both sides are there.
    fn are_mappings(self) -> bool {
        let is = |it: Option<&Node>| it.is_some_and(|it| it.entries().is_some());
        is(self.ours) && is(self.theirs) && (self.base.is_none() || is(self.base))
    }

    fn identity(self) -> Option<&'static str> {
        self.ours.and(self.theirs)?;
        identity(&[self.base, self.ours, self.theirs])
    }
}

struct Merge<'c> {
    choices: &'c Choices,
    /// Choices that a conflict asked for.
    used: BTreeSet<String>,
    edits: Vec<Edit>,
    conflicts: Vec<FieldConflict>,
}

impl Merge<'_> {
    /// What the field becomes; none: it goes. Edits are noted for what is not ours.
    fn field(&mut self, path: &mut Vec<Step>, sides: Sides<'_>) -> Option<Value> {
        let Sides { base, ours, theirs } = sides;
        // What says the same may still be in another order.
        let is_ours_untouched = alike(base, ours);
        let is_settled = same(ours, theirs) || same(base, theirs);
        if alike(base, theirs) || alike(ours, theirs) || is_settled && !is_ours_untouched {
            return ours.map(Node::value);
        }
        if is_ours_untouched && reordered(ours, theirs) {
            return self.set(path, sides, Source::Theirs);
        }
        if sides.are_mappings() {
            return Some(self.mapping(path, sides));
        }
        if let Some(key) = sides.identity() {
            let list = self.list(path, sides, key);
            if list.is_some() {
                return list;
            }
        }
        if same(base, ours) {
            return self.set(path, sides, Source::Theirs);
        }
        let name = FieldPath(path.clone()).to_string();
        if let Some(choice) = self.choices.get(&name).cloned() {
            self.used.insert(name);
            return self.chosen(path, sides, choice);
        }
        let value = |it: Option<&Node>| it.map(Node::value);
        self.conflicts.push(FieldConflict {
            path: FieldPath(path.clone()),
            base: value(base),
            ours: value(ours),
            theirs: value(theirs),
        });
        value(ours)
    }

    fn chosen(&mut self, path: &[Step], sides: Sides<'_>, choice: Choice) -> Option<Value> {
        match choice {
            Choice::Ours => sides.ours.map(Node::value),
            Choice::Theirs => self.set(path, sides, Source::Theirs),
            Choice::Value(value) => self.set(path, sides, Source::Value(value)),
        }
    }

    /// Sets what is there, and removes what is not to be there. What is to be put in is noted by the
    /// mapping or list around it, which knows where it belongs.
    fn set(&mut self, path: &[Step], sides: Sides<'_>, source: Source) -> Option<Value> {
        let value = match &source {
            Source::Theirs => sides.theirs.map(Node::value),
            Source::Value(value) => Some(value.clone()),
        };
        match (sides.ours, &value) {
            (Some(_), Some(_)) => self.edits.push(Edit::Set { path: path.to_vec(), source }),
            (Some(_), None) => self.edits.push(Edit::Remove { path: path.to_vec() }),
            (None, _) => {}
        }
        value
    }

    fn mapping(&mut self, path: &mut Vec<Step>, sides: Sides<'_>) -> Value {
        let keys = |it: Option<&Node>| {
            let entries = it.and_then(Node::entries).unwrap_or_default();
            entries.iter().map(|it| it.key.clone()).collect::<Vec<_>>()
        };
        let order = order::merged(&keys(sides.base), &keys(sides.ours), &keys(sides.theirs));
        let mut merged = Map::new();
        let mut previous = None;
        for key in order {
            let step = Step::Key(key.clone());
            let sides = sides.key(&key);
            if let Some(value) = self.child(path, sides, &step, previous.as_ref()) {
                merged.insert(key, value);
                previous = sides.ours.map(|_| step).or(previous);
            }
        }
        Value::Object(merged)
    }

    /// None where the order is in conflict.
    fn list(&mut self, path: &mut Vec<Step>, sides: Sides<'_>, key: &'static str) -> Option<Value> {
        let names = |it| {
            let items = items_by_identity(it, key).into_iter();
            items.map(|it| it.0.to_owned()).collect::<Vec<_>>()
        };
        let (base, ours, theirs) = (names(sides.base), names(sides.ours), names(sides.theirs));
        if !keeps(&base, &ours) || !keeps(&base, &theirs) || !keeps(&ours, &theirs) {
            return None;
        }
        let mut merged = Vec::new();
        let mut previous = None;
        for name in order::merged(&base, &ours, &theirs) {
            let step = Step::Item(key, name.clone());
            let sides = sides.item(key, &name);
            if let Some(value) = self.child(path, sides, &step, previous.as_ref()) {
                merged.push(value);
                previous = sides.ours.map(|_| step).or(previous);
            }
        }
        Some(Value::Array(merged))
    }

    /// `previous` is the one of ours that it follows.
    fn child(
        &mut self,
        path: &mut Vec<Step>,
        sides: Sides<'_>,
        step: &Step,
        previous: Option<&Step>,
    ) -> Option<Value> {
        path.push(step.clone());
        let value = self.field(path, sides);
        if let (None, Some(value)) = (sides.ours, &value) {
            let is_theirs = sides.theirs.is_some_and(|it| it.value() == *value);
            let source = if is_theirs { Source::Theirs } else { Source::Value(value.clone()) };
            let after = previous.cloned();
            self.edits.push(Edit::Insert { path: path.clone(), after, source });
        }
        path.pop();
        value
    }
}

fn keeps(one: &[String], other: &[String]) -> bool {
    in_order(one.iter().map(String::as_str), other.iter().map(String::as_str))
}

/// Whether keys that both have follow each other differently.
fn reordered(one: Option<&Node>, other: Option<&Node>) -> bool {
    let (Some(one), Some(other)) = (one.and_then(Node::entries), other.and_then(Node::entries))
    else {
        return false;
    };
    !in_order(one.iter().map(|it| it.key.as_str()), other.iter().map(|it| it.key.as_str()))
}

#[cfg(test)]
mod tests;
