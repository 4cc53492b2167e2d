//! Why a command failed: one line what, one line why, a hint, a code, and the code to exit with.

use std::fmt;

use serde::Serialize;
use weir_domain::{Code, Fault, Finding};
use weir_http_api::{FindingView, Problem, ProblemKind};
use weir_http_client as client;

use super::exit::{self, Exit, Reason};
use super::human;
use super::look::{Look, Tone};

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    what: String,
    why: String,
    hint: Option<String>,
    code: Option<Code>,
    /// The server's own words, for `-o json`.
    problem: Option<Box<Problem>>,
    findings: Vec<Finding>,
}

/// What is wrong with a configuration or a project, as an error that `boot` may return.
#[derive(Debug)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut findings = self.0.iter();
        findings.next().map_or(Ok(()), |it| write!(f, "{it}"))?;
        findings.try_for_each(|it| write!(f, "\n{it}"))
    }
}

impl std::error::Error for Findings {}

const OVERTAKEN: &str = "read it again, bring both changes together, and give the etag that it has now as \
                         --if-etag; with -o json the error has all three texts";

const STALE: &str = "look at it again, and decide again; where a revision is given (--revision, \
                     --if-revision), give the one that it has now";

impl Failure {
    pub(crate) fn new(reason: Reason, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { code: Some(reason.code()), ..Self::bare(reason.exit(), what, why) }
    }

