//! The projects of a server: listed, made, opened, renamed, forgotten and deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use weir_domain::ProjectName;
use weir_project::{AssetKind, PROJECT_FILE, Survey, Surveyed};

use crate::asset_path;
use crate::disk;
use crate::error::{Error, Result};
use crate::register::Register;
use crate::scalar::{self, Spot};
use crate::seen::Seen;
use crate::stamp::Stamp;
use crate::write::{Change, replace};

/// What the names of places end with where projects come from elsewhere.
const ARRIVAL: &str = ".weir-arrival";

/// All projects of a server. One process has a workspace; its changes are made one after the other.
#[derive(Debug)]
pub struct Workspace {
    /// Where new projects are made.
    home: PathBuf,
    /// Where one is that stays as long as the process.
    given: Option<PathBuf>,
    changing: Mutex<()>,
    /// Archives are large: there is one in memory at a time.
    pub(crate) importing: Mutex<()>,
    /// The names of projects, as long as their files stay as they are.
    names: Mutex<BTreeMap<PathBuf, (Stamp, Option<ProjectName>)>>,
    pub(crate) seen: Seen,
}

/// A project and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectDir {
    pub name: ProjectName,
    /// Without links.
    pub dir: PathBuf,
    pub home: Home,
    /// Its name among the server's own, where it has one: that of the directory, or of a link.
    entry: Option<OsString>,
    /// Why nothing may be done with it: what is meant by its name can't be told, or isn't there.
    pub amiss: Option<Amiss>,
}

/// What keeps everybody from a project until somebody has looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amiss {
    /// This directory says the same name of itself.
    Rival(PathBuf),
    /// The directory that was opened is not there, or holds no project.
    Absent,
}

impl Amiss {
    /// What is the matter with the project in a directory.
    pub fn of(&self, name: &ProjectName, dir: &Path) -> String {
        match self {
            Self::Rival(rival) => {
                format!("{} and {} are both called {name}", dir.display(), rival.display())
            }
            Self::Absent => {
                format!("{} is not there, where the project {name} was opened", dir.display())
            }
        }
    }

    fn hint(&self, name: &ProjectName) -> String {
        match self {
            Self::Rival(_) => {
                format!(
                    "change metadata.name in {PROJECT_FILE} of one of them, or move that directory away"
                )
            }
            Self::Absent => format!(
                "bring the directory back, or forget the project: weir project remove {name}"
            ),
        }
    }
}

/// To whom a directory belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// It lies in the server's own, which may delete it.
    Own,
    /// It was opened, or a link leads there, and is somebody else's.
    Opened,
    /// It came with the start of the process.
    Given,
}

/// A project that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    pub name: String,
    pub description: Option<String>,
}

impl Workspace {
    /// The projects below one directory, which need not be there yet.
    pub fn below(home: PathBuf) -> Self {
        let (changing, importing, names, seen) = Default::default();
        Self { home, given: None, changing, importing, names, seen }
    }

    /// With one more, which is somewhere else.
    #[must_use]
    pub fn with(self, given: PathBuf) -> Self {
        Self { given: Some(given), ..self }
    }

    /// All projects by name, those too with which nothing may be done.
    pub fn projects(&self) -> Result<Vec<ProjectDir>> {
        let register = Register::load(&self.home)?;
        let mut found: BTreeMap<ProjectName, ProjectDir> = BTreeMap::new();
        let mut dirs = BTreeSet::new();
        for (dir, home, entry) in self.dirs(&register) {
            // A link may lead to one that is known already.
            if !dirs.insert(dir.clone()) {
                continue;
            }
            let Some(name) = self.name(&dir) else { continue };
            match found.get_mut(&name) {
                Some(first) => first.amiss = Some(Amiss::Rival(dir)),
                None => {
                    _ = found
                        .insert(name.clone(), ProjectDir { name, dir, home, entry, amiss: None });
                }
            }
        }
        self.names().retain(|dir, _| dirs.contains(dir));
        for (dir, name) in register.absent() {
            let (home, entry, amiss) = (Home::Opened, None, Some(Amiss::Absent));
            found.entry(name.clone()).or_insert(ProjectDir { name, dir, home, entry, amiss });
        }
        Ok(found.into_values().collect())
    }

