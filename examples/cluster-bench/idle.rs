//! What an engine of a cluster costs that has nothing to do.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::engines::Engines;
use crate::report::{Report, Samples, Target};

/// Long enough for all that is done every few seconds.
const MINUTE: Duration = Duration::from_secs(60);
/// What belongs to the start is over by then.
const AT_REST_AFTER: Duration = Duration::from_secs(10);

pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let engines = runtime.block_on(Engines::start())?;
    thread::sleep(AT_REST_AFTER);
    let pids = engines.nodes.iter().map(|it| it.pid()).collect::<anyhow::Result<Vec<_>>>()?;
    let before: Vec<_> = pids.iter().map(|it| cpu(*it)).collect();
    thread::sleep(MINUTE);
    let (mut cores, mut memory) = (Samples::default(), Samples::default());
    for (pid, before) in pids.into_iter().zip(before) {
        let used = cpu(pid).saturating_sub(before);
        cores.add(used.as_secs_f64() / MINUTE.as_secs_f64() * 100.0);
        memory.add(resident_megabytes(pid));
    }
    report.value(
        "idle engine of three: CPU, highest",
        cores.quantile(1.0),
        "% of a core",
        Target::AtMost(1.0),
    );
    report.value(
        "idle engine of three: memory, highest",
        memory.quantile(1.0),
        "MB",
        Target::AtMost(60.0),
    );
    Ok(())
}

/// User and system time of a process so far.
fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the name in parentheses and may hold blanks.
    let after = stat.rsplit_once(") ").map_or("", |it| it.1);
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    // Linux counts in hundredths of a second, whatever the kernel's own tick is.
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn resident_megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap_or_default();
    let kilobytes = line.split_whitespace().next().and_then(|it| it.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0 / 1e6
}
