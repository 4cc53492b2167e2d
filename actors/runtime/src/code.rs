//! The codes that this crate writes into logs and faults, one line each.

use weir_domain::Code;

/// Somebody asked the process to stop.
pub const SHUTDOWN_REQUESTED: Code = Code(20);
/// A step of the shutdown failed, panicked or did not end in time.
pub const SHUTDOWN_STEP: Code = Code(21);
/// The shutdown is finished.
pub const SHUTDOWN_DONE: Code = Code(22);
/// A second request cut the shutdown short.
pub const SHUTDOWN_FAST: Code = Code(23);

/// Messages for an actor that has stopped.
pub const DEAD_LETTER: Code = Code(6001);
/// An actor failed and will be started again.
pub const ACTOR_RESTARTING: Code = Code(6002);
/// An actor failed for good; a person must look.
pub const ACTOR_FAILED: Code = Code(6003);
/// A task outside actors panicked.
pub const TASK_PANICKED: Code = Code(6004);
/// A controller reads its journal, or has read it.
pub const RECOVERY: Code = Code(6005);
/// A stored event can't be read: its form is not known or its content is not what it says.
pub const EVENT_UNREADABLE: Code = Code(6006);
/// A stored event contradicts the state that the events before it lead to.
pub const EVENT_CONTRADICTS: Code = Code(6007);
/// Events that were written are missing from the journal.
pub const JOURNAL_GAP: Code = Code(6008);
/// Another writer holds the lease; this one was refused by the store.
pub const FENCED: Code = Code(6009);
/// The journal is not where this writer thought it was.
pub const CONFLICT: Code = Code(6010);
/// The store can't be reached; commands are refused until it can.
pub const STORE_SUSPENDED: Code = Code(6011);
/// The store is back.
pub const STORE_RESUMED: Code = Code(6012);
/// A snapshot can't be read or written. The journal is the truth, so nothing is lost.
pub const SNAPSHOT: Code = Code(6013);
/// An effect failed and will be tried again.
pub const EFFECT_FAILED: Code = Code(6014);
/// The command that an effect led to was refused.
pub const EFFECT_ANSWER_REFUSED: Code = Code(6015);
/// A stored row is damaged.
pub const JOURNAL_DAMAGED: Code = Code(6016);
/// A read on a controller's state panicked; the state is unharmed.
pub const READ_PANICKED: Code = Code(6017);
/// An actor did not stop in time and was killed.
pub const STOP_TIMED_OUT: Code = Code(6018);
/// A controller may not write for now, or may again, as those who hold its lease say.
pub const HELD: Code = Code(6019);
