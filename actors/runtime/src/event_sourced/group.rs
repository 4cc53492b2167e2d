//! Groups: the commands that wait together are decided one after the other and written together.
//!
//! A command is decided on the state that the commands before it lead to. While those are not
//! durable, that state is a copy, *ahead* of the real one; nobody else sees it, and when the write
//! fails it is thrown away. So all answers of a group, also its refusals and reads, come after its
//! write, each with the state that its own command led to.

use std::collections::HashMap;

use weir_domain::{CommandId, Fault};
use weir_persistence_api::{Append, NewEvent};

use super::handle::Asker;
use super::host::{Core, Folded};
use super::{EventSourced, codec, recovery};
use crate::AskError;

/// A group is written when its events have that many bytes.
const BYTES_MAX: usize = 4 << 20;
/// And when they are that many, whatever the number of commands: databases bound a statement.
const EVENTS_MAX: usize = 1_000;

/// What one asker is told when the group is durable.
pub(super) enum Verdict<B: EventSourced> {
    Accepted {
        events: Vec<B::Event>,
        command: Option<CommandId>,
    },
    Rejected(B::Rejection),
    /// The command is in the journal already, or earlier in this group.
    Recorded(u64),
    Read,
}

pub(super) struct Entry<B: EventSourced> {
    pub(super) asker: Box<dyn Asker<B>>,
    pub(super) verdict: Verdict<B>,
}

/// A group that is being written.
pub(super) struct Pending<B: EventSourced> {
    pub(super) append: Append,
    pub(super) entries: Vec<Entry<B>>,
}

/// A group that is being decided.
pub(super) struct Group<B: EventSourced> {
    pub(super) entries: Vec<Entry<B>>,
    stored: Vec<NewEvent>,
    bytes: usize,
    commands: HashMap<CommandId, u64>,
    /// Commands with events.
    pub(super) written: usize,
}

impl<B: EventSourced> Group<B> {
    pub(super) fn new() -> Self {
        let (entries, stored, commands) = (Vec::new(), Vec::new(), HashMap::new());
        Self { entries, stored, bytes: 0, commands, written: 0 }
    }

    pub(super) fn is_full(&self, commands_max: usize) -> bool {
        self.written >= commands_max || self.bytes >= BYTES_MAX || self.stored.len() >= EVENTS_MAX
    }

    /// The sequence number of the last event decided so far.
    fn sequence(&self, folded: &Folded<B>) -> u64 {
        folded.sequence + self.stored.len() as u64
    }

    /// Decides one command. What needs no write is answered at once, unless something before it
    /// must be written first. An error says that the state is spoilt.
    pub(super) fn decide(
        &mut self,
        core: &Core<B>,
        folded: &mut Folded<B>,
        (id, command): (Option<CommandId>, B::Command),
        asker: Box<dyn Asker<B>>,
    ) -> Result<(), Fault> {
        let recorded = id.and_then(|id| self.sequence_of(folded, id));
        if let Some(sequence) = recorded {
            core.count("repeated");
            self.settle(folded, asker, Verdict::Recorded(sequence));
            return Ok(());
        }
        if let Some(id) = id.filter(|it| folded.commands.may_be_forgotten(*it)) {
            core.refuse(asker, forgotten(id));
            return Ok(());
        }
        match self.state(core, folded)?.decide(command) {
            Err(rejection) => self.settle(folded, asker, Verdict::Rejected(rejection)),
            Ok(events) => match encode::<B>(core, &events, id) {
                Ok(stored) => self.take(core, folded, (events, stored, id), asker)?,
                Err(cause) => core.refuse(asker, cause),
            },
        }
        Ok(())
    }

    pub(super) fn read(&mut self, folded: &Folded<B>, asker: Box<dyn Asker<B>>) {
        self.settle(folded, asker, Verdict::Read);
    }

    pub(super) fn recall(&mut self, folded: &Folded<B>, id: CommandId, asker: Box<dyn Asker<B>>) {
        let sequence = self.sequence_of(folded, id).unwrap_or_default();
        self.settle(folded, asker, Verdict::Recorded(sequence));
    }

    /// The last event of a command that was carried out, or is to be written with this group.
    fn sequence_of(&self, folded: &Folded<B>, id: CommandId) -> Option<u64> {
        self.commands.get(&id).copied().or_else(|| folded.commands.sequence_of(id))
    }

