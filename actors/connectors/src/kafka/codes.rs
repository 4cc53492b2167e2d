//! The codes of this connector: 4330–4359. Faults first, findings from 4350.

/// The configuration can't be used.
pub(super) const CONFIG: u32 = 4330;
/// No broker answers.
pub(super) const UNREACHABLE: u32 = 4331;
/// The brokers refuse who we are, or we refuse who they are.
pub(super) const REFUSED: u32 = 4332;
/// The user may not do this.
pub(super) const FORBIDDEN: u32 = 4333;
/// A topic is not there.
pub(super) const TOPIC: u32 = 4334;
/// What was to be read next is deleted.
pub(super) const LOST: u32 = 4335;
/// What was read last is behind the end: the topic is not the one that was read.
pub(super) const AHEAD: u32 = 4336;
/// A position can't be read.
pub(super) const POSITION: u32 = 4337;
/// A broker could not do what was asked.
pub(super) const BROKER: u32 = 4338;
/// A message was not taken.
pub(super) const NOT_TAKEN: u32 = 4339;
/// A transaction came to nothing.
pub(super) const TRANSACTION: u32 = 4340;
/// The topic that says what was sent can't be used.
pub(super) const COMMITS: u32 = 4341;
/// Whether it was sent can't be told yet.
pub(super) const PENDING: u32 = 4342;

/// A number or an address that makes no sense.
pub(super) const BAD_VALUE: u32 = 4350;
/// Topics that can't be.
pub(super) const BAD_TOPIC: u32 = 4351;
/// A secret where it would be stored or shown.
pub(super) const BAD_SECRET: u32 = 4352;
/// A format that has no messages, or a schema that can't be read.
pub(super) const BAD_FORMAT: u32 = 4353;
/// A field that is not there or can't stand beside a message.
pub(super) const BAD_FIELD: u32 = 4354;
