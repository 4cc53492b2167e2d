//! `weir persistence`: the tables of the database that engines share.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use weir_conf::settings::JournalPlugin;
use weir_domain::Fault;

use super::args::ConfArgs;
use super::failure::Failure;
use super::human;
use super::look::Look;
use super::output::Output;
use crate::boot::schema;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the tables that are missing, or bring those of an older version up to date
    Migrate(ConfArgs),
    /// Print the SQL that makes the tables, for a database administrator
    Plan {
        /// The kind of database, over the configuration's
        #[arg(long, value_enum)]
        dialect: Option<Dialect>,
        #[command(flatten)]
        conf: ConfArgs,
    },
    /// Check that the database can be used as it is
    Verify(ConfArgs),
    /// Accept a database that was restored from a backup, on each node before it is started
    AcceptRestore(ConfArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Dialect {
    Mariadb,
    Mysql,
    Postgresql,
}

impl From<Dialect> for JournalPlugin {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Mariadb => Self::Mariadb,
            Dialect::Mysql => Self::Mysql,
            Dialect::Postgresql => Self::Postgresql,
        }
    }
}

/// What was done, or found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    /// One line each, in order.
    steps: Vec<String>,
}

impl Verb {
    pub(crate) async fn run(self, out: &Output) -> Result<ExitCode, Failure> {
        let done = match self {
            Self::Plan { dialect, conf } => {
                plan(dialect, &conf, out)?;
                return Ok(ExitCode::SUCCESS);
            }
            Self::Migrate(conf) => {
                let settings = conf.settings()?;
                let steps = schema::migrate(&settings).await;
                steps.map_err(|it| refused("the tables can't be made", it))?
            }
            Self::Verify(conf) => {
                let settings = conf.settings()?;
                let steps = schema::verify(&settings).await;
                steps.map_err(|it| refused("the database can't be used", it))?
            }
            Self::AcceptRestore(conf) => {
                let settings = conf.settings()?;
                let steps = schema::accept_restore(&settings);
                steps.map_err(|it| refused("the restored database can't be accepted", it))?
            }
        };
        out.show(&Done { steps: done }, lines)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// SQL is what it is in every format: `weir persistence plan | psql` works.
fn plan(dialect: Option<Dialect>, conf: &ConfArgs, out: &Output) -> Result<(), Failure> {
    let plugin = match dialect {
        Some(dialect) => dialect.into(),
        None => conf.settings()?.persistence.journal.plugin,
    };
    let sql = schema::plan(plugin).map_err(|it| {
        let failure = refused("there is nothing to plan", it);
        failure.with_hint("weir persistence plan --dialect postgresql")
    })?;
    out.print(&sql)
}

fn refused(what: &str, fault: Fault) -> Failure {
    Failure::of_fault(what, fault)
}

fn lines(done: &Done, _: &Look) -> String {
    done.steps.iter().map(|it| human::plain(it) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn every_step_is_a_line() {
        let steps = vec!["0001_tables applied".to_owned(), "0002_cluster applied".to_owned()];
        assert_eq!(lines(&Done { steps }, &LOOK), "0001_tables applied\n0002_cluster applied\n");
    }
}
