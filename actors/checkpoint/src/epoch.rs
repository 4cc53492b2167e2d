//! Generations and epochs: numbers that are never used twice.
//!
//! A generation is one life of a job's coordinator; whoever creates its record has it. An epoch is
//! a number within a generation, so that an epoch which was announced, abandoned and forgotten in
//! a crash can't come again: the next life counts in a generation of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u32);

impl Generation {
    pub(crate) fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("four thousand million restarts"))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Ordered as they follow each other, over all generations of a job. Shown as `3.17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    pub generation: Generation,
    pub number: u32,
}

impl Epoch {
    pub const fn new(generation: u32, number: u32) -> Self {
        Self { generation: Generation(generation), number }
    }

    /// As one number in the same order, for the row of a transaction that tells which epoch it
    /// was. It fits a signed column for the first two thousand million generations.
    pub fn as_u64(self) -> u64 {
        u64::from(self.generation.0) << 32 | u64::from(self.number)
    }
}

impl From<u64> for Epoch {
    fn from(it: u64) -> Self {
        Self::new((it >> 32) as u32, it as u32)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.number)
    }
}

/// A text that is no epoch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no epoch: write its generation and its number, for instance 3.17")]
pub struct InvalidEpoch(String);

impl FromStr for Epoch {
    type Err = InvalidEpoch;

    fn from_str(text: &str) -> Result<Self, InvalidEpoch> {
        let parts = text.split_once('.').and_then(|(generation, number)| {
            Some(Self::new(generation.parse().ok()?, number.parse().ok()?))
        });
        parts.ok_or_else(|| InvalidEpoch(text.chars().take(40).collect()))
    }
}

impl Serialize for Epoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A place in the log of a job, counted from 1 without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u64);

impl Slot {
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_have_one_order_as_values_numbers_and_texts() {
        let ordered = [Epoch::new(0, 9), Epoch::new(1, 1), Epoch::new(1, 12), Epoch::new(10, 0)];
        assert!(ordered.is_sorted());
        assert!(ordered.map(Epoch::as_u64).is_sorted());
        for it in ordered {
            assert_eq!(Epoch::from(it.as_u64()), it);
            assert_eq!(it.to_string().parse(), Ok(it));
        }
        for bad in ["", "3", "3.", ".1", "a.b", "3.-1", "4294967296.0"] {
            assert!(bad.parse::<Epoch>().is_err(), "{bad:?}");
        }
    }
}
