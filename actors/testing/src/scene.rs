//! What is run for a case: the workflow's plan, or one stage of it, with a place to catch what comes
//! out of ports, and all that comes in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use serde_json::json;
use weir_domain::plan::{DEAD_LETTERS, Edge, OnError, Plan, Role, Stage};
use weir_domain::{Fault, Finding, Place, PortName, StageId, Timestamp};
use weir_formats::ReadOptions;
use weir_project::{Case, Outlet, Piece, Project};
use weir_secrets::{Opened, Secret};
use weir_stream::{Limits, Registry, WorkflowSpec, check_plan};

use crate::doubles::{GIVES, GIVES_LIVE, TAKES};
use crate::input::{self, Feed};
use crate::world::{Item, LiveInput, State};

/// Of a piece that is held in memory before it comes in.
const RECORDS_MAX: u64 = 200_000;

/// All that a run of a case begins with.
pub(crate) struct Scene {
    pub(crate) spec: WorkflowSpec,
    pub(crate) state: State,
    pub(crate) limits: Limits,
    /// The stages at which what comes out is caught.
    pub(crate) caught: BTreeMap<Outlet, StageId>,
    pub(crate) is_live: bool,
}

impl Scene {
    pub(crate) fn of(
        case: &Case,
        (project, plan): (&Project, &Plan),
        registry: &Registry,
    ) -> Result<Self, Vec<Finding>> {
        let secrets = secrets(case, plan)?;
        let schemas = check_plan(plan, registry).schemas;
        let is_live = registry.is_live(plan);
        let mut scene = plan.clone();
        // One instance reads everything in its order.
        scene.instances = 1;
        let mut schema_into = BTreeMap::new();
        if let Some(stage) = &case.stage {
            let before = plan.edges.iter().find(|it| it.to == *stage);
            let before = before.and_then(|it| schemas.get(&(it.from.clone(), it.port.clone())));
            let giver = alone(&mut scene, stage, is_live);
            schema_into.extend(before.map(|it| (giver, it.clone())));
        }
        for source in plan.of_role(Role::Source) {
            let declared = schemas.get(&(source.id.clone(), PortName::out()));
            schema_into.extend(declared.map(|it| (source.id.clone(), it.clone())));
        }
        let caught = catch(&mut scene, case);
        let limits = Limits::default();
        let limits = Limits { batch_rows: case.batch_rows.unwrap_or(limits.batch_rows), ..limits };
        let intake = Intake { case, project, plan: &scene, schemas: &schema_into, limits };
        let state = match is_live {
            true => intake.live(),
            false => intake.items(),
        };
        let state = state.map_err(|it| vec![it])?;
        let (project, base_dir) = (project.name.clone(), project.dir.clone());
        let spec = WorkflowSpec { project, plan: Arc::new(scene), base_dir, secrets };
        Ok(Self { spec, state, limits, caught, is_live })
    }
}

fn secrets(case: &Case, plan: &Plan) -> Result<Opened, Vec<Finding>> {
    let missing = Project::secrets_of(plan);
    let missing = missing.into_iter().filter(|it| !case.secrets.contains_key(it));
    let refuse = |name| {
        let cause = format!("the workflow {} names the secret {name}", plan.workflow);
        let fix = format!("say what it is here, in clear: secrets: {{ {name}: … }}");
        Finding::error(2275, case.place.clone(), "", cause).with_fix(fix)
    };
    let findings: Vec<_> = missing.map(refuse).collect();
    if !findings.is_empty() {
        return Err(findings);
    }
    let open = case.secrets.iter().map(|(name, it)| (name.clone(), Secret::from(it.clone())));
    Ok(open.collect())
}

/// Leaves one stage in the plan, with one that gives it what comes in. Returns who gives.
fn alone(plan: &mut Plan, stage: &StageId, is_live: bool) -> StageId {
    plan.stages.retain(|it| it.id == *stage);
    plan.edges.clear();
    if plan.stages.iter().any(|it| it.role == Role::Source) {
        return stage.clone();
    }
    let kind = if is_live { GIVES_LIVE } else { GIVES };
    let giver = add(plan, "input", Role::Source, kind);
    plan.edges.push(edge(&giver, &PortName::out(), stage));
    giver
}

/// Adds a sink behind each port of which something is expected.
fn catch(plan: &mut Plan, case: &Case) -> BTreeMap<Outlet, StageId> {
    let mut caught = BTreeMap::new();
    for outlet in case.expect.iter().map(|it| &it.outlet) {
        let at = match outlet {
            Outlet::Sink(stage) => stage.clone(),
            Outlet::DeadLetters => dead_letters(),
            Outlet::Port(stage, port) => {
                let taker = add(plan, &format!("{stage}.{port}"), Role::Sink, TAKES);
                plan.edges.push(edge(stage, port, &taker));
                taker
            }
        };
        caught.insert(outlet.clone(), at);
    }
    // A stage by itself would lead nowhere.
    if plan.of_role(Role::Sink).next().is_none() {
        let last = plan.stages.last().map(|it| it.id.clone());
        let taker = add(plan, "nothing", Role::Sink, TAKES);
        plan.edges.extend(last.map(|it| edge(&it, &PortName::out(), &taker)));
    }
    caught
}

pub(crate) fn dead_letters() -> StageId {
    StageId::new(DEAD_LETTERS).expect("a valid name")
}

