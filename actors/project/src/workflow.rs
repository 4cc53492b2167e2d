//! A workflow asset becomes a plan: slots become kinds with their configurations, `from` becomes
//! edges. A snippet becomes the part of one, which is judged and never run.
//!
//! What can't be read leaves a stage without a kind: its name keeps its connections quiet, and the
//! rest of the workflow is judged as if it were sound.

use std::collections::BTreeSet;

use weir_conf::{Document, Node, Value, read_at};
use weir_domain::plan::{Edge, ErrorLimit, INSTANCES_MAX, Plan, Retry, Role, STAGES_MAX, Stage};
use weir_domain::{Finding, PortName, StageId, WorkflowName};

use crate::asset::Asset;
use crate::config::Config;
use crate::dead_letters;
use crate::references::{References, Resolved};
use crate::spec::{SnippetSpec, StageSpec, WorkflowSpec};

/// A plan, and where each part of it was written.
pub(crate) struct Draft {
    pub(crate) plan: Plan,
    /// One for each stage, in the plan's order.
    pub(crate) configs: Vec<Config>,
    pub(crate) dead_letters: Option<Config>,
    /// Stages that say where their records come from, right or wrong.
    pub(crate) fed: BTreeSet<StageId>,
    /// All stages have names: what is said about connections is true.
    pub(crate) is_complete: bool,
}

impl Draft {
    /// The configuration of a stage; of two with one name, the first one's.
    pub(crate) fn config(&self, id: &StageId) -> Option<&Config> {
        let at = self.plan.stages.iter().position(|it| it.id == *id)?;
        self.configs.get(at)
    }

    /// Stages that are of no kind, which was reported.
    pub(crate) fn is_broken(&self, id: &str) -> bool {
        self.plan.stages.iter().any(|it| it.kind.is_empty() && it.id.as_str() == id)
    }
}

