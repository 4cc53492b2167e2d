//! What the cases of a project's tests came to, as a program reads it.

use serde::Serialize;
use weir_domain::WorkflowName;
use weir_http_api::FindingView;
use weir_testing::{CaseReport, Difference, Report, Verdict};

/// What a program gets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct View<'a> {
    project: &'a str,
    passed: usize,
    failed: usize,
    invalid: usize,
    cases: Vec<CaseView<'a>>,
    /// Workflows without a case.
    untested: &'a [WorkflowName],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaseView<'a> {
    test: &'a str,
    case: &'a str,
    workflow: &'a str,
    file: &'a str,
    line: u32,
    result: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<DifferenceView<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DifferenceView<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    #[serde(flatten)]
    difference: &'a Difference,
}

impl<'a> View<'a> {
    pub(crate) fn of(report: &'a Report) -> Self {
        Self {
            project: report.project.as_str(),
            passed: report.passed(),
            failed: report.failed(),
            invalid: report.invalid(),
            cases: report.cases.iter().map(CaseView::of).collect(),
            untested: &report.untested,
        }
    }
}

impl<'a> CaseView<'a> {
    fn of(case: &'a CaseReport) -> Self {
        let (result, differences, findings) = match &case.verdict {
            Verdict::Passed => ("passed", &[][..], &[][..]),
            Verdict::Failed(it) => ("failed", it.as_slice(), &[][..]),
            Verdict::Invalid(it) => ("invalid", &[][..], it.as_slice()),
        };
        let view = |it: &'a Difference| DifferenceView {
            file: &it.place.file,
            line: it.place.line,
            column: it.place.column,
            difference: it,
        };
        Self {
            test: case.test.as_str(),
            case: &case.case,
            workflow: case.workflow.as_str(),
            file: &case.place.file,
            line: case.place.line,
            result,
            differences: differences.iter().map(view).collect(),
            findings: findings.iter().cloned().map(FindingView::from).collect(),
        }
    }
}
