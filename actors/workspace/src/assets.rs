//! The assets of a project, and who uses them.

use std::path::Path;

use weir_domain::{Digest, Finding};
use weir_project::{Effective, Frame, Reference, Survey, Surveyed};

use crate::asset_path;
use crate::error::{Error, Result};
use crate::projects::Workspace;

/// A file that is an asset, or should be one.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    pub path: String,
    pub text: String,
    /// Of the text: what a change is based on. `None`: the file can't be read.
    pub digest: Option<Digest>,
    /// `None`: what it is can't be told.
    pub frame: Option<Frame>,
    /// What is wrong with the file and with the frame of the asset.
    pub findings: Vec<Finding>,
}

/// Where an asset is named by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Whose file it is.
    pub path: String,
    pub by: Frame,
    pub reference: Reference,
}

impl From<Surveyed> for Asset {
    fn from(it: Surveyed) -> Self {
        // What can't be read has neither a text nor a frame, and always a finding.
        let is_readable = it.frame.is_some() || !it.text.is_empty() || it.findings.is_empty();
        let digest = is_readable.then(|| Digest::of(it.text.as_bytes()));
        let Surveyed { path, text, frame, findings, .. } = it;
        Self { path, text, digest, frame, findings }
    }
}

impl Workspace {
    /// All assets of a project in the order of their paths, `project.yaml` first.
    pub fn assets(&self, project: &str) -> Result<Vec<Asset>> {
        let survey = look(&self.project(project)?.dir)?;
        Ok(survey.files.into_iter().map(Asset::from).collect())
    }

    pub fn asset(&self, project: &str, path: &str) -> Result<Asset> {
        asset_path::check(path)?;
        let root = self.project(project)?.dir;
        if root.join(path).symlink_metadata().is_err() {
            return Err(missing(&look(&root)?, path));
        }
        let text = weir_project::read_text(&root, path).map_err(Error::Unreadable)?;
        let asset = Asset::from(weir_project::survey_text(path, &text));
        self.seen.keep(Digest::of(text.as_bytes()), &text);
        Ok(asset)
    }

    /// The asset in a file with all that it has from those that it extends.
    pub fn effective(&self, project: &str, path: &str) -> Result<Effective> {
        asset_path::check(path)?;
        let root = self.project(project)?.dir;
        let survey = look(&root)?;
        let file = find(&survey, path)?;
        weir_project::effective(&root, path).map_err(|found| {
            let mut findings = file.findings.clone();
            findings.extend(found);
            findings.retain(Finding::is_error);
            // What is wrong with the asset itself says more than what is wrong with others.
            findings.sort_by_key(|it| it.place.file != path);
            Error::NotWhole { path: path.to_owned(), findings }
        })
    }

    /// Who names the asset in a file, and where.
    pub fn usages(&self, project: &str, path: &str) -> Result<Vec<Usage>> {
        asset_path::check(path)?;
        let survey = look(&self.project(project)?.dir)?;
        let file = find(&survey, path)?;
        Ok(file.frame.as_ref().map_or_else(Vec::new, |it| usages(&survey, it)))
    }
}

pub(crate) fn look(root: &Path) -> Result<Survey> {
    weir_project::survey(root).map_err(Error::Unreadable)
}

pub(crate) fn find<'s>(survey: &'s Survey, path: &str) -> Result<&'s Surveyed> {
    survey.files.iter().find(|it| it.path == path).ok_or_else(|| missing(survey, path))
}

fn missing(survey: &Survey, path: &str) -> Error {
    let known = survey.files.iter().map(|it| it.path.clone()).collect();
    Error::NotFound { what: "asset", name: path.to_owned(), known }
}

pub(crate) fn usages(survey: &Survey, of: &Frame) -> Vec<Usage> {
    let files = survey.files.iter().filter_map(|it| Some((it, it.frame.as_ref()?)));
    let mut found = Vec::new();
    for (file, by) in files {
        let meant = file.references.iter().filter(|it| it.kind == of.kind && it.name == of.name);
        found.extend(meant.map(|it| Usage {
            path: file.path.clone(),
            by: by.clone(),
            reference: it.clone(),
        }));
    }
    found
}

/// The users of an asset in words: `Workflow flights in workflows/flights.yaml:12:15`.
pub(crate) fn named(usages: &[Usage]) -> String {
    const SHOWN: usize = 5;
    let name = |it: &Usage| format!("{} {} in {}", it.by.kind, it.by.name, it.reference.place);
    let mut names: Vec<_> = usages.iter().take(SHOWN).map(name).collect();
    if usages.len() > SHOWN {
        names.push(format!("{} more", usages.len() - SHOWN));
    }
    names.join(", ")
}