/// Compiles a workflow. `None`: it has no stages, which is reported.
pub(crate) fn compile(
    asset: &Asset,
    references: &mut References<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Draft> {
    let document = &asset.document;
    document.node("spec")?;
    let spec = read_at::<WorkflowSpec>(document, "spec").map_err(|it| findings.extend(it)).ok();
    let error_limit = spec.as_ref().and_then(|it| it.error_limit);
    check_limit(document, "spec", error_limit, findings);
    let (instances, retry) = spec.map_or((1, Retry::default()), |it| (it.instances, it.retry));
    check_instances(document, findings);
    // A name that is none was reported; the stages are judged under another one.
    let workflow = WorkflowName::new(asset.name.as_str());
    let workflow = workflow.or_else(|_| WorkflowName::new("unnamed")).ok()?;
    let mut draft = of_stages(document, workflow, references, findings)?;
    draft.plan.instances = instances;
    draft.plan.retry = retry;
    draft.plan.error_limit = error_limit;
    draft.dead_letters = dead_letters::config(document, &draft.plan, references, findings);
    draft.plan.dead_letters = draft.dead_letters.as_ref().map(dead_letters::sink);
    Some(draft)
}

/// Compiles a snippet as the part of a workflow that it is. `None`: it has no stages, which is reported.
pub(crate) fn compile_snippet(
    asset: &Asset,
    references: &mut References<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Draft> {
    let document = &asset.document;
    document.node("spec")?;
    findings.extend(read_at::<SnippetSpec>(document, "spec").err().unwrap_or_default());
    // A snippet may be called what no workflow is.
    let name = WorkflowName::new("snippet").ok()?;
    of_stages(document, name, references, findings)
}

fn of_stages(
    document: &Document,
    name: WorkflowName,
    references: &mut References<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Draft> {
    let stages = stage_nodes(document, findings)?;
    let mut compiler = Compiler::new(document, name, references, findings);
    let names: Vec<_> = stages.iter().map(stage_name).collect();
    for (index, (node, name)) in stages.iter().zip(&names).enumerate() {
        compiler.stage(index, node, name.as_ref(), &names);
    }
    Some(compiler.draft)
}

fn check_instances(document: &Document, findings: &mut Vec<Finding>) {
    let written = document.node("spec.instances").map(|it| &it.value);
    let Some(Value::Number(number)) = written else { return };
    let Some(instances) = number.as_u64().filter(|it| u32::try_from(*it).is_ok()) else { return };
    if !(1..=u64::from(INSTANCES_MAX)).contains(&instances) {
        let cause = format!("{instances} instances are not possible");
        let fix = format!("write a number from 1 to {INSTANCES_MAX}");
        findings.push(document.finding(2223, "spec.instances", cause).with_fix(fix));
    }
}

fn check_limit(
    document: &Document,
    parent: &str,
    limit: Option<ErrorLimit>,
    findings: &mut Vec<Finding>,
) {
    let Some((key, cause)) = limit.and_then(|it| it.wrong()) else { return };
    let path = match key {
        "" => format!("{parent}.errorLimit"),
        key => format!("{parent}.errorLimit.{key}"),
    };
    let fix = "write for instance { rate: 5%, window: 1000 records } or { max: 100 }";
    findings.push(document.finding(2223, &path, cause).with_fix(fix));
}

fn stage_nodes<'d>(document: &'d Document, findings: &mut Vec<Finding>) -> Option<&'d [Node]> {
    let Some(Value::Sequence(stages)) = document.node("spec.stages").map(|it| &it.value) else {
        return None;
    };
    if stages.len() > STAGES_MAX {
        let cause = format!("the workflow has {} stages", stages.len());
        let fix = format!("a workflow has at most {STAGES_MAX}: split it");
        findings.push(document.finding(2223, "spec.stages", cause).with_fix(fix));
        return None;
    }
    Some(stages)
}

fn stage_name(node: &Node) -> Option<StageId> {
    StageId::new(node.get("name")?.as_str()?).ok()
}

struct Compiler<'a, 'l> {
    document: &'a Document,
    references: &'a mut References<'l>,
    findings: &'a mut Vec<Finding>,
    draft: Draft,
}

impl<'a, 'l> Compiler<'a, 'l> {
    fn new(
        document: &'a Document,
        workflow: WorkflowName,
        references: &'a mut References<'l>,
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        let plan = Plan {
            workflow,
            instances: 1,
            stages: Vec::new(),
            edges: Vec::new(),
            retry: Retry::default(),
            dead_letters: None,
            error_limit: None,
        };
        let draft = Draft {
            plan,
            configs: Vec::new(),
            dead_letters: None,
            fed: BTreeSet::new(),
            is_complete: true,
        };
        Self { document, references, findings, draft }
    }

    fn stage(
        &mut self,
        index: usize,
        node: &Node,
        name: Option<&StageId>,
        names: &[Option<StageId>],
    ) {
        let path = format!("spec.stages[{index}]");
        let spec = read_at::<StageSpec>(self.document, &path);
        let (on_error, error_limit) = match spec {
            Ok(spec) => (spec.on_error, spec.error_limit),
            Err(found) => {
                self.findings.extend(found);
                Default::default()
            }
        };
        check_limit(self.document, &path, error_limit, self.findings);
        let slot = self.slot(node, &path);
        let role = slot.as_ref().map_or_else(|| likely_role(node), |it| it.0);
        let resolved = slot.and_then(|(role, slot)| {
            let path = format!("{path}.{}", slot_word(role));
            self.references.resolve(self.document, role, slot, &path, self.findings)
        });
        let Some(id) = name else {
            self.draft.is_complete = false;
            return;
        };
        let Resolved { kind, config } = resolved.unwrap_or_else(|| Resolved::nothing(node, &path));
        let place = self.document.place(&format!("{path}.name"));
        let json = config.to_json();
        self.draft.plan.stages.push(Stage {
            id: id.clone(),
            role,
            kind,
            config: json,
            on_error,
            error_limit,
            place,
        });
        self.draft.configs.push(config);
        self.edges(id, node, &path, names);
    }

    /// The one slot of a stage that is filled.
    fn slot<'n>(&mut self, node: &'n Node, path: &str) -> Option<(Role, &'n Node)> {
        let slot = |role| Some((role, node.get(slot_word(role)).filter(|it| is_filled(it))?));
        let filled: Vec<_> = ROLES.into_iter().filter_map(slot).collect();
        if let [only] = filled[..] {
            return Some(only);
        }
        // A stage that is no mapping was reported when it was read.
        if matches!(node.value, Value::Mapping(_)) {
            let cause = match filled.len() {
                0 => "the stage is neither source nor processor nor sink".to_owned(),
                _ => {
                    let words: Vec<_> = filled.iter().map(|it| slot_word(it.0)).collect();
                    format!("the stage is several things at once: {}", words.join(" and "))
                }
            };
            let finding = self.document.finding(2221, path, cause);
            self.findings.push(finding.with_fix("write exactly one of source, processor, sink"));
        }
        None
    }

    fn edges(&mut self, to: &StageId, node: &Node, path: &str, names: &[Option<StageId>]) {
        let Some(from) = node.get("from") else { return };
        let path = format!("{path}.from");
        match &from.value {
            Value::Null => {}
            Value::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.edge(to, item, &format!("{path}[{index}]"), names);
                }
            }
            _ => self.edge(to, from, &path, names),
        }
    }

    fn edge(&mut self, to: &StageId, node: &Node, path: &str, names: &[Option<StageId>]) {
        self.draft.fed.insert(to.clone());
        let Some(text) = node.as_str() else {
            let cause = "a connection is written as text";
            let finding = Finding::error(2224, node.place.clone(), path, cause);
            self.findings.push(finding.with_fix("write the stage's name, or stage.port"));
            return;
        };
        let is_stage = names.iter().flatten().any(|it| it.as_str() == text);
        let (stage, port) = match text.rsplit_once('.') {
            Some((stage, port)) if !is_stage => (stage, Some(port)),
            _ => (text, None),
        };
        let port = port.map_or(Ok(PortName::out()), PortName::new);
        match (StageId::new(stage), port) {
            (Ok(from), Ok(port)) => {
                let edge = Edge { from, port, to: to.clone(), place: node.place.clone() };
                self.draft.plan.edges.push(edge);
            }
            (Err(error), _) | (_, Err(error)) => {
                let cause = format!("{text:?} names no stage and no port: {error}");
                let finding = Finding::error(2224, node.place.clone(), path, cause);
                self.findings.push(finding.with_fix("write the stage's name, or stage.port"));
            }
        }
    }
}

const ROLES: [Role; 3] = [Role::Source, Role::Operator, Role::Sink];

pub(crate) fn slot_word(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Operator => "processor",
        Role::Sink => "sink",
    }
}

fn is_filled(node: &Node) -> bool {
    !matches!(node.value, Value::Null)
}

/// What a stage seems to be whose slot is unclear: it keeps its neighbours quiet.
fn likely_role(node: &Node) -> Role {
    match (node.get("from"), node.get(slot_word(Role::Sink))) {
        (None, _) => Role::Source,
        (Some(_), Some(_)) => Role::Sink,
        (Some(_), None) => Role::Operator,
    }
}
