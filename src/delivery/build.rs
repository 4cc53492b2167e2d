//! Building: a project's directory becomes a package.

use std::collections::BTreeSet;
use std::path::PathBuf;

use weir_domain::{
    AssetName, DeploymentTag, Finding, ProjectName, Timestamp, WorkflowName, did_you_mean,
};
use weir_package::{Details, Limits, Package};
use weir_project::{Loaded, Project, UnknownWorkflow};
use weir_stream::Registry;

use super::sealing::{Carried, Sealing};
use super::sources::Sources;

/// The tag of a package that nobody gave another one.
pub(crate) const TAG: &str = "${build:project}-${build:timestamp}";

/// What to do about a version in which the project has another name.
pub(crate) const OTHERWISE_CALLED: &str =
    "build a version that has the project's name, or clone that version as a project of its own";

const NAMES: [&str; 4] = ["timestamp", "project", "version", "commit"];

/// What is to be built.
pub(crate) struct Wanted {
    /// With `${build:NAME}` in it.
    pub(crate) tag: String,
    pub(crate) description: String,
    pub(crate) author: String,
    /// As the project was in this version; `None`: as it is.
    pub(crate) version: Option<String>,
    /// What it was checked out from. That of a version is known.
    pub(crate) commit: Option<String>,
    /// None: all of them.
    pub(crate) workflows: BTreeSet<WorkflowName>,
    /// Behind those of the project's own list.
    pub(crate) environments: Vec<AssetName>,
    /// Where relative paths begin on the engines; `None`: at the directory.
    pub(crate) base_dir: Option<PathBuf>,
    pub(crate) sealing: Sealing,
    pub(crate) at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) package: Package,
    pub(crate) tag: DeploymentTag,
    pub(crate) commit: Option<String>,
    /// To which keys each secret is sealed.
    pub(crate) secrets: Vec<Carried>,
    /// Warnings.
    pub(crate) findings: Vec<Finding>,
}

/// Why there is no package.
#[derive(Debug)]
pub(crate) enum NotBuilt {
    /// The project has errors.
    Findings(Vec<Finding>),
    Tag {
        given: String,
        why: String,
    },
    /// Each engine would look elsewhere.
    BaseDir(PathBuf),
    Workflow(UnknownWorkflow),
    Secret {
        name: AssetName,
        error: Box<weir_secrets::Error>,
    },
    Package(weir_package::Error),
    /// The version is one of a project that is called otherwise: its secrets are sealed for that one.
    Name {
        version: ProjectName,
        present: ProjectName,
    },
    /// There is no such version, or it can't be used.
    Version(weir_versions::Error),
    /// Its files can't be put anywhere.
    Files(std::io::Error),
}

/// Reads these files, and nothing else.
pub(crate) fn build(
    sources: &Sources,
    registry: &Registry,
    wanted: &Wanted,
) -> Result<Built, NotBuilt> {
    let loaded = weir_project::load_in(&sources.dir, registry, &wanted.environments);
    let Loaded { project, findings } = loaded;
    let Some(project) = project else { return Err(NotBuilt::Findings(findings)) };
    if wanted.version.is_some() {
        let present = weir_project::name(&sources.base_dir).map_err(NotBuilt::Findings)?;
        if project.name != present {
            return Err(NotBuilt::Name { version: project.name, present });
        }
    }
    let commit = sources.commit.as_ref().or(wanted.commit.as_ref());
    let tag = wanted.tag(&project, commit)?;
    let base_dir = wanted.base_dir.as_ref().unwrap_or(&sources.base_dir);
    if !base_dir.is_absolute() {
        return Err(NotBuilt::BaseDir(base_dir.clone()));
    }
    let parts = project.parts(&wanted.workflows, base_dir.display().to_string());
    let mut parts = parts.map_err(NotBuilt::Workflow)?;
    let secrets = wanted.sealing.apply(&mut parts);
    let secrets = secrets.map_err(|(name, error)| NotBuilt::Secret { name, error })?;
    let details = Details {
        tag: tag.clone(),
        description: wanted.description.clone(),
        author: wanted.author.clone(),
        commit: commit.cloned(),
        built_at: wanted.at,
    };
    let package = Package::build(parts, details, &Limits::default()).map_err(NotBuilt::Package)?;
    Ok(Built { package, tag, commit: commit.cloned(), secrets, findings })
}

impl Wanted {
    fn tag(&self, project: &Project, commit: Option<&String>) -> Result<DeploymentTag, NotBuilt> {
        let text = expanded(&self.tag, |name| match name {
            "timestamp" => Ok(digits(self.at)),
            "project" => Ok(project.name.to_string()),
            "version" => project.version.clone().ok_or("project.yaml has no spec.version"),
            "commit" => commit.cloned().ok_or("name it with --commit, or build a --version"),
            _ => Err(""),
        });
        let refused = |why| NotBuilt::Tag { given: self.tag.clone(), why };
        let text = text.map_err(refused)?;
        DeploymentTag::new(&text).map_err(|it| refused(format!("{text:?}: {it}")))
    }
}

/// The text with its `${build:NAME}` replaced; what `value` says of a name that there is not is said.
fn expanded(
    text: &str,
    value: impl Fn(&str) -> Result<String, &'static str>,
) -> Result<String, String> {
    let mut parts = text.split("${build:");
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or("a ${build:… has no }")?;
        let put = value(name).map_err(|why| match (why, did_you_mean(name, NAMES)) {
            ("", Some(near)) => format!("there is no ${{build:{name}}}: did you mean {near}?"),
            ("", None) => format!("there is no ${{build:{name}}}, only {}", NAMES.join(", ")),
            (why, _) => format!("${{build:{name}}} is not known: {why}"),
        })?;
        expanded += &put;
        expanded += rest;
    }
    Ok(expanded)
}

/// `20230808151420`, in UTC.
fn digits(at: Timestamp) -> String {
    at.to_string().chars().filter(char::is_ascii_digit).take(14).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t19_names_of_the_build_are_put_into_a_tag() {
        let at = Timestamp(1_691_507_660_000);
        let value = |name: &str| match name {
            "version" => Ok("1.2.21".to_owned()),
            "timestamp" => Ok(digits(at)),
            "commit" => Err("name it with --commit"),
            _ => Err(""),
        };
        let tag = |text| expanded(text, value);
        assert_eq!(
            tag("dd-demo-${build:version}-${build:timestamp}").as_deref(),
            Ok("dd-demo-1.2.21-20230808151420")
        );
        assert_eq!(tag("plain").as_deref(), Ok("plain"));
        for (text, why) in [
            ("${build:comit}", "did you mean commit?"),
            ("${build:commit}", "name it with --commit"),
            ("${build:version", "has no }"),
            ("${build:x}", "only timestamp, project, version, commit"),
        ] {
            let refused = tag(text).expect_err("it is wrong");
            assert!(refused.contains(why), "{refused}");
        }
    }
}
