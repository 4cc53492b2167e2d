//! The projects of the configuration server: its workspace, and what each project means.

mod answers;
mod awaited;
mod known;
mod snippets;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use weir_conf::settings::Runs;
use weir_domain::{Digest, Fault, Finding, Place, ProjectName};
use weir_http_api::{
    AssetCopy, AssetEffective, AssetOrigin, AssetRenamed, AssetSummary, AssetTake, AssetTaken,
    AssetUsage, AssetView, ProjectCreate, ProjectSummary, SnippetCut, SnippetInsert,
    SnippetInserted,
};
use weir_http_server::{Basis, Checks, ProjectRefusal, Projects};
use weir_project::Effective;
use weir_runtime::System;
use weir_stream::Registry;
use weir_workspace::{Based, Copied, Error, NewProject, Renamed, Taken, Watch, Workspace};

use super::belongings::Belongings;
use super::{registry, registry_for_users};
pub(super) use answers::refusal;
use answers::{fault, usage, view};
use awaited::Awaited;
use known::{Known, LISTING};

/// Files are looked at on threads that may block, at every question: what editors and Git change is
/// seen.
#[derive(Clone)]
pub(crate) struct ProjectDirs {
    system: System,
    workspace: Arc<Workspace>,
    known: Arc<Mutex<BTreeMap<PathBuf, Known>>>,
    awaited: Awaited,
    listing: Duration,
    watch: Arc<Watch>,
    registry: Registry,
    /// What goes where the projects go.
    beside: Option<Belongings>,
}

impl ProjectDirs {
    pub(crate) fn below(system: System, dir: PathBuf) -> Self {
        Self::of(system, Workspace::below(dir))
    }

    /// With one project that is somewhere else.
    pub(crate) fn given(system: System, dir: PathBuf, given: PathBuf) -> Self {
        Self::of(system, Workspace::below(dir).with(given))
    }

    fn of(system: System, workspace: Workspace) -> Self {
        let (workspace, registry) = (Arc::new(workspace), registry());
        let (known, awaited, watch) = Default::default();
        let (listing, beside) = (LISTING, None);
        Self { system, workspace, known, awaited, listing, watch, registry, beside }
    }

    /// With what follows a project to its next name, and goes with it.
    #[must_use]
    pub(crate) fn keeping(self, beside: Belongings) -> Self {
        Self { beside: Some(beside), ..self }
    }

    /// Finishes what a former process has left of moves of projects, before anybody asks. What can't be finished
    /// is told, and tried again at the next start.
    pub(super) async fn finish_moves(&self) {
        let Some(beside) = self.beside.clone() else { return };
        let finished = self.answered(move |it| beside.finish(&it.workspace)).await;
        if let Err(refusal) = finished {
            let fault = fault(refusal);
            tracing::warn!(code = %fault.code, "what belongs to projects stayed behind: {fault}");
        }
    }

    /// What scripts do when a project is read is bounded for who may write one.
    #[must_use]
    pub(crate) fn within(self, runs: &Runs) -> Self {
        Self { registry: registry_for_users(runs), ..self }
    }

    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    pub(super) fn shown(&self, name: &ProjectName) -> Result<ProjectSummary, ProjectRefusal> {
        let found = self.workspace.project(name.as_str());
        found.map(|it| self.summary(&it)).map_err(refusal)
    }

