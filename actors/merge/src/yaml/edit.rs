//! Changing fields of a text, and nothing around them.
//!
//! Invariant: what comes out says exactly what was asked for. It is read again; if it says anything
//! else (a layout that nobody thought of), the value is written anew and its comments are lost, but
//! for those at the top.

mod place;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::emit;
use super::tree::{Node, Shape, Tree};
use crate::path::Step;
use place::{Container, Spot};

/// Where a field's new value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// The text at the same path of the other tree.
    Theirs,
    Value(Value),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    Set {
        path: Vec<Step>,
        source: Source,
    },
    Remove {
        path: Vec<Step>,
    },
    /// `after` is the sibling that it follows; none: it comes first.
    Insert {
        path: Vec<Step>,
        after: Option<Step>,
        source: Source,
    },
}

impl Edit {
    fn path(&self) -> &[Step] {
        match self {
            Self::Set { path, .. } | Self::Remove { path } | Self::Insert { path, .. } => path,
        }
    }
}

/// `ours` with the edits in it, which is to say `merged`.
pub(crate) fn apply(ours: &Tree, theirs: &Tree, edits: Vec<Edit>, merged: &Value) -> String {
    let edits = widened(ours, edits, merged);
    let text = splice(ours, theirs, &edits, merged);
    match text.as_deref().and_then(Tree::read) {
        Some(tree) if tree.root.value() == *merged => tree.text,
        _ => anew(ours, merged),
    }
}

fn anew(ours: &Tree, merged: &Value) -> String {
    let mut text = String::new();
    for line in ours.text.lines().take_while(|it| it.is_empty() || it.starts_with('#')) {
        text.push_str(line);
        text.push('\n');
    }
    text + &emit::block(merged, 0) + "\n"
}

/// Where a part can't be changed by itself, the smallest whole around it is set instead.
fn widened(ours: &Tree, edits: Vec<Edit>, merged: &Value) -> Vec<Edit> {
    let places = Places::default();
    let wide = |edit: Edit| match whole(ours, &edit, &places, merged) {
        Some(length) => {
            let path = edit.path()[..length].to_vec();
            let value = places.at(merged, &path).cloned().unwrap_or_default();
            Edit::Set { path, source: Source::Value(value) }
        }
        None => edit,
    };
    let edits: Vec<_> = edits.into_iter().map(wide).collect();
    let sets = edits.iter().filter(|it| matches!(it, Edit::Set { .. }));
    let sets: BTreeSet<_> = sets.map(Edit::path).collect();
    let mut kept: Vec<Edit> = Vec::new();
    let mut by_path: BTreeMap<&[Step], Vec<&Edit>> = BTreeMap::new();
    for edit in &edits {
        let path = edit.path();
        let is_inside = (0..path.len()).any(|it| sets.contains(&path[..it]));
        let same = by_path.entry(path).or_default();
        if !is_inside && !same.contains(&edit) {
            same.push(edit);
            kept.push(edit.clone());
        }
    }
    kept
}

/// How much of the path names what must be set as a whole; none where the edit can be made.
fn whole<'v>(ours: &Tree, edit: &Edit, places: &Places<'v>, merged: &'v Value) -> Option<usize> {
    let path = edit.path();
    let mut node = &ours.root;
    for (length, step) in path.iter().enumerate() {
        if node.is_flow() {
            return Some(length);
        }
        match place::child(node, step) {
            Some(child) => node = child,
            None => break,
        }
    }
    let parent = path.len().checked_sub(1)?;
    let is_set = matches!(edit, Edit::Set { .. });
    let is_empty = places.at(merged, &path[..parent]).is_some_and(|it| match it {
        Value::Object(entries) => entries.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    });
    let stands_alone = || Spot::of(ours, path).is_some_and(|it| it.is_first_in_line(ours));
    let is_removal = matches!(edit, Edit::Remove { .. });
    (!is_set && is_empty || is_removal && !stands_alone()).then_some(parent)
}

/// The elements of a list by name.
type Names<'v> = HashMap<&'v str, &'v Value>;

/// Those of the lists that were asked for, by the list and the key that tells elements apart.
#[derive(Default)]
struct Places<'v>(RefCell<HashMap<(*const Value, &'static str), Names<'v>>>);

impl<'v> Places<'v> {
    fn at(&self, value: &'v Value, path: &[Step]) -> Option<&'v Value> {
        path.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Item(key, name) => {
                let items = value.as_array()?;
                let mut lists = self.0.borrow_mut();
                let list = lists.entry((std::ptr::from_ref(value), *key)).or_insert_with(|| {
                    let named = |it: &'v Value| Some((it.get(*key)?.as_str()?, it));
                    items.iter().rev().filter_map(named).collect()
                });
                list.get(name.as_str()).copied()
            }
        })
    }
}

/// A part of a text, and what comes instead of it. Deeper ones come first where they touch.
struct Splice {
    start: usize,
    end: usize,
    depth: usize,
    text: String,
}

