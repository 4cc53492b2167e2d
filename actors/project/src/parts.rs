//! What a project has to deploy: the plans that were selected, and what they were compiled from as
//! its author wrote it, so that two deployments can be compared in the author's own terms.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_conf::Document;
use weir_domain::plan::Plan;
use weir_domain::schedule::{Settings, SettingsPatch};
use weir_domain::{AssetName, Fault, Finding, WorkflowName, did_you_mean};
use weir_package::{
    Asset, AssetId, AssignmentSettings, Environment, Parts, Script, Secret, Workflow,
};

use crate::Project;
use crate::asset::AssetKind;
use crate::environment;
use crate::library::Library;
use crate::secrets::{self, Secrets};
use crate::spec::ProjectSpec;

/// The assets before values were put in and references resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Written {
    assets: BTreeMap<AssetId, Value>,
    /// In the order in which they apply.
    environments: Vec<Environment>,
    used: BTreeMap<WorkflowName, BTreeSet<AssetId>>,
    /// The texts of scripts by the paths of their files.
    pub(crate) scripts: BTreeMap<String, String>,
    run: BTreeMap<WorkflowName, BTreeSet<String>>,
    scheduler: BTreeMap<WorkflowName, SettingsPatch>,
    assignments: Option<AssignmentSettings>,
    pub(crate) secrets: Secrets,
}

/// A workflow was selected that the project does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the project has no workflow {name}{}",
    near.as_ref().map(|it| format!(": did you mean {it}?")).unwrap_or_default()
)]
pub struct UnknownWorkflow {
    pub name: WorkflowName,
    pub near: Option<String>,
}

impl Written {
    pub(crate) fn of(spec: Option<&ProjectSpec>, chosen: &[AssetName], library: &Library) -> Self {
        let all = AssetKind::ALL.into_iter().flat_map(|it| library.of_kind(it));
        let assets = all.filter_map(|it| Some((id(it.kind, &it.name)?, it.document.to_json())));
        let listed = spec.iter().flat_map(|it| &it.environments);
        // What is chosen once more counts where it was chosen last.
        let listed = listed.filter(|it| !chosen.contains(it)).chain(environment::last(chosen));
        let environments = listed.filter_map(|name| {
            let asset = library.find(AssetKind::Environment, name.as_str()).ok()?;
            let values = asset.document.node("spec.values")?.to_json();
            let values = values.as_object()?.clone().into_iter().collect();
            Some(Environment { name: name.clone(), values })
        });
        Self {
            assets: assets.collect(),
            environments: environments.collect(),
            used: BTreeMap::new(),
            scripts: BTreeMap::new(),
            run: BTreeMap::new(),
            scheduler: spec.map(|it| it.scheduler.clone()).unwrap_or_default(),
            assignments: spec.and_then(|it| it.assignments.clone()),
            secrets: Secrets::default(),
        }
    }

    /// Notes which assets a workflow was compiled from.
    pub(crate) fn uses<'a>(
        &mut self,
        workflow: &WorkflowName,
        assets: impl Iterator<Item = (AssetKind, &'a str)>,
    ) {
        let ids = assets.filter_map(|(kind, name)| id(kind, name));
        self.used.entry(workflow.clone()).or_default().extend(ids);
    }

    /// Notes which scripts a workflow runs.
    pub(crate) fn runs(&mut self, workflow: &WorkflowName, scripts: BTreeSet<String>) {
        self.run.entry(workflow.clone()).or_default().extend(scripts);
    }
}

/// What is wrong with the settings of the schedule: workflows that the project does not have, and
/// bounds that contradict each other.
pub(crate) fn unscheduled(
    project: &Document,
    spec: &ProjectSpec,
    plans: &[Plan],
    library: &Library,
) -> Vec<Finding> {
    let names = || plans.iter().map(|it| it.workflow.as_str());
    let mut findings = Vec::new();
    for (workflow, patch) in &spec.scheduler {
        let path = format!("spec.scheduler.{workflow}");
        if library.is_complete() && !names().any(|it| it == workflow.as_str()) {
            let cause = format!("the project has no workflow {workflow}");
            let fix = match did_you_mean(workflow.as_str(), names()) {
                Some(near) => format!("did you mean {near}?"),
                None => "remove it, or add the workflow".to_owned(),
            };
            findings.push(project.finding(2216, &path, cause).with_fix(fix));
        }
        if let Err((scope, invalid)) = Settings::default().patched(patch) {
            let cause = format!("{scope}: {invalid}");
            findings.push(project.finding(2217, &path, cause).with_fix("lower min, or raise max"));
        }
    }
    findings
}