    fn take(
        &mut self,
        core: &Core<B>,
        folded: &mut Folded<B>,
        (events, stored, command): (Vec<B::Event>, Vec<NewEvent>, Option<CommandId>),
        asker: Box<dyn Asker<B>>,
    ) -> Result<(), Fault> {
        if events.is_empty() {
            self.settle(folded, asker, Verdict::Accepted { events, command: None });
            return Ok(());
        }
        if let Some(ahead) = &mut folded.ahead {
            let next = folded.sequence + self.stored.len() as u64 + 1;
            apply_all(ahead, &events, core, next)?;
        }
        self.bytes += stored.iter().map(|it| it.payload.len()).sum::<usize>();
        self.stored.extend(stored);
        self.written += 1;
        if let Some(id) = command {
            self.commands.insert(id, self.sequence(folded));
        }
        self.entries.push(Entry { asker, verdict: Verdict::Accepted { events, command } });
        Ok(())
    }

    /// The state that the next command is decided on.
    fn state<'a>(&self, core: &Core<B>, folded: &'a mut Folded<B>) -> Result<&'a B, Fault> {
        if self.stored.is_empty() {
            return Ok(&folded.state);
        }
        if folded.ahead.is_none() {
            let mut ahead = codec::copy(&folded.state).map_err(recovery::damaged)?;
            let mut next = folded.sequence + 1;
            for entry in &self.entries {
                if let Verdict::Accepted { events, .. } = &entry.verdict {
                    next = apply_all(&mut ahead, events, core, next)?;
                }
            }
            folded.ahead = Some(ahead);
        }
        Ok(folded.ahead.as_ref().unwrap_or(&folded.state))
    }

    fn settle(&mut self, folded: &Folded<B>, asker: Box<dyn Asker<B>>, verdict: Verdict<B>) {
        let entry = Entry { asker, verdict };
        match self.stored.is_empty() {
            true => entry.answer(folded.sequence, &folded.state),
            false => self.entries.push(entry),
        }
    }

    /// What is to be written, if anything is.
    pub(super) fn into_pending(self, core: &Core<B>, after: u64) -> Option<Pending<B>> {
        if self.stored.is_empty() {
            return None;
        }
        let (id, fence) = (core.id.clone(), core.fence.clone());
        let append = Append { id, fence, after, events: self.stored };
        Some(Pending { append, entries: self.entries })
    }
}

impl<B: EventSourced> Entry<B> {
    /// Answers with the state that the entry's own command led to, which is durable.
    pub(super) fn answer(self, sequence: u64, state: &B) {
        match self.verdict {
            Verdict::Rejected(rejection) => self.asker.answer(Err(AskError::Rejected(rejection))),
            Verdict::Recorded(recorded) => self.asker.answer(Ok((recorded, state))),
            Verdict::Accepted { .. } | Verdict::Read => self.asker.answer(Ok((sequence, state))),
        }
    }

    pub(super) fn has_events(&self) -> bool {
        matches!(&self.verdict, Verdict::Accepted { events, .. } if !events.is_empty())
    }
}

impl<B: EventSourced> Verdict<B> {
    pub(super) fn outcome(&self) -> Option<&'static str> {
        match self {
            Self::Accepted { .. } => Some("accepted"),
            Self::Rejected(_) => Some("rejected"),
            // Counted when it was recognised.
            Self::Recorded(_) | Self::Read => None,
        }
    }
}

/// Applies events of which the first has the given number; returns the number after the last.
pub(super) fn apply_all<B: EventSourced>(
    state: &mut B,
    events: &[B::Event],
    core: &Core<B>,
    first: u64,
) -> Result<u64, Fault> {
    let mut next = first;
    for event in events {
        recovery::apply(state, event, &core.id, next)?;
        next += 1;
    }
    Ok(next)
}

fn forgotten(id: CommandId) -> String {
    format!(
        "command {id} is older than those that are remembered, so whether it was carried out before is not known: look, and ask with a new id; if it is new, set the clock of the one who asks"
    )
}

fn encode<B: EventSourced>(
    core: &Core<B>,
    events: &[B::Event],
    command: Option<CommandId>,
) -> Result<Vec<NewEvent>, String> {
    let bytes_max = core.settings.event_bytes_max;
    let encode = |event| {
        let stored = codec::event_to_stored::<B>(event, command);
        let stored = stored.map_err(|it| format!("its event can't be encoded: {it}"))?;
        match stored.payload.len() {
            bytes if bytes > bytes_max => {
                Err(format!("its event has {bytes} bytes, at most {bytes_max} are allowed"))
            }
            _ => Ok(stored),
        }
    };
    events.iter().map(encode).collect()
}
