//! Where a job's checkpoints are, below one key of a store of blobs.
//!
//! ```text
//! JOB/generations/0000000003             who coordinates; created once, never deleted
//! JOB/log/00000000000000000042           takeovers and claims, in one order, each created once
//! JOB/manifests/0000000003.0000000017    what an epoch consists of
//! JOB/committed/0000000003.0000000017    all sinks have published the epoch
//! JOB/savepoints/before-upgrade          an epoch with a name
//! JOB/cleared                            who cleared away last what others had staged
//! JOB/state/0000000003.0000000017/STAGE/TABLE.delta  parts of tables, by the epoch that first
//!                                        names them
//! JOB/staged/0000000003.0000000017/STAGE/000001      output that waits for its commit, likewise
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use weir_domain::{SavepointName, StageId, TableName};
use weir_persistence_api::{BlobKey, InvalidBlobKey};

use crate::epoch::{Epoch, Generation, Slot};
use crate::manifest::PartKind;

/// Room for the longest key below a job: two names and an epoch.
const JOB_LENGTH_MAX: usize = 300;

/// The keys of one job. Keys that it makes are valid, since the job's is short enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout(BlobKey);

/// What an epoch's blobs are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    State,
    Staged,
}

impl Layout {
    pub fn new(job: &str) -> Result<Self, InvalidBlobKey> {
        let job = BlobKey::new(job)?;
        if job.as_str().len() > JOB_LENGTH_MAX {
            // A key of that length is refused as too long, in the words of all others.
            BlobKey::new(job.as_str().repeat(3))?;
        }
        Ok(Self(job))
    }

    pub fn job(&self) -> &BlobKey {
        &self.0
    }

    /// The job's name among those of its group: the last segment of its key.
    pub(crate) fn name(&self) -> &str {
        let key = self.0.as_str();
        key.rsplit_once('/').map_or(key, |it| it.1)
    }

    /// Where a part of a stage's table belongs that the manifest of this epoch is the first to name; by
    /// its number among those that became several for their size.
    pub fn state(
        &self,
        epoch: Epoch,
        stage: &StageId,
        table: &TableName,
        (part, number): (PartKind, usize),
    ) -> BlobKey {
        let (epoch, part) = (digits(epoch), part.as_str());
        match number {
            0 => self.key(format_args!("state/{epoch}/{stage}/{table}.{part}")),
            number => self.key(format_args!("state/{epoch}/{stage}/{table}.{part}.{number}")),
        }
    }

    /// Where a piece of output waits for its commit that this epoch's manifest is the first to
    /// name.
    pub fn staged(&self, epoch: Epoch, stage: &StageId, piece: u32) -> BlobKey {
        self.key(format_args!("staged/{}/{stage}/{piece:06}", digits(epoch)))
    }

    pub(crate) fn generations(&self) -> BlobKey {
        self.key("generations")
    }

    pub(crate) fn generation(&self, generation: Generation) -> BlobKey {
        self.key(format_args!("generations/{:010}", generation.0))
    }

    pub(crate) fn log(&self) -> BlobKey {
        self.key("log")
    }

    pub(crate) fn slot(&self, slot: Slot) -> BlobKey {
        self.key(format_args!("log/{:020}", slot.0))
    }

    pub(crate) fn manifests(&self) -> BlobKey {
        self.key("manifests")
    }

    pub(crate) fn manifest(&self, epoch: Epoch) -> BlobKey {
        self.key(format_args!("manifests/{}", digits(epoch)))
    }

    pub(crate) fn markers(&self) -> BlobKey {
        self.key("committed")
    }

    pub(crate) fn marker(&self, epoch: Epoch) -> BlobKey {
        self.key(format_args!("committed/{}", digits(epoch)))
    }

    pub(crate) fn cleared(&self) -> BlobKey {
        self.key("cleared")
    }

    pub(crate) fn savepoints(&self) -> BlobKey {
        self.key("savepoints")
    }

    pub(crate) fn savepoint(&self, name: &SavepointName) -> BlobKey {
        self.key(format_args!("savepoints/{name}"))
    }

