//! Dead letters that are kept, so that they can be looked at and put through their workflow again.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Fault, StageId, StreamId, Timestamp};

/// One kept letter: the stream that left it, the epoch of a live one, and its number among them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    /// `STREAM`, or of a live stream `STREAM-GENERATION.NUMBER`.
    pub left: String,
    /// Counted from 1.
    pub number: u32,
}

/// Why a text is no id of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a dead letter's id looks like 0197a8b0-5b5e-7c3e-9d4f-0123456789ab:7")]
pub struct InvalidLetterId;

impl LetterId {
    /// The stream that left it.
    pub fn stream(&self) -> Option<StreamId> {
        stream_of(&self.left)
    }
}

fn stream_of(left: &str) -> Option<StreamId> {
    const UUID_LENGTH: usize = 36;
    let (id, rest) = left.split_at_checked(UUID_LENGTH)?;
    let is_epoch = |it: &str| {
        let parts = it.strip_prefix('-').and_then(|it| it.split_once('.'));
        parts.is_some_and(|(a, b)| a.parse::<u64>().is_ok() && b.parse::<u64>().is_ok())
    };
    id.parse().ok().filter(|_| rest.is_empty() || is_epoch(rest))
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.left, self.number)
    }
}

impl FromStr for LetterId {
    type Err = InvalidLetterId;

    fn from_str(text: &str) -> Result<Self, InvalidLetterId> {
        let (left, number) = text.split_once(':').ok_or(InvalidLetterId)?;
        let number = number.parse().ok().filter(|it| *it > 0).ok_or(InvalidLetterId)?;
        stream_of(left).ok_or(InvalidLetterId)?;
        Ok(Self { left: left.to_owned(), number })
    }
}

impl Serialize for LetterId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LetterId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What became of a letter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum LetterState {
    /// Nothing yet: it may be replayed, or discarded.
    Waiting,
    /// A replay that has not ended has it.
    Replaying,
    /// It went through its workflow again. Where it failed again, there is a new letter.
    Replayed,
    /// Somebody said that nothing is to become of it.
    Discarded,
}

impl LetterState {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Replaying, Self::Replayed, Self::Discarded];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replaying => "replaying",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}

impl fmt::Display for LetterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which letters of a workflow are meant: all that fit everything that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LetterChoice {
    /// These and no others; none: whichever fit the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<LetterId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// A text that stands in the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Left then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Left before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LetterState>,
}

impl LetterChoice {
    /// Whether it is about letters that this stream has left.
    pub fn is_of(&self, left: &str) -> bool {
        self.stream.is_none_or(|it| stream_of(left) == Some(it))
            && (self.ids.is_empty() || self.ids.iter().any(|it| it.left == left))
    }

    pub fn fits(&self, it: &Letter) -> bool {
        self.is_of(&it.id.left)
            && (self.ids.is_empty() || self.ids.contains(&it.id))
            && self.stage.as_ref().is_none_or(|stage| *stage == it.stage)
            && self.reason.as_ref().is_none_or(|text| it.reason.contains(text.as_str()))
            && self.since.is_none_or(|since| it.at >= since)
            && self.until.is_none_or(|until| it.at < until)
            && self.state.is_none_or(|state| it.state == state)
    }
}

/// A kept letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Letter {
    pub id: LetterId,
    pub state: LetterState,
    /// When its stream began to leave letters.
    pub at: Timestamp,
    pub stage: StageId,
    /// The item that the record came from, and its place there.
    pub item: String,
    pub position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    pub reason: String,
    /// The record, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Its bytes, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// It holds values of secrets, which are not shown.
    #[serde(default)]
    pub is_masked: bool,
    /// Only its beginning is there: it can't be replayed.
    pub is_cut: bool,
    /// How often the record has failed: 1, until it was replayed.
    pub attempt: u32,
    /// The replay that has it, or had it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

/// Kept letters of a workflow that have stage and reason in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterGroup {
    pub stage: StageId,
    /// With `…` where reasons differ: numbers and quoted values.
    pub reason: String,
    /// A text that stands in all their reasons.
    pub needle: String,
    pub count: u64,
    /// Those of them that wait.
    pub waiting: u64,
    /// When the newest stream that left some began to.
    pub newest_at: Timestamp,
}

/// How many letters of a workflow are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterCounts {
    /// The largest, the most first.
    pub groups: Vec<LetterGroup>,
    /// All, also of groups that are left out.
    pub total: u64,
    pub waiting: u64,
    /// Groups that are left out.
    pub left_out: u64,
    /// Whether older letters are not counted yet: ask again.
    pub has_more: bool,
}

/// Records that were put through their workflow again, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replays {
    /// One of each stage that letters were left by; each has a stream of its own.
    pub replays: Vec<Replay>,
    pub letters: u64,
    /// Letters that were chosen and are left alone: some other replay has or had them, or somebody
    /// discarded them.
    pub not_waiting: u64,
    /// Letters of which only the beginning was kept.
    pub cut: u64,
    /// Whether there are more than one request takes: ask again for the rest.
    pub has_more: bool,
}

/// Letters of one stage on their way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// The item that its stream is over.
    pub item: String,
    pub stage: StageId,
    pub letters: u64,
}

/// How far a replay has come that has not ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum ReplayState {
    /// No instance has begun it, or the one that had was lost.
    Waiting,
    Running,
    /// Its commit is decided, and not all of it is published.
    Publishing,
    /// It has failed, and not all of it is cleared away.
    Failing,
}

impl ReplayState {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Publishing, Self::Failing];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Publishing => "publishing",
            Self::Failing => "failing",
        }
    }
}

impl fmt::Display for ReplayState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A replay that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayStanding {
    pub replay: Replay,
    /// Who asked for it, and when.
    pub by: String,
    pub at: Timestamp,
    pub state: ReplayState,
    /// The stream that it is, once it was begun, and the engine that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_stream_that_left_the_letter() {
        let stream = "0197a8b0-5b5e-7c3e-9d4f-0123456789ab";
        for text in [format!("{stream}:7"), format!("{stream}-3.12:1")] {
            let id: LetterId = text.parse().unwrap();
            assert_eq!((id.to_string(), id.stream()), (text, stream.parse().ok()));
        }
        for bad in ["", "x:1", stream, &format!("{stream}:0"), &format!("{stream}-3:1"), "../a:1"] {
            assert_eq!(bad.parse::<LetterId>(), Err(InvalidLetterId), "{bad}");
        }
    }
}
