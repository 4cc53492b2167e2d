//! The codes of this connector: 4420–4439. Faults first, findings from 4435.

/// The other side can't be reached, or answers that it can't for now.
pub(super) const AWAY: u32 = 4420;
/// The other side refuses what we ask or send.
pub(super) const REFUSED: u32 = 4421;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4422;
/// The address can't be listened on.
pub(super) const BIND: u32 = 4423;
/// An answer is not what was asked for.
pub(super) const ANSWER: u32 = 4424;
/// A position that is none.
pub(super) const POSITION: u32 = 4425;
/// The other side refuses records for what is in them.
pub(super) const DROPPED: u32 = 4426;

/// A key that can't be used, or not beside another.
pub(super) const BAD_VALUE: u32 = 4435;
/// A secret where it would be shown.
pub(super) const SHOWN_SECRET: u32 = 4436;
