//! `weir key`: the cluster's key pairs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_http_api::{
    Concealed, KeyCreate, KeyExport, KeyExported, KeyImport, KeyRotate, KeyView, Page,
};
use weir_http_client::{Client, List};

use super::args::Once;
use super::failure::Failure;
use super::files;
use super::hidden;
use super::human::{age, plain};
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};
use super::user::{deleted, refused};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List key pairs, their public parts
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Show the public part of a key pair, by its alias or fingerprint
    Show { key: String },
    /// Make a key pair. The current one stays current
    Create {
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        once: Once,
    },
    /// Make a key pair that new secrets are sealed to from now on
    Rotate {
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        once: Once,
    },
    /// Take over a private key that `age-keygen` or an export wrote
    Import {
        #[command(flatten)]
        about: About,
        /// The file with the private key; without it, it is read from standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// A file with the passphrase that the key is under
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        once: Once,
    },
    /// Write a private key on standard output, under a passphrase of 12 characters or more
    Export {
        key: String,
        /// A file with the passphrase; without it, it is asked for or read from standard input
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Delete a key pair: what is sealed to it alone is opened here no more. The journal holds the pair,
    /// under its master key, until the next `weir key rewrap`, and backups do
    Delete {
        key: String,
        #[command(flatten)]
        once: Once,
    },
    /// Put all stored private keys under the master key that the engines are configured with now, and
    /// delete what was stored before
    Rewrap {
        #[command(flatten)]
        once: Once,
    },
    /// Make a master key for engines that share a database, in a new file
    Master { file: PathBuf },
}

#[derive(Debug, Args)]
pub(crate) struct About {
    /// What people call it
    alias: String,
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
}

