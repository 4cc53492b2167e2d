//! Answers the requests of other nodes with the singletons that are here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::Incarnation;
use weir_persistence_api::LeaseName;

use super::code;
use super::peers::{NotServed, Serve};
use super::shared::Shared;
use super::stage::{self, Doorway, Served};
use super::wire::{self, Reply, Request};
use crate::{Service, Unavailable};

/// How long a request waits here for a singleton that is just being started: that is sooner than
/// asking again.
const OPEN_WITHIN: Duration = Duration::from_millis(500);

/// One singleton's side of it, whatever its type.
#[async_trait]
pub(super) trait ServeOne: Send + Sync + 'static {
    fn version(&self) -> u32;

    async fn serve(
        &self,
        shared: &Shared,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, NotServed>;
}

pub(super) struct ServeDoor<S>(pub(super) Arc<Doorway<S>>);

#[async_trait]
impl<S: Service> ServeOne for ServeDoor<S> {
    fn version(&self) -> u32 {
        S::VERSION
    }

    async fn serve(
        &self,
        shared: &Shared,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, NotServed> {
        let unreadable = |it| format!("the request to {} can't be read: {it}", S::NAME);
        let request: Request<S::Request> =
            wire::read(&request).map_err(|it| NotServed::Unreadable(unreadable(it)))?;
        let Request { command, epoch, request } = request;
        if stage::is_here(&self.0) {
            stage::until_open(&self.0, OPEN_WITHIN.min(within)).await;
        }
        let reply = match stage::serve(&self.0, request, (command, within), epoch).await {
            Served::Done(response) => Reply::Done(response),
            Served::NotHere => not_here(shared, S::NAME),
            Served::Shut(Unavailable { cause, retry_after, is_uncertain }) => {
                Reply::Unavailable { cause, retry_after_ms: retry_after.0, is_uncertain }
            }
            Served::Stale { epoch } => {
                // This node may have lost the lease without knowing it.
                shared.look.notify_one();
                Reply::StaleEpoch { epoch }
            }
            Served::Failed { cause } => Reply::Refused { cause, is_uncertain: true },
        };
        Ok(wire::write(&reply).unwrap_or_else(|error| unsent(S::NAME, &error)))
    }
}

/// What is said in place of an answer that has no form on the wire: whatever was asked is done.
fn unsent(singleton: &str, error: &str) -> Bytes {
    let code = code::ANSWER_NOT_SENT;
    tracing::error!(code = %code, singleton, error, "a request was carried out, and its answer can't be sent");
    let cause = format!("{code} it was carried out, and its answer can't be sent: {error}");
    let reply = Reply::<()>::Refused { cause, is_uncertain: true };
    wire::write(&reply).expect("a text has a form on the wire")
}

fn not_here<R>(shared: &Shared, name: &str) -> Reply<R> {
    let owners = shared.owners.borrow();
    match owners.get(&LeaseName(name.to_owned())) {
        Some(it) => Reply::NotHere { owner: Some(it.node.clone()), epoch: it.epoch },
        None => Reply::NotHere { owner: None, epoch: 0 },
    }
}

pub(super) struct Receptionist(pub(super) Arc<Shared>);

#[async_trait]
impl Serve for Receptionist {
    fn hint(&self, from: &Incarnation, hint: &[u8]) {
        self.0.heard(from, hint);
    }

    async fn request(
        &self,
        name: &str,
        version: u32,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, NotServed> {
        let registered = self.0.registered().get(&LeaseName(name.to_owned())).cloned();
        let registered = registered.filter(|it| it.serve.version() == version);
        let registered = registered.ok_or(NotServed::Unknown)?;
        registered.serve.serve(&self.0, request, within).await
    }
}
