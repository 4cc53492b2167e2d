//! `weir cluster`: the cluster as one of its engines sees it, and changing it.

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::{NodeName, NodeStatus};
use weir_http_api::{ExplainQuery, MembersView};
use weir_http_client::Error;

use super::args::{Asked, Global, ManagementArgs};
use super::failure::Failure;
use super::output::Output;
use super::watch::watched;

mod command;
mod events;
mod tables;
mod wait;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) server: ManagementArgs,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show who leads, who is up, and what is wrong
    Status(Watch),
    /// List the members
    Members {
        /// Members that were removed, too
        #[arg(short, long)]
        all: bool,
        #[command(flatten)]
        watch: Watch,
    },
    /// List the links of the asked engine to the others
    Links(Watch),
    /// List the leases: which engine has which controller
    Leases(Watch),
    /// Say why an engine is up, or why it is not
    Explain {
        /// Its name; without it the asked engine
        node: Option<NodeName>,
    },
    /// Follow what happens, until Ctrl-C
    Events,
    /// Let an engine leave: its streams finish, its controllers move
    Leave(command::OnMember),
    /// Take an engine for lost: it must stop, and others take over what it did
    Down(command::OnMember),
    /// Move a controller to an engine, which is its place from then on
    Move(command::Move),
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct Watch {
    /// Go on showing what changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

impl Args {
    pub(crate) async fn run(self, global: &Global, out: &Output) -> Result<ExitCode, Failure> {
        let Self { server, verb } = self;
        verb.run((&server, global), out).await.map(|()| ExitCode::SUCCESS)
    }
}

impl Verb {
    async fn run(
        self,
        (server, global): (&ManagementArgs, &Global),
        out: &Output,
    ) -> Result<(), Failure> {
        let (asked, client) = (|| server.asked(global), || server.client(global));
        match self {
            Self::Status(Watch { watch }) => {
                let asked = asked()?;
                watched(watch, out, async || tables::Status::ask(&asked).await, tables::status)
                    .await
            }
            Self::Members { all, watch: Watch { watch } } => {
                let asked = asked()?;
                watched(watch, out, async || members(&asked, all).await, tables::members).await
            }
            Self::Links(Watch { watch }) => {
                let asked = asked()?;
                let refuse = |it| asked.refused("can't list links", it);
                let ask = async || asked.client.links().await.map_err(refuse);
                watched(watch, out, ask, tables::links).await
            }
            Self::Leases(Watch { watch }) => {
                let asked = asked()?;
                let refuse = |it| asked.refused("can't list leases", it);
                let ask = async || asked.client.leases().await.map_err(refuse);
                watched(watch, out, ask, tables::leases).await
            }
            Self::Explain { node } => explain(&asked()?, out, node).await,
            Self::Events => events::follow(&client()?, out).await,
            Self::Leave(on) => on.leave(&client()?, out).await,
            Self::Down(on) => on.down(&client()?, out).await,
            Self::Move(it) => it.run(&client()?, out).await,
        }
    }
}

fn refused(what: impl Into<String>, error: Error) -> Failure {
    Failure::of_management(what, error)
}

/// The members, without those that are gone unless they are wanted.
async fn members(asked: &Asked, all: bool) -> Result<MembersView, Failure> {
    let members = asked.client.members().await;
    let mut members = members.map_err(|it| asked.refused("can't list members", it))?;
    members.members.retain(|it| all || it.status != NodeStatus::Removed);
    Ok(members)
}

async fn explain(asked: &Asked, out: &Output, node: Option<NodeName>) -> Result<(), Failure> {
    let what = node.as_ref().map(|it| format!("can't explain node \"{it}\""));
    let answer = asked.client.explain(&ExplainQuery { node }).await;
    let refuse = |it| asked.refused(what.unwrap_or("can't explain this node".into()), it);
    out.show(&answer.map_err(refuse)?, tables::explanation)
}
