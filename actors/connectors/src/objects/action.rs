//! What is owed to a store, as values that are stored and run again after a crash.
//!
//! They are read back by later versions: fields may be added with a default, never renamed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::{Fault, Fingerprint, StageId};
use weir_persistence_api::BlobKey;

use super::config::OnExisting;
use super::{NAME, codes};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
pub(super) enum Action {
    Publish(Publish),
    Finish(Finish),
    Discard(Discard),
}

/// Completes an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Publish {
    pub(super) path: String,
    /// Where the upload is noted.
    pub(super) note: BlobKey,
    pub(super) size: u64,
    /// Of all bytes, as 32 hexadecimal digits: tells the object from a namesake.
    pub(super) hash: String,
    pub(super) on_existing: OnExisting,
}

/// Takes a finished object away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finish {
    pub(super) path: String,
    /// The object that was read. Another one with its key stays where it is.
    pub(super) fingerprint: Fingerprint,
    /// Where it is copied first, if anywhere.
    pub(super) to: Option<String>,
    /// The store that it is in, for people.
    pub(super) place: String,
}

/// Gives up what a stage of a stream uploaded and never published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Discard {
    pub(super) parent: BlobKey,
}

impl Action {
    /// As the pipeline stores it; `deployed` is the stage's configuration without the values of secrets. It
    /// is run with the connection that the stage has by then: keys are changed meanwhile.
    pub(super) fn stored(&self, stage: &StageId, deployed: &Value) -> weir_stream::Action {
        let payload = serde_json::to_value(self).expect("texts and numbers become JSON");
        let connection = deployed.get("connection").cloned().unwrap_or_default();
        let stage = Some(stage.clone());
        weir_stream::Action { connection, stage, ..weir_stream::Action::new(NAME, payload) }
    }

    pub(super) fn read(payload: &Value) -> Result<Self, Fault> {
        Self::deserialize(payload).map_err(|error| unreadable(&error))
    }
}

pub(super) fn unreadable(error: &dyn std::fmt::Display) -> Fault {
    let message = format!("a stored action of the connector {NAME} can't be read: {error}");
    Fault::transient(codes::ACTION, message)
        .with_hint("run the version of weir that stored it, or a newer one")
}
