//! Where fields stand in a text: with their keys and dashes, their lines, and comments above.

use serde_json::Value;

use super::Source;
use crate::path::Step;
use crate::yaml::emit;
use crate::yaml::tree::{Node, Shape, Tree};

pub(super) fn child<'n>(node: &'n Node, step: &Step) -> Option<&'n Node> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Item(key, name) => node.item(key, name),
    }
}

pub(super) fn node<'t>(tree: &'t Tree, path: &[Step]) -> Option<&'t Node> {
    path.iter().try_fold(&tree.root, child)
}

/// A field with its key, or an element with its dash.
pub(super) struct Spot<'t> {
    pub(super) start: usize,
    pub(super) node: &'t Node,
    pub(super) is_first_child: bool,
}

impl<'t> Spot<'t> {
    pub(super) fn of(tree: &'t Tree, path: &[Step]) -> Option<Self> {
        let (step, parent) = path.split_last()?;
        let parent = node(tree, parent)?;
        let child = child(parent, step)?;
        let (start, first) = match &parent.shape {
            Shape::Mapping { entries, flow: false } => {
                let Step::Key(key) = step else { return None };
                (parent.entry(key)?.key_start, entries[0].key_start)
            }
            Shape::Sequence { items, flow: false } => {
                (dash(tree, child.start)?, dash(tree, items[0].start)?)
            }
            _ => return None,
        };
        Some(Self { start, node: child, is_first_child: start == first })
    }

    pub(super) fn is_first_in_line(&self, tree: &Tree) -> bool {
        tree.text[line_start(tree, self.start)..self.start].bytes().all(|it| it == b' ')
    }

    /// What is to stand here, from its key or dash on, its later lines at our column. `wide`: with
    /// the comments above it, and a blank line before them.
    pub(super) fn text(
        &self,
        ours: &Tree,
        theirs: &Tree,
        path: &[Step],
        source: &Source,
        wide: bool,
    ) -> Option<String> {
        let to = column(ours, self.start);
        let copied = match source {
            Source::Theirs => copy(theirs, path, to, wide),
            Source::Value(_) => None,
        };
        if copied.is_some() {
            return copied;
        }
        let value = match source {
            Source::Theirs => node(theirs, path)?.value(),
            Source::Value(value) => value.clone(),
        };
        Some(match path.last()? {
            Step::Key(key) => {
                let key = emit::flow(&Value::String(key.clone()));
                format!("{key}:{}", emit::after_key(&value, to))
            }
            Step::Item(..) => emit::item(&value, to),
        })
    }
}

/// The text of a field of theirs, moved to our column; none where it has no lines of its own.
fn copy(theirs: &Tree, path: &[Step], to: usize, wide: bool) -> Option<String> {
    let spot = Spot::of(theirs, path)?;
    let from = column(theirs, spot.start);
    let (mut start, mut blank) = (spot.start, "");
    if wide && spot.is_first_in_line(theirs) && !spot.is_first_child {
        let lines = above(theirs, spot.start);
        let whole = &theirs.text[lines..spot.start];
        blank = if whole.starts_with('\n') { "\n" } else { "" };
        start = lines + (whole.len() - whole.trim_start().len());
    }
    let end = end_with_comment(theirs, spot.node.end);
    let text = theirs.text[start..end].trim_end();
    Some(format!("{blank}{}", moved(text, from, to)))
}

/// The lines behind the first one, moved from one column to another.
fn moved(text: &str, from: usize, to: usize) -> String {
    let mut lines = text.split('\n');
    let mut moved = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        moved.push('\n');
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if blanks < line.len() {
            moved.push_str(&" ".repeat(to));
            moved.push_str(&line[blanks.min(from)..]);
        }
    }
    moved
}

/// A mapping or list in lines of its own, which something is to be put into.
pub(super) struct Container<'t> {
    pub(super) node: &'t Node,
    /// Its first key or dash.
    pub(super) start: usize,
    pub(super) column: usize,
}

impl<'t> Container<'t> {
    pub(super) fn of(tree: &'t Tree, path: &[Step]) -> Option<Self> {
        let node = node(tree, path)?;
        let start = match &node.shape {
            Shape::Mapping { entries, flow: false } => entries.first()?.key_start,
            Shape::Sequence { items, flow: false } => dash(tree, items.first()?.start)?,
            _ => return None,
        };
        Some(Self { node, start, column: column(tree, start) })
    }
}

/// The dash before an element.
fn dash(tree: &Tree, start: usize) -> Option<usize> {
    let before = tree.text.get(..start)?.trim_end();
    before.ends_with('-').then(|| before.len() - 1)
}

pub(super) fn line_start(tree: &Tree, at: usize) -> usize {
    tree.text[..at].rfind('\n').map_or(0, |it| it + 1)
}

/// Of the line break.
pub(super) fn line_end(tree: &Tree, at: usize) -> usize {
    tree.text[at..].find('\n').map_or(tree.text.len() - 1, |it| at + it)
}

fn column(tree: &Tree, at: usize) -> usize {
    tree.text[line_start(tree, at)..at].chars().count()
}

/// With the comment behind it in the same line.
pub(super) fn end_with_comment(tree: &Tree, end: usize) -> usize {
    let line_end = line_end(tree, end);
    let rest = &tree.text[end..line_end];
    let is_comment = rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']);
    if is_comment { line_end } else { end }
}

/// Where the lines begin that belong to what stands here: comments at its column, and one blank
/// line above.
pub(super) fn above(tree: &Tree, at: usize) -> usize {
    let column = column(tree, at);
    let mut start = line_start(tree, at);
    while start > 0 {
        let previous = line_start(tree, start - 1);
        let line = &tree.text[previous..start - 1];
        if line.trim().is_empty() {
            return previous;
        }
        let is_ours =
            line.trim_start().starts_with('#') && line.len() - line.trim_start().len() == column;
        if !is_ours {
            break;
        }
        start = previous;
    }
    start
}
