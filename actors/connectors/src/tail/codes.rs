//! The codes of this connector: 4460–4469. Faults first, findings from 4465.

/// The directory can't be listed.
pub(super) const DIRECTORY: u32 = 4460;
/// A file can't be read.
pub(super) const FILE: u32 = 4461;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4462;
/// A position that is none.
pub(super) const POSITION: u32 = 4463;
// 4464 is a warning: a file was gone before all of it was read.

/// A directory, pattern or number that makes no sense.
pub(super) const BAD_VALUE: u32 = 4465;
