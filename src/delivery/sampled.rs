//! Test runs of a project's workflows, whoever asks for them: a command, or a request to a configuration
//! server.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use weir_domain::{Finding, Place, ProjectName, Timestamp, WorkflowName};
use weir_http_api::{
    FindingView, ProjectDraft, TestRunEnding, TestRunFailure, TestRunOutput, TestRunPort,
    TestRunRecord, TestRunRequest, TestRunSample, TestRunStage, TestRunView,
};
use weir_project::{Drafts, Given, Loaded, Row};
use weir_stream::Registry;
use weir_testing::{Bounds, Ending, Passage, Sample, StageShown, TestRun, Wish};

use crate::boot::masked_record;

/// Where findings say that they are, if they are about no file.
const SAMPLE: &str = "sample";
/// All that is shown of the records of a test run.
const SHOWN_BYTES_MAX: usize = 4 << 20;

/// Why nothing was run.
#[derive(Debug)]
pub(crate) struct NotRun {
    pub(crate) why: Why,
    pub(crate) findings: Vec<Finding>,
}

/// Whose fault it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The project has errors, or what of a sample does not fit its source.
    Content,
    /// The project has no such workflow, but these.
    Workflow(Vec<String>),
    /// What is asked for can't be meant; a pointer into the request says where.
    Request(String),
    /// Samples are larger than they may be.
    TooLarge,
}

/// Runs a workflow of a project in a directory. `about`: what the project and the workflow are called.
pub(crate) async fn test_run(
    dir: &Path,
    registry: &Registry,
    about: (&ProjectName, &WorkflowName),
    request: TestRunRequest,
    now: Timestamp,
) -> TestRunView {
    match test_run_or(dir, registry, about, request, now).await {
        Ok(view) => view,
        Err(NotRun { findings, .. }) => invalid(about, findings),
    }
}

/// The same, with whose fault it is that nothing was run.
pub(crate) async fn test_run_or(
    dir: &Path,
    registry: &Registry,
    about: (&ProjectName, &WorkflowName),
    request: TestRunRequest,
    now: Timestamp,
) -> Result<TestRunView, NotRun> {
    let content = |findings| NotRun { why: Why::Content, findings };
    let TestRunRequest { samples, environments, drafts, records, within_ms } = request;
    let drafts: Drafts =
        drafts.into_iter().map(|ProjectDraft { path, text }| (path, text)).collect();
    let Loaded { project, findings } =
        weir_project::load_drafts_in(dir, registry, &environments, &drafts);
    let Some(project) = project else {
        return Err(content(findings.into_iter().filter(Finding::is_error).collect()));
    };
    if samples.is_empty() {
        let finding = Finding::error(190, Place::file(SAMPLE), "", "there is no sample");
        let finding = finding.with_fix("send at least one, with one of text, base64 and records");
        return Err(NotRun { why: Why::Request("/samples".into()), findings: vec![finding] });
    }
    let samples: Result<Vec<_>, _> = samples.into_iter().enumerate().map(sample).collect();
    let samples = samples?;
    let wish = Wish {
        workflow: about.1.clone(),
        samples,
        clock: now,
        within: Duration::from_millis(within_ms),
        bounds: Bounds { records: records as usize, bytes: SHOWN_BYTES_MAX },
    };
    match weir_testing::test_run(&project, registry, wish).await {
        Ok(run) => Ok(view(about, run)),
        Err(findings) => {
            let is = |code| findings.iter().any(|it| it.code.0 == code);
            let why = if is(weir_testing::NO_WORKFLOW) {
                let names = project.plans.iter().map(|it| it.workflow.to_string());
                Why::Workflow(names.collect())
            } else if is(weir_testing::NO_SOURCE) {
                Why::Request("/samples".into())
            } else {
                Why::Content
            };
            Err(NotRun { why, findings })
        }
    }
}

