//! The content digest of a project's plans.

use serde_json::Value;
use sha2::{Digest, Sha256};
use weir_domain::plan::Plan;

/// SHA-256, as hexadecimal digits, of what the plans mean. Where they were written does not count;
/// the order of keys in a kind's configuration does, since a kind may give it a meaning.
pub fn digest(plans: &[Plan]) -> String {
    let mut hasher = Sha256::new();
    for plan in plans {
        let mut json = serde_json::to_value(plan).expect("a plan is made of JSON");
        for list in ["stages", "edges"] {
            let items = json.get_mut(list).and_then(Value::as_array_mut);
            for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
                item.shift_remove("place");
            }
        }
        hasher.update(json.to_string());
        hasher.update("\n");
    }
    hasher.finalize().iter().map(|it| format!("{it:02x}")).collect()
}
