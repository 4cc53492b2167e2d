//! Projects that are applied from a directory, without a package: every node runs them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use weir_domain::{Finding, ProjectName};
use weir_http_api::{DeploymentPreview, DeploymentRequest, DeploymentView, DryRun};
use weir_http_client::{Error, Management};
use weir_project::Loaded;
use weir_stream::Registry;

use crate::cli::args::{Global, ManagementArgs, Once};
use crate::cli::exit::{Exit, Reason};
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::human::{self, plain, plural};
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

use Column::{Number, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The project directory. Every engine must find its data at the same paths
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where relative paths of the project begin on the engines; without it, at the directory
    #[arg(long, value_name = "DIR")]
    base_dir: Option<PathBuf>,
    /// Only say what would start, restart and stop
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    server: ManagementArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Withdraw {
    project: ProjectName,
    /// Only say what would run no more
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ManagementArgs,
}

impl Apply {
    pub(super) async fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<(), Failure> {
        let client = self.once.management(self.server.client(global)?);
        let (project, request) = compiled(&self.dir, self.base_dir, registry)?;
        let what = format!("{:?} can't be deployed", project.as_str());
        if self.dry_run {
            let preview = client.preview_deploy(&project, &request).await;
            out.note("dry run: nothing is changed");
            return out.show(&preview.map_err(|it| refused(what, it))?, previewed);
        }
        let deployed = client.deploy(&project, &request).await;
        out.show(&deployed.map_err(|it| refused(what, it))?, line)
    }
}

impl Withdraw {
    pub(super) async fn run(self, global: &Global, out: &Output) -> Result<(), Failure> {
        let client = self.server.client(global)?;
        if self.dry_run {
            let deployed = deployed(&client, &self.project).await?;
            out.note("dry run: nothing is changed; this would be withdrawn:");
            return out.show(&deployed, line);
        }
        let withdrawn = client.withdraw(&self.project, &DryRun::default()).await;
        let withdrawn = withdrawn.map_err(|error| {
            let failure = refused(not_withdrawn(&self.project), error);
            match failure.exit {
                Exit::NotFound => failure.with_hint("weir deployment list"),
                _ => failure,
            }
        });
        out.show(&withdrawn?, line)
    }
}

fn not_withdrawn(project: &ProjectName) -> String {
    format!("{:?} can't be withdrawn", project.as_str())
}

/// What a withdrawal would end. It is only read: an engine of an earlier version, asked for a dry run of
/// the withdrawal, would carry it out.
async fn deployed(client: &Management, project: &ProjectName) -> Result<DeploymentView, Failure> {
    let what = || not_withdrawn(project);
    let all = client.deployments().await.map_err(|it| refused(what(), it))?.items;
    all.into_iter().find(|it| it.project == *project).ok_or_else(|| {
        let why = format!("there is no deployment {:?}", project.as_str());
        Failure::new(Reason::Unknown, what(), why).with_hint("weir deployment list")
    })
}

fn refused(what: impl Into<String>, error: Error) -> Failure {
    Failure::of_management(what, error)
}

fn compiled(
    dir: &Path,
    base_dir: Option<PathBuf>,
    registry: &Registry,
) -> Result<(ProjectName, DeploymentRequest), Failure> {
    let what = || format!("{} can't be deployed", dir.display());
    let absolute = files::project(dir)?;
    let Loaded { project, findings, .. } = weir_project::load(dir, registry);
    let Some(project) = project.filter(|_| !findings.iter().any(Finding::is_error)) else {
        return Err(Failure::of_findings(what(), findings));
    };
    if let Some(fault) = project.needs_package() {
        return Err(Failure::of_fault(what(), fault));
    }
    let request = DeploymentRequest {
        digest: project.digest.clone(),
        base_dir: base_dir.unwrap_or(absolute).display().to_string(),
        plans: project.plans.clone(),
    };
    Ok((project.name, request))
}

pub(super) fn listed(applied: &[DeploymentView], look: &Look) -> String {
    let narrow = [Text("PROJECT"), Number("WORKFLOWS"), Text("DEPLOYED"), Text("DIGEST")];
    let mut rows = Rows::new(look, &narrow, &[Text("BASE-DIR")]);
    for it in applied {
        rows.add(
            vec![
                table::text(it.project.as_str()),
                table::count(it.workflows.len() as u64),
                table::text(&human::age(look.now, it.deployed_at)),
                table::text(&format!("{:.12}", it.digest)),
            ],
            vec![table::text(&it.base_dir)],
        );
    }
    rows.text()
}

fn line(it: &DeploymentView, _: &Look) -> String {
    let workflows = plural(it.workflows.len(), "workflow");
    format!("{}: {workflows}, digest {:.12}\n", plain(it.project.as_str()), it.digest)
}

fn previewed(it: &DeploymentPreview, _: &Look) -> String {
    let changes = [("starts", &it.starts), ("restarts", &it.restarts), ("stops", &it.stops)];
    let mut text = format!("{}: digest {:.12}\n", plain(it.project.as_str()), it.digest);
    for (word, workflows) in changes.into_iter().chain([("stays", &it.stays)]) {
        for workflow in workflows {
            let _ = writeln!(text, "  {word:<8}  {workflow}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use weir_http_api::Page;

    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    #[test]
    fn a_list_of_applied_projects() {
        let page = samples::deployments();
        assert_eq!(
            listed(&page, &LOOK),
            "\
PROJECT  WORKFLOWS  DEPLOYED  DIGEST
flights          2  1m        85e30fe09887
weather          1  2h        17aa
"
        );
        assert_eq!(
            listed(&page, &WIDE),
            "\
PROJECT  WORKFLOWS  DEPLOYED  DIGEST        BASE-DIR
flights          2  1m        85e30fe09887  /srv/flights
weather          1  2h        17aa          /srv/weather
"
        );
    }

    #[test]
    fn a_deployed_project_is_told_in_a_line() {
        let [flights, weather] = samples::deployments().try_into().expect("two deployments");
        assert_eq!(line(&flights, &LOOK), "flights: 2 workflows, digest 85e30fe09887\n");
        assert_eq!(line(&weather, &LOOK), "weather: 1 workflow, digest 17aa\n");
    }

    #[test]
    fn what_deploying_would_do_is_told_by_workflow() {
        let names = |it: &[&str]| it.iter().map(|it| it.parse().expect("a name")).collect();
        let preview = DeploymentPreview {
            project: "flights".parse().expect("a name"),
            digest: "85e30fe09887bb".to_owned(),
            starts: names(&["delays"]),
            restarts: names(&["clean", "route"]),
            stops: names(&[]),
            stays: names(&["archive"]),
        };
        assert_eq!(
            previewed(&preview, &LOOK),
            "\
flights: digest 85e30fe09887
  starts    delays
  restarts  clean
  restarts  route
  stays     archive
"
        );
    }

    #[tokio::test]
    async fn a_dry_run_only_reads_whatever_the_engine_knows_of_dry_runs() {
        let page = Page { items: samples::deployments(), next_cursor: None };
        // Whatever changes something is no route of this engine.
        let list = axum::routing::get(|| async { axum::Json(page) });
        let engine = axum::Router::new().route("/deployments", list);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let client = Management::new(&base).expect("an address");
        let of = async |name: &str| deployed(&client, &name.parse().expect("a name")).await;
        let asked = async { (of("weather").await, of("nothing").await) };
        let (there, failure) = tokio::select! {
            answers = asked => answers,
            ended = axum::serve(listener, engine).into_future() => panic!("{ended:?}"),
        };
        assert_eq!(there.expect("it is there").project.as_str(), "weather");
        let failure = failure.expect_err("it is not there");
        let told = failure.text(&LOOK);
        assert!(failure.exit == Exit::NotFound && told.contains("hint:  weir deployment list"));
    }

    #[test]
    fn a_project_with_errors_is_not_deployed() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let refusal = compiled(directory.path(), None, &crate::boot::registry());
        let refusal = refusal.map(|it| it.0).expect_err("it has errors");
        assert_eq!(refusal.exit, Exit::Invalid);
        let text = refusal.text(&LOOK).replace(&directory.path().display().to_string(), "DIR");
        assert_eq!(
            text,
            "\
DIR: error[WEIR-02201]: the directory has no project.yaml: it is no project
  fix: add a project.yaml with an asset of kind Project
error: DIR can't be deployed
why:   1 error must be mended first
"
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_deployed() {
        let refusal = compiled("no/such/project".as_ref(), None, &Registry::default());
        let text = refusal.map(|it| it.0).expect_err("there is none").text(&LOOK);
        assert!(text.starts_with("error: can't read the project no/such/project\n"), "{text}");
    }
}
