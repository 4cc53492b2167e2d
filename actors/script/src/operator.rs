//! The operator: batches through a script, and what it made as batches again.

use std::sync::Arc;

use arrow::error::ArrowError;
use weir_domain::{Fault, Severity, StageId};
use weir_stream::{Batch, Kept, Opening, Operator, Outcome, Outputs, Shelf, StreamLog};

use crate::console::{CODE, Voice};
use crate::engine::Engine;
use crate::program::Program;
use crate::shape::Shape;
use crate::thrown::{Failure, Thrown};

pub(crate) struct ScriptOperator {
    pub(crate) stage: StageId,
    pub(crate) program: Arc<Program>,
    pub(crate) shape: Arc<Shape>,
    pub(crate) shelf: Shelf,
    /// Larger batches are handed on in pieces.
    pub(crate) batch_rows: usize,
    /// From the start of the stream.
    pub(crate) engine: Option<Box<KeptEngine>>,
}

/// What stays from stream to stream: the engine, and whose it is.
pub(crate) struct KeptEngine {
    engine: Engine,
    stage: StageId,
    /// The position of the last record that came in.
    last: u64,
}

impl Operator for ScriptOperator {
    fn start(&mut self, opening: &Opening) -> Result<(), Fault> {
        let mut kept = match self.shelf.take::<KeptEngine>(&self.stage) {
            Some(kept) => kept,
            None => self.new_engine(&opening.log)?,
        };
        kept.engine.voice.turn_to(opening.log.clone());
        let stop = opening.stop.clone();
        let stop = Box::new(move || stop.is_cancelled());
        let started = kept.engine.start(&self.shape, &opening.stream, stop);
        self.engine = Some(kept);
        started.map_err(|(during, failure)| self.fault(during, failure))
    }

    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let Some(kept) = &mut self.engine else { return Err(not_started(&self.stage)) };
        let rows = batch.rows();
        if rows > 0 {
            kept.last = batch.positions.at(rows - 1);
        }
        let work = kept.engine.work.clone();
        {
            let mut work = work.lock();
            work.batch = Some(batch.clone());
            work.is_open = true;
        }
        let refuse = |row: usize, thrown: &Thrown| out.refuse(&batch, row, thrown.to_string());
        let done = kept.engine.messages(rows, refuse);
        work.lock().is_open = false;
        let dropped = done.map_err(|(row, failure)| {
            self.fault(&format!("onMessage, record {}", batch.positions.at(row)), failure)
        })?;
        out.drop_rows(dropped);
        self.flush(out)
    }

    fn finish(&mut self, out: &mut Outputs) -> Result<(), Fault> {
        let Some(kept) = &mut self.engine else { return Err(not_started(&self.stage)) };
        let work = kept.engine.work.clone();
        work.lock().begin_end(kept.last);
        let ended = kept.engine.end();
        work.lock().is_open = false;
        ended.map_err(|it| self.fault("onStreamEnd", it))?;
        self.flush(out)
    }
}

impl ScriptOperator {
    fn new_engine(&self, log: &StreamLog) -> Result<Box<KeptEngine>, Fault> {
        let voice = Voice::of(self.stage.clone(), log.clone());
        let loaded = Engine::load(&self.program, voice);
        let mut engine = loaded.map_err(|it| self.unstarted(it))?;
        engine.init().map_err(|it| self.unstarted(it))?;
        Ok(Box::new(KeptEngine { engine, stage: self.stage.clone(), last: 0 }))
    }

    /// A script that does not begin: nothing that any file may hold makes it.
    fn unstarted(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Thrown(thrown) => {
                let message = format!("stage {}: the script does not start: {thrown}", self.stage);
                Fault::config(3171, message).with_hint("mend the script and deploy it again")
            }
            other => self.fault("onInit", other),
        }
    }

    fn fault(&self, during: &str, failure: Failure) -> Fault {
        let stage = &self.stage;
        let (time, memory) = self.program.limits();
        match failure {
            Failure::Thrown(thrown) => {
                Fault::data(3172, format!("stage {stage}, {during}: {thrown}"))
            }
            Failure::TimeLimit => {
                let message = format!("stage {stage}, {during}: the script took more than {time}");
                let more = self.program.raise_time();
                let hint = format!("look for a loop that does not end, or {more}");
                Fault::data(3173, message).with_hint(hint)
            }
            Failure::MemoryLimit => {
                let message =
                    format!("stage {stage}, {during}: the script needs more than {memory}");
                let hint = format!("look for what it keeps, or {}", self.program.raise_memory());
                Fault::data(3174, message).with_hint(hint)
            }
            Failure::Stopped => Fault::stopped("the stream was stopped before its end"),
        }
    }

    /// Hands on what was emitted.
    fn flush(&mut self, out: &mut Outputs) -> Result<(), Fault> {
        let Some(kept) = &mut self.engine else { return Err(not_started(&self.stage)) };
        let mut work = kept.engine.work.lock();
        let input = work.batch.take();
        for (at, port) in self.shape.ports.iter().enumerate() {
            if work.boxes[at].len() == 0 {
                continue;
            }
            let made = work.boxes[at].take(port, &self.shape, &input);
            let made = made.map_err(|it| unbuilt(&self.stage, &it))?;
            if made.rows() <= self.batch_rows {
                out.emit(at, made);
                continue;
            }
            let mut from = 0;
            while from < made.rows() {
                let rows = self.batch_rows.max(1).min(made.rows() - from);
                out.emit(at, made.slice(from, rows));
                from += rows;
            }
        }
        Ok(())
    }
}

impl Drop for ScriptOperator {
    fn drop(&mut self) {
        if let Some(kept) = self.engine.take().filter(|it| !it.engine.is_broken()) {
            self.shelf.put(self.stage.clone(), kept);
        }
    }
}

impl Kept for KeptEngine {
    fn settled(&mut self, outcome: Outcome, log: &StreamLog) {
        self.engine.voice.turn_to(log.clone());
        let (hook, told) = match outcome {
            Outcome::Committed => ("onCommit", self.engine.committed()),
            Outcome::Failed => ("onRollback", self.engine.rolled_back()),
        };
        let why = match told {
            Ok(()) => return,
            Err(Failure::Thrown(thrown)) => thrown.to_string(),
            Err(Failure::TimeLimit) => "the script took too long".into(),
            Err(Failure::MemoryLimit) => "the script needs more memory than it may".into(),
            Err(Failure::Stopped) => "the script was stopped".into(),
        };
        let text = format!("stage {}, {hook}: {why}", self.stage);
        log.say(Some(Severity::Warning), CODE, text);
    }
}

/// The pipeline starts its operators before it feeds them.
fn not_started(stage: &StageId) -> Fault {
    Fault::transient(3175, format!("stage {stage}: the script was not started"))
}

/// Columns that do not make a batch: a defect, as every value was checked.
fn unbuilt(stage: &StageId, error: &ArrowError) -> Fault {
    let cause = error.to_string().to_lowercase();
    Fault::data(3176, format!("stage {stage}: what the script made is no batch: {cause}"))
}
