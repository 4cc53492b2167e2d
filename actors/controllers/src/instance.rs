//! How the keeper of a lease governs controllers: those that are plain actors, and those that are
//! event-sourced.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use weir_cluster::{Control, Unavailable};
use weir_domain::Fault;
use weir_runtime::{
    AskError, ChildState, EventSourced, HostRef, HostSpec, HostStatus, Supervised, System,
};

/// How long a controller may take to recover before it is begun anew.
pub(crate) const RECOVER_WITHIN: Duration = Duration::from_secs(60);
/// How long a controller whose start failed may take to end.
const ABANDON_WITHIN: Duration = Duration::from_secs(1);

/// A controller that is being started. Unless it is kept, it ends: it would go on under a lease
/// that is still valid, beside the next one that is started under it.
pub(crate) struct Starting {
    system: System,
    control: Option<Arc<dyn Control>>,
}

impl Starting {
    pub(crate) fn new(system: &System, control: Arc<dyn Control>) -> Self {
        Self { system: system.clone(), control: Some(control) }
    }

    /// It runs: from now on its keeper governs it.
    pub(crate) fn keep(mut self) {
        self.control = None;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let Some(control) = self.control.take() else { return };
        control.suspend("its start failed or was given up");
        self.system.tasks().spawn("controller/abandon", async move {
            control.stop(ABANDON_WITHIN).await;
        });
    }
}

/// A supervised actor whose every write is fenced by the store: it may go on while suspended, and
/// is answered by the store itself.
pub(crate) struct Actors<M>(pub(crate) Supervised<M>);

#[async_trait]
impl<M: ractor::Message> Control for Actors<M> {
    fn suspend(&self, _: &str) {}

    fn resume(&self) {}

    async fn stop(&self, deadline: Duration) {
        if let Err(late) = self.0.stop(deadline).await {
            tracing::warn!(code = "WEIR-06106", %late, "a controller did not end in time");
        }
    }

    async fn ended(&self) -> Fault {
        match self.0.ended().await {
            ChildState::Failed { cause } => cause,
            // It was stopped by the one who asks, or its system ends.
            ChildState::Starting
            | ChildState::Running { .. }
            | ChildState::Restarting { .. }
            | ChildState::Stopped => std::future::pending().await,
        }
    }
}

/// An event-sourced controller.
pub(crate) struct Host<B: EventSourced>(pub(crate) HostRef<B>);

#[async_trait]
impl<B: EventSourced> Control for Host<B> {
    fn suspend(&self, cause: &str) {
        self.0.suspend(cause);
    }

    fn resume(&self) {
        self.0.resume();
    }

    async fn stop(&self, deadline: Duration) {
        if let Err(late) = self.0.stop(deadline).await {
            tracing::warn!(code = "WEIR-06106", %late, "a controller did not end in time");
        }
    }

    async fn ended(&self) -> Fault {
        self.0
            .wait_for(|it| match it {
                HostStatus::Failed { cause } => Some(cause.clone()),
                HostStatus::Recovering { .. }
                | HostStatus::Running { .. }
                | HostStatus::Suspended { .. }
                | HostStatus::Restarting { .. }
                | HostStatus::Stopped => None,
            })
            .await
    }
}

/// Starts an event-sourced controller, and waits until it has recovered.
pub(crate) async fn recovered<B: EventSourced>(
    system: &System,
    spec: HostSpec<B>,
) -> Result<(HostRef<B>, Arc<Host<B>>), Fault> {
    let host = HostRef::start(system, spec).await?;
    let control = Arc::new(Host(host.clone()));
    let starting = Starting::new(system, control.clone());
    host.ready(RECOVER_WITHIN).await?;
    starting.keep();
    Ok((host, control))
}

/// What a service answers when its host does not carry a command out: with the refusal, where
/// asking again gives the same one.
pub(crate) fn refused<E: std::error::Error, R>(
    error: AskError<E>,
    rejected: impl FnOnce(E) -> R,
    refused: impl FnOnce(String) -> R,
) -> Result<R, Unavailable> {
    match error {
        AskError::Rejected(rejection) => Ok(rejected(rejection)),
        AskError::Refused { cause, .. } => Ok(refused(cause)),
        AskError::Unavailable { cause, retry_after, .. } => {
            Err(Unavailable { retry_after, ..Unavailable::new(cause) })
        }
        busy @ AskError::Busy { .. } => Err(Unavailable::new(busy.to_string())),
        unknown @ (AskError::Timeout { .. } | AskError::Stopped { .. }) => {
            Err(Unavailable::uncertain(unknown.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Error;

    use super::*;

    #[test]
    fn only_what_was_never_begun_is_called_undone() {
        let actor: Arc<str> = "x".into();
        let is_uncertain =
            |it: AskError<Error>| refused(it, |_| (), |_| ()).is_err_and(|it| it.is_uncertain);
        let after = weir_domain::Millis(1);
        assert!(is_uncertain(AskError::Timeout { actor: actor.clone(), after }));
        let cause = "lost".to_owned();
        assert!(is_uncertain(AskError::Stopped { actor: actor.clone(), cause }));
        assert!(!is_uncertain(AskError::Busy { actor, waiting: 1 }));
    }
}
