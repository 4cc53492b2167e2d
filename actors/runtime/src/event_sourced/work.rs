//! What a host does beside answering: effects and snapshots. None of it holds up a reply.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use ractor::{ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;
use weir_domain::Fault;

use super::command::Queued;
use super::handle::{Answer, Ask, Asker};
use super::host::{Core, HostActor, HostMsg, Life};
use super::snapshots::Saved;
use super::{EventSourced, codec, snapshots};
use crate::message::millis;
use crate::task::panic_text;
use crate::{Fatal, code};

/// An effect has run.
pub(super) struct EffectEnded<B: EventSourced> {
    effect: Arc<B::Effect>,
    /// `None`: it was cancelled, since the host is held.
    result: Option<Result<Option<B::Command>, Fault>>,
}

impl<B: EventSourced> HostActor<B> {
    /// Has the owed work looked at after the commands that wait now; once for all of them.
    pub(super) fn queue_derive(&self, myself: &ActorRef<HostMsg<B>>, life: &mut Life<B>) {
        if !std::mem::replace(&mut life.derive_queued, true) {
            // An error only says that this actor is being stopped.
            let _ = myself.send_message(HostMsg::Derive);
        }
    }

    /// Starts what the state owes. Nothing is begun while the store is away or the host is held:
    /// whether this is still the writer is not known then.
    pub(super) fn derive(&self, myself: &ActorRef<HostMsg<B>>, life: &mut Life<B>) {
        life.derive_queued = false;
        let owed = match &life.folded {
            Some(folded) if life.suspension.is_none() && self.0.held().is_none() => {
                folded.state.outstanding()
            }
            _ => return,
        };
        if life.snapshots.is_owed() {
            self.snapshot_if_due(myself, life);
        }
        let now = life.uptime.elapsed();
        for effect in life.effects.begin(owed, now) {
            let cancel = self.run(myself, effect.clone());
            life.effects.started(&effect, cancel);
        }
        // What is due now but has no room begins when a running one ends.
        let due = life.effects.next_due().filter(|it| *it > now).map(|it| it - now);
        let every = self.0.settings.effects_every;
        self.look_again(myself, life, due.map_or(every, |it| it.min(every)));
    }

    fn look_again(&self, myself: &ActorRef<HostMsg<B>>, life: &mut Life<B>, wait: Duration) {
        let timer = myself.send_after(wait, || HostMsg::Derive).abort_handle();
        if let Some(earlier) = life.derive_timer.replace(timer) {
            earlier.abort();
        }
    }

    fn run(&self, myself: &ActorRef<HostMsg<B>>, effect: Arc<B::Effect>) -> AbortHandle {
        let (core, myself) = (self.0.clone(), myself.clone());
        let run = async move {
            let result = tokio::select! {
                biased;
                () = core.until_held() => None,
                result = attempt(&core, &effect) => Some(result),
            };
            // An error only says that the actor has stopped; its successor derives the work anew.
            let _ = myself.send_message(HostMsg::EffectEnded(EffectEnded { effect, result }));
        };
        self.0.system.tasks().spawn(format!("{}/effect", self.0.actor), run).abort_handle()
    }

    pub(super) async fn effect_ended(
        &self,
        myself: &ActorRef<HostMsg<B>>,
        life: &mut Life<B>,
        ended: EffectEnded<B>,
    ) -> Result<(), ActorProcessingErr> {
        let EffectEnded { effect, result } = ended;
        match result {
            Some(Ok(command)) => {
                if let Some(command) = command {
                    let asker = Box::new(EffectAsker { actor: self.0.actor.clone() });
                    let ask = Ask::Command { id: None, command, asker };
                    life.queue.push_back(Queued::Own(ask));
                    // It is decided before the effect may run again.
                    self.flush(myself, life).await?;
                }
                let rest = self.0.settings.effects_every;
                life.effects.succeeded(&effect, life.uptime.elapsed(), rest);
                self.count_effect("done");
            }
            Some(Err(fault)) => self.effect_failed(life, &effect, &fault),
            None => life.effects.cancelled(&effect),
        }
        self.queue_derive(myself, life);
        Ok(())
    }

