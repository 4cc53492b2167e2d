//! The codes of this connector: 4480–4499. Faults first, findings from 4490.

/// The store does not answer, or failed.
pub(super) const AWAY: u32 = 4480;
/// The store refuses: credentials, rights, a bucket that is not there.
pub(super) const ACCESS: u32 = 4481;
/// An object is not what was listed.
pub(super) const INPUT_OBJECT: u32 = 4482;
/// An object was replaced or deleted while it was read.
pub(super) const INPUT_CHANGED: u32 = 4483;
/// There is an object of that name, and it may not be replaced.
pub(super) const OUTPUT_EXISTS: u32 = 4484;
/// An object has more parts than one may, or a name that none can have.
pub(super) const OUTPUT_OBJECT: u32 = 4485;
/// A stored action or note can't be read.
pub(super) const ACTION: u32 = 4486;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4487;

/// A connection that can't be one.
pub(super) const BAD_CONNECTION: u32 = 4490;
/// A prefix or number that makes no sense.
pub(super) const BAD_PLACE: u32 = 4491;
/// A secret where it would be stored and shown.
pub(super) const BAD_SECRET: u32 = 4492;