    pub(crate) fn area(&self, area: Area) -> BlobKey {
        self.key(match area {
            Area::State => "state",
            Area::Staged => "staged",
        })
    }

    pub(crate) fn read_generation(&self, key: &BlobKey) -> Option<Generation> {
        number::<10>(key.under(&self.generations())?)?.try_into().ok().map(Generation)
    }

    pub(crate) fn read_slot(&self, key: &BlobKey) -> Option<Slot> {
        number::<20>(key.under(&self.log())?).map(Slot)
    }

    /// The epoch that a manifest or a marker is of.
    pub(crate) fn read_epoch(key: &BlobKey, parent: &BlobKey) -> Option<Epoch> {
        read_digits(key.under(parent)?)
    }

    pub(crate) fn read_savepoint(&self, key: &BlobKey) -> Option<SavepointName> {
        SavepointName::new(key.under(&self.savepoints())?).ok()
    }

    /// The epoch that first names a blob of an area.
    pub(crate) fn read_area(&self, key: &BlobKey, area: Area) -> Option<Epoch> {
        let (epoch, _) = key.under(&self.area(area))?.split_once('/')?;
        read_digits(epoch)
    }

    /// Whether it is a part of state or staged output, to which manifests refer.
    pub(crate) fn is_named_by_manifests(&self, key: &BlobKey) -> bool {
        [Area::State, Area::Staged].iter().any(|it| key.under(&self.area(*it)).is_some())
    }

    fn key(&self, name: impl fmt::Display) -> BlobKey {
        self.0.below(name).expect("names are checked, and the job leaves room for them")
    }
}

fn digits(epoch: Epoch) -> String {
    format!("{:010}.{:010}", epoch.generation.0, epoch.number)
}

fn read_digits(text: &str) -> Option<Epoch> {
    let (generation, number) = text.split_once('.')?;
    let generation = self::number::<10>(generation)?.try_into().ok()?;
    Some(Epoch::new(generation, self::number::<10>(number)?.try_into().ok()?))
}

/// A number of exactly so many digits: one number has one text.
fn number<const DIGITS: usize>(text: &str) -> Option<u64> {
    let is_number = text.len() == DIGITS && text.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_back_as_what_it_was_made_of() {
        let job = Layout::new("jobs/flights.1").unwrap();
        let (epoch, stage) = (Epoch::new(3, 17), StageId::new("dedupe").unwrap());
        let state =
            job.state(epoch, &stage, &TableName::new("seen").unwrap(), (PartKind::Delta, 0));
        let staged = job.staged(epoch, &stage, 1);
        assert_eq!(job.read_generation(&job.generation(Generation(3))), Some(Generation(3)));
        assert_eq!(job.read_slot(&job.slot(Slot(u64::MAX))), Some(Slot(u64::MAX)));
        assert_eq!(Layout::read_epoch(&job.manifest(epoch), &job.manifests()), Some(epoch));
        assert_eq!(Layout::read_epoch(&job.marker(epoch), &job.markers()), Some(epoch));
        assert_eq!(job.read_area(&state, Area::State), Some(epoch));
        assert_eq!(job.read_area(&staged, Area::Staged), Some(epoch));
        assert_eq!(job.read_area(&staged, Area::State), None);
        assert_eq!(job.read_slot(&BlobKey::new("jobs/flights.1/log/7").unwrap()), None);
        let expected = "jobs/flights.1/state/0000000003.0000000017/dedupe/seen.delta";
        assert_eq!(state.as_str(), expected);
    }

    #[test]
    fn a_job_leaves_room_for_the_longest_names() {
        let job = Layout::new(&["a"; JOB_LENGTH_MAX / 2].join("/")).unwrap();
        let stage = StageId::new("x".repeat(128)).unwrap();
        let table = TableName::new("y".repeat(128)).unwrap();
        job.state(Epoch::new(u32::MAX, u32::MAX), &stage, &table, (PartKind::Delta, 0));
        assert!(Layout::new(&["a"; 250].join("/")).is_err());
        assert!(Layout::new("a b").is_err());
    }
}
