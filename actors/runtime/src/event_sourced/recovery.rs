//! Recovery: from what is stored to the state, or to a clear reason why not.
//!
//! A snapshot only saves time: one that is damaged, too new or of another form is passed over for
//! an older one, and at last for none. An event is never passed over (H4), but for those that a later one
//! restates: they may be deleted, or be about to be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::maybe_done;
use weir_domain::Fault;
use weir_persistence_api::{Error, PersistenceId, Store, StoredEvent};

use super::behaviour::EventSourced;
use super::codec;
use super::commands::Commands;
use crate::code;
use crate::message::millis;
use crate::task::panic_text;

const ASK_A_PERSON: &str = "nothing was changed; start the version of weir that wrote it, or restore the store from a backup";

const FIND_THE_EVENTS: &str = "nothing was changed; bring back the database server that has the missing events, or restore a backup that has them";

/// What is known to be missing is known to this process alone.
const FIND_OR_ACCEPT: &str = "nothing was changed; bring back the database server that has the missing events, and this goes on by itself; to go on without them, restart this engine";

/// Where to read.
pub(super) struct Source<'a> {
    pub(super) id: &'a PersistenceId,
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) page: u32,
    pub(super) within: Duration,
    /// Events that are known to have been durable: the journal has at least so many.
    pub(super) known: u64,
}

#[derive(Debug)]
pub(super) struct Recovered<B> {
    pub(super) state: B,
    pub(super) sequence: u64,
    /// Where the snapshot stood that was begun with; 0 for none.
    pub(super) snapshot: u64,
    pub(super) commands: Commands,
    /// The newest event after the snapshot that restates all; 0 for none.
    pub(super) restated: u64,
    /// An event that does not follow the one before it: no matter once an event restates all.
    gap: Option<u64>,
}

#[derive(Debug)]
pub(super) enum NotRecovered {
    /// The store is away; the same may succeed later.
    Later(String),
    /// Going on would be guessing.
    Never(Fault),
}

/// Reads the newest usable snapshot and all events after it. `progress` is told the sequence
/// number reached and the one to be reached.
pub(super) async fn recover<B: EventSourced>(
    source: &Source<'_>,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Recovered<B>, NotRecovered> {
    let highest = source.read(source.store.highest(source.id)).await?;
    if highest < source.known {
        return Err(NotRecovered::Never(shorter(source.id, highest, source.known)));
    }
    let mut recovered = source.newest_snapshot(highest).await?;
    progress(recovered.sequence, highest);
    let mut ahead = pin!(maybe_done(source.page(recovered.sequence)));
    loop {
        ahead.as_mut().await;
        let page = ahead.as_mut().take_output().expect("it was just awaited")?;
        let is_full = page.len() >= source.page as usize;
        if let Some(last) = page.last().filter(|_| is_full) {
            ahead.set(maybe_done(source.page(last.sequence)));
            // Begun before it is waited for: the store reads it while this page is folded.
            let _ = futures::poll!(ahead.as_mut());
        }
        for event in &page {
            recovered.fold(source.id, event)?;
        }
        if !is_full {
            break;
        }
        progress(recovered.sequence, highest);
    }
    if let Some(found) = recovered.gap {
        let (id, expected) = (source.id, recovered.sequence + 1);
        let cause =
            format!("the journal of {id} goes on with event {found} where {expected} belongs");
        return Err(never(code::JOURNAL_GAP, cause));
    }
    if recovered.sequence < highest {
        let (id, reached) = (source.id, recovered.sequence);
        let cause =
            format!("the journal of {id} ends at event {reached}, but {highest} were written");
        return Err(never(code::JOURNAL_GAP, cause));
    }
    Ok(recovered)
}

