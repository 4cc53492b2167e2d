//! The loops of the stages: what runs while data flows. Control reaches them by a stop token,
//! data by edges, and what happened is counted as it happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::datatypes::SchemaRef;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use weir_checkpoint::{CrashPoint, Epoch, reach};
use weir_domain::plan::OnError;
use weir_domain::{Clock, Fault, FaultKind, PortName, SniffSide, StageId};
use weir_secrets::Opened;

use crate::breaker::Breaker;
use crate::control::Gate;
use crate::counters::add;
use crate::edge::{Broken, Sender};
use crate::inlet::{Arrival, Inlet};
use crate::island::{Island, Outflow, Step, rollback_fault};
use crate::letters::Origins;
use crate::live::{LiveSourceBody, Report, Reports, Snapshot};
use crate::settlement::Failed;
use crate::times::Spent;
use crate::{
    BadRecord, Batch, Counters, Opening, Prepared, Read, RecordReader, Sink, SinkWriter,
    StreamContext, StreamLog, Taps, dead_letter,
};

/// What stands around every stage: its counters, and its rule for bad records.
pub(crate) struct Guard {
    pub(crate) stage: StageId,
    pub(crate) on_error: OnError,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stream: Arc<StreamContext>,
    /// What no reason may show.
    pub(crate) secrets: Opened,
    /// How much of a bad record is kept.
    pub(crate) raw_bytes_max: usize,
    pub(crate) taps: Taps,
    pub(crate) origins: Arc<Origins>,
    /// Of the stage, and of the workflow: what ends it if bad records are too many.
    pub(crate) breakers: Vec<Breaker>,
    /// Whether what comes here comes to the workflow.
    pub(crate) is_source: bool,
}

impl Guard {
    /// So many records came.
    fn came(&self, records: usize) {
        let counts = self.breakers.iter().filter(|it| self.is_source || it.is_of_stage());
        counts.for_each(|it| it.came(records));
    }

    /// Nothing more comes.
    pub(crate) fn ended(&self) -> Result<(), Fault> {
        self.breakers.iter().try_for_each(Breaker::end)
    }

    pub(crate) fn took(&self, batch: &Batch) {
        self.came(batch.rows());
        self.taps.pass(SniffSide::In, (&self.stage, None), &self.stream, batch);
        add(&self.counters.records_in, batch.rows());
    }

    /// By a port; `None`: it has one only.
    pub(crate) fn gave(&self, port: Option<&PortName>, batch: &Batch) {
        self.taps.pass(SniffSide::Out, (&self.stage, port), &self.stream, batch);
        add(&self.counters.records_out, batch.rows());
    }

    pub(crate) fn dropped(&self, rows: usize) {
        add(&self.counters.dropped, rows);
    }

    /// Applies `onError`: the dead letters to send, or the fault that ends the stream.
    pub(crate) fn refused(&self, bad: &[BadRecord]) -> Result<Option<Batch>, Fault> {
        self.refused_below(None, bad)
    }

    /// The same of records that mean nothing without what stands before them in their item.
    pub(crate) fn refused_below(
        &self,
        header: Option<&str>,
        bad: &[BadRecord],
    ) -> Result<Option<Batch>, Fault> {
        let Some(first) = bad.first() else { return Ok(None) };
        self.breakers.iter().try_for_each(|it| it.are_bad(bad.len()))?;
        match self.on_error {
            OnError::Rollback => Err(rollback_fault(&self.stage, first)),
            OnError::Ignore => {
                add(&self.counters.ignored, bad.len());
                Ok(None)
            }
            OnError::DeadLetter => {
                add(&self.counters.dead_letters, bad.len());
                Ok(Some(dead_letter::batch(self, header, bad)))
            }
        }
    }
}

/// How a stage leaves: what its sink prepared, if it is one.
pub(crate) type StageResult = Result<Option<Prepared>, Stopped>;

