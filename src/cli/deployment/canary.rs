//! Canaries: a deployment on a few nodes, for a while, before it becomes the default.

use clap::Subcommand;
use weir_domain::{DeploymentTag, Millis, parse_duration};
use weir_http_api::{CanaryStart, CanaryStatus};
use weir_http_client::Client;

use super::change::{self, ChangeArgs};
use super::{activations, refused};
use crate::cli::args::Wait;
use crate::cli::failure::Failure;
use crate::cli::human::{age, plain};
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table;
use crate::cli::watch::watched;

const MILLION: f64 = 1_000_000.0;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start a deployment on some of the nodes that run the default. It is promoted when it did well
    /// for long enough, and ended when it does not
    Start(Start),
    /// Show the canary, and what its nodes do
    Status {
        /// Go on showing what changes, until Ctrl-C
        #[arg(short, long)]
        watch: bool,
    },
    /// Make the canary's deployment the default before its time
    Promote(Decide),
    /// End the canary: its nodes go back to the default
    Rollback(Decide),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Start {
    tag: DeploymentTag,
    /// On how many nodes
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..))]
    nodes: u32,
    /// How long it must do well on all of them, as 10m
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration)]
    bake: Millis,
    /// How many records may fail, as 0.1%
    #[arg(long, value_name = "PERCENT", default_value = "0.1%", value_parser = per_million)]
    max_errors: u32,
    /// It is not promoted before so many records were processed
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_records: u64,
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Decide {
    #[command(flatten)]
    change: ChangeArgs,
    #[command(flatten)]
    wait: Wait,
}

/// `0.1%` are 1000 of a million.
fn per_million(text: &str) -> Result<u32, String> {
    let refuse = || format!("{text:?} is no share of the records: write for instance 0.1%");
    let number = text.strip_suffix('%').ok_or_else(refuse)?.trim();
    let percent: f64 = number.parse().map_err(|_| refuse())?;
    let share = percent / 100.0 * MILLION;
    match (0.0..=MILLION).contains(&share) {
        true => Ok(share.round() as u32),
        false => Err(refuse()),
    }
}

fn percent(per_million: u32) -> String {
    format!("{}%", f64::from(per_million) * 100.0 / MILLION)
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        match self {
            Self::Start(it) => {
                let what = format!("can't start a canary of \"{}\"", it.tag);
                let request = CanaryStart {
                    tag: it.tag,
                    nodes: it.nodes,
                    bake_ms: it.bake.0,
                    errors_per_million_max: it.max_errors,
                    records_min: it.min_records,
                };
                let done =
                    it.change.client(client).canary_start(&request, &it.change.options()).await;
                change::finish(client, out, done.map_err(|it| refused(what, it))?, it.wait).await
            }
            Self::Status { watch } => {
                let refuse = |it| refused("can't show the canary", it);
                let ask = async || client.canary().await.map_err(refuse);
                watched(watch, out, ask, shown).await
            }
            Self::Promote(Decide { change, wait }) => {
                let done = change.client(client).canary_promote(&change.options()).await;
                let done = done.map_err(|it| refused("can't promote the canary", it))?;
                change::finish(client, out, done, wait).await
            }
            Self::Rollback(Decide { change, wait }) => {
                let done = change.client(client).canary_end(&change.options()).await;
                let done = done.map_err(|it| refused("can't roll the canary back", it))?;
                change::finish(client, out, done, wait).await
            }
        }
    }
}

fn shown(it: &CanaryStatus, look: &Look) -> String {
    let mut text = String::new();
    match &it.canary {
        None => text += "no canary runs\n",
        Some(canary) => {
            let bake = Millis(canary.bake_ms);
            let baking = match canary.baking_since {
                Some(then) => format!("for {} of {bake}", age(look.now, then)),
                None => format!("not yet: it waits for its nodes, then {bake}"),
            };
            text += &table::facts(&[
                ("canary", canary.tag.to_string()),
                ("started", format!("{} ago", age(look.now, canary.started_at))),
                ("does well", baking),
                ("may fail", percent(canary.errors_per_million_max)),
                ("at least", format!("{} records", canary.records_min)),
                ("so far", so_far(it)),
            ]);
            text += &format!("\n{}", activations::list(&it.activations, look));
        }
    }
    if let Some(last) = it.recent.last() {
        text += &format!("last: {}, {} ago\n", plain(&last.what), age(look.now, last.at));
    }
    text
}

fn so_far(it: &CanaryStatus) -> String {
    match it.records.zip(it.errors) {
        None => "nothing was told yet".to_owned(),
        Some((0, _)) => "0 records".to_owned(),
        Some((records, errors)) => {
            let all = u128::from(records);
            // To the nearest one of a million, as the page has it.
            let share = (u128::from(errors) * 1_000_000 + all / 2) / all;
            let share = percent(u32::try_from(share).unwrap_or(u32::MAX));
            format!("{records} records, {errors} failed ({share})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK};

    #[test]
    fn a_share_of_the_records_is_read_exactly_and_shown() {
        let all = [("0%", 0), ("0.1%", 1_000), ("12.5 %", 125_000), ("100%", 1_000_000)];
        for (text, share) in all {
            assert_eq!(per_million(text), Ok(share), "{text}");
        }
        assert_eq!((percent(1_000), percent(125_000)), ("0.1%".into(), "12.5%".into()));
        for bad in ["", "0.1", "101%", "-1%", "x%", "NaN%"] {
            assert!(per_million(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_canary_is_shown_with_its_nodes() {
        let all = samples::stored_deployments();
        let [_, _, third] = samples::activations().try_into().expect("three nodes");
        let status = CanaryStatus {
            revision: 9,
            canary: all.canary,
            records: Some(2_000),
            errors: Some(3),
            activations: vec![third],
            recent: all.recent,
        };
        assert_eq!(
            shown(&status, &LOOK),
            "\
canary:     flights-2
started:    1m ago
does well:  not yet: it waits for its nodes, then 10m
may fail:   0.1%
at least:   100 records
so far:     2000 records, 3 failed (0.15%)

NODE    STATE        SHOULD-RUN  RUNS  SINCE  WHY
node-3  ● switching  flights-2   -     -      it takes part in the canary
last: a canary of flights-2 was started on node-3, 1m ago
"
        );
        let none = CanaryStatus { canary: None, recent: vec![], ..status };
        assert_eq!(shown(&none, &LOOK), "no canary runs\n");
    }
}
