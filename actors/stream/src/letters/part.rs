//! The part of a plan that letters of a stage go through.

use std::collections::BTreeSet;

use serde_json::Value;
use weir_domain::plan::{Edge, Graph, Plan, Role, Stage};
use weir_domain::{Fault, PortName, StageId};

use super::UNFIT;

/// What stands in the place of the stages before the one that letters were left by. It is no kind
/// that a registry knows: nothing builds it.
const KIND: &str = "replay";

/// The plan of a replay, and the stage that it begins with.
pub(super) struct Way {
    pub(super) plan: Plan,
    pub(super) begins: StageId,
}

/// From the stage on, as far as anything reaches from there. Letters of a source go through it.
pub(super) fn way(plan: &Plan, stage: &StageId) -> Result<Way, Fault> {
    let entry = plan.stage(stage).ok_or_else(|| {
        let message = format!("workflow {} has no stage {stage} any more", plan.workflow);
        Fault::config(UNFIT, message)
            .with_hint("deploy a workflow that has it, or discard the letters")
    })?;
    let graph = Graph::new(plan);
    let (mut reached, mut ahead) = (BTreeSet::from([stage]), vec![stage]);
    while let Some(id) = ahead.pop() {
        let next = graph.outgoing(id).map(|it| &it.to);
        ahead.extend(next.filter(|it| reached.insert(it)));
    }
    let stages = plan.stages.iter().filter(|it| reached.contains(&it.id)).cloned();
    let edges = plan.edges.iter().filter(|it| reached.contains(&it.from)).cloned();
    let (mut stages, mut edges): (Vec<_>, Vec<_>) = (stages.collect(), edges.collect());
    let begins = match entry.role {
        Role::Source => stage.clone(),
        Role::Operator | Role::Sink => {
            let first = Stage {
                id: free_name(plan),
                role: Role::Source,
                kind: KIND.to_owned(),
                config: Value::Null,
                on_error: entry.on_error,
                error_limit: None,
                place: entry.place.clone(),
            };
            let (from, to) = (first.id.clone(), stage.clone());
            edges.push(Edge { from, port: PortName::out(), to, place: entry.place.clone() });
            stages.insert(0, first);
            stages[0].id.clone()
        }
    };
    // They are bad ones by nature: how many of them are bad again says nothing of the stream.
    stages.iter_mut().for_each(|it| it.error_limit = None);
    Ok(Way { plan: Plan { stages, edges, error_limit: None, ..plan.clone() }, begins })
}

/// A plan that nothing flows through: for what can only fail.
pub(super) fn nowhere(plan: &Plan, stage: &StageId) -> Way {
    let plan = Plan { stages: Vec::new(), edges: Vec::new(), ..plan.clone() };
    Way { plan, begins: stage.clone() }
}

fn free_name(plan: &Plan) -> StageId {
    let name = |n: usize| match n {
        1 => KIND.to_owned(),
        n => format!("{KIND}-{n}"),
    };
    let free = (1..).filter_map(|n| StageId::new(name(n)).ok());
    let mut free = free.filter(|it| plan.stage(it).is_none());
    free.next().expect("a plan has fewer stages than there are names")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::world_plan;

    fn shape(stage: &str) -> (Vec<String>, Vec<String>) {
        let way = way(&world_plan(), &StageId::new(stage).unwrap()).unwrap();
        let stages = way.plan.stages.iter().map(|it| it.id.to_string()).collect();
        let edges = way.plan.edges.iter().map(|it| format!("{}>{}", it.from, it.to)).collect();
        (stages, edges)
    }

    #[test]
    fn letters_go_through_their_stage_and_what_is_behind_it_alone() {
        let all = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(shape("odd"), (all("replay odd"), all("replay>odd")));
        let behind = (all("replay route even odd"), all("route>even route>odd replay>route"));
        assert_eq!(shape("route"), behind);
        assert_eq!(shape("read").0, all("read check route even odd"));
        assert!(way(&world_plan(), &StageId::new("gone").unwrap()).is_err());
    }
}
