//! What administrators and engines ask of the storage of deployments, as it travels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_cluster::{RequestContext, Unavailable};
use weir_domain::{
    CommandId, DeploymentTag, Digest, Incarnation, NodeName, Timestamp, WorkflowName,
};
use weir_persistence_api::Store;
use weir_runtime::HostRef;

use super::service::{Failure, Response, refused};
use super::storage::{
    Author, CanaryCounts, Change, Command, Impact, Observation, Overview, Rejection, Report, Wanted,
};
use super::tally::CanaryTally;
use super::{DeploymentStorage, Deployments};

/// Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Administration {
    Change {
        author: Author,
        change: Change,
    },
    /// What a change would do.
    Preview {
        author: Author,
        change: Change,
    },
    Overview,
    /// What a deployment is made of.
    Content {
        tag: DeploymentTag,
    },
    /// What this node should run. Also makes it known.
    Target {
        node: NodeName,
        roles: BTreeSet<String>,
        at: Timestamp,
    },
    /// What members of the cluster should run.
    Aims,
    Report {
        node: NodeName,
        report: Report,
        at: Timestamp,
    },
    /// The node is no member any more.
    Gone {
        node: NodeName,
        at: Timestamp,
    },
    /// What one of the canary's nodes has processed, in this life of it.
    Canary {
        node: Incarnation,
        counts: CanaryCounts,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    /// The revision after it.
    Revision(u64),
    Impact(Impact),
    Overview(Box<Overview>),
    Content(Option<(Digest, BTreeMap<WorkflowName, Digest>)>),
    Target(Target),
    Aims(Aims),
}

/// What a node should run, and who says so. An engine follows no answer of an older epoch than one
/// that it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub wanted: Wanted,
    pub revision: u64,
    pub epoch: u64,
    /// When the canary began that the node takes part in.
    #[serde(default)]
    pub canary_since: Option<Timestamp>,
}

/// What members of the cluster should run, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aims {
    /// Of contents, which are objects: that of the default first.
    pub digests: Vec<Digest>,
    pub epoch: u64,
}

/// Answers from the event-sourced host.
pub(super) async fn serve(
    (host, store, tally): (&HostRef<Deployments>, &Arc<dyn Store>, &CanaryTally),
    asked: Administration,
    context: RequestContext,
) -> Result<Response, Unavailable> {
    let within = context.within;
    let answer = match asked {
        Administration::Change { author, change } => {
            if let Some(refusal) = missing(&change, store).await? {
                return Ok(Response::Rejected(refusal.into()));
            }
            let command = super::Command::Storage(Command::Change { author, change });
            let read = |_, it: &Deployments| it.storage().revision();
            let asked = host.ask_and_read_as(context.command, command, within, read).await;
            asked.map(Answer::Revision)
        }
        Administration::Preview { author, change } => {
            let previewed = host.query(within, |it| it.preview(author, change)).await;
            match previewed {
                Ok(Err(rejection)) => return Ok(Response::Rejected(rejection)),
                Ok(Ok(impact)) => Ok(Answer::Impact(impact)),
                Err(error) => Err(error),
            }
        }
        Administration::Overview => {
            let overview = host.query(within, |it| Box::new(it.storage().overview())).await;
            overview.map(|mut it| {
                it.canary_counts = it.canary.as_ref().and_then(|canary| tally.of(canary));
                Answer::Overview(it)
            })
        }
        Administration::Content { tag } => {
            host.query(within, move |it| it.storage().content(&tag)).await.map(Answer::Content)
        }
        Administration::Target { node, roles, at } => {
            let seen = Observation::Seen { node: node.clone(), roles: roles.clone() };
            let command = observed(seen, at);
            let epoch = context.epoch;
            let read = move |_, it: &Deployments| Target {
                wanted: it.storage().wanted(&node, &roles),
                revision: it.storage().revision(),
                epoch,
                canary_since: it.storage().canary_since(&node),
            };
            host.ask_and_read(command, within, read).await.map(Answer::Target)
        }
        Administration::Aims => {
            let epoch = context.epoch;
            let aims =
                move |it: &Deployments| Aims { digests: it.storage().run_by_members(), epoch };
            host.query(within, aims).await.map(Answer::Aims)
        }
        Administration::Report { node, report, at } => {
            return observe(host, Observation::Reported { node, report }, at, context).await;
        }
        Administration::Gone { node, at } => {
            return observe(host, Observation::Gone { node }, at, context).await;
        }
        Administration::Canary { node, counts, at } => {
            let told = tally.add(node, counts);
            return observe(host, Observation::Canary(told), at, context).await;
        }
    };
    answer.map_or_else(refused, |it| Ok(Response::Answer(it)))
}

