//! What the alarm centre sees of the cluster, where it lives on this engine: the same that operators are shown.

mod letters;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use tokio::time::timeout;
use weir_cluster::{Details, LeaseStatus, View};
use weir_controllers::alarms::{
    ControllerSeen, LettersSeen, Lookout, MemberSeen, NodeSeen, ScheduleSeen, Sight, Sighting,
    WorkflowSeen, WorkflowsSeen,
};
use weir_controllers::deployments::DeploymentStorage;
use weir_controllers::deployments::storage::NodeState;
use weir_controllers::scheduler::Scheduler;
use weir_domain::{Fault, Member, NodeName, NodeStatus, WorkflowName, WorkflowState};
use weir_http_api::{FaultView, WorkflowDetail};
use weir_runtime::Stopwatch;
use weir_stream::{LetterTallies, Letters, Services};

use super::gathering::{Gathered, Gathering};
use super::membership::Membership;
pub(super) use letters::Rounds;

/// Whoever does not answer by then is not seen in this round.
const SEEN_WITHIN: Duration = Duration::from_secs(3);
/// Workflows whose letters are counted at a time, and how long others are begun with: a store that is slow keeps a look
/// no longer than that and what one of them takes.
const COUNT_AT_ONCE: usize = 4;
const BEGIN_WITHIN: Duration = Duration::from_secs(1);

pub(super) struct Outlook {
    pub(super) membership: Membership,
    pub(super) gathering: Gathering,
    pub(super) scheduler: Scheduler,
    pub(super) deployments: DeploymentStorage,
    pub(super) services: Services,
    pub(super) tallies: LetterTallies,
    pub(super) rounds: Mutex<Rounds>,
    pub(super) up: Stopwatch,
}

#[async_trait]
impl Lookout for Outlook {
    async fn look(&self, with_letters: &BTreeSet<WorkflowName>) -> Sighting {
        let view = self.membership.cluster.view().borrow().clone();
        let (gathered, schedule, overview) = tokio::join!(
            seen(async { Ok::<_, Fault>(self.gathering.gathered(None).await) }),
            seen(self.scheduler.show()),
            seen(self.deployments.overview()),
        );
        let left = left(gathered.as_ref().ok(), with_letters);
        let letters = self.letters(&left, with_letters).await;
        let details = self.membership.cluster.details();
        let said = |it: &Member| {
            let details = details.get(&it.node.uid)?;
            Some((it.node.name.clone(), node(details)))
        };
        let heard = view.members.iter().filter(|it| is_heard(&view, it));
        Sighting {
            members: MemberSeen::all(&view),
            store_trouble: view.store_trouble.clone(),
            controllers: self.membership.singletons.health().map(|()| {
                self.membership.singletons.status().into_iter().filter_map(controller).collect()
            }),
            nodes: heard.filter_map(said).collect(),
            workflows: gathered.map(workflows),
            schedule: schedule
                .map(|it| ScheduleSeen { outcomes: it.placement.workflows, drained: it.drained }),
            activations: overview.map(|it| {
                let failure = |(name, (state, _)): (NodeName, (NodeState, _))| {
                    (name, state.failure.map(|it| (it.cause, it.at)))
                };
                it.nodes.into_iter().map(failure).collect()
            }),
            letters,
        }
    }
}

impl Outlook {
    /// Of the workflows that have left so many letters since their engines were started.
    async fn letters(
        &self,
        left: &BTreeMap<WorkflowName, u64>,
        with_letters: &BTreeSet<WorkflowName>,
    ) -> BTreeMap<WorkflowName, Sight<LettersSeen>> {
        let due = self.rounds().due(left, with_letters, self.up.elapsed());
        let begun = Stopwatch::start();
        let count = |(name, left): (WorkflowName, u64)| async move {
            if begun.elapsed() < BEGIN_WITHIN {
                let seen = seen(self.count(&name)).await;
                self.rounds().counted(name, left, seen, self.up.elapsed());
            }
        };
        stream::iter(due).for_each_concurrent(COUNT_AT_ONCE, count).await;
        self.rounds().seen()
    }

    fn rounds(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn count(&self, workflow: &WorkflowName) -> Result<LettersSeen, Fault> {
        let letters = Letters::new(self.services.checkpoints.clone(), workflow)?;
        let counts = letters.counts(workflow, &self.tallies).await?;
        Ok(LettersSeen { waiting: counts.waiting, has_more: counts.has_more })
    }
}

async fn seen<T, E: Display>(asked: impl Future<Output = Result<T, E>>) -> Sight<T> {
    match timeout(SEEN_WITHIN, asked).await {
        Ok(answer) => answer.map_err(|it| it.to_string()),
        Err(_) => Err("there was no answer in time".to_owned()),
    }
}

fn left(
    gathered: Option<&Gathered>,
    with_letters: &BTreeSet<WorkflowName>,
) -> BTreeMap<WorkflowName, u64> {
    let others = with_letters.iter().map(|it| (it.clone(), 0));
    let all = gathered.into_iter().flat_map(|it| &it.workflows);
    let running = all.map(|it| (it.summary.name.clone(), it.summary.counts.dead_letters));
    others.chain(running).collect()
}

fn is_heard(view: &View, it: &Member) -> bool {
    it.status < NodeStatus::Down && !view.reach.unreachable.contains(&it.node.uid)
}

fn node(it: &Details) -> NodeSeen {
    let memory =
        (it.memory_usable_bytes > 0).then_some((it.memory_usable_bytes, it.memory_free_bytes));
    NodeSeen { certificate_ends: it.certificate_expires, memory }
}

/// One that this engine does not know is of another version, and nobody's concern here.
fn controller(it: LeaseStatus) -> Option<ControllerSeen> {
    it.here?;
    Some(ControllerSeen {
        name: it.name.to_string(),
        is_held: it.owner.is_some() && !it.left.is_zero(),
        trouble: it.trouble,
    })
}

fn workflows(Gathered { workflows, unreached }: Gathered) -> WorkflowsSeen {
    WorkflowsSeen { all: workflows.into_iter().map(workflow).collect(), unreached }
}

fn workflow(WorkflowDetail { summary: it, .. }: WorkflowDetail) -> WorkflowSeen {
    WorkflowSeen {
        name: it.name,
        has_failed: it.state == WorkflowState::Failed,
        fault: it.fault.map(fault),
        paused_streams: it.paused_streams,
    }
}

fn fault(FaultView { kind, code, message, hint }: FaultView) -> Fault {
    Fault { kind, code, message, hint, obstacle: None }
}