    /// The project of a name. Refused where nothing may be done with it.
    pub fn project(&self, name: &str) -> Result<ProjectDir> {
        let project = self.listed(name)?;
        match &project.amiss {
            Some(it) => {
                Err(Error::conflict(it.of(&project.name, &project.dir), it.hint(&project.name)))
            }
            None => Ok(project),
        }
    }

    /// The same, whether something may be done with it or not.
    pub fn listed(&self, name: &str) -> Result<ProjectDir> {
        let projects = self.projects()?;
        let found = projects.iter().find(|it| it.name.as_str() == name).cloned();
        found.ok_or_else(|| Error::NotFound {
            what: "project",
            name: name.to_owned(),
            known: projects.iter().map(|it| it.name.to_string()).collect(),
        })
    }

    fn dirs(&self, register: &Register) -> Vec<(PathBuf, Home, Option<OsString>)> {
        let real =
            |dir: &PathBuf| dir.join(PROJECT_FILE).is_file().then(|| dir.canonicalize().ok());
        let elsewhere = |dir: &PathBuf, home| Some((real(dir)??, home, None));
        let given = self.given.iter().filter_map(|it| elsewhere(it, Home::Given));
        let opened = register.opened.iter().filter_map(|it| elsewhere(it, Home::Opened));
        let is_shown = |name: &OsString| {
            !name.as_encoded_bytes().starts_with(b".")
                && !register.removed.contains(Path::new(name))
        };
        // What only a link leads to lies elsewhere, and what lies here goes by its own name.
        let home = self.home.canonicalize().ok();
        let below = |entry: OsString| {
            let dir = real(&self.home.join(&entry))??;
            match dir.parent() == home.as_deref() {
                true => Some((dir.clone(), Home::Own, Some(dir.file_name()?.to_owned()))),
                false => Some((dir, Home::Opened, Some(entry))),
            }
        };
        // A directory that is not there holds no projects.
        let entries = fs::read_dir(&self.home).into_iter().flatten().flatten();
        let mut entries: Vec<_> = entries.map(|it| it.file_name()).filter(is_shown).collect();
        entries.sort();
        let own = entries.into_iter().filter_map(below);
        given.chain(own.filter(|it| it.2.as_ref().is_some_and(is_shown))).chain(opened).collect()
    }

