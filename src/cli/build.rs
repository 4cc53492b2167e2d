//! `weir build`: a project directory as a package, one signed file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use weir_domain::{DeploymentTag, Digest, KeyFingerprint, Timestamp, WorkflowName};
use weir_http_api::BuildView;
use weir_package::Signer;
use weir_stream::Registry;

use super::args::{ConfArgs, Global, Once};
use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::human::{self, plain, plural};
use super::look::Look;
use super::operation;
use super::output::Output;
use super::packing::{PackingArgs, is_directory};

use super::table;
use crate::boot::packages::{self, Signing};
use crate::delivery::{self, Carried, NotBuilt, OTHERWISE_CALLED, Unusable};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A project directory, which is built here; or the name of a project of the configuration server, which
    /// builds and keeps it
    #[arg(default_value = ".")]
    project: String,
    /// Who builds it, where it is built here
    #[arg(long, env = "USER", default_value = "unknown", value_name = "NAME")]
    author: String,
    /// The file to write; without it, TAG.weir in the working directory, and none of what a server builds
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Sign with a key that is thrown away: only clusters that accept any signer take it
    #[arg(long)]
    unsigned: bool,
    #[command(flatten)]
    packing: PackingArgs,
    #[command(flatten)]
    conf: ConfArgs,
    #[command(flatten)]
    once: Once,
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
    pub(crate) async fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<ExitCode, Failure> {
        match is_directory(&self.project) {
            true => self.here(out, registry).await?,
            false => self.at_server(global, out).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn at_server(&self, global: &Global, out: &Output) -> Result<(), Failure> {
        let what = format!("can't build {}", plain(&self.project));
        if self.unsigned {
            let failure = Failure::new(Reason::Usage, what, "a configuration server signs");
            return Err(failure.with_hint("leave out --unsigned, or name a directory"));
        }
        let client = self.once.client(&global.design()?);
        let begun = client.build_create(&self.project, &self.packing.request(&what)?).await;
        let kept: BuildView = operation::result(&client, out, (what.clone(), begun)).await?;
        if let Some(file) = &self.file {
            let package = client.build_package(&self.project, kept.id).await;
            let package = package.map_err(|it| Failure::of_client(what, it))?;
            let new = OpenOptions::new().write(true).create_new(true).open(file);
            let written = new.and_then(|mut it| it.write_all(&package));
            written.map_err(|it| files::unwritten(file.display(), &it))?;
        }
        kept.warnings.iter().for_each(|it| out.note(&plain(&it.cause)));
        out.show(&kept, shown_kept)
    }

    async fn here(&self, out: &Output, registry: &Registry) -> Result<(), Failure> {
        let from = (Path::new(&self.project), self.author.as_str());
        let made = self.packing.built(from, None, (registry, out)).await?;
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
        out.show(&built, shown)
    }
}

pub(super) fn what(dir: &Path) -> String {
    format!("can't build a package of {}", dir.display())
}

pub(super) fn not_built(dir: &Path, refused: NotBuilt) -> Failure {
    match refused {
        NotBuilt::Findings(findings) => {
            let code = findings.iter().find(|it| it.is_error()).map(|it| it.code);
            let failure = Failure::of_findings(what(dir), findings);
            code.into_iter().fold(failure, Failure::with_code)
        }
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
        NotBuilt::Name { version, present } => {
            let why = format!("in that version it is called {version}, and not {present}");
            Failure::new(Reason::Contradiction, what(dir), why).with_hint(OTHERWISE_CALLED)
        }
        NotBuilt::Version(error) => {
            let failure = Failure::new(Reason::Unknown, what(dir), error.to_string());
            failure.with_code(error.code()).with_hint(error.hint())
        }
        NotBuilt::Files(error) => files::unwritten("the files of the version", &error),
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

fn shown_kept(it: &BuildView, _: &Look) -> String {
    let workflows: Vec<_> = it.workflows.iter().map(|it| it.as_str()).collect();
    let count = usize::try_from(it.size.objects).unwrap_or(usize::MAX);
    let mut facts = vec![
        ("package", it.id.to_string()),
        ("tag", it.tag.to_string()),
        ("digest", it.digest.to_string()),
        ("workflows", workflows.join(", ")),
        ("size", format!("{}, {}", plural(count, "object"), human::bytes(it.size.bytes))),
        ("signed by", it.signer.clone()),
    ];
    facts.extend(it.commit.iter().map(|it| ("commit", plain(it))));
    table::facts(&facts)
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