impl Verb {
    /// `None`: what it does needs no server.
    pub(crate) fn run_here(&self, out: &Output) -> Option<Result<ExitCode, Failure>> {
        let Self::Master { file } = self else { return None };
        let made = crate::boot::master::make(file);
        let made = made.map_err(|it| Failure::of_secrets("can't make the master key", &it));
        Some(made.map(|fingerprint| {
            out.note(&format!("wrote {}, fingerprint {fingerprint}", file.display()));
            out.note("copy it to every engine, and keep a copy apart from backups of the database");
            ExitCode::SUCCESS
        }))
    }

    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list keys", it);
                listing.show((client, out), List::keys(), refused, list).await?;
            }
            Self::Show { key } => {
                let shown_key = client.key(&key).await;
                let shown_key =
                    shown_key.map_err(|it| refused(format!("can't show {key:?}"), it))?;
                out.show(&shown_key, shown)?;
            }
            Self::Create { about: About { alias, description }, once } => {
                let request = KeyCreate { alias, description };
                let made = once.client(client).key_create(&request).await;
                out.show(&made.map_err(|it| refused("can't make the key", it))?, line)?;
            }
            Self::Rotate { about: About { alias, description }, once } => {
                let keys = client.keys().await.map_err(|it| refused("can't list keys", it))?;
                let expected = keys.items.iter().find(|it| it.current).map(|it| it.fingerprint);
                let request = KeyRotate { alias, description, expected };
                let made = once.client(client).key_rotate(&request).await;
                out.show(&made.map_err(|it| refused("can't rotate the key", it))?, line)?;
                out.note("former keys still open what is sealed to them");
            }
            Self::Import { about, file, passphrase_file, once } => {
                let key = private_key(file.as_deref())?;
                let passphrase = passphrase_file.as_deref();
                let passphrase =
                    passphrase.map(|it| hidden::line("passphrase", Some(it))).transpose()?;
                let About { alias, description } = about;
                let request = KeyImport { alias, description, key, passphrase };
                let imported = once.client(client).key_import(&request).await;
                out.show(&imported.map_err(|it| refused("can't import the key", it))?, line)?;
            }
            Self::Export { key, passphrase_file } => {
                let passphrase = hidden::new_line("passphrase", passphrase_file.as_deref())?;
                let exported = client.key_export(&key, &KeyExport { passphrase }).await;
                let exported =
                    exported.map_err(|it| refused(format!("can't export {key:?}"), it))?;
                out.show(&exported, |it: &KeyExported, _| it.key.clone())?;
            }
            Self::Delete { key, once } => {
                let gone = once.client(client).key_delete(&key).await;
                let gone = gone.map_err(|it| refused(format!("can't delete {key:?}"), it))?;
                let alias = gone.as_ref().map_or(&*key, |it| &it.alias);
                out.show(&gone, |it, _| deleted(alias, it.is_some()))?;
            }
            Self::Rewrap { once } => {
                let keys = once.client(client).keys_rewrap().await;
                out.show(&keys.map_err(|it| refused("can't rewrap the keys", it))?, list)?;
                out.note(
                    "backups from before still hold the keys under the old master key: keep that \
                     secret, or destroy it",
                );
            }
            Self::Master { .. } => unreachable!("it was done without a server"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn private_key(file: Option<&std::path::Path>) -> Result<Concealed, Failure> {
    match file {
        Some(file) => files::text("the private key", file).map(Concealed::new),
        None => hidden::whole("private key"),
    }
}

/// Until it is done, the former master key opens what is in the database.
const FORGETTING: &str =
    "What was stored under a former master key, or of deleted keys, is still being deleted.";

fn list(page: &Page<KeyView>, look: &Look) -> String {
    use Column::Text;
    let narrow = [Text("KEY"), Text("FINGERPRINT"), Text("AGE"), Text("BY")];
    let wide = [Text("MASTER KEY"), Text("PUBLIC"), Text("DESCRIPTION")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &page.items {
        let mark = if it.current { "* " } else { "  " };
        rows.add(
            vec![
                table::text(&format!("{mark}{}", it.alias)),
                table::text(&it.fingerprint.short()),
                table::text(&age(look.now, it.created_at)),
                table::text(it.created_by.as_str()),
            ],
            vec![
                table::text(&it.master.short()),
                table::text(&it.public),
                table::text(&it.description),
            ],
        );
    }
    match page.items.iter().any(|it| it.forgetting) {
        true => format!("{}\n{FORGETTING}\n", rows.text()),
        false => rows.text(),
    }
}

fn line(it: &KeyView, _: &Look) -> String {
    let is_current = if it.current { ", current" } else { "" };
    format!("{}: {}{is_current}\n", plain(&it.alias), it.fingerprint)
}

fn shown(it: &KeyView, look: &Look) -> String {
    let current = if it.current { "yes: new secrets are sealed to it" } else { "no" };
    table::facts(&[
        ("key", plain(&it.alias).to_string()),
        ("fingerprint", it.fingerprint.to_string()),
        ("public", plain(&it.public).to_string()),
        ("current", current.to_owned()),
        ("description", plain(&it.description).to_string()),
        ("created", format!("{} ago by {}", age(look.now, it.created_at), it.created_by)),
        ("master key", it.master.to_string()),
        ("revision", it.revision.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{LOOK, key};

    #[test]
    fn keys_are_listed_and_shown() {
        let current = key("DefaultKey");
        let former = KeyView { alias: "Old one".into(), current: false, ..current.clone() };
        assert_eq!(
            list(&Page::whole([current.clone(), former]), &LOOK),
            "\
KEY           FINGERPRINT       AGE  BY
* DefaultKey  1212121212121212  1m   weir
  Old one     1212121212121212  1m   weir
"
        );
        let owed = KeyView { forgetting: true, ..current.clone() };
        assert!(list(&Page::whole([owed]), &LOOK).ends_with(&format!("weir\n\n{FORGETTING}\n")));
        let digits = "12".repeat(32);
        assert_eq!(line(&current, &LOOK), format!("DefaultKey: {digits}, current\n"));
        let text = shown(&current, &LOOK);
        assert!(text.contains("current:      yes: new secrets are sealed to it\n"), "{text}");
    }
}
