//! The validator of plans: the shape of the graph, then every stage's configuration against the
//! schema that reaches it.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use weir_domain::plan::{self, Graph, Plan, Role, Stage, StageShape};
use weir_domain::{Fault, Finding, Place, PortName, StageId, did_you_mean};
use weir_secrets::Opened;

use crate::clear::ClearPlan;
use crate::{Checked, ConfigError, Registry, type_name};

/// A plan with all that is known of it before data flows.
#[derive(Debug, Default)]
pub struct CheckedPlan {
    /// What is wrong. Findings about a stage's configuration have the stage's place and a path
    /// inside its configuration: `stage`, and the path, say where.
    pub findings: Vec<StageFinding>,
    /// The schema that leaves each stage by each port, where it is known.
    pub schemas: BTreeMap<(StageId, PortName), SchemaRef>,
}

/// A finding, and the stage whose configuration it is about, if it is about one.
#[derive(Debug, Clone, PartialEq)]
pub struct StageFinding {
    pub stage: Option<StageId>,
    pub finding: Finding,
}

/// Checks a whole plan. It touches nothing outside: files and servers need not be there.
pub fn check_plan(plan: &Plan, registry: &Registry) -> CheckedPlan {
    let mut checked = CheckedPlan::default();
    let mut shapes = BTreeMap::new();
    let graph = Graph::new(plan);
    let fallback: Vec<_> = plan.stages.iter().map(|it| &it.id).collect();
    for id in graph.order().unwrap_or(fallback) {
        let Some(stage) = plan.stage(id) else { continue };
        let input = input_schema(&graph, stage, &mut checked);
        let found = check_stage(stage, input.as_ref(), registry);
        for mut finding in found.findings {
            if finding.place == Place::default() {
                finding.place = stage.place.clone();
            }
            checked.findings.push(StageFinding { stage: Some(id.clone()), finding });
        }
        let outputs = found.outputs.iter().map(|it| it.0.clone()).collect();
        let is_live = stage.role == Role::Source
            && registry.sources.get(stage.kind.as_str()).is_some_and(|it| it.is_live());
        shapes.insert(id.clone(), StageShape { outputs, optional: found.optional, is_live });
        for (port, schema) in found.outputs {
            if let Some(schema) = schema {
                checked.schemas.insert((id.clone(), port), schema);
            }
        }
    }
    let known = known_shapes(plan, registry, shapes);
    let graph_findings = plan::check(plan, &known).into_iter();
    checked.findings.extend(graph_findings.map(|finding| StageFinding { stage: None, finding }));
    checked
}

/// Whether an engine with these kinds and secrets can run the plan. What is only doubtful is no
/// reason not to.
pub fn verify(plan: &Plan, secrets: &Opened, registry: &Registry) -> Result<(), Fault> {
    let clear = ClearPlan::of(plan, secrets, registry)?;
    verified(&clear, registry).map_err(|it| secrets.masked_fault(it))
}

fn verified(plan: &Plan, registry: &Registry) -> Result<(), Fault> {
    let findings = check_plan(plan, registry).findings.into_iter();
    let Some(found) = findings.into_iter().find(|it| it.finding.is_error()) else { return Ok(()) };
    let Finding { code, place, path, cause, fix, .. } = found.finding;
    let stage = found.stage.map(|it| format!(", stage {it}")).unwrap_or_default();
    let message = format!("workflow {}{stage}, {path} at {place}: {cause}", plan.workflow);
    let fault = Fault::config(code.0, message);
    Err(if fix.is_empty() { fault } else { fault.with_hint(fix) })
}

/// A stage of unknown kind, or whose configuration can't be read, has no known ports: nothing is
/// said about its connections, the kind is finding enough.
fn known_shapes(
    plan: &Plan,
    registry: &Registry,
    mut shapes: BTreeMap<StageId, StageShape>,
) -> BTreeMap<StageId, StageShape> {
    for stage in &plan.stages {
        let is_readable = matches!(decode(stage, registry), Some(Ok(())));
        if !is_readable {
            shapes.remove(&stage.id);
        }
    }
    shapes
}

