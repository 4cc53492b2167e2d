//! Pages of the book that nothing changes any more, bound together: one blob instead of one for each page
//! and one for the end of each replay.
//!
//! Volumes are a function of the pages alone, in their order: whoever binds some makes the same. A volume
//! is created once, and stays; what it is made from is removed after that, so that whoever dies in between
//! leaves both, of which the volume counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, StageId};

use super::book::{Asked, Ended, Page};

/// Most pages of a volume, and about how large it may become: less than any store takes.
const PAGES: usize = 64;
const BYTES: usize = 1 << 20;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) pages: Vec<Entry>,
}

/// A page with how its replays ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) command: CommandId,
    pub(super) is_replay: bool,
    pub(super) parts: Vec<EntryPart>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryPart {
    pub(super) stage: StageId,
    /// Of a replay; `None`: it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
    /// By what left them: from the first to the last of numbers that follow each other.
    pub(super) letters: BTreeMap<String, Vec<(u32, u32)>>,
}

impl Entry {
    pub(super) fn of(page: Page, ended: &BTreeMap<String, Ended>) -> Self {
        let command = page.command;
        let (is_replay, parts) = match page.asked {
            Asked::Replay(parts) => (true, parts),
            Asked::Discard(parts) => (false, parts),
        };
        let part = |it: super::book::Part| EntryPart {
            ended: ended.get(&replay_of(command, &it.stage)).copied(),
            stage: it.stage,
            letters: it.letters.into_iter().map(|(left, it)| (left, runs(&it))).collect(),
        };
        Self { command, is_replay, parts: parts.into_iter().map(part).collect() }
    }

    /// Nothing changes it any more.
    fn is_settled(&self) -> bool {
        !self.is_replay || self.parts.iter().all(|it| it.ended.is_some())
    }

    /// The names of its replays.
    pub(super) fn replays(&self) -> impl Iterator<Item = String> + '_ {
        let parts = self.parts.iter().filter(|_| self.is_replay);
        parts.map(|it| replay_of(self.command, &it.stage))
    }

    /// About how large it is as JSON.
    fn bytes(&self) -> usize {
        const EACH: usize = 100;
        let letters = self.parts.iter().flat_map(|it| &it.letters);
        letters.map(|(left, runs)| left.len() + 24 * runs.len()).sum::<usize>() + EACH
    }
}

impl EntryPart {
    pub(super) fn count(&self) -> u64 {
        self.letters.values().flatten().map(|(from, to)| u64::from(to - from) + 1).sum()
    }
}

/// The name of a replay wherever its page is not said.
pub(super) fn replay_of(command: CommandId, stage: &StageId) -> String {
    format!("{command}-{stage}")
}

fn runs(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for it in numbers {
        match runs.last_mut() {
            Some((_, to)) if to.checked_add(1) == Some(*it) => *to = *it,
            _ => runs.push((*it, *it)),
        }
    }
    runs
}

/// The volumes that can be made of pages in their order: how many pages each has.
pub(super) fn bound(pages: &[Entry]) -> Vec<usize> {
    let (mut volumes, mut begun, mut bytes) = (Vec::new(), 0, 0);
    for page in pages.iter().take_while(|it| it.is_settled()) {
        (begun, bytes) = (begun + 1, bytes + page.bytes());
        if begun == PAGES || bytes >= BYTES {
            volumes.push(begun);
            (begun, bytes) = (0, 0);
        }
    }
    volumes
}

/// The first and the last page of a volume, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) through: u64,
}

impl Span {
    pub(super) fn read(name: &str) -> Option<Self> {
        let (from, through) = name.split_once('-')?;
        Some(Self { from: from.parse().ok()?, through: through.parse().ok()? })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:010}-{:010}", self.from, self.through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(letters: u32, ended: Option<Ended>) -> Entry {
        let numbers: Vec<_> = (0..letters).map(|it| (it * 2 + 1, it * 2 + 1)).collect();
        let letters = BTreeMap::from([("s".to_owned(), numbers)]);
        let part = EntryPart { stage: StageId::new("check").unwrap(), ended, letters };
        let command = "0197a8b0-0000-7000-8000-000000000001".parse().unwrap();
        Entry { command, is_replay: true, parts: vec![part] }
    }

    #[test]
    fn numbers_that_follow_each_other_are_one_run() {
        assert_eq!(runs(&[1, 2, 3, 5, 8, 9]), [(1, 3), (5, 5), (8, 9)]);
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn volumes_are_full_or_large_and_end_before_what_is_not_settled() {
        let done = || entry(1, Some(Ended::Committed));
        let pages = |settled: usize| vec![done(); settled];
        assert_eq!(bound(&pages(PAGES - 1)), [0; 0]);
        assert_eq!(bound(&pages(2 * PAGES + 1)), [PAGES, PAGES]);
        let mut open = pages(2 * PAGES);
        open[PAGES + 3] = entry(1, None);
        assert_eq!(bound(&open), [PAGES]);
        let large = entry(50_000, Some(Ended::RolledBack));
        assert_eq!(bound(&[done(), large.clone(), done(), large]), [2, 2]);
        let json = serde_json::to_vec(&entry(50_000, None)).unwrap().len();
        assert!(json < 2 * entry(50_000, None).bytes(), "{json}");
    }
}
