//! A project in a directory of its own, and the other program.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weir_domain::Timestamp;
pub(crate) use weir_test_servers::{git, git_command as command};
use weir_versions::{Author, Commit, FileChange, Paths, Repository, Result, VersionId};

pub(crate) const WORKFLOW: &str = "\
kind: Workflow
metadata:
  name: flights # short
spec:
  stages:
    - name: read
      source: files
    - name: write
      sink: out
";

pub(crate) struct Project {
    pub(crate) dir: PathBuf,
    /// Everything around it, which goes with it.
    pub(crate) around: TempDir,
}

impl Project {
    /// Without Git.
    pub(crate) fn bare() -> Self {
        let around = tempfile::tempdir().unwrap();
        let dir = around.path().join("project");
        fs::create_dir(&dir).unwrap();
        Self { dir, around }
    }

    /// With one version that holds `flights.yaml`.
    pub(crate) fn new() -> Self {
        let project = Self::bare();
        Repository::init(&project.dir).unwrap();
        project.write("flights.yaml", WORKFLOW);
        project.commit("begin").unwrap();
        project
    }

    pub(crate) fn open(&self) -> Repository {
        Repository::open(&self.dir).unwrap().unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let full = self.dir.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(full, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.join(path)).unwrap()
    }

    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{from:?} in {text}");
        self.write(path, &text.replacen(from, to, 1));
    }

    pub(crate) fn commit(&self, message: &str) -> Result<VersionId> {
        let repository = self.open();
        let expected = repository.head().unwrap();
        repository.commit(&commit(message, Paths::All, expected))
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.dir, arguments)
    }

    /// What differs, as `+added ~changed -deleted !conflicted`.
    pub(crate) fn status(&self) -> String {
        let files = self.open().status().unwrap().files;
        let shown = files.iter().map(|it| {
            let sign = match it.change {
                FileChange::Added => '+',
                FileChange::Changed => '~',
                FileChange::Deleted => '-',
                FileChange::Conflicted => '!',
            };
            format!("{sign}{}", it.path)
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn commit(message: &str, paths: Paths, expected: Option<VersionId>) -> Commit {
    let (author, at) = (ada(), Timestamp(1_700_000_000_000));
    Commit { message: message.to_owned(), author, at, paths, expected }
}

pub(crate) fn ada() -> Author {
    Author { name: "Ada".to_owned(), email: "ada@example.org".to_owned() }
}

/// A directory as the other program keeps it, made below all checks.
pub(crate) fn tree(dir: &Path, lines: &str) -> String {
    use std::io::Write as _;
    let mut command = command(dir, &["mktree", "--missing"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{lines}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The code of a refusal, and that it says what to do.
pub(crate) fn refused<T>(result: Result<T>) -> (u32, String) {
    let Err(error) = result else { panic!("it was not refused") };
    assert!(!error.hint().is_empty());
    (error.code().0, error.to_string())
}