fn splice(ours: &Tree, theirs: &Tree, edits: &[Edit], merged: &Value) -> Option<String> {
    let mut splices: Vec<Splice> = Vec::new();
    for edit in edits {
        if edit.path().is_empty() {
            let Edit::Set { source, .. } = edit else { return None };
            return Some(match source {
                Source::Theirs => theirs.text.clone(),
                Source::Value(value) if ours.root.is_flow() => {
                    let (before, after) =
                        (&ours.text[..ours.root.start], &ours.text[ours.root.end..]);
                    format!("{before}{}{after}", emit::flow(value))
                }
                Source::Value(_) => anew(ours, merged),
            });
        }
        splices.push(match edit {
            Edit::Set { path, source } => set(ours, theirs, path, source)?,
            Edit::Remove { path } => remove(ours, path)?,
            Edit::Insert { path, after, source } => {
                insert(ours, theirs, path, after.as_ref(), source)?
            }
        });
    }
    // Stable: what is inserted at one place keeps its order.
    splices.sort_by_key(|it| (it.start, it.end > it.start, usize::MAX - it.depth));
    let mut text = String::with_capacity(ours.text.len());
    let mut done = 0;
    for it in splices {
        // Two that go may both claim the blank line between them.
        let start = if it.text.is_empty() { it.start.max(done) } else { it.start };
        text.push_str(ours.text.get(done..start)?);
        text.push_str(&it.text);
        done = it.end.max(done);
    }
    text.push_str(ours.text.get(done..)?);
    Some(text)
}

fn set(ours: &Tree, theirs: &Tree, path: &[Step], source: &Source) -> Option<Splice> {
    let spot = Spot::of(ours, path)?;
    let node = spot.node;
    let is_line = |tree: &Tree, it: &Node| {
        let is_single = !tree.text[it.start..it.end].contains('\n');
        is_single && (it.is_flow() || matches!(it.shape, Shape::Scalar(_)))
    };
    if let Source::Value(value) = source
        && node.is_flow()
    {
        let text = emit::flow(value);
        return Some(Splice { start: node.start, end: node.end, depth: path.len(), text });
    }
    let line = match source {
        Source::Theirs => {
            let theirs_node = place::node(theirs, path)?;
            let text = &theirs.text[theirs_node.start..theirs_node.end];
            is_line(theirs, theirs_node).then(|| text.to_owned())
        }
        Source::Value(Value::Object(it)) if !it.is_empty() => None,
        Source::Value(Value::Array(it)) if !it.is_empty() => None,
        Source::Value(value) => Some(emit::flow(value)),
    };
    if let Some(line) = line
        && is_line(ours, node)
    {
        let line = if line.is_empty() { "null".to_owned() } else { line };
        let is_empty = node.start == node.end;
        let text = if is_empty { format!(" {line}") } else { line };
        return Some(Splice { start: node.start, end: node.end, depth: path.len(), text });
    }
    let text = spot.text(ours, theirs, path, source, false)?;
    // A comment behind what now has several lines would end up somewhere else.
    let end = if text.contains('\n') { place::end_with_comment(ours, node.end) } else { node.end };
    Some(Splice { start: spot.start, end, depth: path.len(), text })
}

fn remove(ours: &Tree, path: &[Step]) -> Option<Splice> {
    let spot = Spot::of(ours, path)?;
    let start = match spot.is_first_child {
        true => place::line_start(ours, spot.start),
        false => place::above(ours, spot.start),
    };
    let mut end = place::line_end(ours, spot.node.end) + 1;
    // What set it apart from the next one goes with it.
    while spot.is_first_child && ours.text[end..].starts_with('\n') {
        end += 1;
    }
    Some(Splice { start, end, depth: path.len(), text: String::new() })
}

fn insert(
    ours: &Tree,
    theirs: &Tree,
    path: &[Step],
    after: Option<&Step>,
    source: &Source,
) -> Option<Splice> {
    let (_, parent) = path.split_last()?;
    let container = Container::of(ours, parent)?;
    let indent = " ".repeat(container.column);
    let spot = Spot { start: container.start, node: container.node, is_first_child: false };
    let depth = path.len();
    let Some(after) = after else {
        let text = spot.text(ours, theirs, path, source, false)?;
        let (start, text) = match spot.is_first_in_line(ours) {
            true => (place::line_start(ours, container.start), format!("{indent}{text}\n")),
            false => (container.start, format!("{text}\n{indent}")),
        };
        return Some(Splice { start, end: start, depth, text });
    };
    let text = spot.text(ours, theirs, path, source, true)?;
    let start = place::line_end(ours, place::child(container.node, after)?.end) + 1;
    let (blank, text) = match text.strip_prefix('\n') {
        Some(rest) => ("\n", rest.to_owned()),
        None => ("", text),
    };
    Some(Splice { start, end: start, depth, text: format!("{blank}{indent}{text}\n") })
}
