//! What a stream tells the monitor, its own log and the metrics.

use tokio_util::sync::CancellationToken;
use weir_domain::{Code, Counts, Fault, LogLine, Severity, Stream, StreamState};

use crate::connector::Published;
use crate::services::Services;
use crate::settlement::persist;

/// Holds a stream's record and passes on every change of it.
pub(crate) struct Reporter<'a> {
    services: &'a Services,
    pub(crate) stream: Stream,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(services: &'a Services, stream: Stream) -> Self {
        Self { services, stream }
    }

    /// A plain line of progress.
    pub(crate) fn say(&self, code: u32, text: impl Into<String>) {
        self.line(None, code, text.into());
    }

    pub(crate) fn warn(&self, code: u32, text: impl Into<String>) {
        self.line(Some(Severity::Warning), code, text.into());
    }

    /// A line for the stream's own log only.
    fn note(&self, code: u32, text: String) {
        let (at, code) = (self.services.system.now(), Code(code));
        let line = LogLine { at, severity: None, code, text };
        self.services.monitor.report(self.stream.clone(), vec![line]);
    }

    fn line(&self, severity: Option<Severity>, code: u32, text: String) {
        let line = self.logged(severity, code, text);
        self.services.monitor.report(self.stream.clone(), vec![line]);
    }

    fn logged(&self, severity: Option<Severity>, code: u32, text: String) -> LogLine {
        let (code, stream, workflow) = (Code(code), self.stream.id, &self.stream.workflow);
        match severity {
            None => tracing::info!(%code, %workflow, %stream, "{text}"),
            Some(Severity::Warning) => tracing::warn!(%code, %workflow, %stream, "{text}"),
            Some(Severity::Error) => tracing::error!(%code, %workflow, %stream, "{text}"),
        }
        LogLine { at: self.services.system.now(), severity, code, text }
    }

    /// The counts as they are now, without a word.
    pub(crate) fn progress(&self) {
        self.services.monitor.report(self.stream.clone(), Vec::new());
    }

    /// Something that is owed could not be done yet.
    pub(crate) fn waiting(&mut self, fault: &Fault) {
        self.warn(fault.code.0, format!("{fault}; it is tried again"));
    }

    pub(crate) fn published(&mut self, published: Vec<Published>) {
        for Published { address, warning } in published {
            if let Some(warning) = warning {
                self.warn(3021, warning);
                if self.stream.state == StreamState::Committed {
                    self.stream.state = StreamState::CommittedWithWarnings;
                }
            }
            let text = format!("published {address}");
            tracing::debug!(code = %Code(3020), stream = %self.stream.id, "{text}");
            self.note(3020, text);
            self.stream.published.push(address);
        }
    }

    /// The last word about a stream, said and counted once.
    pub(crate) fn last_word(&self) -> LogLine {
        let stream = &self.stream;
        let (workflow, outcome) = (stream.workflow.to_string(), stream.state.as_str());
        let (item, counts) = (&stream.item, stream.counts);
        let count = |name, n: u64| {
            metrics::counter!(name, "workflow" => workflow.clone()).increment(n);
        };
        if stream.state != StreamState::RolledBack {
            count("weir_records_read_total", counts.records_in);
            count("weir_records_written_total", counts.records_out);
            count("weir_bytes_read_total", counts.bytes_in);
            count("weir_bytes_written_total", counts.bytes_out);
            count("weir_dead_letters_total", counts.dead_letters);
        }
        metrics::counter!("weir_streams_total", "workflow" => workflow.clone(), "outcome" => outcome)
            .increment(1);
        match (stream.state, &stream.fault) {
            (StreamState::RolledBack, Some(fault)) => {
                let text = format!("rolled back {item}: {fault}");
                self.logged(Some(Severity::Error), fault.code.0, text)
            }
            (StreamState::CommittedWithWarnings, _) => {
                let Counts { records_in, dead_letters, ignored, .. } = counts;
                let text = format!(
                    "committed {item} with warnings: {records_in} records, \
                     {dead_letters} dead letters, {ignored} ignored"
                );
                self.logged(Some(Severity::Warning), 3012, text)
            }
            _ => {
                let text = format!("committed {item}: {} records", counts.records_in);
                self.logged(None, 3011, text)
            }
        }
    }

    /// Makes the stream's last state durable, trying until it is or until `stop`.
    pub(crate) async fn close(mut self, stop: &CancellationToken) -> Option<Stream> {
        let lines = vec![self.last_word()];
        let services = self.services;
        let stream = self.stream.clone();
        let close = || services.monitor.close(stream.clone(), lines.clone());
        persist(close, &mut self, stop).await?.ok()?;
        Some(self.stream)
    }
}

/// The fault of a stream whose engine went away in the middle of it.
pub(crate) fn interrupted(owner: &str) -> Fault {
    let node = owner.split('#').next().unwrap_or(owner);
    Fault::stopped(format!("engine {node} went away before the stream's end"))
        .with_hint("nothing is to be done: the item is processed again from its start")
}
