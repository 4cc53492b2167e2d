//! Builds, tests and deploys of a configuration server's projects, and the packages that it keeps.
//!
//! A package is two files of the data directory, `ID.weir` and what is said of it, `ID.json`, which is
//! written last: what has none is no build, and is cleared away with the next one.

mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use weir_conf::Settings;
use weir_conf::settings::Runs;
use weir_domain::{ClusterName, CommandId, Fault, ProjectName, UserName};
use weir_http_api::{
    BuildRequest, BuildSecret, BuildView, DeployRequest, DeployedView, FindingView,
    ObjectCountView, SealTo,
};
use weir_http_client::{self as client, Client};
use weir_http_server::{
    AtCluster, Deliveries, Ended, OnBehalf, Progress, ProjectRefusal, Projects,
};
use weir_package::Signer;
use weir_project::Loaded;
use weir_runtime::System;
use weir_secrets::PublicKey;
use weir_stream::Registry;

use super::builds::{Builds, Mark};
use super::durable;
use super::packages::Signing;
use super::projects::ProjectDirs;
use super::{registry_for_run, registry_for_users};
use crate::delivery::{
    self, Destination, NotBuilt, Order, Proven, Sealing, Sources, Telling, Unusable, Wanted,
};
use refusals::{moved, no_key, not_built, not_deployed, of_package, tests_late, unread, unwritten};

/// Packages of a project that are kept, and beside them of those that were made for plans.
const KEPT_MAX: usize = 20;
const OF_PLANS_MAX: usize = 5;

#[derive(Clone)]
pub(crate) struct Deliverer {
    system: System,
    projects: ProjectDirs,
    builds: Builds,
    signing: Signing,
    /// Files with private keys that open secrets of projects.
    project_keys: Vec<PathBuf>,
    registry: Registry,
    runs: Runs,
    /// Packages that are being written or sent: they are not cleared away.
    busy: Arc<Mutex<Holds>>,
}

/// What a delivery needs of a package.
struct Kept {
    view: BuildView,
    file: PathBuf,
}

impl Deliverer {
    pub(crate) fn of(
        system: System,
        projects: ProjectDirs,
        builds: Builds,
        (data_dir, settings): (&Path, &Settings),
    ) -> Self {
        let signing = Signing::of(settings, data_dir);
        let keys = settings.config_server.project_keys.iter();
        let project_keys = keys.map(|it| data_dir.join(it)).collect();
        let runs = settings.config_server.runs.clone();
        let (registry, busy) = (registry_for_users(&runs), Arc::default());
        Self { system, projects, builds, signing, project_keys, registry, runs, busy }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let this = self.clone();
        let task = self.system.tasks().spawn_blocking("deliveries", move || work(&this));
        // What it has done by then nobody knows.
        task.join().await.map_err(|it| Fault::data(102, it.to_string()))
    }

    fn of_project(&self, project: &ProjectName) -> PathBuf {
        self.builds.of_project(project.as_str())
    }

    fn files(&self, project: &ProjectName, id: CommandId) -> (PathBuf, PathBuf) {
        let below = self.of_project(project);
        (below.join(format!("{id}.weir")), below.join(format!("{id}.json")))
    }

