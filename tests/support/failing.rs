//! Says at once why a test failed: the harness itself says so once all others have ended, which is
//! minutes later, and never if the run is cut short.

use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread;

/// Some failures tell with the whole log of an engine.
const TOLD_MAX: usize = 1500;

pub(crate) fn told_at_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |it| {
            before(it);
            tell(it);
        }));
    });
}

/// Past what the harness holds back of a test's output.
fn tell(panicked: &PanicHookInfo<'_>) {
    let why = panicked.payload_as_str().unwrap_or("for a reason that is no text");
    let start: String = why.chars().take(TOLD_MAX).collect();
    let thread = thread::current();
    let name = thread.name().unwrap_or("a thread without a name");
    let place = panicked.location().map(ToString::to_string).unwrap_or_default();
    // Where nobody listens, the harness tells all the same.
    writeln!(io::stderr().lock(), "\n{name} failed at {place}: {start}").ok();
}
