//! Snippets: stages of a workflow that are kept under a name, and put into other workflows.
//!
//! What was put in is the workflow's own from then on. Stages get names that are free there, which their
//! connections follow; and what a snippet leaves open is fed as it was asked for, or stays open, which validation
//! shows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use weir_conf::{Document, yaml};
use weir_domain::{AssetName, Digest, StageId, did_you_mean};
use weir_project::{AssetKind, Frame, Survey, Surveyed};

use crate::asset_path;
use crate::assets::{Asset, find, look};
use crate::error::{Error, Result};
use crate::projects::{ProjectDir, Workspace};
use crate::scalar::{self, Rewrite, Spot};
use crate::stages::{self, Stage};
use crate::write::{Based, Change, is_free, is_unique, readable, replace};

/// What is put into a workflow, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Insertion {
    /// The path of the snippet, in the same project.
    pub snippet: String,
    /// The stage that feeds what the snippet leaves open, as `route` or `route.late`.
    pub after: Option<String>,
    /// The stage that `after` feeds, and the snippet is to feed instead.
    pub before: Option<String>,
    /// What the names of its stages begin with.
    pub prefix: String,
}

/// A workflow with the stages of a snippet in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inserted {
    pub asset: Asset,
    /// What each stage is called in the snippet, and in the workflow.
    pub stages: Vec<(String, String)>,
}

/// What of a workflow is to be a snippet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cut {
    pub stages: Vec<String>,
    pub name: String,
    pub description: Option<String>,
}

impl Workspace {
    /// Puts the stages of a snippet into a workflow; or shows what that would give.
    pub fn insert(
        &self,
        project: &str,
        path: &str,
        based: Digest,
        insertion: &Insertion,
        is_dry: bool,
    ) -> Result<Inserted> {
        asset_path::check(path)?;
        asset_path::check(&insertion.snippet)?;
        let _turn = self.turn();
        let project = self.project(project)?;
        let survey = look(&project.dir)?;
        let file = find(&survey, path)?;
        let (document, all) = self.workflow(&project, (file, based))?;
        let snippet = find(&survey, &insertion.snippet)?;
        let parts = of_kind(snippet, AssetKind::Snippet, "snippet").and_then(|()| read(snippet))?;
        let parts = stages::of(&snippet.text, &parts);
        let plan = Plan::of(&all, &parts, insertion)?;
        let text = match &plan.before {
            None => file.text.clone(),
            Some(before) => fed_by(&file.text, &document, before)?,
        };
        let document = yaml::parse(path, &text).map_err(|it| unread(path, it))?;
        let text = stages::appended(&text, &document, &plan.stages).ok_or_else(|| {
            let detail = format!("the stages of {path} are written so that none can be added here");
            let hint = "write them as a list with a line for each, or write `stages: []`";
            Error::conflict(detail, hint)
        })?;
        if !is_dry {
            replace(vec![Change::new(&project.dir, path, Some(&file.text), &text)?])?;
            self.seen.keep(Digest::of(text.as_bytes()), &text);
        }
        let asset = Asset::from(weir_project::survey_text(path, &text));
        Ok(Inserted { asset, stages: plan.names })
    }

