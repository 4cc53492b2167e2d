//! An asset of one project is taken into another one, with all that it refers to: any project can be the
//! shelf of others, for connections, formats and workflows that several have in common.
//!
//! What was taken is the taker's own from then on. Where a copy is, and whether it is still like the
//! original, is told by kind and name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use weir_conf::{Document, yaml};

use weir_domain::ProjectName;
use weir_project::{AssetKind, Frame, Survey, Surveyed};

use crate::asset_path;
use crate::assets::{find, look};
use crate::error::{Error, Result};
use crate::projects::Workspace;
use crate::write::{Change, is_free, is_unique, readable, replace};

const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// What became of the assets that were to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// The files that are new, or have another text now.
    pub written: Vec<String>,
    /// The files that were like this already.
    pub same: Vec<String>,
    /// What the texts name and what is not taken along: `env:NAME` and `sec:NAME`.
    pub needs: Vec<String>,
}

/// An asset of the same kind and name in another project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub project: ProjectName,
    pub path: String,
    pub is_same: bool,
    /// How many places of its project name it.
    pub usages: usize,
}

impl Workspace {
    /// Takes the asset in a file of another project, with those that it refers to. What is there already
    /// under the same kind and name must have the same text, unless it is to be replaced.
    pub fn take(&self, project: &str, from: &str, path: &str, replaced: bool) -> Result<Taken> {
        asset_path::check(path)?;
        let _turn = self.turn();
        let shelf = self.project(from)?.dir;
        let theirs = look(&shelf)?;
        let root = self.project(project)?.dir;
        let ours = look(&root)?;
        let first = find(&theirs, path)?;
        let (mut taken, mut changes) = (Taken::default(), Vec::new());
        let (mut needs, mut scripts) = (BTreeSet::new(), BTreeMap::new());
        for file in whole(&theirs, first)? {
            needs.extend(named(&file.text));
            for path in scripts_of(&file.text) {
                let script = Script::at(&path, &shelf, &root)?;
                scripts.insert(path, script);
            }
            let frame = file.frame.as_ref().filter(|it| !it.name.is_empty());
            let Some(frame) = frame else { continue };
            match namesake(&ours, frame) {
                Some(it) if it.text == file.text => taken.same.push(it.path.clone()),
                Some(it) if replaced => {
                    readable(it)?;
                    changes.push(Change::new(&root, &it.path, Some(&it.text), &file.text)?);
                    taken.written.push(it.path.clone());
                }
                Some(it) => {
                    let (kind, name) = (frame.kind.with_article(), &frame.name);
                    let detail =
                        format!("{kind} {name} is there already, and is another one: {}", it.path);
                    let hint = "rename one of the two, or let it be replaced";
                    return Err(Error::conflict(detail, hint));
                }
                None => {
                    is_unique(&ours, frame, &file.path)?;
                    is_free(&ours, &file.path)?;
                    changes.push(Change::new(&root, &file.path, None, &file.text)?);
                    taken.written.push(file.path.clone());
                }
            }
        }
        for (path, Script { theirs, ours }) in &scripts {
            match ours {
                Some(it) if it == theirs => {
                    taken.same.push(path.clone());
                    continue;
                }
                Some(_) if !replaced => {
                    let detail = format!("the script {path} is there already, and is another one");
                    let hint = "rename one of the two, or let it be replaced";
                    return Err(Error::conflict(detail, hint));
                }
                _ => {}
            }
            changes.push(Change::new(&root, path, ours.as_deref(), theirs)?);
            taken.written.push(path.clone());
        }
        replace(changes)?;
        taken.needs = needs.into_iter().collect();
        Ok(taken)
    }

    /// Where there are assets of the same kind and name in other projects.
    pub fn copies(&self, project: &str, path: &str) -> Result<Vec<Copied>> {
        asset_path::check(path)?;
        let own = look(&self.project(project)?.dir)?;
        let file = find(&own, path)?;
        let Some(frame) = &file.frame else { return Ok(Vec::new()) };
        let others = self.projects()?.into_iter();
        let others = others.filter(|it| it.name.as_str() != project && it.amiss.is_none());
        let mut copies = Vec::new();
        for other in others {
            // A project that can't be looked at has no copy that could be shown.
            let Ok(survey) = look(&other.dir) else { continue };
            let Some(found) = namesake(&survey, frame) else { continue };
            copies.push(Copied {
                project: other.name,
                path: found.path.clone(),
                is_same: found.text == file.text,
                usages: crate::assets::usages(&survey, frame).len(),
            });
        }
        Ok(copies)
    }
}

