//! The watcher: reads all leases again and again, so that every node knows the owners, also of
//! singletons that it can't have itself.

use std::sync::Arc;
use std::time::Duration;

use weir_persistence_api::{Error, LeaseRow};
use weir_runtime::Stopwatch;

use super::code;
use super::shared::Shared;

/// However many hints come, the store is not read more often.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(50);

pub(super) async fn watch_leases(shared: Arc<Shared>) {
    loop {
        let begun = Stopwatch::start();
        look(&shared).await;
        let rest = LOOK_EVERY_MIN.saturating_sub(begun.elapsed());
        let next = async {
            tokio::time::sleep(rest).await;
            let _ = tokio::time::timeout(shared.settings.look_every, shared.look.notified()).await;
        };
        tokio::select! {
            () = next => {}
            () = shared.ended.cancelled() => return,
        }
    }
}

async fn look(shared: &Shared) {
    let read_at = shared.now();
    let read = tokio::time::timeout(shared.settings.statement_within, shared.store.lease_list());
    let read = match read.await {
        Ok(read) => read,
        Err(_) => Err(Error::Unavailable("it did not answer in time".into())),
    };
    let was_in_trouble = shared.table.borrow().trouble.is_some();
    match read {
        Ok(rows) => succeeded(shared, (read_at, rows), was_in_trouble),
        Err(error) => failed(shared, &error, was_in_trouble),
    }
}

fn succeeded(shared: &Shared, (read_at, rows): (Duration, Vec<LeaseRow>), was_in_trouble: bool) {
    if was_in_trouble {
        tracing::info!(code = %code::STORE_BACK, "the leases can be read again");
    }
    metrics::gauge!("weir_leases_readable").set(1.0);
    shared.note_epochs(&rows);
    // A read that took long is no newer than when it began: the store's clock was read after that.
    shared.change_table(|table| table.read(read_at, rows));
}

fn failed(shared: &Shared, error: &Error, was_in_trouble: bool) {
    if !was_in_trouble {
        tracing::warn!(code = %code::STORE_LOST, %error, "the leases can't be read; singletons stay where they are while it lasts");
    }
    metrics::gauge!("weir_leases_readable").set(0.0);
    let (now, cause) = (shared.now(), error.to_string());
    shared.change_table(|table| table.failed(now, cause));
}
