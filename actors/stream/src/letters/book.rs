//! Whose a letter is: the fold of all that operators asked for, and of how it ended.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Digest, LetterId, LetterState, StageId, Timestamp};

use super::volume::{Entry, replay_of};

/// One command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) command: CommandId,
    pub(super) by: String,
    pub(super) at: Timestamp,
    pub(super) asked: Asked,
    /// The version that replays were asked for; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Asked {
    Replay(Vec<Part>),
    Discard(Vec<Part>),
}

/// Letters of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) stage: StageId,
    /// Their numbers, by what left them.
    pub(super) letters: BTreeMap<String, Vec<u32>>,
}

/// How a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Ended {
    Committed,
    RolledBack,
}

/// Prefix of the items that replays are.
const PREFIX: &str = "replay-";

/// The item that a replay is: files are named after it.
pub(super) fn item_name(replay: &str) -> String {
    format!("{PREFIX}{replay}")
}

/// A replay that is to run, if the page is its command's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pending {
    pub(super) page: u64,
    pub(super) command: CommandId,
    pub(super) stage: StageId,
}

/// A replay that is to run, with what was asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Due {
    pub(super) pending: Pending,
    pub(super) part: Part,
    pub(super) version: Option<Digest>,
    pub(super) by: String,
    pub(super) at: Timestamp,
}

impl Pending {
    pub(super) fn read(name: &str) -> Option<Self> {
        let (page, rest) = name.split_once('.')?;
        let (command, stage) = rest.split_once('.')?;
        let (page, command) = (page.parse().ok()?, command.parse().ok()?);
        Some(Self { page, command, stage: StageId::new(stage).ok()? })
    }

    /// Its name wherever the page is not said.
    pub(super) fn replay(&self) -> String {
        replay_of(self.command, &self.stage)
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}.{}.{}", self.page, self.command, self.stage)
    }
}

impl Part {
    pub(super) fn new(stage: StageId) -> Self {
        Self { stage, letters: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, id: &LetterId) {
        self.letters.entry(id.left.clone()).or_default().push(id.number);
    }

    pub(super) fn count(&self) -> usize {
        self.letters.values().map(Vec::len).sum()
    }
}

impl Page {
    pub(super) fn parts(&self) -> &[Part] {
        let (Asked::Replay(parts) | Asked::Discard(parts)) = &self.asked;
        parts
    }
}

/// All that was asked for, and where each letter stands that is in it.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: Vec<Entry>,
    /// The number of the last page that is bound.
    pub(super) bound: u64,
    next: u64,
    /// By what left them, in the order of what was asked: numbers from the first to the last, and the entry
    /// and part that they are in.
    places: BTreeMap<String, Vec<(u32, u32, usize, usize)>>,
}

impl Book {
    /// Of all pages in their order, from the first on.
    pub(super) fn new(entries: Vec<Entry>, bound: u64, next: u64) -> Self {
        let mut places: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            for (of, part) in entry.parts.iter().enumerate() {
                for (left, runs) in &part.letters {
                    let runs = runs.iter().map(|(from, to)| (*from, *to, at, of));
                    places.entry(left.clone()).or_default().extend(runs);
                }
            }
        }
        Self { bound, entries, next, places }
    }

    /// The pages behind those that are bound.
    pub(super) fn open(&self) -> &[Entry] {
        let bound = usize::try_from(self.bound).unwrap_or(usize::MAX);
        self.entries.get(bound..).unwrap_or_default()
    }

    /// The number of the page that is written next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn entry_of(&self, command: CommandId) -> Option<&Entry> {
        self.entries.iter().find(|it| it.command == command)
    }

    /// How a replay ended, by the item that it is.
    pub(super) fn ended(&self, item: &str) -> Option<Ended> {
        let replay = item.strip_prefix(PREFIX)?;
        let mut parts = self.entries.iter().filter(|it| it.is_replay).flat_map(|entry| {
            entry.parts.iter().map(|it| (replay_of(entry.command, &it.stage), it.ended))
        });
        parts.find(|it| it.0 == replay)?.1
    }

    pub(super) fn state_of(&self, id: &LetterId) -> (LetterState, Option<String>) {
        let places = self.places.get(&id.left).into_iter().flatten();
        let mut last = places.rev().filter(|it| (it.0..=it.1).contains(&id.number));
        let Some((_, _, at, of)) = last.next() else { return (LetterState::Waiting, None) };
        let (entry, part) = (&self.entries[*at], &self.entries[*at].parts[*of]);
        if !entry.is_replay {
            return (LetterState::Discarded, None);
        }
        let state = match part.ended {
            None => LetterState::Replaying,
            Some(Ended::Committed) => LetterState::Replayed,
            Some(Ended::RolledBack) => LetterState::Waiting,
        };
        (state, Some(replay_of(entry.command, &part.stage)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: [&str; 2] =
        ["0197a8b0-0000-7000-8000-000000000001", "0197a8b0-0000-7000-8000-000000000002"];

    fn page(command: usize, asked: impl Fn(Vec<Part>) -> Asked) -> Page {
        let mut part = Part::new(StageId::new("check").unwrap());
        part.take(&LetterId { left: "s".into(), number: 1 });
        let command = COMMANDS[command].parse().unwrap();
        let (by, asked) = ("ada".into(), asked(vec![part]));
        Page { command, by, at: Timestamp(0), asked, version: None }
    }

    /// Where the letter stands, and the number of its replay.
    fn stands(pages: Vec<Page>, ended: &[(usize, Ended)]) -> (LetterState, Option<usize>) {
        let name = |it: usize| format!("{}-check", COMMANDS[it]);
        let ended = ended.iter().map(|it| (name(it.0), it.1)).collect();
        let entries = pages.into_iter().map(|it| Entry::of(it, &ended)).collect();
        let book = Book::new(entries, 0, 1);
        let (state, replay) = book.state_of(&LetterId { left: "s".into(), number: 1 });
        (state, replay.and_then(|it| (0..2).find(|at| name(*at) == it)))
    }

    #[test]
    fn a_letter_is_its_last_replays_until_that_was_rolled_back() {
        use LetterState::*;
        let one = || vec![page(0, Asked::Replay)];
        assert_eq!(stands(vec![], &[]), (Waiting, None));
        assert_eq!(stands(one(), &[]), (Replaying, Some(0)));
        assert_eq!(stands(one(), &[(0, Ended::Committed)]), (Replayed, Some(0)));
        assert_eq!(stands(one(), &[(0, Ended::RolledBack)]), (Waiting, Some(0)));
        let two = || vec![page(0, Asked::Replay), page(1, Asked::Replay)];
        assert_eq!(stands(two(), &[(0, Ended::RolledBack)]), (Replaying, Some(1)));
        let thrown = vec![page(0, Asked::Replay), page(1, Asked::Discard)];
        assert_eq!(stands(thrown, &[(0, Ended::RolledBack)]), (Discarded, None));
    }
}
