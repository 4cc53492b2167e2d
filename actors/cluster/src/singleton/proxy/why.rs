//! Why a singleton did not answer, for people and for callers who act on it.

use weir_domain::{Incarnation, Millis};

/// What stands between a request and its singleton.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("no node has its lease yet")]
    NoOwner,
    /// The node that had it a moment ago has it no more.
    #[error("it moves away from {from}")]
    Moved { from: Incarnation },
    #[error("it is on {node} and takes no requests now: {cause}")]
    NotReady { node: Incarnation, cause: String },
    #[error("it is on {node}: {cause}")]
    Unreachable { node: Incarnation, cause: String },
    #[error("the leases have not been readable for {since}: {cause}")]
    StoreAway { since: Millis, cause: String },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Nothing was done. Worth asking again.
    #[error(
        "{singleton} is not available, waited {after}: {why}; nothing was done, try again in {retry_after}"
    )]
    Unavailable { singleton: &'static str, after: Millis, why: Why, retry_after: Millis },
    /// An attempt was cut off, and no later one was answered.
    #[error(
        "{singleton} is not available, waited {after}: {why}; it may have done what was asked, so ask again with the same command id or look first"
    )]
    Unsettled { singleton: &'static str, after: Millis, why: Why },
    /// Nothing was done.
    #[error("{waiting} requests wait for {singleton} already, no more may: {why}")]
    Busy { singleton: &'static str, waiting: usize, why: Why },
    #[error(
        "{singleton} did not answer within {after}: it may still do what was asked, so ask again with the same command id or look first"
    )]
    Timeout { singleton: &'static str, after: Millis },
    /// Nothing was done, and asking again gives the same answer.
    #[error("{singleton} can't do this: {cause}")]
    Refused { singleton: &'static str, cause: String },
}

impl ProxyError {
    /// Whether the request was certainly not carried out.
    pub fn is_undone(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Busy { .. } | Self::Refused { .. } => true,
            Self::Unsettled { .. } | Self::Timeout { .. } => false,
        }
    }

    /// A word for metrics.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Unsettled { .. } => "unsettled",
            Self::Busy { .. } => "busy",
            Self::Timeout { .. } => "timeout",
            Self::Refused { .. } => "refused",
        }
    }
}
