//! The codes of this connector: 4360–4389. Faults first, findings from 4380.

/// The database can't be reached, or does not answer.
pub(super) const AWAY: u32 = 4360;
/// The database does not let this user in.
pub(super) const ACCESS: u32 = 4361;
/// A table or a column is not there, or can't take what it is to get.
pub(super) const TABLE: u32 = 4362;
/// The user may not do that.
pub(super) const FORBIDDEN: u32 = 4363;
/// Others were in the way.
pub(super) const CONTENDED: u32 = 4364;
/// The database refuses rows.
pub(super) const REFUSED: u32 = 4365;
/// The table of commits belongs to another history.
pub(super) const HISTORY: u32 = 4366;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4367;
/// The database refuses a query.
pub(super) const QUERY: u32 = 4368;
/// A position can't be gone on from.
pub(super) const POSITION: u32 = 4369;
/// What is in the outbox can't be read.
pub(super) const ENTRY: u32 = 4370;
/// What the database answered can't be used.
pub(super) const ANSWER: u32 = 4371;

/// A connection that can't be one.
pub(super) const BAD_CONNECTION: u32 = 4380;
/// Keys of the configuration that don't go together, or a value that makes no sense.
pub(super) const BAD_VALUE: u32 = 4381;
/// A field that is not there or can't be used so.
pub(super) const BAD_FIELD: u32 = 4382;
/// A secret where it would be stored and shown.
pub(super) const BAD_SECRET: u32 = 4383;
