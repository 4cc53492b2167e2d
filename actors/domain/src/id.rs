//! Ids: opaque, unique, never reused. New ones are made by the composition root and arrive as
//! values; nothing in this crate makes one.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;
use crate::schedule::InstanceNumber;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id looks like 0197a8b0-5b5e-7c3e-9d4f-0123456789ab")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self).map_err(|_| InvalidId)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }
    };
}

id!(
    /// One stream: one item on its way through one workflow, with all its attempts.
    StreamId
);
impl StreamId {
    /// The least id that a stream could have that was opened then.
    pub fn first_at(at: Timestamp) -> Self {
        let ms = u64::try_from(at.0).unwrap_or(0);
        Self(Uuid::from_u64_pair(ms << 16, 0))
    }
}

id!(
    /// One exclusive claim of a source item. A claim that was lost is never valid again.
    ClaimId
);
id!(
    /// One cluster, for ever: it tells a store of this cluster from one of another.
    ClusterId
);
id!(
    /// One command of one caller, however often it is sent: carried out once.
    CommandId
);
id!(
    /// One incarnation of an engine: a restarted engine is another one.
    NodeUid
);
id!(
    /// One reservation of a resource. One that ended or was revoked is never valid again.
    ReservationId
);
id!(
    /// One pass over the items of a source, however often it is asked for.
    SweepId
);
id!(
    /// One API token.
    TokenId
);
id!(
    /// One log-in of one user.
    SessionId
);

/// The number of an instance of a workflow in the cluster, as its streams know it: counted from 1,
/// and never given again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct InstanceId(pub u64);

impl From<InstanceNumber> for InstanceId {
    fn from(number: InstanceNumber) -> Self {
        Self(number.0)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
