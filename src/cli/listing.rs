//! What every `list` of things that are at hand as a whole takes: how many, in which order, and which.

use clap::Args;
use serde::de::DeserializeOwned;
use weir_http_api::{Cursor, LIMIT_MAX, ListQuery, Page};
use weir_http_client::{Client, Error, List};

use super::failure::Failure;
use super::look::Look;
use super::output::Output;

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Listing {
    /// Most lines; all, if it is not said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: Option<u32>,
    /// Fields to sort by, as --json shows them; - before one puts its largest value first: -createdAt,name
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only what these hold for: 'name~fl* enabled:true failures>0', or a word that is somewhere in it
    #[arg(long, value_name = "TERMS")]
    filter: Option<String>,
}

impl Listing {
    /// Shows the list; `refused` says what could not be done.
    pub(crate) async fn show<T: DeserializeOwned + serde::Serialize>(
        self,
        (client, out): (&Client, &Output),
        list: List<T>,
        refused: impl FnOnce(Error) -> Failure,
        shown: impl FnOnce(&Page<T>, &Look) -> String,
    ) -> Result<(), Failure> {
        let page = self.page(client, &list).await.map_err(refused)?;
        out.show(&page, shown)?;
        if page.next_cursor.is_some() && out.terminal {
            out.note(&format!("these are the first {}; --limit N lists more", page.items.len()));
        }
        Ok(())
    }

    async fn page<T: DeserializeOwned>(
        self,
        client: &Client,
        list: &List<T>,
    ) -> Result<Page<T>, Error> {
        let Self { limit, sort, filter } = self;
        collected(limit, async |limit, cursor| {
            let (sort, filter) = (sort.clone(), filter.clone());
            client.page(list, &ListQuery { limit, cursor, sort, filter }).await
        })
        .await
    }
}

/// As many pages as the limit needs, as one; without a limit all of them. A page may be short, and another one follow.
pub(crate) async fn collected<T, E>(
    limit: Option<u32>,
    ask: impl AsyncFn(Option<u32>, Option<Cursor>) -> Result<Page<T>, E>,
) -> Result<Page<T>, E> {
    let mut all = Page { items: Vec::new(), next_cursor: None };
    loop {
        let missing = |limit: u32| limit - u32::try_from(all.items.len()).unwrap_or(limit);
        let asked = limit.map(|it| missing(it).min(LIMIT_MAX));
        let page = ask(asked, all.next_cursor.take()).await?;
        all.items.extend(page.items);
        all.next_cursor = page.next_cursor;
        let is_enough = limit.is_some_and(|it| all.items.len() >= it as usize);
        if all.next_cursor.is_none() || is_enough {
            return Ok(all);
        }
    }
}
