//! How a command line says what a package is built with: the same for `build` and `deploy`.

use std::path::{Path, PathBuf};

use weir_domain::{AssetName, WorkflowName};
use weir_http_api::BuildRequest;
use weir_http_client::Client;
use weir_stream::Registry;

use super::build::{moment, not_built, what};
use super::failure::Failure;
use super::output::Output;
use super::sealing::SealingArgs;
use crate::delivery::{self, Built, Sources, TAG, Wanted};

/// What says how to build: all of these.
pub(super) const NAMES: [&str; 9] = [
    "tag",
    "description",
    "of-version",
    "commit",
    "workflows",
    "environments",
    "base_dir",
    "seal_to",
    "open_with",
];

#[derive(Debug, clap::Args)]
pub(super) struct PackingArgs {
    /// The deployment's name in the cluster. ${build:timestamp}, ${build:project}, ${build:version} and
    /// ${build:commit} are put in
    #[arg(long, default_value = TAG)]
    tag: String,
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
    /// Build the project as it was in this version: a commit, a tag or a branch; without it, as it is now
    #[arg(id = "of-version", long = "version", value_name = "VERSION")]
    version: Option<String>,
    /// What the project was checked out from
    #[arg(long, value_name = "ID", conflicts_with = "of-version")]
    commit: Option<String>,
    /// Only this workflow, with all that it refers to; may be repeated
    #[arg(long = "workflow", value_name = "NAME")]
    workflows: Vec<WorkflowName>,
    /// An environment of the project, behind those that project.yaml lists; may be repeated: where two
    /// define one name, the later wins
    #[arg(long = "environment", value_name = "NAME")]
    environments: Vec<AssetName>,
    /// Where relative paths of the project begin on the engines; without it, at its directory
    #[arg(long, value_name = "DIR")]
    base_dir: Option<PathBuf>,
    #[command(flatten)]
    sealing: SealingArgs,
}

/// Whether a directory of this machine is meant, and not a project of a configuration server.
pub(super) fn is_directory(project: &str) -> bool {
    project == "." || project.contains('/') || Path::new(project).join("project.yaml").is_file()
}

impl PackingArgs {
    /// Builds it of a directory of this machine, and tells what was found. `client` asks the cluster that
    /// it goes to, if that is known.
    pub(super) async fn built(
        &self,
        (dir, author): (&Path, &str),
        client: Option<&Client>,
        (registry, out): (&Registry, &Output),
    ) -> Result<Built, Failure> {
        super::files::project(dir)?;
        let wanted = Wanted {
            tag: self.tag.clone(),
            description: self.description.clone(),
            author: author.to_owned(),
            version: self.version.clone(),
            commit: self.commit.clone(),
            workflows: self.workflows.iter().cloned().collect(),
            environments: self.environments.clone(),
            base_dir: self.base_dir.clone(),
            sealing: self.sealing.read(&what(dir), client).await?,
            at: moment(out)?,
        };
        let sources = match &wanted.version {
            Some(version) => Sources::of_version(dir, version).map_err(|it| not_built(dir, it))?,
            None => Sources::present(dir),
        };
        let made = delivery::build(&sources, registry, &wanted);
        let made = made.map_err(|it| not_built(dir, it))?;
        made.findings.iter().for_each(|it| out.note(&it.to_string()));
        Ok(made)
    }

    /// The same for a configuration server.
    pub(super) fn request(&self, what: &str) -> Result<BuildRequest, Failure> {
        Ok(BuildRequest {
            tag: Some(self.tag.clone()),
            description: self.description.clone(),
            version: self.version.clone(),
            workflows: self.workflows.clone(),
            environments: self.environments.clone(),
            base_dir: self.base_dir.as_ref().map(|it| it.display().to_string()),
            seal_to: self.sealing.request(what)?,
            commit: self.commit.clone(),
            at: None,
        })
    }
}
