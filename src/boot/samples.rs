//! Test runs, inferred formats and peeks on a configuration server: few at a time, each bounded, and on threads that may block.
//! Nobody takes all the turns: of the places in front of them, each user may have some.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_conf::Settings;
use weir_conf::settings::{ConfigServer, Runs};
use weir_domain::{Fault, ProjectName, UserClaim, UserName, WorkflowName};
use weir_http_api::{
    InferRequest, InferredView, PeekRequest, PeekView, TestRunRequest, TestRunView,
};
use weir_http_server::{ProjectRefusal, Projects, Samples};
use weir_runtime::System;

use super::projects::ProjectDirs;
use super::registry_for_run;
use crate::delivery::{self, Glasses, NotPeeked, NotRun, Sources, Why};

/// More at once wait for their turn, some of them, and the server stays able to answer others.
const AT_ONCE: usize = 2;
const WAITING_MAX: usize = 8;
/// What connecting to a source may take, beyond the time that its records are waited for.
const CONNECT: Duration = Duration::from_secs(8);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct SampleRuns {
    system: System,
    projects: ProjectDirs,
    runs: Arc<Runs>,
    turns: Turns,
    /// Files with private keys that open secrets of projects.
    project_keys: Arc<Vec<PathBuf>>,
}

/// Who may work on a sample now, and who waits. Cheap to clone; clones are one.
#[derive(Clone)]
pub(crate) struct Turns {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    of_users: Arc<Mutex<BTreeMap<UserName, u32>>>,
    of_user_max: u32,
}

/// Held until the work has ended, whoever waits for it.
pub(crate) struct Turn {
    _own: Own,
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

/// One that this user has begun.
struct Own {
    of_users: Arc<Mutex<BTreeMap<UserName, u32>>>,
    user: UserName,
}

impl Turns {
    pub(crate) fn of(of_user_max: u32) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let places = Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX));
        Self { turns, places, of_users: Arc::default(), of_user_max }
    }

    pub(crate) async fn take(&self, user: &UserName) -> Result<Turn, ProjectRefusal> {
        let own = self.own(user)?;
        let place = self.places.clone().try_acquire_owned().map_err(|_| ProjectRefusal::Busy {
            detail: "others try samples out at this moment".to_owned(),
        })?;
        let turn = self.turns.clone().acquire_owned().await.expect("nobody closes it");
        Ok(Turn { _own: own, _place: place, _turn: turn })
    }

    fn own(&self, user: &UserName) -> Result<Own, ProjectRefusal> {
        let mut of_users = counted(&self.of_users);
        let count = of_users.entry(user.clone()).or_default();
        if *count >= self.of_user_max {
            let detail =
                format!("{user} tries {count} samples out at this moment, and may no more");
            return Err(ProjectRefusal::Busy { detail });
        }
        *count += 1;
        Ok(Own { of_users: self.of_users.clone(), user: user.clone() })
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let mut of_users = counted(&self.of_users);
        if let Some(count) = of_users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                of_users.remove(&self.user);
            }
        }
    }
}

fn counted(of_users: &Mutex<BTreeMap<UserName, u32>>) -> MutexGuard<'_, BTreeMap<UserName, u32>> {
    of_users.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SampleRuns {
    pub(crate) fn of(
        system: System,
        projects: ProjectDirs,
        (data_dir, settings): (&Path, &Settings),
    ) -> Self {
        let ConfigServer { runs, project_keys, .. } = &settings.config_server;
        let turns = Turns::of(runs.samples_of_user);
        let keys = project_keys.iter().map(|it| data_dir.join(it));
        let project_keys = Arc::new(keys.collect());
        Self { system, projects, runs: Arc::new(runs.clone()), turns, project_keys }
    }

    fn peeked(
        &self,
        (project, workflow): (&ProjectName, &WorkflowName),
        opens_secrets: bool,
        request: &PeekRequest,
    ) -> Result<PeekView, ProjectRefusal> {
        let snapshot = self.projects.workspace().snapshot(project.as_str());
        let sources = Sources::of_snapshot(&snapshot.map_err(super::projects::refusal)?);
        let sources = sources.map_err(|it| unplaced(&it))?;
        let keys = || delivery::ring(&self.project_keys);
        let glasses = Glasses {
            registry: &registry_for_run(&self.runs),
            clock: self.system.clock().clone(),
            ring: opens_secrets.then_some(&keys),
        };
        let peeked = delivery::peek(&sources, (project, workflow), request, &glasses);
        peeked.map_err(|it| not_peeked(workflow, it))
    }
}

/// What is wrong with the request is refused; what is wrong with the project or a sample is what came of it.
fn not_run(
    (project, workflow): (ProjectName, WorkflowName),
    NotRun { why, findings }: NotRun,
) -> Result<TestRunView, ProjectRefusal> {
    let said = || {
        let it = findings.first();
        it.map_or_else(String::new, |it| format!("{}: {}", it.cause, it.fix))
    };
    Err(match why {
        Why::Content => return Ok(delivery::invalid((&project, &workflow), findings)),
        Why::Workflow(known) => {
            ProjectRefusal::NotFound { what: "workflow", name: workflow.to_string(), known }
        }
        Why::Request(pointer) => ProjectRefusal::Invalid { pointer, reason: said() },
        Why::TooLarge => ProjectRefusal::TooLarge { detail: said() },
    })
}

