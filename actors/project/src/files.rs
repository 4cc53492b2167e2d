//! Finding and reading a project's files.
//!
//! Assets are `*.yaml` and `*.yml` anywhere below the project's directory, except in hidden
//! directories and in those that the project excludes because they hold data. Linked directories
//! are not searched; a linked file is read only if it lies inside the project (P4).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use weir_domain::{Finding, Place};

/// Larger is no asset: somebody's data got the wrong name.
const FILE_BYTES_MAX: u64 = 10 << 20;
/// With more files than this, the search itself becomes slow.
const ENTRIES_MANY: usize = 50_000;
/// Deeper is a loop that a mount made.
const DEPTH_MAX: usize = 64;

/// What tells a directory to be a project.
pub const PROJECT_FILE: &str = "project.yaml";

/// A file's text and its path as seen from the project, with `/` between the parts.
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Texts that take the place of the project's files, by path. A file of that path need not be there.
pub type Drafts = BTreeMap<String, String>;

/// The files of a project as they would be with the drafts written.
pub(crate) struct Files<'a> {
    pub(crate) root: &'a Path,
    pub(crate) drafts: &'a Drafts,
}

impl Files<'_> {
    pub(crate) fn is_there(&self, path: &str) -> bool {
        self.drafts.contains_key(path) || self.root.join(path).symlink_metadata().is_ok()
    }

    pub(crate) fn read(&self, path: &str) -> Result<TextFile, Finding> {
        match self.drafts.get(path) {
            Some(text) => Ok(TextFile { path: path.to_owned(), text: text.clone() }),
            None => read(self.root, path),
        }
    }

    /// As [`find`], with the drafts that would be found.
    pub(crate) fn find(&self, exclude: &[String], findings: &mut Vec<Finding>) -> Vec<String> {
        let mut found = find(self.root, exclude, findings);
        let is_excluded = |path: &str| {
            let below = |it: &String| path.strip_prefix(it).is_some_and(|it| it.starts_with('/'));
            exclude.iter().any(below) || path.split('/').any(|it| it.starts_with('.'))
        };
        let fresh = self.drafts.keys().filter(|it| {
            *it != PROJECT_FILE && is_yaml(Path::new(it)) && !is_excluded(it) && !found.contains(it)
        });
        let fresh: Vec<_> = fresh.cloned().collect();
        found.extend(fresh);
        found.sort_unstable();
        found
    }
}

/// Reads one file of the project.
pub(crate) fn read(root: &Path, path: &str) -> Result<TextFile, Finding> {
    let full = root.join(path);
    let refuse =
        |cause: String, fix: &str| Finding::error(2202, Place::file(path), "", cause).with_fix(fix);
    let unreadable = |error: io::Error| {
        refuse(format!("the file can't be read: {error}"), "check that it is there and readable")
    };
    let target = full.canonicalize().map_err(unreadable)?;
    if !target.starts_with(root) {
        let cause = format!("the link leads out of the project, to {}", target.display());
        return Err(Finding::error(2203, Place::file(path), "", cause)
            .with_fix("copy the file into the project"));
    }
    let about = fs::metadata(&target).map_err(unreadable)?;
    if !about.is_file() {
        return Err(refuse("it is no ordinary file".into(), "put an asset here or rename it"));
    }
    let too_long = || {
        let cause = format!("the file has more than {} MiB: it is no asset", FILE_BYTES_MAX >> 20);
        let fix = format!("if it is data, name its directory in {PROJECT_FILE}: spec.exclude");
        refuse(cause, &fix)
    };
    if about.len() > FILE_BYTES_MAX {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    let file = File::open(&target).map_err(unreadable)?;
    // The length may be a lie, or change: what counts is what is read.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(too_long());
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))?;
    Ok(TextFile { path: path.to_owned(), text })
}

fn not_utf8(path: &str, error: &std::string::FromUtf8Error) -> Finding {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = good.split(|it| *it == b'\n').count();
    let start = good.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    let column = String::from_utf8_lossy(&good[start..]).chars().count() + 1;
    let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    let place = Place::new(path, number(line), number(column));
    Finding::error(2202, place, "", "the file is not UTF-8").with_fix("save it as UTF-8")
}

/// The paths of all files that should be assets, in order, without the project file.
pub(crate) fn find(root: &Path, exclude: &[String], findings: &mut Vec<Finding>) -> Vec<String> {
    let mut search = Search { root, exclude, entries: 0, found: Vec::new(), findings };
    search.directory(Path::new(""), 0);
    if search.entries > ENTRIES_MANY {
        let cause = format!("{} files were searched for assets", search.entries);
        search.findings.push(
            Finding::warning(2209, Place::file(PROJECT_FILE), "spec.exclude", cause)
                .with_fix("name the directories that hold data in spec.exclude"),
        );
    }
    let mut found = search.found;
    found.retain(|it| it != PROJECT_FILE);
    found.sort_unstable();
    found
}

struct Search<'a> {
    root: &'a Path,
    exclude: &'a [String],
    entries: usize,
    found: Vec<String>,
    findings: &'a mut Vec<Finding>,
}

impl Search<'_> {
    fn directory(&mut self, below: &Path, depth: usize) {
        let entries = match fs::read_dir(self.root.join(below)) {
            Ok(entries) => entries,
            Err(error) => return self.unsearchable(below, &error),
        };
        for entry in entries {
            self.entries += 1;
            match entry.and_then(|it| Ok((it.file_name(), it.file_type()?))) {
                Ok((name, kind)) => {
                    let path = below.join(&name);
                    if name.as_encoded_bytes().starts_with(b".") {
                        continue;
                    }
                    if kind.is_dir() {
                        self.descend(&path, depth);
                    } else if is_yaml(&path) && !self.is_linked_directory(&path, kind) {
                        self.found.push(written(&path));
                    }
                }
                Err(error) => self.unsearchable(below, &error),
            }
        }
    }

    fn descend(&mut self, path: &Path, depth: usize) {
        if self.exclude.contains(&written(path)) {
            return;
        }
        if depth < DEPTH_MAX {
            return self.directory(path, depth + 1);
        }
        let cause = format!("it lies in more than {DEPTH_MAX} directories, and is not searched");
        self.findings.push(
            Finding::error(2202, Place::file(written(path)), "", cause)
                .with_fix("move it up, or name one of them in spec.exclude if it holds data"),
        );
    }

    fn is_linked_directory(&self, path: &Path, kind: fs::FileType) -> bool {
        kind.is_symlink() && self.root.join(path).is_dir()
    }

    fn unsearchable(&mut self, path: &Path, error: &io::Error) {
        let cause = format!("the directory can't be searched: {error}");
        self.findings.push(
            Finding::error(2202, Place::file(written(path)), "", cause)
                .with_fix("make it readable, or name it in spec.exclude if it holds data"),
        );
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "yaml" || it == "yml")
}

fn written(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|it| it.as_os_str().to_string_lossy()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
