//! The tree of a text with the span of every node, and how two trees compare.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

/// Keys that tell the elements of lists apart, as differences of deployments know them.
const IDENTITIES: [&str; 2] = ["id", "name"];

/// In shorter ones a part is found as fast by looking at each.
const INDEXED_MIN: usize = 16;

/// A text and what it holds. The text ends with a line break.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) text: String,
    pub(crate) root: Node,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) shape: Shape,
    /// Bytes of the text, without what follows in the same line.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Where each part is, by its identity and name; of a mapping, by nothing and its key. Made when
    /// it is asked for.
    index: OnceCell<HashMap<(&'static str, String), usize>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Scalar(Value),
    Sequence { flow: bool, items: Vec<Node> },
    Mapping { flow: bool, entries: Vec<Entry> },
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_start: usize,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn new(shape: Shape, start: usize, end: usize) -> Self {
        Self { shape, start, end, index: OnceCell::new() }
    }

    pub(crate) fn value(&self) -> Value {
        match &self.shape {
            Shape::Scalar(value) => value.clone(),
            Shape::Sequence { items, .. } => items.iter().map(Self::value).collect(),
            Shape::Mapping { entries, .. } => {
                let entries = entries.iter().map(|it| (it.key.clone(), it.node.value()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.shape {
            Shape::Mapping { entries, .. } => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Node]> {
        match &self.shape {
            Shape::Sequence { items, .. } => Some(items),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.entry(key)?.node)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        let entries = self.entries()?;
        if entries.len() < INDEXED_MIN {
            return entries.iter().find(|it| it.key == key);
        }
        entries.get(self.position("", key)?)
    }

    pub(crate) fn is_flow(&self) -> bool {
        matches!(self.shape, Shape::Sequence { flow: true, .. } | Shape::Mapping { flow: true, .. })
    }

    /// The element of a list whose identity this is.
    pub(crate) fn item(&self, key: &'static str, name: &str) -> Option<&Node> {
        let items = self.items()?;
        if items.len() < INDEXED_MIN {
            return items.iter().find(|it| text(it, key) == Some(name));
        }
        items.get(self.position(key, name)?)
    }

    fn position(&self, key: &'static str, name: &str) -> Option<usize> {
        let index = self.index.get_or_init(|| {
            let mut index = HashMap::new();
            let mut note = |key, name: &str, at| {
                index.entry((key, name.to_owned())).or_insert(at);
            };
            for (at, entry) in self.entries().unwrap_or_default().iter().enumerate() {
                note("", &entry.key, at);
            }
            for (at, item) in self.items().unwrap_or_default().iter().enumerate() {
                for key in IDENTITIES {
                    if let Some(name) = text(item, key) {
                        note(key, name, at);
                    }
                }
            }
            index
        });
        index.get(&(key, name.to_owned())).copied()
    }
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match &node.get(key)?.shape {
        Shape::Scalar(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The key that tells the elements of all these lists apart; none where one of them is no such list.
pub(crate) fn identity(lists: &[Option<&Node>]) -> Option<&'static str> {
    let lists: Vec<_> = lists.iter().flatten().map(|it| it.items()).collect::<Option<_>>()?;
    if lists.iter().all(|it| it.is_empty()) {
        return None;
    }
    IDENTITIES.into_iter().find(|key| lists.iter().all(|it| tells_apart(it, key)))
}

fn tells_apart(items: &[Node], key: &str) -> bool {
    let mut names: Vec<_> = items.iter().filter_map(|it| text(it, key)).collect();
    names.sort_unstable();
    names.dedup();
    names.len() == items.len()
}

/// The elements of a list by name, in its order.
pub(crate) fn items_by_identity<'n>(list: Option<&'n Node>, key: &str) -> Vec<(&'n str, &'n Node)> {
    let items = list.and_then(Node::items).unwrap_or_default();
    items.iter().filter_map(|it| Some((text(it, key)?, it))).collect()
}

/// Whether both say the same. Mappings have no order.
pub(crate) fn same(one: Option<&Node>, other: Option<&Node>) -> bool {
    equal(one, other, false)
}

/// Whether both say the same in the same order.
pub(crate) fn alike(one: Option<&Node>, other: Option<&Node>) -> bool {
    equal(one, other, true)
}

fn equal(one: Option<&Node>, other: Option<&Node>, ordered: bool) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
    match (&one.shape, &other.shape) {
        (Shape::Scalar(one), Shape::Scalar(other)) => one == other,
        (Shape::Sequence { items: one, .. }, Shape::Sequence { items: other, .. }) => {
            let equal = |(one, other)| equal(Some(one), Some(other), ordered);
            one.len() == other.len() && one.iter().zip(other).all(equal)
        }
        (Shape::Mapping { entries: one, .. }, Shape::Mapping { entries: others, .. }) => {
            let is_kept = |(at, it): (usize, &Entry)| {
                let is_here = !ordered || others.get(at).is_some_and(|other| other.key == it.key);
                is_here && equal(Some(&it.node), other.get(&it.key), ordered)
            };
            one.len() == others.len() && one.iter().enumerate().all(is_kept)
        }
        _ => false,
    }
}

/// Whether what both have follows each other in the same order.
pub(crate) fn in_order<'n>(
    one: impl IntoIterator<Item = &'n str>,
    other: impl IntoIterator<Item = &'n str>,
) -> bool {
    let one: Vec<_> = one.into_iter().collect();
    let other: Vec<_> = other.into_iter().collect();
    let (ones, others): (HashSet<_>, HashSet<_>) =
        (one.iter().copied().collect(), other.iter().copied().collect());
    let kept = one.iter().filter(|it| others.contains(**it));
    kept.eq(other.iter().filter(|it| ones.contains(**it)))
}