impl Source<'_> {
    async fn newest_snapshot<B: EventSourced>(
        &self,
        highest: u64,
    ) -> Result<Recovered<B>, NotRecovered> {
        for sequence in self.read(self.store.snapshot_sequences(self.id)).await? {
            if sequence > highest {
                return Err(self.journal_lost(sequence, highest));
            }
            match self.within(self.store.snapshot_load(self.id, sequence)).await {
                Ok(Some(it)) => match codec::state_from_snapshot(&it) {
                    Ok((state, commands)) => {
                        let sequence = it.sequence;
                        return Ok(Recovered::at(sequence, state, commands));
                    }
                    Err(unreadable) => self.passed_over(sequence, &unreadable),
                },
                // It was pruned a moment ago.
                Ok(None) => {}
                Err(corrupt @ Error::Corrupt { .. }) => self.passed_over(sequence, &corrupt),
                Err(other) => return Err(not_read(&other)),
            }
        }
        Ok(Recovered::at(0, B::default(), Commands::default()))
    }

    /// Events after this one.
    async fn page(&self, after: u64) -> Result<Vec<StoredEvent>, NotRecovered> {
        self.read(self.store.replay(self.id, after, self.page)).await
    }

    fn passed_over(&self, sequence: u64, cause: &dyn std::error::Error) {
        let id = self.id;
        tracing::warn!(code = %code::SNAPSHOT, controller = %id, sequence, %cause, "a snapshot can't be used; trying an older one");
    }

    fn journal_lost(&self, at: u64, highest: u64) -> NotRecovered {
        let id = self.id;
        let cause = format!(
            "{id} has a snapshot at event {at}, but its journal ends at {highest}: events were lost, as when a replica that is behind took over"
        );
        NotRecovered::Never(Fault::config(code::JOURNAL_GAP.0, cause).with_hint(FIND_THE_EVENTS))
    }

    async fn read<T>(
        &self,
        read: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, NotRecovered> {
        self.within(read).await.map_err(|it| not_read(&it))
    }

    async fn within<T>(
        &self,
        read: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        within(self.within, read).await
    }
}

/// A read that takes too long has failed, and can be tried again.
pub(super) async fn within<T>(
    limit: Duration,
    read: impl Future<Output = Result<T, Error>> + Send,
) -> Result<T, Error> {
    let late = |_| Error::Unavailable(format!("it did not answer within {}", millis(limit)));
    tokio::time::timeout(limit, read).await.map_err(late)?
}

impl<B: EventSourced> Recovered<B> {
    fn at(snapshot: u64, state: B, commands: Commands) -> Self {
        Self { state, sequence: snapshot, snapshot, commands, restated: 0, gap: None }
    }

    fn fold(&mut self, id: &PersistenceId, stored: &StoredEvent) -> Result<(), NotRecovered> {
        let sequence = stored.sequence;
        let event = codec::event_from_stored::<B>(stored).map_err(|unreadable| {
            let cause = format!("event {sequence} of {id} can't be read: {unreadable}");
            never(code::EVENT_UNREADABLE, cause)
        })?;
        if B::restates(&event) {
            self.restated = sequence;
        } else if sequence != self.sequence + 1 {
            self.gap.get_or_insert(sequence);
            return Ok(());
        }
        self.gap = None;
        apply(&mut self.state, &event, id, sequence).map_err(NotRecovered::Never)?;
        self.sequence = sequence;
        if let Some(id) = stored.command {
            self.commands.record(id, sequence);
        }
        Ok(())
    }
}

/// Applies an event. If that panics the state is spoilt and must be thrown away.
pub(super) fn apply<B: EventSourced>(
    state: &mut B,
    event: &B::Event,
    id: &PersistenceId,
    sequence: u64,
) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(|| state.apply(event))).map_err(|panic| {
        let why = panic_text(&*panic);
        let cause = format!("event {sequence} of {id} contradicts the events before it: {why}");
        Fault::config(code::EVENT_CONTRADICTS.0, cause).with_hint(ASK_A_PERSON)
    })
}

/// Events that were acknowledged are not in the journal any more.
pub(super) fn shorter(id: &PersistenceId, highest: u64, known: u64) -> Fault {
    let cause = format!(
        "the journal of {id} ends at event {highest}, but event {known} was acknowledged: events were lost, as when a replica that is behind took over"
    );
    Fault::config(code::JOURNAL_GAP.0, cause).with_hint(FIND_OR_ACCEPT)
}

pub(super) fn damaged(cause: impl Into<String>) -> Fault {
    Fault::config(code::JOURNAL_DAMAGED.0, cause).with_hint(ASK_A_PERSON)
}

fn never(code: weir_domain::Code, cause: String) -> NotRecovered {
    NotRecovered::Never(Fault::config(code.0, cause).with_hint(ASK_A_PERSON))
}

fn not_read(error: &Error) -> NotRecovered {
    if error.is_transient() {
        return NotRecovered::Later(error.to_string());
    }
    NotRecovered::Never(damaged(error.to_string()))
}
