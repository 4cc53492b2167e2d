//! From a project's directory to what a cluster runs: the one way to build a package, and the one way to
//! deliver it, whoever asks for it: a command on this machine, or a request to a configuration server.
//!
//! - V1: nothing is activated that the cluster has not stored whole, and nothing is stored that has errors.
//! - V2: between two steps it is asked whether to go on; what was stored by then stays stored, under its
//!   tag, and is not run.
//! - V3: a directory is read as it is, once: what changes meanwhile is in the next package. Where others change
//!   it, a snapshot is read. A version is read as it was committed, and whatever the directory has by now plays
//!   no part.

mod build;
mod deploy;
mod file;
mod foresee;
mod inferring;
mod peeking;
mod sampled;
mod sealing;
mod sources;
mod tested;

pub(crate) use build::{Built, NotBuilt, OTHERWISE_CALLED, TAG, Wanted, build};
pub(crate) use deploy::{Destination, NotDeployed, Order, STEPS, Telling, deploy};
pub(crate) use file::{Proven, Unusable, behind, head, partial, prove, write};
pub(crate) use inferring::infer;
pub(crate) use peeking::{Glasses, NotPeeked, peek, ring};
pub(crate) use sampled::{NotRun, Why, invalid, test_run, test_run_or};
pub(crate) use sealing::{Carried, Sealing, meant};
pub(crate) use sources::Sources;
pub(crate) use tested::View;
