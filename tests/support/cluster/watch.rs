//! Looks at the leases all the time, in the database itself: at no moment of its clock may one
//! have two holders, or go back to an earlier one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Database;
use super::database::Session;

const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

/// What was seen of the leases.
#[derive(Default)]
pub(super) struct Seen {
    /// The newest epoch of each lease.
    epochs: BTreeMap<String, u64>,
    /// Who held a lease in an epoch.
    holders: BTreeMap<(String, u64), String>,
    /// What must not be.
    pub(super) wrong: Vec<String>,
    pub(super) looks: u32,
}

impl Watch {
    pub(crate) fn start(database: &Database) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut session = database.session();
        let until = is_over.clone();
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            while !until.load(Ordering::Relaxed) {
                // A database that is down is a fault of the test's choice.
                if let Ok(rows) = leases(&mut session) {
                    seen.look(&rows);
                }
                thread::sleep(LOOK_EVERY);
            }
            seen
        });
        Self { is_over, thread: Some(thread) }
    }

    pub(super) fn end(mut self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().expect("it ends once").join().unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Name, epoch and owner of each lease.
fn leases(session: &mut Session) -> Result<Vec<(String, u64, String)>, String> {
    let rows =
        session.rows("SELECT CONCAT_WS('|', name, epoch, owner) FROM lease ORDER BY name")?;
    let of = |row: String| {
        let mut words = row.split('|').map(str::to_owned);
        let name = words.next().unwrap();
        let epoch = words.next().unwrap().parse().unwrap();
        (name, epoch, words.next().unwrap_or_default())
    };
    Ok(rows.into_iter().map(of).collect())
}

impl Seen {
    fn look(&mut self, leases: &[(String, u64, String)]) {
        self.looks += 1;
        for (name, epoch, owner) in leases {
            let newest = self.epochs.entry(name.clone()).or_insert(*epoch);
            if *epoch < *newest {
                self.wrong.push(format!("{name} went back from epoch {newest} to {epoch}"));
            }
            *newest = *epoch;
            if owner.is_empty() {
                continue;
            }
            let holder = self.holders.entry((name.clone(), *epoch)).or_insert(owner.clone());
            if holder != owner {
                self.wrong
                    .push(format!("{name} was held by {holder} and {owner} in epoch {epoch}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(looks: &[(u64, &str)]) -> usize {
        let mut seen = Seen::default();
        for (epoch, owner) in looks {
            seen.look(&[("access".to_owned(), *epoch, (*owner).to_owned())]);
        }
        seen.wrong.len()
    }

    #[test]
    fn two_holders_and_a_step_back_are_seen() {
        assert_eq!(wrong(&[(1, "a"), (1, ""), (2, "b"), (2, "b"), (3, "a")]), 0);
        assert_eq!(wrong(&[(1, "a"), (1, "b")]), 1);
        assert_eq!(wrong(&[(2, "a"), (1, "a")]), 1);
    }
}