fn sample((at, sample): (usize, TestRunSample)) -> Result<Sample, NotRun> {
    let TestRunSample { source, item, text, base64, records } = sample;
    let finding = |cause: &str, fix: &str| {
        let cause = format!("sample {}: {cause}", at + 1);
        Finding::error(190, Place::file(SAMPLE), "", cause).with_fix(fix)
    };
    let refuse = |cause: &str, fix: &str| {
        let why = Why::Request(format!("/samples/{at}"));
        NotRun { why, findings: vec![finding(cause, fix)] }
    };
    let given = match (text, base64, records) {
        (Some(text), None, None) => Given::Text(text),
        (None, None, Some(records)) => Given::Rows(records),
        (None, Some(encoded), None) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
            let bytes =
                bytes.map_err(|it| refuse(&format!("it is no base64: {it}"), "encode it anew"));
            Given::Bytes(bytes?)
        }
        _ => {
            let cause = "what comes in must be said exactly once";
            return Err(refuse(cause, "send one of text, base64 and records"));
        }
    };
    let is_large = match &given {
        Given::Text(text) => text.len() > TestRunRequest::SAMPLE_BYTES_MAX,
        Given::Bytes(bytes) => bytes.len() > TestRunRequest::SAMPLE_BYTES_MAX,
        Given::Rows(_) | Given::File(_) => false,
    };
    if is_large {
        let cause = format!("it is larger than {} bytes", TestRunRequest::SAMPLE_BYTES_MAX);
        let findings = vec![finding(&cause, "give the first thousand records or so")];
        return Err(NotRun { why: Why::TooLarge, findings });
    }
    let item = item.unwrap_or_else(|| format!("sample-{}", at + 1));
    Ok(Sample { source, item, given })
}

/// A run that was none, and why.
pub(crate) fn invalid(
    (project, workflow): (&ProjectName, &WorkflowName),
    found: Vec<Finding>,
) -> TestRunView {
    TestRunView {
        project: project.clone(),
        workflow: workflow.clone(),
        ending: TestRunEnding::Invalid,
        faults: Vec::new(),
        findings: found.into_iter().map(FindingView::from).collect(),
        stages: Vec::new(),
        edges: Vec::new(),
    }
}

fn view((project, workflow): (&ProjectName, &WorkflowName), run: TestRun) -> TestRunView {
    let (ending, faults) = match run.ending {
        Ending::Committed => (TestRunEnding::Committed, Vec::new()),
        Ending::Failed(faults) => (TestRunEnding::Failed, faults),
        Ending::Late(standing) => (TestRunEnding::Late, Vec::from_iter(standing)),
    };
    TestRunView {
        project: project.clone(),
        workflow: workflow.clone(),
        ending,
        faults: faults.into_iter().map(Into::into).collect(),
        findings: Vec::new(),
        stages: run.stages.into_iter().map(stage).collect(),
        edges: run.edges.into_iter().map(Into::into).collect(),
    }
}

fn stage(StageShown { stage, seen }: StageShown) -> TestRunStage {
    let left = seen.left.into_iter().map(|(port, records)| TestRunPort { port, records });
    let place = &stage.place;
    TestRunStage {
        place: if place.file.is_empty() { String::new() } else { place.to_string() },
        stage: stage.id,
        role: stage.role,
        kind: stage.kind,
        on_error: stage.on_error,
        came: seen.came,
        left: left.collect(),
        failed: seen.failed,
        dropped: seen.dropped,
        records: seen.passages.into_iter().map(record).collect(),
        is_cut: seen.is_cut,
        text: seen.text,
        fault: seen.fault.map(Into::into),
    }
}

fn record(it: Passage) -> TestRunRecord {
    let Passage { item, position, before, after, failure, is_of_end } = it;
    let out = |(port, record): (_, Row)| TestRunOutput { port, record: masked_record(record) };
    TestRunRecord {
        item,
        position,
        before: before.map(masked_record),
        after: after.into_iter().map(out).collect(),
        failure: failure.map(|it| TestRunFailure { reason: it.reason, line: it.line, raw: it.raw }),
        is_of_end,
    }
}
