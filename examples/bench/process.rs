//! What a process used, as the system accounts for it.

use std::time::Duration;

/// The accounting of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    /// User and system time of all threads.
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
}

/// User and system time of a process so far.
pub(crate) fn cpu(pid: u32) -> Duration {
    times(pid, [11, 12])
}

/// The same of all children that have ended and were waited for, and of theirs.
pub(crate) fn children_cpu() -> Duration {
    times(std::process::id(), [13, 14])
}

fn times(pid: u32, fields_of: [usize; 2]) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the name in parentheses and may hold blanks.
    let after = stat.rsplit_once(") ").map_or("", |it| it.1);
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    // Linux counts in hundredths of a second, whatever the kernel's own tick is.
    Duration::from_millis(fields_of.map(ticks).iter().sum::<u64>() * 10)
}

pub(crate) fn peak_bytes(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

pub(crate) fn resident_bytes(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

fn status(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix(key)).unwrap_or_default();
    let kilobytes = line.split_whitespace().next().and_then(|it| it.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
