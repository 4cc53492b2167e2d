//! `weir test NAME`: the cases of a project that a configuration server has, run there.

use serde::Deserialize;
use serde_json::Value;
use weir_domain::{AssetName, Place, ProjectName, WorkflowName};
use weir_http_api::{FindingView, TestsRequest};
use weir_testing::{CaseReport, Difference, FieldDifference, Report, Verdict};

use crate::cli::args::Global;
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::human::plain;
use crate::cli::operation;
use crate::cli::output::Output;

/// What came of it, as the server says it, and as what is run here.
pub(super) async fn tested(
    project: &str,
    filter: &str,
    global: &Global,
    out: &Output,
) -> Result<(Value, Report), Failure> {
    let what = format!("can't test {}", plain(project));
    let client = global.design()?;
    let request = TestsRequest { filter: filter.to_owned() };
    let begun = client.project_test(project, &request).await;
    let told: Value = operation::result(&client, out, (what.clone(), begun)).await?;
    let report = Told::deserialize(&told).map(Report::from).map_err(|it| {
        let why = format!("what it came to is not understood: {it}");
        let failure = Failure::new(Reason::Unusable, what, why);
        failure.with_hint("weir version --remote   # is the server one of another version?")
    })?;
    Ok((told, report))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    project: ProjectName,
    cases: Vec<ToldCase>,
    untested: Vec<WorkflowName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldCase {
    test: AssetName,
    case: String,
    workflow: WorkflowName,
    file: String,
    line: u32,
    result: String,
    #[serde(default)]
    differences: Vec<ToldDifference>,
    #[serde(default)]
    findings: Vec<FindingView>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldDifference {
    file: String,
    line: u32,
    column: u32,
    #[serde(default)]
    outlet: String,
    what: String,
    expected: Option<Value>,
    got: Option<Value>,
    #[serde(default)]
    fields: Vec<ToldField>,
}

#[derive(Deserialize)]
struct ToldField {
    path: String,
    expected: Value,
    got: Value,
}

impl From<Told> for Report {
    fn from(Told { project, cases, untested }: Told) -> Self {
        Self { project, cases: cases.into_iter().map(CaseReport::from).collect(), untested }
    }
}

impl From<ToldCase> for CaseReport {
    fn from(it: ToldCase) -> Self {
        let verdict = match it.result.as_str() {
            "passed" => Verdict::Passed,
            "failed" => Verdict::Failed(it.differences.into_iter().map(Into::into).collect()),
            _ => Verdict::Invalid(it.findings.into_iter().map(Into::into).collect()),
        };
        let place = Place::new(&it.file, it.line, 0);
        Self { test: it.test, case: it.case, workflow: it.workflow, place, verdict }
    }
}

impl From<ToldDifference> for Difference {
    fn from(it: ToldDifference) -> Self {
        let field = |ToldField { path, expected, got }| FieldDifference { path, expected, got };
        Self {
            place: Place::new(&it.file, it.line, it.column),
            outlet: it.outlet,
            what: it.what,
            expected: it.expected,
            got: it.got,
            fields: it.fields.into_iter().map(field).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::delivery::View;

    #[test]
    fn what_a_server_tells_is_what_was_found() {
        let difference = Difference {
            place: Place::new("tests/a.yaml", 7, 9),
            outlet: "late".into(),
            what: "record 1 differs".into(),
            expected: Some(json!({ "n": 1 })),
            got: Some(json!({})),
            fields: vec![FieldDifference {
                path: "n".into(),
                expected: json!(1),
                got: Value::Null,
            }],
        };
        let finding = weir_domain::Finding::error(2_280, Place::new("a.yaml", 1, 2), "x", "odd");
        let verdicts =
            [Verdict::Passed, Verdict::Failed(vec![difference]), Verdict::Invalid(vec![finding])];
        let case = |verdict| CaseReport {
            test: AssetName::new("a").expect("a name"),
            case: "b".into(),
            workflow: WorkflowName::new("w").expect("a name"),
            place: Place::new("tests/a.yaml", 3, 0),
            verdict,
        };
        let report = Report {
            project: ProjectName::new("p").expect("a name"),
            cases: verdicts.map(case).to_vec(),
            untested: vec![WorkflowName::new("v").expect("a name")],
        };
        let told = serde_json::to_value(View::of(&report)).expect("json");
        assert_eq!(Report::from(Told::deserialize(&told).expect("it is")), report);
    }
}
