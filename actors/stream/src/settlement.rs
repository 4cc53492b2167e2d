//! Settlements: what is owed to the world once a stream's outcome is decided, and its payment.
//!
//! A settlement is stored with the decision. It is paid by [`pay`] whether the stream has just
//! ended, is tried again after a fault, or was found unfinished after a crash: one path for all.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use weir_domain::{ClaimId, Fault, ItemStatus, Stream, StreamState};
use weir_persistence_api::{Adoption, Settlement, Unfinished};
use weir_runtime::Backoff;

use crate::connector::{Action, Due, Published};
use crate::letters::{self, LETTERS};
use crate::means::Means;
use crate::report::{self, Reporter};
use crate::services::{AccessError, Live, Services};
use crate::staging::Staging;

/// The waits before something that is owed is tried again.
const BACKOFF: Backoff =
    Backoff { min: Duration::from_millis(200), max: Duration::from_secs(30), jitter: 0.0 };

/// Attempts that failed so far.
#[derive(Default)]
pub(crate) struct Failed(u32);

impl Failed {
    /// One more has failed: waits before the next.
    pub(crate) async fn wait(&mut self) {
        self.0 = self.0.saturating_add(1);
        tokio::time::sleep(BACKOFF.delay(self.0, 0.0)).await;
    }

    /// As `wait`; whether it was not stopped.
    pub(crate) async fn wait_unless(&mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = self.wait() => true,
            () = stop.cancelled() => false,
        }
    }
}

/// What is stored with a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Owed {
    pub(crate) actions: Vec<Action>,
    /// The stream as it will be once this is paid.
    pub(crate) stream: Stream,
}

impl Owed {
    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("values with text keys become JSON").into()
    }
}

/// How paying ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Paid {
    /// All is done; this is the stream's last state.
    Closed(Box<Stream>),
    /// Stopped before all was done. It stays owed and is paid after the next start.
    StillOwed,
}

/// Runs what is owed until it is done, then settles the claim and closes the stream.
pub(crate) async fn pay(
    services: &Services,
    means: &Means,
    claim: ClaimId,
    owed: Owed,
    settlement: Settlement,
    stop: &CancellationToken,
) -> Paid {
    let Owed { actions, stream } = owed;
    let (mut state, closed_at, fault) = (stream.state, stream.closed_at, stream.fault.clone());
    // It is open until all is done: whoever waits for its end must find everything in its place.
    let open = Stream { state: StreamState::Open, closed_at: None, ..stream };
    let mut reporter = Reporter::new(services, &means.secrets, open);
    for action in actions {
        let waiting = |fault: &Fault| reporter.waiting(fault);
        let Some(published) = act(services, means, action, stop, waiting).await else {
            return Paid::StillOwed;
        };
        let has_warnings = published.iter().any(|it| it.warning.is_some());
        if has_warnings && state == StreamState::Committed {
            state = StreamState::CommittedWithWarnings;
        }
        reporter.stream.fault.clone_from(&fault);
        reporter.published(published);
    }
    (reporter.stream.state, reporter.stream.closed_at) = (state, closed_at);
    let Some(stream) = reporter.close(stop).await else { return Paid::StillOwed };
    let mut reporter = Reporter::new(services, &means.secrets, stream);
    let settle = || services.access.settle(claim, settlement);
    match persist(settle, &mut reporter, stop).await {
        Some(Ok(())) => {}
        // Somebody else paid it: nothing is owed any more.
        Some(Err(lost)) => tracing::warn!(code = "WEIR-03134", %claim, "{lost}"),
        None => return Paid::StillOwed,
    }
    Paid::Closed(Box::new(reporter.stream))
}

/// Runs one action until it succeeds. `None`: stopped before that.
pub(crate) async fn act(
    services: &Services,
    means: &Means,
    action: Action,
    stop: &CancellationToken,
    mut waiting: impl FnMut(&Fault),
) -> Option<Vec<Published>> {
    let mut failed = Failed::default();
    loop {
        match run_action(services, means, action.clone()).await {
            Ok(published) => return Some(published),
            Err(fault) => waiting(&fault),
        }
        if !failed.wait_unless(stop).await {
            return None;
        }
    }
}

/// Runs one action once, on a thread that may block.
pub(crate) async fn run_action(
    services: &Services,
    means: &Means,
    action: Action,
) -> Result<Vec<Published>, Fault> {
    let staging = Staging::new(services.checkpoints.clone());
    let run = |work: Effect| services.system.tasks().spawn_blocking("effect", work);
    if action.connector == LETTERS {
        let done = run(Box::new(move || letters::run(&action.payload, &staging))).join().await;
        return done.unwrap_or_else(|_| Err(panicked()));
    }
    let effects = services.registry.effects.get(action.connector.as_str()).cloned();
    let Some(effects) = effects else {
        let message = format!("this engine knows no connector {}", action.connector);
        return Err(Fault::config(3130, message));
    };
    let connection = means.connection(&action)?;
    let config = means.config(&action).cloned();
    let work = move || {
        let (payload, staging, config) = (&action.payload, &staging, config.as_ref());
        effects.run(Due { payload, connection: &connection, config, staging })
    };
    let ran = run(Box::new(work)).join().await.unwrap_or_else(|_| Err(panicked()));
    ran.map_err(|it| means.secrets.masked_fault(it))
}

