//! A stage's configuration with all references resolved, of which every part still knows in which
//! file it was written, and at which path there.

use weir_conf::{Node, Value};
use weir_domain::{Finding, Place};

use crate::path::{self, Step};

/// A part of a configuration and where it was written.
#[derive(Debug, Clone)]
struct Mount {
    /// Path inside the configuration; empty for the whole.
    at: String,
    /// Path inside the file that it was written in.
    path: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) root: Node,
    mounts: Vec<Mount>,
}

impl Config {
    /// A configuration as it stands at `path` of its file.
    pub(crate) fn new(root: Node, path: impl Into<String>) -> Self {
        Self { root, mounts: vec![Mount { at: String::new(), path: path.into() }] }
    }

    /// Replaces the value of a key by what stands at `path` of another file.
    pub(crate) fn replace(&mut self, key: &str, value: Node, path: impl Into<String>) {
        let Value::Mapping(entries) = &mut self.root.value else { return };
        let Some((_, old)) = entries.iter_mut().find(|it| it.0 == key) else { return };
        *old = value;
        self.mounts.push(Mount { at: key.to_owned(), path: path.into() });
    }

    /// Adds a key to the mapping that stands at another one.
    pub(crate) fn add(&mut self, at: &str, key: &str, value: Node) {
        let Value::Mapping(entries) = &mut self.root.value else { return };
        let Some((_, node)) = entries.iter_mut().find(|it| it.0 == at) else { return };
        if let Value::Mapping(inner) = &mut node.value {
            inner.push((key.to_owned(), value));
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        self.root.to_json()
    }

    /// A finding at a path inside this configuration, with the path of the file it was written in.
    pub(crate) fn finding(&self, code: u32, steps: &[Step], cause: impl Into<String>) -> Finding {
        Finding::error(code, self.place(steps), self.written(&path::write(steps)), cause)
    }

    /// Gives a finding of a kind, whose path is inside this configuration, its place and its path. A
    /// kind that knows the place better, as it is about another file, keeps it.
    pub(crate) fn placed(&self, finding: Finding) -> Finding {
        let path = self.written(&finding.path);
        if finding.place != Place::default() {
            return Finding { path, ..finding };
        }
        let steps = path::follow(&self.root, &finding.path);
        Finding { place: self.place(&steps), path, ..finding }
    }

    pub(crate) fn place(&self, steps: &[Step]) -> Place {
        path::nearest(&self.root, steps).place.clone()
    }

    /// Where the last key of the steps stands.
    pub(crate) fn key_place(&self, steps: &[Step]) -> Place {
        let node = path::nearest(&self.root, steps);
        node.key_place.as_ref().unwrap_or(&node.place).clone()
    }

    /// The path of the file that the path inside this configuration was written at.
    pub(crate) fn written(&self, inside: &str) -> String {
        let below = |mount: &Mount| {
            let rest = inside.strip_prefix(mount.at.as_str())?;
            let is_whole_step = rest.is_empty() || rest.starts_with(['.', '[']);
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            (mount.at.is_empty() || is_whole_step).then(|| path::join(&mount.path, rest))
        };
        let longest_first = self.mounts.iter().rev();
        longest_first.filter_map(below).next().unwrap_or_else(|| inside.to_owned())
    }
}
