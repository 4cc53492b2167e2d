//! The wire format: tags, and what stands behind them.

use crate::framing::{put_varint, varint};

pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const SIZED: u8 = 2;
pub(super) const GROUP_BEGIN: u8 = 3;
pub(super) const GROUP_END: u8 = 4;
pub(super) const FIXED32: u8 = 5;

/// Groups of fields that are not known may contain groups.
const GROUP_DEPTH_MAX: usize = 64;

/// A value as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Raw<'a> {
    Bits(u64),
    Bytes(&'a [u8]),
}

/// Goes through bytes from front to back.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The number of the next field, and its wire type.
    #[inline]
    pub(super) fn tag(&mut self) -> Result<(u32, u8), String> {
        let tag = self.varint()?;
        match u32::try_from(tag >> 3) {
            Ok(number) if number > 0 && number < 1 << 29 => Ok((number, (tag & 7) as u8)),
            _ => Err(format!("a field has the number {}", tag >> 3)),
        }
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, String> {
        let (value, length) = varint(self.bytes).ok_or("it ends within a number")?;
        self.bytes = &self.bytes[length..];
        Ok(value)
    }

    /// The value behind a tag.
    #[inline]
    pub(super) fn value(&mut self, wire: u8) -> Result<Raw<'a>, String> {
        match wire {
            VARINT => self.varint().map(Raw::Bits),
            FIXED64 => self.take(8).map(|it| Raw::Bits(little_endian(it))),
            FIXED32 => self.take(4).map(|it| Raw::Bits(little_endian(it))),
            SIZED => {
                let length = self.varint()?;
                self.take(length).map(Raw::Bytes)
            }
            other => Err(format!("a field has the wire type {other}")),
        }
    }

    /// Leaves out the value of a field that is not known.
    pub(super) fn skip(&mut self, number: u32, wire: u8, depth: usize) -> Result<(), String> {
        if wire != GROUP_BEGIN {
            return self.value(wire).map(|_| ());
        }
        if depth == GROUP_DEPTH_MAX {
            return Err("groups are nested too deeply".into());
        }
        loop {
            let (inner, wire) = self.tag()?;
            if wire == GROUP_END {
                return match inner == number {
                    true => Ok(()),
                    false => Err(format!("group {number} ends as group {inner}")),
                };
            }
            self.skip(inner, wire, depth + 1)?;
        }
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let left = self.bytes.len() as u64;
        if length > left {
            return Err(format!("a field has {length} bytes, and {left} are left"));
        }
        let (taken, rest) = self.bytes.split_at(length as usize);
        self.bytes = rest;
        Ok(taken)
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, it| value << 8 | u64::from(*it))
}

pub(super) fn put_tag(number: u32, wire: u8, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | u64::from(wire), out);
}

pub(super) fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_nobody_knows_are_left_out() {
        for (bytes, expected) in [
            (&b"\x0b\x10\x01\x13\x18\x01\x14\x0c"[..], Ok(())),
            (b"\x0b\x14", Err("group 1 ends as group 2")),
            (b"\x0b", Err("it ends within a number")),
            (b"\x0c", Err("a field has the wire type 4")),
            (b"\x0a\x05a", Err("a field has 5 bytes, and 1 are left")),
        ] {
            let mut cursor = Cursor::new(bytes);
            let (number, wire) = cursor.tag().unwrap();
            let skipped = cursor.skip(number, wire, 0);
            assert_eq!(skipped, expected.map_err(str::to_owned));
        }
        let deep = vec![0x0b; 1000];
        assert!(Cursor::new(&deep).skip(1, GROUP_BEGIN, 0).unwrap_err().contains("too deeply"));
        assert_eq!(Cursor::new(&[0]).tag(), Err("a field has the number 0".into()));
    }

    #[test]
    fn signs_survive_the_zigzag() {
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }
}
