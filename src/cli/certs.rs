//! `weir certs`: certificates that the cluster trusts or shows, and those of the links between
//! nodes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;
use weir_domain::Timestamp;
use weir_http_api::{CertificateAdd, Concealed, Page, TrustedCertificateView};
use weir_http_client::{Client, List};

use super::args::Once;
use super::failure::Failure;
use super::files;
use super::human::{age, relative};
use super::listing::Listing;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};
use super::user::refused;
use crate::boot::certs;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the certificates that the cluster trusts or shows
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Trust a certificate; with its private key, the cluster shows it
    Add {
        /// What people call it
        alias: String,
        /// The file with the certificate, in PEM
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// The file with its private key, in PEM
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        #[command(flatten)]
        once: Once,
    },
    /// Trust or show a certificate no more
    Delete {
        alias: String,
        #[command(flatten)]
        once: Once,
    },
    /// Make an authority and a certificate for each host, for the links between nodes. An authority
    /// that is there is used again
    Dev {
        /// Where to write the files
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The hosts, as weir.cluster.canonical.host names them
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// Make new certificates in place of those that are there
        #[arg(long)]
        overwrite: bool,
    },
}

#[derive(Debug, Serialize)]
struct Files {
    written: Vec<PathBuf>,
    /// They were there before.
    kept: Vec<PathBuf>,
}

impl Verb {
    /// `None`: what it does needs a server.
    pub(crate) fn run_here(&self, out: &Output) -> Option<Result<ExitCode, Failure>> {
        let Self::Dev { dir, hosts, overwrite } = self else { return None };
        Some(dev(dir, hosts, *overwrite, out))
    }

    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| refused("can't list certificates", it);
                listing.show((client, out), List::certificates(), refused, list).await?;
            }
            Self::Add { alias, file, key_file, once } => {
                let key =
                    key_file.as_deref().map(|it| files::text("the private key", it)).transpose()?;
                let (key, pem) = (key.map(Concealed::new), files::text("the certificate", &file)?);
                let request = CertificateAdd { alias: alias.clone(), pem, key };
                let added = once.client(client).certificate_add(&request).await;
                added.map_err(|it| refused(format!("can't add {alias:?}"), it))?;
                out.note(&format!("{alias} added"));
            }
            Self::Delete { alias, once } => {
                let deleted = once.client(client).certificate_delete(&alias).await;
                deleted.map_err(|it| refused(format!("can't delete {alias:?}"), it))?;
                out.note(&format!("{alias} deleted"));
            }
            Self::Dev { .. } => unreachable!("it was done without a server"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn dev(dir: &Path, hosts: &[String], overwrite: bool, out: &Output) -> Result<ExitCode, Failure> {
    let made = certs::dev(dir, hosts, overwrite);
    let certs::Made { written, kept } = made.map_err(unmade)?;
    // That an authority is used again is as it should be.
    let of_authority = [dir.join("ca.pem"), dir.join("ca.key")];
    let any_kept = kept.iter().any(|it| !of_authority.contains(it));
    out.show(&Files { written, kept }, table)?;
    if any_kept {
        out.note("what was there is kept; --overwrite makes new ones for the hosts");
    }
    out.note("keys are secrets: give each host its own, and keep ca.key where no engine runs");
    Ok(ExitCode::SUCCESS)
}

fn unmade(certs::Refused { fault, file }: certs::Refused) -> Failure {
    let failure = Failure::of_fault("can't make the certificates", fault);
    match file {
        Some(kind) => failure.of_file(kind),
        None => failure,
    }
}

fn list(page: &Page<TrustedCertificateView>, look: &Look) -> String {
    use Column::Text;
    let narrow = [Text("CERTIFICATE"), Text("SUBJECT"), Text("KIND"), Text("ENDS")];
    let wide = [Text("FINGERPRINT"), Text("AGE"), Text("BY")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &page.items {
        rows.add(
            vec![
                table::text(&it.alias),
                table::text(&it.subject),
                table::text(if it.identity { "identity" } else { "trusted" }),
                table::text(&ends(it, look.now)),
            ],
            vec![
                table::text(&it.fingerprint.short()),
                table::text(&age(look.now, it.added_at)),
                table::text(it.added_by.as_str()),
            ],
        );
    }
    rows.text()
}

/// Marked where it is time to renew it.
fn ends(it: &TrustedCertificateView, now: Timestamp) -> String {
    let mark = if it.expires_soon { "!" } else { "" };
    format!("{}{mark}", relative(now, it.not_after))
}

fn table(files: &Files, _: &Look) -> String {
    let written = files.written.iter().map(|it| format!("wrote {}\n", it.display()));
    let kept = files.kept.iter().map(|it| format!("kept {}\n", it.display()));
    written.chain(kept).collect()
}

#[cfg(test)]
mod tests {
    use weir_domain::KeyFingerprint;

    use super::*;
    use crate::cli::samples::{LOOK, ago};

    #[test]
    fn a_directory_that_this_user_may_not_write_is_told_from_other_causes() {
        use std::io::ErrorKind;

        use crate::cli::exit::Exit;
        let exit = |file| {
            let fault = weir_domain::Fault::transient(65, "tls can't be made");
            unmade(certs::Refused { fault, file }).exit
        };
        assert_eq!(exit(Some(ErrorKind::PermissionDenied)), Exit::NotAllowed);
        assert_eq!(exit(None), Exit::Failed);
        let directory = tempfile::TempDir::new().expect("a directory");
        let file = directory.path().join("a");
        std::fs::write(&file, "").expect("written");
        let refused = certs::dev(&file.join("b"), &["h".to_owned()], false).err().expect("no way");
        assert_eq!(refused.file, Some(ErrorKind::NotADirectory));
    }

    #[test]
    fn certificates_say_when_they_end() {
        let view = |alias: &str, not_after, expires_soon: bool| TrustedCertificateView {
            alias: alias.into(),
            subject: "CN=Test CA".into(),
            fingerprint: KeyFingerprint([18; 32]),
            not_before: ago(1_000_000),
            not_after,
            identity: !expires_soon,
            expires_soon,
            pem: String::new(),
            added_at: ago(60),
            added_by: "ada".parse().expect("a name"),
        };
        let page = Page::whole([
            view("ended", ago(3_600), true),
            view("partner", ago(-86_400), true),
            view("us", ago(-90 * 86_400), false),
        ]);
        assert_eq!(
            list(&page, &LOOK),
            "\
CERTIFICATE  SUBJECT     KIND      ENDS
ended        CN=Test CA  trusted   1h ago!
partner      CN=Test CA  trusted   in 1d!
us           CN=Test CA  identity  in 90d
"
        );
    }

    #[test]
    fn files_that_were_made_and_files_that_were_there_are_told_apart() {
        let files =
            Files { written: vec!["tls/node-2.pem".into()], kept: vec!["tls/ca.pem".into()] };
        assert_eq!(table(&files, &LOOK), "wrote tls/node-2.pem\nkept tls/ca.pem\n");
    }
}
