//! What the data plane asks of the controllers, answered by their handles.

use async_trait::async_trait;
use bytes::Bytes;
use weir_controllers::access::{self, AccessCoordinator};
use weir_controllers::streams::StreamMonitor;
use weir_domain::{ClaimId, LogLine, Stream, StreamId};
use weir_persistence_api::{Adoption, Claim, ClaimRequest, Error, Settlement, Unfinished};
use weir_stream::{Access, AccessError, Monitor};

pub(crate) struct AccessPort(pub(crate) AccessCoordinator);

fn refused(failure: access::Failure) -> AccessError {
    match failure {
        access::Failure::Store(Error::ClaimLost) => AccessError::ClaimLost,
        other => AccessError::Unavailable(other.to_string()),
    }
}

#[async_trait]
impl Access for AccessPort {
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, AccessError> {
        self.0.claim(request).await.map_err(refused)
    }

    async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.0.commit(claim, settlement).await.map_err(refused)
    }

    async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.0.fail(claim, settlement).await.map_err(refused)
    }

    async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Result<(), AccessError> {
        self.0.settle(claim, settlement).await.map_err(refused)
    }

    async fn adopt(&self, adoption: Adoption) -> Result<Option<Unfinished>, AccessError> {
        self.0.adopt(adoption).await.map_err(refused)
    }

    async fn unfinished(&self) -> Result<Vec<Unfinished>, AccessError> {
        self.0.unfinished().await.map_err(refused)
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
