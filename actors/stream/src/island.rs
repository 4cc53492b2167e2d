//! An island: neighbouring operators that run as one stage, without a queue between them.

use std::sync::Arc;
use std::time::Duration;

use weir_checkpoint::Epoch;
use weir_domain::{Fault, PortName, StageId, TableName};

use crate::live::Changed;
use crate::stage::Guard;
use crate::state::StateTable;
use crate::times::OfStage;
use crate::{Batch, Opening, Operator, Outputs};

/// Where a batch goes that leaves an operator by a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Another operator of the island.
    Operator(usize),
    /// An edge that leaves the island.
    Edge(usize),
}

/// One operator in its place.
pub(crate) struct Member {
    pub(crate) operator: Box<dyn Operator>,
    pub(crate) guard: Guard,
    /// Targets by port. A port that leads nowhere drops what reaches it.
    pub(crate) targets: Vec<Vec<Target>>,
    /// The names of its ports, in their order.
    pub(crate) ports: Vec<PortName>,
}

/// One thing to do after an island ran, in order.
pub(crate) enum Step {
    /// Send a batch into an edge of the island.
    Send(usize, Batch),
    DeadLetters(Batch),
    /// Hold back what comes after it, which is the work of that stage.
    Wait(Duration, Arc<OfStage>),
}

/// What an island made of one batch.
pub(crate) type Outflow = Vec<Step>;

/// What is still to be done inside an island.
enum Work {
    Run(usize, Batch),
    Leave(usize, Batch),
    Wait(Duration, Arc<OfStage>),
}

/// Operators in order of flow; the first one takes what comes in.
pub(crate) struct Island {
    members: Vec<Member>,
}

impl Island {
    pub(crate) fn new(members: Vec<Member>) -> Self {
        Self { members }
    }

    pub(crate) fn start(&mut self, opening: &Opening) -> Result<(), Fault> {
        self.members.iter_mut().try_for_each(|it| it.operator.start(opening))
    }

    /// What changed in the tables of each of its operators.
    pub(crate) fn freeze(&mut self, epoch: Epoch) -> Vec<Vec<Changed>> {
        let changed = |(table, it): (TableName, &mut dyn StateTable)| Changed {
            table,
            spec: it.spec(),
            frozen: it.freeze(epoch),
        };
        let tables = |it: &mut Member| it.operator.tables().into_iter().map(changed).collect();
        self.members.iter_mut().map(tables).collect()
    }

    pub(crate) fn process(&mut self, batch: Batch) -> Result<Outflow, Fault> {
        let mut outflow = Outflow::default();
        self.run(vec![Work::Run(0, batch)], &mut outflow)?;
        Ok(outflow)
    }

    /// Nothing more comes to any of its operators.
    pub(crate) fn ended(&self) -> Result<(), Fault> {
        self.members.iter().try_for_each(|it| it.guard.ended())
    }

    /// The end of the stream, operator by operator, so that each sees what the ones before it
    /// still had.
    pub(crate) fn finish(&mut self) -> Result<Outflow, Fault> {
        let mut outflow = Outflow::default();
        for at in 0..self.members.len() {
            let mut out = Outputs::default();
            let Member { operator, guard, .. } = &mut self.members[at];
            let call = guard.counters.calling("finishing");
            operator.finish(&mut out)?;
            drop(call);
            let next = self.members[at].place(out, &mut outflow)?;
            self.run(next, &mut outflow)?;
        }
        Ok(outflow)
    }

    fn run(&mut self, mut work: Vec<Work>, outflow: &mut Outflow) -> Result<(), Fault> {
        // Last in, first out: pushed in reverse, what was emitted first runs first.
        work.reverse();
        while let Some(next) = work.pop() {
            let (at, batch) = match next {
                Work::Run(at, batch) => (at, batch),
                Work::Leave(edge, batch) => {
                    outflow.push(Step::Send(edge, batch));
                    continue;
                }
                Work::Wait(length, stage) => {
                    outflow.push(Step::Wait(length, stage));
                    continue;
                }
            };
            let member = &mut self.members[at];
            member.guard.took(&batch);
            let mut out = Outputs::default();
            let call = member.guard.counters.calling("processing");
            member.operator.process(batch, &mut out)?;
            drop(call);
            let next = member.place(out, outflow)?;
            work.extend(next.into_iter().rev());
        }
        Ok(())
    }
}

impl Member {
    /// Sorts what an operator put out: to edges, to the dead letters, to operators of the island.
    fn place(&mut self, out: Outputs, outflow: &mut Outflow) -> Result<Vec<Work>, Fault> {
        let Outputs { batches, bad, waits, dropped } = out;
        self.guard.dropped(dropped);
        outflow.extend(self.guard.refused(&bad)?.map(Step::DeadLetters));
        let wait = |length| Work::Wait(length, self.guard.counters.time().clone());
        let mut waits = waits.into_iter().peekable();
        let mut next = Vec::new();
        for (index, (port, batch)) in batches.into_iter().enumerate() {
            while let Some((_, length)) = waits.next_if(|it| it.0 <= index) {
                next.push(wait(length));
            }
            self.place_batch(port, &batch, &mut next);
        }
        next.extend(waits.map(|it| wait(it.1)));
        Ok(next)
    }

    /// A batch goes on inside the island, or leaves it, or both.
    fn place_batch(&self, port: usize, batch: &Batch, next: &mut Vec<Work>) {
        let targets = self.targets.get(port).map_or(&[][..], Vec::as_slice);
        if targets.is_empty() {
            self.guard.dropped(batch.rows());
            return;
        }
        self.guard.gave(self.ports.get(port), batch);
        for target in targets {
            match *target {
                Target::Operator(at) => next.push(Work::Run(at, batch.clone())),
                Target::Edge(at) => next.push(Work::Leave(at, batch.clone())),
            }
        }
    }
}

/// The reason with which a stage that tolerates no bad record ends the stream.
pub(crate) fn rollback_fault(stage: &StageId, bad: &crate::BadRecord) -> Fault {
    let line = bad.line.map(|it| format!(" (line {it})")).unwrap_or_default();
    let message = format!("stage {stage}, record {}{line}: {}", bad.position, bad.reason);
    let hint = format!("mend the record, or set onError of stage {stage} to deadLetter");
    Fault::data(3101, message).with_hint(hint)
}
