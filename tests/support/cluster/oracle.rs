//! What must hold after every test of a cluster, whatever was done to it.
//!
//! - Journals have no gap, and epochs never decrease along one.
//! - In an epoch there is one writer, and at no moment of the database's clock two holders.
//! - Every command that was acknowledged is there, once.
//! - No process panicked, logged an error that nobody expects, or used more memory than it may.

use std::collections::BTreeMap;

use super::commands::Done;
use super::database::Database;
use super::{Cluster, Watch};

/// What an engine may use at its peak. Idle ones have a fourth of it, built without optimisation.
const MEMORY_MAX: u64 = 300 << 20;

/// The list of members was not answered for 2 s: the disk of a machine with other guests may stand still for so long.
/// No status of a member changes meanwhile.
const SLOW: &str = "WEIR-11005";

/// Watches a cluster from its first moment, and judges it at the end.
pub(crate) struct Oracle {
    watch: Watch,
    /// Codes of errors that the test's own faults, or the machine, lead to.
    expected: Vec<&'static str>,
}

impl Oracle {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        Self { watch: Watch::start(&cluster.database), expected: vec![SLOW] }
    }

    /// Errors with these codes may be in the logs.
    pub(crate) fn expecting(mut self, codes: &[&'static str]) -> Self {
        self.expected.extend(codes);
        self
    }

    /// The database must be there.
    #[track_caller]
    pub(crate) fn check(self, cluster: &mut Cluster) {
        let seen = self.watch.end();
        assert_eq!(seen.wrong, Vec::<String>::new());
        assert!(seen.looks > 0, "nobody looked at the leases");
        Self::journals(cluster);
        for node in &mut cluster.nodes {
            assert_eq!(strays(&node.logs(), &self.expected), Vec::<String>::new(), "{}", node.name);
            let peak = node.memory_peak();
            assert!(peak < MEMORY_MAX, "{} used {} MiB", node.name, peak >> 20);
        }
    }

    /// What is written so far.
    #[track_caller]
    pub(crate) fn journals(cluster: &Cluster) {
        assert_eq!(Journal::of(&cluster.database).wrong(), Vec::<String>::new());
    }

    /// How many changes of deployments are written that somebody commanded.
    pub(crate) fn changes(cluster: &Cluster) -> u64 {
        written(&cluster.database)
    }

    /// What a client knows to be done must be in the journal, once. Nobody else deploys meanwhile.
    #[track_caller]
    pub(crate) fn acknowledged(&self, cluster: &Cluster, done: &Done) {
        let written = written(&cluster.database);
        let wanted = done.before + done.acknowledged.len() as u64;
        // The last one may have been done without an answer.
        let most = wanted + u64::from(done.is_last_open);
        assert!(
            (wanted..=most).contains(&written),
            "{written} changes are in the journal; {} that were there before and {} that were \
             acknowledged should be",
            done.before,
            done.acknowledged.len()
        );
    }
}

/// How many events of deployments there are that somebody commanded: what nodes say of themselves
/// has no command. Those that were deleted count all, which is exact as long as none were.
pub(super) fn written(database: &Database) -> u64 {
    let rows = database.rows(
        "SELECT CONCAT(\
           (SELECT COUNT(*) FROM event_journal \
             WHERE persistence_id = 'deployment-storage' AND command IS NOT NULL) +\
           COALESCE((SELECT deleted_to FROM event_deleted \
             WHERE persistence_id = 'deployment-storage'), 0))",
    );
    number(&rows[0])
}

/// Lines that no log should have.
fn strays(log: &str, expected: &[&str]) -> Vec<String> {
    let is_stray = |line: &&str| {
        let is_error = line.contains(" ERROR ") && !expected.iter().any(|it| line.contains(it));
        is_error || line.contains("panicked")
    };
    log.lines().filter(is_stray).map(str::to_owned).collect()
}

/// All that is written of each journal.
struct Journal {
    /// By id: sequence, epoch and writer of each event, in order.
    events: BTreeMap<String, Vec<(u64, u64, String)>>,
    /// By id: up to which sequence all are deleted.
    deleted: BTreeMap<String, u64>,
    /// By id: the sequence of the newest snapshot.
    snapshots: BTreeMap<String, u64>,
}

