//! Versions of the projects of a configuration server.

use reqwest::Method;
use weir_http_api::{
    AddressedCredentials, BranchCreate, BranchDelete, BranchRename, BranchView, CommitRequest,
    Committed, DiscardRequest, DryRun, MergeRequest, MergeView, OperationView, Page, ProjectClone,
    ProjectVersion, ProjectVersionDetail, RemoteAdd, RemotePull, RemotePush, RemoteView,
    VersionDiff, VersionDiffQuery, VersionFileQuery, VersionFileText, VersionStatus, VersionsQuery,
};

use crate::{Client, Error};

impl Client {
    /// Where a project stands, and what changed since.
    pub async fn version_status(&self, project: &str) -> Result<VersionStatus, Error> {
        self.get(&["projects", project, "status"]).await
    }

    pub async fn versions_init(&self, project: &str) -> Result<VersionStatus, Error> {
        self.decoded(self.command(Method::POST, &["projects", project, "versions:init"])).await
    }

    pub async fn versions(
        &self,
        project: &str,
        query: &VersionsQuery,
    ) -> Result<Page<ProjectVersion>, Error> {
        self.get_with(&["projects", project, "versions"], query).await
    }

    pub async fn project_version(
        &self,
        project: &str,
        version: &str,
    ) -> Result<ProjectVersionDetail, Error> {
        self.get(&["projects", project, "versions", version]).await
    }

    pub async fn version_file(
        &self,
        project: &str,
        version: &str,
        path: &str,
    ) -> Result<VersionFileText, Error> {
        let query = VersionFileQuery { path: path.to_owned() };
        self.get_with(&["projects", project, "versions", version, "file"], &query).await
    }

    pub async fn version_diff(
        &self,
        project: &str,
        query: &VersionDiffQuery,
    ) -> Result<VersionDiff, Error> {
        self.get_with(&["projects", project, "versions:diff"], query).await
    }

    /// Makes a version, if `seen` is still the newest one; none: there is no version yet.
    pub async fn version_commit(
        &self,
        project: &str,
        request: &CommitRequest,
        seen: Option<&str>,
        dry_run: bool,
    ) -> Result<Committed, Error> {
        let command = self.command(Method::POST, &["projects", project, "versions"]);
        let command = match seen {
            Some(version) => command.header("if-match", format!("\"{version}\"")),
            None => command.header("if-none-match", "*"),
        };
        self.decoded(command.query(&DryRun { dry_run }).json(request)).await
    }

    /// Puts files back as they are in the newest version.
    pub async fn version_discard(
        &self,
        project: &str,
        paths: Vec<String>,
    ) -> Result<VersionStatus, Error> {
        let command = self.command(Method::POST, &["projects", project, "versions:discard"]);
        self.decoded(command.json(&DiscardRequest { paths })).await
    }

    pub async fn branches(&self, project: &str) -> Result<Page<BranchView>, Error> {
        self.get(&["projects", project, "branches"]).await
    }

    pub async fn branch_create(
        &self,
        project: &str,
        new: &BranchCreate,
    ) -> Result<BranchView, Error> {
        let command = self.command(Method::POST, &["projects", project, "branches"]);
        self.decoded(command.json(new)).await
    }

    pub async fn branch_rename(
        &self,
        project: &str,
        branch: &str,
        to: &str,
    ) -> Result<BranchView, Error> {
        let command = self.command(Method::PATCH, &["projects", project, "branches", branch]);
        self.decoded(command.json(&BranchRename { name: to.to_owned() })).await
    }

    /// Deletes a branch; with the version that was seen as its newest by force.
    pub async fn branch_delete(
        &self,
        project: &str,
        branch: &str,
        forced_at: Option<&str>,
    ) -> Result<BranchView, Error> {
        let command = self.command(Method::DELETE, &["projects", project, "branches", branch]);
        let command = command.query(&BranchDelete { force: forced_at.is_some() });
        self.decoded(match forced_at {
            Some(version) => command.header("if-match", format!("\"{version}\"")),
            None => command,
        })
        .await
    }

    pub async fn branch_switch(&self, project: &str, branch: &str) -> Result<VersionStatus, Error> {
        let path = ["projects", project, "branches", branch, "switch"];
        self.decoded(self.command(Method::POST, &path)).await
    }

    pub async fn branch_merge(
        &self,
        project: &str,
        request: &MergeRequest,
        dry_run: bool,
    ) -> Result<MergeView, Error> {
        let command = self.command(Method::POST, &["projects", project, "versions:merge"]);
        self.decoded(command.query(&DryRun { dry_run }).json(request)).await
    }

    pub async fn merge_abort(&self, project: &str) -> Result<VersionStatus, Error> {
        let path = ["projects", project, "versions:abort-merge"];
        self.decoded(self.command(Method::POST, &path)).await
    }

    pub async fn remotes(&self, project: &str) -> Result<Page<RemoteView>, Error> {
        self.get(&["projects", project, "remotes"]).await
    }

    pub async fn remote_add(&self, project: &str, new: &RemoteAdd) -> Result<RemoteView, Error> {
        let command = self.command(Method::POST, &["projects", project, "remotes"]);
        self.decoded(command.json(new)).await
    }

    pub async fn remote_remove(&self, project: &str, remote: &str) -> Result<RemoteView, Error> {
        self.decoded(self.command(Method::DELETE, &["projects", project, "remotes", remote])).await
    }

    /// Replaces the credentials of a remote; none: forgets them.
    pub async fn remote_credentials(
        &self,
        project: &str,
        remote: &str,
        credentials: Option<&AddressedCredentials>,
    ) -> Result<RemoteView, Error> {
        let path = ["projects", project, "remotes", remote, "credentials"];
        self.decoded(match credentials {
            Some(given) => self.command(Method::PUT, &path).json(given),
            None => self.command(Method::DELETE, &path),
        })
        .await
    }

    /// Begins to learn where the branches of a remote are.
    pub async fn remote_fetch(&self, project: &str, remote: &str) -> Result<OperationView, Error> {
        let path = ["projects", project, "remotes", remote, "fetch"];
        self.decoded(self.command(Method::POST, &path)).await
    }

    pub async fn remote_pull(
        &self,
        project: &str,
        remote: &str,
        request: &RemotePull,
    ) -> Result<OperationView, Error> {
        let path = ["projects", project, "remotes", remote, "pull"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    pub async fn remote_push(
        &self,
        project: &str,
        remote: &str,
        request: &RemotePush,
    ) -> Result<OperationView, Error> {
        let path = ["projects", project, "remotes", remote, "push"];
        self.decoded(self.command(Method::POST, &path).json(request)).await
    }

    /// Begins to make a project of what a remote has.
    pub async fn project_clone(&self, request: &ProjectClone) -> Result<OperationView, Error> {
        self.decoded(self.command(Method::POST, &["projects:clone"]).json(request)).await
    }
}
