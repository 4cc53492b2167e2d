//! `weir deployment`: what is stored, which node runs it, and changing that.

mod activations;
mod applied;
mod assign;
mod canary;
mod change;
mod diff;
mod inspect;
mod tree;
mod upload;
mod wait;

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::{DeploymentTag, NodeName};
use weir_http_api::{Activate, DiffQuery};
use weir_http_client::{Client, Error};
use weir_stream::Registry;

use super::args::{Global, Wait};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::watch::watched;
use change::ChangeArgs;
pub(crate) use wait::{failure as node_failed, late as nodes_late};

/// The exit code of a comparison that found something.
const DIFFERENT: u8 = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List stored deployments as the tree that they are, and projects that were applied
    #[command(visible_alias = "ls")]
    List {
        /// Go on showing what changes, until Ctrl-C
        #[arg(short, long)]
        watch: bool,
    },
    /// Show one stored deployment
    Show { tag: DeploymentTag },
    /// Show what differs between two deployments; exit with 10 if anything does
    Diff {
        /// DeploymentRoot is the empty one
        from: DeploymentTag,
        to: DeploymentTag,
    },
    /// Show what is in a package file, and prove that it is whole
    Inspect(inspect::Inspect),
    /// Store a deployment from a package file; only what the cluster lacks is sent
    Upload(upload::Upload),
    /// Make a deployment the default: what nodes run that no rule fits
    Activate {
        /// DeploymentRoot stops everything there
        tag: DeploymentTag,
        /// Replace all rules by those that its package brings, too
        #[arg(long)]
        assignments: bool,
        #[command(flatten)]
        change: ChangeArgs,
        #[command(flatten)]
        wait: Wait,
    },
    /// Go back to the default before this one; while a canary runs, end it
    Rollback {
        #[command(flatten)]
        change: ChangeArgs,
        #[command(flatten)]
        wait: Wait,
    },
    /// Delete a stored deployment that nothing runs
    #[command(visible_alias = "rm")]
    Delete {
        tag: DeploymentTag,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Show the rules that say which node runs what
    Assignments,
    /// Assign a deployment to a node, or to all nodes that have a role
    Assign(assign::Assign),
    /// Take the rule of a node or a role away
    Unassign(assign::Unassign),
    /// Show what each node should run, and what it runs
    Nodes {
        /// Go on showing what changes, until Ctrl-C
        #[arg(short, long)]
        watch: bool,
    },
    /// Say why a node runs what it runs
    Why { node: NodeName },
    /// Wait until nodes run what they should
    Wait(wait::UntilActive),
    /// Try a deployment on a few nodes before it becomes the default
    #[command(subcommand)]
    Canary(canary::Verb),
    /// Make all engines run a project directory as it is now, without a package
    Apply(applied::Apply),
    /// Run nothing of an applied project any more
    Withdraw(applied::Withdraw),
}

impl Verb {
    pub(crate) async fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<ExitCode, Failure> {
        match self {
            Self::Apply(it) => it.run(global, out, registry).await?,
            Self::Withdraw(it) => it.run(global, out).await?,
            Self::Inspect(it) => it.run(out)?,
            asking => return asking.ask(&global.client()?, out).await,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { watch } => {
                let refuse = |it| refused("can't list deployments", it);
                let ask = async || client.deployments().await.map_err(refuse);
                watched(watch, out, ask, tree::list).await?;
            }
            Self::Show { tag } => {
                let shown = client.deployment(tag.as_str()).await;
                let shown = shown.map_err(|it| refused(format!("can't show \"{tag}\""), it))?;
                out.show(&shown, tree::shown)?;
            }
            Self::Diff { from, to } => return compare(DiffQuery { from, to }, client, out).await,
            Self::Upload(it) => it.run(client, out).await?,
            Self::Activate { tag, assignments, change, wait } => {
                let what = format!("can't activate \"{tag}\"");
                let request = Activate { tag, assignments };
                let done =
                    change.client(client).deployment_activate(&request, &change.options()).await;
                change::finish(client, out, done.map_err(|it| refused(what, it))?, wait).await?;
            }
            Self::Rollback { change, wait } => {
                let done = change.client(client).deployment_rollback(&change.options()).await;
                let done = done.map_err(|it| refused("can't roll back", it))?;
                change::finish(client, out, done, wait).await?;
            }
            Self::Delete { tag, change } => {
                let done =
                    change.client(client).deployment_delete(tag.as_str(), &change.options()).await;
                let done = done.map_err(|it| refused(format!("can't delete \"{tag}\""), it))?;
                out.show(&done, change::shown)?;
            }
            Self::Assignments => {
                let rules = client.assignments().await;
                let rules = rules.map_err(|it| refused("can't show the assignments", it))?;
                out.show(&rules, assign::rules)?;
            }
            Self::Assign(it) => it.run(client, out).await?,
            Self::Unassign(it) => it.run(client, out).await?,
            Self::Nodes { watch } => {
                let refuse = |it| refused("can't list what nodes run", it);
                let ask = async || client.activations().await.map_err(refuse);
                watched(watch, out, ask, |it, look| activations::list(&it.items, look)).await?;
            }
            Self::Why { node } => {
                let why = client.activation(node.as_str()).await;
                let why = why.map_err(|it| refused(format!("can't say it of \"{node}\""), it))?;
                out.show(&why, activations::why)?;
            }
            Self::Wait(it) => it.run(client, out).await?,
            Self::Canary(verb) => verb.run(client, out).await?,
            Self::Apply(_) | Self::Withdraw(_) | Self::Inspect(_) => {
                unreachable!("these ask another server, or none")
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn compare(query: DiffQuery, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
    let what = format!("can't compare \"{}\" and \"{}\"", query.from, query.to);
    let diff = client.deployment_diff(&query).await.map_err(|it| refused(what, it))?;
    out.show(&diff, diff::shown)?;
    Ok(if diff.changes.is_empty() { ExitCode::SUCCESS } else { DIFFERENT.into() })
}

/// Hints of the server name things; where it has none, what there is can be listed.
fn refused(what: impl Into<String>, error: Error) -> Failure {
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound if !has_hint => failure.with_hint("weir deployment list"),
        _ => failure,
    }
}
