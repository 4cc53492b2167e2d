//! What the data plane asks of the controllers, answered by their handles.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use weir_controllers::access::{self, AccessCoordinator};
use weir_controllers::streams::StreamMonitor;
use weir_domain::{ClaimId, LogLine, SourceName, Stream, StreamId};
use weir_persistence_api::{
    Adoption, Claim, ClaimRequest, Error, ItemFilter, ItemRow, Settlement, Unfinished,
};
use weir_stream::{Access, AccessError, Monitor};

/// Refusals that are remembered, so that each is said once though it is met again and again.
const SAID_MAX: usize = 1_000;

pub(crate) struct AccessPort {
    coordinator: AccessCoordinator,
    said: Said,
}

impl AccessPort {
    pub(crate) fn new(coordinator: AccessCoordinator) -> Self {
        Self { coordinator, said: Said::default() }
    }

    /// `what` was asked for, as a person knows it.
    fn refused(&self, what: &str, failure: access::Failure) -> AccessError {
        match failure {
            access::Failure::Store(Error::ClaimLost) => AccessError::ClaimLost,
            access::Failure::Store(error @ (Error::Rejected(_) | Error::Corrupt { .. })) => {
                if self.said.is_news(format!("{what}: {error}")) {
                    tracing::error!(code = "WEIR-00058", what, %error, "the store will refuse this as long as it is as it is");
                }
                AccessError::Unavailable(error.to_string())
            }
            other => AccessError::Unavailable(other.to_string()),
        }
    }
}

/// What has been said.
#[derive(Default)]
struct Said(Mutex<BTreeSet<String>>);

impl Said {
    fn is_news(&self, text: String) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= SAID_MAX {
            said.clear();
        }
        said.insert(text)
    }
}

/// The items of a request: a few by name, the others by their number.
fn items(request: &ClaimRequest) -> String {
    let named: Vec<&str> = request.candidates.iter().take(3).map(|it| it.name.as_str()).collect();
    let names = format!("items {} of source {}", named.join(", "), request.source);
    match request.candidates.len().saturating_sub(named.len()) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[async_trait]
impl Access for AccessPort {
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, AccessError> {
        let what = items(&request);
        self.coordinator.claim(request).await.map_err(|it| self.refused(&what, it))
    }

    async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        let committed = self.coordinator.commit(claim, settlement).await;
        committed.map_err(|it| self.refused(&format!("the commit of claim {claim}"), it))
    }

    async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        let failed = self.coordinator.fail(claim, settlement).await;
        failed.map_err(|it| self.refused(&format!("the failure of claim {claim}"), it))
    }

    async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Result<(), AccessError> {
        let settled = self.coordinator.settle(claim, settlement).await;
        settled.map_err(|it| self.refused(&format!("the settlement of claim {claim}"), it))
    }

    async fn adopt(&self, adoption: Adoption) -> Result<Option<Unfinished>, AccessError> {
        let adopted = self.coordinator.adopt(adoption).await;
        adopted.map_err(|it| self.refused("the adoption of a claim", it))
    }

    async fn unfinished(&self) -> Result<Vec<Unfinished>, AccessError> {
        let unfinished = self.coordinator.unfinished().await;
        unfinished.map_err(|it| self.refused("the list of unfinished claims", it))
    }

    async fn unfinished_of(&self, source: &SourceName) -> Result<Vec<Unfinished>, AccessError> {
        let unfinished = self.coordinator.unfinished_of(source.clone()).await;
        let what = || format!("the list of unfinished claims of source {source}");
        unfinished.map_err(|it| self.refused(&what(), it))
    }

    async fn items(
        &self,
        source: &SourceName,
        names: Vec<String>,
    ) -> Result<Vec<ItemRow>, AccessError> {
        let limit = u32::try_from(names.len()).unwrap_or(u32::MAX);
        let (source, names) = (Some(source.clone()), Some(names));
        let filter = ItemFilter { source, names, ..ItemFilter::default() };
        let page = self.coordinator.page(filter, None, limit).await;
        page.map(|it| it.rows).map_err(|it| self.refused("what is remembered of items", it))
    }
}

pub(crate) struct MonitorPort(pub(crate) StreamMonitor);

#[async_trait]
impl Monitor for MonitorPort {
    fn report(&self, stream: Stream, lines: Vec<LogLine>) {
        self.0.report(stream, lines);
    }

    async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Result<(), AccessError> {
        let closed = self.0.close(stream, lines).await;
        closed.map_err(|it| AccessError::Unavailable(it.to_string()))
    }

    async fn has_ended(&self, stream: StreamId) -> Result<bool, AccessError> {
        let found = self.0.load(stream).await;
        let found = found.map_err(|it| AccessError::Unavailable(it.to_string()))?;
        Ok(found.is_some_and(|it| it.state.is_closed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_is_said_once() {
        let said = Said::default();
        let is_news: Vec<_> = ["a", "b", "a"].map(|it| said.is_news(it.to_owned())).into();
        assert_eq!(is_news, [true, true, false]);
        assert!((0..SAID_MAX).all(|it| said.is_news(it.to_string())));
        assert!(said.0.lock().unwrap().len() <= SAID_MAX);
    }
}
