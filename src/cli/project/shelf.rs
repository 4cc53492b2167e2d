//! Assets that one project of a configuration server takes from another one.

use std::process::ExitCode;

use clap::Subcommand;
use weir_domain::ProjectName;
use weir_http_api::{AssetCopy, AssetTake, AssetTaken, Page};
use weir_http_client::Client;

use super::served::AssetArg;
use crate::cli::failure::Failure;
use crate::cli::human::plain;
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Take an asset of another project, with all that it refers to
    Take {
        project: String,
        /// The project that has it
        from: ProjectName,
        #[command(flatten)]
        asset: AssetArg,
        /// Other texts of the same kinds and names give way
        #[arg(long)]
        replace: bool,
    },
    /// List where other projects have an asset of the same kind and name
    Copies {
        project: String,
        #[command(flatten)]
        asset: AssetArg,
    },
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::Take { project, from, asset, replace } => {
                let path = asset.path(client, from.as_str()).await?;
                let what = format!("can't take {path} of {from}");
                let request = AssetTake { from, asset: path, replace };
                let taken = client.asset_take(&project, &request).await;
                let taken = taken.map_err(|it| Failure::of_client(what, it))?;
                out.show(&taken, told)?;
            }
            Self::Copies { project, asset } => {
                let path = asset.path(client, &project).await?;
                let copies = client.asset_copies(&project, &path).await;
                let what = format!("can't look for copies of {path}");
                out.show(&copies.map_err(|it| Failure::of_client(what, it))?, listed)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(taken: &AssetTaken, _: &Look) -> String {
    let mut text = String::new();
    for (word, paths) in [("taken", &taken.written), ("there already", &taken.same)] {
        text += &paths.iter().map(|it| format!("{word}: {}\n", plain(it))).collect::<String>();
    }
    if !taken.needs.is_empty() {
        text += &format!("to be defined in this project: {}\n", plain(&taken.needs.join(", ")));
    }
    text
}

fn listed(page: &Page<AssetCopy>, look: &Look) -> String {
    let columns = [
        Column::Text("PROJECT"),
        Column::Text("PATH"),
        Column::Text("TEXT"),
        Column::Number("USAGES"),
    ];
    let mut rows = Rows::new(look, &columns, &[]);
    for it in &page.items {
        let same = if it.same { "the same" } else { "another one" };
        rows.add(
            vec![
                table::text(it.project.as_str()),
                table::text(&it.path),
                table::text(same),
                table::count(it.usages),
            ],
            vec![],
        );
    }
    rows.text()
}
