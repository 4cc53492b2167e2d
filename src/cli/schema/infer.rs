//! `weir schema infer`: a Format asset from a sample, or from what a source of a workflow has.

use std::process::ExitCode;

use base64::Engine as _;
use serde_json::{Map, Value};
use weir_domain::{AssetName, StageId, WorkflowName};
use weir_http_api::{InferRequest, InferredView, PeekRequest, PeekView};

use crate::cli::args::Global;
use crate::cli::asked;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::human::plain;
use crate::cli::look::{Look, Tone};
use crate::cli::output::{Format, Output};
use crate::delivery;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sample: CSV, JSON lines or an array, Parquet, Avro, Arrow, perhaps compressed; `-` is standard input
    #[arg(required_unless_present = "workflow")]
    file: Option<String>,
    /// Look at what a source of this workflow has, instead of a sample. Nothing is taken from the workflow
    #[arg(long, value_name = "NAME", requires = "project", conflicts_with = "file")]
    workflow: Option<WorkflowName>,
    /// The project of the configuration server that has the workflow
    #[arg(long, value_name = "NAME", requires = "workflow")]
    project: Option<String>,
    /// Which source of the workflow, where it has several
    #[arg(long, value_name = "STAGE", requires = "workflow")]
    source: Option<StageId>,
    /// An environment besides those of the project; the last one wins
    #[arg(long = "environment", value_name = "NAME", requires = "workflow")]
    environments: Vec<AssetName>,
    /// How many records of the source are shown as well, on standard error; at most 100
    #[arg(long, value_name = "N", default_value_t = 0, requires = "workflow",
        value_parser = clap::value_parser!(u32).range(0..=100))]
    show: u32,
    /// How many seconds records of the source are waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "workflow",
        value_parser = clap::value_parser!(u32).range(1..=15))]
    timeout: u32,
    /// What the asset is to be called
    #[arg(long, default_value = "inferred")]
    name: AssetName,
    /// The type of the format, where a guess would be wrong: `csv`, `json` …
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// A setting of the format that is known, as `header=false` or `delimiter=;`
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "type_name")]
    settings: Vec<String>,
    /// Fields that are never missing in the sample must not be missing later
    #[arg(long)]
    required: bool,
    /// How many records are looked at: 10000 of a sample, 100 of a source if absent. Of a source, 0 asks only whether
    /// it can be reached
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    records: Option<u32>,
}

impl Args {
    pub(crate) fn run(self, global: &Global, out: &Output) -> Result<ExitCode, Failure> {
        match (&self.workflow, &self.project) {
            (Some(workflow), Some(project)) => {
                asked(self.of_source((workflow, project), global, out))
            }
            _ => self.of_sample(out),
        }
    }

    fn of_sample(&self, out: &Output) -> Result<ExitCode, Failure> {
        let file = self.file.as_deref().unwrap_or(files::STDIN);
        let sample = files::sample(file)?;
        let request = InferRequest {
            name: self.name.clone(),
            text: None,
            base64: Some(base64::engine::general_purpose::STANDARD.encode(sample)),
            format: self.format(),
            required: self.required,
            records: self.records.unwrap_or(InferRequest::records_default()).max(1),
        };
        let found = delivery::infer(request);
        let what = || format!("can't find the format of {file}");
        let view = found.map_err(|it| Failure::of_fault(what(), it))?;
        out.show(&view, |it, _| it.text.clone())?;
        if is_for_people(out) {
            out.note(&summary(&view, &out.look()));
        }
        Ok(exit(&view))
    }

    async fn of_source(
        &self,
        (workflow, project): (&WorkflowName, &str),
        global: &Global,
        out: &Output,
    ) -> Result<ExitCode, Failure> {
        let request = PeekRequest {
            source: self.source.clone(),
            environments: self.environments.clone(),
            drafts: Vec::new(),
            name: self.name.clone(),
            format: self.format(),
            required: self.required,
            records: self.records.unwrap_or(PeekRequest::records_default()),
            show: self.show,
            within_ms: u64::from(self.timeout) * 1_000,
        };
        let peeked = global.design()?.peek(project, workflow.as_str(), &request).await;
        let what = || format!("can't peek at {workflow} of {}", plain(project));
        let view = peeked.map_err(|it| Failure::of_client(what(), it))?;
        let Some(format) = &view.format else {
            out.show(&view, reached)?;
            return Ok(ExitCode::SUCCESS);
        };
        out.show(&view, |_, _| format.text.clone())?;
        if is_for_people(out) {
            for record in &view.records {
                out.note(&plain(&Value::Object(record.clone()).to_string()));
            }
            out.note(&format!("{} from {}", summary(format, &out.look()), plain(&view.origin)));
        }
        Ok(exit(format))
    }

    fn format(&self) -> Option<Map<String, Value>> {
        self.type_name.as_ref().map(|it| {
            let settings = self.settings.iter().filter_map(|it| it.split_once('='));
            let settings = settings.map(|(key, value)| (key.to_owned(), setting(value)));
            let named = ("type".to_owned(), Value::from(it.clone()));
            [named].into_iter().chain(settings).collect::<Map<_, _>>()
        })
    }
}

fn is_for_people(out: &Output) -> bool {
    matches!(out.format, Format::Table | Format::Wide)
}

fn exit(view: &InferredView) -> ExitCode {
    if view.bad == 0 { ExitCode::SUCCESS } else { Exit::Invalid.into() }
}

fn reached(view: &PeekView, look: &Look) -> String {
    let good = look.paint(Tone::Good, "✓");
    format!("{good} {} can be reached from the server\n", plain(&view.origin))
}

/// A number, a truth, or else a text.
fn setting(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
}

fn summary(view: &InferredView, look: &Look) -> String {
    if view.bad == 0 {
        return format!("{} it reads all {} records", look.paint(Tone::Good, "✓"), view.records);
    }
    let bad = look.paint(Tone::Bad, &format!("✗ {} of {}", view.bad, view.records));
    let reasons: String = view.reasons.iter().map(|it| format!("\n  {}", plain(it))).collect();
    format!("{bad} records are not read with it{reasons}")
}
