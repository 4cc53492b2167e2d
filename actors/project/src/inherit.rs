//! Assets that extend another one of their kind: what they do not say is as it is there.
//!
//! It is put in before anything else is done with them, so that whoever compiles a project sees whole assets; and
//! every part keeps the place where it was written, so that findings lead there.
//!
//! - A mapping is merged key by key; `null` takes back what the parent says.
//! - A list whose entries all have names is merged entry by entry, and `removed: true` takes one out. Any other
//!   list replaces the parent's, and so does one that is empty.
//! - Where one of several kinds is chosen, another one than the parent's replaces it.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::{Node, Value};
use weir_domain::Finding;

use crate::asset::{Asset, AssetKind};
use crate::library::Library;

pub(crate) const PATH: &str = "metadata.extends";
/// What takes an entry out of a list.
const REMOVED: &str = "removed";

type Key = (AssetKind, String);

/// The name of the asset that this one extends.
pub(crate) fn parent(asset: &Asset) -> Option<&str> {
    asset.document.node(PATH)?.as_str()
}

/// Makes all assets whole. Those that can't be are set aside, which is reported.
pub(crate) fn resolve(library: &mut Library, findings: &mut Vec<Finding>) {
    let extending = library.iter().filter(|it| parent(it).is_some());
    let keys: Vec<Key> = extending.map(|it| (it.kind, it.name.clone())).collect();
    let mut pass = Pass { library, findings, whole: BTreeSet::new() };
    for key in keys {
        pass.make_whole(&key, &mut Vec::new());
    }
}

struct Pass<'a> {
    library: &'a mut Library,
    findings: &'a mut Vec<Finding>,
    whole: BTreeSet<Key>,
}

impl Pass<'_> {
    /// Whether it is whole then.
    fn make_whole(&mut self, key: &Key, below: &mut Vec<String>) -> bool {
        let Ok(asset) = self.library.find(key.0, &key.1) else { return false };
        let Some(name) = parent(asset).filter(|_| !self.whole.contains(key)) else { return true };
        let place = asset.document.place(PATH);
        if !can_extend(key.0) {
            let kind = key.0.with_article();
            let finding =
                Finding::error(2250, place, PATH, format!("{kind} asset extends no other"));
            self.findings.push(finding.with_fix("remove the key, and write out what is meant"));
            self.library.set_aside(key.0, &key.1);
            return false;
        }
        let parent = (key.0, name.to_owned());
        below.push(key.1.clone());
        if below.contains(&parent.1) {
            let from = below.iter().position(|it| *it == parent.1).unwrap_or(0);
            let round = [&below[from..], std::slice::from_ref(&parent.1)].concat().join(" -> ");
            let cause = format!("assets extend each other: {round}");
            let finding = Finding::error(2251, place, PATH, cause);
            self.findings.push(finding.with_fix("let one of them extend no other"));
            self.library.set_aside(key.0, &key.1);
            return false;
        }
        if let Err(missing) = self.library.find(parent.0, &parent.1) {
            self.findings.extend(missing.finding(place, PATH));
            self.library.set_aside(key.0, &key.1);
            return false;
        }
        if !self.make_whole(&parent, below) {
            self.library.set_aside(key.0, &key.1);
            return false;
        }
        self.put_in(key, &parent);
        self.library.extended.insert(parent);
        self.whole.insert(key.clone());
        true
    }

    fn put_in(&mut self, key: &Key, parent: &Key) {
        let spec = |it: &Key| self.library.find(it.0, &it.1).ok().and_then(Asset::spec).cloned();
        let (Some(theirs), Some(own)) = (spec(parent), spec(key)) else { return };
        let mut merge = Merge { findings: self.findings, path: "spec".to_owned() };
        let merged = merge.node(&theirs, &own, Shape::of(key.0));
        let asset = self.library.iter_mut().find(|it| it.kind == key.0 && it.name == key.1);
        if let Some(spec) = asset.and_then(Asset::spec_mut) {
            *spec = merged;
        }
    }
}

fn can_extend(kind: AssetKind) -> bool {
    match kind {
        AssetKind::Environment
        | AssetKind::Format
        | AssetKind::Source
        | AssetKind::Sink
        | AssetKind::Workflow => true,
        // A secret is sealed as a whole, and a test says what it tests.
        AssetKind::Project | AssetKind::Secret | AssetKind::Test => false,
    }
}

/// What a part of an asset is, as far as merging goes.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Plain,
    /// `kind: {configuration}`: another kind is another thing.
    Choice,
    /// `type: …` says what the rest means.
    Format,
    Workflow,
    Stages,
    Stage,
}

