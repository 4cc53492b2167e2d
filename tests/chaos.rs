//! Faults of a cluster that take long, and faults at random. `make chaos` runs them; without
//! `WEIR_CHAOS` they are passed over.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_ROUNDS` sets how many rounds there are.

mod gaps;
mod long;
mod outputs;
mod random;
mod schedule;
mod unequal;

use std::fmt::Display;
use std::str::FromStr;

/// Whether the long tests are wanted, and a line that says so if they are not.
fn is_wanted() -> bool {
    let is_wanted = std::env::var_os("WEIR_CHAOS").is_some();
    if !is_wanted {
        eprintln!("skipped: it takes long; `make chaos` runs it");
    }
    is_wanted
}

/// A number from the environment.
fn number<T: FromStr + Display>(variable: &str, default: T) -> T {
    std::env::var(variable).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

/// Says how to repeat a run that failed.
struct Seed(u64);

impl Seed {
    fn chosen() -> Self {
        let seed = Self(number("WEIR_SEED", 20_261_121));
        eprintln!("WEIR_SEED={}", seed.0);
        seed
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat it with WEIR_CHAOS=1 WEIR_SEED={}", self.0);
        }
    }
}
