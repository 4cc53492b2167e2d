//! What lies in a project, file by file: which assets there are, and who refers to whom. Nothing is judged
//! as a whole, so that a project with errors can be looked at, and mended.
//!
//! A reference that stands in a macro of environments counts as well: it is named by the macro, since
//! the name itself is written elsewhere.

use std::path::Path;

use weir_conf::{Document, Node, Value};
use weir_domain::plan::Role;
use weir_domain::{Finding, Place};

use crate::asset::{self, Asset, AssetKind, Parsed};
use crate::environment::{self, Values};
use crate::files::{self, PROJECT_FILE, TextFile};
use crate::inherit;
use crate::library::Library;
use crate::load::{open, project_spec};
use crate::path::{Step, join, write};
use crate::spec::ProjectSpec;
use crate::substitute::expand;

/// The files of a project.
#[derive(Debug)]
pub struct Survey {
    /// In the order of their paths, `project.yaml` first.
    pub files: Vec<Surveyed>,
    /// Directories that hold data and no assets.
    pub exclude: Vec<String>,
    /// What is wrong with the search itself.
    pub findings: Vec<Finding>,
}

/// A file that should be an asset.
#[derive(Debug)]
pub struct Surveyed {
    /// As seen from the project, with `/` between the parts.
    pub path: String,
    /// Empty where it can't be read.
    pub text: String,
    /// `None`: it is no asset, or can't be told.
    pub frame: Option<Frame>,
    /// What is wrong with the file and with the frame of the asset.
    pub findings: Vec<Finding>,
    pub references: Vec<Reference>,
}

/// What every asset has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: AssetKind,
    /// Empty where it can't be read.
    pub name: String,
    pub name_place: Place,
    pub description: Option<String>,
}

/// Where an asset names another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub kind: AssetKind,
    pub name: String,
    /// Where the name is written.
    pub place: Place,
    /// The path there, as `spec.stages[2].source`.
    pub path: String,
    pub written: Spelling,
}

/// How a name is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spelling {
    Value,
    /// It is a key.
    Key,
    /// By this text, of which values of environments make the name.
    Macro(String),
}

/// Looks at all files of the project in a directory. Refused where that is none.
pub fn survey(dir: &Path) -> Result<Survey, Finding> {
    let root = open(dir)?;
    let mut project = surveyed(&root, PROJECT_FILE);
    let spec = project.1.as_ref().and_then(|it| project_spec(it, &mut project.0.findings));
    let exclude = spec.as_ref().map_or_else(Vec::new, |it| it.exclude.clone());
    let mut findings = Vec::new();
    let paths = files::find(&root, &exclude, &mut findings);
    let mut all = vec![project];
    all.extend(paths.iter().map(|it| surveyed(&root, it)));
    let values = values(&all, spec.as_ref());
    let files = all.into_iter().map(|(file, asset)| {
        let references = asset.map_or_else(Vec::new, |it| references(&it, &values));
        Surveyed { references, ..file }
    });
    Ok(Survey { files: files.collect(), exclude, findings })
}

/// An asset with all that it has from those that it extends.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// The names of the assets that it extends, the nearest first.
    pub extends: Vec<String>,
    pub spec: serde_json::Value,
    /// Every value of the spec: its path, entries of lists by their names, and where it was written.
    pub fields: Vec<(String, Place)>,
}

/// Makes the asset in a file whole. Refused where that can't be done, or there is no such asset.
pub fn effective(dir: &Path, path: &str) -> Result<Effective, Vec<Finding>> {
    let root = open(dir).map_err(|it| vec![it])?;
    let (mut project, mut findings) = (surveyed(&root, PROJECT_FILE), Vec::new());
    let spec = project.1.as_ref().and_then(|it| project_spec(it, &mut project.0.findings));
    let exclude = spec.map_or_else(Vec::new, |it| it.exclude);
    let paths = files::find(&root, &exclude, &mut findings);
    let assets = paths.iter().filter_map(|it| surveyed(&root, it).1).collect();
    let mut library = Library::of(assets, Vec::new(), &mut findings);
    let line = line_of(&library, path);
    let mut found = Vec::new();
    inherit::resolve(&mut library, &mut found);
    let asset = match path {
        PROJECT_FILE => project.1.as_ref(),
        path => library.iter().find(|it| it.document.file == path),
    };
    let Some(asset) = asset else {
        findings.extend(found);
        // Of what is wrong elsewhere nothing is why.
        findings.retain(|it| line.contains(&it.place.file));
        return Err(findings);
    };
    let mut extends: Vec<String> = Vec::new();
    let mut at = Some(asset);
    while let Some(name) = at.and_then(inherit::parent) {
        extends.push(name.to_owned());
        at = library.find(asset.kind, name).ok();
    }
    let mut fields = Vec::new();
    let spec = asset.spec().map(|it| {
        gather(it, "spec".to_owned(), &mut fields);
        it.to_json()
    });
    Ok(Effective { extends, spec: spec.unwrap_or_default(), fields })
}

