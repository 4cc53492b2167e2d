//! Framing: where one record ends and the next begins, where the format itself does not say.
//!
//! A length that stands before a record says how to go on behind it, even if the record is bad or too
//! long. A length that can't be one is the end: nothing after it can be found.

use memchr::memchr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LineEnding;
use crate::isolate::Span;

/// Longest varint: 64 bits, 7 of them in each byte.
const VARINT_BYTES_MAX: usize = 10;

/// What stands between records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Framing {
    /// Each record is a line.
    #[default]
    Lines,
    /// Each record comes behind its length as a varint, as delimited messages of protobuf do.
    Varint,
    /// Each record comes behind its length in 2 bytes, the highest first.
    Uint16,
    /// Each record comes behind its length in 4 bytes, the highest first.
    Uint32,
    /// Each record comes behind its length in 2 bytes, the lowest first.
    Uint16Le,
    /// Each record comes behind its length in 4 bytes, the lowest first.
    Uint32Le,
    /// Nothing: the whole input is one record, or all records have the same length.
    None,
}

/// What was found next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record, and where the search goes on.
    Record { span: Span, next: usize },
    /// No whole record is left in the window; the next one begins at `from`.
    More { from: usize },
    /// The record at `at` is said to be so long that it is not read; what is left out of it.
    Long { at: usize, length: u64 },
    /// The input holds no further record.
    End,
}

/// The frames are lost.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disorder {
    pub(crate) at: usize,
    pub(crate) cause: String,
}

/// Finds records.
#[derive(Debug, Clone)]
pub(crate) struct Frames {
    framing: Framing,
    /// Of every record, where nothing stands between them.
    fixed: Option<usize>,
    skips_empty_lines: bool,
    record_bytes_max: usize,
}

impl Frames {
    pub(crate) fn new(framing: Framing, record_bytes_max: usize) -> Self {
        Self { framing, fixed: None, skips_empty_lines: false, record_bytes_max }
    }

    #[must_use]
    pub(crate) fn skipping_empty_lines(self) -> Self {
        Self { skips_empty_lines: true, ..self }
    }

    /// Without anything between them, records have this many bytes.
    #[must_use]
    pub(crate) fn of_length(self, bytes: usize) -> Self {
        Self { fixed: Some(bytes.max(1)), ..self }
    }

    pub(crate) fn has_lines(&self) -> bool {
        self.framing == Framing::Lines
    }

    /// The record at or after `from`. `complete` says that nothing follows after `bytes`.
    #[inline]
    pub(crate) fn next(&self, bytes: &[u8], from: usize, complete: bool) -> Result<Step, Disorder> {
        match (self.framing, self.fixed) {
            (Framing::Lines, _) => Ok(self.line(bytes, from, complete)),
            (Framing::None, None) => Ok(whole(bytes, from, complete)),
            (Framing::None, Some(length)) => frame(bytes, from, 0, length as u64, complete),
            _ => self.behind_length(bytes, from, complete),
        }
    }