    fn bare(exit: Exit, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            why: why.into(),
            hint: None,
            code: None,
            problem: None,
            findings: Vec::new(),
        }
    }

    /// Each finding has a code of its own.
    pub(crate) fn of_findings(what: impl Into<String>, findings: Vec<Finding>) -> Self {
        let errors = findings.iter().filter(|it| it.is_error()).count();
        let why = format!("{} must be mended first", human::plural(errors, "error"));
        Self { findings, ..Self::bare(Exit::Invalid, what, why) }
    }

    pub(crate) fn of_client(what: impl Into<String>, error: client::Error) -> Self {
        let (exit, code) = (exit::of_client(&error), Some(error.code()));
        let failure = Self { code, ..Self::bare(exit, what, error.to_string()) };
        match error {
            client::Error::Unreachable { .. } => failure
                .with_hint("weir dev   # starts one here; or name a server with --server URL"),
            client::Error::Distrusted { cause, .. } if cause.contains("speaks no TLS") => failure
                .with_hint("write http:// in the place of https://, or name the port that speaks TLS"),
            client::Error::Distrusted { .. } => failure.with_hint(
                "--ca FILE names the authority that signed its certificate, which must be for the \
                 host of the address",
            ),
            client::Error::Interrupted { is_question: true, .. } => {
                failure.with_hint("ask again; the log of that server may say what holds it up")
            }
            client::Error::Interrupted { is_question: false, .. } => failure.with_hint(
                "look at what it changes before you send it again; what was sent with an \
                 --idempotency-key may be sent again with the same one",
            ),
            client::Error::Unsendable { .. } => {
                failure.with_hint("shorten what is given, or write it in plain characters")
            }
            // The API's own hint speaks of a header.
            client::Error::Problem(problem)
                if problem.is(ProblemKind::Stale) && problem.code == ProblemKind::Stale.code() =>
            {
                let hint = if problem.conflict.is_some() { OVERTAKEN } else { STALE };
                Self { problem: Some(problem), ..failure }.with_hint(hint)
            }
            client::Error::Problem(problem) => {
                Self { hint: problem.hint.clone(), problem: Some(problem), ..failure }
            }
            client::Error::Address { .. } => failure
                .with_hint("write it as --server http://HOST:PORT, with the port that `weir dev` or the server said"),
            client::Error::Decode { .. } => failure.with_hint("weir version --remote"),
        }
    }

    /// A fault that was met on this machine.
    pub(crate) fn of_fault(what: impl Into<String>, fault: Fault) -> Self {
        let Fault { kind, code, message, hint, .. } = fault;
        Self { code: Some(code), hint, ..Self::bare(exit::of_fault(kind), what, message) }
    }

    /// A key, a passphrase or a sealed value that can't be used here.
    pub(crate) fn of_secrets(what: impl Into<String>, error: &weir_secrets::Error) -> Self {
        let failure = Self::of_fault(what, Fault::from(error));
        match error {
            weir_secrets::Error::File { source, .. } => failure.of_file(source.kind()),
            _ => failure,
        }
    }

    /// Exits as for any file of which the operating system says this.
    #[must_use]
    pub(crate) fn of_file(self, kind: std::io::ErrorKind) -> Self {
        Self { exit: exit::of_file(kind), ..self }
    }

    /// A package that can't be used or written.
    pub(crate) fn of_package(what: impl Into<String>, error: &weir_package::Error) -> Self {
        let (exit, why) = match error {
            weir_package::Error::Io(cause) => {
                (exit::of_file(cause.kind()), format!("{error}: {cause}"))
            }
            _ => (Exit::Invalid, error.to_string()),
        };
        let failure = Self { code: Some(error.code()), ..Self::bare(exit, what, why) };
        failure.with_hint(error.hint())
    }

    /// A failure of a management server: its hints name other options.
    pub(crate) fn of_management(what: impl Into<String>, error: client::Error) -> Self {
        let hint = match &error {
            client::Error::Unreachable { .. } => {
                "is the engine running? another one is named with --management http://HOST:8558"
            }
            client::Error::Decode { .. } => "--management names the port of weir.management.bind",
            client::Error::Problem(problem) if problem.is(ProblemKind::Unauthorized) => {
                "`weir login` at an engine of that host; or set WEIR_TOKEN to a token of a user, or \
                 WEIR_MANAGEMENT_TOKEN to that engine's weir.management.token"
            }
            client::Error::Problem(_)
            | client::Error::Address { .. }
            | client::Error::Interrupted { .. }
            | client::Error::Distrusted { .. }
            | client::Error::Unsendable { .. } => return Self::of_client(what, error),
        };
        Self::of_client(what, error).with_hint(hint)
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what the cause of it has for a code.
    #[must_use]
    pub(crate) fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// For people.
    pub(crate) fn text(&self, look: &Look) -> String {
        let mut text = self.findings.iter().map(|it| format!("{it}\n")).collect::<String>();
        let mut line = |tone, label: &str, rest: &str| {
            text += &format!("{:<7}{}\n", look.paint(tone, label), human::plain(rest));
        };
        line(Tone::Bad, "error:", &self.what);
        line(Tone::Quiet, "why:", &self.why);
        if let Some(hint) = &self.hint {
            line(Tone::Good, "hint:", hint);
        }
        if let Some(code) = self.code {
            line(Tone::Quiet, "code:", &code.to_string());
        }
        text
    }

    /// For programs: the server's problem where there is one, else one of the same shape.
    pub(crate) fn document(&self) -> Document<'_> {
        if let Some(problem) = &self.problem {
            // The hint here knows the command; the server's own does not.
            let hint = self.hint.clone();
            return Document::Problem(Problem { hint, ..(**problem).clone() });
        }
        Document::Local {
            title: &self.what,
            detail: &self.why,
            code: self.code,
            hint: self.hint.as_deref(),
            findings: self.findings.iter().cloned().map(Into::into).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Document<'a> {
    Problem(Problem),
    Local {
        title: &'a str,
        detail: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        findings: Vec<FindingView>,
    },
}

/// Why a process must not be started again before a person has decided.
#[derive(Debug)]
pub(crate) struct Undecided(pub(crate) Fault);

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Undecided {}

/// An error of `boot`, which says most where it is one of ours.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let what = "weir can't run";
        let error = match error.downcast::<Findings>() {
            Ok(Findings(findings)) => return Self::of_findings(what, findings),
            Err(error) => error,
        };
        let error = match error.downcast::<Undecided>() {
            Ok(Undecided(fault)) => {
                return Self { exit: Exit::Invalid, ..Self::of_fault(what, fault) };
            }
            Err(error) => error,
        };
        match error.downcast::<Fault>() {
            // Whatever it is may be over when the process is started again.
            Ok(fault) => Self { exit: Exit::Failed, ..Self::of_fault(what, fault) },
            Err(error) => Self::new(Reason::Machine, what, format!("{error:#}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::Place;

    use super::*;
    use crate::cli::samples::LOOK;

    fn not_found() -> Failure {
        let problem = Problem::new(ProblemKind::NotFound, "there is no stream \"x\"");
        Failure::of_client("can't show stream x", client::Error::Problem(Box::new(problem)))
    }

    #[test]
    fn a_failure_is_what_why_hint_and_code() {
        let cause = client::Error::Unreachable {
            url: "http://127.0.0.1:5842".into(),
            cause: "connection refused".into(),
        };
        let failure = Failure::of_client("can't list workflows", cause);
        assert_eq!(failure.exit, Exit::Unreachable);
        assert_eq!(
            failure.text(&LOOK),
            "error: can't list workflows\n\
             why:   no server answers at http://127.0.0.1:5842: connection refused\n\
             hint:  weir dev   # starts one here; or name a server with --server URL\n\
             code:  WEIR-07201\n"
        );
    }

    #[test]
    fn only_what_changes_something_is_to_be_sent_again_under_a_key() {
        let hint = |is_question| {
            let (url, cause) = ("http://h:1".to_owned(), "it did not answer in time".to_owned());
            let error = client::Error::Interrupted { url, cause, is_question };
            let failure = Failure::of_client("can't", error);
            assert_eq!(failure.exit, Exit::Unreachable);
            assert_eq!(failure.why, "no answer came from http://h:1: it did not answer in time");
            failure.hint.expect("a hint")
        };
        assert!(!hint(true).contains("--idempotency-key"));
        assert!(hint(false).contains("--idempotency-key"));
    }

    #[test]
    fn an_untrusted_package_is_refused_as_a_damaged_one_is_whoever_finds_it() {
        let digest = weir_domain::Digest::from_bytes([7; 32]);
        let damaged = weir_package::Error::Truncated { within: "the manifest".into(), missing: 1 };
        let signer = digest.to_string().parse().expect("a key");
        let untrusted = weir_package::Error::UnknownSigner { signer };
        let problem = Problem {
            code: untrusted.code(),
            ..Problem::new(ProblemKind::InvalidRequest, untrusted.to_string())
        };
        let by_server = client::Error::Problem(Box::new(problem));
        for failure in [
            Failure::of_package("can't use it", &damaged),
            Failure::of_package("can't use it", &untrusted),
            Failure::of_client("can't use it", by_server),
        ] {
            assert_eq!(failure.exit, Exit::Invalid, "{failure:?}");
        }
        let missing = weir_package::Error::Io(std::io::ErrorKind::NotFound.into());
        assert_eq!(Failure::of_package("can't use it", &missing).exit, Exit::NotFound);
    }

    #[test]
    fn who_decided_on_the_sight_of_a_former_revision_is_told_of_options_and_not_of_headers() {
        let problem = Problem::new(ProblemKind::Stale, "it has revision 5").with_hint("`if-match`");
        let failure = Failure::of_client("can't", client::Error::Problem(Box::new(problem)));
        let text = failure.text(&LOOK);
        assert!(text.contains("--if-revision") && !text.contains("if-match"), "{text}");
        assert_eq!(failure.exit, Exit::Conflict);
    }

    #[test]
    fn a_program_gets_the_servers_own_problem() {
        let json = serde_json::to_value(not_found().document()).expect("json");
        assert_eq!(json["code"], "WEIR-07003");
        assert_eq!(json["status"], 404);
        assert_eq!(not_found().exit, Exit::NotFound);
    }

    #[test]
    fn an_error_of_boot_keeps_code_and_hint() {
        let fault = Fault::config(7_101, "127.0.0.1:5842 is in use").with_hint("set another port");
        assert_eq!(
            Failure::from(anyhow::Error::from(fault)).text(&LOOK),
            "error: weir can't run\nwhy:   127.0.0.1:5842 is in use\n\
             hint:  set another port\ncode:  WEIR-07101\n"
        );
        let finding = Finding::error(1_101, Place::new("a.conf", 3, 5), "weir.prot", "unknown key");
        let failure = Failure::from(anyhow::Error::from(Findings(vec![finding])));
        assert_eq!(failure.exit, Exit::Invalid);
        assert_eq!(
            failure.text(&LOOK),
            "a.conf:3:5: error[WEIR-01101] weir.prot: unknown key\n\
             error: weir can't run\nwhy:   1 error must be mended first\n"
        );
    }
}
