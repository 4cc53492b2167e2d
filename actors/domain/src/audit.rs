//! The audit: who did what to what, and what came of it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{CommandId, KeyFingerprint, Timestamp, UserClaim, UserName};

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuditOutcome {
    Done,
    /// It was not allowed or not possible, and changed nothing.
    Refused(String),
    /// Whether it was done is not known.
    Unknown(String),
}

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditAction {
    pub at: Timestamp,
    /// `None`: somebody who did not say who they are.
    pub user: Option<UserName>,
    /// The claim that it needed; `None` for what everybody may try, such as to log in.
    pub claim: Option<UserClaim>,
    /// `noun verb`.
    pub action: String,
    /// What it was done to: `noun/name`.
    pub object: String,
    /// The object before and after, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub after: Option<Value>,
    pub outcome: AuditOutcome,
    /// The address that the request came from.
    pub from: String,
    /// The same in logs and in what the caller was answered.
    pub request: CommandId,
}

/// What is there, also if it is `null`: an entry is read back as it was hashed.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// SHA-256 over an entry and the one before it. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AuditHash(pub KeyFingerprint);

impl AuditHash {
    /// What comes before the first entry.
    pub const NONE: Self = Self(KeyFingerprint([0; 32]));
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AuditHash {
    type Err = <KeyFingerprint as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One entry of the chain. As one line of JSON it is what is stored and exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The version of this form. A reader of an older one can't check the hash.
    pub form: u32,
    /// From 1, without a gap.
    pub sequence: u64,
    /// The hash of the entry before.
    pub previous: AuditHash,
    #[serde(flatten)]
    pub action: AuditAction,
    /// Over all the above.
    pub hash: AuditHash,
}

/// What is known of a chain's end: the next entry continues it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditHead {
    pub sequence: u64,
    pub hash: AuditHash,
}

impl AuditHead {
    /// Of an empty audit.
    pub const EMPTY: Self = Self { sequence: 0, hash: AuditHash::NONE };
}
