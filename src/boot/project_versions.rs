//! The versions of the projects of the configuration server: the workspace's directories, and Git.
//!
//! What changes a project's files takes its turn among the changes of its assets, so that neither sees half of
//! the other. What goes over a network does not: a remote may take as long as it likes.

mod access;
mod asked;
pub(super) mod credentials;
mod refusals;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use weir_domain::{Fault, ProjectName, UserName};
use weir_http_api::{
    AddressedCredentials, BranchCreate, BranchView, Cloned, Committed, Fetched, MergeRequest,
    MergeView, ProjectClone, ProjectVersionDetail, Pulled, Pushed, RemoteAdd, RemoteCredentials,
    RemotePull, RemotePush, RemoteView, VersionDiff, VersionDiffQuery, VersionFileText,
    VersionStatus,
};
use weir_http_server::{
    BranchEnd, CommitAsked, HistoryAsked, HistoryFound, Progress, ProjectRefusal, VersionRefusal,
    Versions,
};
use weir_runtime::System;
use weir_versions::{
    Branch, BranchSide, Commit, DiffSide, Error, Force, HistoryQuery, Merge, Paths, Repository,
    Resolutions, VersionId, address_shown,
};
use weir_workspace::ProjectDir;

use super::projects::ProjectDirs;
pub(crate) use access::Exchange;
use asked::{author, checked, foreseen, merge_of};
pub(crate) use credentials::{CredentialFile, CredentialStore};
use credentials::{Kept, Owner};
pub(super) use refusals::refusal;
use refusals::{after, invalid, stale};

type Done<T> = Result<T, VersionRefusal>;

/// The remote that a project came from.
const ORIGIN: &str = "origin";

#[derive(Clone)]
pub(crate) struct ProjectVersions {
    system: System,
    dirs: ProjectDirs,
    credentials: Arc<dyn CredentialStore>,
    exchange: Exchange,
}

impl ProjectVersions {
    pub(crate) fn new(
        system: System,
        dirs: ProjectDirs,
        credentials: Arc<dyn CredentialStore>,
        exchange: Exchange,
    ) -> Self {
        dirs.workspace().clear_arrivals();
        Self { system, dirs, credentials, exchange }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Done<T> + Send + 'static,
    ) -> Done<T> {
        let this = self.clone();
        let task = self.system.tasks().spawn_blocking("versions", move || work(&this));
        // What it has done by then nobody knows.
        let failed = |it: weir_runtime::TaskFailed| Fault::data(134, it.to_string());
        task.join().await.map_err(|it| ProjectRefusal::Fault(failed(it)))?
    }

    /// Looks at something.
    async fn read<T: Send + 'static>(
        &self,
        project: ProjectName,
        work: impl FnOnce(&Repository) -> Result<T, Error> + Send + 'static,
    ) -> Done<T> {
        self.blocking(move |it| work(&it.repository(&project)?).map_err(refusal)).await
    }

    /// Changes something, in its turn among all changes of files.
    async fn change<T: Send + 'static>(
        &self,
        (what, project): (&'static str, ProjectName),
        work: impl FnOnce(&Repository) -> Result<T, Error> + Send + 'static,
    ) -> Done<T> {
        self.blocking(move |it| {
            let done = it.alone(&project, |dir| {
                // Where another project's name may be taken, nothing of Git takes it.
                work(&Repository::require(&dir.dir)?.called(dir.name.as_str()))
            })?;
            told(what, &project);
            Ok(done)
        })
        .await
    }

    fn alone<T>(
        &self,
        project: &ProjectName,
        work: impl FnOnce(&ProjectDir) -> Result<T, Error>,
    ) -> Done<T> {
        let done = self.dirs.workspace().alone(project.as_str(), work);
        done.map_err(super::projects::refusal)?.map_err(refusal)
    }

    fn repository(&self, project: &ProjectName) -> Done<Repository> {
        let dir = self.dir(project)?;
        Repository::require(&dir.dir).map_err(refusal)
    }

    /// What was learned of a remote is durable before it is told, too.
    fn durable(&self, project: &ProjectName) -> Done<()> {
        let synced = self.dirs.workspace().sync(&self.dir(project)?);
        Ok(synced.map_err(super::projects::refusal)?)
    }

    fn dir(&self, project: &ProjectName) -> Done<ProjectDir> {
        let found = self.dirs.workspace().project(project.as_str());
        Ok(found.map_err(super::projects::refusal)?)
    }

    fn remote(&self, project: &ProjectName, name: &str) -> Done<RemoteView> {
        let remotes = self.repository(project)?.remotes().map_err(refusal)?;
        let found = remotes.into_iter().find(|it| it.name == name);
        let found = found.ok_or_else(|| refusal(Error::NoRemote(name.to_owned())))?;
        let users = self.credentials.users(project.as_str()).map_err(ProjectRefusal::Fault)?;
        Ok(views::remote(found, &users))
    }

    /// Keeps credentials of a remote, if it leads where they are for.
    fn keep(&self, project: &ProjectName, remote: &str, given: AddressedCredentials) -> Done<()> {
        let AddressedCredentials { address: meant, user, secret } = given;
        let address = self.repository(project)?.remote_address(remote).map_err(refusal)?;
        let [shown, meant] = [&address, &meant].map(|it| address_shown(it));
        if shown != meant {
            return Err(stale(Error::OtherAddress { remote: shown, meant }));
        }
        self.keep_for(project, remote, address, RemoteCredentials { user, secret })
    }

    fn keep_for(
        &self,
        project: &ProjectName,
        remote: &str,
        address: String,
        given: RemoteCredentials,
    ) -> Done<()> {
        let RemoteCredentials { user, secret } = checked(given)?;
        let kept = Kept { address, user, secret };
        Ok(self.credentials.set(&owner(project, remote), &kept).map_err(ProjectRefusal::Fault)?)
    }
}

