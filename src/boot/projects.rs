//! Project directories on this machine, as the configuration server knows them.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use weir_domain::{Fault, Finding, ProjectName};
use weir_http_api::ProjectSummary;
use weir_http_server::{Checks, Projects};
use weir_project::Loaded;
use weir_runtime::Tasks;
use weir_stream::Registry;

use super::registry;

/// Projects: given ones, and every directory with a `project.yaml` below one directory. Files are
/// read at every question, on threads that may block.
#[derive(Clone)]
pub(crate) struct ProjectDirs {
    tasks: Tasks,
    given: Vec<PathBuf>,
    below: Option<PathBuf>,
    registry: Registry,
}

impl ProjectDirs {
    pub(crate) fn below(tasks: Tasks, dir: PathBuf) -> Self {
        Self { tasks, given: Vec::new(), below: Some(dir), registry: registry() }
    }

    pub(crate) fn given(tasks: Tasks, dir: PathBuf) -> Self {
        Self { tasks, given: vec![dir], below: None, registry: registry() }
    }

    fn dirs(&self) -> Vec<PathBuf> {
        let mut dirs = self.given.clone();
        // A directory that is not there holds no projects.
        let entries = self.below.iter().filter_map(|it| std::fs::read_dir(it).ok()).flatten();
        dirs.extend(entries.filter_map(|it| Some(it.ok()?.path())));
        dirs.retain(|it| it.join("project.yaml").is_file());
        dirs.sort();
        dirs
    }

    fn load(&self, dir: &Path) -> (Option<ProjectSummary>, Loaded) {
        let loaded = weir_project::load(dir, &self.registry);
        let count = |wanted: bool| {
            let found = loaded.findings.iter().filter(|it| it.is_error() == wanted).count();
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        let name = match &loaded.project {
            Some(project) => Some(project.name.clone()),
            // A project with errors goes by its directory's name until they are mended.
            None => dir.file_name().and_then(|it| ProjectName::new(it.to_string_lossy()).ok()),
        };
        let project = loaded.project.as_ref();
        let summary = name.map(|name| ProjectSummary {
            name,
            description: project.and_then(|it| it.description.clone()),
            directory: dir.display().to_string(),
            workflows: project.map_or(Vec::new(), |it| {
                it.plans.iter().map(|plan| plan.workflow.clone()).collect()
            }),
            errors: count(true),
            warnings: count(false),
            digest: project.map(|it| it.digest.clone()),
        });
        (summary, loaded)
    }

    fn summaries(&self) -> Vec<ProjectSummary> {
        let mut projects: Vec<_> = self.dirs().iter().filter_map(|it| self.load(it).0).collect();
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        projects
    }

    fn findings(&self, name: &ProjectName) -> Option<Vec<Finding>> {
        let loaded = self.dirs().into_iter().map(|dir| self.load(&dir));
        let mut named = loaded.filter(|it| it.0.as_ref().is_some_and(|it| it.name == *name));
        named.next().map(|(_, loaded)| loaded.findings)
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let this = self.clone();
        let task = self.tasks.spawn_blocking("projects", move || look(&this));
        task.join().await.map_err(|it| Fault::transient(41, it.to_string()))
    }
}

#[async_trait]
impl Projects for ProjectDirs {
    async fn projects(&self) -> Result<Vec<ProjectSummary>, Fault> {
        self.read(Self::summaries).await
    }

    async fn validate(&self, name: &ProjectName) -> Result<Option<Vec<Finding>>, Fault> {
        let name = name.clone();
        self.read(move |it| it.findings(&name)).await
    }

    async fn readiness(&self) -> Checks {
        vec![("projects", Ok(()))]
    }
}