/// The files of an asset and of all that it extends, as far as they can be found; a cycle ends where it began.
fn line_of(library: &Library, path: &str) -> Vec<String> {
    let mut line = vec![path.to_owned()];
    let mut at = library.iter().find(|it| it.document.file == path);
    while let Some(asset) = at {
        at = inherit::parent(asset).and_then(|it| library.find(asset.kind, it).ok());
        match at {
            Some(it) if !line.contains(&it.document.file) => line.push(it.document.file.clone()),
            _ => break,
        }
    }
    line
}

fn gather(node: &Node, path: String, fields: &mut Vec<(String, Place)>) {
    match &node.value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (key, node) in entries {
                gather(node, join(&path, &write(&[Step::Key(key.clone())])), fields);
            }
        }
        Value::Sequence(items) => match inherit::named(items) {
            Some(_) if !items.is_empty() => {
                for item in items {
                    let name = item.get("name").and_then(Node::as_str).unwrap_or_default();
                    gather(item, format!("{path}[{name}]"), fields);
                }
            }
            _ => fields.push((path, node.place.clone())),
        },
        _ => fields.push((path, node.place.clone())),
    }
}

/// The directories of a project that hold data, as far as its own file can be read.
pub fn excluded(dir: &Path) -> Vec<String> {
    let Ok(root) = open(dir) else { return Vec::new() };
    let (_, project) = surveyed(&root, PROJECT_FILE);
    let spec = project.and_then(|it| project_spec(&it, &mut Vec::new()));
    spec.map_or_else(Vec::new, |it| it.exclude)
}

/// Looks at one text as if it were the file at that path.
pub fn survey_text(path: &str, text: &str) -> Surveyed {
    parsed(TextFile { path: path.to_owned(), text: text.to_owned() }).0
}

/// The text of one file of the project.
pub fn read_text(dir: &Path, path: &str) -> Result<String, Finding> {
    files::read(&open(dir)?, path).map(|it| it.text)
}

fn surveyed(root: &Path, path: &str) -> (Surveyed, Option<Asset>) {
    match files::read(root, path) {
        Ok(file) => parsed(file),
        Err(finding) => {
            let (text, frame, references) = Default::default();
            let path = path.to_owned();
            (Surveyed { path, text, frame, findings: vec![finding], references }, None)
        }
    }
}

fn parsed(file: TextFile) -> (Surveyed, Option<Asset>) {
    let mut findings = Vec::new();
    let asset = match asset::parse(&file, &mut findings) {
        Parsed::Asset(asset) => Some(asset),
        Parsed::Unreadable(_) | Parsed::NoAsset => None,
    };
    let frame = asset.as_ref().map(|it| Frame {
        kind: it.kind,
        name: it.name.clone(),
        name_place: it.document.place("metadata.name"),
        description: it.description.clone(),
    });
    let TextFile { path, text } = file;
    (Surveyed { path, text, frame, findings, references: Vec::new() }, asset)
}

/// The values of the project's environments, as far as they can be read.
fn values(all: &[(Surveyed, Option<Asset>)], spec: Option<&ProjectSpec>) -> Values {
    let mut unheard = Vec::new();
    let mut assets = all.iter().filter_map(|it| it.1.as_ref());
    let Some(project) = assets.next().filter(|it| it.kind == AssetKind::Project) else {
        return Values::default();
    };
    let environments = assets.filter(|it| it.kind == AssetKind::Environment).cloned().collect();
    let mut library = Library::of(environments, Vec::new(), &mut unheard);
    inherit::resolve(&mut library, &mut unheard);
    environment::values(project, spec, (&library, Values::default()), &mut unheard)
}

