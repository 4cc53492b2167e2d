//! Loading a project: all files, all findings, and the plans if nothing is wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use weir_conf::read_at;
use weir_domain::plan::{Plan, Role};
use weir_domain::{AssetName, Finding, Place, ProjectName};
use weir_stream::Registry;

use crate::asset::{self, Asset, AssetKind, Parsed, Unreadable};
use crate::case::{self, Row, Test};
use crate::environment::Values;
use crate::files::{Drafts, Files, PROJECT_FILE};
use crate::library::Library;
use crate::parts::Written;
use crate::references::References;
use crate::secrets::{self, Secrets};
use crate::spec::ProjectSpec;
use crate::workflow::{self, Draft};
use crate::{check, dead_letters, digest, environment, inherit, parts, substitute, targets};

/// A project without errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    pub name: ProjectName,
    pub description: Option<String>,
    pub version: Option<String>,
    /// The project's directory, without links: relative paths in configurations are below it.
    pub dir: PathBuf,
    /// By name of workflow.
    pub plans: Vec<Plan>,
    /// The content digest of the plans, SHA-256 in hexadecimal: equal content, equal digest.
    pub digest: String,
    /// In the order of their files' names.
    pub tests: Vec<Test>,
    /// What the plans were compiled from.
    pub(crate) written: Written,
}

/// What loading a directory gave.
#[derive(Debug)]
pub struct Loaded {
    /// `None` when there are errors.
    pub project: Option<Project>,
    /// Errors and warnings, in the order of files and lines.
    pub findings: Vec<Finding>,
}

/// Loads and checks the project in a directory. It reads the project's assets and touches nothing
/// else: the files and servers that the project names need not be there.
pub fn load(dir: &Path, registry: &Registry) -> Loaded {
    load_with(dir, registry, &Row::new())
}

/// As [`load`], with values that take the place of those of the project's environments.
pub fn load_with(dir: &Path, registry: &Registry, values: &Row) -> Loaded {
    loaded(dir, registry, (values, &[], &Drafts::new()))
}

/// As [`load`], in environments of the project that are chosen from outside. They come after those that
/// its own file lists, in the order in which they are chosen: where two define one name, the later wins.
pub fn load_in(dir: &Path, registry: &Registry, environments: &[AssetName]) -> Loaded {
    loaded(dir, registry, (&Row::new(), environments, &Drafts::new()))
}

/// As [`load`], with texts that take the place of files, so that they can be judged before they are
/// written.
pub fn load_drafts(dir: &Path, registry: &Registry, drafts: &Drafts) -> Loaded {
    loaded(dir, registry, (&Row::new(), &[], drafts))
}

/// As [`load_drafts`], in environments that are chosen as for [`load_in`].
pub fn load_drafts_in(
    dir: &Path,
    registry: &Registry,
    environments: &[AssetName],
    drafts: &Drafts,
) -> Loaded {
    loaded(dir, registry, (&Row::new(), environments, drafts))
}

/// What is given from outside: values, environments, and texts of files.
type Outside<'o> = (&'o Row, &'o [AssetName], &'o Drafts);

fn loaded(dir: &Path, registry: &Registry, outside: Outside<'_>) -> Loaded {
    let mut findings = Vec::new();
    let project = build(dir, registry, outside, &mut findings);
    findings.sort_by(|a, b| (&a.place, &a.path, a.code).cmp(&(&b.place, &b.path, b.code)));
    // An asset that several workflows use is judged in each of them.
    findings.dedup();
    let is_sound = !findings.iter().any(Finding::is_error);
    Loaded { project: project.filter(|_| is_sound), findings }
}

