//! `weir project`: project directories on this machine, and projects of a configuration server.

mod branches;
mod difference;
mod remotes;
mod served;
mod shelf;
mod snippets;
mod versions;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_domain::{Finding, ProjectName};
use weir_http_api::Validation;
use weir_http_client::Client;
use weir_project::Loaded;
use weir_stream::Registry;

use super::args::{Global, Once};
use super::asked;
use super::excerpt;
use super::exit::Exit;
use super::failure::Failure;
use super::files;
use super::human::{plain, plural};
use super::look::{Look, Tone};
use super::output::{Format, Output};

#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    once: Once,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Report everything that is wrong with a project
    Validate {
        /// A project directory; or, where no file is called so and a server is named, the name of a project of
        /// the configuration server
        #[arg(default_value = ".", value_name = "DIR|NAME")]
        project: PathBuf,
    },
    #[command(flatten)]
    Served(served::Verb),
    #[command(flatten)]
    Shelf(shelf::Verb),
    #[command(flatten)]
    Snippets(snippets::Verb),
    #[command(flatten)]
    Versions(Box<versions::Verb>),
}

impl Command {
    pub(crate) fn run(
        self,
        global: &Global,
        out: &Output,
        registry: fn() -> Registry,
    ) -> Result<ExitCode, Failure> {
        let Self { once, verb } = self;
        let client = || global.design().map(|it| once.client(&it));
        match verb {
            Verb::Validate { project } => match named(&project, global)? {
                Some(name) => asked(validate_served(&name, &client()?, out)),
                None => validate(&project, out, &registry()),
            },
            Verb::Served(verb) => asked(verb.run(&client()?, out)),
            Verb::Shelf(verb) => asked(verb.run(&client()?, out)),
            Verb::Snippets(verb) => asked(verb.run(&client()?, out)),
            Verb::Versions(verb) => asked(verb.run(&client()?, out)),
        }
    }
}

/// The project of a server that is meant: what is there as a file never is.
fn named(project: &Path, global: &Global) -> Result<Option<ProjectName>, Failure> {
    let name = project.to_str().and_then(|it| ProjectName::new(it).ok());
    let is_meant = !project.exists() && global.names_server()?;
    Ok(name.filter(|_| is_meant))
}

async fn validate_served(
    name: &ProjectName,
    client: &Client,
    out: &Output,
) -> Result<ExitCode, Failure> {
    let found = client.project_validate(name.as_str()).await;
    let found = found.map_err(|it| Failure::of_client(format!("can't validate {name}"), it))?;
    let is_valid = found.valid;
    let project = client.project(name.as_str()).await;
    let project = project.map_err(|it| Failure::of_client(format!("can't show {name}"), it))?;
    match out.format {
        Format::Json | Format::Yaml => out.show(&found, |_, _| String::new())?,
        Format::Table | Format::Wide => {
            let findings: Vec<_> = found.findings.into_iter().map(Finding::from).collect();
            out.print(&listed(&findings, |_| None, &out.look()))?;
            out.note(&summary(Some((name, project.workflows.len())), &findings, &out.look()));
        }
    }
    Ok(if is_valid { ExitCode::SUCCESS } else { Exit::Invalid.into() })
}

fn validate(dir: &Path, out: &Output, registry: &Registry) -> Result<ExitCode, Failure> {
    files::project(dir)?;
    let Loaded { project, mut findings, .. } = weir_project::load(dir, registry);
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    let is_valid = !findings.iter().any(Finding::is_error);
    match out.format {
        Format::Json | Format::Yaml => {
            out.show(&Validation::from(findings), |_, _| String::new())?
        }
        Format::Table | Format::Wide => {
            let look = out.look();
            let source = |it: &Finding| excerpt_of(dir, it, out);
            out.print(&listed(&findings, source, &look))?;
            let valid = project.as_ref().map(|it| (&it.name, it.plans.len()));
            out.note(&summary(valid, &findings, &look));
        }
    }
    Ok(if is_valid { ExitCode::SUCCESS } else { Exit::Invalid.into() })
}

/// A person gets the line beside the finding; a program reads the place.
fn excerpt_of(dir: &Path, finding: &Finding, out: &Output) -> Option<String> {
    if out.terminal { excerpt::line_at(dir, &finding.place) } else { None }
}

fn listed(
    findings: &[Finding],
    source: impl Fn(&Finding) -> Option<String>,
    look: &Look,
) -> String {
    findings.iter().map(|it| excerpt::finding(it, source(it).as_deref(), look)).collect()
}

/// `project`: its name and how many workflows it has, where it is valid.
fn summary(project: Option<(&ProjectName, usize)>, findings: &[Finding], look: &Look) -> String {
    let errors = findings.iter().filter(|it| it.is_error()).count();
    let warnings = plural(findings.len() - errors, "warning");
    if errors == 0 {
        let name = project.map_or("the project".into(), |it| plain(it.0.as_str()));
        let workflows = plural(project.map_or(0, |it| it.1), "workflow");
        let text = format!("{name} is valid: {workflows}, {warnings}");
        return format!("{} {text}", look.paint(Tone::Good, "✓"));
    }
    let files: BTreeSet<_> = findings.iter().map(|it| &it.place.file).collect();
    let text =
        format!("{}, {warnings} in {}", plural(errors, "error"), plural(files.len(), "file"));
    format!("{} {text}", look.paint(Tone::Bad, "✗"))
}

#[cfg(test)]
mod tests {
    use weir_domain::Place;

    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn every_finding_is_listed_and_they_are_counted() {
        let findings = [
            Finding::error(2_001, Place::new("a.yaml", 3, 1), "spec.x", "unknown key \"x\""),
            Finding::warning(2_050, Place::file("b.yaml"), "", "two sinks write one file"),
        ];
        assert_eq!(
            listed(&findings, |_| None, &LOOK),
            "a.yaml:3:1: error[WEIR-02001] spec.x: unknown key \"x\"\n\
             b.yaml: warning[WEIR-02050]: two sinks write one file\n"
        );
        assert_eq!(summary(None, &findings, &LOOK), "✗ 1 error, 1 warning in 2 files");
        assert_eq!(
            summary(Some((&ProjectName::new("shop").unwrap(), 2)), &findings[1..], &LOOK),
            "✓ shop is valid: 2 workflows, 1 warning"
        );
    }
}