    /// The newest first. What can't be read is no build.
    fn kept(&self, project: &ProjectName) -> io::Result<Vec<BuildView>> {
        let entries = match fs::read_dir(self.of_project(project)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            entries => entries?,
        };
        let mut found: Vec<(std::time::SystemTime, BuildView)> = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_none_or(|it| it != "json") {
                continue;
            }
            let Ok(text) = fs::read(&path) else { continue };
            let Ok(view) = serde_json::from_slice(&text) else { continue };
            // One that was deleted meanwhile is none.
            let Ok(changed) = fs::metadata(&path).and_then(|it| it.modified()) else { continue };
            found.push((changed, view));
        }
        // Several may be said to be of the same moment: that of one commit.
        found.sort_by_key(|it| std::cmp::Reverse((it.0, it.1.id)));
        Ok(found.into_iter().map(|it| it.1).collect())
    }

    fn found(&self, project: &ProjectName, id: CommandId) -> Result<BuildView, ProjectRefusal> {
        let kept = self.kept(project).map_err(|it| unread(&it))?;
        let known: Vec<_> = kept.iter().map(|it| it.id.to_string()).collect();
        let found = kept.into_iter().find(|it| it.id == id);
        found.ok_or(ProjectRefusal::NotFound { what: "build", name: id.to_string(), known })
    }

    /// The files of a project at one moment: a build has all of a version that is switched to, or nothing of it,
    /// and nobody who changes the project waits for more than the reading.
    fn taken(&self, project: &ProjectName) -> Result<Sources, Ended> {
        let snapshot = self.projects.workspace().snapshot(project.as_str());
        let snapshot = snapshot.map_err(super::projects::refusal)?;
        Sources::of_snapshot(&snapshot).map_err(|it| not_built(NotBuilt::Files(it)))
    }

    fn built(
        &self,
        project: &ProjectName,
        (request, sealing): (BuildRequest, Sealing),
        (by, id, for_plan): (UserName, CommandId, bool),
    ) -> Result<BuildView, Ended> {
        let wanted = Wanted {
            tag: request.tag.unwrap_or_else(|| delivery::TAG.to_owned()),
            description: request.description.clone(),
            author: by.to_string(),
            version: request.version,
            commit: request.commit.clone(),
            workflows: request.workflows.into_iter().collect(),
            environments: request.environments.clone(),
            base_dir: request.base_dir.map(PathBuf::from),
            sealing,
            at: request.at.unwrap_or_else(|| self.system.now()),
        };
        let mark = self.builds.mark(project.as_str());
        let sources = match &wanted.version {
            // Nothing changes what it was.
            Some(version) => {
                let found = self.projects.workspace().project(project.as_str());
                let dir = found.map_err(super::projects::refusal)?.dir;
                Sources::of_version(&dir, version).map_err(not_built)?
            }
            None => self.taken(project)?,
        };
        let made = delivery::build(&sources, &self.registry, &wanted).map_err(not_built)?;
        let (signer, _) = self.signing.signer()?;
        let secrets = made.secrets.into_iter();
        let contents = &made.package.contents;
        let view = BuildView {
            id,
            project: project.clone(),
            tag: made.tag,
            description: wanted.description,
            by,
            at: wanted.at,
            commit: made.commit,
            environments: wanted.environments,
            for_plan,
            digest: made.package.digest(),
            signer: signer.key().to_string(),
            workflows: contents.content.workflows.iter().map(|it| it.name.clone()).collect(),
            secrets: secrets.map(|it| BuildSecret { name: it.name, keys: it.keys }).collect(),
            size: ObjectCountView {
                objects: contents.objects.len() as u64,
                bytes: contents.objects.values().map(|it| it.len() as u64).sum(),
            },
            warnings: made.findings.into_iter().map(FindingView::from).collect(),
        };
        let _busy = self.hold(id);
        self.keep(&view, (&made.package, &signer), mark)?;
        Ok(view)
    }

    fn keep(
        &self,
        view: &BuildView,
        (package, signer): (&weir_package::Package, &Signer),
        mark: Mark,
    ) -> Result<(), Ended> {
        let (file, about) = self.files(&view.project, view.id);
        let text = serde_json::to_vec_pretty(view).expect("a view is plain values, which are JSON");
        let kept = self.builds.kept((view.project.as_str(), mark), |directory| {
            fs::create_dir_all(directory).map_err(|it| unwritten(&it))?;
            // Left by a process that ended before it was told of.
            let _ = fs::remove_file(&file);
            delivery::write(&file, package, signer).map_err(|it| match it {
                Unusable::Io(error) => unwritten(&error),
                Unusable::Package(error) => of_package(&error),
            })?;
            durable::write(&about, &text).map_err(|it| unwritten(&it))
        });
        kept.unwrap_or_else(|| Err(moved(&view.project)))
    }

    /// Nobody clears this package away as long as the answer is kept.
    fn hold(&self, id: CommandId) -> Held {
        *held(&self.busy).entry(id).or_default() += 1;
        Held { busy: self.busy.clone(), id }
    }

    /// What is too old goes, and what a process left that ended before it was done; that it stays is no
    /// reason to fail.
    fn clear(&self, project: &ProjectName) {
        let busy = held(&self.busy);
        let Ok(kept) = self.kept(project) else { return };
        let (mut of_plans, mut others) = (0, 0);
        let (kept, old): (Vec<_>, Vec<_>) = kept.into_iter().partition(|it| {
            let (count, max) = match it.for_plan {
                true => (&mut of_plans, OF_PLANS_MAX),
                false => (&mut others, KEPT_MAX),
            };
            *count += 1;
            *count <= max || busy.contains_key(&it.id)
        });
        for it in old {
            let _ = self.remove(project, it.id);
        }
        let known: BTreeSet<_> = kept.iter().map(|it| it.id).chain(busy.keys().copied()).collect();
        let entries = fs::read_dir(self.of_project(project)).into_iter().flatten().flatten();
        for path in entries.map(|it| it.path()) {
            let id = path.file_stem().and_then(|it| it.to_str()?.parse::<CommandId>().ok());
            if id.is_some_and(|it| !known.contains(&it)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn remove(&self, project: &ProjectName, id: CommandId) -> io::Result<()> {
        let (file, about) = self.files(project, id);
        fs::remove_file(about)?;
        fs::remove_file(file)
    }

    /// The directory of a project.
    async fn dir(&self, project: &ProjectName) -> Result<PathBuf, ProjectRefusal> {
        Ok(PathBuf::from(self.projects.project(project.clone()).await?.directory))
    }

    /// Seals to keys of clusters that this server knows and the sender may ask, and to nobody else's: who may
    /// deploy there may use the secrets there.
    async fn sealing(
        &self,
        build: &BuildRequest,
        (sender, target): (&OnBehalf, Option<&ClusterName>),
    ) -> Result<Sealing, Ended> {
        let mut to = Vec::new();
        for SealTo { cluster, key } in &build.seal_to {
            let at = sender.at(cluster.as_ref().or(target)).await?;
            let known = async { at.client().await?.keys().await };
            let known = known.await.map_err(|it| Ended::from(at.told(it)))?.items;
            let found = delivery::meant(&known, key.as_deref()).ok_or_else(|| no_key(key))?;
            let public = found.public.parse::<PublicKey>();
            to.push(public.map_err(|it| Fault::from(&it))?);
        }
        if to.is_empty() {
            return Ok(Sealing::default());
        }
        let files = self.project_keys.clone();
        let ring = self.blocking(move |_| delivery::ring(&files)).await?;
        Ok(Sealing { to, ring: ring.map_err(|it| Fault::from(&it))? })
    }

    async fn package_of(
        &self,
        project: &ProjectName,
        request: &mut DeployRequest,
        (by, sender, id): (UserName, &OnBehalf, CommandId),
    ) -> Result<(Kept, Proven), Ended> {
        let kept = match request.package {
            Some(id) => {
                let named = project.clone();
                self.blocking(move |it| it.found(&named, id)).await??
            }
            None => {
                let (named, build) = (project.clone(), request.build.take().unwrap_or_default());
                let sealing = self.sealing(&build, (sender, request.cluster.as_ref())).await?;
                let (build, for_plan) = ((build, sealing), request.dry_run);
                self.blocking(move |it| it.built(&named, build, (by, id, for_plan))).await??
            }
        };
        let (file, _) = self.files(project, kept.id);
        let read = file.clone();
        let proven = self.blocking(move |_| delivery::prove(&read)).await?;
        let proven = proven.map_err(|it| match it {
            Unusable::Io(error) => unread(&error).into(),
            Unusable::Package(error) => of_package(&error),
        });
        Ok((Kept { view: kept, file }, proven?))
    }
}

#[async_trait]
impl Deliveries for Deliverer {
    fn steps(&self) -> Vec<&'static str> {
        ["build"].into_iter().chain(delivery::STEPS).collect()
    }

    async fn builds(&self, project: ProjectName) -> Result<Vec<BuildView>, ProjectRefusal> {
        self.dir(&project).await?;
        let kept = self.blocking(move |it| it.kept(&project)).await?;
        kept.map_err(|it| unread(&it))
    }

    async fn build(
        &self,
        project: ProjectName,
        id: CommandId,
    ) -> Result<BuildView, ProjectRefusal> {
        self.dir(&project).await?;
        self.blocking(move |it| it.found(&project, id)).await?
    }

    async fn package(
        &self,
        project: ProjectName,
        id: CommandId,
    ) -> Result<Vec<u8>, ProjectRefusal> {
        self.build(project.clone(), id).await?;
        let (file, _) = self.files(&project, id);
        let read = self.blocking(move |_| fs::read(file)).await?;
        read.map_err(|it| unread(&it))
    }

    async fn build_delete(
        &self,
        project: ProjectName,
        id: CommandId,
    ) -> Result<BuildView, ProjectRefusal> {
        let gone = self.build(project.clone(), id).await?;
        if held(&self.busy).contains_key(&id) {
            return Err(ProjectRefusal::Conflict {
                detail: format!("the package {id} is being deployed"),
                hint: "wait for that operation, or cancel it: weir operation list".to_owned(),
            });
        }
        let removed = self.blocking(move |it| it.remove(&project, id));
        removed.await?.map_err(|it| unread(&it))?;
        Ok(gone)
    }

    async fn build_create(
        &self,
        project: ProjectName,
        request: BuildRequest,
        (by, sender): (UserName, OnBehalf),
        progress: Progress,
    ) -> Result<BuildView, Ended> {
        progress.step("build");
        let id = progress.id();
        let sealing = self.sealing(&request, (&sender, None)).await?;
        let request = (request, sealing);
        self.blocking(move |it| {
            let built = it.built(&project, request, (by, id, false))?;
            it.clear(&project);
            Ok(built)
        })
        .await?
    }

    async fn deploy(
        &self,
        project: ProjectName,
        mut request: DeployRequest,
        (by, sender): (UserName, OnBehalf),
        progress: Progress,
    ) -> Result<DeployedView, Ended> {
        progress.step("build");
        let id = progress.id();
        let _busy = [id, request.package.unwrap_or(id)].map(|it| self.hold(it));
        let (kept, proven) = self.package_of(&project, &mut request, (by, &sender, id)).await?;
        progress.message(format!("{}, digest {:.12}", kept.view.tag, kept.view.digest));
        let deployed = deployed(&request, (&kept, &proven), &sender, progress).await;
        self.blocking(move |it| it.clear(&project)).await?;
        deployed
    }

    async fn test(
        &self,
        project: ProjectName,
        filter: String,
        progress: Progress,
    ) -> Result<Value, Ended> {
        progress.step("compile");
        let handle = tokio::runtime::Handle::current();
        let tested = self.blocking(move |it| {
            let (sources, registry) = (it.taken(&project)?, registry_for_run(&it.runs));
            let Loaded { project, findings } = weir_project::load(&sources.dir, &registry);
            let Some(project) = project else {
                return Err(not_built(NotBuilt::Findings(findings)));
            };
            progress.step("test");
            let all: usize = project.tests.iter().map(|it| it.cases.len()).sum();
            let (mut done, telling) = (0, progress.clone());
            let mut told = |case: &weir_testing::CaseReport| {
                done += 1;
                telling.message(format!("{}/{}: {done} of {all} cases", case.test, case.case));
                telling.percent(u8::try_from(done * 100 / all.max(1)).unwrap_or(100));
            };
            let most = it.runs.case_timeout.duration();
            let run =
                weir_testing::run_within(&project, &registry, (filter.as_str(), most), &mut told);
            let timeout = it.runs.tests_timeout;
            let report = handle.block_on(async {
                tokio::select! {
                    report = run => Ok(report),
                    () = progress.cancelled().cancelled() => Err(Ended::Cancelled),
                    () = tokio::time::sleep(timeout.duration()) => Err(tests_late(timeout)),
                }
            })?;
            let view = delivery::View::of(&report);
            Ok(serde_json::to_value(view).expect("a view is plain values, which are JSON"))
        });
        tested.await?
    }
}

async fn deployed(
    request: &DeployRequest,
    (kept, proven): (&Kept, &Proven),
    sender: &OnBehalf,
    progress: Progress,
) -> Result<DeployedView, Ended> {
    progress.go_on()?;
    let at = At(sender.at(request.cluster.as_ref()).await?);
    let order = Order {
        base: request.base.clone(),
        activate: request.activate,
        wait: request.wait,
        dry_run: request.dry_run,
        key: progress.id().to_string(),
    };
    let told = Arc::new(Told(progress));
    let deployed = delivery::deploy(&at, (&kept.file, proven), &order, told).await;
    deployed.map_err(|it| not_deployed(it, &at.0))
}

/// How many hold each package.
type Holds = BTreeMap<CommandId, usize>;

fn held(busy: &Mutex<Holds>) -> MutexGuard<'_, Holds> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Held {
    busy: Arc<Mutex<Holds>>,
    id: CommandId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut busy = held(&self.busy);
        if let Some(count) = busy.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.id);
            }
        }
    }
}

/// The cluster, asked in the sender's name.
struct At(AtCluster);

#[async_trait]
impl Destination for At {
    async fn client(&self) -> Result<Client, client::Error> {
        self.0.client().await
    }

    async fn look(&self) {
        self.0.look().await;
    }
}

struct Told(Progress);

#[async_trait]
impl Telling for Told {
    fn step(&self, name: &str) {
        self.0.step(name);
    }

    fn percent(&self, percent: u8) {
        self.0.percent(percent);
    }

    fn message(&self, message: String) {
        self.0.message(message);
    }

    fn is_cancelled(&self) -> bool {
        self.0.cancelled().is_cancelled()
    }

    async fn cancelled(&self) {
        self.0.cancelled().cancelled().await;
    }
}
