//! The commands that were carried out of late, by id: a caller that asks again, because it never
//! saw the answer, is told what became of the first time, and nothing is done twice.
//!
//! Invariants:
//! - Only what is durable is here: an id comes with its event, from an append or from recovery.
//! - At most `COMMANDS_MAX` ids are kept; the oldest go first. A repetition that comes later than
//!   that many commands is decided anew.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;
use weir_domain::CommandId;

/// Ids that are kept.
pub(super) const COMMANDS_MAX: usize = 10_000;
/// An id and its sequence number, as they are stored.
const ENTRY_BYTES: usize = 16 + 8;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Commands {
    by_id: HashMap<CommandId, u64>,
    /// Oldest first.
    order: VecDeque<CommandId>,
}

impl Commands {
    /// The sequence number of the last event of a command that was carried out.
    pub(super) fn sequence_of(&self, id: CommandId) -> Option<u64> {
        self.by_id.get(&id).copied()
    }

    /// Notes an event of a command. A command with several events counts by its last one.
    pub(super) fn record(&mut self, id: CommandId, sequence: u64) {
        if self.by_id.insert(id, sequence).is_some() {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > COMMANDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }
}

impl Serialize for Commands {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = |id: &CommandId| {
            let sequence = self.by_id.get(id).copied().unwrap_or(0);
            id.0.into_bytes().into_iter().chain(sequence.to_be_bytes())
        };
        let bytes: Vec<u8> = self.order.iter().flat_map(entry).collect();
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Commands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Commands;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ids and sequence numbers of {ENTRY_BYTES} bytes each")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Commands, E> {
        let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let mut commands = Commands::default();
        for entry in entries {
            let (id, sequence) = entry.split_at(16);
            let id = Uuid::from_slice(id).map_err(E::custom)?;
            let sequence = sequence.try_into().map_err(E::custom)?;
            commands.record(CommandId(id), u64::from_be_bytes(sequence));
        }
        Ok(commands)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Commands, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> CommandId {
        CommandId(Uuid::from_u128(number))
    }

    #[test]
    fn the_newest_ids_are_kept_and_read_back_as_they_were_written() {
        let mut commands = Commands::default();
        for number in 1..=COMMANDS_MAX as u64 + 5 {
            commands.record(id(number.into()), number);
        }
        commands.record(id(9), 77);
        let kept = [5, 6, 9].map(|it| commands.sequence_of(id(it)));
        assert_eq!(kept, [None, Some(6), Some(77)]);
        let written = rmp_serde::to_vec_named(&commands).unwrap();
        assert!(written.len() < COMMANDS_MAX * ENTRY_BYTES + 8);
        assert_eq!(rmp_serde::from_slice::<Commands>(&written).unwrap(), commands);
    }

    #[test]
    fn a_damaged_list_is_refused() {
        let written = rmp_serde::to_vec_named(&vec![1_u8; 25]).unwrap();
        assert!(rmp_serde::from_slice::<Commands>(&written).is_err());
    }
}
