//! A test run: a workflow over a sample, with what went into each stage and what came out of it.
//!
//! The sample takes the place of what a source would read, and no sink writes anything. A secret is
//! its own name in brackets here: none is opened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use weir_domain::plan::{Edge, Graph, Plan, Role, Stage};
use weir_domain::{Fault, Finding, Place, StageId, Timestamp, WorkflowName, did_you_mean};
use weir_project::{Case, Given, Piece, Project};
use weir_stream::Registry;

use crate::run;
use crate::scene::Scene;
use crate::seen::{Bounds, StageSeen, Witness};

/// Where findings say that they are, if they are about no file.
const SAMPLE: &str = "sample";

/// The code of a finding that says that the project has no such workflow.
pub const NO_WORKFLOW: u32 = 2283;
/// That it has no such source, or that none is named where it has several.
pub const NO_SOURCE: u32 = 2284;

/// What comes in.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Whose place it takes. None: that of the only source.
    pub source: Option<StageId>,
    /// What the item is called.
    pub item: String,
    pub given: Given,
}

/// What is to be run, and on what.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    pub workflow: WorkflowName,
    pub samples: Vec<Sample>,
    /// What time it is.
    pub clock: Timestamp,
    pub within: Duration,
    pub bounds: Bounds,
}

/// What came of a test run.
#[derive(Debug, Clone, PartialEq)]
pub struct TestRun {
    pub ending: Ending,
    /// In the order in which data reaches them.
    pub stages: Vec<StageShown>,
    pub edges: Vec<Edge>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// All of it would have been committed.
    Committed,
    /// Nothing of it, or not all: why.
    Failed(Vec<Fault>),
    /// It was not done in time; what stood in its way, where that is known.
    Late(Option<Fault>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct StageShown {
    pub stage: Stage,
    pub seen: StageSeen,
}

/// Runs a workflow on samples. Refused where they don't fit its sources.
pub async fn test_run(
    project: &Project,
    registry: &Registry,
    wish: Wish,
) -> Result<TestRun, Vec<Finding>> {
    let plan = project.plans.iter().find(|it| it.workflow == wish.workflow);
    let plan = plan.ok_or_else(|| vec![no_workflow(project, &wish.workflow)])?;
    let mut once = plan.clone();
    // A second attempt would show the same records again.
    once.retry.max_retries = 0;
    let Wish { workflow, samples, clock, within, bounds } = wish;
    let input = input(plan, samples).map_err(|it| vec![it])?;
    let secrets = Project::secrets_of(plan);
    let case = Case {
        name: workflow.to_string(),
        place: Place::file(SAMPLE),
        stage: None,
        environment: serde_json::Map::new(),
        secrets: secrets.into_iter().map(|it| (it.clone(), format!("[secret {it}]"))).collect(),
        clock,
        batch_rows: None,
        input,
        expect: Vec::new(),
        fails: None,
        kill_at: Vec::new(),
        timeout: within,
    };
    let mut scene = Scene::of(&case, (project, &once), registry)?;
    let ids: Vec<_> = plan.stages.iter().map(|it| it.id.clone()).collect();
    let witness = Arc::new(Witness::new(bounds, &ids, scene.is_live));
    scene.state.witness = Some(witness.clone());
    let ran = run::run(&scene, registry, (clock, within), &[]).await;
    let outcome = ran.map_err(|it| vec![unable(&it)])?;
    let ending = match (outcome.late, outcome.faults) {
        (Some(standing), _) => Ending::Late(standing),
        (None, faults) if faults.is_empty() => Ending::Committed,
        (None, faults) => Ending::Failed(faults),
    };
    Ok(TestRun { ending, stages: shown(plan, &witness), edges: plan.edges.clone() })
}

fn shown(plan: &Plan, witness: &Witness) -> Vec<StageShown> {
    let mut seen = witness.taken();
    let order = Graph::new(plan).order().unwrap_or_default();
    let stages = order.into_iter().filter_map(|it| plan.stage(it));
    let shown = |it: &Stage| {
        let seen = seen.remove(&it.id).unwrap_or_default();
        StageShown { stage: it.clone(), seen }
    };
    stages.map(shown).collect()
}

fn unable(fault: &Fault) -> Finding {
    let finding = Finding::error(fault.code.0, Place::file(SAMPLE), "", fault.message.clone());
    finding.with_fix(fault.hint.clone().unwrap_or_default())
}

fn no_workflow(project: &Project, name: &WorkflowName) -> Finding {
    let names = || project.plans.iter().map(|it| it.workflow.as_str());
    let cause = format!("the project has no workflow {name}");
    let fix = match did_you_mean(name.as_str(), names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("its workflows are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Finding::error(NO_WORKFLOW, Place::file(SAMPLE), "", cause).with_fix(fix)
}

/// The samples by the sources whose place they take.
fn input(plan: &Plan, samples: Vec<Sample>) -> Result<BTreeMap<StageId, Vec<Piece>>, Finding> {
    let sources: Vec<_> = plan.of_role(Role::Source).map(|it| &it.id).collect();
    let names = || sources.iter().map(|it| it.as_str());
    let refuse = |cause: String| {
        let fix = format!("name one of its sources: {}", names().collect::<Vec<_>>().join(", "));
        Finding::error(NO_SOURCE, Place::file(SAMPLE), "", cause).with_fix(fix)
    };
    let mut input: BTreeMap<StageId, Vec<Piece>> = BTreeMap::new();
    for Sample { source, item, given } in samples {
        let source = match (source, sources.as_slice()) {
            (None, [only]) => (*only).clone(),
            (None, _) => {
                let cause = format!("{} has several sources", plan.workflow);
                return Err(refuse(cause));
            }
            (Some(it), _) if sources.contains(&&it) => it,
            (Some(it), _) => {
                let finding = refuse(format!("{} has no source {it}", plan.workflow));
                return Err(match did_you_mean(it.as_str(), names()) {
                    Some(near) => finding.with_fix(format!("did you mean {near}?")),
                    None => finding,
                });
            }
        };
        let piece = Piece { place: Place::file(SAMPLE), item, at: None, given };
        input.entry(source).or_default().push(piece);
    }
    Ok(input)
}
