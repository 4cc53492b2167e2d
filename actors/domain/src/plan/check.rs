//! The structural half of the validator: names, ports, edges, cycles. Pure.
//!
//! The other half, schemas and expressions, needs the stage kinds and lives above this crate.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Graph, Plan, Role, Stage};
use crate::{Finding, PortName, StageId, did_you_mean};

/// The name of the sink that takes the dead letters of every stage; no stage of a plan may have it.
pub const DEAD_LETTERS: &str = "dead-letters";

/// What the kind of a stage says about its outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageShape {
    /// The output ports, in order of configuration. Empty for sinks.
    pub outputs: Vec<PortName>,
    /// Outputs that may stay unconnected: what flows there is dropped on purpose, and counted.
    pub optional: BTreeSet<PortName>,
    /// A source that never ends.
    pub is_live: bool,
}

/// Everything that is wrong with the shape of the plan, in order of place.
pub fn check(plan: &Plan, shapes: &BTreeMap<StageId, StageShape>) -> Vec<Finding> {
    let mut findings = Vec::new();
    duplicates(plan, &mut findings);
    reserved_names(plan, &mut findings);
    for edge in &plan.edges {
        edge_ends(plan, edge, shapes, &mut findings);
    }
    repeated_edges(plan, &mut findings);
    for stage in &plan.stages {
        unconnected(plan, stage, shapes, &mut findings);
    }
    sources(plan, shapes, &mut findings);
    cycle(plan, &mut findings);
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    findings
}

fn duplicates(plan: &Plan, findings: &mut Vec<Finding>) {
    let mut seen = BTreeMap::new();
    for stage in &plan.stages {
        if let Some(first) = seen.insert(&stage.id, &stage.place) {
            let cause = format!("the stage name {} is used twice, first at {first}", stage.id);
            findings.push(
                Finding::error(2101, stage.place.clone(), stage.id.as_str(), cause)
                    .with_fix("give each stage of a workflow a name of its own"),
            );
        }
    }
}

fn reserved_names(plan: &Plan, findings: &mut Vec<Finding>) {
    for stage in plan.stages.iter().filter(|it| it.id.as_str() == DEAD_LETTERS) {
        let cause = format!("{DEAD_LETTERS} is the name of the sink that takes bad records");
        findings.push(
            Finding::error(2111, stage.place.clone(), stage.id.as_str(), cause)
                .with_fix("choose another name"),
        );
    }
}

fn edge_ends(
    plan: &Plan,
    edge: &Edge,
    shapes: &BTreeMap<StageId, StageShape>,
    findings: &mut Vec<Finding>,
) {
    let path = format!("{}.{} -> {}", edge.from, edge.port, edge.to);
    for end in [&edge.from, &edge.to] {
        if plan.stage(end).is_none() {
            let near = did_you_mean(end.as_str(), plan.stages.iter().map(|it| it.id.as_str()));
            findings.push(
                Finding::error(2102, edge.place.clone(), &path, format!("there is no stage {end}"))
                    .with_fix(suggestion(near, "name a stage of this workflow")),
            );
        }
    }
    if plan.stage(&edge.to).is_some_and(|it| it.role == Role::Source) {
        let cause = format!("{} is a source: nothing can flow into it", edge.to);
        findings.push(Finding::error(2103, edge.place.clone(), &path, cause));
    }
    let Some(shape) = shapes.get(&edge.from) else { return };
    if shape.outputs.contains(&edge.port) {
        return;
    }
    let finding = if shape.outputs.is_empty() {
        let cause = format!("{} is a sink: nothing flows out of it", edge.from);
        Finding::error(2103, edge.place.clone(), &path, cause)
    } else {
        let names: Vec<_> = shape.outputs.iter().map(PortName::as_str).collect();
        let near = did_you_mean(edge.port.as_str(), names.iter().copied());
        let otherwise = format!("its ports are: {}", names.join(", "));
        let cause = format!("stage {} has no port {}", edge.from, edge.port);
        Finding::error(2104, edge.place.clone(), &path, cause)
            .with_fix(suggestion(near, &otherwise))
    };
    findings.push(finding);
}

fn repeated_edges(plan: &Plan, findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for edge in &plan.edges {
        if !seen.insert((&edge.from, &edge.port, &edge.to)) {
            let path = format!("{}.{} -> {}", edge.from, edge.port, edge.to);
            let cause = "this connection is there twice: every record would arrive twice";
            findings
                .push(Finding::error(2105, edge.place.clone(), path, cause).with_fix("remove one"));
        }
    }
}

fn unconnected(
    plan: &Plan,
    stage: &Stage,
    shapes: &BTreeMap<StageId, StageShape>,
    findings: &mut Vec<Finding>,
) {
    let graph = Graph::new(plan);
    if stage.role != Role::Source && graph.incoming(&stage.id).next().is_none() {
        let cause = format!("nothing flows into stage {}", stage.id);
        findings.push(
            Finding::error(2106, stage.place.clone(), stage.id.as_str(), cause)
                .with_fix("connect it behind another stage, or remove it"),
        );
    }
    let Some(shape) = shapes.get(&stage.id) else { return };
    let used: BTreeSet<_> = graph.outgoing(&stage.id).map(|it| &it.port).collect();
    for port in &shape.outputs {
        if !used.contains(port) && !shape.optional.contains(port) {
            let path = format!("{}.{port}", stage.id);
            let cause = format!("what leaves stage {} by port {port} goes nowhere", stage.id);
            findings.push(
                Finding::error(2107, stage.place.clone(), path, cause)
                    .with_fix("connect the port, or send it to a devNull sink"),
            );
        }
    }
}