/// A script that an asset names by its file.
struct Script {
    theirs: String,
    /// What lies at that place of the project that gets it.
    ours: Option<String>,
}

impl Script {
    fn at(path: &str, theirs: &Path, ours: &Path) -> Result<Self> {
        let full = theirs.join(path);
        let is_inside = full.canonicalize().is_ok_and(|it| it.starts_with(theirs));
        let is_short = full.metadata().is_ok_and(|it| it.len() <= SCRIPT_BYTES_MAX);
        let text = (is_inside && is_short).then(|| fs::read_to_string(&full).ok()).flatten();
        let theirs = text.ok_or_else(|| {
            let detail = format!("the script {path} can't be read, or is no text of its project");
            Error::conflict(detail, "mend the original first")
        })?;
        Ok(Self { theirs, ours: fs::read_to_string(ours.join(path)).ok() })
    }
}

/// The files that a text names as scripts.
fn scripts_of(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // What can't be read names none, and is refused elsewhere.
    let mut open: Vec<Value> = yaml::parse("", text).iter().map(Document::to_json).collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value.get("file").and_then(Value::as_str) {
                        Some(path) if key == "script" => {
                            found.insert(path.to_owned());
                        }
                        _ => open.push(value),
                    }
                }
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

fn namesake<'s>(survey: &'s Survey, of: &Frame) -> Option<&'s Surveyed> {
    let is_it = |it: &&Surveyed| {
        it.frame.as_ref().is_some_and(|it| it.kind == of.kind && it.name == of.name)
    };
    survey.files.iter().find(is_it)
}

/// The asset and all that it leads to, what is referred to before who refers to it.
fn whole<'s>(survey: &'s Survey, first: &'s Surveyed) -> Result<Vec<&'s Surveyed>> {
    let by_name: BTreeMap<_, _> = survey
        .files
        .iter()
        .filter_map(|it| Some(((it.frame.as_ref()?.kind, it.frame.as_ref()?.name.as_str()), it)))
        .collect();
    let (mut found, mut open, mut seen) = (Vec::new(), vec![first], BTreeSet::new());
    while let Some(file) = open.pop() {
        if !seen.insert(&file.path) {
            continue;
        }
        readable(file)?;
        let kind = file.frame.as_ref().map(|it| it.kind);
        if matches!(kind, None | Some(AssetKind::Project | AssetKind::Secret)) {
            let detail = format!("{} is nothing that another project could take", file.path);
            return Err(Error::conflict(
                detail,
                "secrets are sealed for their project: seal them for the other one",
            ));
        }
        found.push(file);
        for it in &file.references {
            match by_name.get(&(it.kind, it.name.as_str())) {
                Some(next) => open.push(next),
                None => {
                    let detail = format!(
                        "{} names the {} {}, which is not there",
                        it.place, it.kind, it.name
                    );
                    return Err(Error::conflict(detail, "mend the original first"));
                }
            }
        }
    }
    found.reverse();
    Ok(found)
}

