//! The commands that were carried out of late, by id: a caller that asks again, because it never
//! saw the answer, is told what became of the first time, and nothing is done twice.
//!
//! Invariants:
//! - Only what is durable is here: an id comes with its event, from an append or from recovery.
//! - The newest `COMMANDS_MIN` ids are kept, and more as long as they are younger than `AGE_MIN`, up
//!   to `COMMANDS_MAX`. The oldest go first, by the time that is in an id.
//! - A repetition of a command that was forgotten is never taken for a new one: whatever is not
//!   younger than what was forgotten is refused.
//!
//! Ids without a time (they are not of version 7) are as old as the newest one that came before.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;
use weir_domain::CommandId;

/// Ids that are kept, however old they are.
pub(super) const COMMANDS_MIN: usize = 10_000;
/// Ids that are kept, however young they are.
pub(super) const COMMANDS_MAX: usize = 100_000;
/// How much younger than the oldest one the newest must be.
const AGE_MIN: Duration = Duration::from_secs(600);
/// An id and its sequence number, as they are stored.
const ENTRY_BYTES: usize = 16 + 8;

/// When a command was made, in milliseconds; then its place in the journal.
type Place = (u64, u64, CommandId);

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Commands {
    by_id: HashMap<CommandId, (u64, u64)>,
    /// Oldest first.
    order: BTreeSet<Place>,
    /// The time of the newest one that was forgotten; 0 for none.
    forgotten: u64,
}

impl Commands {
    /// The sequence number of the last event of a command that was carried out.
    pub(super) fn sequence_of(&self, id: CommandId) -> Option<u64> {
        self.by_id.get(&id).map(|it| it.1)
    }

    /// Whether a command that is not known may have been, by its age.
    pub(super) fn may_be_forgotten(&self, id: CommandId) -> bool {
        made_at(id).is_some_and(|it| it <= self.forgotten)
    }

    /// Notes an event of a command. A command with several events counts by its last one.
    pub(super) fn record(&mut self, id: CommandId, sequence: u64) {
        let newest = self.order.last().map_or(0, |it| it.0);
        let made_at = match self.by_id.get(&id) {
            Some(&(made_at, before)) => {
                self.order.remove(&(made_at, before, id));
                made_at
            }
            None => made_at(id).unwrap_or(newest),
        };
        self.by_id.insert(id, (made_at, sequence));
        self.order.insert((made_at, sequence, id));
        self.forget();
    }

    fn forget(&mut self) {
        while let (Some(&oldest), Some(newest)) = (self.order.first(), self.order.last()) {
            let age = Duration::from_millis(newest.0 - oldest.0);
            let is_kept = match self.order.len() {
                ..=COMMANDS_MIN => true,
                // Of one without a time nobody can tell how old it is.
                len => len <= COMMANDS_MAX && age <= AGE_MIN && made_at(oldest.2).is_some(),
            };
            if is_kept {
                return;
            }
            self.order.remove(&oldest);
            self.by_id.remove(&oldest.2);
            if made_at(oldest.2).is_some() {
                self.forgotten = self.forgotten.max(oldest.0);
            }
        }
    }
}

/// When the id was made, in milliseconds since 1970.
fn made_at(id: CommandId) -> Option<u64> {
    let (seconds, nanos) = id.0.get_timestamp()?.to_unix();
    let is_version_7 = id.0.get_version_num() == 7;
    is_version_7.then_some(seconds * 1_000 + u64::from(nanos) / 1_000_000)
}

impl Serialize for Commands {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry =
            |(id, number): (Uuid, u64)| id.into_bytes().into_iter().chain(number.to_be_bytes());
        // No command has this id, so that it can carry what was forgotten.
        let forgotten = (self.forgotten > 0).then_some((Uuid::nil(), self.forgotten));
        let kept = self.order.iter().map(|&(_, sequence, id)| (id.0, sequence));
        let bytes: Vec<u8> = forgotten.into_iter().chain(kept).flat_map(entry).collect();
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
            let number = u64::from_be_bytes(sequence);
            match id.is_nil() {
                true => commands.forgotten = number,
                false => commands.record(CommandId(id), number),
            }
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
        for number in 1..=COMMANDS_MIN as u64 + 5 {
            commands.record(id(number.into()), number);
        }
        commands.record(id(9), 77);
        let kept = [5, 6, 9].map(|it| commands.sequence_of(id(it)));
        assert_eq!(kept, [None, Some(6), Some(77)]);
        let written = rmp_serde::to_vec_named(&commands).unwrap();
        assert!(written.len() < COMMANDS_MIN * ENTRY_BYTES + 8);
        assert_eq!(rmp_serde::from_slice::<Commands>(&written).unwrap(), commands);
    }

    /// An id that was made at that second.
    fn made(seconds: u64, number: u64) -> CommandId {
        let at = 1_700_000_000_000 + seconds * 1_000;
        CommandId(uuid::Builder::from_unix_timestamp_millis(at, &random(number)).into_uuid())
    }

    fn random(number: u64) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    #[test]
    fn ids_are_kept_for_ten_minutes_however_many_follow() {
        let mut commands = Commands::default();
        for number in 0..3 * COMMANDS_MIN as u64 {
            commands.record(made(number / 50, number), number);
        }
        assert_eq!(commands.sequence_of(made(0, 0)), Some(0), "it is 599 s old");
        commands.record(made(601, 1), 30_001);
        assert_eq!(commands.sequence_of(made(0, 0)), None);
        assert!(commands.may_be_forgotten(made(0, 0)) && !commands.may_be_forgotten(made(1, 7)));
        let written = rmp_serde::to_vec_named(&commands).unwrap();
        assert_eq!(rmp_serde::from_slice::<Commands>(&written).unwrap(), commands);
    }

    #[test]
    fn no_more_than_the_most_are_kept_however_young_they_are() {
        let mut commands = Commands::default();
        for number in 0..=COMMANDS_MAX as u64 {
            commands.record(made(number / 1_000, number), number);
        }
        assert_eq!(commands.sequence_of(made(0, 0)), None);
        assert_eq!(commands.sequence_of(made(0, 1)), Some(1));
        assert!(commands.may_be_forgotten(made(0, 0)));
    }

    #[test]
    fn an_id_of_a_clock_that_is_ahead_does_not_make_the_others_old() {
        let mut commands = Commands::default();
        commands.record(made(100_000, 1), 1);
        for number in 0..2 * COMMANDS_MIN as u64 {
            commands.record(made(number / 100, number), number + 2);
        }
        assert_eq!(commands.sequence_of(made(100_000, 1)), Some(1));
        assert!(!commands.may_be_forgotten(made(200, 1)));
    }

    #[test]
    fn a_damaged_list_is_refused() {
        let written = rmp_serde::to_vec_named(&vec![1_u8; 25]).unwrap();
        assert!(rmp_serde::from_slice::<Commands>(&written).is_err());
    }
}
