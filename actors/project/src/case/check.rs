//! The stages and ports that cases name, against the plan of their workflow.

use std::collections::BTreeSet;

use weir_conf::Document;
use weir_domain::plan::{Plan, Role, Stage};
use weir_domain::{Finding, PortName, StageId, did_you_mean};
use weir_stream::Registry;

use super::read::below;
use super::{Case, Expected, Order, Outlet, Test};

/// Finds what a test names and its workflow does not have. Outlets get their meaning: whether
/// `a.b` is the sink of that name or a port of `a` is known from the plan.
pub(crate) fn check(
    test: &mut Test,
    document: &Document,
    (plan, registry): (&Plan, &Registry),
    findings: &mut Vec<Finding>,
) {
    let mut checker = Checker { document, plan, registry, findings };
    for (index, case) in test.cases.iter_mut().enumerate() {
        checker.case(case, &format!("spec.cases[{index}]"));
    }
}

struct Checker<'a> {
    document: &'a Document,
    plan: &'a Plan,
    registry: &'a Registry,
    findings: &'a mut Vec<Finding>,
}

impl Checker<'_> {
    fn case(&mut self, case: &mut Case, path: &str) {
        let alone = case.stage.clone();
        if let Some(stage) = &alone
            && self.plan.stage(stage).is_none()
        {
            return self.no_stage(stage.as_str(), &format!("{path}.stage"), |_| true);
        }
        for stage in case.input.keys() {
            self.input(stage, alone.as_ref(), &below(path, &["input", stage.as_str()]));
        }
        for expected in &mut case.expect {
            self.expected(expected, alone.as_ref(), path);
        }
    }

    fn input(&mut self, stage: &StageId, alone: Option<&StageId>, path: &str) {
        if let Some(alone) = alone {
            if stage != alone {
                let cause = format!("only the stage {alone} is run, and not {stage}");
                self.refuse(2247, path, cause, format!("write what comes into {alone}"));
            }
            return;
        }
        match self.plan.stage(stage).map(|it| it.role) {
            Some(Role::Source) => {}
            None => self.no_stage(stage.as_str(), path, |it| it.role == Role::Source),
            Some(_) => {
                let cause = format!("{stage} is no source: what comes into it comes from others");
                let fix = format!("write what comes into a source, or run {stage} alone: stage");
                self.refuse(2247, path, cause, fix);
            }
        }
    }

    fn expected(&mut self, expected: &mut Expected, alone: Option<&StageId>, case: &str) {
        let key = expected.outlet.to_string();
        let path = below(case, &["expect", &key]);
        if let Outlet::Port(..) = &expected.outlet
            && let Ok(stage) = StageId::new(key.as_str())
            && self.plan.stage(&stage).is_some()
        {
            expected.outlet = Outlet::Sink(stage);
        }
        let stage = match &expected.outlet {
            Outlet::DeadLetters => {
                expected.order.get_or_insert(Order::Any);
                return;
            }
            Outlet::Sink(stage) | Outlet::Port(stage, _) => stage.clone(),
        };
        let Some(found) = self.plan.stage(&stage) else {
            return self.no_stage(stage.as_str(), &path, |_| true);
        };
        if let Some(alone) = alone.filter(|it| **it != stage) {
            let cause = format!("only the stage {alone} is run, and not {stage}");
            return self.refuse(2247, &path, cause, format!("write what comes out of {alone}"));
        }
        match (&expected.outlet, found.role) {
            (Outlet::Port(_, port), Role::Source | Role::Operator) => {
                self.port(found, port, &path);
            }
            (Outlet::Port(_, port), Role::Sink) => {
                let cause = format!("{stage} is a sink, and has no port {port}");
                self.refuse(2246, &path, cause, format!("write {stage}"));
            }
            (Outlet::Sink(_), Role::Source | Role::Operator) => {
                let cause = format!("{stage} is no sink: what comes out of it has ports");
                let ports = ports(found, self.registry);
                let all: Vec<_> = ports.iter().map(|it| format!("{stage}.{it}")).collect();
                self.refuse(2246, &path, cause, format!("write {}", all.join(" or ")));
            }
            (Outlet::Sink(_) | Outlet::DeadLetters, _) => {}
        }
        self.order(expected, &stage, alone.is_some(), &path);
    }

    fn port(&mut self, stage: &Stage, port: &PortName, path: &str) {
        let ports = ports(stage, self.registry);
        if ports.contains(port) {
            return;
        }
        let names = || ports.iter().map(PortName::as_str);
        let fix = match did_you_mean(port.as_str(), names()) {
            Some(near) => format!("did you mean {}.{near}?", stage.id),
            None => format!("its ports are: {}", names().collect::<Vec<_>>().join(", ")),
        };
        self.refuse(2246, path, format!("{} has no port {port}", stage.id), fix);
    }

    /// An order that is not the same each time makes a test that fails now and then.
    fn order(&mut self, expected: &mut Expected, stage: &StageId, alone: bool, path: &str) {
        if alone || !is_joined(self.plan, stage) {
            return;
        }
        if *expected.order.get_or_insert(Order::Any) == Order::Exact {
            let cause = format!(
                "several stages bring records to {stage} or to one before it: their order is not \
                 always the same"
            );
            let place = expected.place.clone();
            let finding = Finding::warning(2248, place, format!("{path}.order"), cause);
            self.findings.push(finding.with_fix("write order: any"));
        }
    }

    fn no_stage(&mut self, name: &str, path: &str, fits: impl Fn(&Stage) -> bool) {
        let plan = self.plan;
        let names = || plan.stages.iter().filter(|it| fits(it)).map(|it| it.id.as_str());
        let fix = match did_you_mean(name, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("name one of {}", names().collect::<Vec<_>>().join(", ")),
        };
        let cause = format!("the workflow {} has no stage {name}", plan.workflow);
        self.refuse(2245, path, cause, fix);
    }

    fn refuse(&mut self, code: u32, path: &str, cause: String, fix: String) {
        let place = self.document.key_place(path);
        self.findings.push(Finding::error(code, place, path, cause).with_fix(fix));
    }
}

fn ports(stage: &Stage, registry: &Registry) -> Vec<PortName> {
    let kind = stage.kind.as_str();
    let checked = match stage.role {
        Role::Source => registry.sources.get(kind).map(|it| it.check(&stage.config)),
        Role::Operator => registry.operators.get(kind).map(|it| it.check(&stage.config, None)),
        Role::Sink => None,
    };
    checked.into_iter().flat_map(|it| it.outputs).map(|it| it.0).collect()
}

/// Whether several stages bring records to this one, or to one that its records come through.
fn is_joined(plan: &Plan, stage: &StageId) -> bool {
    let (mut open, mut seen) = (vec![stage], BTreeSet::new());
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let before: Vec<_> = plan.edges.iter().filter(|it| it.to == *id).collect();
        if before.len() > 1 {
            return true;
        }
        open.extend(before.into_iter().map(|it| &it.from));
    }
    false
}
