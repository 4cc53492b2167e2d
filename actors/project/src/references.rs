//! References between assets: a stage names a source or a sink, those name a format; and to files:
//! a processor names the script that it runs, and gets its text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use weir_conf::{Document, Node, Value};
use weir_domain::plan::Role;
use weir_domain::{Finding, Place};

use crate::asset::{Asset, AssetKind};
use crate::config::Config;
use crate::files;
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
    /// The project's directory.
    root: &'l Path,
    used: BTreeSet<(AssetKind, &'l str)>,
    /// Since the last `take_recent`.
    recent: BTreeSet<(AssetKind, &'l str)>,
    /// Places of values that were reported: what else is wrong with them follows from it.
    pub(crate) broken: BTreeSet<Place>,
    /// The texts of the files that were referred to, by their paths.
    pub(crate) scripts: BTreeMap<String, String>,
    /// Those since the last `take_recent_scripts`.
    recent_scripts: BTreeSet<String>,
}

impl<'l> References<'l> {
    pub(crate) fn new(library: &'l Library, root: &'l Path, broken: BTreeSet<Place>) -> Self {
        let (used, recent, scripts, recent_scripts) = Default::default();
        Self { library, root, used, recent, broken, scripts, recent_scripts }
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

    /// The files that were referred to since this was last asked.
    pub(crate) fn take_recent_scripts(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.recent_scripts)
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
            Role::Operator => {
                let mut resolved = self.written(document, slot, path, findings)?;
                self.put_script(&mut resolved.config, findings);
                return Some(resolved);
            }
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

    /// Puts the text of a script beside the name of its file: `script: { file: scripts/x.js }`.
    fn put_script(&mut self, config: &mut Config, findings: &mut Vec<Finding>) {
        let Some(script) = config.root.get("script") else { return };
        let Some(file) = script.get("file").filter(|_| script.get("text").is_none()) else {
            return;
        };
        let Some(path) = file.as_str().map(str::to_owned) else { return };
        let (place, at) = (file.place.clone(), config.written("script.file"));
        let whole = script.place.clone();
        match self.script(&path) {
            Ok(text) => {
                let text = Node::new(Value::Text(text), place);
                config.add("script", "text", text);
            }
            Err(cause) => {
                self.broken.insert(whole);
                let fix = "write the path of a file of the project, as scripts/delays.js";
                findings.push(Finding::error(2218, place, at, cause).with_fix(fix));
            }
        }
    }

    fn script(&mut self, path: &str) -> Result<String, String> {
        // A file has one name, so that it is one script however often it is used.
        let plain = |it: Component<'_>| match it {
            Component::Normal(part) => part.to_str().map(str::to_owned),
            _ => None,
        };
        let parts: Option<Vec<_>> = Path::new(path).components().map(plain).collect();
        if path.is_empty() || parts.is_none_or(|it| it.join("/") != path) {
            return Err(format!("{path:?} is no path below the project's directory"));
        }
        if !self.scripts.contains_key(path) {
            let file =
                files::read(self.root, path).map_err(|it| format!("{path}: {}", it.cause))?;
            self.scripts.insert(path.to_owned(), file.text);
        }
        self.recent_scripts.insert(path.to_owned());
        Ok(self.scripts[path].clone())
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
