//! `weir build`: a project directory as a package, one signed file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use weir_domain::{AssetName, DeploymentTag, Digest, KeyFingerprint, Timestamp, WorkflowName};
use weir_package::Signer;
use weir_stream::Registry;

use super::args::ConfArgs;
use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::human::{self, plural};
use super::look::Look;
use super::output::Output;
use super::sealing::SealingArgs;
use super::table;
use crate::boot::packages::{self, Signing};
use crate::delivery::{self, Carried, NotBuilt, TAG, Unusable, Wanted};

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
    /// An environment of the project, behind those that project.yaml lists; may be repeated: where two
    /// define one name, the later wins
    #[arg(long = "environment", value_name = "NAME")]
    environments: Vec<AssetName>,
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
    sealing: SealingArgs,
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
        let what = what(&self.dir);
        files::project(&self.dir)?;
        let wanted = self.wanted(&what, out)?;
        let made = delivery::build(&self.dir, registry, &wanted);
        let made = made.map_err(|it| not_built(&self.dir, it))?;
        made.findings.iter().for_each(|it| out.note(&it.to_string()));
        let signer = signer(&self.conf, self.unsigned, out)?;
        let tag = made.tag;
        let file = self.file.clone().unwrap_or_else(|| PathBuf::from(format!("{tag}.weir")));
        let bytes = delivery::write(&file, &made.package, &signer);
        let bytes = bytes.map_err(|it| unwritten(&file, &it))?;
        let contents = &made.package.contents;
        let built = Built {
            file: file.display().to_string(),
            tag,
            digest: made.package.digest(),
            signer: signer.key().to_string(),
            unsigned: self.unsigned,
            workflows: contents.content.workflows.iter().map(|it| it.name.clone()).collect(),
            secrets: made.secrets,
            objects: contents.objects.len() as u64,
            bytes,
        };
        out.show(&built, shown)?;
        Ok(ExitCode::SUCCESS)
    }

    fn wanted(&self, what: &str, out: &Output) -> Result<Wanted, Failure> {
        Ok(Wanted {
            tag: self.tag.clone(),
            description: self.description.clone(),
            author: self.author.clone(),
            commit: self.commit.clone(),
            workflows: self.workflows.iter().cloned().collect(),
            environments: self.environments.clone(),
            base_dir: self.base_dir.clone(),
            sealing: self.sealing.read(what)?,
            at: moment(out)?,
        })
    }
}

pub(super) fn what(dir: &Path) -> String {
    format!("can't build a package of {}", dir.display())
}

pub(super) fn not_built(dir: &Path, refused: NotBuilt) -> Failure {
    match refused {
        NotBuilt::Findings(findings) => Failure::of_findings(what(dir), findings),
        NotBuilt::Tag { given, why } => {
            let failure = Failure::new(Reason::Usage, format!("can't use the tag {given:?}"), why);
            failure
                .with_hint("name another one with --tag, say ${build:project}-${build:timestamp}")
        }
        NotBuilt::BaseDir(base_dir) => {
            let why =
                format!("{} is not absolute: each engine would look elsewhere", base_dir.display());
            let failure = Failure::new(Reason::Usage, what(dir), why);
            failure.with_hint("--base-dir /srv/project")
        }
        NotBuilt::Workflow(unknown) => {
            let failure = Failure::new(Reason::Unknown, what(dir), unknown.to_string());
            failure.with_hint(format!("weir project validate {}", dir.display()))
        }
        NotBuilt::Secret { name, error } => {
            Failure::of_secrets(format!("{}: secret {name}", what(dir)), &error)
        }
        NotBuilt::Package(error) => Failure::of_package(what(dir), &error),
    }
}

pub(super) fn signer(conf: &ConfArgs, unsigned: bool, out: &Output) -> Result<Signer, Failure> {
    if unsigned {
        return Ok(packages::nobody());
    }
    let settings = conf.settings()?;
    let signing = Signing::of(&settings, &settings.data_dir);
    let (signer, is_new) =
        signing.signer().map_err(|it| Failure::of_fault("can't sign the package", it))?;
    if is_new {
        out.note(&format!("made a signing key in {}", signing.file.display()));
        out.note("clusters on other machines trust it when weir.packages.trusted-signers has its public key");
    }
    Ok(signer)
}

pub(super) fn unwritten(file: &Path, error: &Unusable) -> Failure {
    match error {
        Unusable::Io(error) => files::unwritten(file.display(), error),
        Unusable::Package(error) => {
            Failure::of_package(format!("can't write {}", file.display()), error)
        }
    }
}

/// Now; or the moment that says it, so that a package can be built again byte by byte.
pub(super) fn moment(out: &Output) -> Result<Timestamp, Failure> {
    let Some(given) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(out.look().now) };
    let seconds = given.to_str().and_then(|it| it.parse::<i64>().ok());
    let millis = seconds.filter(|it| *it >= 0).and_then(|it| it.checked_mul(1_000));
    millis.map(Timestamp).ok_or_else(|| {
        let why = format!("SOURCE_DATE_EPOCH is {given:?}, and not seconds since 1970");
        let failure = Failure::new(Reason::Usage, "can't tell when the package is built", why);
        failure.with_hint("SOURCE_DATE_EPOCH=1700000000, or unset it")
    })
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
