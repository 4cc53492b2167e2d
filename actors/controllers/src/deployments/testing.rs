//! A small package, for the tests of this room.

use weir_domain::plan::{Plan, Retry};
use weir_domain::{DeploymentTag, ProjectName, Timestamp, WorkflowName};
use weir_package::{Details, Limits, Package, Parts, Reader, Signer, Trust, Workflow};

use weir_persistence_api::ObjectStore;

use super::storage::{NewDeployment, root};
use super::{Arrival, TransferError, Uploaded};

pub(super) fn plan() -> Plan {
    Plan {
        workflow: WorkflowName::new("flights").unwrap(),
        instances: 1,
        stages: vec![],
        edges: vec![],
        retry: Retry::default(),
        dead_letters: None,
        error_limit: None,
    }
}

fn signer() -> Signer {
    Signer::from_seed(&[1; 32])
}

/// The same content whatever its tag.
pub(super) fn package(tag: &str) -> Package {
    build(tag, None)
}

/// With scheduler settings.
pub(super) fn package_with(scheduler: Option<serde_json::Value>) -> Package {
    build("settings", scheduler)
}

fn build(tag: &str, scheduler: Option<serde_json::Value>) -> Package {
    let workflow = Workflow { plan: plan(), assets: vec![], scripts: vec![], secrets: vec![] };
    let parts = Parts {
        project: ProjectName::new("flights").unwrap(),
        base_dir: "/srv/flights".into(),
        workflows: vec![workflow],
        assets: vec![],
        scripts: vec![],
        environments: vec![],
        secrets: vec![],
        scheduler,
        assignments: None,
    };
    let details = Details {
        tag: DeploymentTag::new(tag).unwrap(),
        description: "a test's".into(),
        author: "ada".into(),
        commit: None,
        built_at: Timestamp(1),
    };
    Package::build(parts, details, &Limits::default()).unwrap()
}

pub(super) fn file(tag: &str) -> Vec<u8> {
    let mut file = Vec::new();
    package(tag).write(&mut file, &signer()).unwrap();
    file
}

pub(super) fn reader(file: &[u8]) -> Reader<&[u8]> {
    Reader::open(file, &Trust::Only([signer().key()].into()), &Limits::default()).unwrap()
}

pub(super) async fn upload(
    reader: &mut Reader<&[u8]>,
    store: &dyn ObjectStore,
) -> Result<Uploaded, TransferError> {
    let head = (reader.manifest().clone(), reader.signer());
    let mut arrival = Arrival::begin(head, root(), store).await?;
    while let Some(object) = reader.next_object()? {
        arrival.object(object, store).await?;
    }
    arrival.end(store).await
}

/// What is to be stored of it.
pub(super) fn deployment(tag: &str) -> NewDeployment {
    NewDeployment::of(&package(tag).manifest(), root(), signer().key().to_string())
}
