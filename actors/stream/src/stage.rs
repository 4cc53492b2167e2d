//! The loops of the stages: what runs while data flows. Control reaches them by a stop token,
//! data by edges, and what happened is counted as it happens.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use tokio_util::sync::CancellationToken;
use weir_domain::plan::OnError;
use weir_domain::{Fault, SniffSide, StageId};
use weir_secrets::Opened;

use crate::control::Gate;
use crate::counters::add;
use crate::edge::{Broken, Receiver, Sender};
use crate::island::{Island, Outflow, Step, rollback_fault};
use crate::{
    BadRecord, Batch, Counters, Opening, Prepared, RecordReader, Sink, StreamContext, StreamLog,
    Taps, dead_letter,
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
}

impl Guard {
    pub(crate) fn took(&self, batch: &Batch) {
        self.taps.pass(SniffSide::In, &self.stage, &self.stream, batch);
        add(&self.counters.records_in, batch.rows());
    }

    pub(crate) fn gave(&self, batch: &Batch) {
        self.taps.pass(SniffSide::Out, &self.stage, &self.stream, batch);
        add(&self.counters.records_out, batch.rows());
    }

    pub(crate) fn dropped(&self, rows: usize) {
        add(&self.counters.dropped, rows);
    }

    /// Applies `onError`: the dead letters to send, or the fault that ends the stream.
    pub(crate) fn refused(&self, bad: &[BadRecord]) -> Result<Option<Batch>, Fault> {
        let Some(first) = bad.first() else { return Ok(None) };
        match self.on_error {
            OnError::Rollback => Err(rollback_fault(&self.stage, first)),
            OnError::Ignore => {
                add(&self.counters.ignored, bad.len());
                Ok(None)
            }
            OnError::DeadLetter => {
                add(&self.counters.dead_letters, bad.len());
                Ok(Some(dead_letter::batch(
                    &self.stream,
                    &self.stage,
                    bad,
                    &self.secrets,
                    self.raw_bytes_max,
                )))
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
            let Some(read) = self.reader.read()? else { break };
            let counters = &self.guard.counters;
            add(&counters.records_in, read.batch.rows() + read.bad.len());
            counters.bytes_in.fetch_add(read.bytes, std::sync::atomic::Ordering::Relaxed);
            if let Some(letters) = self.guard.refused(&read.bad)? {
                self.dead.as_ref().ok_or_else(no_dead_letters)?.send_blocking(letters)?;
            }
            if read.batch.rows() > 0 {
                self.guard.gave(&read.batch);
                send_all_blocking(&self.outputs, read.batch)?;
            }
        }
        end_all(self.outputs.iter().chain(&self.dead))?;
        Ok(None)
    }
}

pub(crate) struct IslandBody {
    pub(crate) island: Island,
    pub(crate) stream: Arc<StreamContext>,
    pub(crate) log: StreamLog,
    /// Whether it needs a thread that may block.
    pub(crate) blocks: bool,
    pub(crate) input: Receiver,
    pub(crate) outputs: Vec<Sender>,
    pub(crate) dead: Option<Sender>,
}

impl IslandBody {
    pub(crate) async fn run(mut self, stop: &CancellationToken) -> StageResult {
        let (stream, log) = (self.stream.clone(), self.log.clone());
        self.island.start(&Opening { stream, log, stop: stop.clone() })?;
        while let Some(batch) = self.input.receive().await? {
            let outflow = self.island.process(batch)?;
            send(&self.outputs, self.dead.as_ref(), outflow, stop).await?;
        }
        let outflow = self.island.finish()?;
        send(&self.outputs, self.dead.as_ref(), outflow, stop).await?;
        end_all(self.outputs.iter().chain(&self.dead))?;
        Ok(None)
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
            Step::Wait(length) => tokio::select! {
                () = tokio::time::sleep(length) => {}
                () = stop.cancelled() => return Err(Stopped::Broken),
            },
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
    pub(crate) input: Receiver,
    pub(crate) dead: Option<Sender>,
}

impl SinkBody {
    /// Writes until the end, then prepares. Blocks.
    pub(crate) fn run(mut self, stop: &CancellationToken) -> StageResult {
        let mut writer = self.sink.open(&self.guard.stream, self.schema.clone())?;
        let counters = self.guard.counters.clone();
        while let Some(batch) = self.input.receive_blocking()? {
            if stop.is_cancelled() {
                return Err(Stopped::Broken);
            }
            self.guard.took(&batch);
            let bad = writer.write(&batch)?;
            add(&counters.records_out, batch.rows() - bad.len().min(batch.rows()));
            let bytes = writer.bytes_written();
            counters.bytes_out.store(bytes, std::sync::atomic::Ordering::Relaxed);
            if let Some(letters) = self.guard.refused(&bad)? {
                self.dead.as_ref().ok_or_else(no_dead_letters)?.send_blocking(letters)?;
            }
        }
        // The dead letters wait for this sink's end, not for its disk.
        end_all(self.dead.iter())?;
        let prepared = writer.prepare()?;
        counters.bytes_out.store(prepared.bytes, std::sync::atomic::Ordering::Relaxed);
        Ok(Some(prepared))
    }
}

fn send_all_blocking(outputs: &[Sender], batch: Batch) -> Result<(), Broken> {
    let Some((last, others)) = outputs.split_last() else { return Ok(()) };
    for output in others {
        output.send_blocking(batch.clone())?;
    }
    last.send_blocking(batch)
}

fn end_all<'a>(mut edges: impl Iterator<Item = &'a Sender>) -> Result<(), Broken> {
    edges.try_for_each(Sender::end)
}
