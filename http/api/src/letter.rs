//! Dead letters that are kept: seeing them, and putting them through their workflow again.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{
    Letter, LetterChoice, LetterCounts, LetterGroup, LetterId, LetterState, Replay, ReplayStanding,
    ReplayState, Replays, StageId, StreamId, Timestamp,
};

use crate::{Cursor, FaultView, schema};

/// Which letters of a workflow to list, the newest first. All that is said must hold of a letter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LettersQuery {
    /// Only this letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::LetterId>)]
    pub id: Option<LetterId>,
    /// Only letters that this stage left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub stage: Option<StageId>,
    /// Only letters of this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// Only letters in whose reason this stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only letters of streams that began to leave some at that time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Only letters of streams that began to leave some before that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Only letters that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::LetterState>)]
    pub state: Option<LetterState>,
    /// Most letters of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub struct LetterView {
    #[schema(value_type = schema::LetterId)]
    pub id: LetterId,
    #[schema(value_type = schema::LetterState)]
    pub state: LetterState,
    /// When its stream began to leave letters.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    /// The item that the record came from.
    pub item: String,
    /// Of the record in its item, counted from 1.
    pub position: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    pub reason: String,
    /// The record as it was read, or as JSON, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Its bytes, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// Values of secrets stand in it: here as `***`, or it is not shown at all.
    #[serde(default)]
    pub is_masked: bool,
    /// Only its beginning is there: it can't be replayed.
    pub is_cut: bool,
    /// How often the record has failed.
    pub attempt: u32,
    /// The replay that has it, or had it last: the item of its stream, without `replay-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

impl From<Letter> for LetterView {
    fn from(it: Letter) -> Self {
        Self {
            id: it.id,
            state: it.state,
            at: it.at,
            stage: it.stage,
            item: it.item,
            position: it.position,
            line: it.line,
            offset: it.offset,
            reason: it.reason,
            raw: it.raw,
            raw_base64: it.raw_base64,
            is_masked: it.is_masked,
            is_cut: it.is_cut,
            attempt: it.attempt,
            replay: it.replay,
        }
    }
}

/// How many dead letters of a workflow are kept, by stage and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetterCounts)]
pub struct LetterCountsView {
    /// The most first, at most 200.
    pub items: Vec<LetterGroupView>,
    /// Of all, also those of groups that are left out.
    pub total: u64,
    /// Those of them that wait.
    pub waiting: u64,
    /// Groups that are left out, the smallest.
    pub left_out: u64,
    /// Older letters are not counted yet, since one question reads no more: ask again.
    pub has_more: bool,
}

/// Dead letters that have stage and reason in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetterGroup)]
pub struct LetterGroupView {
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    /// With `…` in the place of numbers and quoted values, which are of one record alone.
    pub reason: String,
    /// A text that stands in all their reasons: to list them, or to replay them, by `reason`.
    pub needle: String,
    pub count: u64,
    /// Those of them that wait.
    pub waiting: u64,
    /// When the newest stream that left some began to.
    #[schema(value_type = schema::Timestamp)]
    pub newest_at: Timestamp,
}

impl From<LetterCounts> for LetterCountsView {
    fn from(it: LetterCounts) -> Self {
        let LetterCounts { groups, total, waiting, left_out, has_more } = it;
        let items = groups.into_iter().map(Into::into).collect();
        Self { items, total, waiting, left_out, has_more }
    }
}

impl From<LetterGroup> for LetterGroupView {
    fn from(it: LetterGroup) -> Self {
        let LetterGroup { stage, reason, needle, count, waiting, newest_at } = it;
        Self { stage, reason, needle, count, waiting, newest_at }
    }
}

/// Which letters are meant: those that wait, and of which all that is said holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DeadLettersChosen)]
pub struct LettersChosen {
    /// These and no others, at most 1,000; without it whichever fit the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::LetterId>, max_items = 1000)]
    pub ids: Vec<LetterId>,
    /// Only letters that this stage left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub stage: Option<StageId>,
    /// Only letters of this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// Only letters in whose reason this stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only letters of streams that began to leave some at that time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Only letters of streams that began to leave some before that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Only count them.
    #[serde(default)]
    pub dry_run: bool,
}

impl LettersChosen {
    pub const IDS_MAX: usize = 1_000;
}

impl From<LettersChosen> for LetterChoice {
    fn from(it: LettersChosen) -> Self {
        let LettersChosen { ids, stage, stream, reason, since, until, dry_run: _ } = it;
        Self { ids, stage, stream, reason, since, until, state: None }
    }
}

/// What was done with letters, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplaysView {
    /// One of each stage that letters were left by; each has a stream of its own.
    pub replays: Vec<ReplayView>,
    pub letters: u64,
    /// Letters that fit and are left alone: a replay has or had them, or they are discarded.
    pub not_waiting: u64,
    /// Letters that fit and of which only the beginning was kept.
    pub cut: u64,
    /// There are more than one request takes: ask again for the rest.
    pub has_more: bool,
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replay)]
pub struct ReplayView {
    /// The item of its stream.
    pub item: String,
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    pub letters: u64,
}

/// A replay that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpenReplay)]
pub struct OpenReplayView {
    /// The item of its stream, which it is named by.
    pub item: String,
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    pub letters: u64,
    /// Who asked for it.
    pub by: String,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[schema(value_type = schema::ReplayState)]
    pub state: ReplayState,
    /// Once it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// The engine that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
}

impl From<ReplayStanding> for OpenReplayView {
    fn from(it: ReplayStanding) -> Self {
        let ReplayStanding { replay, by, at, state, stream, node, fault } = it;
        let Replay { item, stage, letters } = replay;
        let fault = fault.map(FaultView::from);
        Self { item, stage, letters, by, at, state, stream, node, fault }
    }
}

/// Which replay is to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayCancel {
    /// Its item, as `replay-…`.
    pub replay: String,
}

impl ReplaysView {
    pub fn of(it: Replays, dry_run: bool) -> Self {
        let Replays { replays, letters, not_waiting, cut, has_more } = it;
        let view = |it: Replay| ReplayView { item: it.item, stage: it.stage, letters: it.letters };
        let replays = replays.into_iter().map(view).collect();
        Self { replays, letters, not_waiting, cut, has_more, dry_run }
    }
}
