//! What workflows do on all engines, for who asks one of them.
//!
//! Each engine counts what it did itself. What is gathered is their sum, and names the engines that
//! did not say: it is never taken for the whole where it is not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use weir_cluster::Cluster;
use weir_domain::{
    Incarnation, Member, NodeName, NodeStatus, StageTime, WorkflowName, WorkflowState,
};
use weir_http_api::{CountsView, WorkflowDetail};
use weir_remote::{Handler, Incoming, Manifest, Outgoing, Refused, Remote};
use weir_runtime::Stopwatch;

use super::activation::Activation;
use super::membership::Membership;

const PATH: &str = "workflows";
const GATHER: Manifest = Manifest::new("workflows.Gather", 1);
const GATHERED: Manifest = Manifest::new("workflows.Gathered", 1);
/// An engine that works answers in milliseconds.
const WITHIN: Duration = Duration::from_millis(1_500);
/// What was gathered is shown to others who ask so soon after.
const FRESH: Duration = Duration::from_millis(800);
/// So many answers are kept: one for all workflows, and one for each that somebody looks at.
const KEPT_MAX: usize = 64;

/// Of all workflows, without their stages; or of one, with them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Question {
    only: Option<WorkflowName>,
}

/// They travel as JSON, as others read them.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    workflows: String,
}

type Kept = BTreeMap<Question, (Stopwatch, Gathered)>;

/// What engines said together.
#[derive(Clone)]
pub(crate) struct Gathered {
    /// By name.
    pub(crate) workflows: Vec<WorkflowDetail>,
    /// Those that did not say.
    pub(crate) unreached: Vec<NodeName>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gathering {
    activation: Activation,
    cluster: Cluster,
    remote: Option<Remote>,
    kept: Arc<Mutex<Kept>>,
}

impl Gathering {
    /// Also answers what other engines ask.
    pub(crate) fn listen(activation: Activation, membership: &Membership) -> Self {
        if let Some(remote) = &membership.remote {
            remote.serve(PATH, Arc::new(Ear(activation.clone())));
        }
        let (cluster, remote) = (membership.cluster.clone(), membership.remote.clone());
        Self { activation, cluster, remote, kept: Arc::default() }
    }

    /// By name. An engine that does not answer soon is named, and not waited for.
    pub(crate) async fn gather(&self, only: Option<&WorkflowName>) -> Vec<WorkflowDetail> {
        self.gathered(only).await.workflows
    }

    /// The same, with the engines that did not answer, though there may be no workflow to name them with.
    pub(crate) async fn gathered(&self, only: Option<&WorkflowName>) -> Gathered {
        let question = Question { only: only.cloned() };
        if let Some(fresh) = self.fresh(&question) {
            return fresh;
        }
        let view = self.cluster.view().borrow().clone();
        let others = view.members.iter().filter(|it| it.node.uid != view.me.uid && runs(it));
        let asked = others.map(|it| async {
            let is_away = view.reach.unreachable.contains(&it.node.uid);
            let answer = if is_away { None } else { self.ask(&it.node, &question).await };
            answer.ok_or_else(|| it.node.name.clone())
        });
        let (mut answers, mut unreached) = (vec![here(&self.activation, &question)], Vec::new());
        for answer in join_all(asked).await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(node) => unreached.push(node),
            }
        }
        let gathered = Gathered { workflows: together(answers, &unreached), unreached };
        self.keep(question, &gathered);
        gathered
    }

    async fn ask(&self, node: &Incarnation, question: &Question) -> Option<Vec<WorkflowDetail>> {
        let request = Outgoing::of(GATHER, question).ok()?;
        let answer = self.remote.as_ref()?.ask(node.uid, PATH, &request, WITHIN).await.ok()?;
        let answer: Answer = answer.read().ok()?;
        serde_json::from_str(&answer.workflows).ok()
    }

    fn fresh(&self, question: &Question) -> Option<Gathered> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (age, gathered) = kept.get(question)?;
        (age.elapsed() < FRESH).then(|| gathered.clone())
    }

    fn keep(&self, question: Question, gathered: &Gathered) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(question, (Stopwatch::start(), gathered.clone()));
    }
}

/// Whether workflows may run there.
fn runs(member: &Member) -> bool {
    matches!(member.status, NodeStatus::Up | NodeStatus::Leaving)
}

fn here(activation: &Activation, Question { only }: &Question) -> Vec<WorkflowDetail> {
    match only {
        Some(name) => activation.workflow(name).map(WorkflowDetail::from).into_iter().collect(),
        None => {
            let slim = |it| WorkflowDetail { stages: vec![], edges: vec![], ..it };
            activation.workflows().into_iter().map(|it| slim(WorkflowDetail::from(it))).collect()
        }
    }
}

