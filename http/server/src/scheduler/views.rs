//! The schedule as it is shown.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_controllers::scheduler::{Overview, WorkflowView};
use weir_domain::schedule::{
    InstanceNumber, InstanceReport, Landscape, Move, NodeVerdict, Outcome, Placed, Placement,
    Reach, Reason, ScheduleNode, Settings, Start, Stop, StopCause, Verdict, Warning,
};
use weir_domain::{NodeName, WorkflowName};
use weir_http_api::{
    DrainMove, DrainView, PlannedMove, PlannedStart, PlannedStop, PlannedWorkflow, RebalancePlan,
    ScheduleCandidate, SchedulePlan, ScheduleSettings, ScheduleStanding, ScheduleView,
    ScheduledInstance, ScheduledNode, ScheduledWorkflow, ScheduledWorkflowDetail, ShortfallReason,
};

pub(super) fn schedule(overview: Overview) -> ScheduleView {
    let Overview { revision, settings, landscape, drained, placement, states } = overview;
    let deployed = landscape.deployments.values().flat_map(|it| it.workflows.keys());
    let names: BTreeSet<&WorkflowName> =
        deployed.chain(settings.keys()).chain(placement.workflows.keys()).collect();
    let workflow = |name: &WorkflowName| {
        let (wanted, revision) = settings.get(name).cloned().unwrap_or_default();
        let outcome = placement.workflows.get(name).cloned();
        let states = states.get(name).cloned().unwrap_or_default();
        scheduled(name, (wanted, revision), outcome, states)
    };
    let workflows: Vec<_> = names.into_iter().map(workflow).collect();
    let node = |it| scheduled_node(it, &landscape, &drained, &placement);
    let nodes = landscape.nodes.values().map(node).collect();
    let warnings = words(&placement.warnings);
    ScheduleView {
        revision,
        workflows,
        nodes,
        drained: drained.iter().cloned().collect(),
        warnings,
    }
}

type States = BTreeMap<weir_domain::schedule::InstanceState, u32>;

fn scheduled(
    name: &WorkflowName,
    (settings, revision): (Settings, u64),
    outcome: Option<Outcome>,
    states: States,
) -> ScheduledWorkflow {
    let outcome = outcome.unwrap_or_default();
    ScheduledWorkflow {
        workflow: name.clone(),
        revision,
        settings: wanted(settings),
        nodes: outcome.nodes.clone(),
        standing: standing(outcome),
        states,
    }
}

fn wanted(it: Settings) -> ScheduleSettings {
    let Settings { target, weight, default, nodes, roles } = it;
    ScheduleSettings { target, weight, default, nodes, roles }
}

pub(super) fn standings(
    outcomes: BTreeMap<WorkflowName, Outcome>,
) -> BTreeMap<WorkflowName, ScheduleStanding> {
    outcomes.into_iter().map(|(name, it)| (name, standing(it))).collect()
}

fn standing(it: Outcome) -> ScheduleStanding {
    let reason = |(code, nodes): (weir_domain::schedule::Reason, u32)| {
        let detail = code.describe();
        ShortfallReason { code, nodes, detail }
    };
    ScheduleStanding {
        target: it.target,
        placed: it.nodes.values().sum(),
        missing: it.missing,
        reasons: it.reasons.into_iter().map(reason).collect(),
    }
}

fn scheduled_node(
    it: &ScheduleNode,
    landscape: &Landscape,
    drained: &BTreeSet<NodeName>,
    placement: &Placement,
) -> ScheduledNode {
    let name = &it.node.name;
    let here = placement.workflows.values().filter_map(|it| it.nodes.get(name));
    let deployed = landscape.deployed(it);
    ScheduledNode {
        name: name.clone(),
        uid: it.node.uid,
        reach: it.reach,
        drained: drained.contains(name),
        roles: it.roles.iter().cloned().collect(),
        instances: here.sum(),
        load: placement.loads.get(name).copied().unwrap_or(0),
        deployed: deployed.map(|it| u32::try_from(it.workflows.len()).unwrap_or(u32::MAX)),
    }
}

