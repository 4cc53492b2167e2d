//! Texts of a configuration that are not shown, and the refusal of secrets where they would be.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::Finding;

use crate::finding;

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Private(pub(crate) String);

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Refuses secrets in keys that are stored or shown: in all but those that are `meant` for them.
pub(crate) fn misplaced_secrets(config: &Value, meant: &[&str], code: u32) -> Vec<Finding> {
    let entries = config.as_object().into_iter().flatten();
    let shown = entries.filter(|(key, value)| !meant.contains(&key.as_str()) && names_one(value));
    let refused = shown.map(|(key, _)| {
        finding(code, key, "the value of a secret would be shown here")
            .with_fix("write secrets within `connection` only")
    });
    refused.collect()
}

fn names_one(value: &Value) -> bool {
    // Behind two signs it is a text that only looks like one.
    value.to_string().replace("$${", "").contains("${sec:")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_refused_where_they_would_be_shown() {
        let config = json!({
            "connection": { "password": "${sec:A}" },
            "subject": "$${sec:B}",
            "headers": { "x": ["a${sec:C}"] },
        });
        let findings = misplaced_secrets(&config, &["connection"], 4999);
        assert_eq!(findings.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["headers"]);
        assert_eq!(format!("{:?}", Private("secret".into())), "…");
    }
}
