//! `weir stream sniff`: looking at live records.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};
use weir_domain::{
    Millis, SniffFilter, SniffSide, StageId, StreamId, WorkflowName, parse_duration,
};
use weir_http_api::{SniffRequest, SniffResult};
use weir_http_client::Client;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human::{plain, plural};
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Sniff {
    workflow: WorkflowName,
    /// The stage that records pass
    stage: StageId,
    /// As they come to the stage, in the place of as they leave it
    #[arg(long = "in")]
    before: bool,
    /// Only of this stream
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Only records whose field has this text, as FIELD=TEXT
    #[arg(long = "where", value_name = "FIELD=TEXT", value_parser = filter)]
    filter: Option<SniffFilter>,
    /// How many are enough
    #[arg(short = 'n', long, default_value_t = SniffRequest::records_default(),
        value_parser = clap::value_parser!(u32).range(1..=i64::from(SniffRequest::RECORDS_MAX)))]
    records: u32,
    /// How long to wait for them, up to 20s
    #[arg(long = "for", value_name = "TIME", default_value = "5s", value_parser = within)]
    within: Millis,
}

fn within(text: &str) -> Result<Millis, String> {
    const MAX: Millis = Millis(SniffRequest::WITHIN_MS_MAX);
    let within = parse_duration(text).map_err(|it| it.to_string())?;
    match (Millis(1)..=MAX).contains(&within) {
        true => Ok(within),
        false => Err(format!("wait between 1ms and {MAX}")),
    }
}

fn filter(text: &str) -> Result<SniffFilter, &'static str> {
    let (field, equals) = text.split_once('=').ok_or("write FIELD=TEXT")?;
    Ok(SniffFilter { field: field.to_owned(), equals: equals.to_owned() })
}

impl Sniff {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        let Self { workflow, stage, before, stream, filter, records, within } = self;
        let side = if before { SniffSide::In } else { SniffSide::Out };
        let within_ms = within.0;
        let what = format!("can't look at records of {workflow}/{stage}");
        let (port, to, condition) = (None, None, None);
        let request =
            SniffRequest { stage, side, port, to, stream, filter, condition, records, within_ms };
        let seen = client.sniff(workflow.as_str(), &request).await.map_err(|it| {
            let failure = Failure::of_client(what, it);
            match failure.exit {
                Exit::NotFound => failure.with_hint(format!("weir workflow show {workflow}")),
                _ => failure,
            }
        })?;
        out.show(&seen, shown)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A record a line, then what is to be known of them.
fn shown(it: &SniffResult, look: &Look) -> String {
    let mut text = String::new();
    for it in &it.records {
        let record = fields(&it.record);
        let place = look.paint(Tone::Quiet, &format!("{} {}#{}", it.node, it.stream, it.position));
        text += &format!("{place}  {record}\n");
    }
    for it in &it.unreached {
        let line = format!("engine {} gave no answer: {}", it.node, plain(&it.why));
        text += &format!("{} {line}\n", look.paint(Tone::Warn, "!"));
    }
    let shown = plural(it.records.len(), "record");
    format!("{text}{shown} of {} that passed; {} were not looked at\n", it.seen, it.dropped)
}

pub(crate) fn fields(record: &Map<String, Value>) -> String {
    plain(&serde_json::to_string(record).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn records_a_line_each() {
        let seen: SniffResult = serde_json::from_value(serde_json::json!({
            "records": [{ "node": "n1", "stream": "0197a8b0-0000-7000-8000-000000000001",
                          "position": 17, "record": { "id": 1, "name": "a\u{1b}b" } }],
            "seen": 300, "dropped": 44,
            "unreached": [{ "node": "n2", "why": "there is no link to it" }]
        }))
        .expect("a result");
        assert_eq!(
            shown(&seen, &LOOK),
            "\
n1 0197a8b0-0000-7000-8000-000000000001#17  {\"id\":1,\"name\":\"a\\u001bb\"}
! engine n2 gave no answer: there is no link to it
1 record of 300 that passed; 44 were not looked at
"
        );
        assert_eq!(filter("a=b=c").map(|it| it.equals), Ok("b=c".to_owned()));
        assert!(filter("a").is_err());
        assert_eq!(within("20s"), Ok(Millis(20_000)));
        for bad in ["30s", "0s", "soon"] {
            assert!(within(bad).is_err(), "{bad}");
        }
    }
}