fn id(kind: AssetKind, name: &str) -> Option<AssetId> {
    let name = AssetName::new(name).ok()?;
    Some(AssetId { kind: AssetName::new(kind.as_str()).ok()?, name })
}

impl Project {
    /// What a package of these workflows is built from; an empty selection is all of them. Relative
    /// paths begin at `base_dir` on the engines.
    pub fn parts(
        &self,
        selected: &BTreeSet<WorkflowName>,
        base_dir: String,
    ) -> Result<Parts, UnknownWorkflow> {
        let names = || self.plans.iter().map(|it| it.workflow.as_str());
        if let Some(name) = selected.iter().find(|it| !names().any(|name| name == it.as_str())) {
            let near = did_you_mean(name.as_str(), names()).map(str::to_owned);
            return Err(UnknownWorkflow { name: name.clone(), near });
        }
        let is_selected = |it: &WorkflowName| selected.is_empty() || selected.contains(it);
        let plans = self.plans.iter().filter(|it| is_selected(&it.workflow));
        let workflows: Vec<_> = plans
            .map(|plan| Workflow {
                assets: self.used_by(&plan.workflow).cloned().collect(),
                plan: plan.clone(),
                scripts: self.run_by(&plan.workflow).cloned().collect(),
                secrets: secrets::of_plan(plan).into_iter().collect(),
            })
            .collect();
        let named = workflows.iter().flat_map(|it| it.secrets.iter().cloned()).collect();
        let secrets = self.written.secrets.named(&named);
        let secrets = secrets.map(|(name, sealed)| Secret {
            name: name.clone(),
            ciphertext: sealed.to_string().into(),
        });
        let secrets = secrets.collect();
        let used: BTreeSet<_> = workflows.iter().flat_map(|it| &it.assets).collect();
        let assets = self.written.assets.iter().filter(|it| used.contains(it.0));
        let run: BTreeSet<_> = workflows.iter().flat_map(|it| &it.scripts).collect();
        let scripts = self.written.scripts.iter().filter(|it| run.contains(it.0));
        let script =
            |(path, text): (&String, &String)| Script { path: path.clone(), text: text.clone() };
        let scripts: Vec<_> = scripts.map(script).collect();
        let assets = assets.map(|(id, fields)| Asset { id: id.clone(), fields: fields.clone() });
        Ok(Parts {
            project: self.name.clone(),
            base_dir,
            assets: assets.collect(),
            workflows,
            scripts,
            environments: self.written.environments.clone(),
            secrets,
            scheduler: self.scheduler(is_selected),
            assignments: self.written.assignments.clone(),
        })
    }

    /// The secrets that a plan of it names.
    pub fn secrets_of(plan: &Plan) -> BTreeSet<AssetName> {
        secrets::of_plan(plan)
    }

    /// Why its plans can't run by themselves, if they can't: secrets come with packages alone.
    pub fn needs_package(&self) -> Option<Fault> {
        let named = |it: &Plan| Some((it.workflow.clone(), secrets::of_plan(it).pop_first()?));
        let (workflow, secret) = self.plans.iter().find_map(named)?;
        let message = format!(
            "workflow {workflow} names the secret {secret}, which only packages bring along"
        );
        let hint =
            "run it from a package: `weir build`, then `weir deployment upload` and `activate`";
        Some(Fault::config(2236, message).with_hint(hint))
    }

    /// By workflow; nothing where the project says nothing of those that were selected.
    fn scheduler(&self, is_selected: impl Fn(&WorkflowName) -> bool) -> Option<Value> {
        let said: BTreeMap<_, _> =
            self.written.scheduler.iter().filter(|it| is_selected(it.0)).collect();
        let json = || serde_json::to_value(&said).expect("settings are JSON");
        (!said.is_empty()).then(json)
    }

    fn run_by(&self, workflow: &WorkflowName) -> impl Iterator<Item = &String> {
        self.written.run.get(workflow).into_iter().flatten()
    }

    fn used_by(&self, workflow: &WorkflowName) -> impl Iterator<Item = &AssetId> {
        self.written.used.get(workflow).into_iter().flatten()
    }
}
