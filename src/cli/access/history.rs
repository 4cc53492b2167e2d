//! `weir access history`: what happened to one item.

use clap::Args;
use weir_domain::{SourceName, Timestamp};
use weir_http_api::{ItemHappening, ItemHistoryQuery, Page};
use weir_http_client::Client;

use super::{refused, source};
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::listing::collected;
use crate::cli::look::{Look, Status, Tone};
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The source that the item belongs to, as WORKFLOW/STAGE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: SourceName,
    /// The item, as `weir access items` names it
    name: String,
    /// Most entries to list
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

impl History {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let page = self.ask(client).await?;
        out.show(&page, list)?;
        if page.next_cursor.is_some() && out.terminal {
            out.note(&format!("these are the newest {}; --limit N lists more", page.items.len()));
        }
        Ok(())
    }

    async fn ask(&self, client: &Client) -> Result<Page<ItemHappening>, Failure> {
        let of = |limit, cursor| ItemHistoryQuery {
            source: self.source.clone(),
            name: self.name.clone(),
            limit,
            cursor,
        };
        collected(Some(self.limit), async |limit, cursor| {
            client.item_history(&of(limit, cursor)).await
        })
        .await
        .map_err(|error| refused("can't show what happened to it", error))
    }
}

fn list(page: &Page<ItemHappening>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [
        Text("AGE"),
        Text("WHAT"),
        Text("BY"),
        Number("IN"),
        Number("OUT"),
        Number("DEAD"),
        Text("WHY"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Text("AT"), Text("ENDED"), Text("STREAM")]);
    for it in &page.items {
        let age = table::text(&human::age(look.now, it.at()));
        let at = table::text(&it.at().to_string());
        match it {
            ItemHappening::Run(run) => rows.add(
                vec![
                    age,
                    table::status(run.state),
                    table::text(&format!("{} on {}", run.instance, run.node)),
                    table::count(run.counts.records_in),
                    table::count(run.counts.records_out),
                    table::bad_count(run.counts.dead_letters, Tone::Warn),
                    table::text(run.error.as_ref().map_or("-", |it| it.message.as_str())),
                ],
                vec![
                    at,
                    table::text(
                        &run.ended_at.as_ref().map_or("-".to_owned(), Timestamp::to_string),
                    ),
                    table::text(&run.stream.to_string()),
                ],
            ),
            ItemHappening::Reset(reset) => {
                let (sign, word) =
                    if reset.is_certain { ('○', "reset") } else { ('?', "reset, perhaps") };
                rows.add(
                    vec![
                        age,
                        table::status(Status::new(Tone::Quiet, sign, word)),
                        table::text(&reset.by),
                        table::text("-"),
                        table::text("-"),
                        table::text("-"),
                        table::text("-"),
                    ],
                    vec![at, table::text("-"), table::text("-")],
                );
            }
        }
    }
    rows.text()
}

#[cfg(test)]
mod tests {
    use weir_http_api::{ItemForgotten, ItemRun};

    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    #[test]
    fn what_happened_to_an_item() {
        let stream = samples::stream();
        let run = ItemRun {
            at: samples::ago(75),
            stream: stream.id,
            instance: stream.instance,
            node: stream.node.clone(),
            state: weir_domain::StreamState::RolledBack,
            attempts: 4,
            ended_at: Some(samples::ago(70)),
            error: Some(samples::fault()),
            counts: stream.counts,
        };
        let reset = |is_certain| {
            let by = "ada".to_owned();
            ItemHappening::Reset(ItemForgotten {
                at: samples::ago(30),
                by,
                sweep: None,
                is_certain,
            })
        };
        let page = Page::whole([reset(true), reset(false), ItemHappening::Run(run)]);
        let (narrow, wide) = (list(&page, &LOOK), list(&page, &WIDE));
        let lines: Vec<_> = narrow.lines().collect();
        assert!(lines[0].starts_with("AGE  WHAT"), "{narrow}");
        assert!(lines[1].starts_with("30s  ○ reset           ada"), "{narrow}");
        assert!(lines[2].starts_with("30s  ? reset, perhaps  ada"), "{narrow}");
        assert!(lines[3].starts_with("1m   ✗ rolled back"), "{narrow}");
        assert!(wide.contains(&stream.id.to_string()), "{wide}");
    }
}
