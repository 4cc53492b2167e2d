//! What does not arrive, and the rules that make it so.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

#[derive(Default)]
pub(super) struct Faults {
    /// What the first sends does not arrive at the second.
    cuts: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    /// Hosts with packets that get lost between them, and how many of a hundred.
    loss: Option<(Vec<Ipv4Addr>, u8)>,
}

impl Faults {
    pub(super) fn cut(&mut self, from: Ipv4Addr, to: Ipv4Addr) {
        self.cuts.insert((from, to));
    }

    pub(super) fn lose(&mut self, hosts: Vec<Ipv4Addr>, percent: u8) {
        self.loss = Some((hosts, percent));
    }

    /// All rules of a host, in place of those that it has.
    pub(super) fn rules(&self, host: Ipv4Addr) -> String {
        let mut rules = "flush ruleset\n\
            table ip faults {\n chain input {\n  type filter hook input priority 0\n"
            .to_owned();
        for (from, _) in self.cuts.iter().filter(|it| it.1 == host) {
            writeln!(rules, "  ip saddr {from} drop").unwrap();
        }
        let loss = self.loss.iter().filter(|it| it.0.contains(&host));
        for (hosts, percent) in loss {
            for from in hosts.iter().filter(|it| **it != host) {
                let dice = format!("numgen random mod 100 < {percent}");
                writeln!(rules, "  ip saddr {from} {dice} drop").unwrap();
            }
        }
        rules + " }\n}\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_drops_what_arrives_from_there() {
        let [a, b] = [1, 2].map(|it| Ipv4Addr::new(10, 0, 0, it));
        let mut faults = Faults::default();
        faults.cut(a, b);
        assert!(faults.rules(b).contains("ip saddr 10.0.0.1 drop\n"));
        assert!(!faults.rules(a).contains("saddr"));
        faults.lose(vec![a, b], 30);
        assert!(faults.rules(a).contains("ip saddr 10.0.0.2 numgen random mod 100 < 30 drop\n"));
    }
}
