//! The head of a package: its content, its details, and the list of its objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, DeploymentTag, Digest, Timestamp};

use crate::{Content, Error, Item, Limits, Result, limits};

/// What is said about a deployment and is no part of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Details {
    pub tag: DeploymentTag,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub author: String,
    /// Of the project's repository, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub built_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectEntry {
    pub digest: Digest,
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Of the content.
    pub digest: Digest,
    pub details: Details,
    pub content: Content,
    /// In the order in which they follow: by digest.
    pub objects: Vec<ObjectEntry>,
}

impl Manifest {
    /// What is in the objects, for those who name one.
    pub(crate) fn uses(&self) -> BTreeMap<Digest, Item> {
        self.content.objects()
    }

    /// Refuses a manifest that is not what a builder writes.
    pub(crate) fn check(&self, limits: &Limits) -> Result<()> {
        self.content.check()?;
        let found = self.content.digest();
        if found != self.digest {
            let what = "the content of the package".to_owned();
            return Err(Error::Tampered { what, stated: self.digest, found });
        }
        self.check_sizes(limits)?;
        self.check_objects()
    }

    fn check_sizes(&self, limits: &Limits) -> Result<()> {
        if self.objects.len() > limits.objects_max {
            let (found, limit) = (self.objects.len(), limits.objects_max);
            return Err(Error::TooManyObjects { found, limit });
        }
        let uses = self.uses();
        for ObjectEntry { digest, size } in &self.objects {
            let name = || uses.get(digest).map_or_else(|| digest.to_string(), Item::to_string);
            limits::check(name, Bytes(*size), limits.object_bytes_max)?;
        }
        let all = self.objects.iter().fold(0_u64, |sum, it| sum.saturating_add(it.size));
        limits::check(|| "the package".into(), Bytes(all), limits.package_bytes_max)
    }

    fn check_objects(&self) -> Result<()> {
        let uses = self.uses();
        if let Some(pair) = self.objects.windows(2).find(|it| it[0].digest >= it[1].digest) {
            let reason =
                format!("object {:.12} is not in its place, or there twice", pair[1].digest);
            return Err(Error::Malformed { what: "the manifest".into(), reason });
        }
        let listed = |digest: &Digest| self.objects.binary_search_by(|it| it.digest.cmp(digest));
        if let Some((&object, used_by)) = uses.iter().find(|it| listed(it.0).is_err()) {
            return Err(Error::Missing { used_by: used_by.clone(), object });
        }
        match self.objects.iter().find(|it| !uses.contains_key(&it.digest)) {
            Some(unused) => Err(Error::Unused(unused.digest)),
            None => Ok(()),
        }
    }
}