    /// Makes a snippet of stages of a workflow, which stays as it is; or shows what that would give.
    pub fn cut(
        &self,
        project: &str,
        path: &str,
        based: Digest,
        cut: &Cut,
        is_dry: bool,
    ) -> Result<Asset> {
        asset_path::check(path)?;
        let shown = || cut.name.chars().take(200).collect::<String>();
        AssetName::new(&cut.name).map_err(|it| Error::invalid("name", shown(), it.to_string()))?;
        let _turn = self.turn();
        let project = self.project(project)?;
        let survey = look(&project.dir)?;
        let file = find(&survey, path)?;
        let (document, all) = self.workflow(&project, (file, based))?;
        let kept = kept(&all, &stages::of(&file.text, &document), &cut.stages)?;
        let target = format!("snippets/{}.yaml", cut.name);
        let text = snippet(cut, &kept).ok_or_else(|| {
            let detail = format!("the stages of {path} can't be written into {target}");
            Error::conflict(detail, "write the snippet by hand")
        })?;
        let asset = Asset::from(weir_project::survey_text(&target, &text));
        let Some(frame) = &asset.frame else {
            return Err(Error::NoAsset { path: target, findings: asset.findings });
        };
        is_new(&survey, frame, &target)?;
        if !is_dry {
            replace(vec![Change::new(&project.dir, &target, None, &text)?])?;
            self.seen.keep(Digest::of(text.as_bytes()), &text);
        }
        Ok(asset)
    }

    /// A workflow that was read: its text, and all stages that it has, with those of the workflow that it extends.
    fn workflow(
        &self,
        project: &ProjectDir,
        (file, based): (&Surveyed, Digest),
    ) -> Result<(Document, Vec<Map<String, Value>>)> {
        readable(file)?;
        self.unchanged(&file.path, Some(file), Based::On(based), None)?;
        of_kind(file, AssetKind::Workflow, "asset")?;
        let document = read(file)?;
        let spec = match document.node("metadata.extends") {
            None => document.node("spec").map(|it| it.to_json()).unwrap_or_default(),
            Some(_) => {
                let whole = weir_project::effective(&project.dir, &file.path);
                whole.map_err(|it| unread(&file.path, it))?.spec
            }
        };
        let stages = spec.get("stages").and_then(Value::as_array).into_iter().flatten();
        let named = |it: &&Map<String, Value>| it.get("name").is_some_and(Value::is_string);
        Ok((document, stages.filter_map(Value::as_object).filter(named).cloned().collect()))
    }
}

fn of_kind(file: &Surveyed, kind: AssetKind, what: &'static str) -> Result<()> {
    match file.frame.as_ref().map(|it| it.kind) {
        Some(it) if it == kind => Ok(()),
        it => {
            let is = it.map_or("no asset", AssetKind::with_article);
            Err(Error::invalid(what, &file.path, format!("it is {is}, and no {kind}")))
        }
    }
}

fn read(file: &Surveyed) -> Result<Document> {
    yaml::parse(&file.path, &file.text).map_err(|it| unread(&file.path, it))
}

fn unread(path: &str, findings: Vec<weir_domain::Finding>) -> Error {
    Error::NotWhole { path: path.to_owned(), findings }
}

fn is_new(survey: &Survey, frame: &Frame, path: &str) -> Result<()> {
    is_unique(survey, frame, path)?;
    is_free(survey, path)
}

/// What becomes of the stages of a snippet in a workflow.
struct Plan {
    stages: Vec<Stage>,
    names: Vec<(String, String)>,
    /// The stage that is to be fed by another one: its name, what feeds it now, and what then.
    before: Option<(String, String, String)>,
}

