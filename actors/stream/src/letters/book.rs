//! Whose a letter is: the fold of all that operators asked for, and of how it ended.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Digest, LetterId, LetterState, StageId, Timestamp};

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
        format!("{}-{}", self.command, self.stage)
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

/// All pages, and where each letter stands that is in one.
pub(super) struct Book {
    pages: Vec<Page>,
    states: BTreeMap<LetterId, (LetterState, Option<String>)>,
}

impl Book {
    pub(super) fn new(pages: Vec<Page>, ended: &BTreeMap<String, Ended>) -> Self {
        let mut states = BTreeMap::new();
        for page in &pages {
            for part in page.parts() {
                let replay = format!("{}-{}", page.command, part.stage);
                let stands = match (&page.asked, ended.get(&replay)) {
                    (Asked::Discard(_), _) => (LetterState::Discarded, None),
                    (Asked::Replay(_), None) => (LetterState::Replaying, Some(replay)),
                    (_, Some(Ended::Committed)) => (LetterState::Replayed, Some(replay)),
                    (_, Some(Ended::RolledBack)) => (LetterState::Waiting, Some(replay)),
                };
                for (left, numbers) in &part.letters {
                    for number in numbers {
                        let id = LetterId { left: left.clone(), number: *number };
                        states.insert(id, stands.clone());
                    }
                }
            }
        }
        Self { pages, states }
    }

    /// The number of the page that is written next.
    pub(super) fn next(&self) -> u64 {
        self.pages.len() as u64 + 1
    }

    pub(super) fn page_of(&self, command: CommandId) -> Option<&Page> {
        self.pages.iter().find(|it| it.command == command)
    }

    pub(super) fn state_of(&self, id: &LetterId) -> (LetterState, Option<String>) {
        self.states.get(id).cloned().unwrap_or((LetterState::Waiting, None))
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
        let book = Book::new(pages, &ended.iter().map(|it| (name(it.0), it.1)).collect());
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
