//! What is in a package file. Who signed it is shown, and not judged: that is the cluster's to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use weir_domain::{DeploymentTag, Digest, ProjectName, Timestamp, WorkflowName};
use weir_package::Manifest;

use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::human::{self, age, plain, plural};
use crate::cli::look::Look;
use crate::cli::output::Output;
use crate::cli::table;
use crate::delivery::{self, Proven, Unusable};

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// A file that `weir build` wrote
    file: PathBuf,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Contained {
    tag: DeploymentTag,
    description: String,
    author: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    built_at: Timestamp,
    digest: Digest,
    signer: String,
    project: ProjectName,
    base_dir: String,
    workflows: BTreeMap<WorkflowName, Digest>,
    /// Everything that has an object, as `asset Source files`, with its digest.
    items: Vec<Contains>,
    objects: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Contains {
    item: String,
    object: Digest,
}

impl Inspect {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let proven = prove(&self.file)?;
        out.show(&contained(&proven), shown)
    }
}

/// Reads the whole file: what was damaged or changed is named.
pub(super) fn prove(path: &Path) -> Result<Proven, Failure> {
    delivery::prove(path).map_err(|it| match it {
        Unusable::Io(error) => files::unread(format!("the package {}", path.display()), &error),
        Unusable::Package(error) => {
            Failure::of_package(format!("can't use the package {}", path.display()), &error)
        }
    })
}

fn contained(proven: &Proven) -> Contained {
    let Manifest { digest, details, content, objects } = proven.manifest.clone();
    let item =
        |(item, object): (weir_package::Item, Digest)| Contains { item: item.to_string(), object };
    Contained {
        tag: details.tag,
        description: details.description,
        author: details.author,
        commit: details.commit,
        built_at: details.built_at,
        digest,
        signer: proven.signer.to_string(),
        workflows: content.workflow_digests(),
        items: content.items().map(item).collect(),
        project: content.project,
        base_dir: content.base_dir,
        objects: objects.len() as u64,
        bytes: objects.iter().map(|it| it.size).sum(),
    }
}

fn shown(it: &Contained, look: &Look) -> String {
    let commit = it.commit.iter().map(|commit| format!(" from commit {commit}"));
    let built = format!(
        "{} ago by {}{}",
        age(look.now, it.built_at),
        it.author,
        commit.collect::<String>()
    );
    let objects = plural(usize::try_from(it.objects).unwrap_or(usize::MAX), "object");
    let facts = table::facts(&[
        ("tag", it.tag.to_string()),
        ("digest", it.digest.to_string()),
        ("description", plain(&it.description)),
        ("project", it.project.to_string()),
        ("base directory", plain(&it.base_dir)),
        ("built", plain(&built)),
        ("signed by", it.signer.clone()),
        ("size", format!("{objects}, {}", human::bytes(it.bytes))),
    ]);
    let items = it.items.iter().map(|it| format!("{:.12}  {}\n", it.object, plain(&it.item)));
    format!("{facts}\n{}", items.collect::<String>())
}
