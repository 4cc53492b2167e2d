//! What is remembered of a key, in a form that checkpoints keep.

use serde::{Deserialize, Serialize};
use weir_stream::state::Weigh;

use super::scalar::Scalar;

/// All that is remembered of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    /// When a record had it last, in milliseconds since 1970.
    pub(super) seen: i64,
    /// In the order of the configuration's values.
    pub(super) cells: Vec<Cell>,
}

/// What one value is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Cell {
    Count(i64),
    Exact(Sum<i128>),
    Float(Sum<f64>),
    Picked(Option<Scalar>),
    /// It has a table of its own.
    Distinct,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sum<T> {
    pub(super) sum: T,
    /// How many values it is of.
    pub(super) count: u64,
}

impl Weigh for Cell {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Picked(Some(Scalar::Bytes(bytes))) => bytes.len(),
            Self::Count(_)
            | Self::Exact(_)
            | Self::Float(_)
            | Self::Picked(None | Some(Scalar::Int(_) | Scalar::Wide(_) | Scalar::Float(_)))
            | Self::Distinct => 0,
        }
    }
}

impl Weigh for Running {
    fn heap_bytes(&self) -> usize {
        self.cells.heap_bytes()
    }
}

/// A cell that a value of another type has left.
#[derive(Debug, thiserror::Error)]
#[error("what the checkpoint holds of it is of another type")]
pub(super) struct Foreign;
