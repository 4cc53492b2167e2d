//! The codes of this connector: 4200–4249, some of which it shares with others: `whole::codes`.

/// The input directory can't be listed.
pub(super) const INPUT_DIRECTORY: u32 = 4200;
/// An input file is not what was listed, or can't be opened.
pub(super) const INPUT_FILE: u32 = 4201;
/// An input file was changed, replaced or deleted while it was read.
pub(super) const INPUT_CHANGED: u32 = 4202;
/// A directory entry can't be an input: a symbolic link, a name that is no UTF-8.
pub(super) const INPUT_SKIPPED: u32 = 4203;
/// A finished input file can't be moved away.
pub(super) const INPUT_MOVE: u32 = 4204;
/// The output directory is missing or unusable.
pub(super) const OUTPUT_DIRECTORY: u32 = 4210;
/// Writing failed.
pub(super) const OUTPUT_WRITE: u32 = 4211;
/// The target exists and may not be replaced.
pub(super) const OUTPUT_EXISTS: u32 = 4212;
/// Another stream is about to publish the same target.
pub(super) const OUTPUT_RESERVED: u32 = 4213;
/// A staged file can't be published.
pub(super) const PUBLISH: u32 = 4216;
/// What a stream staged can't be removed.
pub(super) const DISCARD: u32 = 4217;
/// A stored action can't be read.
pub(super) const ACTION: u32 = 4218;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4219;
