//! `weir secret`: values that are sealed to key pairs, each for one project and name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;
use weir_domain::{AssetName, ProjectName};
use weir_http_api::KeyView;
use weir_http_client::Client;
use weir_secrets::{Binding, PublicKey, SealedSecret, Secret};

use super::exit::Reason;
use super::failure::Failure;
use super::hidden;
use super::output::Output;
use super::user::refused;
use crate::delivery;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Seal a value that is typed or comes from standard input; it does not leave this machine. What is
    /// printed can be opened by that project alone, and under that name
    Encrypt {
        /// What the secret is called in the project: ${sec:NAME}
        name: AssetName,
        /// The project that may use it: its directory, or its name
        #[arg(long, default_value = ".", value_name = "DIR|NAME")]
        project: PathBuf,
        /// A key by its alias or fingerprint, or anybody's public key (age1…); may be repeated. Without
        /// it: the current one
        #[arg(long = "key", value_name = "KEY")]
        keys: Vec<String>,
        /// Keep the line break at the end
        #[arg(long)]
        keep_newline: bool,
    },
}

#[derive(Debug, Serialize)]
struct Encrypted {
    sealed: String,
    keys: Vec<String>,
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        let Self::Encrypt { name, project, keys: wanted, keep_newline } = self;
        let binding = Binding { project: owner(&project)?, name };
        let (mut publics, wanted): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|it| it.starts_with("age1"));
        // Who names public keys alone needs no server.
        if publics.is_empty() || !wanted.is_empty() {
            let known = client.keys().await.map_err(|it| refused("can't list keys", it))?.items;
            publics.extend(chosen(&known, &wanted)?);
        }
        let value = hidden::whole("value")?;
        let value = match keep_newline {
            true => value.expose(),
            false => value.expose().strip_suffix('\n').unwrap_or(value.expose()),
        };
        let sealed = sealed(not_empty(value)?, binding, &publics)?;
        out.show(&sealed, |it, _| it.sealed.clone() + "\n")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Nobody means to seal nothing: what was to be read was not there.
fn not_empty(value: &str) -> Result<&str, Failure> {
    match value.is_empty() {
        false => Ok(value),
        true => {
            let why = "standard input is empty";
            let failure = Failure::new(Reason::Usage, "can't seal the value", why);
            Err(failure.with_hint(
                "weir secret encrypt NAME <FILE, or type the value and end it with Ctrl-D",
            ))
        }
    }
}

/// The project of a directory; if it is none, the one of that name, wherever it lies.
fn owner(project: &Path) -> Result<ProjectName, Failure> {
    let what = || format!("can't tell which project {} is", project.display());
    let named = project.to_str().and_then(|it| ProjectName::new(it).ok());
    match named.filter(|_| !project.is_dir()) {
        Some(name) => Ok(name),
        None => weir_project::name(project).map_err(|it| {
            Failure::of_findings(what(), it).with_hint("--project DIR, or --project NAME")
        }),
    }
}

/// The public keys of those that are wanted.
fn chosen(known: &[KeyView], wanted: &[String]) -> Result<Vec<String>, Failure> {
    if wanted.is_empty() {
        return Ok(known.iter().filter(|it| it.current).map(|it| it.public.clone()).collect());
    }
    let find = |wanted: &String| {
        delivery::meant(known, Some(wanted)).map(|it| it.public.clone()).ok_or_else(|| {
            let what = format!("there is no key {wanted:?}");
            let why = "it is neither an alias nor a fingerprint of the cluster";
            Failure::new(Reason::Unknown, what, why).with_hint("weir key list")
        })
    };
    wanted.iter().map(find).collect()
}

fn sealed(value: &str, binding: Binding, publics: &[String]) -> Result<Encrypted, Failure> {
    let unfit = |it: weir_secrets::Error| Failure::of_secrets("can't seal the value", &it);
    let publics: Result<Vec<PublicKey>, _> = publics.iter().map(|it| it.parse()).collect();
    let value = Secret::from(value.to_owned());
    let sealed = SealedSecret::seal(&value, binding, &publics.map_err(unfit)?).map_err(unfit)?;
    let keys = sealed.keys().iter().map(ToString::to_string).collect();
    Ok(Encrypted { sealed: sealed.to_string(), keys })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use weir_secrets::PrivateKey;

    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::samples;

    fn key(alias: &str, private: &PrivateKey, current: bool) -> KeyView {
        let (fingerprint, public) = (private.fingerprint(), private.public().to_string());
        KeyView { fingerprint, public, current, ..samples::key(alias) }
    }

    #[test]
    fn a_value_is_sealed_to_the_current_key_or_to_those_that_are_named() {
        let (a, b) = (PrivateKey::generate(), PrivateKey::generate());
        let known = [key("a", &a, true), key("b", &b, false)];
        let binding =
            Binding { project: "p".parse().expect("a name"), name: "n".parse().expect("a name") };
        let to = |wanted: &[String]| {
            let keys = chosen(&known, wanted).expect("keys");
            sealed("hunter2", binding.clone(), &keys).expect("sealed")
        };
        let opened = |it: &Encrypted, by: &PrivateKey| {
            let secret: SealedSecret = it.sealed.parse().expect("sealed");
            secret.check_is(&binding).expect("it is that secret");
            secret.open(by).ok()
        };
        let value = Secret::from("hunter2".to_owned());
        let current = to(&[]);
        assert_eq!((opened(&current, &a), opened(&current, &b)), (Some(value.clone()), None));
        let both = to(&["b".to_owned(), a.fingerprint().to_string()]);
        assert_eq!((opened(&both, &a), opened(&both, &b)), (Some(value.clone()), Some(value)));
        assert!(!both.sealed.contains("hunter2"));
        let refused = chosen(&known, &["c".to_owned()]).expect_err("there is none");
        assert_eq!(refused.exit, Exit::NotFound);
    }

    #[test]
    fn a_project_is_named_or_is_that_of_a_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let project = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: flights }\nspec: {}\n";
        fs::write(dir.path().join("project.yaml"), project).expect("written");
        assert_eq!(owner(dir.path()).expect("a project").as_str(), "flights");
        assert_eq!(owner(Path::new("billing")).expect("a name").as_str(), "billing");
        let refused = owner(&dir.path().join("none")).expect_err("it is not there");
        assert_eq!(refused.exit, Exit::Invalid);
    }
}
