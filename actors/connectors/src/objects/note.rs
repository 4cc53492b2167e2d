//! Notes of uploads, in the staging area: what to complete, and what to give up.
//!
//! They are read back by later versions: fields may be added with a default, never renamed.

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;
use weir_domain::Fault;
use weir_persistence_api::BlobKey;
use weir_stream::Staging;

use super::codes;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    /// The store that it is in, for people.
    pub(super) place: String,
    pub(super) path: String,
    pub(super) upload: String,
    /// As the store named them, in order. None before the object is whole.
    pub(super) parts: Vec<String>,
}

impl Note {
    /// Where it is kept: no other upload has that key, but one of Azure to the same path, which has no id.
    pub(super) fn key(&self, parent: &BlobKey) -> Result<BlobKey, Fault> {
        let id = format!("{}\0{}", self.upload, self.path);
        let key = parent.below(format!("{:032x}", XxHash3_128::oneshot(id.as_bytes())));
        key.map_err(|error| Fault::config(codes::ACTION, error.to_string()))
    }

    pub(super) fn put(&self, staging: &Staging, key: &BlobKey) -> Result<(), Fault> {
        let content = serde_json::to_vec(self).expect("texts become JSON");
        staging.put(key, Bytes::from(content))
    }

    pub(super) fn get(staging: &Staging, key: &BlobKey) -> Result<Option<Self>, Fault> {
        let Some(content) = staging.get(key)? else { return Ok(None) };
        serde_json::from_slice(&content).map(Some).map_err(|error| {
            let message = format!("the note {key} of an upload can't be read: {error}");
            Fault::transient(codes::ACTION, message)
                .with_hint("run the version of weir that stored it, or a newer one")
        })
    }

    pub(super) fn path(&self) -> Result<Path, Fault> {
        super::store::path(None, &self.path)
    }
}
