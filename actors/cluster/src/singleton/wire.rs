//! What goes over the wire between a proxy and the node of its singleton, and between keepers.
//! MessagePack with named fields.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Incarnation, NodeUid};
use weir_persistence_api::LeaseName;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request<R> {
    /// The same for every attempt.
    pub(super) command: CommandId,
    /// The epoch at which the caller believes the receiver to be in charge.
    pub(super) epoch: u64,
    pub(super) request: R,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply<R> {
    Done(R),
    /// Nothing was done. With what the receiver knows of the owner.
    NotHere {
        owner: Option<Incarnation>,
        epoch: u64,
    },
    /// It may be done soon. Nothing was done yet, unless that is uncertain.
    Unavailable {
        cause: String,
        retry_after_ms: u64,
        #[serde(default)]
        is_uncertain: bool,
    },
    /// Nothing was done: the receiver was in charge at this epoch, and the caller knows a later one.
    StaleEpoch {
        epoch: u64,
    },
    /// Nothing was done, unless that is uncertain, and nothing will be.
    Refused {
        cause: String,
        #[serde(default)]
        is_uncertain: bool,
    },
}

/// What keepers tell each other. It saves waiting for the next look into the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Hint {
    Taken {
        lease: LeaseName,
        epoch: u64,
    },
    Released {
        lease: LeaseName,
        epoch: u64,
        to: Option<NodeUid>,
        is_leaving: bool,
    },
    /// Something changed in the store.
    Look,
}

pub(super) fn write<T: Serialize>(value: &T) -> Result<Bytes, String> {
    rmp_serde::to_vec_named(value).map(Bytes::from).map_err(|it| it.to_string())
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|it| it.to_string())
}
