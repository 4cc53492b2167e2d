//! Operations: what takes longer than a request may. They are begun by a command, go on without whoever
//! began them, and can be looked at, followed and cancelled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use weir_domain::{CommandId, ProjectName, Timestamp, UserName};

use crate::{Cursor, Problem, schema};

/// What takes longer than a request may, as far as it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Operation)]
pub struct OperationView {
    /// The same for the same command, however often it is sent with its key.
    #[schema(value_type = schema::Id)]
    pub id: CommandId,
    /// Counted from 1, in the order in which they began.
    pub number: u64,
    /// What is done: `build`, `deploy`, `test`, `pull` …
    pub kind: String,
    pub state: OperationState,
    /// Somebody asked for its end; it ends where nothing is left half done.
    #[serde(default)]
    pub is_cancelling: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub project: Option<ProjectName>,
    /// Who began it.
    #[schema(value_type = schema::Name)]
    pub by: UserName,
    #[schema(value_type = schema::Timestamp)]
    pub begun_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub ended_at: Option<Timestamp>,
    /// In their order.
    pub steps: Vec<OperationStep>,
    /// Why it failed, was cancelled or interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<Problem>>,
    /// What it made, once it succeeded; its kind says what that looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// One step of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationStep {
    pub name: String,
    pub state: StepState,
    /// How much of the step is done, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 100)]
    pub percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl OperationStep {
    pub fn waiting(name: impl Into<String>) -> Self {
        Self { name: name.into(), state: StepState::Waiting, percent: None, message: None }
    }
}

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $about:literal])* $variant:ident $word:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum $name { $($(#[doc = $about])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().copied().find(|it| it.as_str() == text);
                found.ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|it| it.as_str()).collect();
                    format!("there is no state {text:?}, only {}", known.join(", "))
                })
            }
        }
    };
}

words! {
    /// Where an operation stands. Only `running` is not final.
    OperationState {
        Running "running",
        Succeeded "succeeded",
        Failed "failed",
        /// Somebody asked for its end.
        Cancelled "cancelled",
        /// The server ended while it ran: how far it came is not known.
        Interrupted "interrupted",
    }
}

words! {
    /// Where a step of an operation stands. What is `waiting` when the operation is over was never begun.
    StepState {
        Waiting "waiting",
        Running "running",
        Done "done",
        Failed "failed",
    }
}

impl OperationState {
    pub fn is_final(self) -> bool {
        self != Self::Running
    }
}

/// Which operations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OperationsQuery {
    /// Only operations of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only operations that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub state: Option<OperationState>,
    /// Only operations of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub project: Option<ProjectName>,
    /// Most items of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// Which operations to follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OperationsFollow {
    /// Only this one; the events end with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Id>)]
    pub id: Option<CommandId>,
    /// Only operations of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub project: Option<ProjectName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written_and_shown() {
        for state in OperationState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for state in StepState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert!("over".parse::<OperationState>().is_err());
    }
}
