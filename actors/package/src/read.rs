//! Reading a package, object by object.

use std::collections::BTreeMap;
use std::io::{BufRead, ErrorKind, Read};

use bytes::Bytes;
use serde_json::Value;
use weir_domain::Digest;

use crate::package::read_plan;
use crate::sign::{KEY_LENGTH, SIGNATURE_LENGTH};
use crate::write::{FORMAT, MAGIC};
use crate::{
    AssignmentSettings, Error, Item, Limits, Manifest, ObjectEntry, Result, Selection, SignerKey,
    Trust, limits,
};

/// More digits than this have no number of a format.
const FORMAT_DIGITS_MAX: usize = 9;

/// One object, proven to be what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub digest: Digest,
    /// The first item that refers to it.
    pub item: Item,
    pub bytes: Bytes,
}

/// A package that is being read. What it holds in memory is the manifest and one object.
///
/// Whoever stops before `next_object` said `None` does not know that the file is whole.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    signer: SignerKey,
    manifest: Manifest,
    uses: BTreeMap<Digest, Item>,
    next: usize,
    head_bytes: u64,
    /// Which objects follow; `None`: all of them.
    selection: Option<Selection>,
}

impl<R: Read> Reader<R> {
    /// Reads the manifest and proves it: its signature, its form, and that nothing is missing.
    pub fn open(mut source: R, trust: &Trust, limits: &Limits) -> Result<Self> {
        let mut head = format(&mut source)?;
        let mut length = [0; 4];
        fill(&mut source, &mut length, "the length of the manifest")?;
        let size = u64::from(u32::from_be_bytes(length));
        let what = || "the manifest".to_owned();
        limits::check(what, weir_domain::Bytes(size), limits.manifest_bytes_max)?;
        head.extend(length);
        let start = head.len();
        head.extend(take(&mut source, size, "the manifest")?);

        let signer = verified(&mut source, &head)?;
        trust.check(signer)?;
        let manifest: Manifest = serde_json::from_slice(&head[start..])
            .map_err(|it| Error::Malformed { what: what(), reason: it.to_string() })?;
        manifest.check(limits)?;
        let uses = manifest.uses();
        let head_bytes = (head.len() + KEY_LENGTH + SIGNATURE_LENGTH) as u64;
        Ok(Self { source, signer, manifest, uses, next: 0, head_bytes, selection: None })
    }

    /// The same of a package on its way to a store that has some of its objects: behind the head
    /// stands which of them follow.
    pub fn open_partial(source: R, trust: &Trust, limits: &Limits) -> Result<Self> {
        let mut reader = Self::open(source, trust, limits)?;
        let selection = Selection::read(&mut reader.source, reader.manifest.objects.len())?;
        Ok(Self { selection: Some(selection), ..reader })
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub fn into_manifest(self) -> Manifest {
        self.manifest
    }

    /// Who signed it.
    pub fn signer(&self) -> SignerKey {
        self.signer
    }

    /// How long the file is before its first object.
    pub fn head_bytes(&self) -> u64 {
        self.head_bytes
    }

    /// The next object; `None` after the last one, when the file ends as it should.
    pub fn next_object(&mut self) -> Result<Option<Object>> {
        if let Some(selection) = &self.selection {
            let all = self.manifest.objects.len();
            self.next = (self.next..all).find(|it| selection.has(*it)).unwrap_or(all);
        }
        let Some(&ObjectEntry { digest, size }) = self.manifest.objects.get(self.next) else {
            let mut more = [0; 1];
            return match read(&mut self.source, &mut more)? {
                0 => Ok(None),
                _ => Err(Error::Trailing),
            };
        };
        let item = self.uses.get(&digest).cloned().ok_or(Error::Unused(digest))?;
        let bytes = take(&mut self.source, size, &item.to_string())?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(Error::Tampered { what: item.to_string(), stated: digest, found });
        }
        check_form(&item, &bytes)?;
        self.next += 1;
        Ok(Some(Object { digest, item, bytes: bytes.into() }))
    }
}

