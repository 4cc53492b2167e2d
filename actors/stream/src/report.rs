//! What a stream tells the monitor, its own log and the metrics.

use tokio_util::sync::CancellationToken;
use weir_domain::{
    Code, Counts, Fault, FaultKind, LogLine, Severity, StageId, Stream, StreamState,
};
use weir_secrets::Opened;

use crate::StreamLog;
use crate::connector::Published;
use crate::services::Services;
use crate::settlement::persist;

/// What a live stream lists of what it published.
const LISTED_MAX: usize = 50;

/// Holds a stream's record and passes on every change of it.
pub(crate) struct Reporter<'a> {
    services: &'a Services,
    /// What connectors say of the world may repeat them: a warning shows none.
    secrets: &'a Opened,
    pub(crate) stream: Stream,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(services: &'a Services, secrets: &'a Opened, stream: Stream) -> Self {
        Self { services, secrets, stream }
    }

    /// A plain line of progress.
    pub(crate) fn say(&self, code: u32, text: impl Into<String>) {
        self.line(None, code, text.into());
    }

    pub(crate) fn warn(&self, code: u32, text: impl Into<String>) {
        let text = self.secrets.masked(&text.into()).into_owned();
        self.line(Some(Severity::Warning), code, text);
    }

    /// What operators said since this was last called.
    pub(crate) fn pass_on(&self, log: &StreamLog) {
        for said in log.drain() {
            self.line_of(said.stage.as_ref(), said.severity, said.code, said.text);
        }
        match log.left_out() {
            0 => {}
            n => self.warn(3016, format!("{n} more lines of operators were left out")),
        }
    }

    /// A line for the stream's own log only.
    fn note(&self, code: u32, text: String) {
        let (at, code) = (self.services.system.now(), Code(code));
        let line = LogLine { at, severity: None, code, text };
        self.services.monitor.report(self.stream.clone(), vec![line]);
    }

    fn line(&self, severity: Option<Severity>, code: u32, text: String) {
        self.line_of(None, severity, code, text);
    }

    fn line_of(
        &self,
        stage: Option<&StageId>,
        severity: Option<Severity>,
        code: u32,
        text: String,
    ) {
        let line = self.logged(stage, severity, code, text);
        self.services.monitor.report(self.stream.clone(), vec![line]);
    }

    fn logged(
        &self,
        stage: Option<&StageId>,
        severity: Option<Severity>,
        code: u32,
        text: String,
    ) -> LogLine {
        let (code, stream, workflow) = (Code(code), self.stream.id, &self.stream.workflow);
        let stage = stage.map(tracing::field::display);
        match severity {
            None => tracing::info!(%code, %workflow, stage, %stream, "{text}"),
            Some(Severity::Warning) => tracing::warn!(%code, %workflow, stage, %stream, "{text}"),
            Some(Severity::Error) => tracing::error!(%code, %workflow, stage, %stream, "{text}"),
        }
        LogLine { at: self.services.system.now(), severity, code, text }
    }

    /// An operator paused the stream, or lets it go on.
    pub(crate) fn paused(&mut self, is_paused: bool) {
        let (state, code, text) = match is_paused {
            true => (StreamState::Paused, 3014, "paused by an operator"),
            false => (StreamState::Open, 3015, "goes on"),
        };
        if std::mem::replace(&mut self.stream.state, state) != state {
            self.say(code, text);
        }
    }

    /// The counts as they are now, without a word.
    pub(crate) fn progress(&self) {
        self.services.monitor.report(self.stream.clone(), Vec::new());
    }

    /// Something could not be done yet: said, and shown as long as it is waited for.
    pub(crate) fn waiting(&mut self, fault: &Fault) {
        // What is closed is not changed by what comes behind.
        if !self.stream.state.is_closed() {
            self.stream.fault = Some(self.secrets.masked_fault(fault.clone()));
        }
        self.warn(fault.code.0, format!("{fault}; it is tried again"));
    }

    /// What is waited for now, if something is: news is said.
    pub(crate) fn awaits(&mut self, awaited: Option<Fault>) {
        match awaited {
            Some(fault) if self.stream.fault.as_ref() != Some(&fault) => self.waiting(&fault),
            Some(_) => {}
            None => self.stream.fault = None,
        }
    }

    /// A live stream published something: it goes on, so only its newest are listed, the newest first.
    pub(crate) fn lists(&mut self, address: &str) {
        let address = self.secrets.masked(address).into_owned();
        self.stream.published.insert(0, address);
        self.stream.published.truncate(LISTED_MAX);
    }

    pub(crate) fn published(&mut self, published: Vec<Published>) {
        for Published { address, warning } in published {
            if let Some(warning) = warning {
                self.warn(3021, warning);
            }
            if address.is_empty() {
                continue;
            }
            let address = self.secrets.masked(&address).into_owned();
            let text = format!("published {address}");
            tracing::debug!(code = %Code(3020), stream = %self.stream.id, "{text}");
            self.note(3020, text);
            self.stream.published.push(address);
        }
    }

    /// Makes the stream's last state durable, trying until it is or until `stop`. Only then is it
    /// said and counted, so that both happen once.
    pub(crate) async fn close(mut self, stop: &CancellationToken) -> Option<Stream> {
        let (severity, code, text) = self.last_word();
        let line = LogLine {
            at: self.services.system.now(),
            severity,
            code: Code(code),
            text: text.clone(),
        };
        let services = self.services;
        let stream = self.stream.clone();
        let close = || services.monitor.close(stream.clone(), vec![line.clone()]);
        persist(close, &mut self, stop).await?.ok()?;
        self.logged(None, severity, code, text);
        Some(self.stream)
    }

    fn last_word(&self) -> (Option<Severity>, u32, String) {
        let (item, counts) = (&self.stream.item, self.stream.counts);
        match (self.stream.state, &self.stream.fault) {
            (StreamState::RolledBack, Some(fault)) => {
                // What is given back is no failure: it is processed again from its start.
                let severity = match fault.kind {
                    FaultKind::Stopped => Severity::Warning,
                    FaultKind::Data | FaultKind::Transient | FaultKind::Config => Severity::Error,
                };
                (Some(severity), fault.code.0, format!("rolled back {item}: {fault}"))
            }
            (StreamState::CommittedWithWarnings, _) => {
                let Counts { records_in, dead_letters, ignored, .. } = counts;
                let text = format!(
                    "committed {item} with warnings: {records_in} records, \
                     {dead_letters} dead letters, {ignored} ignored"
                );
                (Some(Severity::Warning), 3012, text)
            }
            _ => (None, 3011, format!("committed {item}: {} records", counts.records_in)),
        }
    }
}

/// The fault of a stream whose engine went away in the middle of it.
pub(crate) fn interrupted(owner: &str) -> Fault {
    let node = owner.split('#').next().unwrap_or(owner);
    Fault::stopped(format!("engine {node} went away before the stream's end"))
        .with_hint("nothing is to be done: its item is begun again, that of a live workflow from its newest checkpoint")
}
