//! A project keeps its name: going to another version is no way to take one that another project may have.

use std::fs;
use std::path::Path;

use git2::{Oid, Tree};

use crate::data::{BYTES_MAX, PROJECT_FILE};
use crate::{Error, Repository, Result, guard};

impl Repository {
    /// The same, for who knows the project by this name: nothing that is done with it makes the project's
    /// file one that calls it otherwise.
    #[must_use]
    pub fn called(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// The project's file as a path of the repository.
    pub(crate) fn project_file(&self) -> String {
        format!("{}{PROJECT_FILE}", self.prefix)
    }

    /// Refuses a content and mode of the project's file with which it would be another project, or none.
    pub(crate) fn require_name(&self, after: Option<(Oid, i32)>) -> Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let project = self.work.join(&self.prefix);
        let before = project.join(PROJECT_FILE);
        let is_read = before.symlink_metadata().is_ok_and(|it| it.len() <= BYTES_MAX);
        let before =
            if is_read { fs::read_to_string(&before).unwrap_or_default() } else { String::new() };
        if named(&before).is_none() {
            // It has no name of its own that it could lose: this mends it.
            return Ok(());
        }
        let is_file = |it: &(Oid, i32)| !matches!(it.1, guard::LINK | guard::SUBMODULE);
        let (id, _) = after.filter(is_file).ok_or(Error::NoProject)?;
        let blob = self.git.find_blob(id)?;
        let text = String::from_utf8_lossy(blob.content());
        match named(&text).or_else(|| of_directory(&project)) {
            Some(it) if it == *name => Ok(()),
            Some(it) => Err(Error::OtherName(it)),
            None => Err(Error::NoProject),
        }
    }

    /// The same for the file as a version has it.
    pub(crate) fn require_name_in(&self, version: Option<&Tree<'_>>) -> Result<()> {
        let entry = version.and_then(|it| it.get_path(Path::new(&self.project_file())).ok());
        self.require_name(entry.map(|it| (it.id(), it.filemode())))
    }
}

fn named(text: &str) -> Option<String> {
    let file = weir_conf::yaml::parse(PROJECT_FILE, text).ok()?.to_json();
    file.pointer("/metadata/name")?.as_str().map(str::to_owned)
}

/// What a project is called as long as its file can't be read.
fn of_directory(project: &Path) -> Option<String> {
    project.canonicalize().ok()?.file_name()?.to_str().map(str::to_owned)
}