impl Journal {
    fn of(database: &Database) -> Self {
        let events = database.rows(
            "SELECT CONCAT_WS('|', persistence_id, sequence_number, writer_epoch, writer) \
             FROM event_journal ORDER BY persistence_id, sequence_number",
        );
        let newest = |sql: &str| {
            let rows = database.rows(sql);
            let of = |row: &String| {
                let [id, sequence] = words(row);
                (id.to_owned(), number(sequence))
            };
            rows.iter().map(of).collect()
        };
        let mut this = Self {
            events: BTreeMap::new(),
            deleted: newest("SELECT CONCAT_WS('|', persistence_id, deleted_to) FROM event_deleted"),
            snapshots: newest(
                "SELECT CONCAT_WS('|', persistence_id, MAX(sequence_number)) FROM snapshot \
                 GROUP BY persistence_id",
            ),
        };
        for row in events {
            let [id, sequence, epoch, writer] = words(&row);
            let event = (number(sequence), number(epoch), writer.to_owned());
            this.events.entry(id.to_owned()).or_default().push(event);
        }
        this
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (id, events) in &self.events {
            let deleted = self.deleted.get(id).copied().unwrap_or(0);
            let numbers: Vec<_> = events.iter().map(|it| it.0).collect();
            if !numbers.iter().copied().eq((deleted + 1..).take(numbers.len())) {
                wrong.push(format!("{id} has a gap after {deleted}: {numbers:?}"));
            }
            let highest = numbers.last().copied().unwrap_or(deleted);
            if let Some(snapshot) = self.snapshots.get(id).filter(|it| **it > highest) {
                wrong.push(format!("{id} ends at {highest} and has a snapshot of {snapshot}"));
            }
            for pair in events.windows(2) {
                let [(_, before, writer), (at, epoch, next)] = pair else { continue };
                if epoch < before {
                    wrong.push(format!("{id} goes back to epoch {epoch} at {at}"));
                }
                if epoch == before && writer != next {
                    wrong.push(format!("{id} has two writers in epoch {epoch}: {writer}, {next}"));
                }
            }
        }
        wrong
    }
}

fn words<const N: usize>(row: &str) -> [&str; N] {
    let words: Vec<_> = row.split('|').collect();
    words.try_into().unwrap_or_else(|_| panic!("{row:?} has not {N} words"))
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(deleted: u64, snapshot: u64, events: &[(u64, u64, &str)]) -> usize {
        let events = events.iter().map(|it| (it.0, it.1, it.2.to_owned())).collect();
        let journal = Journal {
            events: BTreeMap::from([("a".to_owned(), events)]),
            deleted: BTreeMap::from([("a".to_owned(), deleted)]),
            snapshots: BTreeMap::from([("a".to_owned(), snapshot)]),
        };
        journal.wrong().len()
    }

    #[test]
    fn a_journal_without_a_gap_is_right() {
        assert_eq!(wrong(1, 3, &[(2, 1, "x"), (3, 2, "y")]), 0);
        assert_eq!(wrong(3, 3, &[]), 0);
    }

    #[test]
    fn gaps_epochs_that_decrease_and_two_writers_are_found() {
        assert_eq!(wrong(0, 0, &[(1, 1, "x"), (3, 1, "x")]), 1);
        assert_eq!(wrong(0, 2, &[(1, 1, "x")]), 1, "the newest is gone");
        assert_eq!(wrong(0, 0, &[(1, 2, "x"), (2, 1, "x")]), 1);
        assert_eq!(wrong(0, 0, &[(1, 1, "x"), (2, 1, "y")]), 1);
    }

    #[test]
    fn errors_that_nobody_expects_and_panics_are_found() {
        let log =
            "t ERROR a [WEIR-11020] x\nt INFO b\nthread panicked at\nt ERROR a [WEIR-05001] y";
        assert_eq!(strays(log, &["WEIR-11020"]).len(), 2);
    }
}
