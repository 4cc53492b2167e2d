//! Delivers what an outbox holds, and clears it away.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::{Fault, StageId};
use weir_persistence_api::BlobKey;
use weir_stream::{
    Action, BuildContext, CrashPoint, Due, Effects, Published, Staging, StreamContext,
    decode_config, reach,
};

use super::{DAMAGED, Outbox};

/// How a connector sends.
pub(crate) trait Deliver: Send + Sync + 'static {
    /// The kind of its sinks.
    const NAME: &'static str;
    /// What of the configuration may hold secrets: the key `connection`.
    type Connection: DeserializeOwned;
    /// What else is to be known: stored with the action. Fields may be added with a default,
    /// never renamed.
    type Target: Serialize + DeserializeOwned + Send;
    /// The configuration of its sinks.
    type Config: DeserializeOwned;

    /// The target as the stage is configured now. What waits keeps what it is; how it is sent, and what
    /// becomes of what is refused, may have been mended since.
    fn renewed(stored: Self::Target, config: Self::Config) -> Self::Target;

    /// Sends all. It may be called again with the same outbox, also after it was delivered.
    fn deliver(
        &self,
        connection: Self::Connection,
        delivery: &Delivery<'_, Self::Target>,
    ) -> Result<Vec<Published>, Fault>;
}

/// What is to be delivered.
pub(crate) struct Delivery<'a, T> {
    pub(crate) target: T,
    pub(crate) outbox: &'a Outbox,
    /// `WORKFLOW/STAGE/ITEM`: whose deliveries follow each other.
    pub(crate) job: &'a str,
    staging: &'a Staging,
}

impl<T> Delivery<'_, T> {
    /// The entries of one part after the other. `None` of a part: another has delivered everything.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Result<Option<Vec<Bytes>>, Fault>> {
        self.outbox.parts(self.staging)
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase")]
enum Stored<T> {
    #[serde(rename_all = "camelCase")]
    Send { outbox: Outbox, job: String, target: T },
    #[serde(rename_all = "camelCase")]
    Discard { parent: BlobKey },
}

/// The effects of a connector that delivers.
pub(crate) struct Outgoing<D>(pub(crate) D);

impl<D: Deliver> Outgoing<D> {
    /// What sends the outbox of a stream.
    pub(crate) fn sending(
        cx: &BuildContext,
        stream: &StreamContext,
        outbox: Outbox,
        target: D::Target,
    ) -> Action {
        let job = format!("{}/{}/{}", stream.workflow, cx.stage, stream.item);
        let connection = cx.deployed.get("connection").cloned().unwrap_or_default();
        let stage = Some(cx.stage.clone());
        Action { connection, stage, ..stored(D::NAME, &Stored::Send { outbox, job, target }) }
    }
}

/// What removes all that a stage of a stream has in outboxes.
pub(crate) fn discarding(connector: &str, stream: &StreamContext, stage: &StageId) -> Vec<Action> {
    // A name that makes no key has made no blob either.
    let parent = Staging::of_stream(stream.stream, stage).ok();
    parent
        .map(|parent| stored(connector, &Stored::<Value>::Discard { parent }))
        .into_iter()
        .collect()
}

fn stored<T: Serialize>(connector: &str, action: &Stored<T>) -> Action {
    let payload = serde_json::to_value(action).expect("names and numbers become JSON");
    Action::new(connector, payload)
}

impl<D: Deliver> Effects for Outgoing<D> {
    fn run(&self, due: Due<'_>) -> Result<Vec<Published>, Fault> {
        let unreadable = |error: &dyn std::fmt::Display| {
            let message = format!("a stored action of the connector {}: {error}", D::NAME);
            Fault::transient(DAMAGED, message)
                .with_hint("run the version of weir that stored it, or a newer one")
        };
        let stored = Stored::<D::Target>::deserialize(due.payload).map_err(|it| unreadable(&it))?;
        let (outbox, job, target) = match stored {
            Stored::Send { outbox, job, target } => (outbox, job, target),
            Stored::Discard { parent } => return due.staging.discard(&parent).map(|()| Vec::new()),
        };
        let connection = decode_config(due.connection).map_err(|it| unreadable(&it))?;
        // What no longer fits was deployed by another version of us: then what is stored counts.
        let config = due.config.and_then(|it| decode_config(it).ok());
        let target = match config {
            Some(config) => D::renewed(target, config),
            None => target,
        };
        let (outbox, staging) = (&outbox, due.staging);
        let delivery = Delivery { target, outbox, job: &job, staging };
        let published = self.0.deliver(connection, &delivery)?;
        reach(CrashPoint::AfterPublication);
        staging.discard(&outbox.parent)?;
        Ok(published)
    }
}
