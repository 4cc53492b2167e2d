//! Watermarks: what this node has seen of the store, noted in its data directory, so that a store
//! that went back (a restored backup, a replica that was promoted too early) is recognised.
//!
//! Versions and epochs only ever increase. A store that shows less than was seen has lost what was
//! acknowledged, and working on would write other things in its place. A person has to accept that.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use weir_domain::ClusterId;
use weir_persistence_api::LeaseName;

const FILE: &str = "cluster-watermark.json";

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Seen {
    pub cluster: Option<ClusterId>,
    /// Of the list of members.
    pub members_version: u64,
    pub lease_epochs: BTreeMap<LeaseName, u64>,
}

/// Why a store or the note can't be relied upon.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} can't be {verb}")]
    Io { path: PathBuf, verb: &'static str, source: std::io::Error },
    #[error("{path} is damaged: {reason}; `weir persistence accept-restore` makes a new one")]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the database is older than what this node has seen: {what} is {found} and was {seen}; it \
         was restored, or a replica that was behind took over. Bring back the newer one, or accept \
         the loss on every node with `weir persistence accept-restore`"
    )]
    WentBack { what: String, found: u64, seen: u64 },
    #[error(
        "the database belongs to cluster {found}, and this node to {seen}: check \
         weir.persistence.journal, or accept the database with `weir persistence accept-restore`"
    )]
    OtherCluster { found: ClusterId, seen: ClusterId },
}

/// The watermarks of this node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watermarks {
    /// `None`: kept in memory only.
    path: Option<PathBuf>,
    seen: Arc<Mutex<Seen>>,
    /// Held by whoever writes the note.
    writing: Arc<Mutex<()>>,
}

impl Watermarks {
    /// Reads the note in the data directory; none is a new node's. Blocks.
    pub fn open(data_dir: Option<&Path>) -> Result<Self, Error> {
        let path = data_dir.map(|it| it.join(FILE));
        let seen = path.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self { path, seen: Arc::new(Mutex::new(seen)), writing: Arc::default() })
    }

    /// Forgets what was seen: the store is taken as it is. `false`: nothing was noted. Blocks.
    pub fn accept(data_dir: &Path) -> Result<bool, Error> {
        let path = data_dir.join(FILE);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(Error::Io { path, verb: "removed", source }),
        }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares the cluster's id; `true` if it is news to be written.
    pub fn cluster(&self, found: ClusterId) -> Result<bool, Error> {
        self.update(|seen| match seen.cluster.replace(found) {
            Some(before) if before != found => {
                seen.cluster = Some(before);
                Err(Error::OtherCluster { found, seen: before })
            }
            before => Ok(before.is_none()),
        })
    }

    /// Compares the version of the list of members; `true` if it is news to be written.
    pub fn members(&self, found: u64) -> Result<bool, Error> {
        self.update(|seen| {
            raise("the version of the list of members".into(), found, &mut seen.members_version)
        })
    }

    /// Compares the epoch of a lease; `true` if it is news to be written.
    pub fn lease(&self, name: &LeaseName, found: u64) -> Result<bool, Error> {
        self.update(|seen| {
            let mark = seen.lease_epochs.entry(name.clone()).or_default();
            raise(format!("the epoch of lease {name}"), found, mark)
        })
    }

    /// Writes the note, replacing the old one as a whole. Blocks.
    pub fn write(&self) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = serde_json::to_vec_pretty(&self.seen()).expect("the note has only plain values");
        let new = path.with_extension("new");
        let failed = |source| Error::Io { path: path.clone(), verb: "written", source };
        let written = std::fs::File::create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&new, path)?;
            // Else the old note may be there again after a loss of power.
            path.parent().map_or(Ok(()), |dir| std::fs::File::open(dir)?.sync_all())
        });
        written.map_err(failed)
    }

    fn update<T>(&self, change: impl FnOnce(&mut Seen) -> Result<T, Error>) -> Result<T, Error> {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn raise(what: String, found: u64, mark: &mut u64) -> Result<bool, Error> {
    if found < *mark {
        return Err(Error::WentBack { what, found, seen: *mark });
    }
    let is_news = found > *mark;
    *mark = found;
    Ok(is_news)
}

fn read(path: &Path) -> Result<Seen, Error> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| Error::Damaged { path: path.to_owned(), reason: error.to_string() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Seen::default()),
        Err(source) => Err(Error::Io { path: path.to_owned(), verb: "read", source }),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> ClusterId {
        ClusterId(Uuid::from_u128(n))
    }

    #[test]
    fn what_was_seen_outlives_the_process_and_less_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Watermarks::open(Some(dir.path())).unwrap();
        let marks = open();
        let lease = LeaseName("access".into());
        assert!(marks.cluster(id(1)).unwrap() && marks.members(7).unwrap());
        assert!(marks.lease(&lease, 3).unwrap() && !marks.members(7).unwrap());
        marks.write().unwrap();

        let again = open();
        assert_eq!(again.seen(), marks.seen());
        assert!(matches!(again.members(6), Err(Error::WentBack { found: 6, seen: 7, .. })));
        let error = again.lease(&lease, 2).unwrap_err().to_string();
        assert!(error.contains("the epoch of lease access is 2 and was 3"), "{error}");
        assert!(matches!(again.cluster(id(2)), Err(Error::OtherCluster { .. })));
        assert_eq!(again.seen(), marks.seen());

        assert!(Watermarks::accept(dir.path()).unwrap());
        assert!(!Watermarks::accept(dir.path()).unwrap());
        assert!(open().cluster(id(2)).unwrap());
    }

    #[test]
    fn a_damaged_note_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let error = Watermarks::open(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("accept-restore"), "{error}");
    }
}
