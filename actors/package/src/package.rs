//! A package as a value: everything of it in memory.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use bytes::Bytes;
use weir_domain::plan::Plan;
use weir_domain::{Digest, WorkflowName};

use crate::build::Parts;
use crate::{
    AssignmentSettings, Content, Details, Error, Item, Limits, Manifest, ObjectEntry, Reader,
    Result, Signer, Trust, write,
};

/// A content and the objects that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub content: Content,
    pub objects: BTreeMap<Digest, Bytes>,
}

impl Contents {
    /// The plan of a workflow, as it was built.
    pub fn plan(&self, workflow: &WorkflowName) -> Result<Plan> {
        let entry = self.content.workflows.iter().find(|it| it.name == *workflow);
        let item = Item::Workflow(workflow.clone());
        let entry = entry
            .ok_or_else(|| Error::Dangling { used_by: Item::Settings, missing: item.clone() })?;
        read_plan(&item, self.object(&item, entry.plan)?)
    }

    /// The rules that the content brings; their object must be there.
    pub fn assignments(&self) -> Result<Option<AssignmentSettings>> {
        let Some(digest) = self.content.assignments else { return Ok(None) };
        let bytes = self.object(&Item::Assignments, digest)?;
        let malformed = |it: serde_json::Error| Error::Malformed {
            what: Item::Assignments.to_string(),
            reason: it.to_string(),
        };
        serde_json::from_slice(bytes).map(Some).map_err(malformed)
    }

    pub(crate) fn object(&self, used_by: &Item, object: Digest) -> Result<&Bytes> {
        let missing = || Error::Missing { used_by: used_by.clone(), object };
        self.objects.get(&object).ok_or_else(missing)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub details: Details,
    pub contents: Contents,
}

impl Package {
    /// Puts a package together. What can't be in one is refused here already.
    pub fn build(parts: Parts, details: Details, limits: &Limits) -> Result<Self> {
        let package = Self { details, contents: parts.into_contents()? };
        package.manifest().check(limits)?;
        Ok(package)
    }

    /// Reads a whole package into memory. For one that may be large there is [`Reader`].
    pub fn read(source: impl Read, trust: &Trust, limits: &Limits) -> Result<Self> {
        let mut reader = Reader::open(source, trust, limits)?;
        let mut objects = BTreeMap::new();
        while let Some(object) = reader.next_object()? {
            objects.insert(object.digest, object.bytes);
        }
        let Manifest { details, content, .. } = reader.into_manifest();
        Ok(Self { details, contents: Contents { content, objects } })
    }

    pub fn write(&self, sink: impl Write, signer: &Signer) -> Result<()> {
        let objects = self.contents.objects.values().map(|it| Ok(it.clone()));
        write::write(sink, &self.manifest(), signer, objects)
    }

    pub fn digest(&self) -> Digest {
        self.contents.content.digest()
    }

    pub fn manifest(&self) -> Manifest {
        let Contents { content, objects } = &self.contents;
        let entry = |(digest, bytes): (&Digest, &Bytes)| ObjectEntry {
            digest: *digest,
            size: bytes.len() as u64,
        };
        Manifest {
            digest: content.digest(),
            details: self.details.clone(),
            content: content.clone(),
            objects: objects.iter().map(entry).collect(),
        }
    }
}

pub(crate) fn read_plan(item: &Item, bytes: &[u8]) -> Result<Plan> {
    let malformed = |reason: String| Error::Malformed { what: item.to_string(), reason };
    let plan: Plan = serde_json::from_slice(bytes).map_err(|it| malformed(it.to_string()))?;
    if *item != Item::Workflow(plan.workflow.clone()) {
        return Err(malformed(format!("its plan is of workflow {}", plan.workflow)));
    }
    Ok(plan)
}
