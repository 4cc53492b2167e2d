//! Versions of one project, of which there is one version, and a remote that never answers.

use weir_domain::{Code, ProjectName, Timestamp, UserName};
use weir_http_api::{
    AddressedCredentials, BranchCreate, BranchView, ChangedFileView, Cloned, Committed, Fetched,
    FileChangeKind, MergeOutcome, MergeRequest, MergeView, ProblemKind, ProjectClone,
    ProjectVersion, ProjectVersionDetail, Pulled, Pushed, RemoteAdd, RemotePull, RemotePush,
    RemoteView, VersionAuthor, VersionDiff, VersionDiffQuery, VersionFileText, VersionStatus,
};
use weir_http_server::{
    BranchEnd, CommitAsked, HistoryAsked, HistoryFound, Progress, VersionRefusal, Versions,
};

pub(crate) const HEAD: &str = "1111111111111111111111111111111111111111";

pub(crate) struct FakeVersions;

fn told(kind: ProblemKind, code: u32) -> VersionRefusal {
    let (detail, hint) = ("it is refused".to_owned(), "do something else".to_owned());
    VersionRefusal::Told { kind, code: Code(code), detail, hint }
}

fn none<T>() -> Result<T, VersionRefusal> {
    Err(told(ProblemKind::Conflict, 13_042))
}

fn version(by: &str, message: &str) -> ProjectVersion {
    ProjectVersion {
        id: HEAD.to_owned(),
        parents: vec![],
        author: VersionAuthor { name: by.to_owned(), email: "a@b".to_owned() },
        at: Timestamp(0),
        message: message.to_owned(),
        path: None,
    }
}

fn branch(name: String) -> BranchView {
    BranchView { name, head: HEAD.to_owned(), is_current: false, is_remote: false }
}

fn status(project: ProjectName) -> VersionStatus {
    VersionStatus {
        project,
        is_versioned: true,
        branch: Some("main".to_owned()),
        head: Some(HEAD.to_owned()),
        is_merging: false,
        files: vec![],
    }
}

#[async_trait::async_trait]
impl Versions for FakeVersions {
    async fn status(&self, project: ProjectName) -> Result<VersionStatus, VersionRefusal> {
        Ok(status(project))
    }

    async fn init(&self, _: ProjectName) -> Result<VersionStatus, VersionRefusal> {
        none()
    }

    /// Pages of one version, until the third.
    async fn history(
        &self,
        _: ProjectName,
        asked: HistoryAsked,
    ) -> Result<HistoryFound, VersionRefusal> {
        let next = match asked.after.as_deref() {
            None => Some("1"),
            Some("1") => Some("2"),
            Some(_) => None,
        };
        let next = next.map(str::to_owned);
        Ok(HistoryFound { versions: vec![version("ada", "begin")], next })
    }

    async fn version(
        &self,
        _: ProjectName,
        _: String,
    ) -> Result<ProjectVersionDetail, VersionRefusal> {
        Err(told(ProblemKind::NotFound, 13_003))
    }

    async fn file(
        &self,
        _: ProjectName,
        _: String,
        path: String,
    ) -> Result<VersionFileText, VersionRefusal> {
        Ok(VersionFileText { path, text: "a: 1\n".to_owned() })
    }

    async fn diff(
        &self,
        _: ProjectName,
        asked: VersionDiffQuery,
    ) -> Result<VersionDiff, VersionRefusal> {
        Ok(VersionDiff { from: asked.from, to: asked.to, files: vec![], left_out: 0 })
    }

    async fn commit(
        &self,
        _: ProjectName,
        asked: CommitAsked,
    ) -> Result<Committed, VersionRefusal> {
        if asked.expected.as_deref() != Some(HEAD) {
            return Err(told(ProblemKind::Stale, 13_015));
        }
        let version = version(asked.by.as_str(), &asked.request.message);
        let (path, change) = ("a.yaml".to_owned(), FileChangeKind::Added);
        let version = Some(version).filter(|_| !asked.is_dry);
        Ok(Committed { version, files: vec![ChangedFileView { path, change }] })
    }