fn owner(project: &ProjectName, remote: &str) -> Owner {
    Owner { project: project.to_string(), remote: remote.to_owned() }
}

fn told(what: &'static str, project: &ProjectName) {
    tracing::info!(code = "WEIR-00135", what, %project, "versions changed");
}

fn status_of(project: ProjectName, repository: &Repository) -> Result<VersionStatus, Error> {
    Ok(views::status(project, Some(repository.status()?)))
}

/// A side of a difference as it is asked for.
fn side(repository: &Repository, text: &str) -> Result<DiffSide, Error> {
    Ok(DiffSide::Version(repository.named(text)?))
}

fn branch_named(repository: &Repository, name: &str) -> Result<Branch, Error> {
    let is_it = |it: &Branch| it.side == BranchSide::Here && it.name == name;
    let found = repository.branches()?.into_iter().find(is_it);
    found.ok_or_else(|| Error::NoBranch(name.to_owned()))
}

#[async_trait]
impl Versions for ProjectVersions {
    async fn status(&self, project: ProjectName) -> Done<VersionStatus> {
        self.blocking(move |it| {
            let dir = it.dir(&project)?;
            let repository = Repository::open(&dir.dir).map_err(refusal)?;
            let status = repository.map(|it| it.status()).transpose().map_err(refusal)?;
            Ok(views::status(project, status))
        })
        .await
    }

    async fn init(&self, project: ProjectName) -> Done<VersionStatus> {
        self.blocking(move |it| {
            let status = it.alone(&project, |dir| Repository::init(&dir.dir)?.status())?;
            told("version init", &project);
            Ok(views::status(project, Some(status)))
        })
        .await
    }

    async fn history(&self, project: ProjectName, asked: HistoryAsked) -> Done<HistoryFound> {
        self.read(project, move |it| {
            let HistoryAsked { asset, from, after, limit } = asked;
            let query = HistoryQuery {
                from: from.map(|text| it.named(&text)).transpose()?,
                asset,
                after: after.map(|text| text.parse()).transpose()?,
                limit: limit as usize,
            };
            Ok(views::history(it.history(&query)?))
        })
        .await
    }

    async fn version(&self, project: ProjectName, version: String) -> Done<ProjectVersionDetail> {
        self.read(project, move |it| {
            let id = it.named(&version)?;
            Ok(views::detail(it.version(id)?, it.files(id)?))
        })
        .await
    }

    async fn file(
        &self,
        project: ProjectName,
        version: String,
        path: String,
    ) -> Done<VersionFileText> {
        self.read(project, move |it| {
            let held = it.file(it.named(&version)?, &path)?;
            Ok(VersionFileText { path, text: String::from_utf8_lossy(&held).into_owned() })
        })
        .await
    }

