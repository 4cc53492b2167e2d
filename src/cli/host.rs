//! `weir host`: servers whose keys the cluster trusts.

use std::process::ExitCode;

use clap::Subcommand;
use weir_http_api::{KnownHostAdd, KnownHostView, Page};
use weir_http_client::{Client, List};

use super::args::Once;
use super::failure::Failure;
use super::human::age;
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};
use super::user::refused;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the hosts that are known
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Know the key of a host
    Add {
        /// What people call it
        alias: String,
        /// A line as in known_hosts, as `ssh-keyscan` prints it
        line: String,
        #[arg(long, default_value = "", value_name = "TEXT")]
        description: String,
        #[command(flatten)]
        once: Once,
    },
    /// Know the key of a host no more
    Delete {
        alias: String,
        #[command(flatten)]
        once: Once,
    },
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list known hosts", it);
                listing.show((client, out), List::known_hosts(), refused, list).await?;
            }
            Self::Add { alias, line, description, once } => {
                let request = KnownHostAdd { alias: alias.clone(), description, line };
                let added = once.client(client).known_host_add(&request).await;
                added.map_err(|it| refused(format!("can't add {alias:?}"), it))?;
                out.note(&format!("{alias} added"));
            }
            Self::Delete { alias, once } => {
                let deleted = once.client(client).known_host_delete(&alias).await;
                deleted.map_err(|it| refused(format!("can't delete {alias:?}"), it))?;
                out.note(&format!("{alias} deleted"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(page: &Page<KnownHostView>, look: &Look) -> String {
    use Column::Text;
    let mut rows = Rows::new(
        look,
        &[Text("HOST"), Text("AGE"), Text("BY"), Text("DESCRIPTION")],
        &[Text("LINE")],
    );
    for it in &page.items {
        rows.add(
            vec![
                table::text(&it.alias),
                table::text(&age(look.now, it.added_at)),
                table::text(it.added_by.as_str()),
                table::text(&it.description),
            ],
            vec![table::text(&it.line)],
        );
    }
    rows.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{LOOK, WIDE, ago};

    #[test]
    fn hosts_are_listed_with_their_lines_where_there_is_room() {
        let page = Page::whole([KnownHostView {
            alias: "partner".into(),
            description: "files of the bank".into(),
            line: "sftp.bank.example ssh-ed25519 AAAA".into(),
            added_at: ago(60),
            added_by: "ada".parse().expect("a name"),
        }]);
        assert_eq!(
            list(&page, &LOOK),
            "HOST     AGE  BY   DESCRIPTION\npartner  1m   ada  files of the bank\n"
        );
        assert!(list(&page, &WIDE).contains("sftp.bank.example ssh-ed25519 AAAA"));
    }
}
