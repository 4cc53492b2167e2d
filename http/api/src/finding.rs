//! Findings about what a person wrote, and faults of what runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{Code, Fault, FaultKind, Finding, Place, Severity};

use crate::schema;

/// One thing that is wrong in a person's files: what, where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Finding)]
pub struct FindingView {
    #[schema(value_type = schema::Severity)]
    pub severity: Severity,
    #[schema(value_type = schema::Code)]
    pub code: Code,
    /// The file, as the one who wrote it knows it.
    pub file: String,
    /// Counted from 1; 0 means the whole file.
    pub line: u32,
    /// Counted from 1; 0 means the whole line.
    pub column: u32,
    /// The key's path inside the document, as `spec.stages[2].filter`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    pub cause: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl From<Finding> for FindingView {
    fn from(it: Finding) -> Self {
        let Place { file, line, column } = it.place;
        Self {
            severity: it.severity,
            code: it.code,
            file,
            line,
            column,
            path: it.path,
            cause: it.cause,
            fix: it.fix,
        }
    }
}

impl From<FindingView> for Finding {
    fn from(it: FindingView) -> Self {
        let FindingView { severity, code, file, line, column, path, cause, fix } = it;
        Self { severity, code, place: Place { file, line, column }, path, cause, fix }
    }
}

/// Why something could not go on, and what may be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fault)]
pub struct FaultView {
    #[schema(value_type = schema::FaultKind)]
    pub kind: FaultKind,
    #[schema(value_type = schema::Code)]
    pub code: Code,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<Fault> for FaultView {
    fn from(it: Fault) -> Self {
        Self { kind: it.kind, code: it.code, message: it.message, hint: it.hint }
    }
}
