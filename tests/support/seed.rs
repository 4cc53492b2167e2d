//! What repeats a run of a test that makes random choices.

use std::thread;

/// Says how to repeat a run that failed.
pub(crate) struct Seed(pub(crate) u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("repeat it with WEIR_SEED={}", self.0);
        }
    }
}

/// What a variable of the environment says, if it does.
pub(crate) fn number<T: std::str::FromStr>(variable: &str, default: T) -> T {
    std::env::var(variable).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}