fn not_peeked(workflow: &WorkflowName, why: NotPeeked) -> ProjectRefusal {
    match why {
        NotPeeked::Findings(findings) => {
            let detail = "the project has errors, which must be mended first".to_owned();
            ProjectRefusal::NoAsset { detail, findings }
        }
        NotPeeked::Workflow(known) => {
            ProjectRefusal::NotFound { what: "workflow", name: workflow.to_string(), known }
        }
        NotPeeked::Request(pointer, reason) => {
            ProjectRefusal::Invalid { pointer: pointer.to_owned(), reason }
        }
        NotPeeked::Secrets => ProjectRefusal::Forbidden { claim: UserClaim::DeploymentWrite },
        NotPeeked::Source(fault) => ProjectRefusal::Source(fault),
    }
}

#[async_trait]
impl Samples for SampleRuns {
    async fn test_run(
        &self,
        (project, workflow): (ProjectName, WorkflowName),
        by: UserName,
        request: TestRunRequest,
    ) -> Result<TestRunView, ProjectRefusal> {
        let turn = self.turns.take(&by).await?;
        let (this, now) = (self.clone(), self.system.now());
        let handle = tokio::runtime::Handle::current();
        let about_run = (project.clone(), workflow.clone());
        let task = self.system.tasks().spawn_blocking("test-run", move || {
            // Whoever asked may have gone: the turn is over when the run is.
            let _turn = turn;
            let snapshot = this.projects.workspace().snapshot(project.as_str());
            let sources = Sources::of_snapshot(&snapshot.map_err(super::projects::refusal)?);
            let sources = sources.map_err(|it| unplaced(&it))?;
            let (about, registry) = ((&project, &workflow), registry_for_run(&this.runs));
            let run = delivery::test_run_or(&sources.dir, &registry, about, request, now);
            handle.block_on(run).or_else(|it| not_run(about_run, it))
        });
        task.join().await.map_err(|it| Fault::transient(102, it.to_string()))?
    }

    async fn peek(
        &self,
        (project, workflow): (ProjectName, WorkflowName),
        (by, opens_secrets): (UserName, bool),
        request: PeekRequest,
    ) -> Result<PeekView, ProjectRefusal> {
        let turn = self.turns.take(&by).await?;
        let within = Duration::from_millis(request.within_ms) + CONNECT;
        let silent =
            format!("{workflow} of {project}: its source gives no answer within {within:?}");
        tracing::info!(%by, %project, %workflow, opens_secrets, "peeks at a source");
        let this = self.clone();
        let task = self.system.tasks().spawn_blocking("peek", move || {
            // A connector that hangs keeps the turn.
            let _turn = turn;
            this.peeked((&project, &workflow), opens_secrets, &request)
        });
        match tokio::time::timeout(within, task.join()).await {
            Ok(joined) => joined.map_err(|it| Fault::transient(102, it.to_string()))?,
            Err(_) => {
                let fault = Fault::transient(196, silent);
                Err(ProjectRefusal::Source(
                    fault.with_hint("does it run, and is it reached from this server?"),
                ))
            }
        }
    }

    async fn infer(
        &self,
        project: ProjectName,
        by: UserName,
        request: InferRequest,
    ) -> Result<InferredView, ProjectRefusal> {
        self.projects.project(project).await?;
        let pointer = if request.base64.is_some() { "/base64" } else { "/text" };
        let turn = self.turns.take(&by).await?;
        let task = self.system.tasks().spawn_blocking("infer", move || {
            let _turn = turn;
            delivery::infer(request)
        });
        let found = task.join().await.map_err(|it| Fault::transient(102, it.to_string()))?;
        found.map_err(|fault| {
            let hint = fault.hint.map(|it| format!(": {it}")).unwrap_or_default();
            let reason = format!("{}{hint}", fault.message);
            ProjectRefusal::Invalid { pointer: pointer.to_owned(), reason }
        })
    }
}

fn unplaced(error: &std::io::Error) -> ProjectRefusal {
    let fault =
        Fault::transient(102, format!("the files of the project can't be laid out: {error}"));
    fault.with_hint("look at the directory for temporary files, and at who may write there").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_user_has_some_of_the_places_and_others_have_the_rest() {
        let turns = Turns::of(2);
        let [ada, bob] = ["ada", "bob"].map(|it| UserName::new(it).unwrap());
        let first = turns.take(&ada).await.unwrap();
        let second = turns.take(&ada).await.unwrap();
        let refused = turns.take(&ada).await.err();
        let Some(ProjectRefusal::Busy { detail }) = refused else { panic!("she has enough") };
        assert_eq!(detail, "ada tries 2 samples out at this moment, and may no more");
        drop(first);
        let third = turns.take(&bob).await.unwrap();
        // Both turns are taken: the next one waits in a place of its own.
        let mut waiting = Box::pin(turns.take(&bob));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(second);
        let fourth = waiting.await.unwrap();
        drop((third, fourth));
        assert!(counted(&turns.of_users).is_empty());
    }
}