    async fn diff(&self, project: ProjectName, asked: VersionDiffQuery) -> Done<VersionDiff> {
        self.read(project, move |it| {
            let VersionDiffQuery { from, to, path } = asked;
            let from = match from {
                Some(text) => side(it, &text)?,
                None => it.head()?.map_or(DiffSide::Nothing, DiffSide::Version),
            };
            let to = to.map_or(Ok(DiffSide::Working), |text| side(it, &text))?;
            Ok(views::diff((from, to), it.diff(from, to, path.as_deref())?))
        })
        .await
    }

    async fn commit(&self, project: ProjectName, asked: CommitAsked) -> Done<Committed> {
        let CommitAsked { request, by, expected, is_dry } = asked;
        let expected = expected.map(|it| it.parse::<VersionId>());
        let expected =
            expected.transpose().map_err(|it| invalid("header/if-match", it.to_string()))?;
        let author = author(&by, request.email);
        let paths = request.paths.map_or(Paths::All, Paths::These);
        let (message, at) = (request.message, self.system.now());
        let commit = Commit { message, author, at, paths, expected };
        if is_dry {
            return self.read(project, move |it| foreseen(it, &commit)).await;
        }
        self.change(("version commit", project), move |it| {
            let files = foreseen(it, &commit)?.files;
            let version = views::version(it.version(it.commit(&commit)?)?, None);
            Ok(Committed { version: Some(version), files })
        })
        .await
    }

    async fn discard(&self, project: ProjectName, paths: Vec<String>) -> Done<VersionStatus> {
        if paths.is_empty() {
            return Err(invalid("/paths", "name what is to be discarded: the status shows it"));
        }
        let name = project.clone();
        self.change(("version discard", project), move |it| {
            it.discard(&paths)?;
            status_of(name, it)
        })
        .await
    }

    async fn branches(&self, project: ProjectName) -> Done<Vec<BranchView>> {
        self.read(project, |it| Ok(it.branches()?.into_iter().map(views::branch).collect())).await
    }

    async fn branch_create(&self, project: ProjectName, new: BranchCreate) -> Done<BranchView> {
        self.change(("branch create", project), move |it| {
            let at = new.at.map(|text| it.named(&text)).transpose()?;
            it.branch_create(&new.name, at)?;
            branch_named(it, &new.name).map(views::branch)
        })
        .await
    }

    async fn branch_rename(
        &self,
        project: ProjectName,
        name: String,
        to: String,
    ) -> Done<BranchView> {
        self.change(("branch rename", project), move |it| {
            it.branch_rename(&name, &to)?;
            branch_named(it, &to).map(views::branch)
        })
        .await
    }

    async fn branch_switch(&self, project: ProjectName, name: String) -> Done<VersionStatus> {
        let of = project.clone();
        self.change(("branch switch", project), move |it| {
            it.switch(&name)?;
            status_of(of, it)
        })
        .await
    }

    async fn branch_delete(
        &self,
        project: ProjectName,
        name: String,
        how: BranchEnd,
    ) -> Done<BranchView> {
        self.change(("branch delete", project), move |it| {
            let branch = branch_named(it, &name)?;
            let force = match how {
                BranchEnd::IfMerged => Force::No,
                BranchEnd::At(seen) if seen == branch.head.to_string() => Force::Yes,
                BranchEnd::At(seen) => {
                    let (expected, found) = (seen.parse().ok(), Some(branch.head));
                    return Err(Error::HeadMoved { expected, found });
                }
            };
            it.branch_delete(&name, force)?;
            Ok(views::branch(branch))
        })
        .await
    }

    async fn merge(
        &self,
        project: ProjectName,
        request: MergeRequest,
        by: UserName,
    ) -> Done<MergeView> {
        let merge = merge_of(request, &by, self.system.now())?;
        self.change(("version merge", project), move |it| Ok(views::merged(it.merge(&merge)?)))
            .await
    }

    async fn merge_foreseen(
        &self,
        project: ProjectName,
        request: MergeRequest,
        by: UserName,
    ) -> Done<MergeView> {
        let merge = merge_of(request, &by, self.system.now())?;
        self.read(project, move |it| Ok(views::foreseen(it.merge_foreseen(&merge)?))).await
    }

    async fn merge_abort(&self, project: ProjectName) -> Done<VersionStatus> {
        let name = project.clone();
        self.change(("version abort-merge", project), move |it| {
            it.merge_abort()?;
            status_of(name, it)
        })
        .await
    }

