//! What is remembered of all keys, and when it is forgotten.
//!
//! A key whose time is over is as one that never was, at once. Its memory is freed within twice the
//! time that keys are remembered: each key is looked at once in that time.

use std::collections::VecDeque;

use weir_stream::state::MapTable;

use super::cell::Running;

pub(super) struct Memory {
    pub(super) keys: MapTable<u128, Running>,
    /// In milliseconds.
    ttl: Option<i64>,
    /// Each key once, with a time at which it was seen. `None`: not known yet, after a restart.
    seen: Option<VecDeque<(i64, u128)>>,
}

impl Memory {
    pub(super) fn new(version: u32, ttl: Option<i64>) -> Self {
        Self { keys: MapTable::new(version), ttl, seen: None }
    }

    /// What is remembered of a key, unless its time is over.
    pub(super) fn get(&self, key: u128, now: i64) -> Option<&Running> {
        self.keys.get(&key).filter(|it| !self.is_over(it.seen, now))
    }

    /// Changes a key that a record had now.
    pub(super) fn update(
        &mut self,
        key: u128,
        now: i64,
        fresh: impl FnOnce() -> Running,
        change: impl FnOnce(&mut Running),
    ) {
        if self.ttl.is_some() && self.keys.get(&key).is_none() {
            self.seen_mut().push_back((now, key));
        }
        self.keys.update(&key, fresh, |it| {
            it.seen = now;
            change(it);
        });
    }

    /// Frees keys whose time is over, and says which.
    pub(super) fn forget(&mut self, now: i64) -> Vec<u128> {
        let mut forgotten = Vec::new();
        if self.ttl.is_none() {
            return forgotten;
        }
        while let Some((at, key)) = self.seen_mut().front().copied() {
            if !self.is_over(at, now) {
                break;
            }
            self.seen_mut().pop_front();
            match self.keys.get(&key).map(|it| it.seen) {
                Some(seen) if !self.is_over(seen, now) => self.seen_mut().push_back((seen, key)),
                Some(_) => {
                    self.keys.remove(&key);
                    forgotten.push(key);
                }
                None => {}
            }
        }
        forgotten
    }

    /// A clock that was set back makes nothing older.
    fn is_over(&self, seen: i64, now: i64) -> bool {
        self.ttl.is_some_and(|ttl| now.saturating_sub(seen) >= ttl)
    }

    fn seen_mut(&mut self) -> &mut VecDeque<(i64, u128)> {
        let keys = &self.keys;
        self.seen.get_or_insert_with(|| {
            let mut all: Vec<_> = keys.iter().map(|(key, it)| (it.seen, *key)).collect();
            all.sort_unstable();
            all.into()
        })
    }
}
