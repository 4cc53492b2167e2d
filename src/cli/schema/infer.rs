//! `weir schema infer`: a Format asset from a sample.

use std::process::ExitCode;

use base64::Engine as _;
use serde_json::{Map, Value};
use weir_domain::AssetName;
use weir_http_api::{InferRequest, InferredView};

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
    file: String,
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
    /// How many records are looked at
    #[arg(long, value_name = "N", default_value_t = InferRequest::records_default(),
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    records: u32,
}

impl Args {
    pub(crate) fn run(self, out: &Output) -> Result<ExitCode, Failure> {
        let sample = files::sample(&self.file)?;
        let format = self.type_name.map(|it| {
            let settings = self.settings.iter().filter_map(|it| it.split_once('='));
            let settings = settings.map(|(key, value)| (key.to_owned(), setting(value)));
            let named = ("type".to_owned(), Value::from(it));
            [named].into_iter().chain(settings).collect::<Map<_, _>>()
        });
        let request = InferRequest {
            name: self.name,
            text: None,
            base64: Some(base64::engine::general_purpose::STANDARD.encode(sample)),
            format,
            required: self.required,
            records: self.records,
        };
        let found = delivery::infer(request);
        let what = || format!("can't find the format of {}", self.file);
        let view = found.map_err(|it| Failure::of_fault(what(), it))?;
        out.show(&view, |it, _| it.text.clone())?;
        if matches!(out.format, Format::Table | Format::Wide) {
            out.note(&summary(&view, &out.look()));
        }
        Ok(if view.bad == 0 { ExitCode::SUCCESS } else { Exit::Invalid.into() })
    }
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
