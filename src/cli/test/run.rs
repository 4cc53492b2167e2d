//! `weir test run`: a workflow on a sample, with the records before and after each stage.

use std::path::Path;
use std::process::ExitCode;

use base64::Engine as _;
use serde_json::{Map, Value};
use weir_domain::{AssetName, StageId, WorkflowName};
use weir_http_api::{
    TestRunEnding, TestRunRecord, TestRunRequest, TestRunSample, TestRunStage, TestRunView,
};
use weir_stream::Registry;

use crate::cli::args::Global;
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::human::{count, plain};
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;
use crate::cli::packing::is_directory;
use crate::cli::{asked, asked_on_threads, files};
use crate::delivery;

/// A longer line is cut where people read it.
const SHOWN_MAX: usize = 400;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One of the project's workflows
    workflow: WorkflowName,
    /// A project directory, of which the workflow is run here; or the name of a project of the configuration
    /// server, which runs it
    #[arg(long, value_name = "PROJECT", default_value = ".")]
    project: String,
    /// What a source is to read, in its format; `-` is standard input. With several sources as SOURCE=FILE
    #[arg(long = "sample", value_name = "[SOURCE=]FILE", required = true)]
    samples: Vec<String>,
    /// The samples are JSON lines, whatever the formats of the sources are
    #[arg(long)]
    json_lines: bool,
    /// An environment besides those of the project; the last one wins
    #[arg(long = "environment", value_name = "NAME")]
    environments: Vec<AssetName>,
    /// How many records of each stage are shown
    #[arg(long, value_name = "N", default_value_t = TestRunRequest::records_default(),
        value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Seconds until it must be done
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=600))]
    timeout: u32,
}

impl Args {
    pub(crate) fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<ExitCode, Failure> {
        let samples: Result<Vec<_>, _> = self.samples.iter().map(|it| self.sample(it)).collect();
        let request = TestRunRequest {
            samples: samples?,
            environments: self.environments.clone(),
            drafts: Vec::new(),
            records: self.limit,
            within_ms: u64::from(self.timeout) * 1_000,
        };
        let view = match is_directory(&self.project) {
            true => self.here(request, out, registry)?,
            false => asked(self.at_server(request, global))?,
        };
        out.show(&view, shown)?;
        Ok(match view.ending {
            TestRunEnding::Committed => ExitCode::SUCCESS,
            TestRunEnding::Failed => super::DIFFERS.into(),
            TestRunEnding::Late => Exit::TimedOut.into(),
            TestRunEnding::Invalid => Exit::Invalid.into(),
        })
    }

    fn here(
        &self,
        request: TestRunRequest,
        out: &Output,
        registry: &Registry,
    ) -> Result<TestRunView, Failure> {
        let dir = files::project(Path::new(&self.project))?;
        let project = weir_project::name(&dir).map_err(|findings| {
            Failure::of_findings(format!("can't run {}", plain(&self.project)), findings)
        })?;
        let (about, now) = ((&project, &self.workflow), out.look().now);
        asked_on_threads(delivery::test_run(&dir, registry, about, request, now))
    }

    async fn at_server(
        &self,
        request: TestRunRequest,
        global: &Global,
    ) -> Result<TestRunView, Failure> {
        let ran = global.design()?.test_run(&self.project, self.workflow.as_str(), &request).await;
        let what = || format!("can't run {} of {}", self.workflow, plain(&self.project));
        ran.map_err(|it| Failure::of_client(what(), it))
    }

    fn sample(&self, given: &str) -> Result<TestRunSample, Failure> {
        let named = given.split_once('=').and_then(|it| Some((StageId::new(it.0).ok()?, it.1)));
        let (source, file) = named.map_or((None, given), |(source, file)| (Some(source), file));
        let bytes = files::sample(file)?;
        let item = Path::new(file).file_name().filter(|_| file != files::STDIN);
        let item = item.map(|it| it.to_string_lossy().into_owned());
        let sample = TestRunSample { source, item, ..TestRunSample::default() };
        if self.json_lines {
            return Ok(TestRunSample { records: Some(records(file, &bytes)?), ..sample });
        }
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        Ok(TestRunSample { base64: Some(base64), ..sample })
    }
}

