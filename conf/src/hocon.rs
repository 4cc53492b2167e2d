//! HOCON: the configuration of processes, and the adapter that makes it a format of `config`.
//!
//! Everything that is layered (defaults, a file, the command line) is one document to HOCON: a later
//! layer wins, and substitutions see all of them. What HOCON passes over in silence and people don't
//! mean is refused: a missing include, a missing comma, a value that depends on the order of keys.

mod lint;
mod order;
mod resolve;
mod settle;
mod source;
mod syntax;
mod tree;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::{env, fmt, thread};

use ::hocon::parser::AstField;
use config::{FileStoredFormat, Format, Map, Value as ConfigValue, ValueKind};
use weir_domain::{Finding, Place};

use crate::document::{Document, Kind, Node, Value};
use source::Sources;
use tree::{TooMuch, Tree};

/// The parser and resolver recurse without a check; limits on the input keep them below this.
const STACK_BYTES: usize = 128 << 20;

/// Parses one text. `file` names it in findings, and relative includes count from its directory.
pub fn parse(file: &str, text: &str) -> Result<Document, Vec<Finding>> {
    Hocon::named(file).document(text)
}

/// The format, for `config::File::from_str` or `File::new`, with the layers around that file.
#[derive(Clone, Default)]
pub struct Hocon {
    file: String,
    defaults: Option<(&'static str, &'static str)>,
    overrides: Vec<String>,
    /// The only top-level key that is read; others may only hold what substitutions refer to.
    root: Option<&'static str>,
    env: Option<HashMap<String, String>>,
    located: Arc<OnceLock<Document>>,
}

impl Hocon {
    pub fn named(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// A layer below the file: its name and its text.
    #[must_use]
    pub fn with_defaults(mut self, name: &'static str, text: &'static str) -> Self {
        self.defaults = Some((name, text));
        self
    }

    /// A layer above the file: `key=value` each.
    #[must_use]
    pub fn with_overrides(mut self, overrides: &[String]) -> Self {
        self.overrides = overrides.to_vec();
        self
    }

    /// Refuses every other top-level key, unless a substitution refers to it.
    #[must_use]
    pub fn with_root(mut self, key: &'static str) -> Self {
        self.root = Some(key);
        self
    }

    /// Takes `${NAME}` from here instead of the process's environment.
    #[must_use]
    pub fn with_env(mut self, env: HashMap<String, String>) -> Self {
        self.env = Some(env);
        self
    }

    /// What the last use of this format or of a clone of it read, with places.
    pub(crate) fn located(&self) -> Option<&Document> {
        self.located.get()
    }

    /// Parses and resolves `text` with all layers.
    pub fn document(&self, text: &str) -> Result<Document, Vec<Finding>> {
        let read = || self.read(text);
        let name = || "hocon".to_owned();
        let result = thread::scope(|scope| {
            let thread = thread::Builder::new().name(name()).stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, read).map(thread::ScopedJoinHandle::join)
        });
        // A panic of the parser is a defect of the parser, not a reason to end the process.
        let broken = |cause: &str| {
            let place = Place::file(&self.file);
            vec![Finding::error(Kind::Hocon.code(4), place, "", cause)]
        };
        match result {
            Ok(Ok(document)) => document,
            Ok(Err(_)) => Err(broken("the parser can't read this file")),
            Err(error) => Err(broken(&format!("no thread to read the file: {error}"))),
        }
    }

    fn read(&self, text: &str) -> Result<Document, Vec<Finding>> {
        let mut sources = Sources::new();
        let mut fields = Vec::new();
        if let Some((name, text)) = self.defaults {
            fields.extend(sources.add(name, text));
        }
        fields.extend(sources.add(&self.file, text));
        for one in &self.overrides {
            fields.extend(sources.add_override(one));
        }
        if !sources.findings.is_empty() {
            return Err(sources.findings);
        }
        let mut root = self.resolve(fields, &mut sources)?;
        if let (Some(only), Value::Mapping(entries)) = (self.root, &mut root.value) {
            entries.retain(|it| it.0 == only);
        }
        Ok(Document { kind: Kind::Hocon, file: self.file.clone(), root })
    }

    fn resolve(
        &self,
        mut fields: Vec<AstField>,
        sources: &mut Sources,
    ) -> Result<Node, Vec<Finding>> {
        let env = self.env.clone().unwrap_or_else(environment);
        let written = Tree::of(&fields);
        written.check_limits().map_err(|it| vec![self.too_much(&it, &written, sources)])?;
        let strays = self.strays(&written, sources);
        if !strays.is_empty() {
            return Err(strays);
        }
        settle::settle(&mut fields, &env);
        let tree = Tree::of(&fields);
        resolve::resolve(fields, env, &tree, sources).map_err(|it| vec![it])
    }

    fn strays(&self, tree: &Tree, sources: &Sources) -> Vec<Finding> {
        let Some(root) = self.root else { return Vec::new() };
        let strays = tree.keys().filter(|it| *it != root && !tree.refers_to(it));
        let mut findings: Vec<_> = strays.map(|key| self.stray(key, root, tree, sources)).collect();
        findings.sort_by(|a, b| a.place.cmp(&b.place));
        findings
    }

