//! Which item comes first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Item;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FileSort")]
pub enum Sort {
    #[default]
    Name,
    NameDescending,
    /// Least recently changed first.
    Oldest,
    /// Most recently changed first.
    Newest,
}

/// Puts items into the order wanted. Equal times are decided by the name.
pub(crate) fn sort(items: &mut [Item], order: Sort) {
    let time = |it: &Item| it.fingerprint.modified_ns;
    items.sort_unstable_by(|a, b| match order {
        Sort::Name => a.name.cmp(&b.name),
        Sort::NameDescending => b.name.cmp(&a.name),
        Sort::Oldest => time(a).cmp(&time(b)).then_with(|| a.name.cmp(&b.name)),
        Sort::Newest => time(b).cmp(&time(a)).then_with(|| a.name.cmp(&b.name)),
    });
}
