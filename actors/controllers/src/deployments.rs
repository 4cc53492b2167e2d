//! Deployments: what the cluster should run.
//!
//! Two things, in one journal: the *storage* of deployments that were built as packages, with the
//! rules that say which node runs which; and the *current* deployment of each project that was
//! applied from a directory.
//!
//! Invariants, beside those of the storage:
//! - D1: a project has at most one current deployment.
//! - D2: equal content has an equal digest; deploying what is current changes nothing.
//!
//! What engines really run is not known here: each looks at what is current, again and again and
//! whenever it is told that something changed, and one that runs it already does nothing.

mod administration;
mod effects;
mod packages;
mod runnable;
mod service;
pub mod storage;
mod tally;
mod transfer;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_domain::plan::Plan;
use weir_domain::{DeploymentTag, Digest, ProjectName, Timestamp, WorkflowName};
use weir_runtime::{Decision, EventSourced, Form, Stored, Unreadable};

use storage::{Author, Change, Impact, Storage};

pub use administration::{Administration, Aims, Answer, Target};
pub use packages::{Packages, Sent, Signers};
pub use runnable::{Runnable, RunnableWorkflow, schedule};
pub use service::{
    Current, DeploymentService, DeploymentSingleton, DeploymentStorage, Failure, Request, Response,
};
pub use transfer::{Arrival, TransferError, Uploaded, load, plans};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "deployment-storage";

#[derive(Debug)]
pub enum Command {
    /// Makes this content the current one of its project.
    Deploy(Arc<Deployment>),
    /// Runs nothing of the project any more.
    Withdraw {
        project: ProjectName,
        at: Timestamp,
    },
    Storage(storage::Command),
}

/// One project, compiled, in one content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    pub project: ProjectName,
    /// Digest over the plans.
    pub digest: String,
    /// Relative paths of the plans begin here.
    pub base_dir: PathBuf,
    pub plans: Vec<Plan>,
    pub at: Timestamp,
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Deployed(Arc<Deployment>),
    Withdrawn {
        project: ProjectName,
        at: Timestamp,
    },
    /// Since version 2.
    Storage(storage::Event),
}

/// Work for the engines. Shown by project and digest: configurations don't belong into a log.
#[derive(PartialEq)]
pub enum Effect {
    /// Run exactly these, and nothing else.
    Run(Vec<Arc<Deployment>>),
    /// Look what should run: the rules are those of this revision now.
    Aim { revision: u64 },
    /// Have the scheduler settings of the default deployment hold, once for this activation of it.
    Schedule { activation: u64, digest: Digest },
    /// Delete the objects that nobody needs.
    Sweep { garbage: u64, keep: BTreeSet<Digest> },
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(deployments) => {
                let named =
                    deployments.iter().map(|it| format!("{}@{:.12}", it.project, it.digest));
                write!(f, "Run({})", named.collect::<Vec<_>>().join(", "))
            }
            Self::Aim { revision } => write!(f, "Aim({revision})"),
            Self::Schedule { activation, .. } => write!(f, "Schedule({activation})"),
            Self::Sweep { keep, .. } => write!(f, "Sweep(all but {})", keep.len()),
        }
    }
}