fn decode(stage: &Stage, registry: &Registry) -> Option<Result<(), ConfigError>> {
    let kind = stage.kind.as_str();
    match stage.role {
        Role::Source => registry.sources.get(kind).map(|it| it.decode(&stage.config)),
        Role::Operator => registry.operators.get(kind).map(|it| it.decode(&stage.config)),
        Role::Sink => registry.sinks.get(kind).map(|it| it.decode(&stage.config)),
    }
}

/// The kinds registered for a role.
pub(crate) fn kind_names(registry: &Registry, role: Role) -> Vec<&'static str> {
    match role {
        Role::Source => registry.sources.keys().copied().collect(),
        Role::Operator => registry.operators.keys().copied().collect(),
        Role::Sink => registry.sinks.keys().copied().collect(),
    }
}

fn check_stage(stage: &Stage, input: Option<&SchemaRef>, registry: &Registry) -> Checked {
    let kind = stage.kind.as_str();
    let place = stage.place.clone();
    match decode(stage, registry) {
        None => {
            let names = kind_names(registry, stage.role);
            let fix = match did_you_mean(kind, names.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the kinds are: {}", names.join(", ")),
            };
            let cause = format!("there is no kind {kind} of {}", role_word(stage.role));
            let finding = Finding::error(2120, place, "kind", cause).with_fix(fix);
            return Checked { findings: vec![finding], ..Checked::default() };
        }
        Some(Err(error)) => {
            let path = error.path().to_string();
            let finding = Finding::error(2121, place, path, error.inner().to_string());
            return Checked { findings: vec![finding], ..Checked::default() };
        }
        Some(Ok(())) => {}
    }
    match stage.role {
        Role::Source => registry.sources[kind].check(&stage.config),
        Role::Operator => registry.operators[kind].check(&stage.config, input),
        Role::Sink => registry.sinks[kind].check(&stage.config, input),
    }
}

pub(crate) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Operator => "processor",
        Role::Sink => "sink",
    }
}

/// The schema that reaches a stage. Where several edges meet, they must bring the same one.
fn input_schema<'a>(
    graph: &Graph<'a>,
    stage: &'a Stage,
    checked: &mut CheckedPlan,
) -> Option<SchemaRef> {
    let key = |edge: &plan::Edge| (edge.from.clone(), edge.port.clone());
    // An unknown schema on any edge leaves the stage's input unknown.
    let edges: Vec<_> = graph.incoming(&stage.id).collect();
    let mut schemas = Vec::with_capacity(edges.len());
    for edge in &edges {
        schemas.push(checked.schemas.get(&key(edge))?.clone());
    }
    let first = schemas.first()?.clone();
    for (edge, schema) in edges.iter().zip(&schemas).skip(1) {
        if let Some(difference) = schema_difference(&first, schema) {
            let path = format!("{}.{} -> {}", edge.from, edge.port, edge.to);
            let cause = format!(
                "what meets in stage {} differs: {} from {}, but {difference}",
                stage.id, edges[0].from, edge.from
            );
            let finding = Finding::error(2122, edge.place.clone(), path, cause).with_fix(
                "map the branches to the same fields, in the same order, before they meet",
            );
            checked.findings.push(StageFinding { stage: None, finding });
        }
    }
    Some(first)
}

/// The first difference of two schemas that a fan-in can't bridge.
pub(crate) fn schema_difference(first: &SchemaRef, second: &SchemaRef) -> Option<String> {
    for (a, b) in first.fields().iter().zip(second.fields()) {
        if a.name() != b.name() {
            return Some(format!("field {} stands where {} stood", b.name(), a.name()));
        }
        if a.data_type() != b.data_type() {
            let (old, new) = (type_name(a.data_type()), type_name(b.data_type()));
            return Some(format!("field {} is {new} and was {old}", a.name()));
        }
    }
    let (a, b) = (first.fields().len(), second.fields().len());
    (a != b).then(|| format!("there are {b} fields and were {a}"))
}
