//! Appends through the store, against bare inserts of the same rows into the same table.
//!
//! Bare means hand-written multi-row inserts that know no lease, no order of events and no
//! failure: 64 tasks hand over their rows and wait until they are durable, and every statement has
//! a row of each of them, over one connection or two with half of them each, whatever is faster. The
//! aim is held against that: it is the best that a bare client does for 64 writers. A loop that
//! inserts 64 rows at a time for nobody is shown beside it: it wakes no writer and waits for none,
//! which makes it what the server does at best.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use futures::future::{join_all, try_join_all};
use tokio::sync::{mpsc, oneshot};
use weir_persistence_api::{Acquired, Append, Fence, LeaseName, Manifest, NewEvent, PersistenceId};
use weir_persistence_sql::Database;
use weir_runtime::{Stopwatch, System};

use crate::database::{Bare, Kind, PAYLOAD, Server};
use crate::report::{Report, Samples, Target, millis, per_second, rate};
use crate::system;

const WRITERS: usize = 64;
/// Events of each writer in one round.
const EACH: u64 = 100;
const ROUNDS: u64 = 9;
const SINGLES: u64 = 200;

pub(crate) async fn measure(kind: Kind, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(kind).await?;
    let store = server.store().await?;
    let lease = LeaseName("bench".to_owned());
    let acquired = store.lease_acquire(&lease, "bench", Duration::from_secs(9_999)).await?;
    let Acquired::Granted(fence) = acquired else { anyhow::bail!("the lease is free") };
    let mut side = Weir { system: system("bench"), store, fence };
    let (mut one, mut two) = (server.bare().await?, server.bare().await?);
    let mut many = [(); 4].map(|()| Samples::default());
    let mut single = [(); 2].map(|()| Samples::default());
    for round in 0..=ROUNDS {
        let system = side.system.clone();
        let rates = [
            loops(&mut one, round).await?,
            grouped(&system, [&mut one], "one", round).await?,
            grouped(&system, [&mut one, &mut two], "two", round).await?,
            side.many(round).await?,
        ];
        let times = [bare_single(&mut one, round).await?, side.single(round).await?];
        // The first round is for warming up.
        if round > 0 {
            many.iter_mut().zip(rates).for_each(|(all, it)| all.add(it));
            single.iter_mut().zip(times).for_each(|(all, it)| all.add_all(it));
        }
    }
    side.verify(&mut one).await?;
    side.store.close().await;
    let [loops, one, two, weir] = many.map(|it| it.median());
    let bare = one.max(two);
    let what = format!("appends, {WRITERS} writers, {}", kind.title());
    report.ratio(&what, &rate(bare), &rate(weir), weir / bare, Target::AtLeast(0.7));
    let what = format!("the same to a loop without writers, {}", kind.title());
    report.ratio(&what, &rate(loops), &rate(weir), weir / loops, Target::None);
    let [bare, weir] = single.map(|it| it.median());
    let what = format!("one append, p50, {}", kind.title());
    let ms = |it: f64| format!("{it:.3} ms");
    report.ratio(&what, &ms(bare), &ms(weir), weir / bare, Target::AtMost(1.5));
    Ok(())
}

fn ids(prefix: &str) -> Vec<String> {
    (0..WRITERS).map(|it| format!("{prefix}-{it}")).collect()
}

fn after(round: u64, each: u64) -> std::ops::Range<u64> {
    round * each..(round + 1) * each
}

/// One connection that inserts 64 rows at a time, and nobody who waits for them.
async fn loops(side: &mut Bare, round: u64) -> anyhow::Result<f64> {
    let ids = ids("loop");
    let watch = Stopwatch::start();
    for before in after(round, EACH) {
        let rows: Vec<_> = ids.iter().map(|it| (it.as_str(), sequence(before))).collect();
        side.insert(&rows).await?;
    }
    Ok(per_second(EACH * WRITERS as u64, watch.elapsed()))
}

/// A row that a writer wants inserted.
type Wanted = (String, i64, oneshot::Sender<()>);

