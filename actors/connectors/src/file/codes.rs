//! The codes of this connector: 4200–4249. Faults first, findings from 4240.

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
/// A stream makes more files than one may.
pub(super) const OUTPUT_COUNT: u32 = 4214;
/// The name of an output can't be made.
pub(super) const OUTPUT_NAME: u32 = 4215;
/// A staged file can't be published.
pub(super) const PUBLISH: u32 = 4216;
/// What a stream staged can't be removed.
pub(super) const DISCARD: u32 = 4217;
/// A stored action can't be read.
pub(super) const ACTION: u32 = 4218;
/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4219;

/// A directory, interval or number that makes no sense.
pub(super) const BAD_VALUE: u32 = 4240;
/// A glob or a regular expression that is none.
pub(super) const BAD_PATTERN: u32 = 4241;
/// A macro that is none, or a name that can't be one.
pub(super) const BAD_TEMPLATE: u32 = 4242;
/// A field that is not there or can't stand in a name.
pub(super) const BAD_FIELD: u32 = 4243;
/// A schema that can't be read.
pub(super) const BAD_SCHEMA: u32 = 4244;
/// Records that the format can't hold.
pub(super) const BAD_FORMAT: u32 = 4245;
/// Every file would be processed again and again.
pub(super) const ENDLESS: u32 = 4246;
