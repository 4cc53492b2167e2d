//! From the parts of a project to a content and its objects.
//!
//! Where in a project's files something stands is no content: it goes no further than here.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use weir_domain::plan::Plan;
use weir_domain::{AssetName, Digest, Place, ProjectName};

use crate::{
    AssetEntry, AssetId, AssignmentSettings, Content, Contents, NamedEntry, Result, ScriptEntry,
    WorkflowEntry,
};

/// What a front door has to deploy: the workflows that were selected and all that they refer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    pub project: ProjectName,
    pub base_dir: String,
    pub workflows: Vec<Workflow>,
    pub assets: Vec<Asset>,
    pub scripts: Vec<Script>,
    /// In the order in which they apply.
    pub environments: Vec<Environment>,
    pub secrets: Vec<Secret>,
    /// As the scheduler reads them.
    pub scheduler: Option<Value>,
    pub assignments: Option<AssignmentSettings>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    pub plan: Plan,
    /// What the plan was compiled from, so that a difference can be told in those terms.
    pub assets: Vec<AssetId>,
    pub scripts: Vec<String>,
    pub secrets: Vec<AssetName>,
}

/// An asset as its author wrote it: before values were put in and references resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    pub id: AssetId,
    pub fields: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Below the project's directory.
    pub path: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    pub name: AssetName,
    pub values: BTreeMap<String, Value>,
}

/// A secret that is encrypted already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub name: AssetName,
    pub ciphertext: Bytes,
}

impl Parts {
    pub(crate) fn into_contents(self) -> Result<Contents> {
        let mut objects = Objects::default();
        let mut content = Content {
            project: self.project,
            base_dir: self.base_dir,
            workflows: self.workflows.into_iter().map(|it| objects.workflow(it)).collect(),
            assets: self.assets.into_iter().map(|it| objects.asset(it)).collect(),
            scripts: self.scripts.into_iter().map(|it| objects.script(it)).collect(),
            environments: self.environments.into_iter().map(|it| objects.environment(it)).collect(),
            secrets: self.secrets.into_iter().map(|it| objects.secret(it)).collect(),
            scheduler: self.scheduler.map(|it| objects.json(&it)),
            assignments: self.assignments.map(|it| objects.json(&it)),
        };
        content.workflows.sort_by(|a, b| a.name.cmp(&b.name));
        content.assets.sort_by(|a, b| a.id.cmp(&b.id));
        content.scripts.sort_by(|a, b| a.path.cmp(&b.path));
        content.secrets.sort_by(|a, b| a.name.cmp(&b.name));
        for at in 0..content.workflows.len() {
            content.workflows[at].digest = content.workflow_digest(&content.workflows[at])?;
        }
        Ok(Contents { content, objects: objects.0 })
    }
}

#[derive(Default)]
struct Objects(BTreeMap<Digest, Bytes>);

impl Objects {
    fn add(&mut self, bytes: Bytes) -> Digest {
        let digest = Digest::of(&bytes);
        self.0.insert(digest, bytes);
        digest
    }

    fn json(&mut self, value: &impl Serialize) -> Digest {
        let json = serde_json::to_vec(value).expect("what a front door gives is JSON");
        self.add(json.into())
    }

    fn asset(&mut self, asset: Asset) -> AssetEntry {
        AssetEntry { object: self.json(&asset.fields), id: asset.id }
    }

    fn script(&mut self, script: Script) -> ScriptEntry {
        ScriptEntry { object: self.add(script.text.into()), path: script.path }
    }

    fn environment(&mut self, environment: Environment) -> NamedEntry {
        NamedEntry { object: self.json(&environment.values), name: environment.name }
    }

    fn secret(&mut self, secret: Secret) -> NamedEntry {
        NamedEntry { object: self.add(secret.ciphertext), name: secret.name }
    }

    fn workflow(&mut self, workflow: Workflow) -> WorkflowEntry {
        let Workflow { mut plan, mut assets, mut scripts, mut secrets } = workflow;
        plan.stages.iter_mut().for_each(|it| it.place = Place::default());
        plan.edges.iter_mut().for_each(|it| it.place = Place::default());
        let object = self.json(&plan);
        sort(&mut assets);
        sort(&mut scripts);
        sort(&mut secrets);
        // The digest is known when all that the workflow refers to has one.
        WorkflowEntry {
            name: plan.workflow,
            digest: object,
            plan: object,
            assets,
            scripts,
            secrets,
        }
    }
}

/// What a workflow names twice it needs once.
fn sort<T: Ord>(names: &mut Vec<T>) {
    names.sort();
    names.dedup();
}
