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

/// Somebody carries out the request that was sent under a key, or did. A field that another version added is passed
/// over: what it holds for, it holds for all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[serde(rename_all = "camelCase")]
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

/// What a claim of a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Mine,
    Already(Box<Claimed>),
    /// It is claimed, and what is kept of it can't be read: it is of another version, or damaged.
    Unreadable,
}

/// Keeps claims and answers for a time, and no more of them than it has room for.
#[async_trait]
pub trait AnswerStore: Send + Sync + 'static {
    /// Claims the key, unless it is claimed already: then by what. Of all who do, on whatever server, one gets
    /// it.
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Taken, Fault>;
    /// What the claim came to.
    async fn answer(&self, scope: &Scope, claim: &Claim, answer: KeptAnswer) -> Result<(), Fault>;
    /// The key may be used as if it never had been.
    async fn release(&self, scope: &Scope, claim: &Claim) -> Result<(), Fault>;
    /// Makes room, a bounded part of it at a time. No command waits for it.
    async fn tidy(&self) {}
}

/// Keeps them as long as the process lives.
#[derive(Debug, Default)]
pub struct KeptInMemory(Mutex<BTreeMap<Scope, Claimed>>);

#[async_trait]
impl AnswerStore for KeptInMemory {
    async fn claim(&self, scope: &Scope, claim: &Claim) -> Result<Taken, Fault> {
        let mut kept = self.kept();
        if let Some(known) = kept.get(scope) {
            return Ok(Taken::Already(Box::new(known.clone())));
        }
        kept.insert(scope.clone(), Claimed { claim: claim.clone(), answer: None });
        Ok(Taken::Mine)
    }

    async fn answer(&self, scope: &Scope, claim: &Claim, answer: KeptAnswer) -> Result<(), Fault> {
        let mut kept = self.kept();
        if let Some(claimed) = kept.get_mut(scope).filter(|it| it.claim.id == claim.id) {
            claimed.answer = Some(answer);
        }
        Ok(())
    }

    async fn release(&self, scope: &Scope, claim: &Claim) -> Result<(), Fault> {
        let mut kept = self.kept();
        if kept.get(scope).is_some_and(|it| it.claim.id == claim.id) {
            kept.remove(scope);
        }
        Ok(())
    }
}

impl KeptInMemory {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Scope, Claimed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
