//! Where it is kept which commands were carried out under a key, and what they were answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Fault, NodeName, NodeUid, Timestamp, UserName};
use weir_http_api::Problem;
use weir_secrets::PasswordHash;

/// A key, as its user's and its route's: both are plain hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub user: String,
    pub key: String,
}

/// Somebody carries out the request that was sent under a key, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    pub id: CommandId,
    pub by: UserName,
    pub at: Timestamp,
    /// Which server, and which life of it.
    pub server: NodeName,
    pub life: NodeUid,
    /// What was sent.
    pub sent: PasswordHash,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub problem: Option<Problem>,
    /// `None`: it was too long.
    pub body: Option<String>,
}

/// What there is under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub claim: Claim,
    /// `None`: there is none yet.
    pub answer: Option<KeptAnswer>,
}

/// Keeps claims and answers for a time, and no more of them than it has room for.
#[async_trait]
pub trait AnswerStore: Send + Sync + 'static {
    /// Claims the key, unless it is claimed already: then by what. Of all who do, on whatever server, one gets
    /// it.
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Option<Claimed>, Fault>;
    /// What the claim came to.
    async fn answer(&self, scope: &Scope, claim: &Claim, answer: KeptAnswer) -> Result<(), Fault>;
    /// The key may be used as if it never had been.
    async fn release(&self, scope: &Scope, claim: &Claim) -> Result<(), Fault>;
}

/// Keeps them as long as the process lives.
#[derive(Debug, Default)]
pub struct KeptInMemory(Mutex<BTreeMap<Scope, Claimed>>);

#[async_trait]
impl AnswerStore for KeptInMemory {
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Option<Claimed>, Fault> {
        let mut kept = self.kept();
        let known = kept.get(scope).cloned();
        if known.is_none() {
            kept.insert(scope.clone(), Claimed { claim: claim.clone(), answer: None });
        }
        Ok(known)
    }

    async fn answer(&self, scope: &Scope, _: &Claim, answer: KeptAnswer) -> Result<(), Fault> {
        if let Some(claimed) = self.kept().get_mut(scope) {
            claimed.answer = Some(answer);
        }
        Ok(())
    }

    async fn release(&self, scope: &Scope, _: &Claim) -> Result<(), Fault> {
        self.kept().remove(scope);
        Ok(())
    }
}

impl KeptInMemory {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Scope, Claimed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
