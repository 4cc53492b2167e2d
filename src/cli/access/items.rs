//! `weir access items`: what became of the items of sources.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use weir_domain::{ItemStatus, NamePattern, SourceName, Timestamp};
use weir_http_api::{ItemView, ItemsQuery, Page};
use weir_http_client::Client;

use super::{refused, source};
use crate::cli::audit::moment;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::listing::collected;
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};
use crate::cli::watch::watched;

#[derive(Debug, Args)]
pub(crate) struct Items {
    /// Only items of this source, as WORKFLOW/STAGE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: Option<SourceName>,
    /// Only items with this status
    #[arg(long, value_parser = statuses())]
    status: Option<ItemStatus>,
    /// Only items whose names match: * is any text, ? one character
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<NamePattern>,
    /// Only items that were claimed, or first seen, at that time or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only items that were claimed, or first seen, before that time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Most items to list
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Go on showing what changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

pub(super) fn statuses() -> impl TypedValueParser<Value = ItemStatus> {
    let words = PossibleValuesParser::new(ItemStatus::ALL.map(ItemStatus::as_str));
    words.try_map(|it| ItemStatus::stored(&it).ok_or("not a status"))
}

impl Items {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        if self.watch {
            return watched(true, out, async || self.ask(client).await, list).await;
        }
        let page = self.ask(client).await?;
        out.show(&page, list)?;
        if page.next_cursor.is_some() && out.terminal {
            out.note(&format!("these are the first {}; --limit N lists more", page.items.len()));
        }
        Ok(())
    }

    async fn ask(&self, client: &Client) -> Result<Page<ItemView>, Failure> {
        let of = |limit, cursor| ItemsQuery {
            source: self.source.clone(),
            status: self.status,
            pattern: self.pattern.clone(),
            since: self.since,
            until: self.until,
            limit,
            cursor,
        };
        collected(Some(self.limit), async |limit, cursor| client.items(&of(limit, cursor)).await)
            .await
            .map_err(|error| refused("can't list items", error))
    }
}

fn list(items: &Page<ItemView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [Text("SOURCE"), Text("NAME"), Text("STATUS"), Number("SIZE"), Text("AGE")];
    let wide = [
        Text("MODIFIED"),
        Text("SETTLED"),
        Text("CLEARED"),
        Text("STREAM"),
        Text("INSTANCE"),
        Text("OWNER"),
    ];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &items.items {
        let known = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
        rows.add(
            vec![
                table::text(it.source.as_str()),
                table::text(&it.name),
                table::status(it.status),
                table::bytes(it.size),
                table::text(&human::age(look.now, it.claimed_at)),
            ],
            vec![
                table::text(&it.modified_at.to_string()),
                table::text(&human::age_of(look.now, it.settled_at)),
                table::text(&human::age_of(look.now, it.cleared_at)),
                table::text(&known(it.stream.map(|it| it.to_string()))),
                table::text(&known(it.instance.map(|it| it.to_string()))),
                table::text(&known(it.owner.clone())),
            ],
        );
    }
    rows.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    #[test]
    fn a_list_of_items() {
        let page = Page::whole([samples::item()]);
        assert_eq!(
            list(&page, &LOOK),
            "\
SOURCE        NAME         STATUS        SIZE  AGE
flights/read  2001-01.csv  ✗ failed  15.0 MiB  1m
"
        );
        let wide = list(&page, &WIDE);
        assert!(
            wide.contains("1m   2023-11-14T22:11:50.000Z  1m       -        0197a8b0-5b5e"),
            "{wide}"
        );
    }
}
