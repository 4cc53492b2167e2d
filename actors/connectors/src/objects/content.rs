//! The content of an object, asked for in ranges: bounded memory, and every byte of the same object.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{Error as Cause, ObjectMeta};
use weir_domain::{Fault, Fingerprint};
use weir_formats::Ranges;

use super::codes;
use super::identity::{fingerprint, is_same};
use super::store::{Store, given_back};

/// What is asked for where less is wanted: neighbours are mostly wanted next.
const BLOCK_BYTES: u64 = 1 << 20;
/// So many of these are kept.
const BLOCKS_MAX: usize = 64;
/// How often a range is asked for. The client below has tried several times by then, so this is for
/// connections that break while the range is on its way.
const TRIES: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);

pub(super) struct Object {
    store: Store,
    path: Path,
    e_tag: Option<String>,
    found: Fingerprint,
    blocks: Mutex<VecDeque<(u64, Bytes)>>,
    /// What went wrong last: a format makes a fault of its own of it.
    fault: Mutex<Option<Fault>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Object {
    pub(super) fn new(store: Store, meta: ObjectMeta) -> Self {
        Self {
            store,
            found: fingerprint(&meta),
            path: meta.location,
            e_tag: meta.e_tag,
            blocks: Mutex::default(),
            fault: Mutex::default(),
        }
    }

    /// What was read, as it was when it was opened.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.found
    }

    /// The fault in plain words where the store is to blame, and the format's where it is not.
    pub(super) fn explain(&self, fault: Fault) -> Fault {
        match lock(&self.fault).clone() {
            Some(fault) => fault,
            None => {
                let at = self.store.address(self.path.as_ref());
                Fault { message: format!("{at}: {}", fault.message), ..fault }
            }
        }
    }

    /// So many bytes from there on.
    pub(super) fn fetch(&self, offset: u64, bytes: u64) -> Result<Bytes, Fault> {
        let mut tried = 0;
        loop {
            let fault = match self.store.range(&self.path, (offset, bytes), self.e_tag.as_ref()) {
                Ok((meta, _)) if !is_same(&fingerprint(&meta), &self.found) => {
                    return Err(self.changed());
                }
                Ok((_, content)) if content.len() as u64 == bytes => return Ok(content),
                Ok((_, content)) => {
                    let at = self.store.address(self.path.as_ref());
                    let got = content.len();
                    let message = format!("{at}: {got} of {bytes} bytes came from {offset} on");
                    Fault::transient(codes::AWAY, message)
                }
                Err(Cause::NotFound { .. } | Cause::Precondition { .. }) => {
                    return Err(self.changed());
                }
                Err(cause) => self.store.fault(&format!("can't read {}", self.path), &cause),
            };
            tried += 1;
            if tried == TRIES || fault.kind != weir_domain::FaultKind::Transient {
                return Err(fault);
            }
            thread::sleep(TRY_AGAIN_AFTER * tried);
        }
    }

    fn changed(&self) -> Fault {
        let at = self.store.address(self.path.as_ref());
        let message = format!("{at} was replaced or deleted while it was read");
        given_back(codes::INPUT_CHANGED, message)
            .with_hint("it is read anew as what it is now; give new objects names of their own")
    }

    /// The block that begins there.
    fn block(&self, start: u64) -> Result<Bytes, Fault> {
        if let Some(found) = lock(&self.blocks).iter().find(|it| it.0 == start) {
            return Ok(found.1.clone());
        }
        let block = self.fetch(start, BLOCK_BYTES.min(self.found.size - start))?;
        let mut blocks = lock(&self.blocks);
        if blocks.len() == BLOCKS_MAX {
            blocks.pop_front();
        }
        blocks.push_back((start, block.clone()));
        Ok(block)
    }

    fn small(&self, offset: u64, bytes: u64) -> Result<Bytes, Fault> {
        let mut content = BytesMut::new();
        let (mut at, end) = (offset, offset + bytes);
        while at < end {
            let start = at - at % BLOCK_BYTES;
            let block = self.block(start)?;
            let until = end.min(start + block.len() as u64);
            content.extend_from_slice(&block[(at - start) as usize..(until - start) as usize]);
            at = until;
        }
        Ok(content.freeze())
    }
}

impl Ranges for Object {
    fn length(&self) -> u64 {
        self.found.size
    }

    fn read_at(&self, offset: u64, bytes: u64) -> io::Result<Bytes> {
        let read = match bytes < BLOCK_BYTES {
            true => self.small(offset, bytes),
            false => self.fetch(offset, bytes),
        };
        read.map_err(|fault| {
            let error = io::Error::other(fault.message.clone());
            *lock(&self.fault) = Some(fault);
            error
        })
    }
}