impl<R: BufRead> Reader<R> {
    /// Whether something follows what was read.
    pub fn has_more(&mut self) -> Result<bool> {
        loop {
            match self.source.fill_buf().map(|it| !it.is_empty()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done.map_err(Error::Io),
            }
        }
    }
}

/// Refuses an object that is not what its item needs.
fn check_form(item: &Item, bytes: &[u8]) -> Result<()> {
    let json =
        |it: serde_json::Error| Error::Malformed { what: item.to_string(), reason: it.to_string() };
    match item {
        Item::Workflow(_) => read_plan(item, bytes).map(drop),
        Item::Asset(_) | Item::Environment(_) | Item::Scheduler => {
            serde_json::from_slice::<Value>(bytes).map(drop).map_err(json)
        }
        Item::Assignments => {
            serde_json::from_slice::<AssignmentSettings>(bytes).map(drop).map_err(json)
        }
        Item::Script(_) => std::str::from_utf8(bytes).map(drop).map_err(|it| Error::Malformed {
            what: item.to_string(),
            reason: format!("it is no UTF-8: {it}"),
        }),
        Item::Secret(_) | Item::Settings => Ok(()),
    }
}

/// Reads the first line and returns it, if its format is known.
fn format(source: &mut impl Read) -> Result<Vec<u8>> {
    let mut line = vec![0; MAGIC.len()];
    match fill(source, &mut line, "its first line") {
        Ok(()) if line == MAGIC.as_bytes() => {}
        // Nothing at all, or too little to be one: it is another kind of file.
        Ok(()) | Err(Error::Truncated { .. }) => {
            return Err(Error::NotAPackage { expected: MAGIC.trim_end() });
        }
        Err(error) => return Err(error),
    }
    let mut byte = [0; 1];
    while line.len() <= MAGIC.len() + FORMAT_DIGITS_MAX {
        fill(source, &mut byte, "its first line")?;
        line.extend(byte);
        if byte == *b"\n" {
            break;
        }
    }
    let digits = line[MAGIC.len()..].strip_suffix(b"\n").unwrap_or_default();
    let number = std::str::from_utf8(digits).ok().filter(|it| !it.starts_with(['0', '+']));
    match number.and_then(|it| it.parse::<u32>().ok()) {
        Some(FORMAT) => Ok(line),
        Some(found) if found > FORMAT => Err(Error::NewerFormat { found, known: FORMAT }),
        Some(_) | None => {
            let reason = "it has no number of a format".to_owned();
            Err(Error::Malformed { what: "the first line".into(), reason })
        }
    }
}

/// Reads key and signature; who signed this.
fn verified(source: &mut impl Read, head: &[u8]) -> Result<SignerKey> {
    let (mut key, mut signature) = ([0; KEY_LENGTH], [0; SIGNATURE_LENGTH]);
    fill(source, &mut key, "the signature")?;
    fill(source, &mut signature, "the signature")?;
    let signer = SignerKey::from_bytes(key);
    signer.verify(head, &signature)?;
    Ok(signer)
}

/// Reads as many bytes, in memory that grows with what is really there.
pub(crate) fn take(source: &mut impl Read, size: u64, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let found = source.take(size).read_to_end(&mut bytes).map_err(Error::Io)? as u64;
    match size - found {
        0 => Ok(bytes),
        missing => Err(Error::Truncated { within: what.to_owned(), missing }),
    }
}

fn fill(source: &mut impl Read, buffer: &mut [u8], what: &str) -> Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(source, &mut buffer[filled..])? {
            0 => {
                let missing = (buffer.len() - filled) as u64;
                return Err(Error::Truncated { within: what.to_owned(), missing });
            }
            more => filled += more,
        }
    }
    Ok(())
}

fn read(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done.map_err(Error::Io),
        }
    }
}