/// The name of the project in a directory, whatever else is wrong there; or what is wrong with its
/// project asset.
pub fn name(dir: &Path) -> Result<ProjectName, Vec<Finding>> {
    let root = open(dir).map_err(|it| vec![it])?;
    let mut findings = Vec::new();
    let files = Files { root: &root, drafts: &Drafts::new() };
    let asset = project_asset(&files, &mut findings);
    let name = asset.and_then(|it| ProjectName::new(it.name).ok());
    name.ok_or_else(|| findings.into_iter().filter(Finding::is_error).collect())
}

fn build(
    dir: &Path,
    registry: &Registry,
    (given, chosen, unwritten): Outside<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Project> {
    let root = open(dir).map_err(|it| findings.push(it)).ok()?;
    let files = Files { root: &root, drafts: unwritten };
    let project = project_asset(&files, findings)?;
    let spec = project_spec(&project, findings);
    let mut library = library(&files, spec.as_ref(), findings);
    inherit::resolve(&mut library, findings);
    let mut written = Written::of(spec.as_ref(), chosen, &library);
    findings.extend(environment::strangers(given, &library));
    let given = Values::given(given);
    let mut values = environment::values(&project, spec.as_ref(), (&library, given), findings);
    environment::choose(chosen, &mut values, &library, findings);
    let (library, mut broken) = put_in(library, &values, findings);
    written.secrets = Secrets::of(&project, spec.as_ref(), &library, findings);
    broken.extend(named(&library, &written.secrets, findings));

    let mut found = Vec::new();
    let mut references = References::new(&library, &root, broken);
    let drafts = drafts(&library, &mut references, &mut written, &mut found);
    for draft in &drafts {
        found.extend(check::workflow(draft, registry));
    }
    let snippets = snippets(&library, &mut references, &mut found);
    for snippet in &snippets {
        found.extend(check::snippet(snippet, registry));
    }
    for draft in drafts.iter().chain(&snippets) {
        findings.extend(misplaced(draft, registry, &mut references.broken));
    }
    unused(&library, &mut references, registry, &mut found);
    found.extend(targets::shared(&drafts, &root));
    // What is wrong with a value that was reported already follows from that.
    let known: Vec<_> = found.iter().filter(|it| it.code.0 == 2220).cloned().collect();
    found.retain(|it| !references.broken.contains(&it.place) || known.contains(it));
    findings.extend(found);
    if library.is_complete() && library.of_kind(AssetKind::Workflow).next().is_none() {
        let place = Place::file(PROJECT_FILE);
        let finding = Finding::warning(2227, place, "", "the project has no workflow");
        findings.push(finding.with_fix("add an asset of kind Workflow"));
    }

    let mut plans: Vec<_> = drafts.into_iter().map(|it| it.plan).collect();
    plans.sort_by(|a, b| a.workflow.cmp(&b.workflow));
    if let Some(spec) = &spec {
        findings.extend(parts::unscheduled(&project.document, spec, &plans, &library));
    }
    let tests = tests(&library, (&root, &plans, registry), findings);
    let name = ProjectName::new(project.name.as_str()).ok()?;
    let (digest, version) = (digest::digest(&plans), spec.and_then(|it| it.version));
    let description = project.description;
    Some(Project { name, description, version, dir: root, plans, digest, tests, written })
}

pub(crate) fn open(dir: &Path) -> Result<PathBuf, Finding> {
    let shown = dir.display().to_string();
    let refuse = |cause: String| {
        Finding::error(2201, Place::file(&shown), "", cause)
            .with_fix(format!("name the directory that has the project's {PROJECT_FILE}"))
    };
    let root = dir
        .canonicalize()
        .map_err(|error| refuse(format!("the project's directory can't be opened: {error}")))?;
    if !root.is_dir() {
        return Err(refuse("it is no directory".into()));
    }
    Ok(root)
}

fn project_asset(files: &Files<'_>, findings: &mut Vec<Finding>) -> Option<Asset> {
    let root = files.root;
    if !files.is_there(PROJECT_FILE) {
        let cause = format!("the directory has no {PROJECT_FILE}: it is no project");
        let fix = if root.join("project.yml").exists() {
            format!("rename project.yml to {PROJECT_FILE}")
        } else {
            format!("add a {PROJECT_FILE} with an asset of kind Project")
        };
        let place = Place::file(root.display().to_string());
        findings.push(Finding::error(2201, place, "", cause).with_fix(fix));
        return None;
    }
    let file = files.read(PROJECT_FILE).map_err(|it| findings.push(it)).ok()?;
    let Parsed::Asset(asset) = asset::parse(&file, findings) else { return None };
    if asset.kind != AssetKind::Project {
        let cause = format!("{PROJECT_FILE} is an asset of kind {}", asset.kind);
        let finding = asset.document.finding(2207, "kind", cause);
        findings.push(finding.with_fix("write kind: Project, and put other assets in other files"));
        return None;
    }
    Some(asset)
}

/// `None`: it can't be read, which is reported.
pub(crate) fn project_spec(project: &Asset, findings: &mut Vec<Finding>) -> Option<ProjectSpec> {
    project.spec()?;
    let spec = read_at::<ProjectSpec>(&project.document, "spec");
    let mut spec = spec.map_err(|it| findings.extend(it)).ok()?;
    for (index, path) in spec.exclude.iter_mut().enumerate() {
        let plain = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        if plain.split('/').any(|it| matches!(it, "" | "." | "..")) {
            let cause = format!("{path:?} is no directory below the project's");
            let finding = project.document.finding(2215, &format!("spec.exclude[{index}]"), cause);
            findings.push(finding.with_fix("write a path relative to the project, as data/in"));
        }
        *path = plain;
    }
    Some(spec)
}

fn library(files: &Files<'_>, spec: Option<&ProjectSpec>, findings: &mut Vec<Finding>) -> Library {
    let (mut assets, mut unreadable) = (Vec::new(), Vec::new());
    let exclude = spec.map_or(&[][..], |it| &it.exclude);
    for path in files.find(exclude, findings) {
        let file = match files.read(&path) {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                unreadable.push(Unreadable::default());
                continue;
            }
        };
        match asset::parse(&file, findings) {
            Parsed::Asset(asset) if asset.kind == AssetKind::Project => {
                let cause = format!("only {PROJECT_FILE} at the top describes the project");
                let finding = asset.document.finding(2207, "kind", cause);
                let fix = "remove it, or exclude its directory if it is a project of its own";
                findings.push(finding.with_fix(fix));
            }
            Parsed::Asset(asset) => assets.push(asset),
            Parsed::Unreadable(it) => unreadable.push(it),
            Parsed::NoAsset => {}
        }
    }
    Library::of(assets, unreadable, findings)
}