/// 64 tasks that each hand over a row and wait until it is durable; each connection inserts the
/// rows of its writers in one statement.
async fn grouped<const N: usize>(
    system: &System,
    sides: [&mut Bare; N],
    name: &str,
    round: u64,
) -> anyhow::Result<f64> {
    let mut inboxes = Vec::new();
    let mut groups = Vec::new();
    for side in sides {
        let (sender, inbox) = mpsc::channel(WRITERS);
        inboxes.push(sender);
        groups.push(group(side, inbox, WRITERS / N));
    }
    let watch = Stopwatch::start();
    let writers = ids(name).into_iter().enumerate().map(|(at, id)| {
        let inbox = inboxes[at % N].clone();
        system.tasks().spawn("writer", async move {
            for before in after(round, EACH) {
                let (reply, written) = oneshot::channel();
                inbox.send((id.clone(), sequence(before), reply)).await?;
                written.await?;
            }
            anyhow::Ok(())
        })
    });
    let writers: Vec<_> = writers.collect();
    // The groups end when all writers have.
    drop(inboxes);
    try_join_all(groups).await?;
    for written in join_all(writers.into_iter().map(|it| it.join())).await {
        written??;
    }
    Ok(per_second(EACH * WRITERS as u64, watch.elapsed()))
}

/// Each of so many writers has a row in every statement: none is filled better.
async fn group(
    side: &mut Bare,
    mut inbox: mpsc::Receiver<Wanted>,
    writers: usize,
) -> anyhow::Result<()> {
    let mut group = Vec::with_capacity(writers);
    while let Some(wanted) = inbox.recv().await {
        group.push(wanted);
        if group.len() < writers {
            continue;
        }
        let rows: Vec<_> = group.iter().map(|it| (it.0.as_str(), it.1)).collect();
        side.insert(&rows).await?;
        for (_, _, reply) in group.drain(..) {
            // A writer waits for it.
            let _ = reply.send(());
        }
    }
    Ok(())
}

fn sequence(before: u64) -> i64 {
    i64::try_from(before + 1).expect("few events are written")
}

async fn bare_single(side: &mut Bare, round: u64) -> anyhow::Result<Samples> {
    let mut samples = Samples::default();
    for before in after(round, SINGLES) {
        let watch = Stopwatch::start();
        side.insert(&[("bare-single", sequence(before))]).await?;
        samples.add(millis(watch.elapsed()));
    }
    Ok(samples)
}

struct Weir {
    system: System,
    store: Arc<dyn Database>,
    fence: Fence,
}

impl Weir {
    async fn many(&self, round: u64) -> anyhow::Result<f64> {
        let watch = Stopwatch::start();
        let writers = ids("weir").into_iter().map(|id| {
            let (store, fence) = (self.store.clone(), self.fence.clone());
            self.system.tasks().spawn("writer", async move {
                for before in after(round, EACH) {
                    store.append(append(&id, &fence, before)).await?;
                }
                anyhow::Ok(())
            })
        });
        for written in join_all(writers.map(|it| it.join())).await {
            written??;
        }
        Ok(per_second(EACH * WRITERS as u64, watch.elapsed()))
    }

    async fn single(&self, round: u64) -> anyhow::Result<Samples> {
        let mut samples = Samples::default();
        for before in after(round, SINGLES) {
            let watch = Stopwatch::start();
            self.store.append(append("weir-single", &self.fence, before)).await?;
            samples.add(millis(watch.elapsed()));
        }
        Ok(samples)
    }

    /// Both sides wrote the same number of rows, and what the store wrote is read back by it.
    async fn verify(&mut self, bare: &mut Bare) -> anyhow::Result<()> {
        let each = (ROUNDS + 1) * EACH;
        for id in ids("weir") {
            let highest = self.store.highest(&PersistenceId(id.clone())).await?;
            ensure!(highest == each, "{id} ends at {highest}, not at {each}");
            let page = self.store.replay(&PersistenceId(id.clone()), 0, 10_000).await?;
            ensure!(page.len() as u64 == each, "{id} has {} events, not {each}", page.len());
            ensure!(page.iter().all(|it| it.payload[..] == PAYLOAD), "{id} has other payloads");
        }
        for prefix in ["loop", "one", "two", "weir"] {
            let sql = format!(
                "SELECT COUNT(*) FROM event_journal \
                 WHERE persistence_id LIKE '{prefix}-%' AND persistence_id NOT LIKE '%-single'"
            );
            let rows = bare.number(&sql).await?;
            ensure!(rows as u64 == each * WRITERS as u64, "{prefix} wrote {rows} rows");
        }
        Ok(())
    }
}

fn append(id: &str, fence: &Fence, after: u64) -> Append {
    let event = NewEvent {
        manifest: Manifest { name: "happened".to_owned(), version: 1 },
        payload: PAYLOAD.to_vec().into(),
        tags: vec![],
        command: None,
    };
    Append { id: PersistenceId(id.to_owned()), fence: fence.clone(), after, events: vec![event] }
}