fn words(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

pub(super) fn workflow(name: &WorkflowName, view: WorkflowView) -> ScheduledWorkflowDetail {
    let WorkflowView { settings, revision, outcome, warnings, assigned, nodes, reports } = view;
    let reported: Vec<InstanceReport> = reports.into_iter().flat_map(|it| it.instances).collect();
    let mut states = States::new();
    reported.iter().for_each(|it| *states.entry(it.state).or_default() += 1);
    let said: BTreeMap<InstanceNumber, InstanceReport> =
        reported.into_iter().map(|it| (it.number, it)).collect();
    let of = |(number, it): (&InstanceNumber, &Placed)| instance(*number, it, said.get(number));
    ScheduledWorkflowDetail {
        instances: assigned.instances.iter().map(of).collect(),
        workflow: scheduled(name, (settings, revision), outcome, states),
        warnings: words(&warnings),
        candidates: nodes.into_iter().map(candidate).collect(),
    }
}

fn instance(
    number: InstanceNumber,
    placed: &Placed,
    said: Option<&InstanceReport>,
) -> ScheduledInstance {
    ScheduledInstance {
        number,
        node: placed.node.name.clone(),
        why: placed.why.to_string(),
        state: said.map(|it| it.state),
        since: said.map(|it| it.since),
        restarts: said.map_or(0, |it| it.restarts),
        restart_at: said.and_then(|it| it.restart_at),
        fault: said.and_then(|it| it.fault.clone()).map(Into::into),
    }
}

fn candidate(it: NodeVerdict) -> ScheduleCandidate {
    let NodeVerdict { node, count, load, verdict } = it;
    let (rank, passed_over, why) = match verdict {
        Verdict::Allowed { rank: 1 } => (Some(1), None, "it would take the next one".to_owned()),
        Verdict::Allowed { rank } => {
            (Some(rank), None, "allowed, and others are less loaded".to_owned())
        }
        Verdict::PassedOver(reason) => {
            let why = reason.describe();
            (None, Some(reason), why)
        }
    };
    ScheduleCandidate { node, count, load, rank, passed_over, why }
}

pub(super) fn plan(revision: u64, placement: Placement) -> SchedulePlan {
    let Placement { starts, stops, workflows, loads, warnings } = placement;
    let starts = starts.into_iter().map(|it| PlannedStart {
        workflow: it.workflow,
        number: it.number,
        node: it.node.name,
        why: it.why.to_string(),
    });
    let stops = stops.into_iter().map(|it| PlannedStop {
        workflow: it.workflow,
        number: it.number,
        node: it.node.name,
        why: it.cause.describe().to_owned(),
    });
    let workflows = workflows.into_iter().map(|(workflow, it)| PlannedWorkflow {
        workflow,
        nodes: it.nodes.clone(),
        standing: standing(it),
    });
    SchedulePlan {
        revision,
        starts: starts.collect(),
        stops: stops.collect(),
        workflows: workflows.collect(),
        loads,
        warnings: words(&warnings),
    }
}

pub(super) fn rebalance(revision: u64, moves: Vec<Move>) -> RebalancePlan {
    let moves = moves.into_iter().map(|it| PlannedMove {
        workflow: it.workflow,
        number: it.number,
        from: it.from.name,
        from_load: it.from_load,
        to: it.to.name,
        to_load: it.to_load,
    });
    RebalancePlan { revision, moves: moves.collect() }
}

pub(super) fn drain(node: &NodeName, overview: &Overview) -> DrainView {
    let member = overview.landscape.nodes.get(node);
    let here = overview.placement.workflows.values().filter_map(|it| it.nodes.get(node));
    DrainView {
        node: node.clone(),
        drained: overview.drained.contains(node),
        reach: member.map(|it| it.reach),
        instances: here.sum(),
        warnings: words(&overview.placement.warnings),
        dry_run: false,
        revision: None,
        moves: None,
    }
}

/// How it would be with a node that was drained, or is no more.
pub(super) fn drain_plan(
    node: &NodeName,
    (drained, reach): (bool, Option<Reach>),
    (revision, placement): (u64, Placement),
) -> DrainView {
    let here = placement.workflows.values().filter_map(|it| it.nodes.get(node));
    DrainView {
        node: node.clone(),
        drained,
        reach,
        instances: here.sum(),
        warnings: words(&placement.warnings),
        dry_run: true,
        revision: Some(revision),
        moves: Some(moves(placement)),
    }
}

/// Each instance that stops with the one that starts in its place. Which that is of those of its workflow nobody
/// says; that as many start does the placement.
fn moves(placement: Placement) -> Vec<DrainMove> {
    let Placement { starts, stops, workflows, .. } = placement;
    let mut starting: BTreeMap<WorkflowName, VecDeque<Start>> = BTreeMap::new();
    for it in starts {
        starting.entry(it.workflow.clone()).or_default().push_back(it);
    }
    let mut next = |workflow: &WorkflowName| starting.get_mut(workflow)?.pop_front();
    let mut moves: Vec<_> = stops
        .into_iter()
        .map(|Stop { workflow, number, node, cause }| {
            let start = next(&workflow);
            let why = match &start {
                Some(it) => it.why.to_string(),
                None => nowhere(workflows.get(&workflow), cause),
            };
            let becomes = start.as_ref().map(|it| it.number);
            let (from, to) = (Some(node.name), start.map(|it| it.node.name));
            DrainMove { workflow, number, from, to, becomes, why }
        })
        .collect();
    let fresh = |Start { workflow, number, node, why }: Start| {
        let (to, becomes, why) = (Some(node.name), Some(number), why.to_string());
        DrainMove { workflow, number, from: None, to, becomes, why }
    };
    moves.extend(starting.into_values().flatten().map(fresh));
    moves.sort_by(|a, b| (&a.workflow, a.number).cmp(&(&b.workflow, b.number)));
    moves
}

/// Why nothing starts in the place of an instance.
fn nowhere(outcome: Option<&Outcome>, cause: StopCause) -> String {
    let missing = outcome.filter(|it| it.missing > 0);
    let Some(outcome) = missing else { return cause.describe().to_owned() };
    let of = |(reason, nodes): (&Reason, &u32)| match nodes {
        0 => reason.describe(),
        1 => format!("on 1 node {}", reason.describe()),
        n => format!("on {n} nodes {}", reason.describe()),
    };
    outcome.reasons.iter().map(of).collect::<Vec<_>>().join("; ")
}