impl Plan {
    fn of(all: &[Map<String, Value>], parts: &[Stage], insertion: &Insertion) -> Result<Self> {
        let Insertion { snippet, after, before, prefix } = insertion;
        if parts.is_empty() {
            let detail = format!("the snippet in {snippet} has no stages");
            return Err(Error::conflict(detail, "add some to it first"));
        }
        let there: BTreeSet<_> = all.iter().filter_map(name).collect();
        let names = names(&there, parts, prefix)?;
        if let Some(after) = after {
            let feeder = named("after", after, stages::end(after, &there).0, all)?;
            if feeder.get("sink").is_some_and(|it| !it.is_null()) {
                return Err(Error::invalid(
                    "after",
                    after,
                    "it is a sink: nothing flows out of it",
                ));
            }
        }
        let inner: BTreeSet<_> = parts.iter().map(Stage::name).collect();
        let mut is_fed = false;
        let mut placed = Vec::new();
        for part in parts {
            let mut from: Vec<_> =
                part.fed_by().iter().map(|it| within(it, &inner, &names)).collect();
            if let Some(after) = after.as_ref().filter(|_| from.is_empty() && !part.is("source")) {
                from.push(after.clone());
                is_fed = true;
            }
            placed.push(part.placed(&names[part.name()], &from));
        }
        if after.is_some() && !is_fed {
            let reason = format!("the snippet in {snippet} leaves no input open");
            return Err(Error::invalid("after", after.clone().unwrap_or_default(), reason));
        }
        let before = before.as_ref().map(|it| {
            let after = after.as_ref().ok_or_else(|| {
                Error::invalid("before", it, "say as well behind which stage: that feeds it now")
            })?;
            let last = &names[open_output(parts, &inner, snippet)?];
            Ok((it.clone(), fed_now(all, &there, (it, after))?, last.clone()))
        });
        let names = parts.iter().map(|it| (it.name().to_owned(), names[it.name()].clone()));
        Ok(Self { stages: placed, names: names.collect(), before: before.transpose()? })
    }
}

fn name(stage: &Map<String, Value>) -> Option<&str> {
    stage.get("name").and_then(Value::as_str)
}

fn named<'s>(
    what: &'static str,
    given: &str,
    wanted: &str,
    all: &'s [Map<String, Value>],
) -> Result<&'s Map<String, Value>> {
    let names = || all.iter().filter_map(name);
    all.iter().find(|it| name(it) == Some(wanted)).ok_or_else(|| {
        let near = did_you_mean(wanted, names());
        let near = near.map(|it| format!(": did you mean {it}?")).unwrap_or_default();
        Error::invalid(what, given, format!("the workflow has no stage {wanted}{near}"))
    })
}

/// What each stage is called in the workflow: as nothing there is.
fn names<'p>(
    there: &BTreeSet<&str>,
    parts: &'p [Stage],
    prefix: &str,
) -> Result<BTreeMap<&'p str, String>> {
    let mut taken: BTreeSet<String> = there.iter().map(|it| (*it).to_owned()).collect();
    let mut names = BTreeMap::new();
    for part in parts {
        let wanted = format!("{prefix}{}", part.name());
        let stem = wanted.trim_end_matches(|it: char| it.is_ascii_digit());
        let stem = stem.strip_suffix('-').filter(|it| !it.is_empty()).unwrap_or(&wanted);
        let mut others = (2..).map(|it| format!("{stem}-{it}"));
        let mut free = wanted.clone();
        while taken.contains(&free) {
            free = others.next().unwrap_or_default();
        }
        StageId::new(&free).map_err(|it| Error::invalid("prefix", prefix, it.to_string()))?;
        taken.insert(free.clone());
        names.insert(part.name(), free);
    }
    Ok(names)
}

/// A connection between stages of a snippet, by their names in the workflow.
fn within(from: &str, inner: &BTreeSet<&str>, names: &BTreeMap<&str, String>) -> String {
    let (stage, port) = stages::end(from, inner);
    match (names.get(stage), port) {
        (Some(name), Some(port)) => format!("{name}.{port}"),
        (Some(name), None) => name.clone(),
        // It leads nowhere, which is found there as here.
        (None, _) => from.to_owned(),
    }
}

/// The one stage of a snippet that feeds none of it.
fn open_output<'p>(parts: &'p [Stage], inner: &BTreeSet<&str>, snippet: &str) -> Result<&'p str> {
    let feeding: BTreeSet<_> =
        parts.iter().flat_map(Stage::fed_by).map(|it| stages::end(it, inner).0).collect();
    let is_open = |it: &&Stage| !it.is("sink") && !feeding.contains(it.name());
    let open: Vec<_> = parts.iter().filter(is_open).map(Stage::name).collect();
    match open[..] {
        [one] => Ok(one),
        _ => {
            let n = open.len();
            let reason =
                format!("{n} stages feed none of it, and one is needed to feed the next stage");
            Err(Error::invalid("before", snippet, reason))
        }
    }
}

