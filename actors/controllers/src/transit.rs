//! What a controller is told in confidence: sealed to the key of the instance that answers, so that
//! it is clear in no message.
//!
//! Invariants:
//! - V1: all attempts of one request have one command id, whichever instances they were sealed to: a
//!   successor that can't open what came can still tell that it was carried out.

use std::time::Duration;

use weir_cluster::{Proxy, ProxyError, Service};
use weir_domain::{CommandId, Fault};
use weir_secrets::{Error, PrivateKey, PublicKey, Sealed, Secret};

use crate::answer::Stop;

/// The key of one instance. Made anew by every instance, and never stored.
#[derive(Debug, Clone)]
pub(crate) struct Transit(PrivateKey);

/// What the answers of such controllers have in common.
pub(crate) trait Confidant: From<Fault> {
    type Failure: From<Self> + From<Error> + From<ProxyError>;

    /// Says the key: nothing was done.
    fn of_key(key: PublicKey) -> Self;
    fn key(self) -> Result<PublicKey, Self>;
    fn is_done(&self) -> bool;
}

impl Transit {
    pub(crate) fn new() -> Self {
        Self(PrivateKey::generate())
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.0.public()
    }

    /// Opens what came. What was sealed to another instance is answered with the key that it should
    /// be sealed to.
    pub(crate) fn received<A: Confidant>(&self, sealed: &Sealed) -> Result<Secret, Stop<A>> {
        match sealed.open(&self.0) {
            Ok(value) => Ok(value),
            Err(Error::MissingKey(_)) => Err(Stop::answer(A::of_key(self.public()))),
            Err(other) => Err(other.into()),
        }
    }
}

/// Asks with something sealed to whoever answers: `transit` asks for its key. When another instance
/// took over meanwhile, it says its own, and is asked once more. All of it is one `command`.
pub(crate) async fn sealed<S: Service<Response: Confidant>>(
    proxy: &Proxy<S>,
    (command, within): (CommandId, Duration),
    transit: S::Request,
    request: impl Fn(&[PublicKey]) -> Result<S::Request, Error>,
) -> Result<S::Response, <S::Response as Confidant>::Failure> {
    let key = match proxy.ask(transit, within).await?.key() {
        Ok(key) => key,
        Err(other) => return Err(other.into()),
    };
    match proxy.ask_as(command, request(&[key])?, within).await?.key() {
        Ok(key) => Ok(proxy.ask_as(command, request(&[key])?, within).await?),
        Err(answer) => Ok(answer),
    }
}

pub(crate) fn done<A: Confidant>(response: A) -> Result<(), A::Failure> {
    if response.is_done() { Ok(()) } else { Err(response.into()) }
}