type Effect = Box<dyn FnOnce() -> Result<Vec<Published>, Fault> + Send>;

fn panicked() -> Fault {
    Fault::transient(3131, "an effect panicked")
}

/// Calls the coordinator until it answers. `None`: stopped before that.
pub(crate) async fn persist<T, F>(
    call: impl Fn() -> F,
    reporter: &mut Reporter<'_>,
    stop: &CancellationToken,
) -> Option<Result<T, AccessError>>
where
    F: Future<Output = Result<T, AccessError>>,
{
    let mut failed = Failed::default();
    let fault = reporter.stream.fault.clone();
    loop {
        match call().await {
            Err(AccessError::Unavailable(why)) => {
                reporter.waiting(&Fault::transient(3132, why));
            }
            answer => {
                reporter.stream.fault = fault;
                return Some(answer);
            }
        }
        if !failed.wait_unless(stop).await {
            return None;
        }
    }
}

/// Pays what orphaned claims owe: what was decided is done, what was not is undone. An orphan is a
/// claim of this engine that none of its streams works on, or one of an engine that is gone. That
/// one is first taken over: of several engines one gets it, and if its owner was not gone after
/// all, it has lost it. Each debt is tried once, so that none waits for another.
pub async fn resume(services: &Services) -> Result<Resumed, AccessError> {
    let once = CancellationToken::new();
    once.cancel();
    let mut resumed = Resumed::default();
    for unfinished in services.access.unfinished().await? {
        let Some((unfinished, _live)) = orphan(services, unfinished).await? else { continue };
        let claim = unfinished.claim.id;
        let (owed, settlement) = match owed_by(services, unfinished) {
            Ok(it) => it,
            Err(reason) => {
                tracing::error!(code = "WEIR-03133", %claim, reason, "unreadable settlement");
                resumed.unreadable += 1;
                continue;
            }
        };
        let means = services.running.of(&owed.stream.workflow);
        match pay(services, &means, claim, owed, settlement, &once).await {
            Paid::Closed(stream) if stream.state == StreamState::RolledBack => {
                services.live.note_release();
                resumed.undone += 1;
            }
            Paid::Closed(_) => resumed.published += 1,
            Paid::StillOwed => resumed.still_owed += 1,
        }
    }
    Ok(resumed)
}

/// The claim, if its debt is this engine's to pay, held for as long as that takes.
async fn orphan(
    services: &Services,
    unfinished: Unfinished,
) -> Result<Option<(Unfinished, Live)>, AccessError> {
    let (claim, owner) = (unfinished.claim.id, services.system.owner());
    if unfinished.owner == owner {
        let is_live = services.live.contains(claim);
        return Ok((!is_live).then(|| (unfinished, services.live.hold(claim))));
    }
    if !services.peers.is_gone(&unfinished.owner) || !has_secrets(services, &unfinished) {
        return Ok(None);
    }
    let new_claim = services.system.ids().claim();
    let live = services.live.hold(new_claim);
    let (from, owner) = (unfinished.owner.clone(), owner.to_owned());
    let adopted = services.access.adopt(Adoption { claim, from, new_claim, owner }).await?;
    if adopted.is_some() {
        let from = &unfinished.owner;
        tracing::info!(code = "WEIR-03135", item = unfinished.claim.item.name, %from, "took over a stream whose engine is gone");
    }
    // What made it interrupted is its first owner's end.
    Ok(adopted.map(|it| (Unfinished { owner: unfinished.owner, ..it }, live)))
}

/// Whether this engine can reach all that the debt is to be paid at. What can't be read is everybody's.
fn has_secrets(services: &Services, unfinished: &Unfinished) -> bool {
    let Ok(Owed { actions, stream }) = serde_json::from_slice(&unfinished.settlement) else {
        return true;
    };
    let means = services.running.of(&stream.workflow);
    actions.iter().all(|it| means.connection(it).is_ok())
}

/// What [`resume`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Streams whose commit had been decided and is complete now.
    pub published: u32,
    /// Streams that left nothing: their items are free or failed.
    pub undone: u32,
    pub still_owed: u32,
    /// Claims whose settlement could not be read: a person must look.
    pub unreadable: u32,
}

fn owed_by(services: &Services, unfinished: Unfinished) -> Result<(Owed, Settlement), String> {
    let owed: Result<Owed, _> = serde_json::from_slice(&unfinished.settlement);
    let mut owed = owed.map_err(|it| it.to_string())?;
    match unfinished.status {
        ItemStatus::Committing => Ok((owed, Settlement::Done)),
        ItemStatus::Failed => Ok((owed, Settlement::Failed)),
        ItemStatus::Acquired => {
            owed.stream.item = unfinished.claim.item.name;
            owed.stream.state = StreamState::RolledBack;
            owed.stream.closed_at = Some(services.system.now());
            owed.stream.fault = Some(report::interrupted(&unfinished.owner));
            Ok((owed, Settlement::Released))
        }
        other => Err(format!("the claim is {other} and unfinished")),
    }
}
