//! What an engine does when it goes from one deployment to another.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Digest, WorkflowName};

/// Each workflow of either deployment is in exactly one list. Sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Switch {
    pub starts: Vec<WorkflowName>,
    pub stops: Vec<WorkflowName>,
    /// Drained, then started as something else.
    pub restarts: Vec<WorkflowName>,
    /// Untouched.
    pub stays: Vec<WorkflowName>,
}

impl Switch {
    /// By the digests of workflows: the same digest means the same to an engine.
    pub fn between(
        before: &BTreeMap<WorkflowName, Digest>,
        after: &BTreeMap<WorkflowName, Digest>,
    ) -> Self {
        let mut switch = Self::default();
        for (name, digest) in before {
            let list = match after.get(name) {
                None => &mut switch.stops,
                Some(other) if other == digest => &mut switch.stays,
                Some(_) => &mut switch.restarts,
            };
            list.push(name.clone());
        }
        let new = after.keys().filter(|it| !before.contains_key(*it));
        switch.starts.extend(new.cloned());
        switch
    }

    /// Whether the engine has nothing to do.
    pub fn is_nothing(&self) -> bool {
        self.starts.is_empty() && self.stops.is_empty() && self.restarts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workflow_starts_stops_restarts_or_stays() {
        let workflows = |text: &str| -> BTreeMap<_, _> {
            let pairs = text.split_whitespace().map(|it| it.split_once('=').unwrap());
            let pair = |(name, content): (&str, &str)| {
                (WorkflowName::new(name).unwrap(), Digest::of(content.as_bytes()))
            };
            pairs.map(pair).collect()
        };
        let (before, after) = (workflows("a=1 b=1 c=1"), workflows("b=1 c=2 d=1"));
        let names = |it: &[WorkflowName]| it.iter().map(|it| it.as_str()).collect::<String>();
        let switch = Switch::between(&before, &after);
        let all =
            [&switch.starts, &switch.stops, &switch.restarts, &switch.stays].map(|it| names(it));
        assert_eq!(all, ["d", "a", "c", "b"]);
        assert!(!switch.is_nothing() && Switch::between(&after, &after).is_nothing());
    }
}