    async fn remotes(&self, project: ProjectName) -> Done<Vec<RemoteView>> {
        self.blocking(move |it| {
            let remotes = it.repository(&project)?.remotes().map_err(refusal)?;
            let users = it.credentials.users(project.as_str()).map_err(ProjectRefusal::Fault)?;
            Ok(remotes.into_iter().map(|it| views::remote(it, &users)).collect())
        })
        .await
    }

    async fn remote_add(&self, project: ProjectName, new: RemoteAdd) -> Done<RemoteView> {
        let RemoteAdd { name, address, credentials } = new;
        let credentials = credentials.map(checked).transpose()?;
        self.blocking(move |it| {
            it.alone(&project, |dir| Repository::require(&dir.dir)?.remote_add(&name, &address))?;
            told("remote add", &project);
            // What another remote of that name had is not this one's.
            it.credentials.forget(&owner(&project, &name)).map_err(ProjectRefusal::Fault)?;
            if let Some(given) = credentials {
                let kept = it.keep_for(&project, &name, address, given);
                kept.map_err(after(format!("the remote {name} is added")))?;
            }
            it.remote(&project, &name)
        })
        .await
    }

    async fn remote_remove(&self, project: ProjectName, name: String) -> Done<RemoteView> {
        self.blocking(move |it| {
            let remote = it.remote(&project, &name)?;
            // First: if the rest fails, they can be given again.
            it.credentials.forget(&owner(&project, &name)).map_err(ProjectRefusal::Fault)?;
            it.alone(&project, |dir| Repository::require(&dir.dir)?.remote_remove(&name))?;
            told("remote remove", &project);
            Ok(remote)
        })
        .await
    }

    async fn remote_credentials(
        &self,
        project: ProjectName,
        name: String,
        credentials: Option<AddressedCredentials>,
    ) -> Done<RemoteView> {
        self.blocking(move |it| {
            it.remote(&project, &name)?;
            match credentials {
                Some(given) => it.keep(&project, &name, given)?,
                None => {
                    let of = owner(&project, &name);
                    it.credentials.forget(&of).map_err(ProjectRefusal::Fault)?;
                }
            }
            told("remote credentials", &project);
            it.remote(&project, &name)
        })
        .await
    }

    async fn fetch(
        &self,
        project: ProjectName,
        remote: String,
        progress: Progress,
    ) -> Done<Fetched> {
        progress.step("fetch");
        let branches = self.fetched(project, remote, &progress).await?;
        Ok(Fetched { branches })
    }

    async fn pull(
        &self,
        project: ProjectName,
        remote: String,
        request: RemotePull,
        by: UserName,
        progress: Progress,
    ) -> Done<Pulled> {
        let branch = match request.branch {
            Some(branch) => branch,
            None => self.read(project.clone(), current).await?,
        };
        progress.step("fetch");
        let branches = self.fetched(project.clone(), remote.clone(), &progress).await?;
        progress.go_on().map_err(|_| VersionRefusal::Cancelled)?;
        progress.step("merge");
        let whole = format!("{remote}/{branch}");
        let merge = Merge {
            branch: whole.clone(),
            author: author(&by, request.email),
            at: self.system.now(),
            message: None,
            resolutions: Resolutions::default(),
        };
        let merged = self.change(("remote pull", project), move |it| {
            let is_there = |it: &Branch| it.side == BranchSide::Remote && it.name == merge.branch;
            match it.branches()?.iter().any(is_there) {
                true => Ok(views::merged(it.merge(&merge)?)),
                false => Err(Error::NoRemoteBranch { remote, branch }),
            }
        });
        Ok(Pulled { branches, branch: whole, merge: merged.await? })
    }

    async fn push(
        &self,
        project: ProjectName,
        remote: String,
        request: RemotePush,
        progress: Progress,
    ) -> Done<Pushed> {
        progress.step("push");
        let branch = match request.branch {
            Some(branch) => branch,
            None => self.read(project.clone(), current).await?,
        };
        self.pushed(project, remote, branch, &progress).await
    }

    async fn clone_project(&self, request: ProjectClone, progress: Progress) -> Done<Cloned> {
        progress.step("clone");
        self.cloned(request, &progress).await
    }
}

/// The branch that the project is on.
fn current(repository: &Repository) -> Result<String, Error> {
    match (repository.branch()?, repository.head()?) {
        (Some(branch), _) => Ok(branch),
        (None, Some(head)) => Err(Error::DetachedHead(head)),
        (None, None) => Err(Error::NothingToCommit),
    }
}
