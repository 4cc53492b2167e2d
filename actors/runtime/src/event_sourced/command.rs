//! A command's way: wait, decide, append, apply, reply. What follows from it (snapshots, effects)
//! comes after the reply.
//!
//! Commands and reads wait in a queue until all that are in the mailbox have come, then they are
//! taken from it in groups (`group`), in the order in which they were asked.

use ractor::{ActorProcessingErr, ActorRef};

use super::EventSourced;
use super::append::Written;
use super::group::{Group, Pending, Verdict, apply_all};
use super::handle::{Ask, Asker};
use super::host::{Core, Folded, HostActor, HostMsg, Life, Waiting};
use crate::message::millis;
use crate::{AskError, Envelope, Fatal, Stopwatch};

/// A place in the queue. Those of the mailbox stay sealed, so that they count until they are
/// carried out, and as dead if they never are.
pub(super) enum Queued<B: EventSourced> {
    Asked(Envelope<Ask<B>>),
    Own(Ask<B>),
}

impl<B: EventSourced> Queued<B> {
    fn open(self) -> Ask<B> {
        match self {
            Self::Asked(sealed) => sealed.open(),
            Self::Own(ask) => ask,
        }
    }
}

impl<B: EventSourced> HostActor<B> {
    /// Puts a command or read into the queue, which is carried out after those that wait in the
    /// mailbox now have joined it.
    pub(super) async fn enqueue(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        ask: Queued<B>,
    ) -> Result<(), ActorProcessingErr> {
        life.queue.push_back(ask);
        if life.flush_queued {
            return Ok(());
        }
        match myself.send_message(HostMsg::Flush) {
            Ok(()) => life.flush_queued = true,
            // It is being stopped, and nothing it tells itself arrives any more.
            Err(_) => self.flush(myself, life).await?,
        }
        Ok(())
    }

    /// Carries out what is in the queue.
    pub(super) async fn flush(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
    ) -> Result<(), ActorProcessingErr> {
        life.flush_queued = false;
        while !life.queue.is_empty() {
            if let Some(pending) = self.next_group(life)? {
                let watch = Stopwatch::start();
                let written = self.0.writer().write(&pending.append).await;
                self.0.measure_append(&watch, pending.entries.len());
                self.conclude(myself, life, pending, written)?;
            }
        }
        Ok(())
    }

    /// Decides what waits, as far as one write can take it.
    fn next_group(&self, life: &mut Life<B>) -> Result<Option<Pending<B>>, ActorProcessingErr> {
        let core = &*self.0;
        let is_careful = life.careful > 0;
        life.careful = life.careful.saturating_sub(1);
        let commands_max = if is_careful { 1 } else { core.settings.group_max.max(1) };
        let mut group = Group::new();
        while !group.is_full(commands_max) {
            let Some(ask) = life.queue.pop_front() else { break };
            let ask = ask.open();
            let is_suspended = life.suspension.is_some() || core.held().is_some();
            match (ask, life.folded.as_mut()) {
                (Ask::Query(asker), Some(folded)) => group.read(folded, asker),
                (Ask::Recall { id, asker }, Some(folded)) => group.recall(folded, id, asker),
                // Its asker was told that the deadline passed; to do it now would be a surprise.
                (Ask::Command { asker, .. }, _) if !asker.still_waits() => core.count("expired"),
                (Ask::Command { id, command, asker }, Some(folded)) if !is_suspended => {
                    group.decide(core, folded, (id, command), asker).map_err(Fatal)?;
                }
                (Ask::Query(asker) | Ask::Recall { asker, .. } | Ask::Command { asker, .. }, _) => {
                    self.tell_unavailable(life, asker)
                }
            }
        }
        Ok(group.into_pending(core, life.folded.as_ref().map_or(0, |it| it.sequence)))
    }

    /// Acts on what became of a write.
    pub(super) fn conclude(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        pending: Pending<B>,
        written: Written,
    ) -> Result<(), ActorProcessingErr> {
        if !matches!(written, Written::Durable | Written::Unknown(_))
            && let Some(folded) = &mut life.folded
        {
            folded.ahead = None;
        }
        match written {
            Written::Durable => return self.durable(myself, life, pending),
            Written::Refused(cause) => {
                self.resume(life, pending.append.after);
                self.refused(life, pending, &cause);
            }
            Written::Unavailable(cause) => {
                self.suspend(myself, life, Waiting::Store, cause);
                self.undone(life, pending);
            }
            Written::Unknown(cause) => {
                self.suspend(myself, life, Waiting::Outcome(pending), cause);
            }
            Written::Lost(lost) => {
                for entry in pending.entries {
                    let (actor, cause) = (self.0.actor.clone(), lost.fault().message.clone());
                    entry.asker.answer(Err(AskError::Stopped { actor, cause }));
                }
                return Err(lost.into_error());
            }
        }
        Ok(())
    }