/// What feeds a stage now, as it is written there.
fn fed_now(
    all: &[Map<String, Value>],
    there: &BTreeSet<&str>,
    (before, after): (&String, &String),
) -> Result<String> {
    let stage = named("before", before, before, all)?;
    let plain = |it: &str| {
        let (stage, port) = stages::end(it, there);
        (stage.to_owned(), port.unwrap_or("out").to_owned())
    };
    let found = stages::inputs(stage).into_iter().find(|it| plain(it) == plain(after));
    let reason = || Error::invalid("before", before, format!("{after} does not feed it"));
    found.map(str::to_owned).ok_or_else(reason)
}

/// The text where a stage is fed by another one.
fn fed_by(
    text: &str,
    document: &Document,
    (stage, old, new): &(String, String, String),
) -> Result<String> {
    let refuse = || {
        let detail = format!("what feeds {stage} is written in a way that can't be changed here");
        Error::conflict(detail, "let it be said by that workflow itself, as plain text")
    };
    let all = document.node(stages::PATH).map(|it| it.to_json()).unwrap_or_default();
    let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_it = |it: &Value| it.get("name").and_then(Value::as_str) == Some(stage);
    let at = all.iter().position(is_it).ok_or_else(refuse)?;
    let path = format!("{}[{at}].from", stages::PATH);
    let path = match &all[at]["from"] {
        Value::Array(items) => {
            let place = items.iter().position(|it| it.as_str() == Some(old)).ok_or_else(refuse)?;
            format!("{path}[{place}]")
        }
        it if it.as_str() == Some(old) => path,
        _ => return Err(refuse()),
    };
    let spot = Spot { place: document.place(&path), path, is_key: false };
    let change = Rewrite { spot, old: old.clone(), new: new.clone() };
    scalar::rewrite(text, &[change]).map_err(|_| refuse())
}

/// The stages of these names, without what feeds them from elsewhere.
fn kept(all: &[Map<String, Value>], own: &[Stage], wanted: &[String]) -> Result<Vec<Stage>> {
    if wanted.is_empty() {
        return Err(Error::invalid("stages", "", "name at least one stage of the workflow"));
    }
    for it in wanted {
        named("stages", it, it, all)?;
    }
    let inner: BTreeSet<_> = wanted.iter().map(String::as_str).collect();
    let there: BTreeSet<_> = all.iter().filter_map(name).collect();
    let kept = all.iter().filter(|it| name(it).is_some_and(|it| inner.contains(it)));
    let stage = |fields: &Map<String, Value>| {
        // What a workflow says of an inherited stage is a part of it.
        let whole = own.iter().find(|it| it.fields() == fields).cloned();
        let whole = whole.unwrap_or_else(|| Stage::of_fields(fields.clone()));
        let is_inner = |it: &&str| inner.contains(stages::end(it, &there).0);
        let from: Vec<_> = whole.fed_by().into_iter().filter(is_inner).map(str::to_owned).collect();
        whole.placed(whole.name(), &from)
    };
    Ok(kept.map(stage).collect())
}

fn snippet(cut: &Cut, stages: &[Stage]) -> Option<String> {
    let mut metadata = Map::from_iter([("name".to_owned(), Value::from(cut.name.as_str()))]);
    if let Some(description) = &cut.description {
        metadata.insert("description".into(), description.as_str().into());
    }
    let metadata = serde_saphyr::to_string(&Value::Object(metadata)).ok()?;
    let metadata: String = metadata.lines().map(|it| format!("  {it}\n")).collect();
    let frame =
        format!("apiVersion: weir/v1\nkind: Snippet\nmetadata:\n{metadata}spec:\n  stages:\n");
    let document = yaml::parse("", &frame).ok()?;
    stages::appended(&frame, &document, stages)
}
