//! `weir certs`: certificates of the links between nodes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::failure::Failure;
use super::look::Look;
use super::output::Output;
use crate::boot::certs;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make an authority and a certificate for each host. An authority that is there is used again
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
    pub(crate) fn run(self, out: &Output) -> Result<ExitCode, Failure> {
        let Self::Dev { dir, hosts, overwrite } = self;
        let made = certs::dev(&dir, &hosts, overwrite);
        let certs::Made { written, kept } =
            made.map_err(|it| Failure::of_fault("can't make the certificates", it))?;
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
}

fn table(files: &Files, _: &Look) -> String {
    let written = files.written.iter().map(|it| format!("wrote {}\n", it.display()));
    let kept = files.kept.iter().map(|it| format!("kept {}\n", it.display()));
    written.chain(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn files_that_were_made_and_files_that_were_there_are_told_apart() {
        let files =
            Files { written: vec!["tls/node-2.pem".into()], kept: vec!["tls/ca.pem".into()] };
        assert_eq!(table(&files, &LOOK), "wrote tls/node-2.pem\nkept tls/ca.pem\n");
    }
}
