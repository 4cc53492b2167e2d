//! Project directories on this machine, as the configuration server knows them.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use weir_domain::{Fault, Finding, ProjectName};
use weir_http_api::ProjectSummary;
use weir_http_server::{Checks, Projects};
use weir_project::Loaded;
use weir_stream::Registry;

use super::registry;

/// Projects: given ones, and every directory with a `project.yaml` below one directory.
pub(crate) struct ProjectDirs {
    given: Vec<PathBuf>,
    below: Option<PathBuf>,
    registry: Registry,
}

impl ProjectDirs {
    pub(crate) fn below(dir: PathBuf) -> Self {
        Self { given: Vec::new(), below: Some(dir), registry: registry() }
    }

    pub(crate) fn given(dir: PathBuf) -> Self {
        Self { given: vec![dir], below: None, registry: registry() }
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
}

#[async_trait]
impl Projects for ProjectDirs {
    async fn projects(&self) -> Result<Vec<ProjectSummary>, Fault> {
        let mut projects: Vec<_> = self.dirs().iter().filter_map(|it| self.load(it).0).collect();
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(projects)
    }

    async fn validate(&self, name: &ProjectName) -> Result<Option<Vec<Finding>>, Fault> {
        for dir in self.dirs() {
            let (summary, loaded) = self.load(&dir);
            if summary.is_some_and(|it| it.name == *name) {
                return Ok(Some(loaded.findings));
            }
        }
        Ok(None)
    }

    async fn readiness(&self) -> Checks {
        vec![("projects", Ok(()))]
    }
}
