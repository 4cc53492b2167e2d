//! The projects of the configuration server: its workspace, and what each project means.

mod awaited;
mod snippets;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use weir_conf::settings::Runs;
use weir_domain::{Digest, Fault, Finding, Place, ProjectName};
use weir_http_api::{
    AssetConflict, AssetCopy, AssetEffective, AssetField, AssetOrigin, AssetRenamed, AssetSummary,
    AssetTake, AssetTaken, AssetTheirs, AssetUsage, AssetView, ProjectCreate, ProjectSummary,
    SnippetCut, SnippetInsert, SnippetInserted,
};
use weir_http_server::{Basis, Checks, ProjectRefusal, Projects};
use weir_project::{Effective, PROJECT_FILE, Spelling};
use weir_runtime::{Stopwatch, System};
use weir_stream::Registry;
use weir_workspace::{
    Asset, Based, Conflict, Copied, Error, FieldConflict, NewProject, ProjectDir, Renamed, Stamp,
    Taken, Usage, Watch, Workspace,
};

use super::belongings::Belongings;
use super::{registry, registry_for_users};
use awaited::{Awaited, Looker};

/// What a project came to, as long as its files stay as they are.
struct Known {
    /// Directories that hold data: what happens there is no change. Its own file names them, which is one
    /// of those that are looked at.
    exclude: Vec<String>,
    stamp: Stamp,
    looked: Stopwatch,
    summary: ProjectSummary,
}

/// What one list has spent on looking at projects.
#[derive(Default)]
struct Spent {
    /// At those of which nothing was told, since it was long ago.
    again: Duration,
    /// At those that are new, or changed.
    anew: Duration,
}

