//! The audit as a singleton: entries are written by one actor, and read from the store.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_cluster::{Instance, RequestContext, Service, Singleton, Unavailable};
use weir_domain::{
    AuditAction, AuditEntry, AuditHead, AuditOutcome, Fault, Timestamp, UserClaim, UserName,
};
use weir_persistence_api::{Error, Fence, Store, StoredEvent};
use weir_runtime::{AskError, Ref, RestartPolicy, System};

use super::mask::masked_action;
use super::recorder::{Ask, Recorder, journal};
use super::{LEASE, SEAL};
use crate::instance;

/// Calls that may wait for it.
const MAILBOX: usize = 4_096;
/// Most entries in one answer.
const PAGE_MAX: u32 = 1_000;
/// Entries that one question looks at: a filter that fits few goes on with the next page.
const LOOKED_AT_MAX: u64 = 10_000;

/// What it is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    Record(Box<AuditAction>),
    /// The newest first, below `before`.
    List {
        filter: AuditFilter,
        before: Option<u64>,
        limit: u32,
    },
    /// The oldest first, above `after`: for verification and export.
    Read {
        after: u64,
        limit: u32,
    },
    /// Drops entries up to this number, and records that.
    Seal {
        through: u64,
        by: UserName,
        from: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Recorded(AuditHead),
    /// `next`: where to go on; `None`: there are no more.
    Listed {
        entries: Vec<AuditEntry>,
        next: Option<u64>,
    },
    /// Fewer than were asked for means the end.
    Read(Vec<AuditEntry>),
    Failed(Error),
}

/// What is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditFilter {
    pub user: Option<UserName>,
    pub claim: Option<UserClaim>,
    /// Any part of it.
    pub object: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Those that were not done.
    pub only_refused: bool,
}

impl AuditFilter {
    pub fn fits(&self, it: &AuditAction) -> bool {
        self.user.as_ref().is_none_or(|user| it.user.as_ref() == Some(user))
            && self.claim.is_none_or(|claim| it.claim == Some(claim))
            && self.object.as_ref().is_none_or(|part| it.object.contains(part.as_str()))
            && self.since.is_none_or(|since| since <= it.at)
            && self.until.is_none_or(|until| it.at < until)
            && !(self.only_refused && it.outcome == AuditOutcome::Done)
    }
}

/// Reads an entry as it was stored.
pub(super) fn decoded(event: &StoredEvent) -> Result<AuditEntry, Error> {
    serde_json::from_slice(&event.payload).map_err(|error| Error::Corrupt {
        what: format!("entry {} of the audit", event.sequence),
        reason: error.to_string(),
    })
}

/// Makes the audit wherever its lease is held.
pub struct AuditSingleton {
    pub system: System,
    pub store: Arc<dyn Store>,
    pub restarts: RestartPolicy,
}

#[async_trait]
impl Singleton for AuditSingleton {
    type Service = AuditService;

    async fn start(&self, fence: Fence) -> Result<Instance<AuditService>, Fault> {
        let Self { system, store, restarts } = self;
        let recorder = Recorder { system: system.clone(), store: store.clone(), fence };
        let failed = |it: &dyn std::fmt::Display| Fault::transient(6144, it.to_string());
        let (child, starting) =
            instance::supervised(system, LEASE, *restarts, recorder, failed).await?;
        let recorder = Ref::supervised(system.gate(LEASE, MAILBOX), child);
        let service = AuditService { recorder, system: system.clone(), store: store.clone() };
        Ok(Instance::new(Arc::new(service), starting.keep()))
    }
}

/// Answers requests: writes by asking the recorder, reads from the store.
pub struct AuditService {
    recorder: Ref<Ask>,
    system: System,
    store: Arc<dyn Store>,
}

#[async_trait]
impl Service for AuditService {
    type Request = Request;
    type Response = Response;

    const NAME: &'static str = LEASE;
    const VERSION: u32 = 1;