/// Puts environment values into all assets that may use them.
fn put_in(
    mut library: Library,
    values: &Values,
    findings: &mut Vec<Finding>,
) -> (Library, BTreeSet<Place>) {
    let mut broken = BTreeSet::new();
    // What is sealed has no macros in it, and what a test gives is data as it stands.
    let closed = [AssetKind::Environment, AssetKind::Secret, AssetKind::Test];
    let may_use = |it: &&mut Asset| !closed.contains(&it.kind);
    for asset in library.iter_mut().filter(may_use) {
        if let Some(spec) = asset.spec_mut() {
            broken.extend(substitute::substitute(spec, "spec", values, findings));
        }
    }
    (library, broken)
}

/// Looks at the secrets that assets name, once environment values are put in, which may name some.
fn named(library: &Library, secrets: &Secrets, findings: &mut Vec<Finding>) -> BTreeSet<Place> {
    let kinds = [
        AssetKind::Format,
        AssetKind::Source,
        AssetKind::Sink,
        AssetKind::Workflow,
        AssetKind::Snippet,
    ];
    let assets = kinds.into_iter().flat_map(|it| library.of_kind(it));
    let specs = assets.filter_map(Asset::spec);
    specs.flat_map(|it| secrets.check(it, "spec", findings)).collect()
}

