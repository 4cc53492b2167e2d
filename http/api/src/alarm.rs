//! Alarms: what is wrong in a cluster, what was, and who has seen it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{
    Alarm, AlarmId, AlarmKind, AlarmSeverity, AlarmSubject, Code, Confirmation, SubjectKind,
    Timestamp, UserName,
};

use crate::{Cursor, schema};

/// Which alarms to list. Those that stand come before those that have ended; of the former the worst first, then the
/// newest, and of the latter who ended last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AlarmsQuery {
    /// `standing` where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub state: Option<AlarmsWanted>,
    /// Only alarms that are so bad: `error`, `warning`, `info`, several of them with commas in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Only alarms about what has this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Most items of the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlarmsWanted {
    #[default]
    Standing,
    Ended,
    All,
}

impl AlarmsWanted {
    pub const ALL: [Self; 3] = [Self::Standing, Self::Ended, Self::All];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standing => "standing",
            Self::Ended => "ended",
            Self::All => "all",
        }
    }
}

/// One page of alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alarms)]
pub struct AlarmsView {
    pub items: Vec<AlarmView>,
    /// Ask again with this cursor for what follows. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Cursor>)]
    pub next_cursor: Option<Cursor>,
    pub counts: AlarmCountsView,
    /// When the alarm centre looked at the cluster last; absent: not yet, since it has just moved or started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub looked_at: Option<Timestamp>,
    /// What it could not judge then: that no alarm is raised about it says nothing.
    #[serde(default)]
    pub unjudged: Vec<UnjudgedView>,
}

/// An alarm. It stands until what it is about is well again, whoever confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alarm)]
pub struct AlarmView {
    #[schema(value_type = schema::AlarmId)]
    pub id: AlarmId,
    /// `kind:subject`: of each there is at most one that stands.
    pub key: String,
    /// `node-unreachable` and such; another version may know more of them.
    #[schema(value_type = String)]
    pub kind: AlarmKind,
    #[schema(value_type = schema::AlarmSeverity)]
    pub severity: AlarmSeverity,
    pub state: AlarmState,
    pub subject: AlarmSubjectView,
    #[schema(value_type = schema::Code)]
    pub code: Code,
    /// What is wrong and why.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[schema(value_type = schema::Timestamp)]
    pub raised_at: Timestamp,
    /// When it was raised last: what comes and goes is one alarm.
    #[schema(value_type = schema::Timestamp)]
    pub last_at: Timestamp,
    /// How often it was raised.
    pub count: u64,
    /// Since when nobody can say whether it still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub unknown_since: Option<Timestamp>,
    /// Since when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub cleared_at: Option<Timestamp>,
    /// Who has seen it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<ConfirmationView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlarmState {
    Standing,
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlarmSubject)]
pub struct AlarmSubjectView {
    /// `node` and such; another version may know more of them.
    #[schema(value_type = String)]
    pub kind: SubjectKind,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlarmConfirmation)]
pub struct ConfirmationView {
    #[schema(value_type = schema::Name)]
    pub by: UserName,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Of all alarms, whatever was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlarmCounts)]
pub struct AlarmCountsView {
    pub standing: BySeverityView,
    /// Of those that stand.
    pub unconfirmed: BySeverityView,
    /// Raised and gone, and nobody has said that he saw it.
    pub ended_unconfirmed: BySeverityView,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AlarmsBySeverity)]
pub struct BySeverityView {
    pub error: u64,
    pub warning: u64,
    pub info: u64,
}

/// What can't be judged, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Unjudged)]
pub struct UnjudgedView {
    /// `members`, `controllers`, `workflows`, `schedule`, `deployments`, `deadLetters`; `all` where nobody has looked
    /// for a while.
    pub what: String,
    pub why: String,
}

/// Says that somebody has seen alarms: these, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmsConfirm {
    /// 1 to 1,000 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::AlarmId>>)]
    pub ids: Option<Vec<AlarmId>>,
    /// All that nobody has confirmed, those that have ended too.
    #[serde(default)]
    pub all: bool,
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a confirmation did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmsConfirmed {
    /// Those that it confirmed.
    #[schema(value_type = Vec<schema::AlarmId>)]
    pub confirmed: Vec<AlarmId>,
    /// Those that somebody had confirmed before: they stay as they are.
    #[schema(value_type = Vec<schema::AlarmId>)]
    pub already: Vec<AlarmId>,
}

impl From<Alarm> for AlarmView {
    fn from(it: Alarm) -> Self {
        let state = if it.is_standing() { AlarmState::Standing } else { AlarmState::Ended };
        let key = it.key.to_string();
        let AlarmSubject { kind, name } = it.key.subject;
        Self {
            id: it.id,
            key,
            kind: it.key.kind,
            severity: it.complaint.severity,
            state,
            subject: AlarmSubjectView { kind, name },
            code: it.complaint.code,
            message: it.complaint.message,
            hint: it.complaint.hint,
            raised_at: it.raised_at,
            last_at: it.last_at,
            count: it.count,
            unknown_since: it.unknown_since,
            cleared_at: it.cleared_at,
            confirmation: it.confirmation.map(Into::into),
        }
    }
}

impl From<Confirmation> for ConfirmationView {
    fn from(Confirmation { by, at, note, .. }: Confirmation) -> Self {
        Self { by, at, note }
    }
}
