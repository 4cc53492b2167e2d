//! How much memory this engine may use, and how much of it is free: of the machine, or of the control group that the
//! process is bounded by.

use std::fs::read_to_string;
use std::path::Path;

/// All that there is for this process, and what of it is free. `None` where the system does not say.
pub(super) fn room() -> Option<(u64, u64)> {
    let of_machine = of_machine(&read_to_string("/proc/meminfo").ok()?)?;
    let of_group = read_to_string("/proc/self/cgroup").ok().and_then(|it| of_group(&it));
    Some(of_group.map_or(of_machine, |it| tighter(of_machine, it)))
}

fn of_machine(meminfo: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let rest = meminfo.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|it| it << 10)
    };
    Some((bytes("MemTotal")?, bytes("MemAvailable")?))
}

/// `None` where there is no group of version 2, or none that is bounded.
fn of_group(groups: &str) -> Option<(u64, u64)> {
    let path = groups.lines().find_map(|it| it.strip_prefix("0::/"))?;
    let directory = Path::new("/sys/fs/cgroup").join(path);
    let number = |name: &str| read_to_string(directory.join(name)).ok()?.trim().parse().ok();
    let (max, used) = (number("memory.max")?, number("memory.current")?);
    let stat = read_to_string(directory.join("memory.stat")).unwrap_or_default();
    let cached = stat.lines().find_map(|it| it.strip_prefix("inactive_file ")?.parse().ok());
    Some(free_of(max, used, cached.unwrap_or(0)))
}

/// What is only cached is given back when it is needed.
fn free_of(max: u64, used: u64, cached: u64) -> (u64, u64) {
    (max, max.saturating_sub(used.saturating_sub(cached)))
}

fn tighter(one: (u64, u64), other: (u64, u64)) -> (u64, u64) {
    if other.1 < one.1 { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_read_of_the_machine_and_of_a_group_that_is_tighter() {
        let meminfo = "MemTotal:       24684084 kB\nMemFree:        19435772 kB\nMemAvailable:   22666784 kB\n";
        let machine = of_machine(meminfo).unwrap();
        assert_eq!(machine, (24_684_084 << 10, 22_666_784 << 10));
        assert_eq!(of_machine("MemTotal: 1 kB\n"), None, "an old kernel");
        let group = free_of(1_000, 900, 300);
        assert_eq!(group, (1_000, 400));
        assert_eq!(free_of(1_000, 1_200, 0), (1_000, 0));
        assert_eq!((tighter(machine, group), tighter((10, 5), (100, 50))), (group, (10, 5)));
    }
}
