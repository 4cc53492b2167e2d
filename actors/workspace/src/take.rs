//! An asset of one project is taken into another one, with all that it refers to: any project can be the
//! shelf of others, for connections, formats and workflows that several have in common.
//!
//! What was taken is the taker's own from then on. Where a copy is, and whether it is still like the
//! original, is told by kind and name.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::ProjectName;
use weir_project::{AssetKind, Frame, Survey, Surveyed};

use crate::asset_path;
use crate::assets::{find, look};
use crate::error::{Error, Result};
use crate::projects::Workspace;
use crate::write::{Change, is_free, is_unique, readable, replace};

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
        let theirs = look(&self.project(from)?.dir)?;
        let root = self.project(project)?.dir;
        let ours = look(&root)?;
        let first = find(&theirs, path)?;
        let (mut taken, mut changes) = (Taken::default(), Vec::new());
        let mut needs = BTreeSet::new();
        for file in whole(&theirs, first)? {
            needs.extend(named(&file.text));
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
        let others = self.projects()?.into_iter().filter(|it| it.name.as_str() != project);
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
    use std::fs;

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
