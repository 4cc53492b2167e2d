//! Items of the workflow `flights`, and of one that is gone.

use weir_domain::{InstanceId, ItemStatus, SourceName};
use weir_http_api::ItemView;
use weir_http_server::ItemFilter;

use crate::fixture::{NOW, stream_id};

/// Five items of a workflow that runs and one of a workflow that is gone.
pub(crate) fn items() -> Vec<ItemView> {
    let item = |source: &str, n: u64| ItemView {
        source: SourceName::stored(source),
        name: format!("{n}.csv"),
        status: if n.is_multiple_of(2) { ItemStatus::Failed } else { ItemStatus::Done },
        size: 1_000 + n,
        modified_at: NOW,
        stream: Some(stream_id(n)),
        owner: Some("one#7".into()),
        instance: Some(InstanceId(1)),
        claimed_at: NOW,
        settled_at: Some(NOW),
        cleared_at: None,
    };
    (1..6).map(|n| item("flights/in", n)).chain([item("gone/in", 6)]).collect()
}

pub(crate) fn fits(filter: &ItemFilter, it: &ItemView) -> bool {
    filter.source.as_ref().is_none_or(|source| it.source == *source)
        && filter.status.is_none_or(|status| it.status == status)
        && filter.names.as_ref().is_none_or(|names| names.contains(&it.name))
        && filter.pattern.as_ref().is_none_or(|pattern| pattern.matches(&it.name))
}
