//! What a stream has left, as it is kept: a head, and a line of JSON for each letter.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, Letter, LetterId, LetterState, StageId, Timestamp};

use super::shelves::{key, unreadable};
use super::sight::Sight;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) at: Timestamp,
    /// Letters that were too many to be kept: they are in the files alone.
    #[serde(default)]
    pub(super) left_out: u64,
    /// Letters that hold values of secrets have what may be shown of them. Earlier versions did not look.
    #[serde(default)]
    pub(super) is_vetted: bool,
    /// What came into each stage, as Arrow writes a schema.
    #[serde(default)]
    pub(super) schemas: BTreeMap<StageId, String>,
}

/// A letter as the dead letters' columns say it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    pub(super) stage: StageId,
    #[serde(default)]
    pub(super) item: String,
    #[serde(default)]
    pub(super) position: u64,
    pub(super) line: Option<u64>,
    pub(super) offset: Option<u64>,
    #[serde(default)]
    pub(super) reason: String,
    pub(super) raw: Option<String>,
    pub(super) raw_base64: Option<String>,
    /// Of one that holds the value of a secret: what may be shown.
    pub(super) shown: Option<String>,
    #[serde(default)]
    pub(super) raw_cut: bool,
    /// What stood before the records of its item and says what they mean.
    pub(super) header: Option<String>,
    pub(super) attempt: Option<u32>,
}

impl Line {
    pub(super) fn bytes(&self) -> Bytes {
        match (&self.raw, &self.raw_base64) {
            (Some(text), _) => Bytes::copy_from_slice(text.as_bytes()),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap_or_default().into(),
            (None, None) => Bytes::new(),
        }
    }
}

/// All that one stream, or one epoch of a live one, has left.
pub(super) struct Left {
    name: String,
    pub(super) head: Head,
    lines: Vec<Line>,
}

impl Left {
    pub(super) fn read(name: &str, content: &[u8]) -> Result<Self, Fault> {
        let broken = |it: serde_json::Error| match key(format!("letters/{name}")) {
            Ok(key) => unreadable(&key, &it),
            Err(fault) => fault,
        };
        let mut lines = content.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        let head = serde_json::from_slice(lines.next().unwrap_or_default()).map_err(broken)?;
        let lines = lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(broken)?;
        Ok(Self { name: name.to_owned(), head, lines })
    }

    pub(super) fn letters(
        self,
        state_of: impl Fn(&LetterId) -> (LetterState, Option<String>),
        sight: &Sight,
    ) -> Vec<Letter> {
        let (at, is_vetted, name) = (self.head.at, self.head.is_vetted, self.name);
        let letter = |(it, number): (Line, u32)| {
            let id = LetterId { left: name.clone(), number };
            let (state, replay) = state_of(&id);
            let seen = sight.of(&it, is_vetted);
            Letter {
                id,
                state,
                at,
                stage: it.stage,
                item: it.item,
                position: it.position,
                line: it.line,
                offset: it.offset,
                reason: it.reason,
                raw: seen.raw,
                raw_base64: seen.raw_base64,
                is_masked: seen.is_masked,
                is_cut: it.raw_cut,
                attempt: it.attempt.unwrap_or(1),
                replay,
            }
        };
        self.lines.into_iter().zip(1..).map(letter).collect()
    }

    /// The letters of these numbers.
    pub(super) fn take(&self, numbers: &[u32]) -> Vec<Line> {
        let at = |it: &u32| self.lines.get((*it as usize).checked_sub(1)?).cloned();
        numbers.iter().filter_map(at).collect()
    }

    /// What came into a stage when the letters were left.
    pub(super) fn schema(&self, stage: &StageId) -> Option<SchemaRef> {
        let bytes = STANDARD.decode(self.head.schemas.get(stage)?).ok()?;
        StreamReader::try_new(bytes.as_slice(), None).ok().map(|it| it.schema())
    }
}

/// `None` for what Arrow can't write.
pub(super) fn encoded(schema: &SchemaRef) -> Option<String> {
    let mut bytes = Vec::new();
    StreamWriter::try_new(&mut bytes, schema).and_then(|mut it| it.finish()).ok()?;
    Some(STANDARD.encode(bytes))
}

/// Where the records of a replay came from, by their positions in it: what fails again says so.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    letters: Vec<Origin>,
    /// The stage that the replay begins with, and the one in whose place it stands.
    stands_for: Option<(StageId, StageId)>,
}

#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) item: String,
    pub(crate) position: u64,
    pub(crate) line: Option<u64>,
    pub(crate) offset: Option<u64>,
    pub(crate) attempt: u32,
    pub(crate) header: Option<String>,
}

impl Origin {
    pub(super) fn of(it: &Line) -> Self {
        Self {
            item: it.item.clone(),
            position: it.position,
            line: it.line,
            offset: it.offset,
            attempt: it.attempt.unwrap_or(1),
            header: it.header.clone(),
        }
    }
}

impl Origins {
    pub(super) fn new(stands_for: (StageId, StageId), letters: Vec<Origin>) -> Self {
        Self { letters, stands_for: Some(stands_for) }
    }

    pub(crate) fn are_of_a_replay(&self) -> bool {
        self.stands_for.is_some()
    }

    /// Of the record at a position in the replay, counted from 1.
    pub(crate) fn of(&self, position: u64) -> Option<&Origin> {
        self.letters.get(usize::try_from(position).ok()?.checked_sub(1)?)
    }

    /// The stage of the workflow that refuses what this one does.
    pub(crate) fn stage<'a>(&'a self, stage: &'a StageId) -> &'a StageId {
        match &self.stands_for {
            Some((first, meant)) if first == stage => meant,
            _ => stage,
        }
    }
}
