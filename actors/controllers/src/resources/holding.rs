//! A resource in the hands of who uses it: renewed for as long as it is kept, given back when it is
//! dropped.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use weir_domain::{GroupName, Millis, ReservationId, ResourceName};
use weir_runtime::{Stopwatch, System};

use super::{Failure, Reservation, Reserve, ResourceCoordinator};

/// How long somebody who waits keeps its place without asking again.
const PLACE_KEPT: Duration = Duration::from_secs(30);
/// How long to wait after a renewal that was not answered.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Why nothing is held.
#[derive(Debug, thiserror::Error)]
pub enum HoldFailure {
    #[error("no resource of the group {0} became free in time")]
    TimedOut(GroupName),
    #[error(transparent)]
    Coordinator(#[from] Failure),
}

/// Somebody's right to a resource. Work under it must stop as soon as it is lost.
pub struct Held {
    pub resource: ResourceName,
    pub reservation: ReservationId,
    lost: watch::Receiver<bool>,
    /// Dropped with this: then it is given back.
    _kept: oneshot::Sender<()>,
}

impl Held {
    /// Resolves when it was revoked, or could not be renewed in time.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        // Its keeper ends only after it said so, or after this was dropped.
        let _ = lost.wait_for(|it| *it).await;
    }

    pub fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }
}

impl ResourceCoordinator {
    /// Holds a resource of the group under a lease. `None` to wait: who finds none free is told that
    /// the group is depleted.
    pub async fn hold(
        &self,
        system: &System,
        (group, wanted): (GroupName, Option<ResourceName>),
        lease: Duration,
        wait: Option<Duration>,
    ) -> Result<Held, HoldFailure> {
        let reservation = system.ids().reservation();
        let waiting = Stopwatch::start();
        loop {
            // Counted from before it is asked, so that it ends here no later than there (Q4).
            let asked = Stopwatch::start();
            let ask = Reserve {
                group: group.clone(),
                reservation,
                owner: system.owner().to_owned(),
                wanted: wanted.clone(),
                lease: Some(Millis(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX))),
                wait_until: wait.map(|_| system.now().plus(PLACE_KEPT)),
            };
            match self.reserve(ask).await? {
                Reservation::Held(resource) => {
                    return Ok(self.keep(system, (resource, reservation), lease, asked));
                }
                Reservation::Waiting(_) if wait.is_some_and(|it| waiting.elapsed() < it) => {}
                Reservation::Waiting(_) | Reservation::Ended => {
                    self.release(reservation).await?;
                    return Err(HoldFailure::TimedOut(group));
                }
            }
        }
    }

    fn keep(
        &self,
        system: &System,
        (resource, reservation): (ResourceName, ReservationId),
        lease: Duration,
        asked: Stopwatch,
    ) -> Held {
        let (kept, mut dropped) = oneshot::channel();
        let (lost_tx, lost) = watch::channel(false);
        let coordinator = self.clone();
        system.tasks().spawn("resource", async move {
            tokio::select! {
                () = renewing(&coordinator, reservation, lease, asked) => {
                    lost_tx.send_replace(true);
                }
                _ = &mut dropped => {}
            }
            // If nobody answers, its lease ends it.
            let _ = coordinator.release(reservation).await;
        });
        Held { resource, reservation, lost, _kept: kept }
    }
}

/// Renews until it is lost.
async fn renewing(
    coordinator: &ResourceCoordinator,
    reservation: ReservationId,
    lease: Duration,
    mut renewed: Stopwatch,
) {
    let mut pause = lease / 3;
    while let Some(left) = lease.checked_sub(renewed.elapsed()) {
        tokio::time::sleep(pause.min(left)).await;
        let asked = Stopwatch::start();
        let Some(left) = lease.checked_sub(renewed.elapsed()) else { return };
        let renewal = coordinator.renew(vec![reservation]);
        match tokio::time::timeout(left, renewal).await {
            Ok(Ok(holding)) if holding.contains(&reservation) => {
                (renewed, pause) = (asked, lease / 3);
            }
            Ok(Ok(_)) | Err(_) => return,
            Ok(Err(_)) => pause = TRY_AGAIN_AFTER,
        }
    }
}
