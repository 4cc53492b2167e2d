//! Alarms: what is or was wrong in a cluster, as it is kept for whoever looks later.

use std::borrow::Cow;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Code, CommandId, Timestamp, UserName};

/// The number of an alarm: given once in a cluster, and each larger than those before. Written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId(pub u64);

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AlarmId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl Serialize for AlarmId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlarmId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("an alarm's id is a number"))
    }
}

/// How bad it is; the worst is the least.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum AlarmSeverity {
    /// Something that should work does not.
    Error,
    /// It works, and somebody should look.
    Warning,
    /// Somebody wanted it so, and it is easily forgotten.
    Info,
}

impl AlarmSeverity {
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for AlarmSeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of thing is wrong: `node-unreachable`. Open, as another version may know more of them, and what it has
/// stored is read all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlarmKind(Cow<'static, str>);

impl AlarmKind {
    /// A member that nobody hears, or that was lost and is not back.
    pub const NODE_UNREACHABLE: Self = Self(Cow::Borrowed("node-unreachable"));
    /// A member that is heard and gives no answer.
    pub const NODE_SILENT: Self = Self(Cow::Borrowed("node-silent"));
    /// A member whose machine has little memory left.
    pub const NODE_MEMORY: Self = Self(Cow::Borrowed("node-memory"));
    pub const NODE_DRAINED: Self = Self(Cow::Borrowed("node-drained"));
    /// A certificate that has ended or soon will.
    pub const CERTIFICATE_ENDING: Self = Self(Cow::Borrowed("certificate-ending"));
    /// A node that can't run what it should.
    pub const ACTIVATION_FAILED: Self = Self(Cow::Borrowed("activation-failed"));
    /// The database, which all controllers need.
    pub const STORE_UNREACHABLE: Self = Self(Cow::Borrowed("store-unreachable"));
    /// A controller that runs nowhere.
    pub const CONTROLLER_MISSING: Self = Self(Cow::Borrowed("controller-missing"));
    /// A controller that runs, with something in its way.
    pub const CONTROLLER_TROUBLE: Self = Self(Cow::Borrowed("controller-trouble"));
    pub const WORKFLOW_FAULT: Self = Self(Cow::Borrowed("workflow-fault"));
    /// Instances that are wanted and have no place.
    pub const WORKFLOW_UNPLACED: Self = Self(Cow::Borrowed("workflow-unplaced"));
    pub const STREAMS_PAUSED: Self = Self(Cow::Borrowed("streams-paused"));
    /// Dead letters that wait for somebody to decide what becomes of them.
    pub const DEAD_LETTERS: Self = Self(Cow::Borrowed("dead-letters"));

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What kind of thing an alarm is about: `node`. Open, as kinds of alarms are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectKind(Cow<'static, str>);

impl SubjectKind {
    pub const CLUSTER: Self = Self(Cow::Borrowed("cluster"));
    pub const NODE: Self = Self(Cow::Borrowed("node"));
    pub const CONTROLLER: Self = Self(Cow::Borrowed("controller"));
    pub const WORKFLOW: Self = Self(Cow::Borrowed("workflow"));

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlarmSubject {
    pub kind: SubjectKind,
    pub name: String,
}

impl AlarmSubject {
    pub fn new(kind: SubjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// What tells alarms apart that stand: there is one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlarmKey {
    pub kind: AlarmKind,
    pub subject: AlarmSubject,
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.subject.name)
    }
}

/// What is said of what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    pub severity: AlarmSeverity,
    pub code: Code,
    /// What is wrong and why, one sentence without a full stop.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Somebody has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub by: UserName,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The command that said so: whoever asks again after its answer was lost is told what it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
}

/// An alarm as it is kept. It stands until it is cleared, whoever confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub id: AlarmId,
    pub key: AlarmKey,
    pub complaint: Complaint,
    pub raised_at: Timestamp,
    /// When it was raised last, and how often it was.
    pub last_at: Timestamp,
    pub count: u64,
    /// Since when nobody can say whether it still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

impl Alarm {
    pub fn is_standing(&self) -> bool {
        self.cleared_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_names_read_back() {
        let mut sorted = AlarmSeverity::ALL;
        sorted.sort();
        assert_eq!(sorted, AlarmSeverity::ALL);
        for it in AlarmSeverity::ALL {
            assert_eq!(serde_json::to_value(it).unwrap(), it.as_str());
        }
        let key = AlarmKey {
            kind: AlarmKind::NODE_UNREACHABLE,
            subject: AlarmSubject::new(SubjectKind::NODE, "node-2"),
        };
        assert_eq!(key.to_string(), "node-unreachable:node-2");
        let written = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<AlarmKey>(&written).unwrap(), key);
        let later = r#"{"kind":"queue-full","subject":{"kind":"queue","name":"q"}}"#;
        let read: AlarmKey = serde_json::from_str(later).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), later, "of a later version");
        assert_eq!(serde_json::to_value(AlarmId(17)).unwrap(), "17");
        assert_eq!("17".parse(), Ok(AlarmId(17)));
        assert!("-1".parse::<AlarmId>().is_err() && "".parse::<AlarmId>().is_err());
    }
}
