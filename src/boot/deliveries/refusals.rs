//! Why something is not built or delivered, as answers: the code and the hint stay what they are.

use std::io;

use weir_domain::{Code, Fault, Millis, ProjectName};
use weir_http_api::{Problem, ProblemKind, ProblemPart};
use weir_http_server::{AtCluster, Ended, ProjectRefusal};

use crate::boot::project_versions::refusal;
use crate::delivery::{NotBuilt, NotDeployed, OTHERWISE_CALLED};

pub(super) fn no_key(key: &Option<String>) -> Ended {
    let detail = match key {
        Some(key) => format!("the cluster has no key {key:?}"),
        None => "the cluster has no current key".to_owned(),
    };
    let problem = Problem::new(ProblemKind::NotFound, detail);
    problem
        .with_hint("weir key list shows its keys: name an alias, a fingerprint or a public key")
        .into()
}

/// Whose package would be somebody else's, or nobody's.
pub(super) fn moved(project: &ProjectName) -> Ended {
    let detail =
        format!("the project {project} got another name, or was removed, while it was built");
    let problem = Problem::new(ProblemKind::Conflict, detail);
    problem.with_hint("build it again under the name that it has now").into()
}

pub(super) fn not_built(refused: NotBuilt) -> Ended {
    let invalid = |detail: String, hint: &str| {
        Problem::new(ProblemKind::InvalidRequest, detail).with_hint(hint).into()
    };
    match refused {
        NotBuilt::Findings(findings) => {
            let errors: Vec<_> = findings.iter().filter(|it| it.is_error()).collect();
            let detail = match errors.len() {
                1 => "the project has an error, which must be mended first".to_owned(),
                count => format!("the project has {count} errors, which must be mended first"),
            };
            let parts = errors
                .iter()
                .map(|it| ProblemPart { pointer: it.place.to_string(), detail: it.to_string() });
            let problem = Problem::new(ProblemKind::InvalidRequest, detail);
            let problem = Problem { errors: parts.collect(), ..problem };
            problem
                .with_hint("each part says where and what to do; `:validate` finds the same")
                .into()
        }
        NotBuilt::Tag { given, why } => invalid(
            format!("can't use the tag {given:?}: {why}"),
            "name another one, say ${build:project}-${build:timestamp}",
        ),
        NotBuilt::BaseDir(dir) => invalid(
            format!("{} is not absolute: each engine would look elsewhere", dir.display()),
            "name an absolute directory",
        ),
        NotBuilt::Workflow(unknown) => {
            invalid(unknown.to_string(), "look at the project's workflows")
        }
        NotBuilt::Secret { name, error } => {
            let fault = match &*error {
                // Nobody but this server's keys are asked.
                weir_secrets::Error::MissingKey(_) => Fault::from(&*error).with_hint(
                    "name a file with a key that opens it in weir.config-server.project-keys, or seal the \
                     value to one of those",
                ),
                error => Fault::from(error),
            };
            Fault { message: format!("secret {name}: {}", fault.message), ..fault }.into()
        }
        NotBuilt::Package(error) => of_package(&error),
        NotBuilt::Name { version, present } => invalid(
            format!("in that version the project is called {version}, and not {present}"),
            OTHERWISE_CALLED,
        ),
        NotBuilt::Version(error) => refusal(error).into(),
        NotBuilt::Files(error) => unwritten(&error),
    }
}

pub(super) fn not_deployed(refused: NotDeployed, at: &AtCluster) -> Ended {
    match refused {
        NotDeployed::Cancelled => Ended::Cancelled,
        NotDeployed::Refused { what, error } => match Ended::from(at.told(error)) {
            Ended::Failed(problem) => {
                let detail = format!("{what}: {}", problem.detail);
                Problem { detail, ..*problem }.into()
            }
            Ended::Cancelled => Ended::Cancelled,
        },
        NotDeployed::Superseded(node) => {
            let detail = format!(
                "it was made the default, and another one since: node {} is to run {} now",
                node.node, node.target
            );
            let look = "weir deployment list and weir audit list tell who did that";
            Problem::new(ProblemKind::Conflict, detail).with_hint(look).into()
        }
        NotDeployed::NodeFailed(node) => {
            let detail = format!("node {} could not activate {}", node.node, node.target);
            let look = format!("weir deployment why {}; weir deployment rollback", node.node);
            let problem = Problem::new(ProblemKind::Unavailable, detail);
            match node.failure {
                Some(it) => {
                    let detail = format!("{}: {}", problem.detail, it.cause.message);
                    let hint = it.cause.hint.unwrap_or(look);
                    Problem { code: it.cause.code, detail, ..problem }.with_hint(hint).into()
                }
                None => problem.with_hint(look).into(),
            }
        }
        NotDeployed::Late(limit) => {
            let detail = format!("not all nodes run it: {limit} were not enough");
            let problem = Problem::new(ProblemKind::TimedOut, detail);
            problem
                .with_hint("it is the default: `weir deployment nodes` shows how far they are")
                .into()
        }
    }
}

pub(super) fn of_package(error: &weir_package::Error) -> Ended {
    let problem = Problem::new(ProblemKind::InvalidRequest, error.to_string());
    Problem { code: error.code(), ..problem }.with_hint(error.hint()).into()
}

pub(super) fn unread(error: &io::Error) -> ProjectRefusal {
    let fault = Fault::transient(103, format!("the builds can't be read: {error}"));
    ProjectRefusal::Fault(fault.with_hint("look at the disk, and at who may read there"))
}

pub(super) fn unwritten(error: &io::Error) -> Ended {
    let fault = Fault::transient(103, format!("the package can't be kept: {error}"));
    fault.with_hint("look at the disk, and at who may write there").into()
}

/// The tests of a project were not done in the time that they have on this server.
pub(super) fn tests_late(timeout: Millis) -> Ended {
    let message = format!("the tests took longer than {timeout}, and were ended");
    let hint = "run some of them at a time; weir.config-server.runs.tests-timeout says how long all may take";
    Problem { code: Code(138), ..Problem::new(ProblemKind::Refused, message) }
        .with_hint(hint)
        .into()
}