/// What becomes of workflows when a project is deployed from its directory, on every node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectImpact {
    pub starts: BTreeSet<WorkflowName>,
    /// Changed: they are drained and started again.
    pub restarts: BTreeSet<WorkflowName>,
    pub stops: BTreeSet<WorkflowName>,
    pub stays: BTreeSet<WorkflowName>,
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("project {0} is not deployed")]
    Unknown(ProjectName),
    #[error(
        "project {project} can't be deployed: its workflow {workflow} belongs to project {owner}"
    )]
    WorkflowTaken { project: ProjectName, workflow: String, owner: ProjectName },
    #[error(
        "workflow {workflow} of deployment {tag} belongs to project {owner}, which was deployed from a directory: withdraw that project first, or rename the workflow"
    )]
    WorkflowOfDirectory { tag: DeploymentTag, workflow: WorkflowName, owner: ProjectName },
    #[error(
        "project {project} can't be deployed: its workflow {workflow} belongs to deployment {tag}, which nodes run: rename it, or take the deployment out of use first"
    )]
    WorkflowOfPackage { project: ProjectName, workflow: WorkflowName, tag: DeploymentTag },
    #[error("project {0} has no workflow: there is nothing to run")]
    Empty(ProjectName),
    #[error(transparent)]
    Storage(#[from] storage::Rejection),
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Deployments {
    current: BTreeMap<ProjectName, Arc<Deployment>>,
    storage: Storage,
}

impl EventSourced for Deployments {
    type Command = Command;
    type Event = Event;
    type Effect = Effect;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("deployments.event", 2);
    const STATE_FORM: Form = Form::new("deployments.state", 2);

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Deploy(deployment) => self.deploy(deployment),
            Command::Withdraw { project, at } => self.withdraw(project, at),
            Command::Storage(command) => {
                let events = self.stored(command)?;
                Ok(events.into_iter().map(Event::Storage).collect())
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Deployed(deployment) => {
                self.current.insert(deployment.project.clone(), deployment.clone());
            }
            Event::Withdrawn { project, .. } => {
                let known = self.current.remove(project);
                assert!(known.is_some(), "D1: {project} was withdrawn and never deployed");
            }
            Event::Storage(event) => self.storage.apply(event),
        }
    }

    fn outstanding(&self) -> Vec<Effect> {
        let mut owed = vec![Effect::Run(self.current.values().cloned().collect())];
        let revision = self.storage.revision();
        owed.extend((revision > 0).then_some(Effect::Aim { revision }));
        let unscheduled = self.storage.unscheduled();
        owed.extend(
            unscheduled.map(|(activation, digest)| Effect::Schedule { activation, digest }),
        );
        let keep = || self.storage.needed();
        owed.extend(self.storage.garbage().map(|garbage| Effect::Sweep { garbage, keep: keep() }));
        owed
    }

    fn upcast(old: &Stored<'_>) -> Result<Event, Unreadable> {
        // Version 1 knew less, and nothing else.
        match (old.manifest.name.as_str(), old.manifest.version) {
            ("deployments.event", 1) => old.read(),
            _ => Err(old.unknown()),
        }
    }
}

impl Deployments {
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// What is current, by project.
    pub fn current(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.current.values()
    }

    fn deploy(&self, deployment: Arc<Deployment>) -> Decision<Self> {
        let project = &deployment.project;
        if deployment.plans.is_empty() {
            return Err(Rejection::Empty(project.clone()));
        }
        if let Some(current) = self.current.get(project)
            && current.digest == deployment.digest
            && current.base_dir == deployment.base_dir
        {
            return Ok(vec![]);
        }
        // Workflows are told apart by name in streams, claims and metrics.
        for other in self.current.values().filter(|it| it.project != *project) {
            let taken = |plan: &&Plan| other.plans.iter().any(|it| it.workflow == plan.workflow);
            if let Some(plan) = deployment.plans.iter().find(taken) {
                return Err(Rejection::WorkflowTaken {
                    project: project.clone(),
                    workflow: plan.workflow.to_string(),
                    owner: other.project.clone(),
                });
            }
        }
        let used = self.storage.used();
        for plan in &deployment.plans {
            if let Some(tag) = used.get(&plan.workflow).cloned() {
                let (project, workflow) = (project.clone(), plan.workflow.clone());
                return Err(Rejection::WorkflowOfPackage { project, workflow, tag });
            }
        }
        Ok(vec![Event::Deployed(deployment)])
    }

    /// What deploying the project would do; refused just as deploying it would be.
    fn preview_deploy(&self, deployment: &Arc<Deployment>) -> Result<ProjectImpact, Rejection> {
        let events = self.deploy(deployment.clone())?;
        let before = self.current.get(&deployment.project);
        // How many instances there are is the scheduler's business, and restarts nothing.
        let is_same = |a: &Plan, b: &Plan| {
            events.is_empty() || Plan { instances: b.instances, ..a.clone() } == *b
        };
        let has_moved = before.is_some_and(|it| it.base_dir != deployment.base_dir);
        let plan_before = |it: &WorkflowName| {
            before.and_then(|before| before.plans.iter().find(|plan| plan.workflow == *it))
        };
        let mut impact = ProjectImpact::default();
        for plan in &deployment.plans {
            let to = match plan_before(&plan.workflow) {
                None => &mut impact.starts,
                Some(it) if is_same(it, plan) && !has_moved => &mut impact.stays,
                Some(_) => &mut impact.restarts,
            };
            to.insert(plan.workflow.clone());
        }
        let gone = before.into_iter().flat_map(|it| &it.plans).map(|it| &it.workflow);
        let gone = gone.filter(|it| deployment.plans.iter().all(|plan| plan.workflow != **it));
        impact.stops = gone.cloned().collect();
        Ok(impact)
    }

