//! Waiting until nodes run what they should.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use weir_domain::{Millis, NodeName, parse_duration};
use weir_http_api::{ActivationState, ActivationView, ProblemKind};
use weir_http_client::{Client, Error};

use super::{activations, refused};
use crate::cli::args::WAIT_MAX;
use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

const EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Condition {
    /// It runs what it should
    Active,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UntilActive {
    /// The nodes; without any, all that are known
    #[arg(value_name = "NODE")]
    nodes: Vec<NodeName>,
    /// What to wait for
    #[arg(long = "for", value_enum, default_value = "active")]
    condition: Condition,
    /// Wait no longer than this, as 90s; 5m if it is not said
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Millis>,
}

impl UntilActive {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Condition::Active = self.condition;
        let limit = self.timeout.unwrap_or(WAIT_MAX);
        for node in &self.nodes {
            let known = client.activation(node.as_str()).await;
            known.map_err(|it| refused(format!("can't wait for \"{node}\""), it))?;
        }
        until_active(client, out, &self.nodes.into_iter().collect(), limit).await
    }
}

/// Ends when all of them run what they should, or when one can't. None: all that are known.
pub(super) async fn until_active(
    client: &Client,
    out: &Output,
    nodes: &BTreeSet<NodeName>,
    limit: Millis,
) -> Result<(), Failure> {
    let waiting = async {
        loop {
            match client.activations().await {
                Ok(all) => {
                    let waited_for =
                        |it: &ActivationView| nodes.is_empty() || nodes.contains(&it.node);
                    let all: Vec<_> = all.items.into_iter().filter(waited_for).collect();
                    if let Some(failed) = all.iter().find(|it| it.state == ActivationState::Failed)
                    {
                        return Err(failure(failed));
                    }
                    if all.iter().all(|it| it.state == ActivationState::Active) {
                        return out.show(&all, |it, look| activations::list(it, look));
                    }
                }
                // A controller may move meanwhile.
                Err(Error::Problem(it))
                    if it.is(ProblemKind::Unavailable) || it.is(ProblemKind::TimedOut) => {}
                Err(error) => return Err(refused("can't see what nodes run", error)),
            }
            sleep(EVERY).await;
        }
    };
    timeout(limit.duration(), waiting).await.unwrap_or_else(|_| Err(late(limit)))
}

pub(crate) fn late(limit: Millis) -> Failure {
    let why = format!("they were told to, and {limit} were not enough");
    Failure::new(Reason::NodesLate, "not all nodes run what they should", why)
        .with_hint("weir deployment nodes")
}

pub(crate) fn failure(it: &ActivationView) -> Failure {
    let what = format!("node {} could not activate {}", it.node, it.target);
    let look = format!("weir deployment why {}", it.node);
    let Some(cause) = it.failure.as_ref().map(|it| &it.cause) else {
        return Failure::new(Reason::NodeFailed, what, "it does not say why").with_hint(look);
    };
    Failure::new(Reason::NodeFailed, what, &cause.message)
        .with_code(cause.code)
        .with_hint(cause.hint.clone().unwrap_or(look))
}
