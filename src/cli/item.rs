//! `weir item`: what became of the items of sources, and having them processed again.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use weir_domain::{ItemStatus, SourceName};
use weir_http_api::{
    ItemView, ItemsQuery, ItemsReset, ItemsResetResult, LIMIT_MAX, Page, ProblemKind,
};
use weir_http_client::{Client, Error};

use super::args::TokenArgs;
use super::failure::{Exit, Failure};
use super::human;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List items that were claimed, by source and name
    #[command(visible_alias = "ls")]
    List(List),
    /// Forget items, so that they are processed again when they are found
    Reset(Reset),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only items of this source, as WORKFLOW/STAGE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: Option<SourceName>,
    /// Only items with this status
    #[arg(long, value_parser = statuses())]
    status: Option<ItemStatus>,
    /// Most items to list
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The source that the items belong to, as WORKFLOW/STAGE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: SourceName,
    /// The items, as `weir item list` names them; without any all items of the source
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only say how many they are
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    token: TokenArgs,
}

fn source(text: &str) -> Result<SourceName, &'static str> {
    if text.is_empty() { Err("write WORKFLOW/STAGE") } else { Ok(SourceName::stored(text)) }
}

fn statuses() -> impl TypedValueParser<Value = ItemStatus> {
    let words = PossibleValuesParser::new(ItemStatus::ALL.map(ItemStatus::as_str));
    words.try_map(|it| ItemStatus::stored(&it).ok_or("not a status"))
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List(args) => args.run(client, out).await?,
            Self::Reset(args) => args.run(client, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let page = self.ask(client).await?;
        out.show(&page, list)?;
        if page.next_cursor.is_some() && out.terminal {
            out.note(&format!("these are the first {}; --limit N lists more", page.items.len()));
        }
        Ok(())
    }

    /// As many pages as the limit needs, as one.
    async fn ask(&self, client: &Client) -> Result<Page<ItemView>, Failure> {
        let mut all = Page { items: Vec::new(), next_cursor: None };
        loop {
            let missing = self.limit - u32::try_from(all.items.len()).unwrap_or(self.limit);
            let query = ItemsQuery {
                source: self.source.clone(),
                status: self.status,
                limit: Some(missing.min(LIMIT_MAX)),
                cursor: all.next_cursor.take(),
            };
            let page = client.items(&query).await;
            let page = page.map_err(|error| refused("can't list items", error))?;
            all.items.extend(page.items);
            all.next_cursor = page.next_cursor;
            if all.next_cursor.is_none() || all.items.len() >= self.limit as usize {
                return Ok(all);
            }
        }
    }
}

impl Reset {
    async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { source, names, dry_run, token } = self;
        let token = token.token()?;
        let names: Vec<_> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let named = names.len() as u64;
        let names = Some(names).filter(|it| !it.is_empty());
        let command = ItemsReset { source, names, dry_run };
        let result = client.items_reset(&command, token.as_deref()).await;
        let result = result.map_err(|error| refused("can't reset items", error))?;
        out.show(&result, reset)?;
        match left_out(&result, named) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

/// Who names an item expects that it is reset.
fn left_out(result: &ItemsResetResult, named: u64) -> Option<Failure> {
    let missing = named.saturating_sub(result.count);
    let source = human::plain(result.source.as_str());
    let why = "a stream holds it, or its history does not have it";
    (missing > 0).then(|| {
        Failure::new(Exit::NotFound, format!("{missing} of {named} items can't be reset"), why)
            .with_hint(format!("weir item list --source {source}"))
            .with_code(7_302)
    })
}

fn refused(what: &str, error: Error) -> Failure {
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let needs_token =
        matches!(&error, Error::Problem(problem) if problem.is(ProblemKind::Unauthorized));
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound if !has_hint => failure.with_hint("weir item list"),
        _ if needs_token => {
            failure.with_hint("set WEIR_MANAGEMENT_TOKEN to that engine's weir.management.token")
        }
        _ => failure,
    }
}

fn list(items: &Page<ItemView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [Text("SOURCE"), Text("NAME"), Text("STATUS"), Number("SIZE"), Text("AGE")];
    let wide = [Text("MODIFIED"), Text("SETTLED"), Text("STREAM"), Text("OWNER")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &items.items {
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
                table::text(&it.stream.to_string()),
                table::text(&it.owner),
            ],
        );
    }
    rows.text()
}

fn reset(result: &ItemsResetResult, _: &Look) -> String {
    let items = human::plural(usize::try_from(result.count).unwrap_or(usize::MAX), "item");
    let source = human::plain(result.source.as_str());
    match result.dry_run {
        true => format!("{items} of {source} would be reset\n"),
        false => format!("{items} of {source} reset: processed again when found\n"),
    }
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
        assert!(wide.contains("1m   2023-11-14T22:11:50.000Z  1m       0197a8b0-5b5e"), "{wide}");
    }

    #[test]
    fn a_reset_says_what_it_did_or_would_do() {
        let result = |count, dry_run| ItemsResetResult {
            source: SourceName::stored("flights/read"),
            count,
            dry_run,
        };
        assert_eq!(reset(&result(1, true), &LOOK), "1 item of flights/read would be reset\n");
        assert_eq!(
            reset(&result(12, false), &LOOK),
            "12 items of flights/read reset: processed again when found\n"
        );
        assert!(left_out(&result(12, false), 0).is_none(), "all of the source");
        assert!(left_out(&result(2, false), 2).is_none());
        let failure = left_out(&result(1, false), 3).expect("two are missing");
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(
            failure.text(&LOOK),
            "error: 2 of 3 items can't be reset\n\
             why:   a stream holds it, or its history does not have it\n\
             hint:  weir item list --source flights/read\ncode:  WEIR-07302\n"
        );
    }
}
