//! What an engine needs of a stored deployment, and what the scheduler does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use weir_domain::plan::Plan;
use weir_domain::schedule::SettingsPatch;
use weir_domain::{AssetName, Digest, Fault, FaultKind, KeyFingerprint, ProjectName, WorkflowName};
use weir_package::{Content, Contents, NamedEntry};
use weir_persistence_api::ObjectStore;
use weir_secrets::{Binding, SealedSecret};

use super::{TransferError, load};

/// A deployment as an engine runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Runnable {
    pub project: ProjectName,
    /// Relative paths of the plans begin here.
    pub base_dir: PathBuf,
    pub workflows: Vec<RunnableWorkflow>,
    /// Each is sealed as the one that it is used as.
    pub secrets: BTreeMap<AssetName, SealedSecret>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RunnableWorkflow {
    /// Of all that decides how it runs.
    pub digest: Digest,
    pub plan: Plan,
    /// Those that its plan names.
    pub secrets: Vec<AssetName>,
}

impl Runnable {
    /// Fetches it. A fault says what is missing or damaged.
    pub async fn fetch(digest: Digest, store: &dyn ObjectStore) -> Result<Self, Fault> {
        let contents = load(digest, needed, store).await.map_err(|it| fault(&it))?;
        let Contents { content, .. } = &contents;
        let plan = |name: &WorkflowName| {
            contents.plan(name).map_err(|it| fault(&TransferError::Package(it)))
        };
        let workflows = content.workflows.iter().map(|it| {
            let (digest, secrets) = (it.digest, it.secrets.clone());
            Ok(RunnableWorkflow { digest, plan: plan(&it.name)?, secrets })
        });
        let secrets = content.secrets.iter();
        let secrets = secrets.map(|it| Ok((it.name.clone(), sealed(it, &contents)?)));
        Ok(Self {
            project: content.project.clone(),
            base_dir: content.base_dir.clone().into(),
            workflows: workflows.collect::<Result<_, Fault>>()?,
            secrets: secrets.collect::<Result<_, Fault>>()?,
        })
    }

    /// Why its secrets can't be opened with these keys, if they can't: one of a secret's keys is
    /// enough.
    pub fn check_keys(&self, known: &BTreeSet<KeyFingerprint>) -> Result<(), Fault> {
        let is_closed =
            |it: &(&AssetName, &SealedSecret)| !it.1.keys().iter().any(|key| known.contains(key));
        let Some((name, sealed)) = self.secrets.iter().find(is_closed) else { return Ok(()) };
        let keys: Vec<_> = sealed.keys().iter().map(ToString::to_string).collect();
        let message = format!(
            "secret {name} is sealed to {}, and this cluster has no such key",
            keys.join(", ")
        );
        let hint = "import the key, or seal the secret to a key of this cluster and build again";
        Err(Fault::config(6121, message).with_hint(hint))
    }
}

/// The scheduler settings that a deployment brings, by workflow. Of its own workflows only: whoever
/// makes a package decides nothing about those of others.
pub async fn schedule(
    digest: Digest,
    store: &dyn ObjectStore,
) -> Result<BTreeMap<WorkflowName, SettingsPatch>, Fault> {
    let settings = |it: &Content| it.scheduler.iter().copied().collect();
    let contents = load(digest, settings, store).await.map_err(|it| fault(&it))?;
    let Contents { content, objects } = &contents;
    let object = content.scheduler.and_then(|it| objects.get(&it));
    let Some(object) = object else { return Ok(BTreeMap::new()) };
    let settings: BTreeMap<_, _> = serde_json::from_slice(object).map_err(|it| {
        let message = format!("the deployment's scheduler settings can't be read: {it}");
        Fault::config(6122, message).with_hint("correct them in the project, and build it again")
    })?;
    let is_own = |name: &WorkflowName| content.workflows.iter().any(|it| it.name == *name);
    Ok(settings.into_iter().filter(|it| is_own(&it.0)).collect())
}

