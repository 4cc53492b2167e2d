//! Parts as they are stored.
//!
//! ```text
//! WEIRPART │ version u16 │ length of header u32 │ header, MessagePack │ operations, zstd │ CRC-32 u32
//! ```
//!
//! Numbers are little-endian; the checksum is of all before it. It is checked before anything else
//! is believed, and nothing is read into memory beyond what the header was written with.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::TableSpec;
use super::op::{Op, Reader};
use crate::epoch::Epoch;
use crate::manifest::PartKind;

const MAGIC: &[u8; 8] = b"WEIRPART";
/// The version that is written, and the newest that is read.
const VERSION: u16 = 1;
/// Bytes before the header.
const START: usize = 8 + 2 + 4;
/// Fast, and half the bytes.
const LEVEL: i32 = 1;
/// Largest content of a part: as much as a blob holds even if nothing of it can be compressed.
const RAW_BYTES_MAX: u64 = weir_persistence_api::BLOB_BYTES_MAX as u64;

/// Why a part can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    #[error("it does not begin as a part of a table: something else was stored there")]
    Foreign,
    #[error(
        "it is written in version {found} of the format, and this build reads versions up to \
         {reads}: run the build that wrote it, or a newer one"
    )]
    Newer { found: u16, reads: u16 },
    #[error(
        "its checksum is {found:08x}, and {expected:08x} was written: it was damaged or cut off \
         where it is stored"
    )]
    Damaged { found: u32, expected: u32 },
    #[error(
        "it is of a table that is {found}, and the stage's is {wanted}: restore it with the \
         version of the workflow that wrote it"
    )]
    OtherTable { found: TableSpec, wanted: TableSpec },
    #[error("its content is not what its header says: {0}")]
    Malformed(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    spec: TableSpec,
    kind: PartKind,
    epoch: Epoch,
    ops: u64,
    raw_bytes: u64,
}

/// A part that was opened.
#[derive(Debug)]
pub struct Part {
    header: Header,
    raw: Vec<u8>,
}

pub(super) fn seal(
    spec: TableSpec,
    kind: PartKind,
    epoch: Epoch,
    (content, ops): (&[u8], u64),
) -> Bytes {
    let raw_bytes = content.len() as u64;
    let header = Header { spec, kind, epoch, ops, raw_bytes };
    let header = rmp_serde::to_vec_named(&header).expect("a header becomes MessagePack");
    let body = zstd::bulk::compress(content, LEVEL).expect("compression into memory");
    let mut bytes = Vec::with_capacity(START + header.len() + body.len() + 4);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&body);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.into()
}

impl Part {
    pub fn open(bytes: &[u8]) -> Result<Self, PartError> {
        let malformed = |it: &str| PartError::Malformed(it.to_owned());
        let version = bytes.strip_prefix(MAGIC).and_then(|it| it.first_chunk());
        let found = u16::from_le_bytes(*version.ok_or(PartError::Foreign)?);
        if found != VERSION {
            return Err(PartError::Newer { found, reads: VERSION });
        }
        let (content, checksum) = bytes.split_last_chunk().ok_or(PartError::Foreign)?;
        let (found, expected) = (crc32fast::hash(content), u32::from_le_bytes(*checksum));
        if found != expected {
            return Err(PartError::Damaged { found, expected });
        }
        let (length, rest) = content
            .get(START - 4..)
            .and_then(|it| it.split_first_chunk())
            .ok_or_else(|| malformed("there is no header"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (header, body) =
            rest.split_at_checked(length).ok_or_else(|| malformed("the header is cut off"))?;
        let header: Header = rmp_serde::from_slice(header)
            .map_err(|it| PartError::Malformed(format!("the header can't be read: {it}")))?;
        if header.raw_bytes > RAW_BYTES_MAX {
            return Err(malformed("it is larger than any part"));
        }
        let raw = zstd::bulk::decompress(body, header.raw_bytes as usize)
            .map_err(|it| PartError::Malformed(format!("it can't be decompressed: {it}")))?;
        if raw.len() as u64 != header.raw_bytes {
            return Err(malformed("it is shorter than it was"));
        }
        Ok(Self { header, raw })
    }

    pub fn spec(&self) -> TableSpec {
        self.header.spec
    }

    pub fn kind(&self) -> PartKind {
        self.header.kind
    }

    /// Of the last change in it.
    pub fn epoch(&self) -> Epoch {
        self.header.epoch
    }

    /// Number of its operations.
    pub fn len(&self) -> u64 {
        self.header.ops
    }

    pub fn is_empty(&self) -> bool {
        self.header.ops == 0
    }

    pub(super) fn check(&self, wanted: TableSpec) -> Result<(), PartError> {
        let found = self.header.spec;
        if found == wanted { Ok(()) } else { Err(PartError::OtherTable { found, wanted }) }
    }

    pub(super) fn ops(&self) -> impl Iterator<Item = Result<Op<'_>, PartError>> {
        Reader(&self.raw)
    }
}
