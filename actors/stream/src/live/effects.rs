//! What the driver of a run does in the world: calls of the store, and publications.
//!
//! What fails in passing is tried again until it is done; what fails for good ends the run.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use weir_checkpoint::{
    Checkpoints, Committable, CrashPoint, Effect, Error, Generation, Group, Input, reach,
};
use weir_domain::{Fault, FaultKind, SavepointName};

use crate::connector::{Action, Published};
use crate::means::Means;
use crate::services::Services;
use crate::settlement::{Failed, act};

/// What is to be known of the work of a run.
#[derive(Debug)]
pub(super) enum Word {
    /// A line for the log of the stream: code and text. Nothing waits for it.
    Warning(u32, String),
    /// What did not work and is tried again: shown until the next checkpoint is committed.
    Trouble(Fault),
    /// Something became visible: its path or address.
    Published(String),
}

pub(super) type Voice = mpsc::UnboundedSender<Word>;

/// Calls the store until it has answered, or will never.
pub(super) async fn until_done<T, F>(voice: &Voice, call: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut failed = Failed::default();
    loop {
        match call().await {
            Ok(done) => return Ok(done),
            Err(error) if is_transient(&error) => {
                let _ = voice.send(again(fault(&error)));
            }
            Err(error) => return Err(fault(&error)),
        }
        failed.wait().await;
    }
}

/// Does an effect on the store.
pub(super) async fn store(
    checkpoints: &Checkpoints,
    effect: Effect,
    voice: Voice,
) -> Result<Option<Input>, Fault> {
    let stored = until_done(&voice, || checkpoints.perform(&effect)).await?;
    Ok(stored.map(Input::Stored))
}

/// The last look before an epoch is published: for a later run, and for an order that this run
/// does not follow. What is in the log by then is published by whoever follows it.
pub(super) async fn check(
    (group, checkpoints): (&Group, &Checkpoints),
    order: u32,
    effect: Effect,
    voice: Voice,
) -> Result<Option<Input>, Fault> {
    let later = until_done(&voice, || group.order(order + 1)).await?;
    if later.is_some() {
        let fault = Fault::stopped("it was ordered to begin elsewhere");
        return Err(fault.with_hint("nothing is to be done: the next run follows the order"));
    }
    store(checkpoints, effect, voice).await
}

/// Keeps a savepoint that was taken as long as somebody wants it: who has given it up meanwhile would
/// never delete it.
pub(super) async fn keep(
    (group, checkpoints): (&Group, &Checkpoints),
    name: SavepointName,
    voice: Voice,
) -> Result<(), Fault> {
    if until_done(&voice, || group.wished(&name)).await?.is_none() {
        until_done(&voice, || checkpoints.savepoint_delete(&name)).await?;
    }
    Ok(())
}

/// Publishes in order, until all is done.
pub(super) async fn publish(
    (services, means): (&Services, &Means),
    checkpoints: &Checkpoints,
    committables: Vec<Committable>,
    voice: Voice,
) -> Result<(), Fault> {
    for it in committables {
        let content = match it.blobs.first() {
            Some(blob) => until_done(&voice, || checkpoints.staged(blob)).await?,
            None => it.content,
        };
        let actions: Vec<Action> = serde_json::from_slice(&content).map_err(|error| {
            Fault::config(3186, format!("what a checkpoint publishes can't be read: {error}"))
                .with_hint("was it written by a later version? deploy that")
        })?;
        for action in actions {
            let waiting = |fault: &Fault| drop(voice.send(again(fault.clone())));
            // Who stops the run drops this.
            let published = act(services, means, action, &CancellationToken::new(), waiting).await;
            reach(CrashPoint::MidCommit);
            for Published { address, warning } in published.into_iter().flatten() {
                let warning = warning.map(|it| Word::Warning(3021, it));
                let address = (!address.is_empty()).then_some(Word::Published(address));
                warning.into_iter().chain(address).for_each(|it| drop(voice.send(it)));
            }
        }
    }
    Ok(())
}

/// Whatever it is: what was decided is tried until it is done.
fn again(fault: Fault) -> Word {
    let message = format!("{fault}; it is tried again");
    Word::Trouble(Fault { kind: FaultKind::Transient, message, ..fault })
}

fn is_transient(error: &Error) -> bool {
    matches!(error, Error::Store(it) if it.is_transient())
}

pub(super) fn fault(error: &Error) -> Fault {
    match error {
        Error::Deposed { by } => deposed(*by),
        error if is_transient(error) => Fault::transient(3185, with_source(error))
            .with_hint("look at the store that checkpoints are kept in; nothing is lost"),
        error => Fault::config(3187, with_source(error)),
    }
}

fn with_source(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Another run of the lane has taken over.
pub(super) fn deposed(by: Generation) -> Fault {
    Fault::stopped(format!("run {by} of this lane has taken over"))
        .with_hint("nothing is to be done: it goes on from the newest checkpoint")
}
