//! Versions of a project, with Git.
//!
//! ```text
//! Repository ─┬─ status, diff, commit, history     what changed, field by field and line by line
//!             ├─ branches, merge                   conflicts are values, by field
//!             ├─ export                            a version as files, for whoever builds it
//!             └─ remotes: fetch, pull, push, clone through a door that keeps the time
//! ```
//!
//! Invariants, beside those of the modules:
//! - G1: nothing of a repository is ever run: no hook, no filter, no credential helper, no shell.
//! - G2: what is in no version is never lost without being named first.
//! - G3: a credential is in memory only, as long as a network step takes.
//!
//! Blocking code: who calls it decides on which thread. It knows neither servers nor actors. A merge
//! leaves nothing half done on disk: until all conflicts are decided, nothing is written.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod branches;
mod called;
mod checkout;
mod commit;
mod data;
mod diff;
mod error;
mod export;
mod guard;
mod history;
mod id;
mod merge;
mod remote;
mod repository;
mod status;

pub use branches::{Branch, BranchSide, Force};
pub use commit::{Commit, Paths};
pub use diff::{AssetDiff, Diff, DiffSide, FileDiff, FileEdit, Hunk, Line, LineKind, Text};
pub use error::{Error, Result};
pub use history::{Author, FileEntry, HistoryEntry, HistoryQuery, Page, Version};
pub use id::VersionId;
pub use merge::{
    Conflict, FileChoice, FileConflict, Foreseen, Merge, Merged, Outlook, Resolutions,
};
pub use remote::{
    Access, Cancel, Credentials, Fetched, Hosts, Limits, Progress, Pull, Pulled, Reach, Remote,
    Trust, address_shown,
};
pub use repository::Repository;
pub use status::{ChangedFile, FileChange, Status};
pub use weir_merge::{Choice, FieldConflict, FieldPath, Step};
