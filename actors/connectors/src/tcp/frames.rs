//! Frames out of bytes that come piece by piece.

use bytes::{Buf as _, Bytes, BytesMut};
use weir_formats::Framing;

/// Longest varint: 64 bits, 7 of them in each byte.
const VARINT_BYTES_MAX: usize = 10;

pub(super) struct Frames {
    framing: Framing,
    longest: usize,
    buffer: BytesMut,
    /// In how many bytes of the buffer no line ends.
    searched: usize,
}

impl Frames {
    pub(super) fn new(framing: Framing, longest: usize) -> Self {
        Self { framing, longest, buffer: BytesMut::new(), searched: 0 }
    }

    /// Where the next bytes go.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next frame, if it is there as a whole, or why there is none any more.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, String> {
        let (header, length) = match self.framing {
            Framing::Lines => return self.line(),
            Framing::None => return self.check(self.buffer.len()).map(|()| None),
            Framing::Varint => match self.varint()? {
                Some(it) => it,
                None => return Ok(None),
            },
            Framing::Uint16 => match self.buffer.first_chunk() {
                Some(it) => (2, u64::from(u16::from_be_bytes(*it))),
                None => return Ok(None),
            },
            Framing::Uint16Le => match self.buffer.first_chunk() {
                Some(it) => (2, u64::from(u16::from_le_bytes(*it))),
                None => return Ok(None),
            },
            Framing::Uint32 => match self.buffer.first_chunk() {
                Some(it) => (4, u64::from(u32::from_be_bytes(*it))),
                None => return Ok(None),
            },
            Framing::Uint32Le => match self.buffer.first_chunk() {
                Some(it) => (4, u64::from(u32::from_le_bytes(*it))),
                None => return Ok(None),
            },
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.check(length)?;
        if self.buffer.len() < header + length {
            return Ok(None);
        }
        self.buffer.advance(header);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// What is left when the connection ends, or that a frame is not whole.
    pub(super) fn end(&mut self) -> Result<Option<Bytes>, String> {
        match self.framing {
            _ if self.buffer.is_empty() => Ok(None),
            Framing::Lines | Framing::None => Ok(Some(self.buffer.split().freeze())),
            Framing::Varint
            | Framing::Uint16
            | Framing::Uint16Le
            | Framing::Uint32
            | Framing::Uint32Le => Err("the connection ended within a frame".to_owned()),
        }
    }

    fn check(&self, length: usize) -> Result<(), String> {
        match length <= self.longest {
            true => Ok(()),
            false => Err(format!("a frame of {length} bytes is longer than maxFrame")),
        }
    }

    fn line(&mut self) -> Result<Option<Bytes>, String> {
        let end = self.buffer[self.searched..].iter().position(|it| *it == b'\n');
        let Some(end) = end.map(|it| it + self.searched) else {
            self.searched = self.buffer.len();
            return self.check(self.searched).map(|()| None);
        };
        self.searched = 0;
        self.check(end)?;
        let mut line = self.buffer.split_to(end + 1);
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end - 1);
        }
        Ok(Some(line.freeze()))
    }

    fn varint(&self) -> Result<Option<(usize, u64)>, String> {
        let mut value = 0_u64;
        for (at, byte) in self.buffer.iter().take(VARINT_BYTES_MAX).enumerate() {
            value |= u64::from(byte & 0x7f).checked_shl(7 * at as u32).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(Some((at + 1, value)));
            }
        }
        match self.buffer.len() < VARINT_BYTES_MAX {
            true => Ok(None),
            false => Err("a length is none".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames of bytes that come in pieces of a size, and how it ends.
    fn frames(framing: Framing, bytes: &[u8], piece: usize) -> (Vec<Bytes>, Result<(), String>) {
        let (mut frames, mut found) = (Frames::new(framing, 300), Vec::new());
        for piece in bytes.chunks(piece) {
            frames.buffer().extend_from_slice(piece);
            loop {
                match frames.next() {
                    Ok(Some(frame)) => found.push(frame),
                    Ok(None) => break,
                    Err(cause) => return (found, Err(cause)),
                }
            }
        }
        let end = frames.end().map(|it| found.extend(it));
        (found, end)
    }

    #[test]
    fn frames_are_the_same_in_whatever_pieces_they_come() {
        let long = vec![b'x'; 200];
        let cases: [(Framing, Vec<u8>); 7] = [
            (Framing::Lines, [b"ab\n\r\n", &long[..], b"\r\n"].concat()),
            (Framing::Lines, [b"ab\r\n\n", &long[..]].concat()),
            (Framing::Varint, [b"\x02ab\x00\xc8\x01", &long[..]].concat()),
            (Framing::Uint16, [b"\0\x02ab\0\0\0\xc8", &long[..]].concat()),
            (Framing::Uint16Le, [b"\x02\0ab\0\0\xc8\0", &long[..]].concat()),
            (Framing::Uint32, [b"\0\0\0\x02ab\0\0\0\0\0\0\0\xc8", &long[..]].concat()),
            (Framing::Uint32Le, [b"\x02\0\0\0ab\0\0\0\0\xc8\0\0\0", &long[..]].concat()),
        ];
        let expected = [&b"ab"[..], b"", &long].map(Bytes::copy_from_slice).to_vec();
        for (framing, bytes) in cases {
            for piece in [1, 2, 3, 7, 1_000] {
                let found = frames(framing, &bytes, piece);
                assert_eq!(found, (expected.clone(), Ok(())), "{framing:?} by {piece}");
            }
        }
        assert_eq!(frames(Framing::None, b"all\nof it", 2).0, [Bytes::from("all\nof it")]);
    }

    #[test]
    fn lost_frames_are_known() {
        let lost = |framing, bytes: &[u8]| frames(framing, bytes, 5).1.is_err();
        assert!(lost(Framing::Lines, &[b'x'; 301]));
        assert!(lost(Framing::None, &[b'x'; 301]));
        assert!(lost(Framing::Varint, &[0xff; 11]));
        assert!(lost(Framing::Uint32, b"\xff\0\0\0xxx"));
        assert!(lost(Framing::Uint32, b"\0\0\0\x05xxx"));
        assert!(!lost(Framing::Uint16, b"\0\x03xxx"));
    }
}
