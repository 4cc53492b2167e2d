//! The codes of this connector: 4440–4449. Faults first, findings from 4445.

/// The address can't be listened on.
pub(super) const BIND: u32 = 4440;
/// The other side can't be reached.
pub(super) const AWAY: u32 = 4441;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4442;
// 4443 is a warning: the frames of a connection are lost.

/// A key that can't be used, or not beside another.
pub(super) const BAD_VALUE: u32 = 4445;