fn misplaced(draft: &Draft, registry: &Registry, broken: &mut BTreeSet<Place>) -> Vec<Finding> {
    let stages = draft.plan.stages.iter().map(|it| (it.role, it.kind.as_str()));
    // A stage of no known kind was reported as that.
    let stages = stages.zip(&draft.configs).filter(|it| registry.knows(it.0.0, it.0.1));
    let letters = draft.dead_letters.iter().map(|it| ((Role::Sink, dead_letters::KIND), it));
    let all = stages.chain(letters);
    all.flat_map(|((role, kind), config)| {
        secrets::misplaced(config, registry.secret_use(role, kind), broken)
    })
    .collect()
}

fn drafts(
    library: &Library,
    references: &mut References<'_>,
    written: &mut Written,
    findings: &mut Vec<Finding>,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for asset in library.of_kind(AssetKind::Workflow) {
        let Some(draft) = workflow::compile(asset, references, findings) else { continue };
        let used = references.take_recent();
        written.uses(&draft.plan.workflow, used.into_iter().chain([(asset.kind, &*asset.name)]));
        written.runs(&draft.plan.workflow, references.take_recent_scripts());
        drafts.push(draft);
    }
    written.scripts.clone_from(&references.scripts);
    drafts
}

/// Snippets are judged and never run: nothing of a package is made of them.
fn snippets(
    library: &Library,
    references: &mut References<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Draft> {
    let snippets = library.of_kind(AssetKind::Snippet);
    snippets.filter_map(|it| workflow::compile_snippet(it, references, findings)).collect()
}

/// Reads all tests, and looks for what they name.
fn tests(
    library: &Library,
    (root, plans, registry): (&Path, &[Plan], &Registry),
    findings: &mut Vec<Finding>,
) -> Vec<Test> {
    let mut tests = Vec::new();
    for asset in library.of_kind(AssetKind::Test) {
        let Some(mut test) = case::read(asset, root, findings) else { continue };
        match library.find(AssetKind::Workflow, test.workflow.as_str()) {
            Ok(_) => {
                // One without a plan was reported.
                let plan = plans.iter().find(|it| it.workflow == test.workflow);
                let Some(plan) = plan else { continue };
                case::check(&mut test, &asset.document, (plan, registry), findings);
                tests.push(test);
            }
            Err(missing) => {
                let place = asset.document.place("spec.workflow");
                findings.extend(missing.finding(place, "spec.workflow"));
            }
        }
    }
    tests
}

/// Assets that nothing uses are still judged, as far as that goes.
fn unused<'l>(
    library: &'l Library,
    references: &mut References<'l>,
    registry: &Registry,
    findings: &mut Vec<Finding>,
) {
    for (kind, role) in [(AssetKind::Source, Role::Source), (AssetKind::Sink, Role::Sink)] {
        for asset in references.unused(kind) {
            let resolved = references.asset(asset, findings);
            findings.extend(resolved.iter().flat_map(|it| check::unused(role, it, registry)));
            let known = resolved.iter().filter(|it| registry.knows(role, &it.kind));
            findings.extend(known.flat_map(|it| {
                let usage = registry.secret_use(role, &it.kind);
                secrets::misplaced(&it.config, usage, &mut BTreeSet::new())
            }));
        }
    }
    if !library.is_complete() {
        return;
    }
    let formats = references.unused(AssetKind::Format).into_iter();
    let is_extended = |it: &Asset| library.extended.contains(&(it.kind, it.name.clone()));
    for asset in formats.filter(|it| !it.name.is_empty() && !is_extended(it)) {
        let place = asset.document.place("metadata.name");
        let cause =
            format!("no source or sink uses the format {:?}: it was not checked", asset.name);
        let finding = Finding::warning(2226, place, "metadata.name", cause);
        findings.push(finding.with_fix("use it, or remove it"));
    }
}
