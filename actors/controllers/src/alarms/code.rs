//! The codes of alarms that have none from elsewhere, one line each.

use weir_domain::Code;

/// The database can't be used.
pub(super) const STORE: Code = Code(6_201);
/// A member is not heard, is down, or was lost.
pub(super) const UNREACHABLE: Code = Code(6_202);
/// A member is heard and gives no answer.
pub(super) const SILENT: Code = Code(6_203);
/// Little memory is free on a node.
pub(super) const MEMORY: Code = Code(6_204);
/// A node is drained.
pub(super) const DRAINED: Code = Code(6_205);
/// A certificate ends soon, or has ended.
pub(super) const CERTIFICATE: Code = Code(6_206);
/// A controller runs nowhere.
pub(super) const MISSING: Code = Code(6_207);
/// Something is in the way of a controller.
pub(super) const HINDERED: Code = Code(6_208);
/// A workflow has failed, and nobody says why.
pub(super) const FAILED: Code = Code(6_209);
/// Instances have no place.
pub(super) const UNPLACED: Code = Code(6_210);
/// Streams are paused.
pub(super) const PAUSED: Code = Code(6_211);
/// Dead letters wait.
pub(super) const LETTERS: Code = Code(6_212);
