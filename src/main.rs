//! Weir: one binary for engines, the configuration server and the administrators' commands.

mod boot;
mod cli;
mod delivery;

use std::process::ExitCode;

/// Many small buffers of many sizes from many threads: the system's allocator is slower at that
/// and keeps more of them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(boot::registry)
}
