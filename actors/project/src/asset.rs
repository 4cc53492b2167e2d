//! One YAML file as an asset: `apiVersion`, `kind`, `metadata`, `spec`.

use std::fmt;

use weir_conf::{Document, Node, Value};
use weir_domain::{Finding, did_you_mean};

use crate::files::{PROJECT_FILE, TextFile};
use crate::spec::Envelope;

pub(crate) const API_VERSION: &str = "weir/v1";

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssetKind {
    Project,
    Environment,
    Secret,
    Format,
    Source,
    Sink,
    Workflow,
    Snippet,
    Test,
}

impl AssetKind {
    pub const ALL: [Self; 9] = [
        Self::Project,
        Self::Environment,
        Self::Secret,
        Self::Format,
        Self::Source,
        Self::Sink,
        Self::Workflow,
        Self::Snippet,
        Self::Test,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Environment => "Environment",
            Self::Secret => "Secret",
            Self::Format => "Format",
            Self::Source => "Source",
            Self::Sink => "Sink",
            Self::Workflow => "Workflow",
            Self::Snippet => "Snippet",
            Self::Test => "Test",
        }
    }

    /// The word with its article, as it stands in a sentence.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Project => "a Project",
            Self::Environment => "an Environment",
            Self::Secret => "a Secret",
            Self::Format => "a Format",
            Self::Source => "a Source",
            Self::Sink => "a Sink",
            Self::Workflow => "a Workflow",
            Self::Snippet => "a Snippet",
            Self::Test => "a Test",
        }
    }
}

impl fmt::Display for AssetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An asset whose kind is known. Other things in its frame may be wrong, and were reported.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) kind: AssetKind,
    /// Empty where it can't be read.
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) document: Document,
}

impl Asset {
    /// The spec as it will be read; `None` where it is missing, which was reported.
    pub(crate) fn spec(&self) -> Option<&Node> {
        self.document.root.get("spec")
    }

    pub(crate) fn spec_mut(&mut self) -> Option<&mut Node> {
        let Value::Mapping(entries) = &mut self.document.root.value else { return None };
        entries.iter_mut().find(|it| it.0 == "spec").map(|it| &mut it.1)
    }
}

/// What a file turned out to be.
pub(crate) enum Parsed {
    Asset(Asset),
    /// An asset that can't be read, which was reported.
    Unreadable(Unreadable),
    /// Something else, which was reported.
    NoAsset,
}

/// What is known of an asset that can't be read: that others refer to it is no mistake of theirs.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Unreadable {
    kind: Option<AssetKind>,
    name: Option<String>,
}

impl Unreadable {
    pub(crate) fn known(kind: AssetKind, name: &str) -> Self {
        Self { kind: Some(kind), name: Some(name.to_owned()) }
    }

    /// Whether it may be the asset that is looked for.
    pub(crate) fn may_be(&self, kind: AssetKind, name: &str) -> bool {
        self.kind.is_none_or(|it| it == kind) && self.name.as_ref().is_none_or(|it| it == name)
    }

    /// Looks for the kind and the name in a text that is no YAML.
    fn guess(text: &str) -> Self {
        let kind = text.lines().find_map(|it| it.strip_prefix("kind:"));
        let kind =
            kind.and_then(|it| AssetKind::ALL.into_iter().find(|kind| kind.as_str() == it.trim()));
        let metadata = text.split_once("metadata:").map(|it| it.1);
        let name = metadata.and_then(|it| it.split_once("name:")).map(|it| it.1.trim_start());
        let end = |it: char| !(it.is_ascii_alphanumeric() || "-_.".contains(it));
        let name = name.and_then(|it| it.trim_start_matches(['"', '\'']).split(end).next());
        Self { kind, name: name.filter(|it| !it.is_empty()).map(str::to_owned) }
    }
}

/// Reads a file's frame.
pub(crate) fn parse(file: &TextFile, findings: &mut Vec<Finding>) -> Parsed {
    let document = match weir_conf::yaml::parse(&file.path, &file.text) {
        Ok(document) => document,
        Err(found) => {
            findings.extend(found);
            return Parsed::Unreadable(Unreadable::guess(&file.text));
        }
    };
    if document.node("apiVersion").is_none() && document.node("kind").is_none() {
        findings.push(no_asset(&document));
        return Parsed::NoAsset;
    }
    let text = |path: &str| document.node(path).and_then(|it| it.as_str()).map(str::to_owned);
    let name = text("metadata.name");
    let Some(kind) = kind_of(&document, findings) else {
        return Parsed::Unreadable(Unreadable { kind: None, name });
    };
    if let Err(found) = weir_conf::read::<Envelope>(&document) {
        findings.extend(found);
    }
    let (name, description) = (name.unwrap_or_default(), text("metadata.description"));
    Parsed::Asset(Asset { kind, name, description, document })
}

fn kind_of(document: &Document, findings: &mut Vec<Finding>) -> Option<AssetKind> {
    let text = |path: &str| document.node(path).and_then(|it| it.as_str());
    if let Some(version) = text("apiVersion")
        && version != API_VERSION
    {
        let cause = format!("there is no apiVersion {version:?}");
        let fix = format!("write apiVersion: {API_VERSION}");
        findings.push(document.finding(2205, "apiVersion", cause).with_fix(fix));
    }
    let Some(given) = text("kind") else {
        // Without a kind nothing else of it can be judged, but its frame can.
        let found = weir_conf::read::<Envelope>(document).err();
        findings.extend(found.unwrap_or_default());
        return None;
    };
    let kind = AssetKind::ALL.into_iter().find(|it| it.as_str() == given);
    if kind.is_none() {
        let names = AssetKind::ALL.map(AssetKind::as_str);
        let fix = match did_you_mean(given, names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the kinds are: {}", names.join(", ")),
        };
        let cause = format!("there is no kind of asset {given:?}");
        findings.push(document.finding(2206, "kind", cause).with_fix(fix));
    }
    kind
}

fn no_asset(document: &Document) -> Finding {
    let cause = match document.root.value {
        Value::Null => "the file is empty: it is no asset",
        Value::Mapping(_) => "the file has neither apiVersion nor kind: it is no asset",
        _ => "the file is no asset: an asset is a mapping",
    };
    let fix = format!(
        "begin it with apiVersion: {API_VERSION} and a kind, or, if it is data, name its \
         directory in {PROJECT_FILE}: spec.exclude"
    );
    document.finding(2204, "", cause).with_fix(fix)
}
