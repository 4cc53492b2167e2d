//! What a syntax tree says about each path: where it is defined, whether it is defined at all, and how
//! much it may expand to. Values are not looked at.

use std::cell::Cell;
use std::collections::BTreeMap;

use ::hocon::parser::{AstField, AstNode, Pos};

use crate::path::Step;

/// Bytes and values that one configuration may expand to.
const WEIGHT_MAX: u64 = 16 << 20;
/// Substitutions that lead to each other, one after the other.
const CHAIN_MAX: usize = 500;
const ASSIGNMENTS_MAX: usize = 500;
/// Steps on the way to one path, through substitutions; whoever needs more is taken to exist.
const LOOKUPS_MAX: usize = 2_000;

/// Everything that is assigned to one path.
#[derive(Default)]
pub(super) struct Tree {
    children: BTreeMap<String, Tree>,
    items: Vec<Tree>,
    /// The last definition: where its key and its value stand.
    key: Option<Pos>,
    value: Option<Pos>,
    assignments: usize,
    /// Substitutions in what is assigned, outside of nested keys.
    refers: Vec<Vec<String>>,
    weight: u64,
    /// By how much references to its own former value multiply it.
    growth: u64,
    sum: Cell<Sum>,
}

#[derive(Clone, Copy, Default)]
enum Sum {
    #[default]
    New,
    Busy,
    Done(u64),
}

#[derive(Debug, PartialEq)]
pub(super) enum TooMuch {
    Assignments(Vec<String>),
    Expansion,
    Chain,
}

impl Tree {
    pub(super) fn of(fields: &[AstField]) -> Self {
        let mut tree = Self::default();
        tree.add_fields(fields, &mut Vec::new());
        tree
    }

    fn add_fields(&mut self, fields: &[AstField], path: &mut Vec<String>) {
        for field in fields {
            let depth = path.len();
            let mut at = &mut *self;
            for key in &field.key {
                at = at.children.entry(key.clone()).or_default();
                at.key = Some(field.pos.clone());
                at.value.get_or_insert_with(|| field.pos.clone());
                path.push(key.clone());
            }
            at.assignments += 1;
            at.value = Some(pos(&field.value).clone());
            let before = at.refers.len();
            at.add_value(&field.value, path);
            let own = at.refers[before..].iter().filter(|it| it.starts_with(path)).count() as u64;
            at.growth = at.growth.max(1).saturating_mul(own.max(1));
            path.truncate(depth);
        }
    }

    fn add_value(&mut self, node: &AstNode, path: &mut Vec<String>) {
        match node {
            AstNode::Object { fields, .. } => self.add_fields(fields, path),
            AstNode::Scalar { value, .. } => self.weight += value.raw.len() as u64 + 16,
            AstNode::Concat { nodes, .. } => nodes.iter().for_each(|it| self.add_value(it, path)),
            AstNode::Substitution { segments, .. } => {
                self.refers.push(segments.iter().map(|it| it.text.clone()).collect());
            }
            AstNode::Array { items, .. } => {
                let mut all = Vec::new();
                for item in items {
                    let at = Some(pos(item).clone());
                    let mut tree = Tree { key: at.clone(), value: at, ..Tree::default() };
                    tree.add_value(item, path);
                    all.push(tree);
                }
                // A reference keeps former elements alive, so their weight stays in the sum.
                self.weight += self.items.iter().map(|it| it.weight).sum::<u64>();
                let former = std::mem::replace(&mut self.items, all);
                self.refers.extend(former.into_iter().flat_map(|it| it.refers));
            }
            AstNode::Include { .. } => {}
        }
    }

    /// False only if nothing can ever stand at `path`.
    pub(super) fn may_have(&self, path: &[String]) -> bool {
        self.may_have_at(self, path, &mut { LOOKUPS_MAX })
    }

    /// As [`Tree::may_have`], but false where the way there has no end.
    fn surely_has(&self, path: &[String]) -> bool {
        let mut fuel = LOOKUPS_MAX;
        self.may_have_at(self, path, &mut fuel) && fuel > 0
    }

    fn may_have_at(&self, at: &Tree, path: &[String], fuel: &mut usize) -> bool {
        let Some((key, rest)) = path.split_first() else { return true };
        if *fuel == 0 {
            return true;
        }
        *fuel -= 1;
        let here = |it: &Tree| self.may_have_at(it, rest, fuel);
        at.children.get(key).is_some_and(here)
            || at.refers.iter().any(|target| {
                let path = [target.as_slice(), path].concat();
                self.may_have_at(self, &path, fuel)
            })
    }

    /// Where to look instead for a path that is not written out, because a substitution stands for a
    /// part of it. None if the path is written out, if nothing is there, or if several could be meant.
    pub(super) fn follow(&self, path: &[String]) -> Option<Vec<String>> {
        let mut at = self;
        let mut found = Vec::new();
        for (depth, key) in path.iter().enumerate() {
            let rest = &path[depth..];
            let there = at.refers.iter().map(|target| [target.as_slice(), rest].concat());
            found.extend(there.filter(|it| self.surely_has(it)));
            match at.children.get(key) {
                Some(child) => at = child,
                None if found.len() == 1 => return found.pop(),
                None => return None,
            }
        }
        None
    }

