//! Assets that extend another one of their kind: what they do not say is as it is there.
//!
//! It is put in before anything else is done with them, so that whoever compiles a project sees whole assets; and
//! every part keeps the place where it was written, so that findings lead there.
//!
//! - A mapping is merged key by key; `null` takes back what the parent says.
//! - A list whose entries all have names is merged entry by entry, and `removed: true` takes one out. Any other
//!   list replaces the parent's, and so does one that is empty.
//! - Where one of several kinds is chosen, another one than the parent's replaces it.
//!
//! However assets extend each other, the stack and the memory that this takes are bounded: by how many are
//! above one another, and by how much all assets together have from others.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::{Node, Value};
use weir_domain::Finding;

use crate::asset::{Asset, AssetKind};
use crate::library::Library;

pub(crate) const PATH: &str = "metadata.extends";
/// What takes an entry out of a list.
const REMOVED: &str = "removed";
/// How many assets are above one, each extending the next. Nobody can follow more.
const ABOVE_MAX: usize = 64;
/// How many values all assets of a project together have from those that they extend: each of them is a copy.
const INHERITED_MAX: usize = 500_000;
/// How many names of a round are told.
const ROUND_MAX: usize = 8;

type Key = (AssetKind, String);

/// The name of the asset that this one extends.
pub(crate) fn parent(asset: &Asset) -> Option<&str> {
    asset.document.node(PATH)?.as_str()
}

/// Makes all assets whole. Those that can't be are set aside, which is reported.
pub(crate) fn resolve(library: &mut Library, findings: &mut Vec<Finding>) {
    let extending = library.iter().filter(|it| parent(it).is_some());
    let keys: Vec<Key> = extending.map(|it| (it.kind, it.name.clone())).collect();
    let (above, aside) = Default::default();
    let mut pass = Pass { library, findings, above, aside, left: Some(INHERITED_MAX) };
    for key in keys {
        pass.make_whole(key);
    }
}

struct Pass<'a> {
    library: &'a mut Library,
    findings: &'a mut Vec<Finding>,
    /// The assets that are whole, and how many are above each.
    above: BTreeMap<Key, usize>,
    /// Those that can't be made whole.
    aside: BTreeSet<Key>,
    /// How many values may still be inherited; `None`: there were too many, which was reported.
    left: Option<usize>,
}

/// What is to be done before an asset can be made whole.
enum Step {
    /// Its parent is made whole first.
    Up(String),
    /// Nothing: that is how many assets are above it.
    Whole(usize),
    /// It can't be, which was reported.
    Broken,
}

/// Assets of one kind from one to those above it, each extending the next.
#[derive(Default)]
struct Chain {
    names: Vec<String>,
    known: BTreeSet<String>,
}

impl Chain {
    fn push(&mut self, name: String) {
        self.known.insert(name.clone());
        self.names.push(name);
    }
}

