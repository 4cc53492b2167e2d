//! The codes of leases and singletons, one line each.

use weir_domain::Code;

/// This node has a lease now.
pub const TAKEN: Code = Code(11_050);
/// This node gave a lease back.
pub const RELEASED: Code = Code(11_051);
/// This node does not have a lease any more; its instance was stopped at once.
pub const LOST: Code = Code(11_052);
/// A lease could not be renewed in time; its instance begins nothing until it is.
pub const SUSPENDED: Code = Code(11_053);
/// A lease was renewed after all; its instance goes on.
pub const RESUMED: Code = Code(11_054);
/// A statement on a lease failed and is tried again.
pub const NOT_WRITTEN: Code = Code(11_055);
/// An instance did not start, and is tried again.
pub const NOT_STARTED: Code = Code(11_056);
/// A singleton is being handed over to another node.
pub const HANDING_OVER: Code = Code(11_057);
/// The leases can't be read.
pub const STORE_LOST: Code = Code(11_058);
/// The leases can be read again.
pub const STORE_BACK: Code = Code(11_059);
/// An instance ended by itself, and is started again.
pub const ENDED: Code = Code(11_060);
/// A singleton runs.
pub const STARTED: Code = Code(11_061);
/// A command of an epoch that has passed was refused.
pub const STALE_EPOCH: Code = Code(11_062);
/// A message of another node about leases can't be read.
pub const HINT_UNREADABLE: Code = Code(11_063);
/// An administrator moved a singleton.
pub const PINNED: Code = Code(11_064);
/// An instance did not stop in time.
pub const NOT_STOPPED: Code = Code(11_065);
/// A request to a singleton can't be read; nothing of it was done.
pub const NOT_SERVED: Code = Code(11_066);
/// A request to a singleton was carried out, and its answer can't be sent.
pub const ANSWER_NOT_SENT: Code = Code(11_067);
