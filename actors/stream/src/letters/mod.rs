//! Dead letters that are kept, and put through their workflow again.
//!
//! A workflow's dead letters are files on whatever engine its stream ran. Beside them they are kept in
//! the store of the checkpoints, which every engine reaches:
//!
//! ```text
//! letters/WORKFLOW/kept/STREAM[-EPOCH]   the letters of a stream, or of an epoch of a live one
//! letters/WORKFLOW/book/0000000001       what operators asked for, one after the other
//! letters/WORKFLOW/pending/0000000001.COMMAND.STAGE   a replay that is to run
//! letters/WORKFLOW/ended/COMMAND-STAGE    how it ended
//! letters/WORKFLOW/volumes/0000000001-0000000064   pages that nothing changes any more, with how they ended
//! ```
//!
//! Invariants:
//! - L1: letters are kept by an action of the stream that left them: once it is decided, and never else.
//! - L2: the book decides whose a letter is. Its pages are created one after the other, so of two who
//!   ask at the same time one reads what the other wrote. A command that is in it changes nothing when
//!   it comes again.
//! - L3: a replay is an item of the source `WORKFLOW/dead-letters`. Claim, outcome, settlement and
//!   adoption are those of every item: it is committed once, by one engine, or leaves nothing behind.
//! - L4: a replay has ended when that is written, which its settlement does. Letters of one that was
//!   committed are never replayed again; those of one that was rolled back wait again.
//! - L5: what is pending runs only if the book has it: who died between the two has asked for nothing.
//! - L6: a replay is run by the version that it was asked for, or by one that took its place (`version`).
//! - L7: a page counts that is behind all volumes, or in one. Volumes are created once, of settled pages in
//!   their order, and have all of these; what they are made of is removed after that (`ledger`).
//!
//! Not here: the files. What is discarded or replayed stays in them.

mod book;
mod calls;
mod cancel;
mod effect;
mod keep;
mod ledger;
mod part;
mod record;
mod replayer;
mod reread;
mod shelves;
mod sight;
mod source;
mod tally;
mod version;
mod volume;

pub use calls::ReplayCalls;
pub use cancel::{Cancelled, OpenReplay, runs_nowhere};
pub(crate) use effect::{LETTERS, run};
pub(crate) use keep::{Keeping, Schemas};
pub(crate) use record::Origins;
pub use reread::RawLetter;
pub use shelves::{How, Letters};
pub use sight::Sight;
pub use tally::LetterTallies;
pub use version::version_of;

/// The store is away, or what is in it can't be read.
const STORE: u32 = 3200;
/// What was left can't go through the workflow as it is now.
const UNFIT: u32 = 3201;
