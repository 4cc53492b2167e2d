//! The audit: who did what to what, and what came of it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{AuditEntry, AuditHead, Timestamp, UserClaim, UserName};

use crate::{Cursor, schema};

/// One entry, in the very form that its hash covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(as = AuditEntry, value_type = Object)]
pub struct AuditEntryView(pub AuditEntry);

impl From<AuditEntry> for AuditEntryView {
    fn from(it: AuditEntry) -> Self {
        Self(it)
    }
}

/// Which entries to list, newest first. What is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    #[param(value_type = Option<schema::Name>)]
    pub user: Option<UserName>,
    #[param(value_type = Option<schema::UserClaim>)]
    pub claim: Option<UserClaim>,
    /// Any part of it.
    pub object: Option<String>,
    #[param(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    #[param(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Only what was not done.
    pub only_refused: Option<bool>,
    /// Most entries to return: 1 to 500, 50 where it is not given.
    pub limit: Option<u32>,
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// The end of the chain. Kept elsewhere, it proves later that no newest entries were cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditHeadView {
    pub sequence: u64,
    #[schema(value_type = schema::Fingerprint)]
    pub hash: weir_domain::AuditHash,
}

impl From<AuditHead> for AuditHeadView {
    fn from(AuditHead { sequence, hash }: AuditHead) -> Self {
        Self { sequence, hash }
    }
}

/// Drops entries up to that number, which should have been exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditSeal {
    pub through: u64,
}
