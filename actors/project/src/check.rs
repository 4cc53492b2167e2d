//! What the kinds say about a plan, at the places where it was written.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use serde_json::Value;
use weir_domain::plan::{Plan, Role};
use weir_domain::{Finding, Place, PortName, StageId, did_you_mean};
use weir_stream::{Checked, Registry, StageFinding, check_plan, dead_letter_schema};

use crate::config::Config;
use crate::dead_letters;
use crate::decode::{self, Refused};
use crate::references::Resolved;
use crate::workflow::{Draft, slot_word};

/// The plan's check reports these, too, but only the first of each stage, and without its place.
const REPORTED_HERE: [u32; 2] = [2120, 2121];

/// Of the plan's check: nothing flows into a stage.
const NOTHING_FLOWS_IN: u32 = 2106;
/// Of the plan's check: no source, several sources.
const SOURCES: [u32; 2] = [2108, 2109];

/// Of the plan's check, what a part of a workflow is allowed: nothing flows in, something goes nowhere, no source.
const OPEN: [u32; 3] = [NOTHING_FLOWS_IN, 2107, 2108];

/// Everything that is wrong with a compiled workflow.
pub(crate) fn workflow(draft: &Draft, registry: &Registry) -> Vec<Finding> {
    let checked = check_plan(&draft.plan, registry);
    let found = checked.findings.into_iter();
    let found = found.filter(|it| !REPORTED_HERE.contains(&it.finding.code.0));
    let mut findings: Vec<_> = found.filter_map(|it| placed(it, draft)).collect();
    let stages = draft.plan.stages.iter().zip(&draft.configs);
    for (stage, config) in stages.filter(|it| !it.0.kind.is_empty()) {
        let kind = Kind { role: stage.role, name: &stage.kind, registry };
        if let Err(refused) = kind.read(config) {
            let input = input(&draft.plan, &stage.id, &checked.schemas);
            findings.extend(kind.check_mended(config, refused, input));
        }
    }
    if let Some(config) = &draft.dead_letters {
        let kind = Kind { role: Role::Sink, name: dead_letters::KIND, registry };
        findings.extend(kind.check_alone(config, Some(&dead_letter_schema())));
    }
    findings
}

/// Everything that is wrong with a snippet, whatever workflow it is put into: its inputs and outputs may be open.
pub(crate) fn snippet(draft: &Draft, registry: &Registry) -> Vec<Finding> {
    let mut findings = workflow(draft, registry);
    findings.retain(|it| !OPEN.contains(&it.code.0));
    findings
}

/// A source or sink asset that no workflow uses is judged by itself.
pub(crate) fn unused(role: Role, resolved: &Resolved, registry: &Registry) -> Vec<Finding> {
    Kind { role, name: &resolved.kind, registry }.check_alone(&resolved.config, None)
}

fn placed(found: StageFinding, draft: &Draft) -> Option<Finding> {
    match found.stage {
        Some(id) => {
            let Some(config) = draft.config(&id) else { return Some(found.finding) };
            let mut finding = found.finding;
            // The stage's place is where nothing better is known; the configuration knows better.
            if draft.plan.stage(&id).is_some_and(|it| it.place == finding.place) {
                finding.place = Place::default();
            }
            Some(config.placed(finding))
        }
        None if !draft.is_complete || follows(&found.finding, draft) => None,
        None => Some(found.finding),
    }
}

/// Whether a finding about the graph follows from one about a stage: a stage whose connection
/// leads nowhere has nothing flowing into it, a stage of no kind may have been the source.
fn follows(finding: &Finding, draft: &Draft) -> bool {
    let (code, path) = (finding.code.0, finding.path.as_str());
    let any_broken = || draft.plan.stages.iter().any(|it| it.kind.is_empty());
    match code {
        NOTHING_FLOWS_IN => draft.fed.contains(path) || draft.is_broken(path),
        it => SOURCES.contains(&it) && any_broken(),
    }
}

fn input<'a>(
    plan: &Plan,
    stage: &StageId,
    schemas: &'a BTreeMap<(StageId, PortName), SchemaRef>,
) -> Option<&'a SchemaRef> {
    let edge = plan.edges.iter().find(|it| it.to == *stage)?;
    schemas.get(&(edge.from.clone(), edge.port.clone()))
}

/// A kind of stage by its name, which may be that of none.
struct Kind<'a> {
    role: Role,
    name: &'a str,
    registry: &'a Registry,
}

impl Kind<'_> {
    /// Whether the kind exists and reads the configuration.
    fn read(&self, config: &Config) -> Result<(), Refused> {
        let registry = self.registry;
        let read = match self.role {
            Role::Source => registry
                .sources
                .get(self.name)
                .map(|it| decode::read(config, &|json| it.decode(json))),
            Role::Operator => registry
                .operators
                .get(self.name)
                .map(|it| decode::read(config, &|json| it.decode(json))),
            Role::Sink => registry
                .sinks
                .get(self.name)
                .map(|it| decode::read(config, &|json| it.decode(json))),
        };
        read.unwrap_or_else(|| Err(Refused { findings: vec![self.unknown(config)], mended: None }))
    }

    /// Checks a configuration that the kind reads.
    fn check(&self, json: &Value, input: Option<&SchemaRef>) -> Checked {
        let registry = self.registry;
        let checked = match self.role {
            Role::Source => registry.sources.get(self.name).map(|it| it.check(json)),
            Role::Operator => registry.operators.get(self.name).map(|it| it.check(json, input)),
            Role::Sink => registry.sinks.get(self.name).map(|it| it.check(json, input)),
        };
        checked.unwrap_or_default()
    }

    fn check_alone(&self, config: &Config, input: Option<&SchemaRef>) -> Vec<Finding> {
        match self.read(config) {
            Ok(()) => {
                let findings = self.check(&config.to_json(), input).findings.into_iter();
                findings.map(|it| config.placed(it)).collect()
            }
            Err(refused) => self.check_mended(config, refused, input),
        }
    }

    /// What can't be read, and what is wrong with the rest of it.
    fn check_mended(
        &self,
        config: &Config,
        refused: Refused,
        input: Option<&SchemaRef>,
    ) -> Vec<Finding> {
        let mut findings = refused.findings;
        if let Some(mended) = refused.mended {
            let found = self.check(&mended.json, input).findings.into_iter();
            let found = found.filter(|it| mended.is_written(&it.path));
            findings.extend(found.map(|it| config.placed(it)));
        }
        findings
    }

    fn unknown(&self, config: &Config) -> Finding {
        let Self { role, name, .. } = *self;
        let others =
            [Role::Source, Role::Operator, Role::Sink].into_iter().filter(|it| *it != role);
        let elsewhere = others.map(|it| (it, self.names(it))).find(|it| it.1.contains(&name));
        let fix = match (did_you_mean(name, self.names(role)), elsewhere) {
            (Some(near), _) => format!("did you mean {near:?}?"),
            (None, Some((other, _))) => format!("{name} is a kind of {}", slot_word(other)),
            (None, None) => format!("the kinds are: {}", self.names(role).join(", ")),
        };
        let cause = format!("there is no kind of {} {name:?}", slot_word(role));
        let finding = config.finding(2120, &[], cause);
        Finding { place: config.key_place(&[]), ..finding }.with_fix(fix)
    }

    fn names(&self, role: Role) -> Vec<&'static str> {
        match role {
            Role::Source => self.registry.sources.keys().copied().collect(),
            Role::Operator => self.registry.operators.keys().copied().collect(),
            Role::Sink => self.registry.sinks.keys().copied().collect(),
        }
    }
}
