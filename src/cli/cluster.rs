//! `weir cluster`: the cluster as one of its engines sees it, and changing it.

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::{NodeName, NodeStatus};
use weir_http_api::{ExplainQuery, MembersView};
use weir_http_client::{Error, Management};

use super::args::{Global, ManagementArgs};
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
        let client = self.server.client(global)?;
        self.verb.run(&client, out).await.map(|()| ExitCode::SUCCESS)
    }
}

impl Verb {
    async fn run(self, client: &Management, out: &Output) -> Result<(), Failure> {
        match self {
            Self::Status(Watch { watch }) => {
                watched(watch, out, async || tables::Status::ask(client).await, tables::status)
                    .await
            }
            Self::Members { all, watch: Watch { watch } } => {
                watched(watch, out, async || members(client, all).await, tables::members).await
            }
            Self::Links(Watch { watch }) => {
                let refuse = |it| refused("can't list links", it);
                let ask = async || client.links().await.map_err(refuse);
                watched(watch, out, ask, tables::links).await
            }
            Self::Leases(Watch { watch }) => {
                let refuse = |it| refused("can't list leases", it);
                let ask = async || client.leases().await.map_err(refuse);
                watched(watch, out, ask, tables::leases).await
            }
            Self::Explain { node } => explain(client, out, node).await,
            Self::Events => events::follow(client, out).await,
            Self::Leave(on) => on.leave(client, out).await,
            Self::Down(on) => on.down(client, out).await,
            Self::Move(it) => it.run(client, out).await,
        }
    }
}

fn refused(what: impl Into<String>, error: Error) -> Failure {
    Failure::of_management(what, error)
}

/// The members, without those that are gone unless they are wanted.
async fn members(client: &Management, all: bool) -> Result<MembersView, Failure> {
    let members = client.members().await;
    let mut members = members.map_err(|it| refused("can't list members", it))?;
    members.members.retain(|it| all || it.status != NodeStatus::Removed);
    Ok(members)
}

async fn explain(client: &Management, out: &Output, node: Option<NodeName>) -> Result<(), Failure> {
    let what = node.as_ref().map(|it| format!("can't explain node \"{it}\""));
    let answer = client.explain(&ExplainQuery { node }).await;
    let refuse = |it| refused(what.unwrap_or("can't explain this node".into()), it);
    out.show(&answer.map_err(refuse)?, tables::explanation)
}