/// The sum of what each engine said.
fn together(answers: Vec<Vec<WorkflowDetail>>, unreached: &[NodeName]) -> Vec<WorkflowDetail> {
    let mut all: BTreeMap<WorkflowName, WorkflowDetail> = BTreeMap::new();
    for it in answers.into_iter().flatten() {
        match all.get_mut(&it.summary.name) {
            Some(sum) => add(sum, it),
            None => {
                all.insert(it.summary.name.clone(), it);
            }
        }
    }
    for it in all.values_mut() {
        it.summary.unreached = unreached.to_vec();
    }
    all.into_values().collect()
}

fn add(sum: &mut WorkflowDetail, more: WorkflowDetail) {
    // While engines run two versions of it, stages are counted that this one has.
    for stage in &mut sum.stages {
        if let Some(same) = more.stages.iter().find(|it| it.id == stage.id) {
            stage.counts = plus(stage.counts, same.counts);
            stage.time = StageTime::from(stage.time).plus(same.time.into()).into();
        }
    }
    let (sum, more) = (&mut sum.summary, more.summary);
    sum.state = the_one_to_look_at(sum.state, more.state);
    sum.instances += more.instances;
    sum.open_streams += more.open_streams;
    sum.paused_streams += more.paused_streams;
    sum.committed += more.committed;
    sum.committed_with_warnings += more.committed_with_warnings;
    sum.rolled_back += more.rolled_back;
    sum.counts = plus(sum.counts, more.counts);
    sum.started_at = sum.started_at.min(more.started_at);
    sum.last_stream_at = sum.last_stream_at.max(more.last_stream_at);
    sum.fault = sum.fault.take().or(more.fault);
}

fn the_one_to_look_at(a: WorkflowState, b: WorkflowState) -> WorkflowState {
    let rank = |it| match it {
        WorkflowState::Failed => 5,
        WorkflowState::Restarting => 4,
        WorkflowState::Processing => 3,
        WorkflowState::Waiting => 2,
        WorkflowState::Stopping => 1,
        WorkflowState::Stopped => 0,
    };
    if rank(a) >= rank(b) { a } else { b }
}

fn plus(a: CountsView, b: CountsView) -> CountsView {
    CountsView {
        records_in: a.records_in + b.records_in,
        records_out: a.records_out + b.records_out,
        bytes_in: a.bytes_in + b.bytes_in,
        bytes_out: a.bytes_out + b.bytes_out,
        dead_letters: a.dead_letters + b.dead_letters,
        ignored: a.ignored + b.ignored,
        dropped: a.dropped + b.dropped,
    }
}

struct Ear(Activation);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != GATHER {
            return Err(Refused::Unhandled);
        }
        let question: Question = message.read().map_err(|_| Refused::Unhandled)?;
        let workflows = serde_json::to_string(&here(&self.0, &question));
        let workflows = workflows.map_err(|_| Refused::Unhandled)?;
        Outgoing::of(GATHERED, &Answer { workflows }).map(Some).map_err(|_| Refused::Unhandled)
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::Timestamp;
    use weir_http_api::WorkflowSummary;

    use super::*;

    fn workflow(name: &str, records: u64, state: WorkflowState) -> WorkflowDetail {
        let counts = CountsView { records_in: records, ..CountsView::default() };
        let summary = WorkflowSummary {
            name: WorkflowName::new(name).unwrap(),
            project: weir_domain::ProjectName::new("p").unwrap(),
            state,
            instances: 1,
            open_streams: 1,
            paused_streams: 0,
            committed: records,
            committed_with_warnings: 0,
            rolled_back: 0,
            counts,
            started_at: Timestamp(records.cast_signed()),
            last_stream_at: None,
            fault: None,
            schedule: None,
            unreached: Vec::new(),
        };
        WorkflowDetail { summary, stages: Vec::new(), edges: Vec::new() }
    }

    #[test]
    fn what_engines_counted_is_summed_and_who_is_missing_is_named() {
        use WorkflowState::{Failed, Processing, Stopped, Waiting};
        let first = vec![workflow("a", 3, Waiting), workflow("b", 1, Processing)];
        let second = vec![workflow("a", 4, Failed), workflow("c", 5, Stopped)];
        let silent = NodeName::new("n3").unwrap();
        let all = together(vec![first, second], std::slice::from_ref(&silent));
        let told = |it: &WorkflowDetail| {
            let it = &it.summary;
            (it.name.to_string(), it.counts.records_in, it.instances, it.state)
        };
        assert_eq!(
            all.iter().map(told).collect::<Vec<_>>(),
            [
                ("a".into(), 7, 2, Failed),
                ("b".into(), 1, 1, Processing),
                ("c".into(), 5, 1, Stopped)
            ]
        );
        assert!(all.iter().all(|it| it.summary.unreached == [silent.clone()]));
        assert_eq!(all[0].summary.started_at, Timestamp(3));
    }
}
