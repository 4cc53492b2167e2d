//! Paths inside a configuration: written by kinds as `rules[2].when`, walked in the tree as steps.

use weir_conf::{Node, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Writes steps as a path; odd keys are quoted, as in `set."origin.city"`.
pub(crate) fn write(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&written_key(key));
            }
        }
    }
    text
}

/// `base` and, below it, `path`; either may be empty.
pub(crate) fn join(base: &str, path: &str) -> String {
    match (base, path) {
        ("", it) | (it, "") => it.to_owned(),
        (base, path) if path.starts_with('[') => format!("{base}{path}"),
        (base, path) => format!("{base}.{path}"),
    }
}

fn written_key(key: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
    if !key.is_empty() && key.chars().all(is_plain) { key.to_owned() } else { format!("{key:?}") }
}

/// The steps from `node` along a path, as far as there is something. A kind need not quote keys:
/// of the keys that fit, the longest is meant.
pub(crate) fn follow(node: &Node, path: &str) -> Vec<Step> {
    let (mut node, mut rest, mut steps) = (node, path, Vec::new());
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let next = match &node.value {
            Value::Mapping(entries) => next_key(entries, rest),
            Value::Sequence(items) => next_item(items, rest),
            _ => None,
        };
        let Some((step, child, after)) = next else { break };
        (node, rest) = (child, after);
        steps.push(step);
    }
    steps
}

type Next<'n, 'p> = Option<(Step, &'n Node, &'p str)>;

fn next_key<'n, 'p>(entries: &'n [(String, Node)], rest: &'p str) -> Next<'n, 'p> {
    let after = |key: &str| {
        let plain = rest.strip_prefix(key);
        let after = plain.or_else(|| rest.strip_prefix(format!("{key:?}").as_str()))?;
        (after.is_empty() || after.starts_with(['.', '['])).then_some(after)
    };
    let fitting = entries.iter().filter_map(|(key, node)| Some((key, node, after(key)?)));
    let (key, node, after) = fitting.max_by_key(|it| it.0.len())?;
    Some((Step::Key(key.clone()), node, after))
}

fn next_item<'n, 'p>(items: &'n [Node], rest: &'p str) -> Next<'n, 'p> {
    let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
    let index = index.parse().ok()?;
    Some((Step::Index(index), items.get(index)?, after))
}

/// The node at the end of the steps, or the last one on the way there.
pub(crate) fn nearest<'n>(node: &'n Node, steps: &[Step]) -> &'n Node {
    let mut at = node;
    for step in steps {
        let child = match (step, &at.value) {
            (Step::Key(key), _) => at.get(key),
            (Step::Index(index), Value::Sequence(items)) => items.get(*index),
            (Step::Index(_), _) => None,
        };
        let Some(child) = child else { break };
        at = child;
    }
    at
}