/// Values and secrets that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let after = text.split("${").skip(1).filter_map(|it| it.split('}').next());
    let is_needed = |it: &&str| it.starts_with("env:") || it.starts_with("sec:");
    // What stands behind the name says what is taken without it.
    let name = |it: &str| it.split([':', '|']).take(2).collect::<Vec<_>>().join(":");
    after.filter(is_needed).map(name).collect()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const FORMAT: &str =
        "apiVersion: weir/v1\nkind: Format\nmetadata: { name: lines }\nspec: { type: json }\n";
    const SOURCE: &str = "apiVersion: weir/v1\nkind: Source\nmetadata: { name: orders }\nspec:\n  \
                          file: { directory: \"${env:IN}\", format: lines }\n";

    fn workspace() -> (TempDir, Workspace) {
        let dir = TempDir::new().unwrap();
        for name in ["shelf", "shop"] {
            let root = dir.path().join(name);
            fs::create_dir_all(root.join("sources")).unwrap();
            let text =
                format!("apiVersion: weir/v1\nkind: Project\nmetadata: {{ name: {name} }}\n");
            fs::write(root.join("project.yaml"), text).unwrap();
        }
        fs::write(dir.path().join("shelf/lines.yaml"), FORMAT).unwrap();
        fs::write(dir.path().join("shelf/sources/orders.yaml"), SOURCE).unwrap();
        let workspace = Workspace::below(dir.path().to_owned());
        (dir, workspace)
    }

    const PATH: &str = "sources/orders.yaml";

    #[test]
    fn an_asset_comes_with_what_it_refers_to_and_copies_are_known() {
        let (dir, workspace) = workspace();
        let taken = workspace.take("shop", "shelf", PATH, false).unwrap();
        assert_eq!(taken.written, ["lines.yaml", PATH]);
        assert_eq!(taken.needs, ["env:IN"]);
        assert_eq!(fs::read_to_string(dir.path().join("shop").join(PATH)).unwrap(), SOURCE);
        let again = workspace.take("shop", "shelf", PATH, false).unwrap();
        assert_eq!((again.written.len(), again.same.len()), (0, 2));
        let copies = workspace.copies("shelf", "lines.yaml").unwrap();
        let copy = Copied {
            project: ProjectName::new("shop").unwrap(),
            path: "lines.yaml".into(),
            is_same: true,
            usages: 1,
        };
        assert_eq!(copies, [copy]);
    }

    #[test]
    fn a_script_in_a_file_comes_along_and_is_not_overwritten_unless_it_is_asked_for() {
        let (dir, workspace) = workspace();
        let stage = "apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: w }\nspec:\n  stages:\n  \
                     - name: s\n    processor: { javascript: { script: { file: scripts/s.js } } }\n";
        fs::write(dir.path().join("shelf/w.yaml"), stage).unwrap();
        assert!(workspace.take("shop", "shelf", "w.yaml", false).is_err(), "there is no script");
        fs::create_dir(dir.path().join("shelf/scripts")).unwrap();
        let (theirs, ours) = ("shelf/scripts/s.js", "shop/scripts/s.js");
        fs::write(dir.path().join(theirs), "one").unwrap();
        let taken = workspace.take("shop", "shelf", "w.yaml", false).unwrap();
        assert_eq!(taken.written, ["w.yaml", "scripts/s.js"]);
        let now = || fs::read_to_string(dir.path().join(ours)).unwrap();
        assert_eq!(now(), "one");
        fs::write(dir.path().join(theirs), "two").unwrap();
        assert!(workspace.take("shop", "shelf", "w.yaml", false).is_err());
        assert_eq!(now(), "one");
        let taken = workspace.take("shop", "shelf", "w.yaml", true).unwrap();
        assert_eq!(
            (taken.same, taken.written),
            (vec!["w.yaml".into()], vec!["scripts/s.js".into()])
        );
        assert_eq!(now(), "two");
        // Nothing outside of their project is read.
        fs::write(dir.path().join("outside.js"), "x").unwrap();
        let out = stage.replace("scripts/s.js", "../outside.js").replace("name: w", "name: v");
        fs::write(dir.path().join("shelf/v.yaml"), out).unwrap();
        assert!(workspace.take("shop", "shelf", "v.yaml", false).is_err());
    }

    #[test]
    fn what_is_another_one_is_not_overwritten_unless_it_is_asked_for() {
        let (dir, workspace) = workspace();
        let own = FORMAT.replace("json", "csv");
        fs::write(dir.path().join("shop/formats.yaml"), &own).unwrap();
        let refused = workspace.take("shop", "shelf", PATH, false).unwrap_err();
        assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
        assert!(!dir.path().join("shop").join(PATH).exists());
        assert!(!workspace.copies("shelf", "lines.yaml").unwrap()[0].is_same);
        let taken = workspace.take("shop", "shelf", PATH, true).unwrap();
        assert_eq!(taken.written, ["formats.yaml", PATH]);
        assert_eq!(fs::read_to_string(dir.path().join("shop/formats.yaml")).unwrap(), FORMAT);
    }
}
