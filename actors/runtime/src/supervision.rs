//! Supervision: what happens when an actor fails.
//!
//! When to start again is decided by plain values (`policy`); an actor carries it out
//! (`supervisor`). A child that ends normally is done and is not started again. A child that fails
//! with `Fatal` is not started again either, since it would fail the same way: a person must look.

mod child;
mod policy;
mod supervisor;

pub use child::{Child, ChildState, Fatal};
pub use policy::{Backoff, Exhausted, RestartBudget, RestartPolicy, Restarts, Verdict};
pub use supervisor::{Factory, StopTimedOut, Supervised, supervise};

#[cfg(test)]
mod tests;
