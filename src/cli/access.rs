//! `weir access`: what sources handed out and what became of it, and what is held exclusively.

mod history;
mod items;
mod resources;
mod sources;
mod sweeps;

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::SourceName;
use weir_http_api::ProblemKind;
use weir_http_client::{Client, Error};

use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List sources, with how many items they have in each state
    Sources(sources::Sources),
    /// List items that were handed out
    Items(items::Items),
    /// Show what happened to one item: the streams that read it, and the resets that forgot it
    History(history::History),
    /// Forget items, so that they are processed again when they are found
    Reset(sweeps::Reset),
    /// Give items that wait for clearance their clearance, or deny it
    Clear(sweeps::Clear),
    /// List resources that are held exclusively, and who holds them
    Resources(resources::Resources),
    /// Take resources from their holders
    Revoke(resources::Revoke),
}

/// The same under the name of what is listed and reset.
#[derive(Debug, Subcommand)]
pub(crate) enum ItemVerb {
    /// The same as `weir access items`
    #[command(visible_alias = "ls")]
    List(items::Items),
    /// The same as `weir access reset`
    Reset(sweeps::Reset),
    /// The same as `weir access history`
    History(history::History),
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::Sources(args) => args.run(client, out).await?,
            Self::Items(args) => args.run(client, out).await?,
            Self::History(args) => args.run(client, out).await?,
            Self::Reset(args) => args.run(client, out).await?,
            Self::Clear(args) => args.run(client, out).await?,
            Self::Resources(args) => args.run(client, out).await?,
            Self::Revoke(args) => args.run(client, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ItemVerb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        let verb = match self {
            Self::List(args) => Verb::Items(args),
            Self::Reset(args) => Verb::Reset(args),
            Self::History(args) => Verb::History(args),
        };
        verb.run(client, out).await
    }
}

fn source(text: &str) -> Result<SourceName, &'static str> {
    if text.is_empty() { Err("write WORKFLOW/STAGE") } else { Ok(SourceName::stored(text)) }
}

fn refused(what: &str, error: Error) -> Failure {
    let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
    let needs_token =
        matches!(&error, Error::Problem(problem) if problem.is(ProblemKind::Unauthorized));
    let failure = Failure::of_client(what, error);
    match failure.exit {
        Exit::NotFound if !has_hint => failure.with_hint("weir access sources"),
        _ if needs_token => {
            let hint = "`weir login`; or set WEIR_TOKEN to a token of a user, or WEIR_MANAGEMENT_TOKEN to \
                        that engine's weir.management.token";
            failure.with_hint(hint)
        }
        _ => failure,
    }
}
