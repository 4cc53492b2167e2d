//! The epochs that this node has seen, noted so that a store which goes back is noticed: one that was
//! restored, or a replica that was behind when it took over.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use weir_cluster::watermark::{Error, Watermarks};
use weir_cluster::{Cluster, Singletons};
use weir_domain::Fault;
use weir_persistence_api::{LeaseName, LeaseStore};
use weir_runtime::{Phase, Reason, System};

use super::refusal;

/// A store whose leases have lower epochs than this node has seen was restored, or is behind.
pub(crate) async fn check(marks: &Watermarks, leases: &dyn LeaseStore) -> anyhow::Result<()> {
    let epochs = epochs(leases).await.context("the leases can't be read")?;
    note(marks, &epochs).map_err(|it| refusal::until_decided(refusal::of_watermark(&it)))?;
    Ok(())
}

/// Notes the epochs that are seen; a store that goes back while this node runs ends it.
pub(crate) fn follow(
    system: &System,
    cluster: &Cluster,
    singletons: &Singletons,
    leases: Arc<dyn LeaseStore>,
) {
    let marks = cluster.watermarks().clone();
    note_last(system, marks.clone(), leases);
    let mut seen = singletons.seen_epochs();
    let (system, tasks) = (system.clone(), system.tasks().clone());
    tasks.spawn("leases/watermark", async move {
        let stopping = system.shutdown().stopping();
        loop {
            let epochs = seen.borrow_and_update().clone();
            let is_last = stopping.is_stopping();
            match note(&marks, &epochs) {
                Ok(false) => {}
                Ok(true) => write(&system, &marks).await,
                Err(error) => {
                    let fault = refusal::of_watermark(&error);
                    tracing::error!(code = %fault.code, "{fault}");
                    system.shutdown().request(Reason::Refused(fault));
                    return;
                }
            }
            if is_last {
                return;
            }
            // What was seen until the end is noted, too.
            tokio::select! {
                it = seen.changed() => if it.is_err() { return },
                () = stopping.stopped() => {}
            }
        }
    });
}

/// What was taken here since the leases were last read is noted, too, when this node leaves.
fn note_last(system: &System, marks: Watermarks, leases: Arc<dyn LeaseStore>) {
    let it = system.clone();
    let step = async move {
        let unread = |it| Fault::transient(55, format!("the last epochs: {it}"));
        let epochs = epochs(leases.as_ref()).await.map_err(unread)?;
        note(&marks, &epochs).map_err(|it| refusal::of_watermark(&it))?;
        write(&it, &marks).await;
        Ok(())
    };
    // Refused only by a system that stops already: then it has seen nothing.
    let _ = system.shutdown().add(Phase::ClusterLeave, "leases-watermark", step);
}

type Epochs = BTreeMap<LeaseName, u64>;

async fn epochs(leases: &dyn LeaseStore) -> weir_persistence_api::Result<Epochs> {
    let rows = leases.lease_list().await?;
    Ok(rows.into_iter().map(|it| (it.name, it.epoch)).collect())
}

/// Whether there is something new to be written.
fn note(marks: &Watermarks, epochs: &Epochs) -> Result<bool, Error> {
    epochs.iter().try_fold(false, |news, (name, epoch)| Ok(marks.lease(name, *epoch)? | news))
}

async fn write(system: &System, marks: &Watermarks) {
    let marks = marks.clone();
    let written = system.tasks().spawn_blocking("leases/watermark", move || marks.write());
    if let Ok(Err(error)) = written.join().await {
        tracing::warn!(code = "WEIR-00055", %error, "the watermark was not written");
    }
}