impl Shape {
    fn of(kind: AssetKind) -> Self {
        match kind {
            AssetKind::Source | AssetKind::Sink => Self::Choice,
            AssetKind::Format => Self::Format,
            AssetKind::Workflow => Self::Workflow,
            AssetKind::Project | AssetKind::Environment | AssetKind::Secret | AssetKind::Test => {
                Self::Plain
            }
        }
    }

    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Workflow, "stages") => Self::Stages,
            (Self::Stage, "source" | "sink" | "processor") => Self::Choice,
            (_, "format") => Self::Format,
            _ => Self::Plain,
        }
    }

    fn of_entry(self) -> Self {
        if self == Self::Stages { Self::Stage } else { Self::Plain }
    }
}

struct Merge<'f> {
    findings: &'f mut Vec<Finding>,
    path: String,
}

impl Merge<'_> {
    fn node(&mut self, parent: &Node, child: &Node, shape: Shape) -> Node {
        let value = match (&parent.value, &child.value) {
            (Value::Mapping(theirs), Value::Mapping(own)) if !is_another(theirs, own, shape) => {
                Value::Mapping(self.mapping(theirs, own, shape))
            }
            (Value::Sequence(theirs), Value::Sequence(own)) if !own.is_empty() => {
                match (named(theirs), named(own)) {
                    (Some(theirs), Some(own)) => {
                        Value::Sequence(self.entries(&theirs, &own, shape.of_entry()))
                    }
                    _ => child.value.clone(),
                }
            }
            _ => child.value.clone(),
        };
        Node { value, ..child.clone() }
    }

    fn mapping(
        &mut self,
        theirs: &[(String, Node)],
        own: &[(String, Node)],
        shape: Shape,
    ) -> Vec<(String, Node)> {
        let of = |entries: &[(String, Node)], key: &str| entries.iter().position(|it| it.0 == key);
        let mut merged = Vec::new();
        for (key, parent) in theirs {
            let Some((_, child)) = of(own, key).map(|at| &own[at]) else {
                merged.push((key.clone(), parent.clone()));
                continue;
            };
            if child.value != Value::Null {
                let node =
                    self.within(&format!(".{key}"), |it| it.node(parent, child, shape.below(key)));
                merged.push((key.clone(), node));
            }
        }
        merged.extend(own.iter().filter(|it| of(theirs, &it.0).is_none()).cloned());
        merged
    }

    fn entries(
        &mut self,
        theirs: &BTreeMap<&str, (usize, &Node)>,
        own: &BTreeMap<&str, (usize, &Node)>,
        shape: Shape,
    ) -> Vec<Node> {
        let mut merged = Vec::new();
        for (name, parent) in ordered(theirs) {
            match own.get(name) {
                None => merged.push(parent.clone()),
                Some((_, child)) if is_removed(child) => {}
                Some((_, child)) => {
                    let node =
                        self.within(&format!("[{name}]"), |it| it.node(parent, child, shape));
                    merged.push(node);
                }
            }
        }
        for (name, child) in ordered(own) {
            if theirs.contains_key(name) {
                continue;
            }
            if is_removed(child) {
                let cause = format!("there is nothing of the name {name:?} to be removed");
                let finding = Finding::error(2252, child.place.clone(), &self.path, cause);
                self.findings.push(finding.with_fix("remove the entry, or correct its name"));
                continue;
            }
            merged.push(child.clone());
        }
        merged
    }

    fn within<T>(&mut self, step: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(step);
        let done = work(self);
        self.path.truncate(length);
        done
    }
}

fn is_another(theirs: &[(String, Node)], own: &[(String, Node)], shape: Shape) -> bool {
    match shape {
        Shape::Choice => match (theirs, own) {
            ([their], [own]) => their.0 != own.0,
            _ => false,
        },
        Shape::Format => {
            let of = |it: &[(String, Node)]| {
                it.iter().find(|it| it.0 == "type").map(|it| it.1.value.clone())
            };
            of(own).is_some_and(|it| of(theirs) != Some(it))
        }
        Shape::Plain | Shape::Workflow | Shape::Stages | Shape::Stage => false,
    }
}

/// The entries of a list by their names; `None`: some have none, or share one.
pub(crate) fn named(items: &[Node]) -> Option<BTreeMap<&str, (usize, &Node)>> {
    let mut by_name = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let name = item.get("name")?.as_str()?;
        if by_name.insert(name, (at, item)).is_some() {
            return None;
        }
    }
    Some(by_name)
}

fn ordered<'n>(entries: &BTreeMap<&'n str, (usize, &'n Node)>) -> Vec<(&'n str, &'n Node)> {
    let mut entries: Vec<_> =
        entries.iter().map(|(name, (at, node))| (*at, *name, *node)).collect();
    entries.sort_by_key(|it| it.0);
    entries.into_iter().map(|(_, name, node)| (name, node)).collect()
}

fn is_removed(entry: &Node) -> bool {
    entry.get(REMOVED).is_some_and(|it| it.value == Value::Bool(true))
}
