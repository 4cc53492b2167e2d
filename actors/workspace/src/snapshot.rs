//! A project's files as they are at one moment, in memory: what takes long reads these, and keeps nobody
//! from changing the project meanwhile.
//!
//! - N1: nothing of this process changes the files while they are taken: a snapshot has all of a change, or
//!   nothing of it.
//! - N2: it holds what a project can mean: its assets, the files that they name, and what is small. Data that
//!   lies beside them stays where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::ops::ControlFlow::{Break, Continue};
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::projects::{ProjectDir, Workspace};
use crate::walk::{Met, walk};

/// Of all files together.
const BYTES_MAX: u64 = 64 << 20;
/// What is larger and is named is rather data that a source reads than part of the project.
const NAMED_BYTES_MAX: u64 = 32 << 20;
/// A file goes along that nobody names by its whole path: a value may be put into the name of a script.
const SMALL_BYTES_MAX: u64 = 1 << 20;
/// And of those no more than this, together.
const SMALL_ALL_BYTES_MAX: u64 = 16 << 20;
/// One that is larger than an asset may be is cut off behind that, and is still told to be too large.
const ASSET_BYTES_MAX: u64 = (10 << 20) + 1;

/// So many files that texts may name are looked for, while nobody changes the project.
const GUESSES_MAX: usize = 10_000;

/// What a project's directory held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The project and where it lies.
    pub project: ProjectDir,
    files: BTreeMap<String, Vec<u8>>,
    /// What is not taken: links out of the project, or nowhere, and files that are too large. Who looks is told
    /// where they lead.
    links: BTreeMap<String, PathBuf>,
}

impl Workspace {
    /// Takes the files of a project while nothing of this process changes them.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot> {
        let _turn = self.turn();
        let project = self.project(name)?;
        let mut taking = Taking::of(&project.dir);
        taking.assets()?;
        taking.named()?;
        taking.small()?;
        let Taking { files, links, .. } = taking;
        Ok(Snapshot { project, files, links })
    }
}

impl Snapshot {
    /// Lays the files out in an empty directory.
    pub fn lay_out(&self, at: &Path) -> io::Result<()> {
        let place = |path: &String| {
            let place = at.join(path);
            fs::create_dir_all(place.parent().unwrap_or(at))?;
            io::Result::Ok(place)
        };
        for (path, content) in &self.files {
            fs::write(place(path)?, content)?;
        }
        self.links.iter().try_for_each(|(path, target)| symlink(target, place(path)?))
    }
}

struct Taking<'p> {
    root: &'p Path,
    held: u64,
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, PathBuf>,
    /// What is no asset and lies where assets do.
    others: BTreeSet<String>,
}

impl<'p> Taking<'p> {
    fn of(root: &'p Path) -> Self {
        let (held, files, links, others) = Default::default();
        Self { root, held, files, links, others }
    }

    fn assets(&mut self) -> Result<()> {
        let exclude = weir_project::excluded(self.root);
        let (root, mut assets) = (self.root, Vec::new());
        let walked = walk(root, &exclude, &mut |it| match it {
            Met::File(path, entry, _) if entry.file_name().to_str().is_some() => {
                match is_yaml(path) {
                    true => assets.push(path.to_owned()),
                    false => _ = self.others.insert(path.to_owned()),
                }
                Continue(())
            }
            Met::Unread(path, error) if error.kind() != ErrorKind::NotFound => {
                Break(Error::io(&path, "read")(error))
            }
            Met::Unread(..) | Met::File(..) | Met::Directory(_) | Met::TooDeep => Continue(()),
        });
        if let Break(error) = walked {
            return Err(error);
        }
        assets.into_iter().try_for_each(|it| self.asset(it))
    }

    fn asset(&mut self, path: String) -> Result<()> {
        let full = self.root.join(&path);
        match full.canonicalize() {
            Ok(target) if target.starts_with(self.root) => {
                // A directory, or whatever else it is, is none.
                if target.is_file() {
                    self.take(path, &target, ASSET_BYTES_MAX)?;
                }
            }
            led => {
                let target = led.or_else(|_| fs::read_link(&full));
                // Another program may have deleted it meanwhile.
                self.links.extend(target.ok().map(|it| (path, it)));
            }
        }
        Ok(())
    }

    /// The files that texts name, wherever below the project they lie.
    fn named(&mut self) -> Result<()> {
        let names = self.guesses();
        for path in names {
            let Some(target) = self.inside(&path) else { continue };
            self.others.remove(&path);
            let bytes = target.metadata().map_or(u64::MAX, |it| it.len());
            match bytes <= NAMED_BYTES_MAX.min(BYTES_MAX.saturating_sub(self.held)) {
                true => self.take(path, &target, NAMED_BYTES_MAX)?,
                false => _ = self.links.insert(path, target),
            }
        }
        Ok(())
    }

    /// What texts may name: nothing is looked for of which not even the beginning is there.
    fn guesses(&self) -> BTreeSet<String> {
        let there: BTreeSet<_> = fs::read_dir(self.root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|it| it.file_name())
            .collect();
        let begins = |it: &str| {
            let first = Path::new(it).components().next();
            first.is_some_and(|it| there.contains(it.as_os_str()))
        };
        let mut names = BTreeSet::new();
        for text in self.files.values().map(|it| String::from_utf8_lossy(it)) {
            for name in pieces(&text).filter(|it| begins(it) && !self.files.contains_key(*it)) {
                if names.len() == GUESSES_MAX {
                    return names;
                }
                names.insert(name.to_owned());
            }
        }
        names
    }

    fn small(&mut self) -> Result<()> {
        let mut left = SMALL_ALL_BYTES_MAX;
        for path in std::mem::take(&mut self.others) {
            let Some(target) = self.inside(&path) else { continue };
            let Ok(bytes) = target.metadata().map(|it| it.len()) else { continue };
            if bytes > SMALL_BYTES_MAX.min(left).min(BYTES_MAX.saturating_sub(self.held)) {
                continue;
            }
            match self.take(path, &target, SMALL_BYTES_MAX) {
                // It is none that has to be there.
                Err(Error::Io { .. }) => {}
                taken => taken?,
            }
            left -= bytes;
        }
        Ok(())
    }

    /// What lies there, if it is a file of the project.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let target = self.root.join(path).canonicalize().ok()?;
        (target.starts_with(self.root) && target.is_file()).then_some(target)
    }

    fn take(&mut self, path: String, target: &Path, max: u64) -> Result<()> {
        let content = match read(target, max) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            content => content.map_err(Error::io(target, "read"))?,
        };
        self.held += content.len() as u64;
        if self.held > BYTES_MAX {
            let what = format!("what the assets of the project are, with {path},");
            return Err(Error::TooLarge { what, bytes: self.held, max: BYTES_MAX });
        }
        self.files.insert(path, content);
        Ok(())
    }
}

fn read(file: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(file)?.take(max).read_to_end(&mut content)?;
    Ok(content)
}

fn is_yaml(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|it| it == "yaml" || it == "yml")
}

/// Whatever in a text of YAML may be the path of a file below its project. More than these are tried, and
/// are found not to be there.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let values = text.lines().flat_map(|it| it.split(": ").flat_map(|it| it.split(" #")));
    let pieces = values.flat_map(|it| it.split(['{', '}', '[', ']', ',', '"', '\'']));
    let plain = pieces.map(|it| it.trim().trim_start_matches("- ").trim());
    plain.filter(|it| {
        let is_plain = |it: Component<'_>| matches!(it, Component::Normal(_));
        it.contains(['.', '/']) && it.len() < 1_000 && Path::new(it).components().all(is_plain)
    })
}
