//! The codes of this connector: 4400–4419. Faults first, findings from 4415.

/// No server can be reached, or it was lost.
pub(super) const AWAY: u32 = 4400;
/// The server turns us away.
pub(super) const REFUSED: u32 = 4401;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4402;
/// There is no such stream.
pub(super) const NO_STREAM: u32 = 4403;
/// A position that is none.
pub(super) const POSITION: u32 = 4404;
/// The stream is not the one that was read.
pub(super) const OTHER_STREAM: u32 = 4405;
// 4406 is a warning: messages were deleted before they were read.
/// Messages can't be published.
pub(super) const PUBLISH: u32 = 4407;

/// A key that can't be used, or not beside another.
pub(super) const BAD_VALUE: u32 = 4415;
/// A secret where it would be shown.
pub(super) const SHOWN_SECRET: u32 = 4416;
