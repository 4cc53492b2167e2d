//! Decoders of others, which trust the sizes in a file more than they should: a crafted one must not
//! end more than its own stream.

use std::panic::{AssertUnwindSafe, catch_unwind};

use weir_domain::Fault;

/// Runs a decoder, and makes a cause of its panic.
pub(crate) fn unwound<T>(work: impl FnOnce() -> T) -> Result<T, &'static str> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the decoder gave up on what it holds")
}

/// Runs a decoder, and makes a fault of its panic.
pub(crate) fn guarded<T>(
    damaged: impl FnOnce(&str) -> Fault,
    work: impl FnOnce() -> T,
) -> Result<T, Fault> {
    unwound(work).map_err(damaged)
}
