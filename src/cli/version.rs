//! `weir version`.

use std::process::ExitCode;

use serde::Serialize;
use weir_http_api::VersionView;

use super::args::Global;
use super::failure::Failure;
use super::look::Look;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask the server for its version, too
    #[arg(long)]
    remote: bool,
}

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<VersionView>,
}

impl Args {
    pub(crate) async fn run(self, global: &Global, out: &Output) -> Result<ExitCode, Failure> {
        let mut versions = Versions { version: env!("CARGO_PKG_VERSION"), server: None };
        if self.remote {
            let refuse = |error| Failure::of_client("can't ask for the server's version", error);
            versions.server = Some(global.client()?.version().await.map_err(refuse)?);
        }
        out.show(&versions, table)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn table(versions: &Versions, _: &Look) -> String {
    let mut text = format!("weir {}\n", versions.version);
    if let Some(it) = &versions.server {
        text += &format!("{} {} (api {})\n", it.server, it.version, it.api);
        if let Some(it) = &it.cluster {
            text += &format!("cluster {}, id {}\n", it.name, it.id);
        }
    }
    text
}
