//! A command's way: decide, append, apply, reply. What follows from it (snapshots, effects) comes
//! after the reply.

use ractor::{ActorProcessingErr, ActorRef};
use weir_persistence_api::Append;

use super::append::Written;
use super::handle::{Ask, Asker};
use super::host::{HostActor, HostMsg, Life, Waiting};
use super::{EventSourced, codec, recovery};
use crate::message::millis;
use crate::{AskError, Fatal, Stopwatch};

/// A decision that is being written.
pub(super) struct Pending<B: EventSourced> {
    pub(super) append: Append,
    events: Vec<B::Event>,
    asker: Box<dyn Asker<B>>,
}

impl<B: EventSourced> HostActor<B> {
    pub(super) async fn answer(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        ask: Ask<B>,
    ) -> Result<(), ActorProcessingErr> {
        match ask {
            Ask::Query(asker) => self.query(life, asker),
            Ask::Command(command, asker) if asker.still_waits() => {
                return self.command(myself, life, command, asker).await;
            }
            // Its asker was told that the deadline passed; to do it now would be a surprise.
            Ask::Command(..) => self.count("expired"),
        }
        Ok(())
    }

    fn query(&self, life: &Life<B>, asker: Box<dyn Asker<B>>) {
        match &life.folded {
            Some(folded) => asker.answer(Ok((folded.sequence, &folded.state))),
            None => asker.answer(Err(self.unavailable(life))),
        }
    }

    pub(super) async fn command(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        command: B::Command,
        asker: Box<dyn Asker<B>>,
    ) -> Result<(), ActorProcessingErr> {
        let folded = match &life.folded {
            Some(folded) if life.suspension.is_none() => folded,
            _ => {
                self.count("unavailable");
                asker.answer(Err(self.unavailable(life)));
                return Ok(());
            }
        };
        let events = match folded.state.decide(command) {
            Ok(events) => events,
            Err(rejection) => {
                self.count("rejected");
                asker.answer(Err(AskError::Rejected(rejection)));
                return Ok(());
            }
        };
        if events.is_empty() {
            self.count("accepted");
            asker.answer(Ok((folded.sequence, &folded.state)));
            return Ok(());
        }
        match self.to_append(folded.sequence, &events) {
            Ok(append) => {
                let pending = Pending { append, events, asker };
                let watch = Stopwatch::start();
                let written = self.0.writer().write(&pending.append).await;
                let histogram = metrics::histogram!("weir_controller_append_seconds", "controller" => self.0.id.0.clone());
                histogram.record(watch.elapsed().as_secs_f64());
                self.conclude(myself, life, pending, written)
            }
            Err(cause) => {
                self.refuse(asker, cause);
                Ok(())
            }
        }
    }

    fn to_append(&self, after: u64, events: &[B::Event]) -> Result<Append, String> {
        let bytes_max = self.0.settings.event_bytes_max;
        let events = events.iter().map(|event| {
            let stored = codec::event_to_stored::<B>(event);
            let stored = stored.map_err(|it| format!("its event can't be encoded: {it}"))?;
            match stored.payload.len() {
                bytes if bytes > bytes_max => {
                    Err(format!("its event has {bytes} bytes, at most {bytes_max} are allowed"))
                }
                _ => Ok(stored),
            }
        });
        let events = events.collect::<Result<_, _>>()?;
        Ok(Append { id: self.0.id.clone(), fence: self.0.fence.clone(), after, events })
    }

    /// Acts on what became of a write.
    pub(super) fn conclude(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        pending: Pending<B>,
        written: Written,
    ) -> Result<(), ActorProcessingErr> {
        match written {
            Written::Durable => return self.durable(myself, life, pending),
            Written::Refused(cause) => {
                self.resume(life, pending.append.after);
                self.refuse(pending.asker, cause);
            }
            Written::Unavailable(cause) => {
                self.suspend(myself, life, Waiting::Store, cause);
                self.count("unavailable");
                pending.asker.answer(Err(self.unavailable(life)));
            }
            Written::Unknown(cause) => {
                self.suspend(myself, life, Waiting::Outcome(pending), cause);
            }
            Written::Lost(lost) => {
                let (actor, cause) = (self.0.actor.clone(), lost.fault().message.clone());
                pending.asker.answer(Err(AskError::Stopped { actor, cause }));
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
        let folded = life.folded.as_mut().expect("a command is decided on a recovered state only");
        for event in &pending.events {
            let sequence = folded.sequence + 1;
            recovery::apply(&mut folded.state, event, &self.0.id, sequence).map_err(Fatal)?;
            folded.sequence = sequence;
        }
        let sequence = folded.sequence;
        pending.asker.answer(Ok((sequence, &folded.state)));
        self.count("accepted");
        let written = pending.events.len() as u64;
        metrics::counter!("weir_controller_events_total", "controller" => self.0.id.0.clone())
            .increment(written);
        self.resume(life, sequence);
        self.snapshot_if_due(myself, life);
        self.queue_derive(myself, life);
        Ok(())
    }

    fn refuse(&self, asker: Box<dyn Asker<B>>, cause: String) {
        self.count("refused");
        asker.answer(Err(AskError::Refused { actor: self.0.actor.clone(), cause }));
    }

    fn unavailable(&self, life: &Life<B>) -> AskError<B::Rejection> {
        let (cause, left) = match &life.suspension {
            Some(it) => (it.cause().to_owned(), it.left()),
            None => ("it is being recovered".to_owned(), self.0.settings.store_retry.min),
        };
        AskError::Unavailable { actor: self.0.actor.clone(), cause, retry_after: millis(left) }
    }

    fn count(&self, outcome: &'static str) {
        let controller = self.0.id.0.clone();
        metrics::counter!("weir_controller_commands_total", "controller" => controller, "outcome" => outcome)
            .increment(1);
    }
}
