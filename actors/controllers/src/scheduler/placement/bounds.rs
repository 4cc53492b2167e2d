//! Limits looked up: what holds for one workflow on one node, and whose rule that is.

use std::collections::BTreeSet;

use weir_domain::NodeName;
use weir_domain::schedule::{Limit, Max, Scope, Settings};

/// Whose rule a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By<'a> {
    Node(&'a NodeName),
    Role(&'a str),
    Default,
}

impl By<'_> {
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Node(it) => Scope::Node(it.clone()),
            Self::Role(it) => Scope::Role(it.to_owned()),
            Self::Default => Scope::Default,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds<'a> {
    /// Never above `max`.
    min: u32,
    pub(super) min_by: By<'a>,
    pub(super) max: u32,
    pub(super) max_by: By<'a>,
    /// The least number as it was asked for.
    pub(super) min_asked: u32,
}

impl<'a> Bounds<'a> {
    /// For nodes with these roles; `own` is the rule of the node itself.
    pub(super) fn look_up(
        settings: &'a Settings,
        roles: &'a BTreeSet<String>,
        own: Option<(&'a NodeName, Limit)>,
    ) -> Self {
        let of_roles = || {
            let named = roles.iter().filter_map(|it| settings.roles.get(it).map(|of| (it, of)));
            named.map(|(role, limit)| (By::Role(role.as_str()), limit))
        };
        let own = own.map(|(node, limit)| (By::Node(node), limit));
        let own_min = own.and_then(|(by, limit)| Some((by, limit.min()?)));
        let own_max = own.and_then(|(by, limit)| Some((by, limit.max()?)));
        // The tightest: of equal ones, the role that comes first by name.
        let role_min = || {
            let mins = of_roles().filter_map(|(by, limit)| Some((by, limit.min()?)));
            mins.reduce(|best, it| if it.1 > best.1 { it } else { best })
        };
        let role_max = || {
            let maxs = of_roles().filter_map(|(by, limit)| Some((by, limit.max()?)));
            maxs.reduce(|best, it| if it.1 < best.1 { it } else { best })
        };
        let default_min = (By::Default, settings.default.min().unwrap_or(0));
        let default_max = (By::Default, settings.default.max().unwrap_or(Max::Unlimited));
        let (min_by, min) = own_min.or_else(role_min).unwrap_or(default_min);
        let (max_by, max) = own_max.or_else(role_max).unwrap_or(default_max);
        let max = max.count();
        Self { min: min.min(max), min_by, max, max_by, min_asked: min }
    }

    /// What the node must have, whether it runs the workflow or not.
    pub(super) fn explicit_min(&self) -> u32 {
        if self.min_by == By::Default { 0 } else { self.min }
    }

    /// What the node must have if it runs the workflow; 1 binds nobody.
    pub(super) fn opening(&self) -> u32 {
        if self.min_by == By::Default { self.min.max(1) } else { 1 }
    }

    /// How many of `count` may stop one by one without breaking a minimum.
    pub(super) fn spare(&self, count: u32) -> u32 {
        let floor = match self.opening() {
            1 => self.explicit_min(),
            opening => opening,
        };
        count.saturating_sub(floor)
    }

    /// Whether a node with so many runs fewer than a node that runs the workflow must.
    pub(super) fn is_short(&self, count: u32) -> bool {
        count > 0 && count < self.opening()
    }
}