    fn line(&self, bytes: &[u8], mut from: usize, complete: bool) -> Step {
        loop {
            let (end, next) = match memchr(b'\n', &bytes[from..]) {
                Some(length) => (from + length, from + length + 1),
                None if !complete => return Step::More { from },
                None if from == bytes.len() => return Step::End,
                None => (bytes.len(), bytes.len()),
            };
            let line = &bytes[from..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if self.skips_empty_lines && line.is_empty() {
                from = next;
                continue;
            }
            return Step::Record { span: from..from + line.len(), next };
        }
    }

    fn behind_length(&self, bytes: &[u8], from: usize, complete: bool) -> Result<Step, Disorder> {
        let rest = &bytes[from..];
        if rest.is_empty() && complete {
            return Ok(Step::End);
        }
        match self.length(rest) {
            Length::Of { length, bytes: _ } if length > self.record_bytes_max as u64 => {
                Ok(Step::Long { at: from, length })
            }
            Length::Of { length, bytes: prefix } => frame(bytes, from, prefix, length, complete),
            Length::Cut if !complete => Ok(Step::More { from }),
            Length::Cut => Err(Disorder {
                at: from,
                cause: "the input ends within the length of a record".into(),
            }),
            Length::Broken => {
                let cause = format!("a length of more than {VARINT_BYTES_MAX} bytes is none");
                Err(Disorder { at: from, cause })
            }
        }
    }

    fn length(&self, rest: &[u8]) -> Length {
        let of = |length: u64, bytes: usize| Length::Of { length, bytes };
        match self.framing {
            Framing::Varint => match varint(rest) {
                Some((length, bytes)) => of(length, bytes),
                None if rest.len() < VARINT_BYTES_MAX => Length::Cut,
                None => Length::Broken,
            },
            Framing::Uint16 => rest
                .first_chunk()
                .map_or(Length::Cut, |it| of(u16::from_be_bytes(*it).into(), it.len())),
            Framing::Uint16Le => rest
                .first_chunk()
                .map_or(Length::Cut, |it| of(u16::from_le_bytes(*it).into(), it.len())),
            Framing::Uint32 => rest
                .first_chunk()
                .map_or(Length::Cut, |it| of(u32::from_be_bytes(*it).into(), it.len())),
            Framing::Uint32Le => rest
                .first_chunk()
                .map_or(Length::Cut, |it| of(u32::from_le_bytes(*it).into(), it.len())),
            Framing::Lines | Framing::None => of(rest.len() as u64, 0),
        }
    }

    /// Bytes that the length before a record takes.
    pub(crate) fn prefix_bytes(&self, bytes: &[u8]) -> usize {
        match self.length(bytes) {
            Length::Of { bytes, .. } => bytes,
            Length::Cut | Length::Broken => 0,
        }
    }
}

enum Length {
    Of { length: u64, bytes: usize },
    Cut,
    Broken,
}

fn whole(bytes: &[u8], from: usize, complete: bool) -> Step {
    match (bytes.len() - from, complete) {
        (_, false) => Step::More { from },
        (0, true) => Step::End,
        (_, true) => Step::Record { span: from..bytes.len(), next: bytes.len() },
    }
}

fn frame(
    bytes: &[u8],
    from: usize,
    prefix: usize,
    length: u64,
    complete: bool,
) -> Result<Step, Disorder> {
    let start = from + prefix;
    let left = (bytes.len() - start) as u64;
    if left >= length {
        let end = start + length as usize;
        return Ok(Step::Record { span: start..end, next: end });
    }
    match (complete, prefix + left as usize) {
        (false, _) => Ok(Step::More { from }),
        (true, 0) => Ok(Step::End),
        (true, _) => {
            let cause = format!("the input ends after {left} of a record's {length} bytes");
            Err(Disorder { at: from, cause })
        }
    }
}

/// A varint and how many bytes it takes; `None` where it is cut off or none.
pub(crate) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        // The tenth byte has one bit left.
        if at == VARINT_BYTES_MAX - 1 && *byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// Appends a varint.
pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl Framing {
    /// Appends one record in its frame, or says why it has none.
    pub(crate) fn put(
        self,
        record: &[u8],
        line_ending: LineEnding,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let length = record.len();
        let too_long = |most: &str| format!("it has {length} bytes, and a frame holds {most}");
        match self {
            Self::Lines => {
                if let Some(at) = memchr(b'\n', record) {
                    return Err(format!("it has a line break after {at} bytes"));
                }
                if record.ends_with(b"\r") {
                    return Err("it ends with half a line break".into());
                }
            }
            Self::None => {}
            Self::Varint => put_varint(length as u64, out),
            Self::Uint16 | Self::Uint16Le => {
                let length = u16::try_from(length).map_err(|_| too_long("65,535"))?;
                let bytes = length.to_be_bytes();
                out.extend(if self == Self::Uint16 { bytes } else { length.to_le_bytes() });
            }
            Self::Uint32 | Self::Uint32Le => {
                let length = u32::try_from(length).map_err(|_| too_long("4,294,967,295"))?;
                let bytes = length.to_be_bytes();
                out.extend(if self == Self::Uint32 { bytes } else { length.to_le_bytes() });
            }
        }
        out.extend_from_slice(record);
        if self == Self::Lines {
            out.extend_from_slice(line_ending.bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Framing; 6] = [
        Framing::Lines,
        Framing::Varint,
        Framing::Uint16,
        Framing::Uint32,
        Framing::Uint16Le,
        Framing::Uint32Le,
    ];

    fn split(frames: &Frames, bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let (mut at, mut found) = (0, Vec::new());
        loop {
            match frames.next(bytes, at, true) {
                Ok(Step::Record { span, next }) => {
                    found.push(bytes[span].to_vec());
                    at = next;
                }
                Ok(Step::End) => return Ok(found),
                Ok(Step::Long { at, length }) => return Err(format!("{at}: {length} are long")),
                Ok(Step::More { from }) => panic!("complete, but not after {from}"),
                Err(it) => return Err(format!("{}: {}", it.at, it.cause)),
            }
        }
    }

    #[test]
    fn what_is_framed_is_found_again() {
        let records: Vec<Vec<u8>> =
            vec![vec![], b"a".to_vec(), vec![b'x'; 127], vec![b'y'; 128], vec![0xff; 40_000]];
        for framing in ALL {
            let mut bytes = Vec::new();
            for record in &records {
                framing.put(record, LineEnding::CrLf, &mut bytes).unwrap();
            }
            let frames = Frames::new(framing, 50_000);
            assert_eq!(split(&frames, &bytes).as_ref(), Ok(&records), "{framing:?}");
            for cut in [1, bytes.len() / 2] {
                let more = frames.next(&bytes[..cut], 0, false);
                assert!(more.is_ok(), "{framing:?} cut after {cut}");
            }
        }
    }

    #[test]
    fn records_of_one_length_need_nothing_between_them() {
        let frames = Frames::new(Framing::None, 100).of_length(2);
        assert_eq!(split(&frames, b"aabb"), Ok(vec![b"aa".to_vec(), b"bb".to_vec()]));
        let cut = "2: the input ends after 1 of a record's 2 bytes";
        assert_eq!(split(&frames, b"aab"), Err(cut.into()));
    }

    #[test]
    fn a_length_that_can_not_be_is_named_with_its_place() {
        let frames = Frames::new(Framing::Varint, 100);
        for (bytes, expected) in [
            (&b"\x01a\x05ab"[..], "2: the input ends after 2 of a record's 5 bytes"),
            (b"\x01a\x80", "2: the input ends within the length of a record"),
            (&[0xff; 12], "0: a length of more than 10 bytes is none"),
            (b"\x80\x01", "0: 128 are long"),
        ] {
            assert_eq!(split(&frames, bytes), Err(expected.into()));
        }
    }

    #[test]
    fn what_no_frame_holds_is_refused() {
        let mut out = Vec::new();
        let long = vec![b'x'; 70_000];
        for (framing, record, expected) in [
            (Framing::Lines, &b"a\nb"[..], "it has a line break after 1 bytes"),
            (Framing::Lines, b"a\r", "it ends with half a line break"),
            (Framing::Uint16, &long, "it has 70000 bytes, and a frame holds 65,535"),
        ] {
            let put = framing.put(record, LineEnding::Lf, &mut out);
            assert_eq!(put, Err(expected.into()));
        }
    }
}
