//! A project from a remote.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::access::{Access, Progress};
use crate::{Error, Repository, Result};

/// The remote that a project came from.
const ORIGIN: &str = "origin";

impl Repository {
    /// Makes a project of what the remote has. The directory must be empty or not there yet; it is
    /// there when all of it is, or not at all.
    pub fn clone(
        address: &str,
        to: &Path,
        access: &Access,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        super::address::read(address)?;
        let is_empty = |it: &Path| fs::read_dir(it).is_ok_and(|mut it| it.next().is_none());
        if to.symlink_metadata().is_ok() && !is_empty(to) {
            return Err(Error::NotEmpty(to.to_owned()));
        }
        let partial = Partial::begin(to)?;
        let made = fill(&partial.dir, address, access, progress)
            .and_then(|()| fs::rename(&partial.dir, to).map_err(Error::io(to)));
        if let Err(error) = made {
            // What can't be removed now is removed by the next attempt.
            let _ = fs::remove_dir_all(&partial.dir);
            return Err(error);
        }
        Self::open(to)?.ok_or_else(|| Error::Git("the clone is gone".to_owned()))
    }
}

/// A clone that is not complete: beside the directory, hidden, so that one rename makes it. It is
/// locked as long as somebody works at it; what a crash left is not, and goes.
struct Partial {
    dir: PathBuf,
    _lock: File,
}

impl Partial {
    fn begin(to: &Path) -> Result<Self> {
        let dir = partial(to)?;
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let _left = lock(&dir)?;
                fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
                fs::create_dir(&dir).map_err(Error::io(&dir))?;
            }
            made => made.map_err(Error::io(&dir))?,
        }
        let lock = lock(&dir)?;
        Ok(Self { dir, _lock: lock })
    }
}

fn lock(dir: &Path) -> Result<File> {
    let busy = || Error::Locked(dir.to_owned());
    let about = dir.symlink_metadata().map_err(|_| busy())?;
    if !about.is_dir() {
        return Err(Error::NotEmpty(dir.to_owned()));
    }
    let file = File::open(dir).map_err(Error::io(dir))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(busy()),
        Err(TryLockError::Error(error)) => return Err(Error::io(dir)(error)),
    }
    // Somebody may have removed it, and made it anew, before it was locked.
    let id = |it: &Metadata| (it.dev(), it.ino());
    let locked = file.metadata().map_err(Error::io(dir))?;
    match dir.symlink_metadata() {
        Ok(now) if id(&now) == id(&locked) => Ok(file),
        _ => Err(busy()),
    }
}

fn partial(to: &Path) -> Result<PathBuf> {
    let name = to.file_name().and_then(|it| it.to_str());
    let name = name.ok_or_else(|| Error::Invalid {
        what: "the directory",
        value: to.display().to_string(),
        reason: "it has no name, or one that is not UTF-8",
    })?;
    Ok(to.with_file_name(format!(".{name}.weir-clone")))
}

fn fill(
    dir: &Path,
    address: &str,
    access: &Access,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut options = git2::RepositoryInitOptions::new();
    options.no_reinit(true).external_template(false).initial_head("main");
    let git = git2::Repository::init_opts(dir, &options)?;
    let work = dir.canonicalize().map_err(Error::io(dir))?;
    let repository = Repository { git, work, prefix: String::new(), name: None };
    repository.remote_add(ORIGIN, address)?;
    let head = repository.fetch_from(ORIGIN, address, access, progress)?;
    let Some(branch) = first_branch(&repository, head.as_deref())? else { return Ok(()) };
    let git = &repository.git;
    let tip = git.refname_to_id(&format!("refs/remotes/{ORIGIN}/{branch}"))?;
    let commit = git.find_commit(tip)?;
    git.set_head(&format!("refs/heads/{branch}"))?;
    repository.check_out(None, &commit.tree()?)?;
    git.reference(&format!("refs/heads/{branch}"), tip, false, "clone")?;
    Ok(())
}

/// The branch that the remote is on, or else `main`, or else the first one; none if it is empty.
fn first_branch(repository: &Repository, head: Option<&str>) -> Result<Option<String>> {
    let branches = repository.branches()?;
    let prefix = format!("{ORIGIN}/");
    let mut names: Vec<_> =
        branches.iter().filter_map(|it| it.name.strip_prefix(&prefix)).collect();
    let head = head.and_then(|it| it.strip_prefix("refs/heads/"));
    names.sort_by_key(|it| (Some(*it) != head, *it != "main"));
    Ok(names.first().map(|it| (*it).to_owned()))
}