fn records(file: &str, bytes: &[u8]) -> Result<Vec<Map<String, Value>>, Failure> {
    let lines = bytes.split(|it| *it == b'\n').enumerate();
    let lines = lines.filter(|it| !it.1.trim_ascii().is_empty());
    let record = |(at, line): (usize, &[u8])| {
        serde_json::from_slice(line).map_err(|it| {
            let what = format!("can't use the sample {file}");
            let failure = Failure::new(Reason::Unusable, what, format!("line {}: {it}", at + 1));
            failure.with_hint("write one JSON object on each line")
        })
    };
    lines.map(record).collect()
}

fn shown(view: &TestRunView, look: &Look) -> String {
    let mut text: String = view.stages.iter().map(|it| stage(it, look)).collect();
    for finding in &view.findings {
        let word = look.paint(Tone::Bad, &format!("error[{}]", finding.code));
        let place = match finding.line {
            0 => finding.file.clone(),
            line => format!("{}:{line}:{}", finding.file, finding.column),
        };
        text += &format!("{}: {word}: {}\n", plain(&place), plain(&finding.cause));
        if !finding.fix.is_empty() {
            text += &format!("  {} {}\n", look.paint(Tone::Good, "fix:"), plain(&finding.fix));
        }
    }
    let name = plain(view.workflow.as_str());
    text += &match view.ending {
        TestRunEnding::Committed => {
            format!("{} {name}: all of it would be committed\n", look.paint(Tone::Good, "✓"))
        }
        TestRunEnding::Failed => {
            format!("{} {name}: it would be rolled back\n", look.paint(Tone::Bad, "✗"))
        }
        TestRunEnding::Late => {
            format!("{} {name}: it was not done in time\n", look.paint(Tone::Bad, "✗"))
        }
        TestRunEnding::Invalid => {
            format!("{} {name} can't be run\n", look.paint(Tone::Bad, "✗"))
        }
    };
    for fault in &view.faults {
        text += &format!("  [{}] {}\n", fault.code, plain(&fault.message));
        let hint = fault.hint.iter().filter(|it| !it.is_empty());
        text += &hint
            .map(|it| format!("  {} {}\n", look.paint(Tone::Good, "fix:"), plain(it)))
            .collect::<String>();
    }
    text
}

fn stage(it: &TestRunStage, look: &Look) -> String {
    let mut counts = Vec::new();
    if it.came > 0 {
        counts.push(format!("{} in", count(it.came)));
    }
    counts.extend(it.left.iter().map(|it| format!("{} to {}", count(it.records), it.port)));
    if it.failed > 0 {
        counts.push(look.paint(Tone::Bad, &format!("{} failed", count(it.failed))));
    }
    if it.dropped > 0 {
        counts.push(format!("{} dropped", count(it.dropped)));
    }
    let counts = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
    let head = format!("{} ({})", plain(it.stage.as_str()), plain(&it.kind));
    let mut text = format!("{head}: {counts}\n");
    text += &it.records.iter().map(|it| record(it, look)).collect::<String>();
    if it.is_cut {
        text +=
            &format!("  {}\n", look.paint(Tone::Quiet, "and more: --limit N shows more of them"));
    }
    if let Some(fault) = &it.fault {
        let word = look.paint(Tone::Bad, "✗");
        text += &format!("  {word} [{}] {}\n", fault.code, plain(&fault.message));
    }
    text
}

fn record(it: &TestRunRecord, look: &Look) -> String {
    let number = if it.is_of_end { "end".to_owned() } else { it.position.to_string() };
    let mut lines = Vec::new();
    if let Some(before) = &it.before {
        lines.push(value(before));
    }
    for after in &it.after {
        let same = it.before.as_ref() == Some(&after.record);
        let shown = if same { "the same".to_owned() } else { value(&after.record) };
        lines.push(format!("→ {} {shown}", after.port));
    }
    if let Some(failure) = &it.failure {
        let line = failure.line.map(|it| format!(" (line {it} of the sample)")).unwrap_or_default();
        let why = format!("{} {}{line}", look.paint(Tone::Bad, "✗"), plain(&failure.reason));
        lines.push(why);
        if it.before.is_none() {
            lines.push(cut(&plain(&failure.raw)));
        }
    }
    let number = look.paint(Tone::Quiet, &format!("{number:>5}"));
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let margin = if at == 0 { number.as_str() } else { "     " };
        text += &format!("{margin}  {line}\n");
    }
    text
}

fn value(record: &Map<String, Value>) -> String {
    cut(&plain(&Value::Object(record.clone()).to_string()))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
