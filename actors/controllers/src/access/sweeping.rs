//! Carrying sweeps out, one step after the other, beside the claims.
//!
//! What is to be done is in the store, so the coordinator's next instance goes on with it. The sweeps
//! that are open take turns, so that a long one does not hold up a short one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use weir_persistence_api::{Error, Fence, ItemStore, Result, Sweep, advance};
use weir_runtime::System;

/// Sweeps that may be open at a time.
const OPEN_MAX: usize = 32;
/// How long to wait after a step that the store did not take.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Sweeper {
    pub(super) system: System,
    pub(super) store: Arc<dyn ItemStore>,
    pub(super) fence: Fence,
    pub(super) news: Arc<Notify>,
}

/// Remembers a sweep, unless there are too many.
pub(super) async fn begin(store: &dyn ItemStore, fence: &Fence, sweep: Sweep) -> Result<Sweep> {
    let open = store.sweep_open().await?;
    if open.len() >= OPEN_MAX && !open.iter().any(|it| it.id == sweep.id) {
        return Err(Error::Unavailable(format!(
            "{OPEN_MAX} resets and clearances are under way: ask again when one has ended"
        )));
    }
    store.sweep_begin(fence, sweep).await
}

impl Sweeper {
    /// Works until the coordinator ends or is deposed.
    pub(super) async fn work(self, mut ended: oneshot::Receiver<()>) {
        loop {
            let pause = tokio::select! {
                it = self.round() => it,
                _ = &mut ended => return,
            };
            let wait = async {
                match pause {
                    Pause::Deposed => std::future::pending().await,
                    Pause::UntilNews => self.news.notified().await,
                    Pause::Shortly => tokio::time::sleep(TRY_AGAIN_AFTER).await,
                }
            };
            tokio::select! {
                () = wait => {}
                _ = &mut ended => return,
            }
        }
    }

    /// Goes on until no sweep is open, or one can't go on.
    async fn round(&self) -> Pause {
        loop {
            let open = match self.store.sweep_open().await {
                Ok(open) if open.is_empty() => return Pause::UntilNews,
                Ok(open) => open,
                Err(error) => return pause(&error),
            };
            for sweep in open {
                let id = sweep.id;
                let step = advance(&*self.store, &self.fence, sweep, self.system.now()).await;
                match step {
                    Ok(done) if !done.is_open() => {
                        let Sweep { changed, kept, examined, .. } = done;
                        tracing::info!(code = "WEIR-06170", %id, changed, kept, examined, "a sweep over items has ended");
                    }
                    Ok(_) => {}
                    Err(error) => {
                        if !matches!(error, Error::Fenced { .. }) {
                            tracing::warn!(code = "WEIR-06171", %id, %error, "a sweep over items can't go on now");
                        }
                        return pause(&error);
                    }
                }
            }
        }
    }
}

enum Pause {
    UntilNews,
    Shortly,
    /// Another coordinator carries them out.
    Deposed,
}

fn pause(error: &Error) -> Pause {
    if matches!(error, Error::Fenced { .. }) { Pause::Deposed } else { Pause::Shortly }
}
