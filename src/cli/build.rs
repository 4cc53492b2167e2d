//! `weir build`: a project directory as a package, one signed file.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use weir_domain::{
    DeploymentTag, Digest, Finding, KeyFingerprint, Timestamp, WorkflowName, did_you_mean,
};
use weir_package::{Details, Limits, Package, Signer};
use weir_project::{Loaded, Project};
use weir_stream::Registry;

use super::args::ConfArgs;
use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::human::{self, plural};
use super::look::Look;
use super::output::Output;
use super::sealing::{Carried, Sealing};
use super::table;
use crate::boot::packages::{self, Signing};

/// The tag of a package that nobody gave another one.
const TAG: &str = "${build:project}-${build:timestamp}";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The project directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The deployment's name in the cluster. ${build:timestamp}, ${build:project}, ${build:version} and
    /// ${build:commit} are put in
    #[arg(long, default_value = TAG)]
    tag: String,
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
    /// Who builds it
    #[arg(long, env = "USER", default_value = "unknown", value_name = "NAME")]
    author: String,
    /// What the project was checked out from
    #[arg(long, value_name = "ID")]
    commit: Option<String>,
    /// Only this workflow, with all that it refers to; may be repeated
    #[arg(long = "workflow", value_name = "NAME")]
    workflows: Vec<WorkflowName>,
    /// Where relative paths of the project begin on the engines; without it, at the directory
    #[arg(long, value_name = "DIR")]
    base_dir: Option<PathBuf>,
    /// The file to write; without it, TAG.weir in the working directory
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Sign with a key that is thrown away: only clusters that accept any signer take it
    #[arg(long)]
    unsigned: bool,
    #[command(flatten)]
    sealing: Sealing,
    #[command(flatten)]
    conf: ConfArgs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    file: String,
    tag: DeploymentTag,
    digest: Digest,
    signer: String,
    unsigned: bool,
    workflows: Vec<WorkflowName>,
    /// To which keys each secret is sealed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Carried>,
    objects: u64,
    bytes: u64,
}

impl Args {
    pub(crate) fn run(self, out: &Output, registry: &Registry) -> Result<ExitCode, Failure> {
        let project = loaded(&self.dir, out, registry)?;
        let built_at = moment(out)?;
        let tag = self.tag(&project, built_at)?;
        let (package, secrets) = self.package(&project, tag.clone(), built_at)?;
        let signer = self.signer(out)?;
        let file = self.file.clone().unwrap_or_else(|| PathBuf::from(format!("{tag}.weir")));
        let bytes = written(&file, &package, &signer)?;
        let built = Built {
            file: file.display().to_string(),
            tag,
            digest: package.digest(),
            signer: signer.key().to_string(),
            unsigned: self.unsigned,
            workflows: package
                .contents
                .content
                .workflows
                .iter()
                .map(|it| it.name.clone())
                .collect(),
            secrets,
            objects: package.contents.objects.len() as u64,
            bytes,
        };
        out.show(&built, shown)?;
        Ok(ExitCode::SUCCESS)
    }

    fn tag(&self, project: &Project, at: Timestamp) -> Result<DeploymentTag, Failure> {
        let what = || format!("can't use the tag {:?}", self.tag);
        let text = expanded(&self.tag, |name| match name {
            "timestamp" => Ok(digits(at)),
            "project" => Ok(project.name.to_string()),
            "version" => project.version.clone().ok_or("project.yaml has no spec.version"),
            "commit" => self.commit.clone().ok_or("name it with --commit"),
            _ => Err(""),
        });
        let text = text.map_err(|why| refused(what(), why))?;
        DeploymentTag::new(&text).map_err(|it| refused(what(), format!("{text:?}: {it}")))
    }

    fn package(
        &self,
        project: &Project,
        tag: DeploymentTag,
        built_at: Timestamp,
    ) -> Result<(Package, Vec<Carried>), Failure> {
        let what = || format!("can't build a package of {}", self.dir.display());
        let base_dir = self.base_dir.as_ref().unwrap_or(&project.dir);
        if !base_dir.is_absolute() {
            let why =
                format!("{} is not absolute: each engine would look elsewhere", base_dir.display());
            let failure = Failure::new(Reason::Usage, what(), why);
            return Err(failure.with_hint("--base-dir /srv/project"));
        }
        let selected: BTreeSet<_> = self.workflows.iter().cloned().collect();
        let parts = project.parts(&selected, base_dir.display().to_string());
        let mut parts = parts.map_err(|it| {
            let failure = Failure::new(Reason::Unknown, what(), it.to_string());
            failure.with_hint(format!("weir project validate {}", self.dir.display()))
        })?;
        let secrets = self.sealing.apply(&mut parts, &what())?;
        let details = Details {
            tag,
            description: self.description.clone(),
            author: self.author.clone(),
            commit: self.commit.clone(),
            built_at,
        };
        let package = Package::build(parts, details, &Limits::default());
        let package = package.map_err(|it| Failure::of_package(what(), &it))?;
        Ok((package, secrets))
    }