    async fn discard(
        &self,
        project: ProjectName,
        _: Vec<String>,
    ) -> Result<VersionStatus, VersionRefusal> {
        Ok(status(project))
    }

    async fn branches(&self, _: ProjectName) -> Result<Vec<BranchView>, VersionRefusal> {
        Ok(vec![branch("main".to_owned())])
    }

    async fn branch_create(
        &self,
        _: ProjectName,
        new: BranchCreate,
    ) -> Result<BranchView, VersionRefusal> {
        Ok(branch(new.name))
    }

    async fn branch_rename(
        &self,
        _: ProjectName,
        _: String,
        to: String,
    ) -> Result<BranchView, VersionRefusal> {
        Ok(branch(to))
    }

    async fn branch_switch(
        &self,
        project: ProjectName,
        _: String,
    ) -> Result<VersionStatus, VersionRefusal> {
        Ok(status(project))
    }

    async fn branch_delete(
        &self,
        _: ProjectName,
        name: String,
        how: BranchEnd,
    ) -> Result<BranchView, VersionRefusal> {
        match how {
            BranchEnd::At(seen) if seen == HEAD => Ok(branch(name)),
            BranchEnd::At(_) => Err(told(ProblemKind::Stale, 13_015)),
            BranchEnd::IfMerged => Err(told(ProblemKind::Conflict, 13_024)),
        }
    }

    async fn merge(
        &self,
        _: ProjectName,
        _: MergeRequest,
        _: UserName,
    ) -> Result<MergeView, VersionRefusal> {
        let (version, ours, theirs, conflicts) = Default::default();
        Ok(MergeView { outcome: MergeOutcome::Nothing, version, ours, theirs, conflicts })
    }

    async fn merge_foreseen(
        &self,
        _: ProjectName,
        _: MergeRequest,
        _: UserName,
    ) -> Result<MergeView, VersionRefusal> {
        let (version, ours, theirs, conflicts) = Default::default();
        Ok(MergeView { outcome: MergeOutcome::Merged, version, ours, theirs, conflicts })
    }

    async fn merge_abort(&self, _: ProjectName) -> Result<VersionStatus, VersionRefusal> {
        none()
    }

    async fn remotes(&self, _: ProjectName) -> Result<Vec<RemoteView>, VersionRefusal> {
        Ok(vec![])
    }

    async fn remote_add(
        &self,
        _: ProjectName,
        RemoteAdd { name, address, credentials }: RemoteAdd,
    ) -> Result<RemoteView, VersionRefusal> {
        let user = credentials.as_ref().and_then(|it| it.user.clone());
        Ok(RemoteView { name, address, has_credentials: credentials.is_some(), user })
    }

    async fn remote_remove(&self, _: ProjectName, _: String) -> Result<RemoteView, VersionRefusal> {
        none()
    }

    async fn remote_credentials(
        &self,
        _: ProjectName,
        _: String,
        _: Option<AddressedCredentials>,
    ) -> Result<RemoteView, VersionRefusal> {
        none()
    }

    async fn fetch(
        &self,
        _: ProjectName,
        _: String,
        progress: Progress,
    ) -> Result<Fetched, VersionRefusal> {
        progress.step("fetch");
        progress.cancelled().cancelled().await;
        Err(VersionRefusal::Cancelled)
    }

    async fn pull(
        &self,
        _: ProjectName,
        _: String,
        _: RemotePull,
        _: UserName,
        _: Progress,
    ) -> Result<Pulled, VersionRefusal> {
        Err(told(ProblemKind::Unavailable, 13_035))
    }

    async fn push(
        &self,
        _: ProjectName,
        remote: String,
        _: RemotePush,
        _: Progress,
    ) -> Result<Pushed, VersionRefusal> {
        Ok(Pushed { remote, branch: "main".to_owned(), version: HEAD.to_owned() })
    }

    async fn clone_project(&self, _: ProjectClone, _: Progress) -> Result<Cloned, VersionRefusal> {
        none()
    }
}
