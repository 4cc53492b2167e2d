//! Test runs and inferred formats on a configuration server: few at a time, each bounded, and on threads that may block.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_domain::{Fault, ProjectName, WorkflowName};
use weir_http_api::{InferRequest, InferredView, TestRunRequest, TestRunView};
use weir_http_server::{ProjectRefusal, Projects, Samples};
use weir_runtime::System;
use weir_stream::Registry;

use super::projects::ProjectDirs;
use super::registry;
use crate::delivery::{self, Sources};

/// More at once wait for their turn, some of them, and the server stays able to answer others.
const AT_ONCE: usize = 2;
const WAITING_MAX: usize = 8;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct SampleRuns {
    system: System,
    projects: ProjectDirs,
    registry: Registry,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl SampleRuns {
    pub(crate) fn of(system: System, projects: ProjectDirs) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let places = Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX));
        Self { system, projects, registry: registry(), turns, places }
    }

    /// Held until the work has ended, whoever waits for it.
    async fn turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), ProjectRefusal> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| ProjectRefusal::Busy {
            detail: "others try samples out at this moment".to_owned(),
        })?;
        Ok((place, self.turns.clone().acquire_owned().await.expect("nobody closes it")))
    }
}

#[async_trait]
impl Samples for SampleRuns {
    async fn test_run(
        &self,
        project: ProjectName,
        workflow: WorkflowName,
        request: TestRunRequest,
    ) -> Result<TestRunView, ProjectRefusal> {
        let turn = self.turn().await?;
        let (this, now) = (self.clone(), self.system.now());
        let handle = tokio::runtime::Handle::current();
        let task = self.system.tasks().spawn_blocking("test-run", move || {
            // Whoever asked may have gone: the turn is over when the run is.
            let _turn = turn;
            let snapshot = this.projects.workspace().snapshot(project.as_str());
            let sources = Sources::of_snapshot(&snapshot.map_err(super::projects::refusal)?);
            let sources = sources.map_err(unplaced)?;
            let about = (&project, &workflow);
            let run = delivery::test_run(&sources.dir, &this.registry, about, request, now);
            Ok(handle.block_on(run))
        });
        task.join().await.map_err(|it| Fault::transient(102, it.to_string()))?
    }

    async fn infer(
        &self,
        project: ProjectName,
        request: InferRequest,
    ) -> Result<InferredView, ProjectRefusal> {
        self.projects.project(project).await?;
        let turn = self.turn().await?;
        let task = self.system.tasks().spawn_blocking("infer", move || {
            let _turn = turn;
            delivery::infer(request)
        });
        let found = task.join().await.map_err(|it| Fault::transient(102, it.to_string()))?;
        found.map_err(|fault| {
            let hint = fault.hint.map(|it| format!(": {it}")).unwrap_or_default();
            let reason = format!("{}{hint}", fault.message);
            ProjectRefusal::Invalid { pointer: "/text".to_owned(), reason }
        })
    }
}

fn unplaced(error: std::io::Error) -> ProjectRefusal {
    let fault =
        Fault::transient(102, format!("the files of the project can't be laid out: {error}"));
    fault.with_hint("look at the directory for temporary files, and at who may write there").into()
}