impl Pass<'_> {
    fn make_whole(&mut self, (kind, name): Key) {
        let (mut chain, mut name) = (Chain::default(), name);
        let mut above = loop {
            match self.step(kind, &name, &chain) {
                Step::Up(parent) => chain.push(std::mem::replace(&mut name, parent)),
                Step::Whole(above) => break Some(above),
                Step::Broken => {
                    self.set_aside((kind, name.clone()));
                    break None;
                }
            }
        };
        let mut parent = (kind, name);
        for name in chain.names.into_iter().rev() {
            let key = (kind, name);
            above = above.filter(|it| self.put_in(&key, &parent, *it)).map(|it| it + 1);
            match above {
                Some(above) => _ = self.above.insert(key.clone(), above),
                // What is below an asset that is set aside is not judged either.
                None => self.set_aside(key.clone()),
            }
            parent = key;
        }
    }

    fn set_aside(&mut self, key: Key) {
        self.library.set_aside(key.0, &key.1);
        self.aside.insert(key);
    }

    fn step(&mut self, kind: AssetKind, name: &str, below: &Chain) -> Step {
        let key = (kind, name.to_owned());
        if let Some(above) = self.above.get(&key) {
            return Step::Whole(*above);
        }
        if self.aside.contains(&key) {
            return Step::Broken;
        }
        let Ok(asset) = self.library.find(kind, name) else { return Step::Broken };
        let Some(parent) = parent(asset).map(str::to_owned) else { return Step::Whole(0) };
        let place = asset.document.place(PATH);
        if !can_extend(kind) {
            let cause = format!("{} asset extends no other", kind.with_article());
            let finding = Finding::error(2250, place, PATH, cause);
            self.findings.push(finding.with_fix("remove the key, and write out what is meant"));
            return Step::Broken;
        }
        if parent == name || below.known.contains(&parent) {
            let round = round(below, name, &parent);
            let cause = format!("assets extend each other: {round}");
            let finding = Finding::error(2251, place, PATH, cause);
            self.findings.push(finding.with_fix("let one of them extend no other"));
            return Step::Broken;
        }
        if self.aside.contains(&(kind, parent.clone())) {
            return Step::Broken;
        }
        if let Err(missing) = self.library.find(kind, &parent) {
            self.findings.extend(missing.finding(place, PATH));
            return Step::Broken;
        }
        Step::Up(parent)
    }

    /// Makes an asset whole whose parent is. False: it would be too much.
    fn put_in(&mut self, key: &Key, parent: &Key, above: usize) -> bool {
        let find = |it: &Key| self.library.find(it.0, &it.1).ok();
        let (Some(upper), Some(asset)) = (find(parent), find(key)) else { return false };
        let place = || asset.document.place(PATH);
        if above >= ABOVE_MAX {
            let cause = format!("more than {ABOVE_MAX} assets extend each other up to this one");
            let finding = Finding::error(2253, place(), PATH, cause);
            let fix = "extend one that is further up: of those below this one none is judged";
            self.findings.push(finding.with_fix(fix));
            return false;
        }
        if let (Some(theirs), Some(own)) = (upper.spec(), asset.spec()) {
            let Some(left) = self.left else { return false };
            self.left = left.checked_sub(values(theirs));
            if self.left.is_none() {
                let cause = format!(
                    "with this asset the project's assets have more than {INHERITED_MAX} values from those that \
                     they extend"
                );
                let finding = Finding::error(2254, place(), PATH, cause);
                let fix = "extend smaller assets: this one and the others that extend some are not judged";
                self.findings.push(finding.with_fix(fix));
                return false;
            }
            let mut merge = Merge { findings: self.findings, path: "spec".to_owned() };
            let merged = merge.node(theirs, own, Shape::of(key.0));
            if let Some(spec) = self.library.find_mut(key.0, &key.1).and_then(Asset::spec_mut) {
                *spec = merged;
            }
        }
        self.library.extended.insert(parent.clone());
        true
    }
}

fn round(below: &Chain, name: &str, parent: &str) -> String {
    let mut names: Vec<_> = below.names.iter().map(String::as_str).collect();
    names.push(name);
    let from = names.iter().position(|it| *it == parent).unwrap_or(0);
    let mut names = names.split_off(from);
    if names.len() > ROUND_MAX {
        names.splice(ROUND_MAX / 2..names.len() - ROUND_MAX / 2, ["…"]);
    }
    names.push(parent);
    names.join(" -> ")
}

/// How many there are in a part of an asset, itself included. How deep they lie is bounded where texts are read.
fn values(node: &Node) -> usize {
    match &node.value {
        Value::Sequence(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Mapping(entries) => 1 + entries.iter().map(|it| values(&it.1)).sum::<usize>(),
        _ => 1,
    }
}

fn can_extend(kind: AssetKind) -> bool {
    match kind {
        AssetKind::Environment
        | AssetKind::Format
        | AssetKind::Source
        | AssetKind::Sink
        | AssetKind::Workflow => true,
        // A secret is sealed as a whole, a snippet is put in as it stands, and a test says what it tests.
        AssetKind::Project | AssetKind::Secret | AssetKind::Snippet | AssetKind::Test => false,
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
            AssetKind::Project
            | AssetKind::Environment
            | AssetKind::Secret
            | AssetKind::Snippet
            | AssetKind::Test => Self::Plain,
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
        let (place, key_place) = (child.place.clone(), child.key_place.clone());
        Node { value, place, key_place }
    }

    fn mapping(
        &mut self,
        theirs: &[(String, Node)],
        own: &[(String, Node)],
        shape: Shape,
    ) -> Vec<(String, Node)> {
        fn by_key(entries: &[(String, Node)]) -> BTreeMap<&str, &Node> {
            entries.iter().map(|(key, node)| (key.as_str(), node)).collect()
        }
        let (their_keys, own_keys) = (by_key(theirs), by_key(own));
        let mut merged = Vec::new();
        for (key, parent) in theirs {
            let Some(child) = own_keys.get(key.as_str()) else {
                merged.push((key.clone(), parent.clone()));
                continue;
            };
            if child.value != Value::Null {
                let node =
                    self.within(&format!(".{key}"), |it| it.node(parent, child, shape.below(key)));
                merged.push((key.clone(), node));
            }
        }
        merged.extend(own.iter().filter(|it| !their_keys.contains_key(it.0.as_str())).cloned());
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