    fn signer(&self, out: &Output) -> Result<Signer, Failure> {
        if self.unsigned {
            return Ok(packages::nobody());
        }
        let settings = self.conf.settings()?;
        let signing = Signing::of(&settings, &settings.data_dir);
        let made = signing.signer();
        let (signer, is_new) =
            made.map_err(|it| Failure::of_fault("can't sign the package", it))?;
        if is_new {
            out.note(&format!("made a signing key in {}", signing.file.display()));
            out.note("clusters on other machines trust it when weir.packages.trusted-signers has its public key");
        }
        Ok(signer)
    }
}

/// A tag that can't be made.
fn refused(what: String, why: String) -> Failure {
    let failure = Failure::new(Reason::Usage, what, why);
    failure.with_hint("name another one with --tag, say ${build:project}-${build:timestamp}")
}

fn loaded(dir: &Path, out: &Output, registry: &Registry) -> Result<Project, Failure> {
    files::project(dir)?;
    let Loaded { project, findings } = weir_project::load(dir, registry);
    let is_wrong = findings.iter().any(Finding::is_error);
    match project.filter(|_| !is_wrong) {
        Some(project) => {
            findings.iter().for_each(|it| out.note(&it.to_string()));
            Ok(project)
        }
        None => {
            let what = format!("can't build a package of {}", dir.display());
            Err(Failure::of_findings(what, findings))
        }
    }
}

/// Now; or the moment that says it, so that a package can be built again byte by byte.
fn moment(out: &Output) -> Result<Timestamp, Failure> {
    let Some(given) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(out.look().now) };
    let seconds = given.to_str().and_then(|it| it.parse::<i64>().ok());
    let millis = seconds.filter(|it| *it >= 0).and_then(|it| it.checked_mul(1_000));
    millis.map(Timestamp).ok_or_else(|| {
        let why = format!("SOURCE_DATE_EPOCH is {given:?}, and not seconds since 1970");
        let failure = Failure::new(Reason::Usage, "can't tell when the package is built", why);
        failure.with_hint("SOURCE_DATE_EPOCH=1700000000, or unset it")
    })
}

/// A file that is there is not replaced: it may be what somebody deployed.
fn written(path: &Path, package: &Package, signer: &Signer) -> Result<u64, Failure> {
    let refuse = |it: std::io::Error| files::unwritten(path.display(), &it);
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(refuse)?;
    let done = write_whole(&file, package, signer);
    if done.is_err() {
        // Nobody may take a part of a package for one.
        let _ = std::fs::remove_file(path);
    }
    done.map_err(|it| Failure::of_package(format!("can't write {}", path.display()), &it))
}

fn write_whole(file: &File, package: &Package, signer: &Signer) -> weir_package::Result<u64> {
    package.write(BufWriter::new(file), signer)?;
    file.sync_all().map_err(weir_package::Error::Io)?;
    file.metadata().map(|it| it.len()).map_err(weir_package::Error::Io)
}

const NAMES: [&str; 4] = ["timestamp", "project", "version", "commit"];

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

fn shown(it: &Built, _: &Look) -> String {
    let objects = plural(usize::try_from(it.objects).unwrap_or(usize::MAX), "object");
    let signer = match it.unsigned {
        true => "nobody: the key was thrown away".to_owned(),
        false => it.signer.clone(),
    };
    let workflows: Vec<_> = it.workflows.iter().map(WorkflowName::as_str).collect();
    let mut facts = vec![
        ("file", human::plain(&it.file)),
        ("tag", it.tag.to_string()),
        ("digest", it.digest.to_string()),
        ("workflows", workflows.join(", ")),
        ("size", format!("{objects}, {}", human::bytes(it.bytes))),
        ("signed by", signer),
    ];
    facts.extend(it.secrets.iter().map(|it| ("secret", carried(it))));
    table::facts(&facts)
}

fn carried(it: &Carried) -> String {
    let keys: Vec<_> = it.keys.iter().map(KeyFingerprint::short).collect();
    format!("{}, sealed to {}", it.name, keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

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

    #[test]
    fn what_was_built_is_shown() {
        let built = Built {
            file: "flights-1.weir".into(),
            tag: "flights-1".parse().expect("a tag"),
            digest: Digest::from_bytes([7; 32]),
            signer: "05".repeat(32),
            unsigned: false,
            workflows: vec!["a".parse().expect("a name"), "b".parse().expect("a name")],
            secrets: vec![],
            objects: 9,
            bytes: 4_096,
        };
        let text = format!(
            "\
file:       flights-1.weir
tag:        flights-1
digest:     {}
workflows:  a, b
size:       9 objects, 4.0 KiB
signed by:  ",
            "07".repeat(32)
        );
        assert_eq!(shown(&built, &LOOK), format!("{text}{}\n", "05".repeat(32)));
        let unsigned = Built { unsigned: true, ..built };
        assert_eq!(shown(&unsigned, &LOOK), text + "nobody: the key was thrown away\n");
    }
}