    fn durable(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        pending: Pending<B>,
    ) -> Result<(), ActorProcessingErr> {
        let core = &*self.0;
        let folded = life.folded.as_mut().expect("a command is decided on a recovered state only");
        let written = pending.append.events.len() as u64;
        core.acknowledge(folded.sequence + written);
        for entry in pending.entries {
            if let Verdict::Accepted { events, command } = &entry.verdict {
                let next = apply_all(&mut folded.state, events, core, folded.sequence + 1);
                folded.sequence = next.map_err(Fatal)? - 1;
                if events.iter().any(B::restates) {
                    life.snapshots.restated(folded.sequence);
                }
                if let Some(id) = *command {
                    folded.commands.record(id, folded.sequence);
                }
            }
            if let Some(outcome) = entry.verdict.outcome() {
                core.count(outcome);
            }
            entry.answer(folded.sequence, &folded.state);
        }
        let sequence = folded.sequence;
        metrics::counter!("weir_controller_events_total", "controller" => core.id.0.clone())
            .increment(written);
        self.resume(life, sequence);
        self.snapshot_if_due(myself, life);
        self.queue_derive(myself, life);
        Ok(())
    }

    /// The store takes none of it. If it was one command, that one is to blame; otherwise they
    /// are asked for again, one by one.
    fn refused(&self, life: &mut Life<B>, pending: Pending<B>, cause: &str) {
        let commands = pending.entries.iter().filter(|it| it.has_events()).count();
        if commands > 1 {
            life.careful = commands;
            self.undone(life, pending);
            return;
        }
        let (blamed, others): (Vec<_>, Vec<_>) =
            pending.entries.into_iter().partition(|it| it.has_events());
        for entry in blamed {
            self.0.refuse(entry.asker, cause.to_owned());
        }
        self.undone(life, Pending { append: pending.append, entries: others });
    }

    /// Nothing was written: reads are answered with what is durable, the rest may be asked again.
    fn undone(&self, life: &Life<B>, pending: Pending<B>) {
        for entry in pending.entries {
            match (&entry.verdict, &life.folded) {
                (Verdict::Read, Some(Folded { state, sequence, .. })) => {
                    entry.answer(*sequence, state);
                }
                _ => self.tell_unavailable(life, entry.asker),
            }
        }
    }

    fn tell_unavailable(&self, life: &Life<B>, asker: Box<dyn Asker<B>>) {
        self.0.count("unavailable");
        asker.answer(Err(self.unavailable(life)));
    }

    fn unavailable(&self, life: &Life<B>) -> AskError<B::Rejection> {
        let retry = self.0.settings.store_retry.min;
        let (cause, left) = match (&life.suspension, self.0.held()) {
            (_, Some(cause)) => (cause.to_string(), retry),
            (Some(it), None) => (it.cause().to_owned(), it.left()),
            (None, None) if life.folded.is_none() => ("it is being recovered".to_owned(), retry),
            (None, None) => ("the store refused the write that it was part of".to_owned(), retry),
        };
        AskError::Unavailable { actor: self.0.actor.clone(), cause, retry_after: millis(left) }
    }
}

impl<B: EventSourced> Core<B> {
    pub(super) fn refuse(&self, asker: Box<dyn Asker<B>>, cause: String) {
        self.count("refused");
        asker.answer(Err(AskError::Refused { actor: self.actor.clone(), cause }));
    }

    pub(super) fn count(&self, outcome: &'static str) {
        let controller = self.id.0.clone();
        metrics::counter!("weir_controller_commands_total", "controller" => controller, "outcome" => outcome)
            .increment(1);
    }

    fn measure_append(&self, watch: &Stopwatch, commands: usize) {
        let controller = || self.id.0.clone();
        metrics::histogram!("weir_controller_append_seconds", "controller" => controller())
            .record(watch.elapsed().as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        metrics::histogram!("weir_controller_append_commands", "controller" => controller())
            .record(commands as f64);
    }
}
