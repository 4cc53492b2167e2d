//! `weir access sources`: which sources anything is remembered of, and how much.

use clap::Args;
use weir_domain::ItemStatus;
use weir_http_api::{LIMIT_MAX, Page, SourceCountView, SourceView, SourcesQuery};
use weir_http_client::Client;

use super::refused;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::listing::collected;
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};
use crate::cli::watch::watched;

#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// Go on showing what changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

impl Sources {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        watched(self.watch, out, async || all(client).await, list).await
    }
}

async fn all(client: &Client) -> Result<Page<SourceView>, Failure> {
    collected(None, async |_, cursor| {
        client.sources(&SourcesQuery { limit: Some(LIMIT_MAX), cursor }).await
    })
    .await
    .map_err(|error| refused("can't list sources", error))
}

fn list(sources: &Page<SourceView>, look: &Look) -> String {
    use Column::{Number, Text};
    let shown = [
        (ItemStatus::Waiting, "WAITING"),
        (ItemStatus::Pending, "PENDING"),
        (ItemStatus::Acquired, "ACQUIRED"),
        (ItemStatus::Done, "DONE"),
        (ItemStatus::Failed, "FAILED"),
        (ItemStatus::Denied, "DENIED"),
    ];
    let more = [(ItemStatus::Committing, "COMMITTING"), (ItemStatus::Released, "RELEASED")];
    let narrow: Vec<_> = [Text("SOURCE")].into_iter().chain(shown.map(|it| Number(it.1))).collect();
    let mut rows = Rows::new(look, &narrow, &more.map(|it| Number(it.1)));
    for it in &sources.items {
        let cell = |status: ItemStatus| table::text(&counted(it.counts.get(status.as_str())));
        let source = [table::text(it.source.as_str())];
        let counts = shown.map(|it| cell(it.0));
        rows.add(source.into_iter().chain(counts).collect(), more.map(|it| cell(it.0)).into());
    }
    rows.text()
}

/// A count, with a plus where there are more.
fn counted(count: Option<&SourceCountView>) -> String {
    let Some(SourceCountView { count, has_more }) = count else { return "0".to_owned() };
    format!("{}{}", human::count(*count), if *has_more { "+" } else { "" })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use weir_domain::SourceName;

    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn a_list_of_sources() {
        let count = |count, has_more| SourceCountView { count, has_more };
        let counts = [("done", count(10_000, true)), ("failed", count(3, false))];
        let view = SourceView {
            source: SourceName::stored("flights/read"),
            counts: BTreeMap::from(counts.map(|(status, it)| (status.to_owned(), it))),
        };
        assert_eq!(
            list(&Page::whole([view]), &LOOK),
            "\
SOURCE        WAITING  PENDING  ACQUIRED    DONE  FAILED  DENIED
flights/read        0        0         0  10.0k+       3       0
"
        );
    }
}
