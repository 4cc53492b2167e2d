//! Snippets of a project of a configuration server: put into its workflows, and made of their stages.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_domain::Finding;
use weir_http_api::{AssetView, SnippetCut, SnippetInsert, SnippetInserted};
use weir_http_client::Client;

use super::served::{AssetArg, ReadArg};
use crate::cli::excerpt;
use crate::cli::failure::Failure;
use crate::cli::human::{plain, plural};
use crate::cli::look::Look;
use crate::cli::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Put the stages of a snippet into a workflow
    Insert {
        project: String,
        /// The workflow: its name, or its path in the project
        workflow: String,
        /// The snippet: its name, or its path in the project
        snippet: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        how: How,
    },
    /// Make a snippet of stages of a workflow, which stays as it is
    Snippet {
        project: String,
        /// The workflow: its name, or its path in the project
        workflow: String,
        #[arg(required = true, value_name = "STAGE")]
        stages: Vec<String>,
        /// What the snippet is called
        #[arg(long)]
        name: String,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The stage that feeds what the snippet leaves open, as `route` or `route.late`
    #[arg(long, value_name = "STAGE")]
    after: Option<String>,
    /// A stage that the other one feeds: the snippet feeds it instead
    #[arg(long, value_name = "STAGE", requires = "after")]
    before: Option<String>,
    /// What the names of its stages begin with
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
}

#[derive(Debug, Args)]
pub(crate) struct How {
    #[command(flatten)]
    read: ReadArg,
    /// Show what that would give, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::Insert { project, workflow, snippet, place, how: How { read, dry_run } } => {
                let what = format!("can't put {} into {}", plain(&snippet), plain(&workflow));
                let snippet = AssetArg::of("snippet", &snippet).path(client, &project).await?;
                let workflow = AssetArg::of("workflow", &workflow);
                let (path, etag) = workflow.known(client, &project, read).await?;
                let Place { after, before, prefix } = place;
                let insert = SnippetInsert { snippet, after, before, prefix, dry_run };
                let inserted = client.snippet_insert(&project, &path, &insert, etag).await;
                out.show(&inserted.map_err(|it| Failure::of_client(what, it))?, inserted_told)?;
            }
            Self::Snippet { project, workflow, stages, name, description, how } => {
                let How { read, dry_run } = how;
                let what = format!("can't make the snippet {}", plain(&name));
                let workflow = AssetArg::of("workflow", &workflow);
                let (path, etag) = workflow.known(client, &project, read).await?;
                let cut = SnippetCut { stages, name, description, dry_run };
                let made = client.snippet_cut(&project, &path, &cut, etag).await;
                let made = made.map_err(|it| Failure::of_client(what, it))?;
                out.show(&made, |it, _| cut_told(it, dry_run))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn inserted_told(it: &SnippetInserted, look: &Look) -> String {
    let path = plain(&it.workflow.asset.path);
    let mut text = match it.dry_run {
        true => format!("{}\n{path} would be as above, with ", it.workflow.text.trim_end()),
        false => format!("{path} has now "),
    };
    text += &format!("{}:\n", plural(it.stages.len(), "more stage"));
    for stage in &it.stages {
        text += &match stage.of == stage.name {
            true => format!("  {}\n", plain(&stage.name)),
            false => format!("  {} ({} in the snippet)\n", plain(&stage.name), plain(&stage.of)),
        };
    }
    if !it.findings.is_empty() {
        text += "found with it, and not before:\n";
    }
    let findings = it.findings.iter().cloned().map(Finding::from);
    text + &findings.map(|it| excerpt::finding(&it, None, look)).collect::<String>()
}

fn cut_told(it: &AssetView, is_dry: bool) -> String {
    let path = plain(&it.asset.path);
    match is_dry {
        true => format!("{}\n{path} would be as above\n", it.text.trim_end()),
        false => format!("{path} is written\n"),
    }
}

#[cfg(test)]
mod tests {
    use weir_http_api::{AssetSummary, FindingView, SnippetStage};

    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn it_is_told_what_the_stages_are_called_and_what_is_still_open() {
        let (path, kind) = ("flow.yaml".to_owned(), Some("Workflow".to_owned()));
        let (name, description, etag, findings) = Default::default();
        let asset = AssetSummary { path, kind, name, description, etag, findings };
        let stage = |of: &str, name: &str| SnippetStage { of: of.into(), name: name.into() };
        let place = weir_domain::Place::new("flow.yaml", 9, 3);
        let found = Finding::error(2_107, place, "last.out", "it goes nowhere");
        let mut inserted = SnippetInserted {
            workflow: AssetView { asset, text: "kind: Workflow\n".into() },
            stages: vec![stage("map", "map-2"), stage("last", "last")],
            findings: vec![FindingView::from(found)],
            dry_run: false,
        };
        let stages = "  map-2 (map in the snippet)\n  last\n";
        let found = "found with it, and not before:\n\
                     flow.yaml:9:3: error[WEIR-02107] last.out: it goes nowhere\n";
        let told = inserted_told(&inserted, &LOOK);
        assert_eq!(told, format!("flow.yaml has now 2 more stages:\n{stages}{found}"));
        inserted.dry_run = true;
        let told = inserted_told(&inserted, &LOOK);
        let would = "kind: Workflow\nflow.yaml would be as above, with 2 more stages:\n";
        assert_eq!(told, format!("{would}{stages}{found}"));
    }
}
