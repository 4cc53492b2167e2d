//! The way to the audit, wherever it lives. Chains are verified on this side of it.

use std::sync::Arc;
use std::time::Duration;

use weir_cluster::{Proxy, ProxyError};
use weir_domain::{AuditAction, AuditEntry, AuditHead, UserName};
use weir_persistence_api::Error;

use super::service::{AuditFilter, AuditService, Request, Response};
use super::{Broken, Verifier};

const ASK_WITHIN: Duration = Duration::from_secs(15);
const PAGE: u32 = 1_000;

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Store(#[from] Error),
    #[error("the audit is not what was written")]
    Broken(#[from] Broken),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

type Answer<T> = Result<T, Failure>;

/// Some entries, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub entries: Vec<AuditEntry>,
    /// Where to go on; `None`: there are no more.
    pub next: Option<u64>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Proxy<AuditService>>);

fn odd<T>(response: Response) -> Answer<T> {
    match response {
        // What was asked for can't be done, whoever asks.
        Response::Failed(Error::Rejected(cause)) => Err(Failure::Refused(cause)),
        Response::Failed(error) => Err(error.into()),
        // An engine of another version may answer what this one does not expect.
        other => Err(Failure::Refused(format!("an answer to another question: {other:?}"))),
    }
}

impl Audit {
    pub fn new(proxy: Proxy<AuditService>) -> Self {
        Self(Arc::new(proxy))
    }

    /// Records what was done. It is durable when this returns; the same request once only.
    pub async fn record(&self, action: AuditAction) -> Answer<AuditHead> {
        let request = action.request;
        let record = Request::Record(Box::new(action));
        match self.0.ask_as(request, record, ASK_WITHIN).await? {
            Response::Recorded(it) => Ok(it),
            other => odd(other),
        }
    }

    pub async fn list(&self, filter: AuditFilter, before: Option<u64>, limit: u32) -> Answer<Page> {
        match self.ask(Request::List { filter, before, limit }).await? {
            Response::Listed { entries, next } => Ok(Page { entries, next }),
            other => odd(other),
        }
    }

    /// Entries above that number, oldest first; none at the end. Each is one line of an export.
    pub async fn read(&self, after: u64) -> Answer<Vec<AuditEntry>> {
        match self.ask(Request::Read { after, limit: PAGE }).await? {
            Response::Read(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Checks every entry; gives the end of the chain, to be kept elsewhere.
    pub async fn verify(&self) -> Answer<AuditHead> {
        let (mut verifier, mut after) = (Verifier::default(), 0);
        loop {
            let page = self.read(after).await?;
            let Some(last) = page.last() else { return Ok(verifier.finish()?) };
            after = last.sequence;
            page.iter().try_for_each(|it| verifier.push(it))?;
        }
    }

    /// Drops entries up to that number: export them before.
    pub async fn seal(&self, through: u64, by: UserName, from: String) -> Answer<AuditHead> {
        match self.ask(Request::Seal { through, by, from }).await? {
            Response::Recorded(it) => Ok(it),
            other => odd(other),
        }
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        Ok(self.0.ask(request, ASK_WITHIN).await?)
    }
}
