//! What placement costs, and how that grows with the cluster.
//!
//! Before anything is timed, small clusters are placed by a second, naive placement, too, and must
//! come out the same. Each figure is the median of several runs on equal input.

mod clusters;
mod oracle;

use std::time::Duration;

use anyhow::ensure;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use weir_controllers::scheduler::{explain, place};
use weir_domain::WorkflowName;
use weir_runtime::Stopwatch;

use crate::clusters::Cluster;

const NODES: [usize; 8] = [10, 50, 100, 500, 1_000, 2_000, 3_500, 5_000];
/// The size that the aims are set for, and the aims.
const AIMED: usize = 1_000;
const FROM_NOTHING_MAX: Duration = Duration::from_millis(100);
const LOST_MAX: Duration = Duration::from_millis(10);
const RUNS: usize = 9;

/// The binary is the product's: what it allocates with is measured too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(1);
    let cases = 2_000;
    for case in 0..cases {
        oracle::check(&mut random).map_err(|it| it.context(format!("cluster {case}")))?;
    }
    println!("{cases} small clusters came out as the naive placement has them\n");
    println!(
        "| nodes | workflows | instances | from nothing | one node lost | nothing to do | why |"
    );
    println!("|---|---|---|---|---|---|---|");
    for nodes in NODES {
        measure(nodes, &mut random)?;
    }
    Ok(())
}

fn measure(nodes: usize, random: &mut StdRng) -> anyhow::Result<()> {
    let mut cluster = Cluster::large(nodes, random);
    let from_nothing = median(|| drop(place(&cluster.situation())));
    let placement = place(&cluster.situation());
    let instances = placement.starts.len();
    ensure!(instances >= nodes * 9, "only {instances} instances were placed on {nodes} nodes");
    cluster.current.carry_out(&placement);
    let settled = median(|| drop(place(&cluster.situation())));
    let workflows = cluster.settings.len();
    let name = WorkflowName::new("w0")?;
    let why = median(|| drop(explain(&cluster.situation(), &name)));
    cluster.lose(nodes / 2);
    let lost = median(|| drop(place(&cluster.situation())));
    println!(
        "| {nodes} | {workflows} | {instances} | {} | {} | {} | {} |",
        millis(from_nothing),
        millis(lost),
        millis(settled),
        millis(why),
    );
    if nodes == AIMED {
        let is_met = from_nothing < FROM_NOTHING_MAX && lost < LOST_MAX;
        let verdict = if is_met { "met" } else { "missed" };
        println!("| | | aim: {verdict} | below 100 ms | below 10 ms | | |");
    }
    Ok(())
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..RUNS {
        let watch = Stopwatch::start();
        run();
        took.push(watch.elapsed());
    }
    took.sort();
    took[RUNS / 2]
}

fn millis(length: Duration) -> String {
    format!("{:.2} ms", length.as_secs_f64() * 1e3)
}
