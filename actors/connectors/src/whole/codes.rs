//! The codes that files and objects share, out of the range of the file connector.

/// A stream makes more files than one may.
pub(crate) const OUTPUT_COUNT: u32 = 4214;
/// The name of an output can't be made.
pub(crate) const OUTPUT_NAME: u32 = 4215;
/// Records can't be split by the fields of a name.
pub(crate) const OUTPUT_SPLIT: u32 = 4220;

/// A directory, interval or number that makes no sense.
pub(crate) const BAD_VALUE: u32 = 4240;
/// A glob or a regular expression that is none.
pub(crate) const BAD_PATTERN: u32 = 4241;
/// A macro that is none, or a name that can't be one.
pub(crate) const BAD_TEMPLATE: u32 = 4242;
/// A field that is not there or can't stand in a name.
pub(crate) const BAD_FIELD: u32 = 4243;
/// A schema that can't be read.
pub(crate) const BAD_SCHEMA: u32 = 4244;
/// Records that the format can't hold.
pub(crate) const BAD_FORMAT: u32 = 4245;
/// Every item would be processed again and again.
pub(crate) const ENDLESS: u32 = 4246;
