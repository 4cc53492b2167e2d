//! References between assets: a stage names a source or a sink, those name a format.

use std::collections::BTreeSet;

use weir_conf::{Document, Node, Value};
use weir_domain::plan::Role;
use weir_domain::{Finding, Place};

use crate::asset::{Asset, AssetKind};
use crate::config::Config;
use crate::library::{Library, Missing};
use crate::path::Step;

/// A kind and its configuration, with the format in its place.
pub(crate) struct Resolved {
    pub(crate) kind: String,
    pub(crate) config: Config,
}

impl Resolved {
    /// Stands for what can't be resolved: of no kind, and nothing is said about it.
    pub(crate) fn nothing(node: &Node, path: &str) -> Self {
        let root = Node::new(Value::Null, node.place.clone());
        Self { kind: String::new(), config: Config::new(root, path) }
    }
}

/// Resolves references, and remembers which assets were referred to and where that failed.
pub(crate) struct References<'l> {
    library: &'l Library,
    used: BTreeSet<(AssetKind, &'l str)>,
    /// Since the last `take_recent`.
    recent: BTreeSet<(AssetKind, &'l str)>,
    /// Places of values that were reported: what else is wrong with them follows from it.
    pub(crate) broken: BTreeSet<Place>,
}

impl<'l> References<'l> {
    pub(crate) fn new(library: &'l Library, broken: BTreeSet<Place>) -> Self {
        Self { library, used: BTreeSet::new(), recent: BTreeSet::new(), broken }
    }

    /// The assets of a kind that nothing referred to.
    pub(crate) fn unused(&self, kind: AssetKind) -> Vec<&'l Asset> {
        let is_unused = |it: &&Asset| !self.used.contains(&(kind, it.name.as_str()));
        self.library.of_kind(kind).filter(is_unused).collect()
    }

    /// The assets that were referred to since this was last asked.
    pub(crate) fn take_recent(&mut self) -> BTreeSet<(AssetKind, &'l str)> {
        std::mem::take(&mut self.recent)
    }

    /// Resolves what a stage has in a slot: the name of an asset, or a kind and its configuration.
    pub(crate) fn resolve(
        &mut self,
        document: &Document,
        role: Role,
        slot: &Node,
        path: &str,
        findings: &mut Vec<Finding>,
    ) -> Option<Resolved> {
        let kind = match role {
            Role::Source => AssetKind::Source,
            Role::Sink => AssetKind::Sink,
            Role::Operator => return self.written(document, slot, path, findings),
        };
        let Some(name) = slot.as_str() else {
            return self.written(document, slot, path, findings);
        };
        match self.find(kind, name) {
            Ok(asset) => self.asset(asset, findings),
            Err(missing) => {
                self.refuse(missing, slot, path, findings);
                None
            }
        }
    }

    /// Resolves a source or sink asset.
    pub(crate) fn asset(
        &mut self,
        asset: &'l Asset,
        findings: &mut Vec<Finding>,
    ) -> Option<Resolved> {
        self.written(&asset.document, asset.spec()?, "spec", findings)
    }

    /// Resolves `kind: {configuration}`.
    fn written(
        &mut self,
        document: &Document,
        node: &Node,
        path: &str,
        findings: &mut Vec<Finding>,
    ) -> Option<Resolved> {
        let entries = match &node.value {
            Value::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        let [(kind, config)] = entries else {
            if !self.broken.contains(&node.place) {
                let cause = match entries.len() {
                    0 => "no kind is named here".to_owned(),
                    n => format!("{n} kinds are named here"),
                };
                let finding = document.finding(2222, path, cause);
                let fix = "write exactly one kind with its configuration below it, as file: {…}";
                findings.push(finding.with_fix(fix));
            }
            return None;
        };
        let mut root = config.clone();
        if matches!(root.value, Value::Null) {
            root.value = Value::Mapping(Vec::new());
        }
        let mut config = Config::new(root, format!("{path}.{kind}"));
        self.put_format(&mut config, findings);
        Some(Resolved { kind: kind.clone(), config })
    }

    /// Replaces the name of a format by the format.
    pub(crate) fn put_format(&mut self, config: &mut Config, findings: &mut Vec<Finding>) {
        let Some(node) = config.root.get("format").cloned() else { return };
        let Some(name) = node.as_str() else { return };
        match self.find(AssetKind::Format, name) {
            Ok(asset) => {
                // A format without a spec was reported; its name stays and is known to be wrong.
                match asset.spec() {
                    Some(spec) => config.replace("format", spec.clone(), "spec"),
                    None => _ = self.broken.insert(node.place.clone()),
                }
            }
            Err(missing) => {
                let path = config.written(&crate::path::write(&[Step::Key("format".into())]));
                self.refuse(missing, &node, &path, findings);
            }
        }
    }

    fn find(&mut self, kind: AssetKind, name: &str) -> Result<&'l Asset, Missing> {
        let asset = self.library.find(kind, name)?;
        self.used.insert((kind, &asset.name));
        self.recent.insert((kind, &asset.name));
        Ok(asset)
    }

    fn refuse(&mut self, missing: Missing, node: &Node, path: &str, findings: &mut Vec<Finding>) {
        // A name that could not be put in was reported as that.
        if self.broken.insert(node.place.clone()) {
            findings.extend(missing.finding(node.place.clone(), path));
        }
    }
}
