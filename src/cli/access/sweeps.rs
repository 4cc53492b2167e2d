//! `weir access reset` and `weir access clear`: passes over the items of a source, waited for to their
//! end.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use weir_domain::{ItemStatus, NamePattern, SourceName, Timestamp};
use weir_http_api::{ItemsClear, ItemsReset, SweepAction, SweepView};
use weir_http_client::Client;

use super::items::statuses;
use super::{refused, source};
use crate::cli::args::{Once, TokenArgs};
use crate::cli::audit::moment;
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::Look;
use crate::cli::output::Output;

/// How often it is asked how far a sweep came.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Which items are meant: all that is said must hold.
#[derive(Debug, Args)]
struct Meant {
    /// The source that the items belong to, as WORKFLOW/STAGE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: SourceName,
    /// The items, as `weir access items` names them; without any all items of the source
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only items whose names match: * is any text, ? one character
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<NamePattern>,
    /// Only items that were claimed, or first seen, at that time or later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only items that were claimed, or first seen, before that time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only say how many they are
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    meant: Meant,
    /// Only items with this status
    #[arg(long, value_parser = statuses())]
    status: Option<ItemStatus>,
}

#[derive(Debug, Args)]
pub(crate) struct Clear {
    #[command(flatten)]
    meant: Meant,
    /// Deny it: the items fail, until they are reset
    #[arg(long)]
    deny: bool,
}

impl Meant {
    fn names(&self) -> Option<Vec<String>> {
        let names: BTreeSet<_> = self.names.iter().cloned().collect();
        Some(names.into_iter().collect::<Vec<_>>()).filter(|it| !it.is_empty())
    }

    /// Calls the command by a key in any case, so that it is done once though it is sent again.
    fn client(&self, client: &Client) -> Result<Client, Failure> {
        let client = self.token.client(client)?;
        Ok(client.with_idempotency_key(Some(self.once.key())))
    }
}

impl Reset {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { meant, status } = self;
        let command = ItemsReset {
            source: meant.source.clone(),
            names: meant.names(),
            status,
            pattern: meant.pattern.clone(),
            since: meant.since,
            until: meant.until,
            dry_run: meant.dry_run,
        };
        if status == Some(ItemStatus::Pending) {
            out.note(
                "items that were found and never claimed are in no history: they are not counted",
            );
        }
        let begun = meant.client(client)?.items_reset(&command).await;
        let begun = begun.map_err(|error| refused("can't reset items", error))?;
        finish(client, out, begun, command.names).await
    }
}

impl Clear {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { meant, deny } = self;
        let command = ItemsClear {
            source: meant.source.clone(),
            names: meant.names(),
            pattern: meant.pattern.clone(),
            since: meant.since,
            until: meant.until,
            deny,
            dry_run: meant.dry_run,
        };
        let begun = meant.client(client)?.items_clear(&command).await;
        let begun = begun.map_err(|error| refused("can't give clearance", error))?;
        finish(client, out, begun, command.names).await
    }
}

/// Waits for the end, and shows what was done.
async fn finish(
    client: &Client,
    out: &Output,
    mut sweep: SweepView,
    names: Option<Vec<String>>,
) -> Result<(), Failure> {
    while sweep.ended_at.is_none() {
        if out.terminal {
            out.note(&format!("{} looked at", count(sweep.examined)));
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        sweep = client.sweep(sweep.id).await.map_err(|error| {
            let hint =
                "it goes on by itself: the same command with the same --idempotency-key shows it";
            refused("can't see how far it came", error).with_hint(hint)
        })?;
    }
    out.show(&sweep, done)?;
    left_out(&sweep, names.map_or(0, |it| it.len() as u64)).map_or(Ok(()), Err)
}

/// Who names an item expects that it is changed.
fn left_out(sweep: &SweepView, named: u64) -> Option<Failure> {
    let missing = named.saturating_sub(sweep.count);
    let source = human::plain(sweep.source.as_str());
    let (what, why) = match sweep.action {
        SweepAction::Reset => ("reset", "a stream holds it, or its history does not have it"),
        SweepAction::Clear => ("cleared", "it does not wait for clearance"),
        SweepAction::Deny => ("denied", "it does not wait for clearance"),
    };
    (missing > 0).then(|| {
        Failure::new(Reason::ItemsLeft, format!("{missing} of {named} items can't be {what}"), why)
            .with_hint(format!("weir access items --source {source}"))
    })
}

fn count(items: u64) -> String {
    human::plural(usize::try_from(items).unwrap_or(usize::MAX), "item")
}

fn done(sweep: &SweepView, _: &Look) -> String {
    let items = count(sweep.count);
    let source = human::plain(sweep.source.as_str());
    let (past, then) = match sweep.action {
        SweepAction::Reset => ("reset", ": processed again when found"),
        SweepAction::Clear => ("given clearance", ": processed when found"),
        SweepAction::Deny => ("denied clearance", ": failed until they are reset"),
    };
    let kept = match sweep.kept {
        0 => String::new(),
        kept if sweep.action == SweepAction::Reset => {
            format!("{} held by a stream: left alone\n", count(kept))
        }
        kept => format!("{} not waiting for clearance: left alone\n", count(kept)),
    };
    match sweep.dry_run {
        true => format!("{items} of {source} would be {past}\n{kept}"),
        false => format!("{items} of {source} {past}{then}\n{kept}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::samples::{self, LOOK};

    fn sweep(action: SweepAction, count: u64, dry_run: bool) -> SweepView {
        let id = "0197a8b0-5b5e-7c3e-9d4f-0123456789ab".parse().expect("an id");
        SweepView {
            id,
            action,
            source: SourceName::stored("flights/read"),
            dry_run,
            count,
            kept: 0,
            examined: count,
            by: "local".into(),
            begun_at: samples::item().claimed_at,
            ended_at: None,
        }
    }

    #[test]
    fn a_sweep_says_what_it_did_or_would_do() {
        let text = |action, count, dry_run| done(&sweep(action, count, dry_run), &LOOK);
        assert_eq!(text(SweepAction::Reset, 1, true), "1 item of flights/read would be reset\n");
        assert_eq!(
            text(SweepAction::Reset, 12, false),
            "12 items of flights/read reset: processed again when found\n"
        );
        assert_eq!(
            text(SweepAction::Deny, 2, false),
            "2 items of flights/read denied clearance: failed until they are reset\n"
        );
        let held = SweepView { kept: 1, ..sweep(SweepAction::Reset, 2, true) };
        assert_eq!(
            done(&held, &LOOK),
            "2 items of flights/read would be reset\n1 item held by a stream: left alone\n"
        );
    }

    #[test]
    fn who_names_an_item_is_told_that_it_was_left_out() {
        let reset = |count| sweep(SweepAction::Reset, count, false);
        assert!(left_out(&reset(12), 0).is_none(), "all of the source");
        assert!(left_out(&reset(2), 2).is_none());
        let failure = left_out(&reset(1), 3).expect("two are missing");
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(
            failure.text(&LOOK),
            "error: 2 of 3 items can't be reset\n\
             why:   a stream holds it, or its history does not have it\n\
             hint:  weir access items --source flights/read\ncode:  WEIR-07302\n"
        );
    }
}
