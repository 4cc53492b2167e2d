//! Deployments on their way: from a package into the object store, and from there to an engine.

use std::collections::BTreeSet;

use bytes::Bytes;
use weir_domain::plan::Plan;
use weir_domain::{DeploymentTag, Digest, Fault};
use weir_package::{Content, Contents, Diff, Manifest, Object, SignerKey};
use weir_persistence_api::{ObjectStore, ObjectTotals};

use super::storage::NewDeployment;

/// Why a deployment did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Package(#[from] weir_package::Error),
    #[error("the object store did not take or give what belongs to the deployment")]
    Store(#[from] weir_persistence_api::Error),
    #[error("object {0:.12} of the deployment is not in the object store")]
    Gone(Digest),
    /// Whose packages are accepted is not known.
    #[error("{0}")]
    Signers(Fault),
    #[error("reading the package was broken off")]
    Interrupted,
}

/// A package whose objects are all in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploaded {
    /// To be stored, under another tag if need be.
    pub deployment: NewDeployment,
    /// What was not there before.
    pub sent: ObjectTotals,
    pub total: ObjectTotals,
}

/// A package that is arriving: its head is proven, and objects follow. Nothing is stored under a tag
/// yet: objects of a deployment that never is are swept.
pub struct Arrival {
    manifest: Manifest,
    deployment: NewDeployment,
    missing: BTreeSet<Digest>,
    sent: ObjectTotals,
}

impl Arrival {
    /// Asks which objects are missing, which keeps the others from being swept for a while.
    pub async fn begin(
        (manifest, signer): (Manifest, SignerKey),
        parent: DeploymentTag,
        store: &dyn ObjectStore,
    ) -> Result<Self, TransferError> {
        let deployment = NewDeployment::of(&manifest, parent, signer.to_string());
        let all: BTreeSet<_> = deployment.objects.iter().map(|it| it.digest).collect();
        let missing = store.object_missing(&all).await?;
        Ok(Self { manifest, deployment, missing, sent: ObjectTotals::default() })
    }

    pub fn deployment(&self) -> &NewDeployment {
        &self.deployment
    }

    /// What is to be sent. The object that the content is follows from the head, and is not.
    pub fn missing(&self) -> BTreeSet<Digest> {
        let mut missing = self.missing.clone();
        missing.remove(&self.deployment.digest);
        missing
    }

    pub fn total(&self) -> ObjectTotals {
        ObjectTotals {
            objects: self.deployment.objects.len() as u64,
            bytes: self.deployment.objects.iter().map(|it| it.size).sum(),
        }
    }

    pub async fn object(
        &mut self,
        object: Object,
        store: &dyn ObjectStore,
    ) -> Result<(), TransferError> {
        match self.missing.contains(&object.digest) {
            true => put(store, object.digest, object.bytes, &mut self.sent).await,
            false => Ok(()),
        }
    }

    /// After the last object: only then is the package proven whole.
    pub async fn end(mut self, store: &dyn ObjectStore) -> Result<Uploaded, TransferError> {
        let content = Bytes::from(self.manifest.content.to_object());
        put(store, self.manifest.digest, content, &mut self.sent).await?;
        Ok(Uploaded { sent: self.sent, total: self.total(), deployment: self.deployment })
    }
}

async fn put(
    store: &dyn ObjectStore,
    digest: Digest,
    bytes: Bytes,
    sent: &mut ObjectTotals,
) -> Result<(), TransferError> {
    let size = bytes.len() as u64;
    if store.object_put(digest, bytes).await? {
        sent.objects += 1;
        sent.bytes += size;
    }
    Ok(())
}

/// A deployment's content, and of its objects those that are asked for.
pub async fn load(
    digest: Digest,
    wanted: impl FnOnce(&Content) -> BTreeSet<Digest>,
    store: &dyn ObjectStore,
) -> Result<Contents, TransferError> {
    let content = Content::from_object(digest, &get(store, digest).await?)?;
    let mut contents = Contents { objects: Default::default(), content };
    for object in wanted(&contents.content) {
        contents.objects.insert(object, get(store, object).await?);
    }
    Ok(contents)
}

/// What an engine needs to run a deployment.
pub async fn plans(
    digest: Digest,
    store: &dyn ObjectStore,
) -> Result<(Content, Vec<Plan>), TransferError> {
    let of_plans = |it: &Content| it.workflows.iter().map(|it| it.plan).collect();
    let contents = load(digest, of_plans, store).await?;
    let workflows = contents.content.workflows.iter();
    let plans = workflows.map(|it| contents.plan(&it.name)).collect::<Result<_, _>>()?;
    Ok((contents.content, plans))
}

/// What differs between two deployments, down to fields; `None` is the empty one.
pub(super) async fn difference(
    before: Option<Digest>,
    after: Option<Digest>,
    store: &dyn ObjectStore,
) -> Result<Diff, TransferError> {
    let content = async |digest: Option<Digest>| match digest {
        Some(digest) => load(digest, |_| BTreeSet::new(), store).await.map(Some),
        None => Ok(None),
    };
    let (mut before, mut after) = (content(before).await?, content(after).await?);
    if let (Some(before), Some(after)) = (&mut before, &mut after) {
        for object in Diff::needed(&before.content, &after.content) {
            let bytes = get(store, object).await?;
            before.objects.insert(object, bytes.clone());
            after.objects.insert(object, bytes);
        }
    }
    Ok(Diff::between(before.as_ref(), after.as_ref())?)
}

async fn get(store: &dyn ObjectStore, digest: Digest) -> Result<Bytes, TransferError> {
    store.object_get(digest).await?.ok_or(TransferError::Gone(digest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weir_persistence_api::MemoryStore;

    use super::super::testing;
    use super::*;

    fn store() -> MemoryStore {
        MemoryStore::new(Arc::new(weir_runtime::SystemClock))
    }

    #[tokio::test]
    async fn t18_a_file_goes_to_two_clusters_with_one_digest_and_a_tag_for_each() {
        let file = testing::file("flights-1");
        let mut digests = Vec::new();
        for tag in ["flights-1", "other"] {
            let store = store();
            let mut reader = testing::reader(&file);
            let Uploaded { mut deployment, .. } =
                testing::upload(&mut reader, &store).await.unwrap();
            deployment.tag = DeploymentTag::new(tag).unwrap();
            assert_eq!(deployment.description, "a test's");
            digests.push(deployment.digest);
            assert_eq!(plans(deployment.digest, &store).await.unwrap().1, [testing::plan()]);
        }
        assert_eq!(digests[0], digests[1]);
    }

    #[tokio::test]
    async fn t11_only_what_is_missing_is_sent() {
        let store = store();
        let upload = async |tag: &str| {
            let file = testing::file(tag);
            let mut reader = testing::reader(&file);
            testing::upload(&mut reader, &store).await.unwrap()
        };
        let first = upload("a").await;
        assert_eq!(first.sent, first.total);
        let second = upload("b").await;
        assert_eq!(second.sent, ObjectTotals::default());
        assert_eq!(store.object_totals().await, Ok(first.total));
    }

    #[tokio::test]
    async fn a_package_that_is_cut_is_not_uploaded_and_a_deployment_that_is_gone_is_named() {
        let store = store();
        let file = testing::file("a");
        let mut reader = testing::reader(&file[..file.len() - 1]);
        let refused = testing::upload(&mut reader, &store).await;
        assert!(matches!(refused, Err(TransferError::Package(_))), "{refused:?}");
        let digest = testing::package("a").digest();
        let refused = plans(digest, &store).await;
        assert!(matches!(refused, Err(TransferError::Gone(it)) if it == digest));
    }
}
