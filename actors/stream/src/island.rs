//! An island: neighbouring operators that run as one stage, without a queue between them.

use std::time::Duration;

use weir_domain::plan::OnError;
use weir_domain::{Fault, StageId};

use crate::stage::Guard;
use crate::{Batch, Operator, Outputs};

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
}

/// What an island made of one batch: batches for its edges, in order.
#[derive(Default)]
pub(crate) struct Outflow {
    pub(crate) sends: Vec<(usize, Batch)>,
    pub(crate) dead: Vec<Batch>,
    pub(crate) wait: Duration,
}

/// Operators in order of flow; the first one takes what comes in.
pub(crate) struct Island {
    members: Vec<Member>,
}

impl Island {
    pub(crate) fn new(members: Vec<Member>) -> Self {
        Self { members }
    }

    pub(crate) fn process(&mut self, batch: Batch) -> Result<Outflow, Fault> {
        let mut outflow = Outflow::default();
        self.run(vec![(0, batch)], &mut outflow)?;
        Ok(outflow)
    }

    /// The end of the stream, operator by operator, so that each sees what the ones before it
    /// still had.
    pub(crate) fn finish(&mut self) -> Result<Outflow, Fault> {
        let mut outflow = Outflow::default();
        for at in 0..self.members.len() {
            let mut out = Outputs::default();
            self.members[at].operator.finish(&mut out)?;
            let next = self.members[at].place(out, &mut outflow)?;
            self.run(next, &mut outflow)?;
        }
        Ok(outflow)
    }

    fn run(&mut self, mut work: Vec<(usize, Batch)>, outflow: &mut Outflow) -> Result<(), Fault> {
        // Last in, first out: what the first port emitted runs first when pushed in reverse.
        work.reverse();
        while let Some((at, batch)) = work.pop() {
            let member = &mut self.members[at];
            member.guard.took(&batch);
            let mut out = Outputs::default();
            member.operator.process(batch, &mut out)?;
            let next = member.place(out, outflow)?;
            work.extend(next.into_iter().rev());
        }
        Ok(())
    }
}

impl Member {
    /// Sorts what an operator put out: to edges, to the dead letters, to operators of the island.
    fn place(&mut self, out: Outputs, outflow: &mut Outflow) -> Result<Vec<(usize, Batch)>, Fault> {
        outflow.wait += out.wait;
        outflow.dead.extend(self.guard.refused(out.bad)?);
        let mut next = Vec::new();
        for (port, batch) in out.batches {
            self.guard.gave(&batch);
            let targets = self.targets.get(port).map_or(&[][..], Vec::as_slice);
            for target in targets {
                match *target {
                    Target::Operator(at) => next.push((at, batch.clone())),
                    Target::Edge(at) => outflow.sends.push((at, batch.clone())),
                }
            }
        }
        Ok(next)
    }
}

/// The reason with which a stage that tolerates no bad record ends the stream.
pub(crate) fn rollback_fault(stage: &StageId, bad: &crate::BadRecord) -> Fault {
    let line = bad.line.map(|it| format!(" (line {it})")).unwrap_or_default();
    let message = format!("stage {stage}, record {}{line}: {}", bad.position, bad.reason);
    let hint = format!(
        "mend the record, or set onError of stage {stage} to {}",
        word(OnError::DeadLetter)
    );
    Fault::data(3101, message).with_hint(hint)
}

fn word(on_error: OnError) -> &'static str {
    match on_error {
        OnError::Rollback => "rollback",
        OnError::DeadLetter => "deadLetter",
        OnError::Ignore => "ignore",
    }
}
