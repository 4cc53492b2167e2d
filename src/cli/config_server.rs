//! `weir config-server`: runs one, backs up what it keeps, and restores that.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;
use weir_domain::Fault;

use super::args::{ConfArgs, ServerArgs};
use super::failure::Failure;
use super::human;
use super::look::Look;
use super::output::Output;
use crate::boot;
use crate::boot::backup::{self, Keys};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Copy its users, audit and clusters into a new directory, while it runs
    Backup {
        /// The directory, which is made
        dir: PathBuf,
        /// With the keys that the server made itself: who has the backup can speak for it then
        #[arg(long)]
        with_keys: bool,
        #[command(flatten)]
        conf: ConfArgs,
    },
    /// Put a backup in place, before the server is started where there is none yet
    Restore {
        /// What `weir config-server backup` made
        dir: PathBuf,
        #[command(flatten)]
        conf: ConfArgs,
    },
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    /// One line each, in order.
    steps: Vec<String>,
}

impl Args {
    pub(crate) fn run(self, out: &Output) -> Result<ExitCode, Failure> {
        let steps = match self.verb {
            None => return Ok(boot::config_server(&self.server)?),
            Some(Verb::Backup { dir, with_keys, conf }) => {
                let settings = conf.settings()?;
                let keys = if with_keys { Keys::With } else { Keys::Without };
                let copied =
                    super::asked_on_threads(async { backup::backup(&settings, &dir, keys).await });
                copied?.map_err(|it| refused("the server can't be backed up", it))?
            }
            Some(Verb::Restore { dir, conf }) => {
                let settings = conf.settings()?;
                let restored =
                    super::asked_on_threads(async { backup::restore(&settings, &dir).await });
                restored?.map_err(|it| refused("the backup can't be restored", it))?
            }
        };
        out.show(&Done { steps }, lines)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn refused(what: &str, fault: Fault) -> Failure {
    Failure::of_fault(what, fault)
}

fn lines(done: &Done, _: &Look) -> String {
    done.steps.iter().map(|it| human::plain(it) + "\n").collect()
}
