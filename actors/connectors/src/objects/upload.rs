//! One output: its bytes go into parts of an upload, which nobody sees before it is completed.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use twox_hash::XxHash3_128;
use weir_domain::Fault;
use weir_persistence_api::BlobKey;
use weir_stream::Staging;

use super::codes;
use super::note::Note;
use super::store::Store;
use crate::whole::Staged;

/// Most parts of an object: S3 takes no more.
const PARTS_MAX: usize = 10_000;

/// Where uploads of one attempt go, and are noted.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) store: Store,
    pub(super) staging: Staging,
    pub(super) parent: BlobKey,
    pub(super) part_bytes: usize,
}

/// An upload whose parts are all there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Uploaded {
    pub(super) path: Path,
    pub(super) note: BlobKey,
    pub(super) hash: String,
}

/// An output that is being written.
#[derive(Clone)]
pub(super) struct Upload(Arc<Mutex<Uploading>>);

struct Uploading {
    ground: Ground,
    path: Path,
    /// Begun with the first part.
    begun: Option<(Note, BlobKey)>,
    buffer: Vec<u8>,
    hash: XxHash3_128,
    size: u64,
    /// What went wrong last: a format makes a fault of its own of it.
    fault: Option<Fault>,
}

impl Upload {
    pub(super) fn new(ground: Ground, path: Path) -> Self {
        Self(Arc::new(Mutex::new(Uploading {
            ground,
            path,
            begun: None,
            buffer: Vec::new(),
            hash: XxHash3_128::new(),
            size: 0,
            fault: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Uploading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Uploading {
    fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        self.hash.write(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            // Some stores want all parts but the last to be of one size.
            let room = self.ground.part_bytes - self.buffer.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = rest;
            if self.buffer.len() == self.ground.part_bytes {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Sends what is in the buffer as the next part.
    fn send(&mut self) -> Result<(), Fault> {
        let Self { ground: Ground { store, staging, parent, .. }, path, begun, .. } = self;
        let failed = |it: &object_store::Error| store.fault(&format!("can't write {path}"), it);
        let (note, _) = match begun {
            Some(it) => it,
            None => {
                let upload = store.upload_begin(path).map_err(|it| failed(&it))?;
                let (place, path) = (store.place().to_owned(), path.to_string());
                let note = Note { place, path, upload, parts: Vec::new() };
                let key = note.key(parent)?;
                note.put(staging, &key)?;
                begun.insert((note, key))
            }
        };
        if note.parts.len() == PARTS_MAX {
            let message = format!("{path} would have more than {PARTS_MAX} parts");
            return Err(Fault::config(codes::OUTPUT_OBJECT, message)
                .with_hint("raise partBytes, or set rollBytes"));
        }
        let content = Bytes::from(std::mem::take(&mut self.buffer));
        let part = store.upload_part(path, &note.upload, (note.parts.len(), content));
        note.parts.push(part.map_err(|it| failed(&it))?);
        Ok(())
    }

    fn seal(&mut self) -> Result<(Uploaded, u64), Fault> {
        if !self.buffer.is_empty() || self.begun.is_none() {
            self.send()?;
        }
        let (note, key) = self.begun.as_ref().expect("a part was sent above");
        note.put(&self.ground.staging, key)?;
        let hash = format!("{:032x}", self.hash.finish_128());
        Ok((Uploaded { path: self.path.clone(), note: key.clone(), hash }, self.size))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut uploading = self.lock();
        match uploading.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(fault) => {
                let error = io::Error::other(fault.message.clone());
                uploading.fault = Some(fault);
                Err(error)
            }
        }
    }

    /// A part is sent when it is full: stores refuse small ones.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Upload {
    type Sealed = Uploaded;

    fn explain(&self, fault: Fault) -> Fault {
        self.lock().fault.clone().unwrap_or(fault)
    }

    fn seal(self) -> Result<(Uploaded, u64), Fault> {
        self.lock().seal()
    }
}
