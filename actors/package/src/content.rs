//! What a deployment consists of: names, each with the digest of what it stands for.
//!
//! Its own JSON is an object like all others, and the digest of that is the digest of the
//! deployment: whoever has the digest can fetch everything that belongs to it.
//!
//! Lists are sorted by name, so that equal content has one form; environments stand in the order in
//! which they apply, which means something.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_domain::{AssetName, Digest, ProjectName, WorkflowName};

use crate::{AssetId, Error, Item, Result, path};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Content {
    pub project: ProjectName,
    /// Where relative paths of the plans begin on the engines.
    pub base_dir: String,
    pub workflows: Vec<WorkflowEntry>,
    pub assets: Vec<AssetEntry>,
    pub scripts: Vec<ScriptEntry>,
    pub environments: Vec<NamedEntry>,
    pub secrets: Vec<NamedEntry>,
    pub scheduler: Option<Digest>,
    pub assignments: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkflowEntry {
    pub name: WorkflowName,
    /// Over all that decides how it runs. An engine leaves a workflow alone whose digest is the
    /// same in the deployment that it switches to.
    pub digest: Digest,
    pub plan: Digest,
    /// What the plan was compiled from.
    pub assets: Vec<AssetId>,
    pub scripts: Vec<String>,
    pub secrets: Vec<AssetName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetEntry {
    pub id: AssetId,
    pub object: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptEntry {
    pub path: String,
    pub object: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedEntry {
    pub name: AssetName,
    pub object: Digest,
}

impl Content {
    /// Reads the object that a deployment's digest names.
    pub fn from_object(digest: Digest, bytes: &[u8]) -> Result<Self> {
        let what = || "the content of the deployment".to_owned();
        let found = Digest::of(bytes);
        if found != digest {
            return Err(Error::Tampered { what: what(), stated: digest, found });
        }
        let content: Self = serde_json::from_slice(bytes)
            .map_err(|it| Error::Malformed { what: what(), reason: it.to_string() })?;
        content.check()?;
        // A second way to write the same would be a second digest for it.
        if content.to_object() != bytes {
            let reason = "it is not written in the one form that it may have".to_owned();
            return Err(Error::Malformed { what: what(), reason });
        }
        Ok(content)
    }

    /// The object whose digest is the deployment's.
    pub fn to_object(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a content is made of JSON")
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_object())
    }

    /// The digests that decide what an engine does at a switch.
    pub fn workflow_digests(&self) -> BTreeMap<WorkflowName, Digest> {
        self.workflows.iter().map(|it| (it.name.clone(), it.digest)).collect()
    }

    /// Everything that has an object, in the order of the lists.
    pub fn items(&self) -> impl Iterator<Item = (Item, Digest)> + '_ {
        let workflows = self.workflows.iter().map(|it| (Item::Workflow(it.name.clone()), it.plan));
        let assets = self.assets.iter().map(|it| (Item::Asset(it.id.clone()), it.object));
        let scripts = self.scripts.iter().map(|it| (Item::Script(it.path.clone()), it.object));
        let environments =
            self.environments.iter().map(|it| (Item::Environment(it.name.clone()), it.object));
        let secrets = self.secrets.iter().map(|it| (Item::Secret(it.name.clone()), it.object));
        let settings = [(Item::Scheduler, self.scheduler), (Item::Assignments, self.assignments)];
        let settings = settings.into_iter().filter_map(|(item, it)| Some((item, it?)));
        workflows.chain(assets).chain(scripts).chain(environments).chain(secrets).chain(settings)
    }

    /// The objects that it refers to, each with the first item that does.
    pub fn objects(&self) -> BTreeMap<Digest, Item> {
        let mut objects = BTreeMap::new();
        for (item, object) in self.items() {
            objects.entry(object).or_insert(item);
        }
        objects
    }

    /// What the entry's digest has to be.
    pub(crate) fn workflow_digest(&self, entry: &WorkflowEntry) -> Result<Digest> {
        let dangling =
            |missing| Error::Dangling { used_by: Item::Workflow(entry.name.clone()), missing };
        let secret = |name: &AssetName| {
            let found = self.secrets.iter().find(|it| it.name == *name);
            let found = found.ok_or_else(|| dangling(Item::Secret(name.clone())))?;
            Ok((name.clone(), found.object))
        };
        let script = |path: &String| {
            let found = self.scripts.iter().find(|it| it.path == *path);
            let found = found.ok_or_else(|| dangling(Item::Script(path.clone())))?;
            Ok((path.clone(), found.object))
        };
        let is_there = |id: &&AssetId| self.assets.iter().any(|it| it.id == **id);
        if let Some(id) = entry.assets.iter().find(|it| !is_there(it)) {
            return Err(dangling(Item::Asset(id.clone())));
        }
        let meaning = Meaning {
            project: &self.project,
            base_dir: &self.base_dir,
            plan: entry.plan,
            scripts: entry.scripts.iter().map(script).collect::<Result<_>>()?,
            secrets: entry.secrets.iter().map(secret).collect::<Result<_>>()?,
        };
        let json = serde_json::to_vec(&meaning).expect("names and digests are JSON");
        Ok(Digest::of(&json))
    }

    /// Refuses what no builder writes: a name twice, a wrong order, a reference to nothing.
    pub(crate) fn check(&self) -> Result<()> {
        if self.workflows.is_empty() {
            return Err(Error::Empty);
        }
        ascending(self.workflows.iter().map(|it| Item::Workflow(it.name.clone())))?;
        ascending(self.assets.iter().map(|it| Item::Asset(it.id.clone())))?;
        ascending(self.scripts.iter().map(|it| Item::Script(it.path.clone())))?;
        ascending(self.secrets.iter().map(|it| Item::Secret(it.name.clone())))?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.environments.iter().find(|it| !seen.insert(&it.name)) {
            return Err(Error::Duplicate(Item::Environment(twice.name.clone())));
        }
        self.scripts.iter().try_for_each(|it| path::check(&it.path))?;
        self.workflows.iter().try_for_each(|it| self.check_workflow(it))
    }

    fn check_workflow(&self, entry: &WorkflowEntry) -> Result<()> {
        ascending(entry.assets.iter().cloned().map(Item::Asset))?;
        ascending(entry.scripts.iter().cloned().map(Item::Script))?;
        ascending(entry.secrets.iter().cloned().map(Item::Secret))?;
        let found = self.workflow_digest(entry)?;
        if found != entry.digest {
            let what = Item::Workflow(entry.name.clone()).to_string();
            return Err(Error::Tampered { what, stated: entry.digest, found });
        }
        Ok(())
    }
}

/// What decides how a workflow runs. Its form may never change: digests of all times are compared.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meaning<'a> {
    project: &'a ProjectName,
    base_dir: &'a str,
    plan: Digest,
    scripts: Vec<(String, Digest)>,
    secrets: Vec<(AssetName, Digest)>,
}

fn ascending(items: impl Iterator<Item = Item>) -> Result<()> {
    let mut last: Option<Item> = None;
    for item in items {
        match last {
            Some(last) if last == item => return Err(Error::Duplicate(item)),
            Some(last) if last > item => {
                let reason = format!("{item} stands behind {last}: lists are sorted");
                return Err(Error::Malformed { what: "the manifest".into(), reason });
            }
            _ => last = Some(item),
        }
    }
    Ok(())
}
