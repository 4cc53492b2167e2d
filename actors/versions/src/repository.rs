//! The repository of a project: the project's directory itself, or one around it.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, RepositoryOpenFlags, RepositoryState};

use crate::{Error, Result, VersionId};

/// What is shorter means too much.
const BEGINNING_MIN: usize = 7;

/// Blocking; made where it is used, since other programs may change the repository at any time.
pub struct Repository {
    pub(crate) git: git2::Repository,
    /// The working directory of the repository.
    pub(crate) work: PathBuf,
    /// The project's place in it, with `/` at the end; empty if it is all of it.
    pub(crate) prefix: String,
    /// What the project is called, where that must stay.
    pub(crate) name: Option<String>,
}

impl Repository {
    /// None for a project without Git. A project that is a part of a repository and not ignored by
    /// it has the versions of that part.
    pub fn open(project: &Path) -> Result<Option<Self>> {
        let project = project.canonicalize().map_err(Error::io(project))?;
        let none: [&std::ffi::OsStr; 0] = [];
        let git = match git2::Repository::open_ext(&project, RepositoryOpenFlags::empty(), none) {
            Ok(git) => git,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) if error.code() == ErrorCode::Owner => {
                let reason = "it belongs to another user".to_owned();
                return Err(Error::Unsafe { root: project, reason });
            }
            Err(error) => return Err(error.into()),
        };
        let Some(work) = git.workdir() else { return Ok(None) };
        let work = work.canonicalize().map_err(Error::io(work))?;
        let refuse =
            |reason: &str| Err(Error::Unsafe { root: project.clone(), reason: reason.to_owned() });
        let Ok(below) = project.strip_prefix(&work) else {
            return refuse("its files are said to be outside of the project (core.worktree)");
        };
        match work.join(".git").symlink_metadata() {
            Ok(it) if it.is_dir() && git.commondir() == git.path() => {}
            Ok(_) => {
                return refuse("its versions are said to be elsewhere (.git is a file or a link)");
            }
            Err(_) => return refuse("its files are said to be elsewhere (core.worktree)"),
        }
        let Some(below) = below.to_str() else { return refuse("the path is not UTF-8") };
        let prefix = if below.is_empty() { String::new() } else { format!("{below}/") };
        if !prefix.is_empty() && git.is_path_ignored(below)? {
            return Ok(None);
        }
        let repository = Self { git, work, prefix, name: None };
        repository.leave_out_data()?;
        Ok(Some(repository))
    }

    /// The same where there must be one.
    pub fn require(project: &Path) -> Result<Self> {
        Self::open(project)?.ok_or_else(|| Error::NotVersioned(project.to_owned()))
    }

    /// A new repository for a project that has none. Its first branch is `main`.
    pub fn init(project: &Path) -> Result<Self> {
        let project = project.canonicalize().map_err(Error::io(project))?;
        if Self::open(&project)?.is_some() {
            return Err(Error::Exists(project));
        }
        let mut options = git2::RepositoryInitOptions::new();
        options.no_reinit(true).external_template(false).initial_head("main");
        git2::Repository::init_opts(&project, &options)?;
        Self::open(&project)?.ok_or_else(|| Error::Git("the new repository is gone".to_owned()))
    }

    /// The newest version of the branch that the project is on; none before the first one.
    pub fn head(&self) -> Result<Option<VersionId>> {
        match self.git.head() {
            Ok(head) => Ok(Some(VersionId(head.peel_to_commit()?.id()))),
            Err(error) if is_unborn(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A version as people write it: its id, the beginning of it where only one version begins so, a
    /// branch, here or of a remote, or a tag.
    pub fn named(&self, text: &str) -> Result<VersionId> {
        let missing = || Error::NoVersion(text.chars().take(60).collect());
        for below in ["heads", "remotes", "tags"] {
            if let Ok(found) = self.git.find_reference(&format!("refs/{below}/{text}")) {
                return Ok(VersionId(found.peel_to_commit()?.id()));
            }
        }
        let is_beginning =
            text.len() >= BEGINNING_MIN && text.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_beginning || text.len() > 40 {
            return Err(missing());
        }
        let found = self.git.find_commit_by_prefix(text).map_err(|_| missing())?;
        Ok(VersionId(found.id()))
    }

    /// The branch that the project is on; none if it is on a version by itself.
    pub fn branch(&self) -> Result<Option<String>> {
        Ok(self.head_reference()?.map(|it| it["refs/heads/".len()..].to_owned()))
    }

    /// `refs/heads/…`
    pub(crate) fn head_reference(&self) -> Result<Option<String>> {
        let head = self.git.find_reference("HEAD")?;
        let target = head.symbolic_target()?.map(str::to_owned);
        Ok(target.filter(|it| it.starts_with("refs/heads/")))
    }

    /// Where versions are added to; refused where there is no branch.
    pub(crate) fn branch_reference(&self) -> Result<String> {
        if let Some(name) = self.head_reference()? {
            return Ok(name);
        }
        let head = self.head()?.ok_or_else(|| Error::NoVersion("HEAD".to_owned()))?;
        Err(Error::DetachedHead(head))
    }

    pub(crate) fn commit_of(&self, id: VersionId) -> Result<git2::Commit<'_>> {
        self.git.find_commit(id.0).map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec => Error::NoVersion(id.to_string()),
            _ => error.into(),
        })
    }

    pub(crate) fn head_tree(&self) -> Result<Option<git2::Tree<'_>>> {
        self.head()?.map(|it| Ok(self.commit_of(it)?.tree()?)).transpose()
    }

    /// Refuses while something is begun that Git keeps a state of.
    pub(crate) fn require_idle(&self) -> Result<()> {
        let what = match self.git.state() {
            RepositoryState::Clean => return Ok(()),
            RepositoryState::Merge => "a merge",
            RepositoryState::Revert | RepositoryState::RevertSequence => "a revert",
            RepositoryState::CherryPick | RepositoryState::CherryPickSequence => "a cherry-pick",
            RepositoryState::Bisect => "a bisection",
            _ => "a rebase",
        };
        Err(Error::InProgress { what })
    }

    /// Refuses while another program writes the index.
    pub(crate) fn require_unlocked(&self) -> Result<()> {
        let lock = self.git.path().join("index.lock");
        if lock.exists() { Err(Error::Locked(lock)) } else { Ok(()) }
    }

    /// A path of the repository as one of the project; none for what is outside.
    pub(crate) fn inside<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.prefix)
    }

    /// A path of the project as one of the repository.
    pub(crate) fn whole(&self, path: &str) -> Result<String> {
        crate::guard::path(path)?;
        Ok(format!("{}{path}", self.prefix))
    }

    /// For Git, which takes paths as patterns: the project alone.
    pub(crate) fn spec(&self) -> Option<&str> {
        self.prefix.strip_suffix('/')
    }
}

pub(crate) fn is_unborn(error: &git2::Error) -> bool {
    matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound)
}

/// Paths that are no UTF-8 are shown as well as they can be.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