fn needed(content: &Content) -> BTreeSet<Digest> {
    let plans = content.workflows.iter().map(|it| it.plan);
    plans.chain(content.secrets.iter().map(|it| it.object)).collect()
}

fn sealed(secret: &NamedEntry, contents: &Contents) -> Result<SealedSecret, Fault> {
    let bytes = contents.objects.get(&secret.object);
    let text = bytes.and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default();
    let used_as = Binding { project: contents.content.project.clone(), name: secret.name.clone() };
    let read = || {
        let sealed: SealedSecret = text.trim().parse()?;
        sealed.check_is(&used_as).map(|()| sealed)
    };
    read().map_err(|it: weir_secrets::Error| {
        let fault = Fault::from(&it);
        Fault { message: format!("secret {}: {}", secret.name, fault.message), ..fault }
    })
}

fn fault(error: &TransferError) -> Fault {
    match error {
        TransferError::Package(it) => {
            Fault::new(FaultKind::Config, it.code().0, it.to_string()).with_hint(it.hint())
        }
        // The store is away, or the objects are; both may come back.
        other => {
            let cause = std::error::Error::source(other).map(|it| format!(": {it}"));
            let message = format!("{other}{}", cause.unwrap_or_default());
            Fault::transient(6120, message)
                .with_hint("restore the object from a backup, or upload the package again")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weir_persistence_api::MemoryStore;

    use super::super::testing;
    use super::*;

    #[tokio::test]
    async fn an_engine_gets_plans_and_the_scheduler_its_settings() {
        let store = MemoryStore::new(Arc::new(weir_runtime::SystemClock));
        let settings =
            serde_json::json!({ "flights": { "target": 3 }, "billing": { "target": 9 } });
        let package = testing::package_with(Some(settings));
        let contents = package.contents.clone();
        store.object_put(package.digest(), contents.content.to_object().into()).await.unwrap();
        for (digest, object) in contents.objects {
            store.object_put(digest, object).await.unwrap();
        }
        let runnable = Runnable::fetch(package.digest(), &store).await.unwrap();
        let digests = contents.content.workflow_digests();
        let workflow = testing::plan().workflow;
        let (digest, plan) = (digests[&workflow], testing::plan());
        assert_eq!(runnable.workflows, [RunnableWorkflow { digest, plan, secrets: vec![] }]);
        assert_eq!(runnable.base_dir, PathBuf::from("/srv/flights"));
        let settings = schedule(package.digest(), &store).await.unwrap();
        assert_eq!(settings[&workflow].target, Some(3));
        assert_eq!(settings.len(), 1, "of its own workflows: {settings:?}");
    }

    #[tokio::test]
    async fn a_deployment_that_is_not_there_and_a_key_that_is_not_there_are_named() {
        let store = MemoryStore::new(Arc::new(weir_runtime::SystemClock));
        let digest = testing::package("a").digest();
        let gone = Runnable::fetch(digest, &store).await.unwrap_err();
        assert!(gone.message.contains(&format!("{digest:.12}")), "{gone}");

        let key = weir_secrets::PrivateKey::generate();
        let value = weir_secrets::Secret::from("hunter2".to_owned());
        let (project, name) = ("p".parse().unwrap(), "password".parse().unwrap());
        let sealed =
            SealedSecret::seal(&value, Binding { project, name }, &[key.public()]).unwrap();
        let key = key.fingerprint();
        let runnable = Runnable {
            project: ProjectName::new("p").unwrap(),
            base_dir: "/".into(),
            workflows: vec![],
            secrets: [(AssetName::new("password").unwrap(), sealed)].into(),
        };
        assert_eq!(runnable.check_keys(&[key].into()), Ok(()));
        let refused = runnable.check_keys(&BTreeSet::new()).unwrap_err().message;
        assert!(refused.contains("secret password") && refused.contains(&key.to_string()));
    }
}