/// How long it is believed that nothing happened where nothing was told of: what happens on a disk of the network
/// is not.
const BELIEVED: Duration = Duration::from_secs(10);
/// How long one list of all projects may look at those of which nothing was told: hundreds of them would take a
/// second. The next lists go on with the others.
const LOOKING: Duration = Duration::from_millis(15);
/// How long one list of all projects may look at those that are new, or changed. The others are shown as what is
/// known of them, and looked at in the background.
const LISTING: Duration = Duration::from_millis(200);

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

    /// The same for a list of all projects, without looking at the files of a project that nobody has touched.
    fn noticed(&self, project: &ProjectDir, spent: &mut Spent) -> ProjectSummary {
        if project.amiss.is_some() {
            return self.summary(project);
        }
        if let Some(shown) = self.awaited.shown(project) {
            return shown;
        }
        let known = self.known().get(&project.dir).map(|it| (it.looked, it.summary.clone()));
        let spent = match known {
            Some((looked, summary)) if self.watch.is_still(&project.dir) => {
                if looked.elapsed() < BELIEVED || spent.again >= LOOKING {
                    return summary;
                }
                &mut spent.again
            }
            known if spent.anew >= self.listing => {
                let before = known.map_or_else(|| unknown(project), |it| it.1);
                let shown = ProjectSummary { being_looked_at: true, ..before };
                self.awaited.add(project, shown.clone());
                return shown;
            }
            _ => &mut spent.anew,
        };
        let watch = Stopwatch::start();
        let summary = self.summary(project);
        *spent += watch.elapsed();
        summary
    }

    /// Looks at what is awaited, one project after the other, until the server stops.
    fn look_on(&self, looker: Looker) {
        let (this, stopping) = (self.clone(), self.system.shutdown().stopping());
        self.system.tasks().spawn_blocking("projects/awaited", move || {
            while let Some(project) = looker.next().filter(|_| !stopping.is_stopping()) {
                // It may be gone meanwhile, which is one of the things that are found.
                this.summary(&project);
            }
        });
    }

    fn summary(&self, project: &ProjectDir) -> ProjectSummary {
        let summary = self.looked_at(project);
        self.awaited.done(project);
        summary
    }

    fn looked_at(&self, project: &ProjectDir) -> ProjectSummary {
        let dir = &project.dir;
        if let Some(amiss) = &project.amiss {
            return ProjectSummary {
                name: project.name.clone(),
                description: None,
                directory: dir.display().to_string(),
                workflows: Vec::new(),
                errors: 1,
                warnings: 0,
                digest: None,
                amiss: Some(amiss.of(&project.name, dir)),
                being_looked_at: false,
            };
        }
        let then = self.known().get(dir).map(|it| (it.exclude.clone(), it.stamp));
        // Before the files are looked at: what changes meanwhile is read again the next time.
        let looked = Stopwatch::start();
        if let Some((exclude, stamp)) = then {
            self.watch.begin(dir, &exclude);
            let is_same = Stamp::of(dir, &exclude) == stamp;
            if let Some(it) = self.known().get_mut(dir).filter(|_| is_same) {
                it.looked = looked;
                return it.summary.clone();
            }
        }
        let exclude = weir_project::excluded(dir);
        self.watch.begin(dir, &exclude);
        let stamp = Stamp::of(dir, &exclude);
        let summary = summary(dir, project.name.clone(), &self.registry);
        let known = Known { exclude, stamp, looked, summary: summary.clone() };
        self.known().insert(dir.clone(), known);
        summary
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn summaries(&self) -> Result<Vec<ProjectSummary>, Error> {
        let projects = self.workspace.projects()?;
        let mut spent = Spent::default();
        let summaries = projects.iter().map(|it| self.noticed(it, &mut spent)).collect();
        let dirs: BTreeSet<_> = projects.iter().map(|it| it.dir.as_path()).collect();
        self.known().retain(|dir, _| dirs.contains(dir.as_path()));
        self.watch.retain(|it| dirs.contains(it));
        self.awaited.retain(|it| dirs.contains(it.as_path()));
        if let Some(looker) = self.awaited.looker() {
            self.look_on(looker);
        }
        Ok(summaries)
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

/// A project that nobody has looked at: what its own file says at a glance.
fn unknown(project: &ProjectDir) -> ProjectSummary {
    let text = weir_project::read_text(&project.dir, PROJECT_FILE).unwrap_or_default();
    let frame = weir_project::survey_text(PROJECT_FILE, &text).frame;
    ProjectSummary {
        name: project.name.clone(),
        description: frame.and_then(|it| it.description),
        directory: project.dir.display().to_string(),
        workflows: Vec::new(),
        errors: 0,
        warnings: 0,
        digest: None,
        amiss: None,
        being_looked_at: true,
    }
}

fn summary(dir: &Path, name: ProjectName, registry: &Registry) -> ProjectSummary {
    let loaded = weir_project::load(dir, registry);
    let count = |wanted: bool| {
        let found = loaded.findings.iter().filter(|it| it.is_error() == wanted).count();
        u32::try_from(found).unwrap_or(u32::MAX)
    };
    let project = loaded.project.as_ref();
    let workflows = project
        .map_or(Vec::new(), |it| it.plans.iter().map(|plan| plan.workflow.clone()).collect());
    ProjectSummary {
        name,
        description: project.and_then(|it| it.description.clone()),
        directory: dir.display().to_string(),
        workflows,
        errors: count(true),
        warnings: count(false),
        digest: project.map(|it| it.digest.clone()),
        amiss: None,
        being_looked_at: false,
    }
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

fn view(asset: Asset) -> AssetView {
    let Asset { path, text, digest, frame, findings } = asset;
    let findings = findings.into_iter().map(Into::into).collect();
    let (kind, name, description) = match frame {
        Some(it) => (Some(it.kind.to_string()), Some(it.name), it.description),
        None => (None, None, None),
    };
    let name = name.filter(|it| !it.is_empty());
    let asset = AssetSummary { path, kind, name, description, etag: digest, findings };
    AssetView { asset, text }
}

fn usage(it: Usage) -> AssetUsage {
    let Usage { path, by, reference } = it;
    AssetUsage {
        path,
        kind: by.kind.to_string(),
        name: by.name,
        at: reference.path,
        line: reference.place.line,
        column: reference.place.column,
        by: match reference.written {
            Spelling::Macro(text) => Some(text),
            Spelling::Value | Spelling::Key => None,
        },
    }
}

fn conflict(it: Conflict) -> AssetConflict {
    let Conflict { path, base, theirs, yours, merged, fields } = it;
    let theirs = theirs.map(|(etag, text)| AssetTheirs { etag, text });
    let field =
        |FieldConflict { path, base, theirs, yours }| AssetField { path, base, theirs, yours };
    let fields = fields.into_iter().map(field).collect();
    AssetConflict { path, base, theirs, yours, merged, fields }
}

pub(super) fn refusal(error: Error) -> ProjectRefusal {
    let detail = error.to_string();
    match error {
        Error::NotFound { what, name, known } => ProjectRefusal::NotFound { what, name, known },
        Error::Invalid { what, given, reason } => {
            let reason = format!("{given:?}: {reason}");
            ProjectRefusal::Invalid { pointer: pointer(what), reason }
        }
        Error::NoAsset { findings, .. } => ProjectRefusal::NoAsset { detail, findings },
        Error::NotWhole { findings, .. } => {
            let fix = findings.first().map(|it| it.fix.clone());
            let hint = fix.unwrap_or_else(|| "validate the project, and mend the asset".to_owned());
            ProjectRefusal::Conflict { detail, hint }
        }
        Error::Conflict { hint, .. } => ProjectRefusal::Conflict { detail, hint },
        Error::Stale(it) => ProjectRefusal::Stale { detail, conflict: Box::new(conflict(*it)) },
        Error::TooLarge { .. } => ProjectRefusal::TooLarge { detail },
        Error::Unreadable(it) => {
            let hint = it.fix.clone();
            ProjectRefusal::Conflict { detail: format!("{}: {}", it.place, it.cause), hint }
        }
        Error::Partly { cause, .. } => partly(detail, *cause),
        // It is what was asked for that the disk can't have, whoever asks again.
        Error::Io { source, .. } if is_of_request(source.kind()) => {
            let hint = "nothing was changed: choose another path";
            ProjectRefusal::Conflict {
                detail: format!("{detail}: {source}"),
                hint: hint.to_owned(),
            }
        }
        Error::Io { source, .. } => {
            let fault = Fault::transient(97, format!("{detail}: {source}"));
            let hint = "nothing was changed: look at the disk and at who may write there";
            ProjectRefusal::Fault(fault.with_hint(hint))
        }
    }
}

/// Names that are too long for the disk, and files where directories would have to be, or the other way round.
fn is_of_request(kind: ErrorKind) -> bool {
    use ErrorKind::{InvalidFilename, IsADirectory, NotADirectory};
    matches!(kind, InvalidFilename | IsADirectory | NotADirectory)
}

/// Something was done before it went wrong: nobody may take it for undone, nor do it again by the same key.
fn partly(detail: String, cause: Error) -> ProjectRefusal {
    let (detail, hint) = match cause {
        Error::Io { source, .. } => (
            format!("{detail}: {source}"),
            "look at what is there now, at the disk and at who may write there".to_owned(),
        ),
        Error::Conflict { hint, .. } => (detail, hint),
        _ => (detail, "look at what is there now, and go on from that".to_owned()),
    };
    ProjectRefusal::Fault(Fault::data(97, detail).with_hint(hint))
}

/// Where in a request that is which can't be used.
fn pointer(what: &str) -> String {
    match what {
        "confirm" => "query/deleteFilesOf".to_owned(),
        "archive" => "body".to_owned(),
        "name" | "directory" | "snippet" | "stages" | "after" | "before" | "prefix" => {
            format!("/{what}")
        }
        what => what.to_owned(),
    }
}

/// Where only a fault can be told.
fn fault(refusal: ProjectRefusal) -> Fault {
    match refusal {
        ProjectRefusal::Fault(fault) => fault,
        ProjectRefusal::Conflict { detail, hint } => Fault::transient(98, detail).with_hint(hint),
        other => Fault::transient(99, format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests;
