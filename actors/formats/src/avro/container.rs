//! Container files: a header with the schema, then blocks of records, each with a mark behind it.

use weir_domain::Fault;

use super::codec::BLOCK_BYTES_MAX;
use super::config::AvroCodec;
use super::shape::{Miss, long, positive};
use crate::fault;
use crate::input::Window;

pub(super) const MAGIC: &[u8] = b"Obj\x01";
pub(super) const SCHEMA_KEY: &str = "avro.schema";
pub(super) const CODEC_KEY: &str = "avro.codec";
pub(super) const MARK_BYTES: usize = 16;
/// More of what people note in a header than anyone writes.
const HEADER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads a container file block by block.
pub(super) struct Container {
    pub(super) window: Window,
    codec: AvroCodec,
    mark: [u8; MARK_BYTES],
}

/// The records of a block, one behind the other.
#[derive(Default)]
pub(super) struct Block {
    /// How many are left.
    pub(super) count: u64,
    pub(super) bytes: Vec<u8>,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Whether its bytes stand in the file as they are.
    pub(super) is_plain: bool,
}

/// What stands in a header, and where it ends.
struct Header {
    schema: Option<Vec<u8>>,
    codec: AvroCodec,
    end: usize,
}

impl Container {
    /// Opens a file and gives the schema that its records were written with.
    pub(super) fn open(mut window: Window) -> Result<(Self, Vec<u8>), Fault> {
        let header = loop {
            match header(window.bytes()) {
                Ok(header) => break header,
                Err(Miss::Wrong(cause)) => return Err(fault::avro_damaged(&cause)),
                Err(Miss::Cut) if window.is_complete() => {
                    return Err(fault::avro_damaged("it ends within its header"));
                }
                Err(Miss::Cut) if window.bytes().len() > HEADER_BYTES_MAX => {
                    let cause = format!("its header has more than {HEADER_BYTES_MAX} bytes");
                    return Err(fault::avro_damaged(&cause));
                }
                Err(Miss::Cut) => window.fill()?,
            }
        };
        let schema = header.schema.ok_or_else(|| fault::avro_damaged("it holds no schema"))?;
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&window.bytes()[header.end - MARK_BYTES..header.end]);
        window.consume(header.end);
        Ok((Self { window, codec: header.codec, mark }, schema))
    }

    /// The next block, or `None` at the file's end. `records` came before it.
    pub(super) fn next(&mut self, records: u64) -> Result<Option<Block>, Fault> {
        if self.window.bytes().is_empty() && !self.window.is_complete() {
            self.window.fill()?;
        }
        if self.window.bytes().is_empty() {
            return Ok(None);
        }
        let offset = self.window.offset_of(0);
        let damaged = |cause: &str| block_damaged(cause, offset, records);
        let (count, start, end) = loop {
            let found = self.frame().map_err(|it| match it {
                Miss::Wrong(cause) => Some(cause),
                Miss::Cut => None,
            });
            match found {
                Ok((count, start, end)) if end + MARK_BYTES <= self.window.bytes().len() => {
                    break (count, start, end);
                }
                Err(Some(cause)) => return Err(damaged(&cause)),
                _ if self.window.is_complete() => return Err(damaged("the file ends within it")),
                _ => self.window.fill()?,
            }
        };
        let bytes = self.window.bytes();
        if bytes[end..end + MARK_BYTES] != self.mark {
            return Err(damaged("the mark behind it is another than the file's"));
        }
        let records = self.codec.decompress(&bytes[start..end]).map_err(|it| damaged(&it))?;
        let is_plain = self.codec == AvroCodec::None;
        let offset = if is_plain { offset + start as u64 } else { offset };
        self.window.consume(end + MARK_BYTES);
        Ok(Some(Block { count, bytes: records, offset, is_plain }))
    }

    /// How many records the block at the window's beginning holds, and where they begin and end.
    fn frame(&self) -> Result<(u64, usize, usize), Miss> {
        let bytes = self.window.bytes();
        let (count, at) = long(bytes, 0)?;
        let (length, start) = long(bytes, at)?;
        let (count, length) = (positive(count)?, positive(length)?);
        if length > BLOCK_BYTES_MAX as u64 {
            return Err(Miss::Wrong(format!(
                "it is said to have {length} bytes, and {BLOCK_BYTES_MAX} are the most"
            )));
        }
        Ok((count, start, start + length as usize))
    }
}

pub(super) fn block_damaged(cause: &str, offset: u64, records: u64) -> Fault {
    fault::avro_damaged(&format!(
        "the block at byte {offset}, after record {records}, is damaged: {cause}"
    ))
}

fn header(bytes: &[u8]) -> Result<Header, Miss> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(Miss::Wrong("it does not begin as one".into()));
    }
    if known < MAGIC.len() {
        return Err(Miss::Cut);
    }
    let mut header = Header { schema: None, codec: AvroCodec::None, end: MAGIC.len() };
    loop {
        let (count, at) = long(bytes, header.end)?;
        header.end = at;
        if count == 0 {
            break;
        }
        if count < 0 {
            header.end = long(bytes, header.end)?.1;
        }
        for _ in 0..count.unsigned_abs() {
            let (key, at) = text(bytes, header.end)?;
            let (value, at) = text(bytes, at)?;
            header.end = at;
            if key == SCHEMA_KEY.as_bytes() {
                header.schema = Some(value.to_vec());
            } else if key == CODEC_KEY.as_bytes() {
                header.codec = AvroCodec::named(value).map_err(Miss::Wrong)?;
            }
        }
    }
    header.end += MARK_BYTES;
    if header.end > bytes.len() { Err(Miss::Cut) } else { Ok(header) }
}

fn text(bytes: &[u8], at: usize) -> Result<(&[u8], usize), Miss> {
    let (length, start) = long(bytes, at)?;
    let length = positive(length)?;
    match (bytes.len() - start) as u64 >= length {
        true => Ok((&bytes[start..start + length as usize], start + length as usize)),
        false => Err(Miss::Cut),
    }
}
