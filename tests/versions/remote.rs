//! A remote in a directory of its own, and what others have who work with it.

use tempfile::TempDir;
use weir_test_servers::{GitBehaviour, GitServer, git, git_repository};

pub(crate) struct Remote {
    root: TempDir,
    server: GitServer,
}

impl Remote {
    pub(crate) fn new(behaviour: GitBehaviour) -> Self {
        let root = tempfile::tempdir().unwrap();
        let server = GitServer::start(root.path(), behaviour);
        Self { root, server }
    }

    /// Makes an empty repository, and tells its address.
    pub(crate) fn repository(&self, name: &str) -> String {
        git_repository(self.root.path(), name);
        self.url(name)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.server.url(name)
    }

    /// What somebody else has, who works with `git` alone.
    pub(crate) fn clone_of(&self, name: &str) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let from = self.root.path().join(name);
        git(dir.path(), &["clone", "--quiet", from.to_str().unwrap(), "."]);
        dir
    }
}