    /// What the change would do, without doing it; refused just as the change would be.
    fn preview(&self, author: Author, change: Change) -> Result<Impact, Rejection> {
        let events = self.stored(storage::Command::Change { author, change })?;
        Ok(self.storage.impact(&events))
    }

    /// What the command leads to in the storage, if it suits what runs from directories.
    fn stored(&self, command: storage::Command) -> Result<Vec<storage::Event>, Rejection> {
        let events = self.storage.decide(command)?;
        self.check_directories(&events)?;
        Ok(events)
    }

    /// Refuses that nodes are to run a package of which a workflow belongs to a directory.
    fn check_directories(&self, events: &[storage::Event]) -> Result<(), Rejection> {
        if self.current.is_empty() || !events.iter().any(storage::Event::is_change) {
            return Ok(());
        }
        let mut next = self.storage.clone();
        events.iter().for_each(|it| next.apply(it));
        let used = next.used();
        for deployment in self.current.values() {
            for plan in &deployment.plans {
                if let Some(tag) = used.get(&plan.workflow) {
                    return Err(Rejection::WorkflowOfDirectory {
                        tag: tag.clone(),
                        workflow: plan.workflow.clone(),
                        owner: deployment.project.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn withdraw(&self, project: ProjectName, at: Timestamp) -> Decision<Self> {
        match self.current.contains_key(&project) {
            true => Ok(vec![Event::Withdrawn { project, at }]),
            false => Err(Rejection::Unknown(project)),
        }
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use weir_domain::plan::Retry;

    use super::*;

    fn deployment(project: &str, digest: &str, workflow: &str) -> Deployment {
        let plan = Plan {
            workflow: WorkflowName::new(workflow).expect("a test's name"),
            instances: 1,
            stages: vec![],
            edges: vec![],
            retry: Retry::default(),
            dead_letters: None,
            error_limit: None,
        };
        Deployment {
            project: ProjectName::new(project).expect("a test's name"),
            digest: digest.into(),
            base_dir: "/p".into(),
            plans: vec![plan],
            at: Timestamp(1),
        }
    }

    fn given(history: impl IntoIterator<Item = Deployment>) -> Deployments {
        let mut state = Deployments::default();
        for deployment in history {
            state.apply(&Event::Deployed(Arc::new(deployment)));
        }
        state
    }

    fn deploy(state: &Deployments, deployment: Deployment) -> Decision<Deployments> {
        state.decide(Command::Deploy(Arc::new(deployment)))
    }

    #[test]
    fn deploying_what_is_current_changes_nothing_and_new_content_replaces_it() {
        let state = given([deployment("p", "1", "w")]);
        assert_eq!(deploy(&state, deployment("p", "1", "w")), Ok(vec![]));
        let new = deployment("p", "2", "w");
        assert_eq!(deploy(&state, new.clone()), Ok(vec![Event::Deployed(Arc::new(new))]));
    }

    #[test]
    fn two_projects_can_not_have_one_workflow() {
        let state = given([deployment("p", "1", "w")]);
        let refused = deploy(&state, deployment("q", "1", "w"));
        assert!(matches!(refused, Err(Rejection::WorkflowTaken { .. })), "{refused:?}");
    }

    #[test]
    fn what_is_current_is_owed_to_the_engines_for_ever() {
        let state = given([deployment("p", "1", "w"), deployment("p", "2", "w")]);
        let wanted = Arc::new(deployment("p", "2", "w"));
        assert_eq!(state.outstanding(), [Effect::Run(vec![wanted])]);
    }

    #[test]
    fn what_deploying_would_do_is_told_by_workflow_and_refused_as_deploying_is() {
        let mut state = Deployments::default();
        let plan = |workflow: &str| deployment("p", "1", workflow).plans.remove(0);
        let of = |plans: &[Plan], base_dir: &str| {
            let base_dir = base_dir.into();
            let plans = plans.to_vec();
            Arc::new(Deployment { plans, base_dir, ..deployment("p", "2", "a") })
        };
        let first = of(&[plan("a"), plan("b"), plan("c")], "/p");
        let first = Deployment { digest: "1".into(), ..Arc::into_inner(first).unwrap() };
        state.apply(&Event::Deployed(Arc::new(first)));
        let mut changed = plan("b");
        changed.retry.max_retries += 1;
        let names = |it: &[&str]| it.iter().map(|it| WorkflowName::new(*it).unwrap()).collect();
        let mut more = plan("a");
        more.instances += 1;
        let next = of(&[more, changed, plan("d")], "/p");
        let expected = ProjectImpact {
            starts: names(&["d"]),
            restarts: names(&["b"]),
            stops: names(&["c"]),
            stays: names(&["a"]),
        };
        assert_eq!(state.preview_deploy(&next).unwrap(), expected);
        let moved = state.preview_deploy(&of(&[plan("a")], "/q")).unwrap();
        assert_eq!((moved.restarts, moved.stays), (names(&["a"]), names(&[])));

        let taken = Arc::new(deployment("other", "3", "a"));
        let refused = state.preview_deploy(&taken).unwrap_err();
        assert_eq!(refused, state.deploy(taken).unwrap_err());
    }

    #[test]
    fn an_unknown_project_is_not_withdrawn() {
        let project = ProjectName::new("x").expect("a test's name");
        let refused =
            given([]).decide(Command::Withdraw { project: project.clone(), at: Timestamp(2) });
        assert_eq!(refused, Err(Rejection::Unknown(project)));
    }

    fn change(state: &mut Deployments, change: storage::Change) -> Result<(), Rejection> {
        let author = storage::Author {
            name: "ada".into(),
            at: Timestamp(1),
            expected: None,
            reach: storage::Reach::Everything,
        };
        let previewed = state.preview(author.clone(), change.clone());
        let command = Command::Storage(storage::Command::Change { author, change });
        let decided = state.decide(command);
        let (dry, done) = (previewed.err(), decided.as_ref().err());
        assert_eq!(dry.as_ref(), done, "a dry run is refused as the change is");
        decided?.iter().for_each(|it| state.apply(it));
        Ok(())
    }

    #[test]
    fn of_a_directory_and_a_package_with_one_workflow_the_later_one_is_refused() {
        use storage::Change::{SetDefault, Store};
        let packaged = testing::deployment("a");
        let set_default = || SetDefault { tag: packaged.tag.clone() };
        let workflow = testing::plan().workflow;

        let mut state = given([deployment("p", "1", workflow.as_str())]);
        change(&mut state, Store(Box::new(packaged.clone()))).expect("nobody runs it yet");
        let refused = change(&mut state, set_default());
        assert!(matches!(refused, Err(Rejection::WorkflowOfDirectory { .. })), "{refused:?}");

        let mut state = given([]);
        change(&mut state, Store(Box::new(packaged.clone()))).expect("accepted");
        change(&mut state, set_default()).expect("accepted");
        let refused = deploy(&state, deployment("p", "1", workflow.as_str()));
        assert!(matches!(refused, Err(Rejection::WorkflowOfPackage { .. })), "{refused:?}");
        assert!(deploy(&state, deployment("p", "1", "other")).is_ok());
    }

    /// Written by version 0.1: it must be readable for ever.
    #[test]
    fn an_event_of_the_first_version_still_reads() {
        let golden = include_str!("../../../schemas/events/deployments.event.v1.json");
        let event: Event = serde_json::from_str(golden).expect("the golden event reads");
        assert!(matches!(&event, Event::Deployed(it) if it.project.as_str() == "flights"));

        let payload = rmp_serde::to_vec_named(&event).expect("it is written");
        let read = |version| {
            let name = "deployments.event".to_owned();
            let manifest = weir_persistence_api::Manifest { name, version };
            Deployments::upcast(&Stored { manifest: &manifest, payload: &payload })
        };
        assert_eq!(read(1), Ok(event));
        assert!(read(3).is_err(), "of a newer version");
    }

    #[test]
    fn a_change_of_the_storage_is_announced_and_swept_after() {
        let mut state = given([]);
        let author = storage::Author {
            name: "ada".into(),
            at: Timestamp(1),
            expected: None,
            reach: storage::Reach::Everything,
        };
        let change = storage::Change::Store(Box::new(testing::deployment("a")));
        let command = Command::Storage(storage::Command::Change { author, change });
        let events = state.decide(command).expect("accepted");
        events.iter().for_each(|it| state.apply(it));
        let keep = state.storage().needed();
        assert!(!keep.is_empty());
        let [Effect::Run(_), aim, sweep] = &state.outstanding()[..] else { panic!("not all") };
        assert_eq!(*aim, Effect::Aim { revision: 1 });
        assert_eq!(*sweep, Effect::Sweep { garbage: 1, keep });
    }
}
