//! How the keeper of a lease governs controllers: those that are plain actors, and those that are
//! event-sourced.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use ractor::Actor;
use tokio::sync::watch;
use weir_cluster::{Control, View};
use weir_domain::Fault;
use weir_runtime::{
    ChildState, EventSourced, HostRef, HostSpec, HostStatus, RestartPolicy, Supervised, System,
    supervise,
};

/// How long a controller may take to recover before it is begun anew.
pub(crate) const RECOVER_WITHIN: Duration = Duration::from_secs(60);
/// How often members are looked at when nothing is heard of them.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a controller may take to hear of the members.
pub(crate) const OBSERVE_WITHIN: Duration = Duration::from_secs(15);
/// How long a controller whose start failed may take to end.
const ABANDON_WITHIN: Duration = Duration::from_secs(1);

/// A controller that is being started. Unless it is kept, it ends: it would go on under a lease
/// that is still valid, beside the next one that is started under it.
pub(crate) struct Starting {
    system: System,
    control: Option<Arc<dyn Control>>,
}

impl Starting {
    fn new(system: &System, control: Arc<dyn Control>) -> Self {
        Self { system: system.clone(), control: Some(control) }
    }

    /// It runs: from now on its keeper governs it.
    pub(crate) fn keep(mut self) -> Arc<dyn Control> {
        self.control.take().expect("it is kept once, by value")
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
struct Actors<M>(Supervised<M>);

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
struct Host<B: EventSourced>(HostRef<B>);

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
) -> Result<(HostRef<B>, Starting), Fault> {
    let host = HostRef::start(system, spec).await?;
    let starting = Starting::new(system, Arc::new(Host(host.clone())));
    host.ready(RECOVER_WITHIN).await?;
    Ok((host, starting))
}

/// Tells a controller of the cluster's members, as long as it lives here: at once, whenever they
/// change, and again and again, since what can't be told now is looked at again.
pub(crate) fn follow_members<B: EventSourced>(
    system: &System,
    task: &'static str,
    host: HostRef<B>,
    mut view: watch::Receiver<Arc<View>>,
    tell: impl Fn(HostRef<B>, Arc<View>) -> BoxFuture<'static, ()> + Send + 'static,
) {
    let stopping = system.shutdown().stopping();
    system.tasks().spawn(task, async move {
        loop {
            let seen = view.borrow_and_update().clone();
            tell(host.clone(), seen).await;
            tokio::select! {
                changed = view.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = over(&host) => return,
                () = stopping.stopped() => return,
            }
        }
    });
}

/// It has stopped, or failed for good: whoever starts the controller anew follows anew.
async fn over<B: EventSourced>(host: &HostRef<B>) {
    let is_over = |it: &HostStatus| match it {
        HostStatus::Stopped | HostStatus::Failed { .. } => Some(()),
        HostStatus::Recovering { .. }
        | HostStatus::Running { .. }
        | HostStatus::Suspended { .. }
        | HostStatus::Restarting { .. } => None,
    };
    host.wait_for(is_over).await;
}

/// Starts a controller that is a plain actor, and waits until it has started.
pub(crate) async fn supervised<A>(
    system: &System,
    name: &'static str,
    restarts: RestartPolicy,
    actor: A,
    failed: impl Fn(&dyn fmt::Display) -> Fault,
) -> Result<(Supervised<A::Msg>, Starting), Fault>
where
    A: Actor<Arguments = ()> + Clone,
{
    let build = move |parent| {
        let actor = actor.clone();
        let spawned = async { Actor::spawn_linked(None, actor, (), parent).await };
        spawned.map_ok(|(actor, _)| actor).boxed()
    };
    let child = supervise(system, name, restarts, None, Box::new(build)).await;
    let child = child.map_err(|it| failed(&it))?;
    let starting = Starting::new(system, Arc::new(Actors(child.clone())));
    child.started().await.map_err(|it| failed(&it))?;
    Ok((child, starting))
}
