//! Faults of what is stored, or is to be stored, that recur with each call: they are logged once,
//! and the call goes on without what is at fault.
//!
//! What was said is known to the whole process, and to a bound: then some is said again.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use weir_domain::Code;
use weir_persistence_api::ClaimRequest;
use weir_persistence_api::item_rule::{NAME_BYTES_MAX, is_storable};

/// Things that are remembered to have been said.
const SAID_MAX: usize = 1_000;

/// Whether that was not said before; now it is.
pub(crate) fn is_new(what: &str) -> bool {
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() >= SAID_MAX {
        said.clear();
    }
    said.insert(what.to_owned())
}

/// Leaves the candidates out whose names can't be stored: the others must not wait for them.
pub(crate) fn skip_too_long(request: &mut ClaimRequest) {
    let source = request.source.as_str();
    request.candidates.retain(|it| {
        let is_storable = is_storable(&it.name);
        if !is_storable && is_new(&format!("item of {source}: {}", it.name)) {
            let bytes = it.name.len();
            tracing::warn!(
                code = %Code(5004), source, item = it.name, bytes,
                "an item is never processed: its name is longer than {NAME_BYTES_MAX} bytes: give \
                 it a shorter path"
            );
        }
        is_storable
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_new_once() {
        assert!(is_new("a_thing_is_new_once"));
        assert!(!is_new("a_thing_is_new_once"));
    }
}