fn observed(observation: Observation, at: Timestamp) -> super::Command {
    super::Command::Storage(Command::Observe { at, observation })
}

async fn observe(
    host: &HostRef<Deployments>,
    observation: Observation,
    at: Timestamp,
    context: RequestContext,
) -> Result<Response, Unavailable> {
    match host.ask(observed(observation, at), context.within).await {
        Ok(_) => Ok(Response::Done),
        Err(error) => refused(error),
    }
}

/// Refuses to store what engines could not fetch. Asking makes the objects young: no sweep takes
/// them before they belong to a deployment.
async fn missing(
    change: &Change,
    store: &Arc<dyn Store>,
) -> Result<Option<Rejection>, Unavailable> {
    let Change::Store(deployment) = change else { return Ok(None) };
    let objects = deployment.objects.iter().map(|it| it.digest).collect();
    let missing = store.object_missing(&objects).await;
    let missing = missing.map_err(|it| Unavailable::new(it.to_string()))?;
    let refusal = Rejection::ObjectsMissing { missing: missing.iter().copied().collect() };
    Ok((!missing.is_empty()).then_some(refusal))
}

impl DeploymentStorage {
    /// Makes a change, once however often it is asked for with that id; the revision after it.
    pub async fn change(
        &self,
        command: CommandId,
        author: Author,
        change: Change,
    ) -> Result<u64, Failure> {
        match self.administer_as(command, Administration::Change { author, change }).await? {
            Response::Answer(Answer::Revision(it)) => Ok(it),
            other => Err(other.odd()),
        }
    }

    /// What the change would do.
    pub async fn preview(&self, author: Author, change: Change) -> Result<Impact, Failure> {
        match self.administer(Administration::Preview { author, change }).await? {
            Response::Answer(Answer::Impact(it)) => Ok(it),
            other => Err(other.odd()),
        }
    }

    pub async fn overview(&self) -> Result<Overview, Failure> {
        match self.administer(Administration::Overview).await? {
            Response::Answer(Answer::Overview(it)) => Ok(*it),
            other => Err(other.odd()),
        }
    }

    /// The digest of a deployment's content and its workflows; `None`: there is none, or the root.
    pub async fn content(
        &self,
        tag: DeploymentTag,
    ) -> Result<Option<(Digest, BTreeMap<WorkflowName, Digest>)>, Failure> {
        match self.administer(Administration::Content { tag }).await? {
            Response::Answer(Answer::Content(it)) => Ok(it),
            other => Err(other.odd()),
        }
    }

    /// What this node should run. For its activation agent, which asks again and again.
    pub async fn target(
        &self,
        node: NodeName,
        roles: BTreeSet<String>,
        at: Timestamp,
    ) -> Result<Target, Failure> {
        match self.administer(Administration::Target { node, roles, at }).await? {
            Response::Answer(Answer::Target(it)) => Ok(it),
            other => Err(other.odd()),
        }
    }

    /// What members of the cluster should run.
    pub async fn aims(&self) -> Result<Aims, Failure> {
        match self.administer(Administration::Aims).await? {
            Response::Answer(Answer::Aims(it)) => Ok(it),
            other => Err(other.odd()),
        }
    }

    /// What became of a node's activation. May be repeated.
    pub async fn report(
        &self,
        node: NodeName,
        report: Report,
        at: Timestamp,
    ) -> Result<(), Failure> {
        self.tell(Administration::Report { node, report, at }).await
    }

    /// The node was removed from the cluster: nothing runs there.
    pub async fn gone(&self, node: NodeName, at: Timestamp) -> Result<(), Failure> {
        self.tell(Administration::Gone { node, at }).await
    }

    /// What a node has processed for the canary so far, in this life of it. Nodes tell it again and
    /// again: the storage adds them up.
    pub async fn canary_counts(
        &self,
        node: Incarnation,
        counts: CanaryCounts,
        at: Timestamp,
    ) -> Result<(), Failure> {
        self.tell(Administration::Canary { node, counts, at }).await
    }

    async fn tell(&self, asked: Administration) -> Result<(), Failure> {
        match self.administer(asked).await? {
            Response::Done => Ok(()),
            other => Err(other.odd()),
        }
    }
}