    async fn serve(
        &self,
        request: Request,
        context: RequestContext,
    ) -> Result<Response, Unavailable> {
        match request {
            Request::Record(action) => {
                let action = masked_action(*action);
                self.write(context, |reply| Ask::Record(Box::new(action), context.command, reply))
                    .await
            }
            Request::Seal { through, by, from } => {
                let action = Box::new(self.seal(by, from, context));
                self.write(context, |reply| Ask::Seal(through, action, context.command, reply))
                    .await
            }
            Request::List { filter, before, limit } => {
                read(self.list(&filter, before, limit.min(PAGE_MAX)).await)
            }
            Request::Read { after, limit } => {
                let found = self.entries(after, limit.min(PAGE_MAX)).await;
                read(found.map(Response::Read))
            }
        }
    }
}

impl AuditService {
    fn seal(&self, by: UserName, from: String, context: RequestContext) -> AuditAction {
        AuditAction {
            at: self.system.now(),
            user: Some(by),
            claim: Some(UserClaim::AuditManage),
            action: SEAL.to_owned(),
            object: "audit".to_owned(),
            before: None,
            after: None,
            outcome: AuditOutcome::Done,
            from,
            request: context.command,
        }
    }

    async fn write(
        &self,
        context: RequestContext,
        ask: impl FnOnce(weir_runtime::Reply<Result<AuditHead, Error>>) -> Ask,
    ) -> Result<Response, Unavailable> {
        match self.recorder.ask(context.within, ask).await {
            Ok(Ok(head)) => Ok(Response::Recorded(head)),
            // It may be there: the same request is not recorded twice.
            Ok(Err(error @ Error::Unknown(_))) => Err(Unavailable::uncertain(error.to_string())),
            // Another instance is the writer, or was there first: nothing was written.
            Ok(Err(
                error @ (Error::Unavailable(_) | Error::Conflict { .. } | Error::Fenced { .. }),
            )) => Err(Unavailable::new(error.to_string())),
            Ok(Err(error)) => Ok(Response::Failed(error)),
            Err(error @ (AskError::Timeout { .. } | AskError::Stopped { .. })) => {
                Err(Unavailable::uncertain(error.to_string()))
            }
            Err(error) => Err(Unavailable::new(error.to_string())),
        }
    }

    async fn entries(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        let events = self.store.replay(&journal(), after, limit).await?;
        events.iter().map(decoded).collect()
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Response, Error> {
        let highest = self.store.highest(&journal()).await?;
        let mut below = before.unwrap_or(u64::MAX).min(highest.saturating_add(1));
        let last = below.saturating_sub(LOOKED_AT_MAX);
        let mut entries = Vec::new();
        while below > last.max(1) {
            let after = below.saturating_sub(1 + u64::from(PAGE_MAX)).max(last.saturating_sub(1));
            let mut page = self.entries(after, PAGE_MAX).await?;
            // After a prefix was dropped the page begins later, and may reach beyond.
            page.retain(|it| it.sequence < below);
            let Some(oldest) = page.first().map(|it| it.sequence) else {
                return Ok(Response::Listed { entries, next: None });
            };
            for entry in page.into_iter().rev().filter(|it| filter.fits(&it.action)) {
                if entries.len() == limit as usize {
                    let next = entries.last().map(|it: &AuditEntry| it.sequence);
                    return Ok(Response::Listed { entries, next });
                }
                entries.push(entry);
            }
            if oldest > after + 1 {
                return Ok(Response::Listed { entries, next: None });
            }
            below = oldest;
        }
        Ok(Response::Listed { entries, next: (below > 1).then_some(below) })
    }
}

fn read(answer: Result<Response, Error>) -> Result<Response, Unavailable> {
    match answer {
        Ok(response) => Ok(response),
        Err(error) if error.is_transient() => Err(Unavailable::new(error.to_string())),
        Err(error) => Ok(Response::Failed(error)),
    }
}
