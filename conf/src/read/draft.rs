//! A working copy of a document that is mended while it is read, so that the first finding does not
//! hide the others.
//!
//! What was reported is taken out or becomes a *hole*: a node that claims to be whatever it is asked
//! for. Nothing that goes wrong because of a hole is ever reported.

use serde::de::Unexpected;

use super::error::name_found;
use super::hole::{ANSWERS, Hole};
use crate::document::{Node, Value};
use crate::path::Step;

#[derive(Clone)]
pub(super) struct Draft<'a> {
    /// The node that this was made from; none for a key that was missing.
    pub node: Option<&'a Node>,
    pub shape: Shape<'a>,
}

#[derive(Clone)]
pub(super) enum Shape<'a> {
    Null,
    Bool(bool),
    Number(&'a serde_json::Number),
    Text(&'a str),
    Sequence(Vec<Draft<'a>>),
    Mapping(Vec<(&'a str, Draft<'a>)>),
    /// Reported already. The number chooses the answer, as not every type takes every answer.
    Hole(u8),
    /// A hole that no answer fits: it is passed over, if that is possible where it stands.
    Gone,
}

impl<'a> Draft<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        let shape = match &node.value {
            Value::Null => Shape::Null,
            Value::Bool(it) => Shape::Bool(*it),
            Value::Number(it) => Shape::Number(it),
            Value::Text(it) => Shape::Text(it),
            Value::Sequence(items) => Shape::Sequence(items.iter().map(Self::of).collect()),
            Value::Mapping(entries) => Shape::Mapping(
                entries.iter().map(|(key, node)| (key.as_str(), Self::of(node))).collect(),
            ),
        };
        Self { node: Some(node), shape }
    }

    pub(super) fn hole() -> Self {
        Self { node: None, shape: Shape::Hole(0) }
    }

    pub(super) fn is_hole(&self) -> bool {
        matches!(self.shape, Shape::Hole(_) | Shape::Gone)
    }

    pub(super) fn is_container(&self) -> bool {
        matches!(self.shape, Shape::Sequence(_) | Shape::Mapping(_))
    }

    pub(super) fn has_hole(&self) -> bool {
        self.is_hole() || self.children().any(|it| it.1.has_hole())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Draft<'a>> {
        match &self.shape {
            Shape::Mapping(entries) => entries.iter().find(|it| it.0 == key).map(|it| &it.1),
            _ => None,
        }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = (Step, &Draft<'a>)> {
        let items = match &self.shape {
            Shape::Sequence(items) => items.as_slice(),
            _ => &[],
        };
        let entries = match &self.shape {
            Shape::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        let items = items.iter().enumerate().map(|(index, it)| (Step::Index(index), it));
        items.chain(entries.iter().map(|(key, it)| (Step::Key((*key).to_owned()), it)))
    }

    /// The node at `steps`, or the last one on the way there.
    pub(super) fn walk(&self, steps: &[Step]) -> (usize, &Draft<'a>) {
        let mut at = self;
        for (depth, step) in steps.iter().enumerate() {
            match at.child(step) {
                Some(child) => at = child,
                None => return (depth, at),
            }
        }
        (steps.len(), at)
    }

    pub(super) fn at_mut(&mut self, steps: &[Step]) -> Option<&mut Draft<'a>> {
        steps.iter().try_fold(self, |at, step| match (step, &mut at.shape) {
            (Step::Key(key), Shape::Mapping(all)) => {
                all.iter_mut().find(|it| it.0 == key).map(|it| &mut it.1)
            }
            (Step::Index(index), Shape::Sequence(all)) => all.get_mut(*index),
            _ => None,
        })
    }

    fn child(&self, step: &Step) -> Option<&Draft<'a>> {
        match (step, &self.shape) {
            (Step::Key(key), _) => self.get(key),
            (Step::Index(index), Shape::Sequence(items)) => items.get(*index),
            (Step::Index(_), _) => None,
        }
    }

    /// Moves every hole below on to its next answer; false when one has no other left.
    pub(super) fn next_answers(&mut self) -> bool {
        match &mut self.shape {
            Shape::Hole(answer) => {
                *answer += 1;
                *answer < ANSWERS
            }
            Shape::Gone => false,
            Shape::Sequence(items) => items.iter_mut().all(Self::next_answers),
            Shape::Mapping(entries) => entries.iter_mut().all(|it| it.1.next_answers()),
            _ => true,
        }
    }

    /// The paths of all nodes below this one, and of this one itself, of which `fits` holds.
    pub(super) fn all(&self, fits: &impl Fn(Option<&Step>, &Draft<'a>) -> bool) -> Vec<Vec<Step>> {
        let mut found = Vec::new();
        if fits(None, self) {
            found.push(Vec::new());
        }
        self.collect(&mut Vec::new(), fits, &mut found);
        found
    }

    fn collect(
        &self,
        path: &mut Vec<Step>,
        fits: &impl Fn(Option<&Step>, &Draft<'a>) -> bool,
        found: &mut Vec<Vec<Step>>,
    ) {
        for (step, child) in self.children() {
            let fit = fits(Some(&step), child);
            path.push(step);
            if fit {
                found.push(path.clone());
            }
            child.collect(path, fits, found);
            path.pop();
        }
    }

    /// How a message names this value.
    pub(super) fn found(&self) -> String {
        name_found(self.unexpected())
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match &self.shape {
            Shape::Bool(it) => Unexpected::Bool(*it),
            Shape::Text(it) => Unexpected::Str(it),
            Shape::Number(it) => match (it.as_u64(), it.as_i64(), it.as_f64()) {
                (Some(it), ..) => Unexpected::Unsigned(it),
                (_, Some(it), _) => Unexpected::Signed(it),
                (.., it) => Unexpected::Float(it.unwrap_or_default()),
            },
            Shape::Null | Shape::Gone => Unexpected::Unit,
            Shape::Sequence(_) => Unexpected::Seq,
            Shape::Mapping(_) => Unexpected::Map,
            Shape::Hole(answer) => Hole::new(*answer).any(),
        }
    }

    /// True if a message of a type's own may be about this value: it shows the value.
    pub(super) fn is_shown_in(&self, message: &str) -> bool {
        match self.unexpected() {
            Unexpected::Str(text) => !text.is_empty() && message.contains(text),
            Unexpected::Unsigned(it) => message.contains(&it.to_string()),
            Unexpected::Signed(it) => message.contains(&it.to_string()),
            Unexpected::Float(it) => message.contains(&it.to_string()),
            _ => false,
        }
    }
}
