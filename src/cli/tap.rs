//! `weir tap`: a sample of the records on an edge of a workflow, as they pass, on whatever engines.
//!
//! It looks for a few seconds, again and again. It never makes a stream wait: what passes faster than it
//! can be looked at is left out, and counted.

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;
use weir_domain::{Millis, PortName, SniffSide, StageId, StreamId, WorkflowName, parse_duration};
use weir_http_api::{SniffRequest, SniffResult};
use weir_http_client::Client;
use weir_runtime::Stopwatch;

use super::exit::{Exit, Reason};
use super::failure::Failure;
use super::human::{plain, plural};
use super::look::Tone;
use super::output::{Format, Output};
use super::stream::fields;

/// How long one look takes at most. Each is an entry of the audit.
const LOOK: Duration = Duration::from_secs(5);
/// Records that one look brings at most.
const RECORDS: u32 = 100;

#[derive(Debug, Args)]
pub(crate) struct Tap {
    workflow: WorkflowName,
    /// The edge: STAGE, STAGE.PORT, or STAGE->STAGE
    edge: Edge,
    /// End after so many records
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = parse_duration)]
    within: Millis,
    /// Only records for which this expression holds, as "amount > 100"
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Only of this stream
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Write each record as a line of JSON, as with -o json
    #[arg(long)]
    json: bool,
}

/// What leaves a stage: all of it, by a port, or to another stage.
#[derive(Debug, Clone, PartialEq)]
struct Edge {
    stage: StageId,
    port: Option<PortName>,
    to: Option<StageId>,
}

impl FromStr for Edge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once("->").or_else(|| text.split_once('→'));
        let (from, to) = parts.map_or((text, None), |(from, to)| (from, Some(to)));
        let (stage, port) = match from.trim().rsplit_once('.') {
            Some((stage, port)) => (stage, Some(port)),
            None => (from.trim(), None),
        };
        let stage_of = |it: &str| StageId::new(it.trim()).map_err(|it| it.to_string());
        Ok(Self {
            stage: stage_of(stage)?,
            port: port.map(PortName::new).transpose().map_err(|it| it.to_string())?,
            to: to.map(stage_of).transpose()?,
        })
    }
}

impl Tap {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        let mut total = SniffResult::default();
        let mut shown = 0;
        tokio::select! {
            looked = self.look(client, out, &mut total, &mut shown) => looked?,
            _ = tokio::signal::ctrl_c() => {}
        }
        let left_out = total.dropped;
        let seen = total.seen;
        let what = plural(shown as usize, "record");
        out.note(&format!("{what} of {seen} that passed; {left_out} were left out unseen"));
        Ok(ExitCode::SUCCESS)
    }

    async fn look(
        &self,
        client: &Client,
        out: &Output,
        total: &mut SniffResult,
        shown: &mut u32,
    ) -> Result<(), Failure> {
        let watch = Stopwatch::start();
        while *shown < self.limit {
            let left = self.within.duration().saturating_sub(watch.elapsed()).min(LOOK);
            if left.is_zero() {
                break;
            }
            let request = SniffRequest {
                stage: self.edge.stage.clone(),
                side: SniffSide::Out,
                port: self.edge.port.clone(),
                to: self.edge.to.clone(),
                stream: self.stream,
                filter: None,
                condition: self.filter.clone(),
                records: RECORDS.min(self.limit - *shown),
                within_ms: u64::try_from(left.as_millis()).unwrap_or(1).max(1),
            };
            let asked = client.sniff(self.workflow.as_str(), &request);
            // The way there and back may take longer than the look.
            let asked = timeout(left + LOOK, asked).await;
            let Ok(asked) = asked else { break };
            let seen = asked.map_err(|it| self.refused(it))?;
            if let Some(why) = seen.wrong {
                let what = format!("can't filter records of {}", self.workflow);
                return Err(Failure::new(Reason::Unusable, what, why).with_hint(
                    "weir workflow show tells the stages; docs/expressions.md how to write it",
                ));
            }
            for it in &seen.records {
                let line = match self.json || matches!(out.format, Format::Json) {
                    true => serde_json::to_string(it).unwrap_or_default(),
                    false => {
                        let place = format!("{} {}#{}", it.node, it.stream, it.position);
                        let place = out.look().paint(Tone::Quiet, &place);
                        format!("{place}  {}", fields(&it.record))
                    }
                };
                out.print(&format!("{line}\n"))?;
            }
            *shown += u32::try_from(seen.records.len()).unwrap_or(u32::MAX);
            (total.seen, total.dropped) = (total.seen + seen.seen, total.dropped + seen.dropped);
            for it in &seen.unreached {
                out.note(&format!("engine {} gave no answer: {}", it.node, plain(&it.why)));
            }
        }
        Ok(())
    }

    fn refused(&self, error: weir_http_client::Error) -> Failure {
        let failure = Failure::of_client(format!("can't tap {}", self.workflow), error);
        match failure.exit {
            Exit::NotFound => failure.with_hint(format!("weir workflow show {}", self.workflow)),
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_a_stage_a_port_of_it_or_the_way_to_another() {
        let of = |text: &str| {
            let edge: Edge = text.parse().unwrap();
            let port = edge.port.map(|it| it.to_string()).unwrap_or_default();
            let to = edge.to.map(|it| it.to_string()).unwrap_or_default();
            (edge.stage.to_string(), port, to)
        };
        let expected = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(of("read"), expected("read", "", ""));
        assert_eq!(of("filter.big"), expected("filter", "big", ""));
        assert_eq!(of("read->filter"), expected("read", "", "filter"));
        assert_eq!(of("filter.big → write"), expected("filter", "big", "write"));
        assert!("".parse::<Edge>().is_err() && "a->".parse::<Edge>().is_err());
    }
}
