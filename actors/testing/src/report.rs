//! What became of cases, as values that are shown and compared.

use serde::Serialize;
use serde_json::Value;
use weir_domain::{AssetName, Finding, Place, ProjectName, WorkflowName};

/// Of all cases that were run.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub project: ProjectName,
    pub cases: Vec<CaseReport>,
    /// Workflows that no case of the project is about, run or not.
    pub untested: Vec<WorkflowName>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CaseReport {
    pub test: AssetName,
    pub case: String,
    pub workflow: WorkflowName,
    pub place: Place,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Passed,
    /// What came out is not what was expected.
    Failed(Vec<Difference>),
    /// It could not be run.
    Invalid(Vec<Finding>),
}

/// Something that came out otherwise than it was expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Where the expectation was written.
    #[serde(skip)]
    pub place: Place,
    /// A sink, `stage.port` or `dead-letters`; empty where it is about the whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub outlet: String,
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<Value>,
    /// The fields that differ, of two records that belong together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDifference>,
}

/// A field that differs. Null is said of one that is missing, too.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDifference {
    /// As `to.code` or `legs[2].origin`.
    pub path: String,
    pub expected: Value,
    pub got: Value,
}

impl Report {
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|it| it.verdict == Verdict::Passed).count()
    }

    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|it| matches!(it.verdict, Verdict::Failed(_))).count()
    }

    pub fn invalid(&self) -> usize {
        self.cases.iter().filter(|it| matches!(it.verdict, Verdict::Invalid(_))).count()
    }
}

impl Difference {
    pub(crate) fn new(place: &Place, outlet: &str, what: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            outlet: outlet.to_owned(),
            what: what.into(),
            expected: None,
            got: None,
            fields: Vec::new(),
        }
    }
}
