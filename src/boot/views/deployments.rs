//! Deployments as operators see and change them.

use std::collections::BTreeSet;
use std::path::Path;

use async_trait::async_trait;
use weir_controllers::deployments::{Deployment, Failure};
use weir_domain::plan::{INSTANCES_MAX, Plan, STAGES_MAX};
use weir_domain::{CommandId, Fault, Finding, ProjectName, WorkflowName};
use weir_http_api::{DeploymentPreview, DeploymentRequest, DeploymentView};
use weir_http_server::{Deployments, Refusal, applied};
use weir_stream::Registry;

use crate::boot::engine::Engine;

#[async_trait]
impl Deployments for Engine {
    async fn list(&self) -> Result<Vec<DeploymentView>, Fault> {
        let current = self.deployments.current(None).await.map_err(|it| super::unavailable(&it))?;
        Ok(current.into_iter().flat_map(|it| it.deployments).map(|it| applied(&it)).collect())
    }

    async fn deploy(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
        named: Option<CommandId>,
    ) -> Result<DeploymentView, Refusal> {
        let deployment = self.deployment(project, request)?;
        let deployed = applied(&deployment);
        let command = named.unwrap_or_else(|| self.system.ids().command());
        self.deployments.deploy_as(command, deployment).await.map_err(refusal)?;
        Ok(deployed)
    }

    async fn preview(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
    ) -> Result<DeploymentPreview, Refusal> {
        let deployment = self.deployment(project.clone(), request)?;
        let digest = deployment.digest.clone();
        let relaned = self.relaned(&deployment);
        let mut impact = self.deployments.preview_deploy(deployment).await.map_err(refusal)?;
        // Which workflows are live is no matter of the controller.
        let relaned: Vec<_> = relaned.into_iter().filter(|it| impact.stays.remove(it)).collect();
        impact.restarts.extend(relaned);
        let names = |it: BTreeSet<_>| it.into_iter().collect();
        Ok(DeploymentPreview {
            project,
            digest,
            starts: names(impact.starts),
            restarts: names(impact.restarts),
            stops: names(impact.stops),
            stays: names(impact.stays),
        })
    }

    async fn withdraw(&self, project: ProjectName) -> Result<(), Refusal> {
        self.deployments.withdraw(project, self.system.now()).await.map_err(refusal)
    }
}

impl Engine {
    /// The live workflows that would have another number of lanes than they have here.
    fn relaned(&self, deployment: &Deployment) -> Vec<WorkflowName> {
        let lives = deployment.plans.iter().filter(|it| self.registry().is_live(it));
        let is_other = |it: &&Plan| {
            let here = self.activation.workflow(&it.workflow);
            here.is_some_and(|here| here.plan.instances != it.instances)
        };
        lives.filter(is_other).map(|it| it.workflow.clone()).collect()
    }

    fn deployment(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
    ) -> Result<Deployment, Refusal> {
        self.check(&request).map_err(|detail| Refusal::Conflict { detail, hint: None })?;
        let DeploymentRequest { digest, base_dir, plans } = request;
        let base_dir = base_dir.into();
        Ok(Deployment { project, digest, base_dir, plans, at: self.system.now() })
    }

    /// What the compiler would have refused, whoever made the plans: all engines would have to
    /// live with it.
    fn check(&self, request: &DeploymentRequest) -> Result<(), String> {
        let DeploymentRequest { digest, base_dir, plans } = request;
        if !Path::new(base_dir).is_absolute() {
            return Err(format!(
                "baseDir {base_dir:?} is not absolute: each engine would look elsewhere"
            ));
        }
        if *digest != weir_project::digest(plans) {
            return Err("the digest is not that of these plans".to_owned());
        }
        let mut workflows = BTreeSet::new();
        for plan in plans {
            let name = &plan.workflow;
            if !workflows.insert(name) {
                return Err(format!("there are two plans of workflow {name}"));
            }
            check_plan(plan, self.registry()).map_err(|why| format!("workflow {name}: {why}"))?;
        }
        Ok(())
    }
}

fn check_plan(plan: &Plan, registry: &Registry) -> Result<(), String> {
    if !(1..=INSTANCES_MAX).contains(&plan.instances) {
        return Err(format!("{} instances are not 1 to {INSTANCES_MAX}", plan.instances));
    }
    if plan.stages.len() > STAGES_MAX {
        return Err(format!("it has {} stages, {STAGES_MAX} are the most", plan.stages.len()));
    }
    let findings = weir_stream::check_plan(plan, registry).findings;
    let mut errors = findings.into_iter().map(|it| it.finding).filter(Finding::is_error);
    match errors.next() {
        Some(first) => Err(format!("{first}; {} more errors", errors.count())),
        None => Ok(()),
    }
}

fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Rejected(rejection) => {
            Refusal::Conflict { detail: rejection.to_string(), hint: None }
        }
        Failure::Refused(cause) => Refusal::Conflict { detail: cause, hint: None },
        Failure::Proxy(error) => super::refused(&error),
    }
}