    /// A project whose file can't be read goes by its directory's name until it is mended.
    fn name(&self, dir: &Path) -> Option<ProjectName> {
        let stamp = Stamp::of_file(&dir.join(PROJECT_FILE))?;
        if let Some((known, name)) = self.names().get(dir)
            && *known == stamp
        {
            return name.clone();
        }
        let of_dir = || ProjectName::new(dir.file_name()?.to_string_lossy()).ok();
        let name = weir_project::name(dir).ok().or_else(of_dir);
        self.names().insert(dir.to_owned(), (stamp, name.clone()));
        name
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (Stamp, Option<ProjectName>)>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes are made one after the other.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an empty project, which is valid at once.
    pub fn create(&self, new: &NewProject) -> Result<ProjectDir> {
        let _turn = self.turn();
        let name = self.free_name(&new.name, None)?;
        self.make(&name, |at| {
            let text = empty_project(&name, new.description.as_deref());
            disk::write(&at.join(PROJECT_FILE), text.as_bytes())
        })?;
        self.project(name.as_str())
    }

    /// Fills a directory, and gives it its name when all is in it.
    pub(crate) fn make(
        &self,
        name: &ProjectName,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let target = self.home.join(name.as_str());
        let hidden = self.home.join(format!(".{name}.weir-new"));
        fs::create_dir_all(&self.home).map_err(Error::io(&self.home, "made"))?;
        // Half of one that a crash left.
        if hidden.symlink_metadata().is_ok() {
            fs::remove_dir_all(&hidden).map_err(Error::io(&hidden, "deleted"))?;
        }
        fs::create_dir(&hidden).map_err(Error::io(&hidden, "made"))?;
        let made = fill(&hidden).and_then(|()| {
            disk::sync(&hidden)?;
            self.show(name)?;
            fs::rename(&hidden, &target).map_err(Error::io(&target, "made"))?;
            disk::sync(&self.home).map_err(Error::after(format!("the project {name} is made")))
        });
        if made.is_err() {
            // What is left is hidden, and cleared away by the next one.
            let _ = fs::remove_dir_all(&hidden);
        }
        made
    }

    /// A directory of a name that is free now may have been removed from the list before it went: what gets the
    /// name is another one.
    fn show(&self, name: &ProjectName) -> Result<()> {
        let mut register = Register::load(&self.home)?;
        match register.removed.remove(Path::new(name.as_str())) {
            true => register.save(&self.home),
            false => Ok(()),
        }
    }

    /// Refuses a name that can't be a directory's everywhere, and one that is taken, by case or not.
    pub(crate) fn free_name(
        &self,
        given: &str,
        except: Option<&ProjectDir>,
    ) -> Result<ProjectName> {
        let shown: String = given.chars().take(200).collect();
        let name = ProjectName::new(given)
            .map_err(|it| Error::invalid("name", shown.clone(), it.to_string()))?;
        asset_path::check_portable(given).map_err(|it| Error::invalid("name", shown, it))?;
        let is_taken = |it: &str| it.eq_ignore_ascii_case(name.as_str());
        let mut projects = self.projects()?.into_iter();
        let other = projects.find(|it| is_taken(it.name.as_str()) && Some(it) != except);
        if let Some(it) = other {
            let detail = format!("there is a project {} in {}", it.name, it.dir.display());
            return Err(Error::conflict(
                detail,
                "choose a name that differs by more than its case",
            ));
        }
        let entries = fs::read_dir(&self.home).into_iter().flatten().flatten();
        let mut entries = entries.map(|it| it.file_name().to_string_lossy().into_owned());
        let own = except.and_then(|it| it.entry.as_deref()).map(|it| it.to_string_lossy());
        let taken = entries.find(|it| is_taken(it) && own.as_deref() != Some(it));
        match taken {
            Some(it) => {
                let dir = self.home.join(it);
                let detail = format!("there is already {}", dir.display());
                Err(Error::conflict(detail, "choose another name, or open that directory"))
            }
            None => Ok(name),
        }
    }

    /// Takes in a directory of this machine that is a project.
    pub fn open(&self, path: &Path) -> Result<ProjectDir> {
        let _turn = self.turn();
        let shown = path.display().to_string();
        let refuse = |reason: String| Error::invalid("directory", shown.clone(), reason);
        if !path.is_absolute() || path.to_str().is_none() {
            return Err(refuse("write the path from the root of the server's file system".into()));
        }
        let dir = path.canonicalize().map_err(|it| refuse(it.to_string()))?;
        let name = weir_project::name(&dir).map_err(|findings| {
            let first = findings.first().map(|it| format!("{it}"));
            refuse(first.unwrap_or_else(|| "it has no project with a name".to_owned()))
        })?;
        if dir.to_str().is_none() {
            return Err(refuse("its path is not UTF-8".into()));
        }
        let known = self.projects()?;
        if let Some(it) = known.iter().find(|it| it.dir == dir) {
            return Ok(it.clone());
        }
        if let Some(it) =
            known.iter().find(|it| it.name.as_str().eq_ignore_ascii_case(name.as_str()))
        {
            let detail = format!("there is a project {} in {}", it.name, it.dir.display());
            return Err(Error::conflict(detail, "rename one of the two, or remove the other one"));
        }
        let overlapping = known.iter().find(|it| lies_in(&dir, &it.dir) || lies_in(&it.dir, &dir));
        if let Some(it) = overlapping {
            let detail = format!(
                "{} and the project {} in {} would be one within the other",
                dir.display(),
                it.name,
                it.dir.display()
            );
            return Err(Error::conflict(
                detail,
                "move one of the two directories out of the other",
            ));
        }
        let mut register = Register::load(&self.home)?;
        let own = self.home.canonicalize().ok().filter(|it| dir.parent() == Some(it));
        match own.and(dir.file_name()) {
            Some(below) => _ = register.removed.remove(Path::new(below)),
            None => {
                register.opened.insert(dir.clone());
                register.names.insert(dir.clone(), name.clone());
            }
        }
        register.save(&self.home)?;
        self.project(name.as_str())
    }

    /// Changes a project's files, and nothing else of this process comes between. What was done so is on the
    /// disk when this returns, of whatever program's library did it.
    pub fn alone<T, E>(
        &self,
        name: &str,
        work: impl FnOnce(&ProjectDir) -> std::result::Result<T, E>,
    ) -> Result<std::result::Result<T, E>> {
        let _turn = self.turn();
        let project = self.project(name)?;
        let done = work(&project);
        if done.is_ok() {
            self.sync(&project)?;
        }
        Ok(done)
    }

    /// Puts on the disk what was changed in a project's directory.
    pub fn sync(&self, project: &ProjectDir) -> Result<()> {
        let done = || format!("the files of the project {} were changed", project.name);
        disk::sync_all(&project.dir).map_err(|it| Error::after(done())(it))
    }

    /// A hidden place, among the server's own projects, for one that comes from elsewhere.
    pub fn arrival(&self, called: &str) -> Result<PathBuf> {
        fs::create_dir_all(&self.home).map_err(Error::io(&self.home, "made"))?;
        Ok(self.home.join(format!(".{called}{ARRIVAL}")))
    }

    /// Takes in a project that is complete in such a place; it keeps its name.
    pub fn arrived(&self, place: &Path) -> Result<ProjectDir> {
        let _turn = self.turn();
        let name = weir_project::name(place).map_err(|findings| {
            let first = findings.first().map(|it| it.cause.clone());
            let detail = format!(
                "what came is no project: {}",
                first.unwrap_or_else(|| "it has none with a name".to_owned())
            );
            Error::conflict(detail, "a project has a file project.yaml with its name at its root")
        })?;
        let name = self.free_name(name.as_str(), None)?;
        disk::sync_all(place)?;
        self.show(&name)?;
        let target = self.home.join(name.as_str());
        fs::rename(place, &target).map_err(Error::io(&target, "made"))?;
        let done = || format!("the project {name} is made");
        disk::sync(&self.home).map_err(|it| Error::after(done())(it))?;
        self.project(name.as_str())
    }

    /// Removes what came and was not taken in before the process ended. Before anything else comes.
    pub fn clear_arrivals(&self) {
        let entries = fs::read_dir(&self.home).into_iter().flatten().flatten();
        let is_left = |it: &fs::DirEntry| {
            let name = it.file_name().to_string_lossy().into_owned();
            name.starts_with('.')
                && (name.ends_with(ARRIVAL) || name.contains(&format!("{ARRIVAL}.")))
        };
        for entry in entries.filter(is_left) {
            // What can't be removed is hidden, and tried again the next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }

    /// Forgets a project. Its files stay.
    pub fn remove(&self, name: &str) -> Result<ProjectDir> {
        let _turn = self.turn();
        let project = self.listed(name)?;
        if project.amiss != Some(Amiss::Absent) {
            self.project(name)?;
        }
        let mut register = Register::load(&self.home)?;
        if project.home == Home::Given {
            return Err(given(&project));
        }
        register.removed.extend(project.entry.as_ref().map(PathBuf::from));
        register.opened.remove(&project.dir);
        register.names.remove(&project.dir);
        register.save(&self.home)?;
        Ok(project)
    }

    /// Deletes a project with all its files, if its name was typed.
    pub fn delete(&self, name: &str, typed: &str) -> Result<ProjectDir> {
        let _turn = self.turn();
        let project = self.project(name)?;
        if typed != name {
            let reason = format!("to delete {name} with all its files, give its name once more");
            return Err(Error::invalid(
                "confirm",
                typed.chars().take(200).collect::<String>(),
                reason,
            ));
        }
        match project.home {
            Home::Own => {}
            Home::Given => return Err(given(&project)),
            Home::Opened => {
                let dir = project.dir.display();
                let detail = format!("{dir} lies elsewhere, and does not belong to this server");
                return Err(Error::conflict(
                    detail,
                    "remove the project, and delete its files by hand",
                ));
            }
        }
        // Gone at once, whatever becomes of the rest.
        let hidden = self.home.join(format!(".{name}.weir-deleted"));
        if hidden.symlink_metadata().is_ok() {
            fs::remove_dir_all(&hidden).map_err(Error::io(&hidden, "deleted"))?;
        }
        fs::rename(&project.dir, &hidden).map_err(Error::io(&project.dir, "deleted"))?;
        let cleared = disk::sync(&self.home)
            .and_then(|()| fs::remove_dir_all(&hidden).map_err(Error::io(&hidden, "deleted")));
        let done = || {
            format!(
                "the project {name} is gone, and what is left of its files is in {}",
                hidden.display()
            )
        };
        cleared.map_err(|it| Error::after(done())(it)).map(|()| project)
    }

    /// Gives a project another name; a directory of the server's own goes along if it was called so.
    pub fn rename_project(&self, name: &str, to: &str) -> Result<ProjectDir> {
        let _turn = self.turn();
        let project = self.project(name)?;
        let to = self.free_name(to, Some(&project))?;
        if to == project.name {
            return Ok(project);
        }
        let survey = weir_project::survey(&project.dir).map_err(Error::Unreadable)?;
        refuse_sealed(&survey, name)?;
        let mut frames = survey.files.iter().filter_map(|it| Some((it, it.frame.as_ref()?)));
        let Some((file, frame)) = frames.find(|it| it.0.path == PROJECT_FILE) else {
            let detail = format!("{PROJECT_FILE} of the project {name} can't be read");
            return Err(Error::conflict(detail, "mend it first"));
        };
        let path = "metadata.name".to_owned();
        let spot = Spot { place: frame.name_place.clone(), path, is_key: false };
        let text = scalar::rename(&file.text, &[spot], &frame.name, to.as_str());
        let text = text.map_err(|place| {
            let detail =
                format!("the name is written in {place} in a way that can't be changed here");
            Error::conflict(detail, "write it as plain text there")
        })?;
        let change = Change::new(&project.dir, PROJECT_FILE, Some(&file.text), &text)?;
        replace(vec![change])?;
        if project.home == Home::Own && project.entry.as_ref().is_some_and(|it| it == name) {
            let dir = self.home.join(to.as_str());
            let moved = self.show(&to).and_then(|()| {
                fs::rename(&project.dir, &dir).map_err(Error::io(&dir, "made of the directory"))?;
                disk::sync(&self.home)
            });
            moved.map_err(Error::after(format!("the project is called {to} now")))?;
        }
        let mut register = Register::load(&self.home)?;
        if register.opened.contains(&project.dir) {
            register.names.insert(project.dir, to.clone());
            let saved = register.save(&self.home);
            saved.map_err(Error::after(format!("the project is called {to} now")))?;
        }
        self.project(to.as_str())
    }
}

/// Whether what is in a directory belongs to a project in another one; what is hidden there does not.
fn lies_in(inner: &Path, outer: &Path) -> bool {
    inner
        .strip_prefix(outer)
        .is_ok_and(|rest| !rest.iter().any(|it| it.as_encoded_bytes().starts_with(b".")))
}

/// Refuses to give a project with secrets another name: nobody could open them.
pub(crate) fn refuse_sealed(survey: &Survey, name: &str) -> Result<()> {
    let is_secret =
        |it: &&Surveyed| it.frame.as_ref().is_some_and(|it| it.kind == AssetKind::Secret);
    let Some(file) = survey.files.iter().find(is_secret) else { return Ok(()) };
    let detail = format!("the secrets in {} are sealed for the name {name}", file.path);
    let hint =
        "keep the name; or delete the secret assets first, and seal the values anew afterwards";
    Err(Error::conflict(detail, hint))
}

fn given(project: &ProjectDir) -> Error {
    let detail = format!("the project {} came with the start of this process", project.name);
    Error::conflict(detail, "start it without that project")
}

/// Failed records, and whatever else passes through workflows, are in no version and no archive.
pub(crate) const EMPTY_SPEC: &str = "\
spec:
  # Directories of data: no part of the project, nor of its versions.
  exclude: [in, out, done, error, dead-letters]
";

fn empty_project(name: &ProjectName, description: Option<&str>) -> String {
    let description = description.filter(|it| !it.is_empty());
    // JSON's texts are YAML's.
    let about = description.map(|it| format!("  description: {}\n", serde_json::json!(it)));
    let quoted = serde_json::json!(name.as_str());
    format!(
        "apiVersion: weir/v1\nkind: Project\nmetadata:\n  name: {quoted}\n{}{EMPTY_SPEC}",
        about.unwrap_or_default()
    )
}
