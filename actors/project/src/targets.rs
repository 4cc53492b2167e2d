//! Sinks that would write to one and the same place.

use std::collections::BTreeMap;

use weir_domain::plan::Role;
use weir_domain::{Finding, Place};

use crate::path::Step;
use crate::workflow::Draft;

/// A warning for each sink whose directory and name template are those of an earlier one.
pub(crate) fn shared(drafts: &[Draft]) -> Vec<Finding> {
    let mut seen: BTreeMap<Target, String> = BTreeMap::new();
    let mut findings = Vec::new();
    for draft in drafts {
        let stages = draft.plan.stages.iter().zip(&draft.configs);
        for (stage, config) in stages.filter(|it| it.0.role == Role::Sink) {
            let Some(target) = target(draft, &stage.config) else { continue };
            let written = format!("stage {} of workflow {}", stage.id, draft.plan.workflow);
            let Some(first) = seen.get(&target) else {
                seen.insert(target, written);
                continue;
            };
            let cause = format!("{written} writes the same files as {first}");
            let fix = "give one of them another directory or name, or ${workflow} in the name";
            let finding = config.finding(2225, &[Step::Key("name".into())], cause);
            // A sink asset that is used twice stands in one place: the stage tells them apart.
            let place = if is_shared_asset(&finding.place, &stage.place) {
                stage.place.clone()
            } else {
                finding.place
            };
            findings.push(Finding::warning(2225, place, finding.path, finding.cause).with_fix(fix));
        }
    }
    findings
}

/// What decides where a sink writes: its kind's directory, its name template, and the workflow
/// where the template makes a difference between workflows.
type Target = (String, String, String);

fn target(draft: &Draft, config: &serde_json::Value) -> Option<Target> {
    let text = |key: &str| config.get(key).and_then(|it| it.as_str());
    let (directory, name) = (text("directory")?, text("name")?);
    let is_own = name.contains("${workflow}") || name.contains("${stream}");
    let workflow = if is_own { draft.plan.workflow.to_string() } else { String::new() };
    Some((normal(directory), name.to_owned(), workflow))
}

fn normal(directory: &str) -> String {
    let parts = directory.split('/').filter(|it| !matches!(*it, "" | "."));
    let root = if directory.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.collect::<Vec<_>>().join("/"))
}

fn is_shared_asset(config: &Place, stage: &Place) -> bool {
    config.file != stage.file
}