/// Why a stage ended early: by its own fault, or because a neighbour did.
#[derive(Debug)]
pub(crate) enum Stopped {
    Fault(Fault),
    Broken,
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Broken> for Stopped {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

/// A stage ready to run.
pub(crate) enum Body {
    Source(SourceBody),
    LiveSource(LiveSourceBody),
    Island(IslandBody),
    Sink(SinkBody),
}

pub(crate) struct SourceBody {
    pub(crate) guard: Guard,
    pub(crate) reader: Box<dyn RecordReader>,
    pub(crate) outputs: Vec<Sender>,
    pub(crate) dead: Option<Sender>,
    pub(crate) gate: Gate,
}

impl SourceBody {
    /// Reads to the end. Blocks.
    pub(crate) fn run(mut self, stop: &CancellationToken) -> StageResult {
        loop {
            self.gate.pass(stop);
            if stop.is_cancelled() {
                return Err(Stopped::Broken);
            }
            let call = self.guard.counters.calling("reading");
            let read = self.reader.read()?;
            drop(call);
            let Some(read) = read else { break };
            let header = self.reader.header().filter(|_| !read.bad.is_empty());
            pass_on((read, header), &self.guard, &self.outputs, self.dead.as_ref())?;
        }
        self.guard.ended()?;
        end_all(self.outputs.iter().chain(&self.dead))?;
        Ok(None)
    }
}

/// Sends on what a source has read. Blocks.
pub(crate) fn pass_on(
    (read, header): (Read, Option<String>),
    guard: &Guard,
    outputs: &[Sender],
    dead: Option<&Sender>,
) -> Result<(), Stopped> {
    let counters = &guard.counters;
    add(&counters.records_in, read.batch.rows() + read.bad.len());
    guard.came(read.batch.rows() + read.bad.len());
    counters.bytes_in.fetch_add(read.bytes, Ordering::Relaxed);
    if let Some(letters) = guard.refused_below(header.as_deref(), &read.bad)? {
        dead.ok_or_else(no_dead_letters)?.send_blocking(letters)?;
    }
    if read.batch.rows() > 0 {
        guard.gave(None, &read.batch);
        send_all_blocking(outputs, read.batch)?;
    }
    Ok(())
}

pub(crate) struct IslandBody {
    pub(crate) island: Island,
    pub(crate) stream: Arc<StreamContext>,
    pub(crate) log: StreamLog,
    /// Whether it needs a thread that may block.
    pub(crate) blocks: bool,
    pub(crate) input: Inlet,
    pub(crate) outputs: Vec<Sender>,
    pub(crate) dead: Option<Sender>,
    /// Of a pipeline that is driven: by its operators.
    pub(crate) reports: Vec<Reports>,
}

impl IslandBody {
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> StageResult {
        let (stream, log) = (self.stream.clone(), self.log.clone());
        self.island.start(&Opening { stream, log, stop: stop.clone() })?;
        let mut has_finished = false;
        loop {
            match self.input.next(stop).await? {
                Arrival::Batch(batch) => {
                    let outflow = self.island.process(batch)?;
                    send(&self.outputs, self.dead.as_ref(), outflow, stop).await?;
                }
                Arrival::Finish => {
                    let outflow = self.island.finish()?;
                    self.island.ended()?;
                    send(&self.outputs, self.dead.as_ref(), outflow, stop).await?;
                    end_all(self.outputs.iter().chain(&self.dead))?;
                    has_finished = true;
                }
                Arrival::Snapshot(epoch) => {
                    if !has_finished {
                        barriers(self.outputs.iter().chain(&self.dead), epoch)?;
                    }
                    for (it, tables) in self.reports.iter().zip(self.island.freeze(epoch)) {
                        let snapshot = Snapshot { tables, ..Snapshot::default() };
                        it.say(Report::Aligned(epoch, snapshot))?;
                    }
                }
                Arrival::Skip(epoch) => {
                    self.reports.iter().try_for_each(|it| it.say(Report::Skipped(epoch)))?;
                }
                Arrival::Over => return Ok(None),
            }
        }
    }
}

/// Sends what an island made. The island itself is not held across the waits.
async fn send(
    outputs: &[Sender],
    dead: Option<&Sender>,
    outflow: Outflow,
    stop: &CancellationToken,
) -> Result<(), Stopped> {
    for step in outflow {
        if stop.is_cancelled() {
            return Err(Stopped::Broken);
        }
        match step {
            Step::Send(edge, batch) => outputs[edge].send(batch).await?,
            Step::DeadLetters(letters) => match dead {
                Some(dead) => dead.send(letters).await?,
                None => return Err(no_dead_letters().into()),
            },
            Step::Wait(length, stage) => {
                // One that holds records back sets the pace: that is its work, as long as it lasts.
                let _holding = stage.spend(Spent::Busy);
                tokio::select! {
                    () = tokio::time::sleep(length) => {}
                    () = stop.cancelled() => return Err(Stopped::Broken),
                }
            }
        }
    }
    Ok(())
}

/// A plan that has bad records and no place for them: the front door makes none.
fn no_dead_letters() -> Fault {
    Fault::config(3114, "the plan has no place for dead letters")
        .with_hint("set onError of the stage to rollback or ignore, or deploy the project again")
}

pub(crate) struct SinkBody {
    pub(crate) guard: Guard,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) schema: SchemaRef,
    pub(crate) input: Inlet,
    pub(crate) dead: Option<Sender>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Of a pipeline that is driven: what is written between two barriers is published as one.
    pub(crate) reports: Option<Reports>,
}

impl SinkBody {
    /// Writes until the end, then prepares; if it is driven, at each barrier. Blocks.
    pub(crate) fn run(mut self, stop: &CancellationToken) -> StageResult {
        let mut writer = match self.reports {
            None => Some(self.sink.open(&self.guard.stream, self.schema.clone())?),
            // It begins with the first batch: where nothing flows nothing is to be published.
            Some(_) => None,
        };
        // What its former writers wrote, and the barrier that they ended with.
        let (mut written, mut segment) = (0, self.guard.stream.segment);
        let mut has_finished = false;
        loop {
            let arrival = self.input.next_blocking(stop)?;
            if stop.is_cancelled() {
                return Err(Stopped::Broken);
            }
            match arrival {
                Arrival::Batch(batch) => {
                    let writer = match &mut writer {
                        Some(it) => it,
                        none => none.insert(self.open(segment)?),
                    };
                    let bad = self.write(&mut **writer, &batch)?;
                    self.wrote(written + writer.bytes_written());
                    if let Some(letters) = self.guard.refused(&bad)? {
                        self.dead.as_ref().ok_or_else(no_dead_letters)?.send_blocking(letters)?;
                    }
                }
                Arrival::Finish => {
                    self.guard.ended()?;
                    // The dead letters wait for this sink's end, not for its disk.
                    end_all(self.dead.iter())?;
                    has_finished = true;
                }
                Arrival::Snapshot(epoch) => {
                    if !has_finished {
                        barriers(self.dead.iter(), epoch)?;
                    }
                    let prepared = match writer.take() {
                        Some(writer) => {
                            reach(CrashPoint::BeforePrepare);
                            let prepared = self.prepare(writer, stop)?;
                            reach(CrashPoint::AfterPrepare);
                            prepared
                        }
                        None => Prepared::default(),
                    };
                    (written, segment) = (written + prepared.bytes, Some(epoch));
                    self.wrote(written);
                    let snapshot = Snapshot { actions: prepared.actions, ..Snapshot::default() };
                    report(self.reports.as_ref(), Report::Aligned(epoch, snapshot))?;
                }
                Arrival::Skip(epoch) => report(self.reports.as_ref(), Report::Skipped(epoch))?,
                Arrival::Over => break,
            }
        }
        // What was written behind the last barrier of a pipeline that is driven is nobody's.
        let (None, Some(writer)) = (&self.reports, writer) else { return Ok(None) };
        let prepared = self.prepare(writer, stop)?;
        self.guard.counters.bytes_out.store(prepared.bytes, Ordering::Relaxed);
        Ok(Some(prepared))
    }

