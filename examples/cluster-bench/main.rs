//! The cluster measured, against bare loops where there is something to compare with: appends and
//! recovery on real database servers, messages between actors and between processes, the gap that
//! a client sees when an engine is lost, how long output stands still then, and what three idle
//! engines cost.
//!
//! Both sides of a ratio run in turns within one run, and what they did is checked before it is
//! timed. `BENCH_ONLY=appends,recovery,messages,fail-over,output,idle` runs some of the parts,
//! `BENCH_ROUNDS=10` loses so many engines instead of 50 (20 whose output is watched),
//! `BENCH_EVENTS=1000000` are recovered.
//!
//! It expects a release build of `weir` beside it: `make bench` sees to that.

mod appends;
mod database;
mod engines;
mod fail_over;
mod idle;
mod output;
mod peers;
mod recovery;
mod report;
mod tells;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use weir_domain::NodeName;
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};

use crate::database::Kind;
use crate::report::Report;

/// The binary is the product's: what it allocates with is measured too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    if peers::run_if_asked()? {
        return Ok(());
    }
    let wanted = std::env::var("BENCH_ONLY").unwrap_or_default();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.split(',').any(|it| it == part);
    let runtime = Runtime::new()?;
    let mut report = Report::default();
    for kind in [Kind::MariaDb, Kind::Postgres] {
        if is_wanted("appends") {
            runtime.block_on(appends::measure(kind, &mut report))?;
        }
        if is_wanted("recovery") {
            let events = setting("BENCH_EVENTS", 1_000_000)?;
            runtime.block_on(recovery::measure(kind, events, &mut report))?;
        }
    }
    if is_wanted("messages") {
        runtime.block_on(tells::measure(&mut report))?;
        peers::measure(&mut report)?;
    }
    if is_wanted("fail-over") {
        let rounds = setting("BENCH_ROUNDS", 50)?;
        runtime.block_on(fail_over::measure(rounds, &mut report))?;
    }
    if is_wanted("output") {
        let rounds = setting("BENCH_ROUNDS", 20)?;
        // It has a runtime of its own.
        let server = weir_test_servers::Nats::start();
        runtime.block_on(output::measure(rounds, &server, &mut report))?;
    }
    if is_wanted("idle") {
        idle::measure(&mut report)?;
    }
    report.print();
    Ok(())
}

fn setting(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}

/// The runtime's surroundings for what is measured in this process.
fn system(name: &str) -> System {
    let clock = Arc::new(SystemClock);
    System::new(SystemSettings {
        node: NodeName::new(name).expect("a name of a node"),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    })
}
