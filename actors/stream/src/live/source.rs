//! The loop of a live source's stage.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TryRecvError;
use tokio_util::sync::CancellationToken;
use weir_checkpoint::{Epoch, EpochKind};

use super::{LiveRead, LiveReader, Report, Reports, Snapshot, Splits};
use crate::control::Gate;
use crate::edge::{Broken, Sender};
use crate::inlet::{Order, Orders};
use crate::stage::{Guard, StageResult, Stopped, barriers, end_all, pass_on};

/// How long an order may wait for a source to which nothing comes.
const WITHIN: Duration = Duration::from_millis(50);

pub(crate) struct LiveSourceBody {
    pub(crate) guard: Guard,
    pub(crate) reader: Box<dyn LiveReader>,
    pub(crate) outputs: Vec<Sender>,
    pub(crate) dead: Option<Sender>,
    pub(crate) gate: Gate,
    pub(crate) orders: Orders,
    pub(crate) reports: Reports,
}

#[derive(Default)]
struct Progress {
    is_ended: bool,
    /// The last epoch was announced: what is behind it would be read again.
    is_stopping: bool,
    is_over: bool,
    /// Where the barriers were that nobody may begin from yet.
    marks: BTreeMap<Epoch, Splits>,
}

impl LiveSourceBody {
    /// Reads until all is over. Blocks.
    pub(crate) fn run(mut self, stop: &CancellationToken) -> StageResult {
        let mut progress = Progress::default();
        while !progress.is_over {
            if stop.is_cancelled() {
                return Err(Stopped::Broken);
            }
            let order = match self.orders.try_recv() {
                Ok(order) => Some(order),
                Err(TryRecvError::Disconnected) => return Err(Stopped::Broken),
                Err(TryRecvError::Empty) => {
                    let is_idle = progress.is_ended || progress.is_stopping || self.gate.is_shut();
                    if is_idle { self.wait(&progress, stop)? } else { None }
                }
            };
            match order {
                Some(order) => self.obey(order, &mut progress)?,
                None if progress.is_ended || progress.is_stopping || self.gate.is_shut() => {}
                None => self.read(&mut progress)?,
            }
        }
        Ok(None)
    }

    /// The next order, while there is nothing to read; or that there may be now.
    fn wait(
        &mut self,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Option<Order>, Broken> {
        let is_paused = !progress.is_ended && !progress.is_stopping;
        let (orders, gate) = (&mut self.orders, &mut self.gate);
        Handle::current().block_on(async {
            tokio::select! {
                order = orders.recv() => order.map(Some).ok_or(Broken),
                () = gate.changed(), if is_paused => Ok(None),
                () = stop.cancelled() => Err(Broken),
            }
        })
    }

    fn read(&mut self, progress: &mut Progress) -> Result<(), Stopped> {
        let call = self.guard.counters.waiting("reading");
        let read = self.reader.read(WITHIN)?;
        drop(call);
        match read {
            LiveRead::Records(read) => {
                pass_on((read, None), &self.guard, &self.outputs, self.dead.as_ref())
            }
            LiveRead::Nothing => Ok(()),
            LiveRead::End => {
                progress.is_ended = true;
                end_all(self.outputs.iter().chain(&self.dead))?;
                Ok(self.reports.say(Report::Ended)?)
            }
        }
    }

    fn obey(&mut self, order: Order, progress: &mut Progress) -> Result<(), Stopped> {
        match order {
            Order::Announce(epoch, kind) => self.snapshot(epoch, kind, progress)?,
            Order::Abandon(epoch) => drop(progress.marks.remove(&epoch)),
            Order::Claimed(epoch) => {
                let later = progress.marks.split_off(&epoch);
                progress.marks = later;
                if let Some(splits) = progress.marks.remove(&epoch) {
                    let _call = self.guard.counters.calling("acknowledging");
                    self.reader.acknowledge(&splits)?;
                }
            }
            Order::Over => progress.is_over = true,
        }
        Ok(())
    }

    fn snapshot(
        &mut self,
        epoch: Epoch,
        kind: EpochKind,
        progress: &mut Progress,
    ) -> Result<(), Broken> {
        let (splits, is_ended) = (self.reader.splits(), progress.is_ended);
        if !is_ended {
            barriers(self.outputs.iter().chain(&self.dead), epoch)?;
        }
        progress.is_stopping |= kind == EpochKind::Stop;
        progress.marks.insert(epoch, splits.clone());
        let snapshot = Snapshot { splits: Some(splits), is_ended, ..Snapshot::default() };
        self.reports.say(Report::Aligned(epoch, snapshot))
    }
}