    fn open(&mut self, segment: Option<Epoch>) -> Result<Box<dyn SinkWriter>, Fault> {
        let opened_at = self.clock.now();
        let context = StreamContext { segment, opened_at, ..(*self.guard.stream).clone() };
        let _call = self.guard.counters.calling("opening");
        self.sink.open(&context, self.schema.clone())
    }

    fn write(&self, writer: &mut dyn SinkWriter, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        self.guard.took(batch);
        let call = self.guard.counters.calling("writing");
        let bad = writer.write(batch)?;
        drop(call);
        add(&self.guard.counters.records_out, batch.rows() - bad.len().min(batch.rows()));
        Ok(bad)
    }

    /// What a writer has prepared. Waits for the store where that is away.
    fn prepare(
        &self,
        mut writer: Box<dyn SinkWriter>,
        stop: &CancellationToken,
    ) -> Result<Prepared, Stopped> {
        let counters = &self.guard.counters;
        let mut failed = Failed::default();
        loop {
            let call = counters.calling("storing");
            let stored = writer.store();
            drop(call);
            match stored {
                Ok(()) => break counters.awaits(None),
                Err(fault) if fault.kind == FaultKind::Transient => {
                    counters.awaits(Some(self.guard.secrets.masked_fault(fault)));
                }
                Err(fault) => return Err(fault.into()),
            }
            if !Handle::current().block_on(failed.wait_unless(stop)) {
                return Err(Stopped::Broken);
            }
        }
        let _call = counters.calling("preparing");
        Ok(writer.prepare()?)
    }

    fn wrote(&self, bytes: u64) {
        self.guard.counters.bytes_out.store(bytes, Ordering::Relaxed);
    }
}

fn send_all_blocking(outputs: &[Sender], batch: Batch) -> Result<(), Broken> {
    let Some((last, others)) = outputs.split_last() else { return Ok(()) };
    for output in others {
        output.send_blocking(batch.clone())?;
    }
    last.send_blocking(batch)
}

pub(crate) fn end_all<'a>(mut edges: impl Iterator<Item = &'a Sender>) -> Result<(), Broken> {
    edges.try_for_each(Sender::end)
}

/// Sends the barrier of an epoch on: all that was sent before it belongs to the epoch.
pub(crate) fn barriers<'a>(
    mut edges: impl Iterator<Item = &'a Sender>,
    epoch: Epoch,
) -> Result<(), Broken> {
    edges.try_for_each(|it| it.barrier(epoch))
}

fn report(reports: Option<&Reports>, report: Report) -> Result<(), Broken> {
    reports.map_or(Ok(()), |it| it.say(report))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::times::Times;

    #[tokio::test(start_paused = true)]
    async fn who_holds_records_back_works_as_long_as_that_lasts() {
        let (times, id) = (Times::default(), StageId::new("slow").unwrap());
        let wait = Step::Wait(Duration::from_secs(600), times.of(&id));
        let stop = CancellationToken::new();
        let mut sending = std::pin::pin!(send(&[], None, vec![wait], &stop));
        tokio::select! {
            _ = &mut sending => panic!("it waits"),
            () = tokio::time::sleep(Duration::from_secs(3)) => {}
        }
        assert_eq!(times.read()[&id].busy_ms, 3_000);
        assert!(sending.await.is_ok());
        assert_eq!(times.read()[&id].busy_ms, 600_000);
    }
}