fn sources(plan: &Plan, shapes: &BTreeMap<StageId, StageShape>, findings: &mut Vec<Finding>) {
    let is_live = |it: &Stage| shapes.get(&it.id).is_some_and(|it| it.is_live);
    let place = plan.stages.first().map(|it| it.place.clone()).unwrap_or_default();
    let path = plan.workflow.as_str();
    match plan.of_role(Role::Source).count() {
        0 => findings.push(
            Finding::error(2108, place, path, "the workflow has no source")
                .with_fix("begin it with a stage that reads, for instance a file source"),
        ),
        1 => {}
        _ if plan.of_role(Role::Source).all(is_live) => {}
        n => findings.push(
            Finding::error(2109, place, path, format!("the workflow has {n} sources"))
                .with_fix("a stream is one item of one source: make a workflow for each source of items; live sources may be many, but only among themselves"),
        ),
    }
}

fn cycle(plan: &Plan, findings: &mut Vec<Finding>) {
    let graph = Graph::new(plan);
    let Err(cycle) = graph.order() else { return };
    let names: Vec<_> = cycle.iter().map(|it| it.as_str()).collect();
    let closing = plan
        .edges
        .iter()
        .rfind(|edge| cycle.windows(2).any(|pair| *pair[0] == edge.from && *pair[1] == edge.to));
    let place = closing.map(|it| it.place.clone()).unwrap_or_default();
    let cause = format!("the stages form a cycle: {}", names.join(" -> "));
    findings.push(
        Finding::error(2110, place, names[0], cause)
            .with_fix("remove one of these connections: a record must not come back to a stage"),
    );
}

fn suggestion(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near}?"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{Place, WorkflowName};

    /// `name:role …` and `from.port>to …`; the port is `out` where none is written.
    pub(in crate::plan) fn plan(stages: &str, edges: &str) -> Plan {
        let id = |it: &str| StageId::new(it).expect("a test's name");
        let stage = |(at, text): (usize, &str)| {
            let (name, role) = text.split_once(':').expect("name:role");
            let role = match role {
                "source" => Role::Source,
                "sink" => Role::Sink,
                _ => Role::Operator,
            };
            let line = u32::try_from(at).expect("few stages") + 1;
            Stage {
                id: id(name),
                role,
                kind: "test".into(),
                config: serde_json::Value::Null,
                on_error: super::super::OnError::default(),
                error_limit: None,
                place: Place::new("w.yaml", line, 1),
            }
        };
        let edge = |(at, text): (usize, &str)| {
            let (from, to) = text.split_once('>').expect("from>to");
            let (from, port) = from.split_once('.').unwrap_or((from, "out"));
            let line = u32::try_from(at).expect("few edges") + 101;
            let port = PortName::new(port).expect("a test's name");
            Edge { from: id(from), port, to: id(to), place: Place::new("w.yaml", line, 1) }
        };
        Plan {
            workflow: WorkflowName::new("w").expect("a test's name"),
            instances: 1,
            stages: stages.split_whitespace().enumerate().map(stage).collect(),
            edges: edges.split_whitespace().enumerate().map(edge).collect(),
            retry: super::super::Retry::default(),
            dead_letters: None,
            error_limit: None,
        }
    }

    fn found(stages: &str, edges: &str) -> Vec<String> {
        let plan = plan(stages, edges);
        let shape = |stage: &Stage| {
            let outputs = match (stage.role, stage.id.as_str()) {
                (Role::Sink, _) => vec![],
                (_, "route") => ["late", "rest"].map(|it| PortName::new(it).expect("name")).into(),
                _ => vec![PortName::out()],
            };
            (stage.id.clone(), StageShape { outputs, ..StageShape::default() })
        };
        let shapes = plan.stages.iter().map(shape).collect();
        let findings = check(&plan, &shapes);
        findings.iter().map(|it| format!("{} {} | {}", it.place.line, it.cause, it.fix)).collect()
    }

    #[test]
    fn a_sound_plan_has_no_findings() {
        let edges = "s>route route.late>a route.rest>b";
        assert_eq!(found("s:source route:op a:sink b:sink", edges), [""; 0]);
    }

    #[test]
    fn a_port_that_does_not_exist_gets_a_suggestion() {
        let edges = "s>route route.lat>a route.rest>b route.late>b";
        let findings = found("s:source route:op a:sink b:sink", edges);
        assert_eq!(findings, ["102 stage route has no port lat | did you mean late?"]);
    }

    #[test]
    fn an_output_and_an_input_that_hang_in_the_air_are_found() {
        let findings = found("s:source route:op a:sink b:sink", "s>route route.late>a");
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("by port rest goes nowhere"));
        assert!(findings[1].contains("nothing flows into stage b"));
    }

    #[test]
    fn a_cycle_is_named_at_the_connection_that_closes_it() {
        let findings = found("s:source a:op b:op", "s>a a>b b>a");
        let expected = "103 the stages form a cycle: a -> b -> a";
        assert!(findings.iter().any(|it| it.starts_with(expected)), "{findings:?}");
    }

    #[test]
    fn the_name_of_the_sink_for_dead_letters_is_taken() {
        let findings = found("s:source dead-letters:sink", "s>dead-letters");
        let cause = "2 dead-letters is the name of the sink that takes bad records";
        assert_eq!(findings, [format!("{cause} | choose another name")]);
    }

    #[test]
    fn stages_that_are_not_there_and_stages_named_twice_are_found() {
        let findings = found("s:source a:sink a:sink", "s>a s>bb");
        assert!(findings.iter().any(|it| it.contains("there is no stage bb")), "{findings:?}");
        assert!(findings.iter().any(|it| it.contains("a is used twice")), "{findings:?}");
    }
}