/// Adds a stage of no project, under a name that none has.
fn add(plan: &mut Plan, name: &str, role: Role, kind: &str) -> StageId {
    let names = (0..).map(|it: usize| match it {
        0 => format!("case.{name}"),
        n => format!("case-{n}.{name}"),
    });
    let mut free = names.filter_map(|it| StageId::new(it).ok());
    let id = free.find(|it| plan.stage(it).is_none()).expect("names without end");
    plan.stages.push(Stage {
        id: id.clone(),
        role,
        kind: kind.to_owned(),
        config: json!({}),
        on_error: OnError::Rollback,
        error_limit: None,
        place: Place::default(),
    });
    id
}

fn edge(from: &StageId, port: &PortName, to: &StageId) -> Edge {
    Edge { from: from.clone(), port: port.clone(), to: to.clone(), place: Place::default() }
}

/// Makes ready what comes in.
struct Intake<'a> {
    case: &'a Case,
    project: &'a Project,
    plan: &'a Plan,
    schemas: &'a BTreeMap<StageId, SchemaRef>,
    limits: Limits,
}

impl Intake<'_> {
    /// The pieces of a source. Where one stage is run, they are written under its name.
    fn pieces(&self, source: &Stage) -> &[Piece] {
        let name = self.case.stage.as_ref().unwrap_or(&source.id);
        self.case.input.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    fn feed(&self, piece: &Piece, source: &Stage) -> Result<Feed, Finding> {
        let is_true = source.kind != GIVES && source.kind != GIVES_LIVE;
        let schema = self.schemas.get(&source.id);
        input::feed(piece, is_true.then_some(source), schema, &self.project.dir)
    }

    fn items(&self) -> Result<State, Finding> {
        let mut state = State::default();
        let (mut names, mut now) = (BTreeSet::new(), self.case.clock);
        for source in self.plan.of_role(Role::Source) {
            for piece in self.pieces(source) {
                if !names.insert(&piece.item) {
                    let cause = format!("two items are called {:?}", piece.item);
                    let finding = Finding::error(2276, piece.place.clone(), "", cause);
                    return Err(finding.with_fix("give each item a name of its own"));
                }
                now = piece.at.unwrap_or(now).max(now);
                let feed = self.feed(piece, source)?;
                state.items.push(Item { name: piece.item.clone(), at: now, feed });
            }
        }
        match state.items.is_empty() {
            true => Err(self.nothing()),
            false => Ok(state),
        }
    }

    fn live(&self) -> Result<State, Finding> {
        let mut arrivals = Vec::new();
        for (number, source) in self.plan.of_role(Role::Source).enumerate() {
            let mut now = self.case.clock;
            for piece in self.pieces(source) {
                now = piece.at.unwrap_or(now).max(now);
                arrivals.push((now, number, source, piece));
            }
        }
        if arrivals.is_empty() {
            return Err(self.nothing());
        }
        arrivals.sort_by_key(|it| (it.0, it.1));
        let mut state = State::default();
        for source in self.plan.of_role(Role::Source) {
            let schema = self.schemas.get(&source.id).cloned();
            let schema = schema.unwrap_or_else(|| Arc::new(Schema::empty()));
            state.live.insert(source.id.clone(), LiveInput { schema, reads: Vec::new() });
        }
        let mut before = 0;
        for (at, _, source, piece) in arrivals {
            before = self.arrive(&mut state, (source, piece), at, before)?;
        }
        Ok(state)
    }

    /// Puts a piece behind what came before. Returns how many records there are then.
    fn arrive(
        &self,
        state: &mut State,
        (source, piece): (&Stage, &Piece),
        at: Timestamp,
        before: u64,
    ) -> Result<u64, Finding> {
        let unread = |fault: Fault| {
            let finding =
                Finding::error(2277, piece.place.clone(), "", format!("it can't be read: {fault}"));
            finding.with_fix(fault.hint.unwrap_or_default())
        };
        let options = ReadOptions { batch_rows: self.limits.batch_rows, ..ReadOptions::default() };
        let mut reader = input::open(&self.feed(piece, source)?, &options).map_err(unread)?;
        let Some(input) = state.live.get_mut(&source.id) else { return Ok(before) };
        let schema = reader.schema();
        if input.reads.is_empty() && input.schema.fields().is_empty() {
            input.schema = schema.clone();
        }
        if schema.fields() != input.schema.fields() {
            let cause = "its fields are others than those of what came before";
            let finding = Finding::error(2278, piece.place.clone(), "", cause);
            return Err(finding.with_fix("give the format of the source a schema"));
        }
        let mut last = before;
        while let Some(read) = reader.read().map_err(unread)? {
            let read = input::moved(&read, before);
            last = last.max(input::last(&read));
            if last - before > RECORDS_MAX {
                let cause = format!("it has more than {RECORDS_MAX} records");
                let finding = Finding::error(2277, piece.place.clone(), "", cause);
                return Err(finding.with_fix("give fewer: all of them are held in memory"));
            }
            input.reads.push(read);
        }
        state.times.insert(before + 1, at);
        Ok(last)
    }

    fn nothing(&self) -> Finding {
        let finding = Finding::error(2279, self.case.place.clone(), "", "nothing comes in");
        let wanted = self.case.stage.iter().map(StageId::as_str);
        let sources = self.plan.of_role(Role::Source).map(|it| it.id.as_str());
        let name = wanted.chain(sources).next().unwrap_or_default();
        finding.with_fix(format!("add for instance input: {{ {name}: [{{ rows: […] }}] }}"))
    }
}
