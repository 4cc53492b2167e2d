//! Recovery of a controller with a long journal, against reading the same rows bare; and with
//! snapshots.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use weir_persistence_api::{Acquired, Append, Fence, LeaseName, Manifest, NewEvent, PersistenceId};
use weir_persistence_sql::Database;
use weir_runtime::{
    Decision, EventSourced, Form, HostRef, HostSettings, HostSpec, NoEffects, Stopwatch, System,
};

use crate::database::{Kind, Server};
use crate::report::{Report, Samples, Target, millis, per_second, rate};
use crate::system;

const ID: &str = "ledger";
const ROUNDS: usize = 3;
const WITHIN: Duration = Duration::from_secs(600);
/// Events that are written together.
const PAGE: u64 = 500;

/// A fact of the kind that controllers write: a few names and numbers.
#[derive(Debug, Serialize, Deserialize)]
struct Booked {
    account: String,
    amount: i64,
    remark: String,
    at: i64,
}

impl Booked {
    fn nth(number: u64) -> Self {
        Self {
            account: format!("account-{}", number % 1_000),
            amount: i64::try_from(number % 100).unwrap_or(0),
            remark: format!(
                "the remark of booking {number}, as long as remarks are: {}",
                "x".repeat(60)
            ),
            at: 1_700_000_000_000,
        }
    }
}

/// Sums per account: what a journal folds to is much smaller than the journal.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    count: u64,
    sum: i64,
}

#[derive(Debug)]
struct Never;

impl fmt::Display for Never {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a ledger refuses nothing")
    }
}

impl std::error::Error for Never {}

impl EventSourced for Ledger {
    type Command = Booked;
    type Event = Booked;
    type Effect = ();
    type Rejection = Never;

    const EVENT_FORM: Form = Form::new("booked", 1);

    fn decide(&self, command: Booked) -> Decision<Self> {
        Ok(vec![command])
    }

    fn apply(&mut self, event: &Booked) {
        self.count += 1;
        self.sum += event.amount;
    }

    fn outstanding(&self) -> Vec<()> {
        Vec::new()
    }
}

pub(crate) async fn measure(kind: Kind, events: u64, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(kind).await?;
    let store = server.store().await?;
    let lease = LeaseName("bench".to_owned());
    let acquired = store.lease_acquire(&lease, "bench", Duration::from_secs(9_999)).await?;
    let Acquired::Granted(fence) = acquired else { anyhow::bail!("the lease is free") };
    let place = Place { system: system("bench"), store, fence };
    let bytes = place.fill(events).await?;
    let mut bare = server.bare().await?;
    let (mut read, mut recovered) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        let rows = bare.read(ID).await?;
        read.add(per_second(events, watch.elapsed()));
        ensure!(rows == (events, bytes), "{rows:?} were read, not {:?}", (events, bytes));
        let took = place.recover(events).await?;
        recovered.add(per_second(events, took));
        // It saves one when it stops.
        bare.execute("DELETE FROM snapshot").await?;
    }
    place.recover(events).await?;
    let with_snapshot = place.recover(events).await?;
    place.store.close().await;
    let what = format!("recovery of {events} events, {}", kind.title());
    let (bare, weir) = (read.median(), recovered.median());
    report.ratio(&what, &rate(bare), &rate(weir), weir / bare, Target::AtLeast(0.5));
    let what = format!("the same with snapshots, {}", kind.title());
    report.value(&what, millis(with_snapshot), "ms", Target::AtMost(1_000.0));
    Ok(())
}

struct Place {
    system: System,
    store: Arc<dyn Database>,
    fence: Fence,
}

impl Place {
    /// Writes the journal; returns how many bytes of payload it has.
    async fn fill(&self, events: u64) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for after in (0..events).step_by(PAGE as usize) {
            let page = (after..events.min(after + PAGE)).map(Booked::nth);
            let page = page.map(|it| {
                let payload = rmp_serde::to_vec_named(&it).context("a booking can be written")?;
                bytes += payload.len() as u64;
                let manifest = Manifest { name: "booked".to_owned(), version: 1 };
                anyhow::Ok(NewEvent {
                    manifest,
                    payload: payload.into(),
                    tags: vec![],
                    command: None,
                })
            });
            let events = page.collect::<anyhow::Result<_>>()?;
            let (id, fence) = (PersistenceId(ID.to_owned()), self.fence.clone());
            self.store.append(Append { id, fence, after, events }).await?;
        }
        Ok(bytes)
    }

    /// Starts the controller, checks what it knows, and stops it.
    async fn recover(&self, events: u64) -> anyhow::Result<Duration> {
        let spec = HostSpec {
            id: PersistenceId(ID.to_owned()),
            fence: self.fence.clone(),
            store: self.store.clone(),
            effects: Arc::new(NoEffects),
            settings: HostSettings::default(),
        };
        let watch = Stopwatch::start();
        let host = HostRef::<Ledger>::start(&self.system, spec).await?;
        host.ready(WITHIN).await?;
        let took = watch.elapsed();
        let known = host.query(WITHIN, |it| (it.count, it.sum)).await?;
        let sum = (0..events).map(|it| i64::try_from(it % 100).unwrap_or(0)).sum::<i64>();
        ensure!(known == (events, sum), "{known:?} is not {:?}", (events, sum));
        host.stop(WITHIN).await?;
        Ok(took)
    }
}