    fn stray(&self, key: &str, root: &str, tree: &Tree, sources: &Sources) -> Finding {
        let place =
            tree.key_of(&[key]).map(|it| sources.place(it.line, it.col)).unwrap_or_default();
        let fix = if weir_domain::did_you_mean(key, [root]).is_some() {
            format!("did you mean \"{root}\"?")
        } else if tree.key_of(&[root, key]).is_some() {
            format!("write it below \"{root}\": {root}.{key}")
        } else {
            format!("remove it: all settings stand below \"{root}\"")
        };
        let cause = format!("unknown key {key:?}");
        Finding::error(Kind::Hocon.code(1), place, key, cause).with_fix(fix)
    }

    fn too_much(&self, what: &TooMuch, tree: &Tree, sources: &Sources) -> Finding {
        let whole = Place::file(&self.file);
        let (path, cause) = match what {
            TooMuch::Assignments(path) => (path.join("."), "the key is assigned too many times"),
            TooMuch::Expansion => (String::new(), "substitutions expand to too much"),
            TooMuch::Chain => {
                (String::new(), "too many substitutions refer to each other in a row")
            }
        };
        let keys: Vec<&str> = path.split('.').collect();
        let place = tree.key_of(&keys).map_or(whole, |it| sources.place(it.line, it.col));
        Finding::error(Kind::Hocon.code(7), place, path, cause)
    }
}

impl fmt::Debug for Hocon {
    /// Without the environment and the overrides: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hocon").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Format for Hocon {
    fn parse(
        &self,
        uri: Option<&String>,
        text: &str,
    ) -> Result<Map<String, ConfigValue>, Box<dyn std::error::Error + Send + Sync>> {
        let file = uri.filter(|_| self.file.is_empty()).unwrap_or(&self.file);
        let document = Self { file: file.clone(), ..self.clone() }.document(text);
        let document = document.map_err(Refused)?;
        let map = match to_config(&document.root).kind {
            ValueKind::Table(map) => map,
            _ => Map::new(),
        };
        // A second use of the format would read the same layers.
        _ = self.located.set(document);
        Ok(map)
    }
}

impl FileStoredFormat for Hocon {
    fn file_extensions(&self) -> &'static [&'static str] {
        &["conf", "hocon"]
    }
}

/// The findings of a document, as the error of `config`.
#[derive(Debug)]
pub struct Refused(pub Vec<Finding>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("\n"))
    }
}

impl std::error::Error for Refused {}

fn to_config(node: &Node) -> ConfigValue {
    let kind = match &node.value {
        Value::Null => ValueKind::Nil,
        Value::Bool(it) => ValueKind::Boolean(*it),
        Value::Number(it) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(it), ..) => ValueKind::I64(it),
            (_, Some(it), _) => ValueKind::U64(it),
            (.., it) => ValueKind::Float(it.unwrap_or_default()),
        },
        Value::Text(it) => ValueKind::String(it.clone()),
        Value::Sequence(items) => ValueKind::Array(items.iter().map(to_config).collect()),
        Value::Mapping(entries) => {
            ValueKind::Table(entries.iter().map(|it| (it.0.clone(), to_config(&it.1))).collect())
        }
    };
    ConfigValue::new(Some(&node.place.to_string()), kind)
}

/// The values that `config` holds, with the places that the format found. What the format did not
/// read (another source of `config`) is placed where it would stand.
pub(crate) fn from_config(value: &ConfigValue, located: &Node) -> Node {
    let below = |it: &ConfigValue, at: Option<&Node>| from_config(it, at.unwrap_or(located));
    let value = match &value.kind {
        ValueKind::Nil => Value::Null,
        ValueKind::Boolean(it) => Value::Bool(*it),
        ValueKind::I64(it) => Value::Number((*it).into()),
        ValueKind::U64(it) => Value::Number((*it).into()),
        ValueKind::Float(it) => {
            serde_json::Number::from_f64(*it).map_or(Value::Null, Value::Number)
        }
        ValueKind::I128(it) => Value::Text(it.to_string()),
        ValueKind::U128(it) => Value::Text(it.to_string()),
        ValueKind::String(it) => Value::Text(it.clone()),
        ValueKind::Array(items) => {
            let at = |index| located.child(&crate::path::Step::Index(index));
            Value::Sequence(items.iter().enumerate().map(|(i, it)| below(it, at(i))).collect())
        }
        ValueKind::Table(map) => {
            let entry = |(key, it): (&String, _)| (key.clone(), below(it, located.get(key)));
            let mut entries: Vec<_> = map.iter().map(entry).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Mapping(entries)
        }
    };
    Node { value, place: located.place.clone(), key_place: located.key_place.clone() }
}

/// The text of a configuration file, or why it can't be read.
pub(crate) fn read_file(path: &Path) -> Result<String, Vec<Finding>> {
    source::read(path).map_err(|reason| {
        let place = Place::file(path.display().to_string());
        let cause = format!("can't read the configuration: {reason}");
        let finding = Finding::error(Kind::Hocon.code(5), place, "", cause);
        vec![finding.with_fix("check the path and its permissions")]
    })
}

/// Variables that are not UTF-8 are left out: nothing that HOCON can write refers to them.
fn environment() -> HashMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text).collect()
}

#[cfg(test)]
mod tests;