    /// Gives a project another name, or lets it go, with all that belongs to it.
    fn moved<T>(
        &self,
        of: (&ProjectName, Option<&str>),
        change: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, ProjectRefusal> {
        match &self.beside {
            Some(beside) => beside.moved(&self.workspace, of, change),
            None => change().map_err(refusal),
        }
    }

    fn findings(&self, name: &ProjectName) -> Result<Option<Vec<Finding>>, Error> {
        match self.workspace.project(name.as_str()) {
            Ok(it) => Ok(Some(weir_project::load(&it.dir, &self.registry).findings)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn asked<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ProjectRefusal> {
        self.answered(move |it| look(it).map_err(refusal)).await
    }

    async fn answered<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, ProjectRefusal> + Send + 'static,
    ) -> Result<T, ProjectRefusal> {
        let this = self.clone();
        let task = self.system.tasks().spawn_blocking("projects", move || look(&this));
        // What it has done by then nobody knows.
        task.join().await.map_err(|it| Fault::data(41, it.to_string()))?
    }

    /// A change, which is told in the log.
    async fn changed<T: Send + 'static>(
        &self,
        (what, name): (&'static str, String),
        change: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, ProjectRefusal> {
        let done = self.asked(change).await?;
        told(what, &name, None);
        Ok(done)
    }
}

/// Nobody is named: who may change something here is on this machine, and no user.
fn told(what: &'static str, name: &str, to: Option<&str>) {
    tracing::info!(code = "WEIR-00096", what, name, to, "changed");
}

#[async_trait]
impl Projects for ProjectDirs {
    async fn projects(&self) -> Result<Vec<ProjectSummary>, Fault> {
        self.asked(Self::summaries).await.map_err(fault)
    }

    async fn validate(&self, name: &ProjectName) -> Result<Option<Vec<Finding>>, Fault> {
        let name = name.clone();
        self.asked(move |it| it.findings(&name)).await.map_err(fault)
    }

    async fn judge(
        &self,
        project: ProjectName,
        drafts: BTreeMap<String, String>,
    ) -> Result<Vec<Finding>, ProjectRefusal> {
        self.asked(move |it| {
            let dir = it.workspace.project(project.as_str())?.dir;
            Ok(weir_project::load_drafts(&dir, &it.registry, &drafts).findings)
        })
        .await
    }

    async fn project(&self, name: ProjectName) -> Result<ProjectSummary, ProjectRefusal> {
        self.asked(move |it| Ok(it.summary(&it.workspace.project(name.as_str())?))).await
    }

    async fn project_create(&self, new: ProjectCreate) -> Result<ProjectSummary, ProjectRefusal> {
        let ProjectCreate { name, description } = new;
        let new = NewProject { name: name.clone(), description };
        self.changed(
            ("project create", name),
            move |it| Ok(it.summary(&it.workspace.create(&new)?)),
        )
        .await
    }

    async fn project_open(&self, directory: String) -> Result<ProjectSummary, ProjectRefusal> {
        let opened = self
            .asked(move |it| Ok(it.summary(&it.workspace.open(Path::new(&directory))?)))
            .await?;
        told("project open", opened.name.as_str(), None);
        Ok(opened)
    }

    async fn project_rename(
        &self,
        name: ProjectName,
        to: String,
    ) -> Result<ProjectSummary, ProjectRefusal> {
        let former = name.to_string();
        let renamed = self
            .answered(move |it| {
                let rename = || it.workspace.rename_project(name.as_str(), &to);
                Ok(it.summary(&it.moved((&name, Some(&to)), rename)?))
            })
            .await?;
        told("project rename", &former, Some(renamed.name.as_str()));
        Ok(renamed)
    }

    async fn project_export(&self, name: ProjectName) -> Result<Vec<u8>, ProjectRefusal> {
        self.asked(move |it| it.workspace.export(name.as_str())).await
    }

    async fn project_import(
        &self,
        archive: Vec<u8>,
        name: Option<String>,
    ) -> Result<ProjectSummary, ProjectRefusal> {
        let imported = self
            .asked(move |it| Ok(it.summary(&it.workspace.import(&archive, name.as_deref())?)))
            .await?;
        told("project import", imported.name.as_str(), None);
        Ok(imported)
    }

    async fn project_remove(
        &self,
        name: ProjectName,
        delete_files_of: Option<String>,
    ) -> Result<ProjectSummary, ProjectRefusal> {
        let what = match delete_files_of {
            Some(_) => "project delete",
            None => "project remove",
        };
        let former = name.to_string();
        let gone = self.answered(move |it| {
            // One that is not there can be forgotten, too.
            let found = it.workspace.listed(name.as_str()).map_err(refusal)?;
            let summary = it.summary(&found);
            it.moved((&name, None), || match delete_files_of {
                Some(typed) => it.workspace.delete(name.as_str(), &typed),
                None => it.workspace.remove(name.as_str()),
            })?;
            Ok(summary)
        });
        let gone = gone.await?;
        told(what, &former, None);
        Ok(gone)
    }

    async fn assets(&self, project: ProjectName) -> Result<Vec<AssetSummary>, ProjectRefusal> {
        self.asked(move |it| {
            let assets = it.workspace.assets(project.as_str())?;
            Ok(assets.into_iter().map(|it| view(it).asset).collect())
        })
        .await
    }

    async fn asset(&self, project: ProjectName, path: String) -> Result<AssetView, ProjectRefusal> {
        self.asked(move |it| it.workspace.asset(project.as_str(), &path).map(view)).await
    }

    async fn asset_write(
        &self,
        project: ProjectName,
        path: String,
        text: String,
        basis: Basis,
    ) -> Result<AssetView, ProjectRefusal> {
        let based = match basis {
            Basis::New => Based::New,
            Basis::Text(digest) => Based::On(digest),
        };
        self.changed(("asset write", format!("{project}/{path}")), move |it| {
            it.workspace.write(project.as_str(), &path, &text, based).map(view)
        })
        .await
    }

    async fn asset_delete(
        &self,
        project: ProjectName,
        path: String,
        read: Digest,
    ) -> Result<AssetView, ProjectRefusal> {
        self.changed(("asset delete", format!("{project}/{path}")), move |it| {
            it.workspace.delete_asset(project.as_str(), &path, read).map(view)
        })
        .await
    }

    async fn asset_rename(
        &self,
        project: ProjectName,
        path: String,
        to: String,
        read: Digest,
    ) -> Result<AssetRenamed, ProjectRefusal> {
        let (name, called) = (format!("{project}/{path}"), to.clone());
        let renamed = self.asked(move |it| {
            let renamed = it.workspace.rename_asset(project.as_str(), &path, &to, read)?;
            let Renamed { asset, users } = renamed;
            Ok(AssetRenamed { asset: view(asset), users })
        });
        let renamed = renamed.await?;
        told("asset rename", &name, Some(&called));
        Ok(renamed)
    }

    async fn asset_effective(
        &self,
        project: ProjectName,
        path: String,
    ) -> Result<AssetEffective, ProjectRefusal> {
        self.asked(move |it| {
            let effective = it.workspace.effective(project.as_str(), &path)?;
            let Effective { extends, spec, fields } = effective;
            let origin = |(at, place): (String, Place)| AssetOrigin {
                at,
                path: place.file,
                line: place.line,
                column: place.column,
            };
            Ok(AssetEffective { extends, spec, fields: fields.into_iter().map(origin).collect() })
        })
        .await
    }

    async fn asset_usages(
        &self,
        project: ProjectName,
        path: String,
    ) -> Result<Vec<AssetUsage>, ProjectRefusal> {
        self.asked(move |it| {
            let usages = it.workspace.usages(project.as_str(), &path)?;
            Ok(usages.into_iter().map(usage).collect())
        })
        .await
    }

    async fn asset_take(
        &self,
        project: ProjectName,
        request: AssetTake,
    ) -> Result<AssetTaken, ProjectRefusal> {
        let AssetTake { from, asset, replace } = request;
        let name = format!("{project}: {asset} of {from}");
        self.changed(("asset take", name), move |it| {
            let taken = it.workspace.take(project.as_str(), from.as_str(), &asset, replace)?;
            let Taken { written, same, needs } = taken;
            Ok(AssetTaken { written, same, needs })
        })
        .await
    }

    async fn asset_copies(
        &self,
        project: ProjectName,
        path: String,
    ) -> Result<Vec<AssetCopy>, ProjectRefusal> {
        self.asked(move |it| {
            let copies = it.workspace.copies(project.as_str(), &path)?;
            let copy = |it: Copied| AssetCopy {
                project: it.project,
                path: it.path,
                same: it.is_same,
                usages: u32::try_from(it.usages).unwrap_or(u32::MAX),
            };
            Ok(copies.into_iter().map(copy).collect())
        })
        .await
    }

    async fn snippet_insert(
        &self,
        project: ProjectName,
        path: String,
        request: SnippetInsert,
        read: Digest,
    ) -> Result<SnippetInserted, ProjectRefusal> {
        self.inserted((project, path), request, read).await
    }

    async fn snippet_cut(
        &self,
        project: ProjectName,
        path: String,
        request: SnippetCut,
        read: Digest,
    ) -> Result<AssetView, ProjectRefusal> {
        self.cut((project, path), request, read).await
    }

    async fn readiness(&self) -> Checks {
        vec![("projects", Ok(()))]
    }
}
