//! What proves that a stored row is what was written.
//!
//! The sum covers the row's identity too, so that a row that was copied or renumbered is found
//! out like one that was changed. It guards against damage, not against an attacker.

use crc32fast::Hasher;
use weir_domain::CommandId;
use weir_persistence_api::{Manifest, PersistenceId};

/// The sum over an event. One without a command has the sum of a row that knows no commands.
pub(crate) fn of_event(
    id: &PersistenceId,
    sequence: u64,
    (manifest, payload): (&Manifest, &[u8]),
    command: Option<CommandId>,
) -> u32 {
    let sum = of(id, sequence, manifest, payload);
    let Some(CommandId(command)) = command else { return sum };
    let mut hasher = Hasher::new_with_initial(sum);
    hasher.update(command.as_bytes());
    hasher.finalize()
}

/// The sum over all that a row says of itself. It is stored: it must never be computed otherwise.
pub(crate) fn of(id: &PersistenceId, sequence: u64, manifest: &Manifest, payload: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    // Lengths first: no two rows have the same bytes because text moved from one field to the next.
    for part in [id.0.as_bytes(), manifest.name.as_bytes(), payload] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(&sequence.to_le_bytes());
    hasher.update(&manifest.version.to_le_bytes());
    hasher.finalize()
}

/// The sum over a blob and its key. It is stored: it must never be computed otherwise.
pub(crate) fn of_blob(key: &str, content: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    for part in [key.as_bytes(), content] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(id: &str, sequence: u64, name: &str, version: u32, payload: &[u8]) -> u32 {
        of(&PersistenceId(id.into()), sequence, &Manifest { name: name.into(), version }, payload)
    }

    #[test]
    fn every_part_of_a_row_counts() {
        let whole = sum("id", 1, "name", 1, b"payload");
        for other in [
            sum("ie", 1, "name", 1, b"payload"),
            sum("id", 2, "name", 1, b"payload"),
            sum("id", 1, "nam", 1, b"epayload"),
            sum("id", 1, "name", 2, b"payload"),
            sum("id", 1, "name", 1, b"Payload"),
        ] {
            assert_ne!(whole, other);
        }
    }

    #[test]
    fn the_command_counts() {
        let (id, manifest) = (PersistenceId("i".into()), Manifest { name: "n".into(), version: 1 });
        let sum = |command| of_event(&id, 1, (&manifest, b"p"), command);
        let command = |n: u128| format!("{n:032x}").parse().ok();
        assert_eq!(sum(None), of(&id, 1, &manifest, b"p"));
        assert_ne!(sum(None), sum(command(0)));
        assert_ne!(sum(command(1)), sum(command(2)));
    }

    #[test]
    fn the_sum_of_stored_rows_stays_what_it_was() {
        assert_eq!(sum("deployments", 7, "Activated", 1, b"{}"), 1_467_734_512);
        assert_eq!(of_blob("jobs/1", b"content"), 413_013_462);
    }
}