    fn effect_failed(&self, life: &mut Life<B>, effect: &Arc<B::Effect>, fault: &Fault) {
        let chance = self.0.system.ids().chance();
        let retry = (&self.0.settings.effect_retry, chance);
        let failures = life.effects.failed(effect, life.uptime.elapsed(), retry);
        let controller = &self.0.id;
        tracing::warn!(code = %code::EFFECT_FAILED, %controller, ?effect, failures, fault = %fault.code, cause = %fault, "an effect failed and will be tried again");
        self.count_effect("failed");
    }

    fn count_effect(&self, outcome: &'static str) {
        let controller = self.0.id.0.clone();
        metrics::counter!("weir_controller_effects_total", "controller" => controller, "outcome" => outcome)
            .increment(1);
    }

    pub(super) fn snapshot_if_due(&self, myself: &ActorRef<HostMsg<B>>, life: &mut Life<B>) {
        let Some(folded) = life.folded.as_ref().filter(|it| life.snapshots.is_due(it.sequence))
        else {
            return;
        };
        let sequence = folded.sequence;
        life.snapshots.begun(sequence);
        match codec::state_to_snapshot(&folded.state, &folded.commands, sequence) {
            Ok(snapshot) => {
                let (core, myself) = (self.0.clone(), myself.clone());
                let save = async move {
                    let saved = snapshots::save(&core, snapshot).await;
                    let ended = HostMsg::SnapshotEnded { sequence, saved: saved.clone() };
                    // An error only says that the actor stops; it asks the task then.
                    let _ = myself.send_message(ended);
                    saved
                };
                let name = format!("{}/snapshot", self.0.actor);
                life.snapshot_task = Some(self.0.system.tasks().spawn(name, save));
            }
            Err(cause) => {
                self.snapshot_failed(sequence, &cause);
                life.snapshots.ended(sequence, &Saved::Failed);
            }
        }
    }

    /// Lets the snapshot that is being saved finish, or saves one, so that the next start is quick.
    pub(super) async fn last_snapshot(&self, life: &mut Life<B>) -> Result<(), Fatal> {
        if let Some(task) = life.snapshot_task.take()
            // A panic in it was logged there.
            && let Ok(saved) = task.join().await
        {
            saved.verdict()?;
        }
        let behind = life.folded.as_ref().filter(|it| life.snapshots.is_behind(it.sequence));
        let Some(folded) = behind.filter(|_| life.suspension.is_none()) else {
            return Ok(());
        };
        match codec::state_to_snapshot(&folded.state, &folded.commands, folded.sequence) {
            Ok(snapshot) => snapshots::save(&self.0, snapshot).await.verdict(),
            Err(cause) => {
                self.snapshot_failed(folded.sequence, &cause);
                Ok(())
            }
        }
    }

    fn snapshot_failed(&self, sequence: u64, cause: &str) {
        let controller = &self.0.id;
        tracing::warn!(code = %code::SNAPSHOT, %controller, sequence, cause, "a snapshot can't be encoded");
    }
}

async fn attempt<B: EventSourced>(
    core: &Core<B>,
    effect: &B::Effect,
) -> Result<Option<B::Command>, Fault> {
    let limit = core.settings.effect_within;
    let run = AssertUnwindSafe(core.effects.run(effect, &core.fence)).catch_unwind();
    match tokio::time::timeout(limit, run).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            let cause = format!("it panicked: {}", panic_text(&*panic));
            Err(Fault::transient(code::EFFECT_FAILED.0, cause))
        }
        Err(_) => {
            let cause = format!("it did not end within {}", millis(limit));
            Err(Fault::transient(code::EFFECT_FAILED.0, cause))
        }
    }
}

/// Asks on behalf of an effect that has run: only a refusal is worth a word.
struct EffectAsker {
    actor: Arc<str>,
}

impl<B: EventSourced> Asker<B> for EffectAsker {
    fn still_waits(&self) -> bool {
        true
    }

    fn answer(self: Box<Self>, answer: Answer<'_, B>) {
        if let Err(cause) = answer {
            let actor = &self.actor;
            tracing::warn!(code = %code::EFFECT_ANSWER_REFUSED, %actor, %cause, "what an effect led to was not recorded");
        }
    }
}