    /// Where the key and the value at `path` stand, or the nearest that encloses them.
    pub(super) fn locate(&self, path: &[Step]) -> (Option<&Pos>, Option<&Pos>) {
        let mut at = self;
        for (depth, step) in path.iter().enumerate() {
            let child = match step {
                Step::Key(key) => at.children.get(key),
                Step::Index(index) => at.items.get(*index),
            };
            match child {
                Some(child) => at = child,
                None => return self.through(at, &path[depth..]).unwrap_or((at.key(), at.value())),
            }
        }
        (at.key(), at.value())
    }

    /// The place of `rest` in what `at` refers to, if it is written out there.
    fn through<'a>(
        &'a self,
        at: &Tree,
        rest: &[Step],
    ) -> Option<(Option<&'a Pos>, Option<&'a Pos>)> {
        at.refers.iter().rev().find_map(|target| {
            let keys = target.iter().cloned().map(Step::Key);
            let path: Vec<Step> = keys.chain(rest.iter().cloned()).collect();
            let found = path.iter().try_fold(self, |at, step| match step {
                Step::Key(key) => at.children.get(key),
                Step::Index(index) => at.items.get(*index),
            })?;
            Some((found.key(), found.value()))
        })
    }

    fn key(&self) -> Option<&Pos> {
        self.key.as_ref()
    }

    fn value(&self) -> Option<&Pos> {
        self.value.as_ref()
    }

    /// The keys at the top, in the order of the alphabet.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.children.keys().map(String::as_str)
    }

    /// Where the last definition of a path has its key, if the path is written out.
    pub(super) fn key_of(&self, path: &[&str]) -> Option<&Pos> {
        let at = path.iter().try_fold(self, |at, key| at.children.get(*key))?;
        at.key()
    }

    /// All paths that are written out, for suggestions.
    pub(super) fn paths(&self) -> Vec<String> {
        let below = |(key, child): (&String, &Tree)| {
            let key = crate::path::join("", key);
            let inner = child.paths().into_iter().map(|it| format!("{key}.{it}"));
            inner.collect::<Vec<_>>().into_iter().chain([key]).collect::<Vec<_>>()
        };
        self.children.iter().flat_map(below).collect()
    }

    /// True if any substitution leads into the top-level key `root`.
    pub(super) fn refers_to(&self, root: &str) -> bool {
        self.refers.iter().any(|it| it.first().is_some_and(|it| it == root))
            || self.items.iter().chain(self.children.values()).any(|it| it.refers_to(root))
    }

    pub(super) fn check_limits(&self) -> Result<(), TooMuch> {
        self.check_assignments(&mut Vec::new())?;
        match self.sum(self, 0)? {
            it if it > WEIGHT_MAX => Err(TooMuch::Expansion),
            _ => Ok(()),
        }
    }

    fn check_assignments(&self, path: &mut Vec<String>) -> Result<(), TooMuch> {
        if self.assignments > ASSIGNMENTS_MAX {
            return Err(TooMuch::Assignments(path.clone()));
        }
        for (key, child) in &self.children {
            path.push(key.clone());
            child.check_assignments(path)?;
            path.pop();
        }
        Ok(())
    }

    /// An upper bound of what this expands to.
    fn sum(&self, root: &Tree, depth: usize) -> Result<u64, TooMuch> {
        match self.sum.get() {
            Sum::Done(sum) => return Ok(sum),
            // A cycle: the resolver refuses it, or it is a reference to a former value.
            Sum::Busy => return Ok(0),
            Sum::New if depth > CHAIN_MAX => return Err(TooMuch::Chain),
            Sum::New => self.sum.set(Sum::Busy),
        }
        let mut sum = self.weight + 16;
        for child in self.children.values().chain(&self.items) {
            sum = sum.saturating_add(child.sum(root, depth + 1)?);
        }
        for target in &self.refers {
            sum = sum.saturating_add(root.nearest(target).sum(root, depth + 1)?);
        }
        let sum = sum.saturating_mul(self.growth.max(1));
        self.sum.set(Sum::Done(sum));
        Ok(sum)
    }

    fn nearest(&self, path: &[String]) -> &Tree {
        let mut at = self;
        for key in path {
            match at.children.get(key) {
                Some(child) => at = child,
                None => break,
            }
        }
        at
    }
}

fn pos(node: &AstNode) -> &Pos {
    match node {
        AstNode::Object { pos, .. }
        | AstNode::Array { pos, .. }
        | AstNode::Scalar { pos, .. }
        | AstNode::Concat { pos, .. }
        | AstNode::Substitution { pos, .. }
        | AstNode::Include { pos, .. } => pos,
    }
}
