//! The codes of this connector: 4450–4459. Faults first, findings from 4455.

/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4450;
/// A position that is none.
pub(super) const POSITION: u32 = 4451;

/// An interval or expression that makes no ticks, or both of them.
pub(super) const BAD_VALUE: u32 = 4455;
