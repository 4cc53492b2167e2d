//! What the configuration server asks about versions of projects. The composition root implements it.

use async_trait::async_trait;
use weir_domain::{Code, ProjectName, UserName};
use weir_http_api::{
    AddressedCredentials, BranchCreate, BranchView, Cloned, CommitRequest, Committed, Fetched,
    MergeRequest, MergeView, ProblemKind, ProjectClone, ProjectVersion, ProjectVersionDetail,
    Pulled, Pushed, RemoteAdd, RemotePull, RemotePush, RemoteView, VersionDiff, VersionDiffQuery,
    VersionFileText, VersionStatus,
};

use crate::{Progress, ProjectRefusal};

/// A part of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAsked {
    pub asset: Option<String>,
    /// A version or a branch; none: where the project is.
    pub from: Option<String>,
    /// The last version that was looked at.
    pub after: Option<String>,
    pub limit: u32,
}

/// What was found of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryFound {
    pub versions: Vec<ProjectVersion>,
    /// What `after` is to be for what follows; none: there is nothing.
    pub next: Option<String>,
}

/// What is to become a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitAsked {
    pub request: CommitRequest,
    pub by: UserName,
    /// Where its author believes the branch to be; none: there is no version yet.
    pub expected: Option<String>,
    /// Only tell what it would take.
    pub is_dry: bool,
}

/// How a branch is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchEnd {
    /// Only if the project's branch has all of it.
    IfMerged,
    /// If this is its newest version: what only it has is lost.
    At(String),
}

/// Why something is not done with the versions of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionRefusal {
    Project(ProjectRefusal),
    Told {
        kind: ProblemKind,
        code: Code,
        detail: String,
        hint: String,
    },
    /// Somebody asked for the end of an operation.
    Cancelled,
}

impl From<ProjectRefusal> for VersionRefusal {
    fn from(refusal: ProjectRefusal) -> Self {
        Self::Project(refusal)
    }
}

/// The versions of the projects of a configuration server. Versions are named by their ids, the
/// beginnings of them, or branches; what is changed is durable when it returns.
#[async_trait]
pub trait Versions: Send + Sync + 'static {
    async fn status(&self, project: ProjectName) -> Result<VersionStatus, VersionRefusal>;
    /// Makes it a repository.
    async fn init(&self, project: ProjectName) -> Result<VersionStatus, VersionRefusal>;
    async fn history(
        &self,
        project: ProjectName,
        asked: HistoryAsked,
    ) -> Result<HistoryFound, VersionRefusal>;
    async fn version(
        &self,
        project: ProjectName,
        version: String,
    ) -> Result<ProjectVersionDetail, VersionRefusal>;
    async fn file(
        &self,
        project: ProjectName,
        version: String,
        path: String,
    ) -> Result<VersionFileText, VersionRefusal>;
    async fn diff(
        &self,
        project: ProjectName,
        asked: VersionDiffQuery,
    ) -> Result<VersionDiff, VersionRefusal>;
    async fn commit(
        &self,
        project: ProjectName,
        asked: CommitAsked,
    ) -> Result<Committed, VersionRefusal>;
    async fn discard(
        &self,
        project: ProjectName,
        paths: Vec<String>,
    ) -> Result<VersionStatus, VersionRefusal>;

    async fn branches(&self, project: ProjectName) -> Result<Vec<BranchView>, VersionRefusal>;
    async fn branch_create(
        &self,
        project: ProjectName,
        new: BranchCreate,
    ) -> Result<BranchView, VersionRefusal>;
    async fn branch_rename(
        &self,
        project: ProjectName,
        name: String,
        to: String,
    ) -> Result<BranchView, VersionRefusal>;
    async fn branch_switch(
        &self,
        project: ProjectName,
        name: String,
    ) -> Result<VersionStatus, VersionRefusal>;
    /// Returns what it was.
    async fn branch_delete(
        &self,
        project: ProjectName,
        name: String,
        how: BranchEnd,
    ) -> Result<BranchView, VersionRefusal>;
    async fn merge(
        &self,
        project: ProjectName,
        request: MergeRequest,
        by: UserName,
    ) -> Result<MergeView, VersionRefusal>;
    /// What [`Versions::merge`] would come to.
    async fn merge_foreseen(
        &self,
        project: ProjectName,
        request: MergeRequest,
        by: UserName,
    ) -> Result<MergeView, VersionRefusal>;
    /// Undoes a merge that another program has begun.
    async fn merge_abort(&self, project: ProjectName) -> Result<VersionStatus, VersionRefusal>;

    async fn remotes(&self, project: ProjectName) -> Result<Vec<RemoteView>, VersionRefusal>;
    async fn remote_add(
        &self,
        project: ProjectName,
        new: RemoteAdd,
    ) -> Result<RemoteView, VersionRefusal>;
    /// Forgets it, and its credentials. Returns what it was.
    async fn remote_remove(
        &self,
        project: ProjectName,
        name: String,
    ) -> Result<RemoteView, VersionRefusal>;
    /// Replaces the credentials, if the remote still leads where they are for; none: forgets them.
    async fn remote_credentials(
        &self,
        project: ProjectName,
        name: String,
        credentials: Option<AddressedCredentials>,
    ) -> Result<RemoteView, VersionRefusal>;

    async fn fetch(
        &self,
        project: ProjectName,
        remote: String,
        progress: Progress,
    ) -> Result<Fetched, VersionRefusal>;
    async fn pull(
        &self,
        project: ProjectName,
        remote: String,
        request: RemotePull,
        by: UserName,
        progress: Progress,
    ) -> Result<Pulled, VersionRefusal>;
    async fn push(
        &self,
        project: ProjectName,
        remote: String,
        request: RemotePush,
        progress: Progress,
    ) -> Result<Pushed, VersionRefusal>;
    /// Makes a project of what a remote has, or nothing.
    async fn clone_project(
        &self,
        request: ProjectClone,
        progress: Progress,
    ) -> Result<Cloned, VersionRefusal>;
}
