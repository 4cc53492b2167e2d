//! The other nodes by way of the peer links.
//!
//! A request carries its command id inside, not in the envelope: the links would answer a repeated
//! id from the first outcome, and that may have been that the singleton was not there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{Incarnation, NodeUid};
use weir_remote::{AskError, Handler, Incoming, Lane, Manifest, Outgoing, Refused, Remote};

use super::code;
use super::peers::{Form, NotServed, PeerError, Peers, Serve};

/// Where requests to singletons go. The manifest says to which.
const REQUESTS: &str = "singleton";
const HINTS: &str = "leases";
const HINT: Manifest = Manifest::new("lease-hint", 1);
const ANSWER: Manifest = Manifest::new("singleton-answer", 1);
/// How long a request is worked on whose sender named no limit. Ours always do.
const WITHIN_DEFAULT: Duration = Duration::from_secs(10);

#[async_trait]
impl Peers for Remote {
    fn tell(&self, to: NodeUid, hint: Bytes) {
        let hint = Outgoing::raw(HINT, hint);
        if let Err(cause) = Remote::tell(self, to, HINTS, &hint, Lane::Control) {
            tracing::debug!(%to, %cause, "a hint about leases was not sent");
        }
    }

    async fn ask(
        &self,
        to: NodeUid,
        form: Form,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, PeerError> {
        let request = Outgoing::raw(Manifest::new(form.name, form.version), request);
        match Remote::ask(self, to, REQUESTS, &request, within).await {
            Ok(answer) => Ok(answer.payload),
            Err(AskError::NoLink) => Err(PeerError::NoLink),
            Err(AskError::Busy) => Err(PeerError::Busy),
            Err(AskError::LinkLost) => Err(PeerError::Lost),
            Err(AskError::Timeout(_)) => Err(PeerError::Timeout),
            Err(
                refused @ (AskError::TooLarge { .. }
                | AskError::Unhandled { .. }
                | AskError::Refused(_)),
            ) => Err(PeerError::Refused(refused.to_string())),
        }
    }

    fn serve(&self, serve: Arc<dyn Serve>) {
        Remote::serve(self, REQUESTS, Arc::new(Requests(serve.clone())));
        Remote::serve(self, HINTS, Arc::new(Hints(serve)));
    }
}

struct Requests(Arc<dyn Serve>);

#[async_trait]
impl Handler for Requests {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        let within = message.time_left().unwrap_or(WITHIN_DEFAULT);
        let Manifest { name, version } = message.manifest;
        let answer = self.0.request(&name, version, message.payload, within).await;
        match answer {
            Ok(answer) => Ok(Some(Outgoing::raw(ANSWER, answer))),
            Err(NotServed::Unknown) => Err(Refused::Unhandled),
            Err(NotServed::Unreadable(cause)) => Err(Refused::because(code::NOT_SERVED, cause)),
        }
    }
}

struct Hints(Arc<dyn Serve>);

#[async_trait]
impl Handler for Hints {
    async fn handle(
        &self,
        from: Incarnation,
        message: Incoming,
    ) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != HINT {
            return Err(Refused::Unhandled);
        }
        self.0.hint(&from, &message.payload);
        Ok(None)
    }
}