fn references(asset: &Asset, values: &Values) -> Vec<Reference> {
    let mut found = Found { values, references: Vec::new() };
    let document = &asset.document;
    // A name there is no text of the spec: no values are put in.
    let parent = document.node(inherit::PATH).and_then(|it| Some((it, it.as_str()?)));
    found.references.extend(parent.map(|(node, name)| Reference {
        kind: asset.kind,
        name: name.to_owned(),
        place: node.place.clone(),
        path: inherit::PATH.to_owned(),
        written: Spelling::Value,
    }));
    match asset.kind {
        AssetKind::Project => found.of_project(document),
        AssetKind::Workflow => found.of_workflow(document),
        AssetKind::Snippet => found.of_stages(document),
        AssetKind::Source | AssetKind::Sink => {
            if let Some(spec) = document.node("spec") {
                found.format_of(spec, "spec");
            }
        }
        AssetKind::Test => {
            if let Some(node) = document.node("spec.workflow") {
                found.value(AssetKind::Workflow, node, "spec.workflow");
            }
        }
        AssetKind::Environment | AssetKind::Secret | AssetKind::Format => {}
    }
    found.references
}

struct Found<'v> {
    values: &'v Values,
    references: Vec<Reference>,
}

impl Found<'_> {
    fn of_project(&mut self, document: &Document) {
        let lists =
            [("spec.environments", AssetKind::Environment), ("spec.secrets", AssetKind::Secret)];
        for (path, kind) in lists {
            for (index, node) in items(document.node(path)).iter().enumerate() {
                self.value(kind, node, &format!("{path}[{index}]"));
            }
        }
        let Some(Value::Mapping(entries)) = document.node("spec.scheduler").map(|it| &it.value)
        else {
            return;
        };
        for (workflow, node) in entries {
            let path = join("spec.scheduler", &write(&[Step::Key(workflow.clone())]));
            self.references.push(Reference {
                kind: AssetKind::Workflow,
                name: workflow.clone(),
                place: node.key_place.clone().unwrap_or_else(|| node.place.clone()),
                path,
                written: Spelling::Key,
            });
        }
    }

    fn of_workflow(&mut self, document: &Document) {
        self.of_stages(document);
        let path = "spec.deadLetters.format";
        if let Some(node) = document.node(path) {
            self.value(AssetKind::Format, node, path);
        }
    }

    fn of_stages(&mut self, document: &Document) {
        for (index, stage) in items(document.node("spec.stages")).iter().enumerate() {
            for (slot, role) in
                [("source", Role::Source), ("processor", Role::Operator), ("sink", Role::Sink)]
            {
                let Some(node) = stage.get(slot) else { continue };
                self.slot(role, node, &format!("spec.stages[{index}].{slot}"));
            }
        }
    }

    fn slot(&mut self, role: Role, node: &Node, path: &str) {
        match role {
            Role::Source => self.value(AssetKind::Source, node, path),
            Role::Sink => self.value(AssetKind::Sink, node, path),
            // It has no assets of its own: it stands where it is used.
            Role::Operator => {}
        }
        self.format_of(node, path);
    }

    /// What `kind: {format: name}` names.
    fn format_of(&mut self, node: &Node, path: &str) {
        let Value::Mapping(entries) = &node.value else { return };
        for (kind, config) in entries {
            let Some(format) = config.get("format") else { continue };
            let kind = join(path, &write(&[Step::Key(kind.clone())]));
            self.value(AssetKind::Format, format, &format!("{kind}.format"));
        }
    }

    /// A text is a name; anything else stands for itself.
    fn value(&mut self, kind: AssetKind, node: &Node, path: &str) {
        let Some(text) = node.as_str() else { return };
        let (name, written) = if text.contains("${") {
            let Value::Text(name) = expand(text, self.values).value else { return };
            (name, Spelling::Macro(text.to_owned()))
        } else {
            (text.to_owned(), Spelling::Value)
        };
        let (place, path) = (node.place.clone(), path.to_owned());
        self.references.push(Reference { kind, name, place, path, written });
    }
}

fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|it| &it.value) {
        Some(Value::Sequence(items)) => items,
        _ => &[],
    }
}
