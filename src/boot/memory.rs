//! How much memory this engine may use, and how much of it is free: of the machine, or of the control group that the
//! process is bounded by.

use std::fs::read_to_string;
use std::path::Path;

/// Where the groups of version 2 are.
const GROUPS: &str = "/sys/fs/cgroup";
/// What the system gives back where memory is needed, of what a group is said to use.
const RECLAIMABLE: [&str; 3] = ["inactive_file", "active_file", "slab_reclaimable"];

/// All that there is for this process, and what of it is free. `None` where the system does not say.
pub(super) fn room() -> Option<(u64, u64)> {
    let of_machine = of_machine(&read_to_string("/proc/meminfo").ok()?)?;
    let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_group = of_group(Path::new(GROUPS), &groups);
    Some(of_group.map_or(of_machine, |it| tighter(of_machine, it)))
}

fn of_machine(meminfo: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let rest = meminfo.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':'))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|it| it << 10)
    };
    Some((bytes("MemTotal")?, bytes("MemAvailable")?))
}

/// Of the group and of those that it is in, as each of them may be bounded: the least that is free. `None` where there
/// is no group of version 2, or none that is bounded.
fn of_group(root: &Path, groups: &str) -> Option<(u64, u64)> {
    let path = groups.lines().find_map(|it| it.strip_prefix("0::/"))?;
    let directory = root.join(path);
    let bounded = directory.ancestors().take_while(|it| it.starts_with(root));
    bounded.filter_map(of_directory).reduce(tighter)
}

fn of_directory(directory: &Path) -> Option<(u64, u64)> {
    let number = |name: &str| read_to_string(directory.join(name)).ok()?.trim().parse().ok();
    let (max, used) = (number("memory.max")?, number("memory.current")?);
    let stat = read_to_string(directory.join("memory.stat")).unwrap_or_default();
    Some(free_of(max, used, reclaimable(&stat)))
}

/// Above all what is only cached of files that were read or written.
fn reclaimable(stat: &str) -> u64 {
    let lines = stat.lines().filter_map(|it| it.split_once(' '));
    let given_back = lines.filter(|it| RECLAIMABLE.contains(&it.0));
    given_back.filter_map(|it| it.1.trim().parse::<u64>().ok()).sum()
}

fn free_of(max: u64, used: u64, reclaimable: u64) -> (u64, u64) {
    (max, max.saturating_sub(used.saturating_sub(reclaimable)))
}

fn tighter(one: (u64, u64), other: (u64, u64)) -> (u64, u64) {
    if other.1 < one.1 { other } else { one }
}

#[cfg(test)]
mod tests {
    use std::fs;

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

    #[test]
    fn a_group_has_what_the_tightest_of_those_around_it_leaves() {
        let root = tempfile::tempdir().unwrap();
        let group = |path: &str, max: &str, used: u64, stat: &str| {
            let directory = root.path().join(path);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("memory.max"), format!("{max}\n")).unwrap();
            fs::write(directory.join("memory.current"), format!("{used}\n")).unwrap();
            fs::write(directory.join("memory.stat"), stat).unwrap();
        };
        let stat = "anon 500\nfile 380\ninactive_file 300\nactive_file 80\nslab 30\n\
                    slab_reclaimable 20\nslab_unreclaimable 10\n";
        group("pod/engine", "1000", 950, stat);
        assert_eq!(of_group(root.path(), "0::/pod/engine\n"), Some((1_000, 450)));
        group("pod/engine", "max", 950, stat);
        assert_eq!(of_group(root.path(), "0::/pod/engine\n"), None, "nothing bounds it");
        group("pod", "2000", 1_900, "inactive_file 100\n");
        let around = Some((2_000, 200));
        assert_eq!(
            of_group(root.path(), "1:cpu:/\n0::/pod/engine\n"),
            around,
            "what it is in does"
        );
        group("pod/engine", "800", 100, "");
        assert_eq!(of_group(root.path(), "0::/pod/engine\n"), around, "its neighbours take it");
        group("", "300", 200, "");
        assert_eq!(of_group(root.path(), "0::/pod/engine\n"), Some((300, 100)));
        assert_eq!(of_group(root.path(), "0::/\n"), Some((300, 100)), "as seen in a container");
        assert_eq!(of_group(root.path(), "4:memory:/x\n"), None, "version 1");
    }
}
