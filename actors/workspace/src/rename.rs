//! An asset gets another name, and all who name it say so (W5, W6).
//!
//! Everything is on the disk before the first file is replaced. A process that dies in between leaves whole
//! files: with the asset under its new name, and some references to the old one, which validation shows. A file
//! that is called as its asset is there twice meanwhile, so that no reference leads nowhere. Links stay where they
//! are, and so do files that links lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use weir_domain::{AssetName, Digest};
use weir_project::{AssetKind, Frame, Spelling, Survey, Surveyed};

use crate::asset_path;
use crate::assets::{Asset, Usage, find, look, named, usages};
use crate::disk;
use crate::error::{Error, Result};
use crate::projects::Workspace;
use crate::scalar::{self, Spot};
use crate::write::{Based, Change, is_free, is_unique, readable, remove, replace};

/// What became of an asset that was renamed.
#[derive(Debug, Clone, PartialEq)]
pub struct Renamed {
    pub asset: Asset,
    /// The files of those that use it, which were changed as well.
    pub users: Vec<String>,
}

impl Workspace {
    /// Renames an asset wherever it is named.
    pub fn rename_asset(
        &self,
        project: &str,
        path: &str,
        to: &str,
        based: Digest,
    ) -> Result<Renamed> {
        asset_path::check(path)?;
        let shown = || to.chars().take(200).collect::<String>();
        AssetName::new(to).map_err(|it| Error::invalid("name", shown(), it.to_string()))?;
        let _turn = self.turn();
        let root = self.project(project)?.dir;
        let survey = look(&root)?;
        let file = find(&survey, path)?;
        readable(file)?;
        self.unchanged(path, Some(file), Based::On(based), None)?;
        let Some(frame) = file.frame.as_ref().filter(|it| !it.name.is_empty()) else {
            let detail = format!("{path} is no asset with a name");
            return Err(Error::conflict(detail, "mend it first"));
        };
        if frame.kind == AssetKind::Project {
            let detail = "it is the project itself";
            return Err(Error::conflict(detail, "rename the project"));
        }
        if frame.name == to {
            let asset = Asset::from(weir_project::survey_text(path, &file.text));
            return Ok(Renamed { asset, users: Vec::new() });
        }
        is_unique(&survey, &Frame { name: to.to_owned(), ..frame.clone() }, path)?;
        let texts = texts(&survey, path, frame, to)?;
        let entry = disk::entry(&root, path)?;
        let target = match asset_path::renamed(path, &frame.name, to) {
            it if it != path
                && is_free(&survey, &it).is_ok()
                && is_alone(&root, &survey, &entry) =>
            {
                it
            }
            _ => path.to_owned(),
        };
        let before = |path: &str| find(&survey, path).ok().map(|it| it.text.as_str());
        // First the asset itself, so that what names it finds it.
        let own = Change::new(&root, &target, before(&target), &texts[path])?;
        let others = texts.iter().filter(|it| it.0 != path);
        let mut changes = vec![own];
        let mut targets = BTreeSet::from([disk::place(&root, &target)?]);
        for (path, text) in others.clone() {
            // A file that has several names, by links, is changed once.
            if targets.insert(disk::place(&root, path)?) {
                changes.push(Change::new(&root, path, before(path), text)?);
            }
        }
        replace(changes)?;
        if target != path {
            let done = format!("the {} is {to} now, in {target}", frame.kind);
            remove(&entry, path, &file.text).map_err(Error::after(done))?;
        }
        let asset = Asset::from(weir_project::survey_text(&target, &texts[path]));
        self.seen.keep(Digest::of(asset.text.as_bytes()), &asset.text);
        Ok(Renamed { asset, users: others.map(|it| it.0.clone()).collect() })
    }
}

/// Whether an entry is the file itself, and no link of the project leads to it: it can be called otherwise.
fn is_alone(root: &Path, survey: &Survey, entry: &Path) -> bool {
    let leads_here =
        |it: &&Surveyed| root.join(&it.path).canonicalize().is_ok_and(|it| it == *entry);
    !entry.is_symlink() && survey.files.iter().filter(leads_here).count() == 1
}

/// The new texts of the asset and of all who name it, by their paths.
fn texts(survey: &Survey, path: &str, frame: &Frame, to: &str) -> Result<BTreeMap<String, String>> {
    let users = usages(survey, frame);
    let is_macro = |it: &&Usage| matches!(it.reference.written, Spelling::Macro(_));
    let by_macros: Vec<_> = users.iter().filter(is_macro).cloned().collect();
    if !by_macros.is_empty() {
        let detail = format!(
            "the {} {} is named by values of environments: {}",
            frame.kind,
            frame.name,
            named(&by_macros)
        );
        return Err(Error::conflict(detail, "write the name itself there first"));
    }
    let place = frame.name_place.clone();
    let name = Spot { place, path: "metadata.name".to_owned(), is_key: false };
    let mut spots = BTreeMap::from([(path.to_owned(), vec![name])]);
    for Usage { path, reference, .. } in users {
        let is_key = reference.written == Spelling::Key;
        let spot = Spot { place: reference.place, path: reference.path, is_key };
        spots.entry(path).or_default().push(spot);
    }
    let mut texts = BTreeMap::new();
    for (path, spots) in spots {
        let text = &find(survey, &path)?.text;
        let text = scalar::rename(text, &spots, &frame.name, to).map_err(|place| {
            let name = &frame.name;
            let detail =
                format!("{name} is written in {place} in a way that can't be changed here");
            Error::conflict(detail, "write it as plain text there; nothing was changed")
        })?;
        texts.insert(path, text);
    }
    Ok(texts)
}
