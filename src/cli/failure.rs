//! Why a command failed: one line what, one line why, a hint, a code, and the code to exit with.

use std::fmt;
use std::process::ExitCode;

use serde::Serialize;
use weir_domain::{Code, Fault, Finding};
use weir_http_api::{FindingView, Problem, ProblemKind};
use weir_http_client as client;

use super::human;
use super::look::{Look, Tone};

/// What the shell learns. The numbers are documented and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    NotFound = 3,
    NotAllowed = 4,
    Conflict = 5,
    Invalid = 6,
    TimedOut = 7,
    Unreachable = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

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

impl Failure {
    pub(crate) fn new(exit: Exit, what: impl Into<String>, why: impl Into<String>) -> Self {
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

    pub(crate) fn of(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, what, why.to_string())
    }

    pub(crate) fn of_findings(what: impl Into<String>, findings: Vec<Finding>) -> Self {
        let errors = findings.iter().filter(|it| it.is_error()).count();
        let why = format!("{} must be mended first", human::plural(errors, "error"));
        Self { findings, ..Self::new(Exit::Invalid, what, why) }
    }

    pub(crate) fn of_client(what: impl Into<String>, error: client::Error) -> Self {
        let code = Some(error.code());
        let failure = Self { code, ..Self::of(what, &error) };
        match error {
            client::Error::Unreachable { .. } => {
                let hint = "weir dev   # starts one here; or name a server with --server URL";
                Self { exit: Exit::Unreachable, ..failure }.with_hint(hint)
            }
            client::Error::Problem(problem) => Self {
                exit: exit_of(&problem),
                hint: problem.hint.clone(),
                problem: Some(problem),
                ..failure
            },
            client::Error::Address { .. } => {
                failure.with_hint("weir workflow list --server http://127.0.0.1:5842")
            }
            client::Error::Decode { .. } => failure.with_hint("weir version --remote"),
        }
    }

    /// What `boot` could not do.
    pub(crate) fn of_fault(what: impl Into<String>, fault: Fault) -> Self {
        let Fault { code, message, hint, .. } = fault;
        Self { code: Some(code), hint, ..Self::of(what, message) }
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
            client::Error::Problem(_) | client::Error::Address { .. } => {
                return Self::of_client(what, error);
            }
        };
        Self::of_client(what, error).with_hint(hint)
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn with_code(mut self, code: u32) -> Self {
        self.code = Some(Code(code));
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

fn exit_of(problem: &Problem) -> Exit {
    match problem.status {
        _ if problem.is(ProblemKind::EngineUnreachable) => Exit::Unreachable,
        _ if problem.is(ProblemKind::TimedOut) => Exit::TimedOut,
        401 | 403 => Exit::NotAllowed,
        404 => Exit::NotFound,
        409 | 412 => Exit::Conflict,
        422 => Exit::Invalid,
        _ => Exit::Failed,
    }
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
            Ok(fault) => Self::of_fault(what, fault),
            Err(error) => Self::of(what, format!("{error:#}")),
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
    fn a_program_gets_the_servers_own_problem() {
        let json = serde_json::to_value(not_found().document()).expect("json");
        assert_eq!(json["code"], "WEIR-07003");
        assert_eq!(json["status"], 404);
    }

    #[test]
    fn the_exit_code_says_what_kind_of_failure_it_is() {
        let exit = |kind| exit_of(&Problem::new(kind, ""));
        assert_eq!(not_found().exit, Exit::NotFound);
        assert_eq!(exit(ProblemKind::EngineUnreachable), Exit::Unreachable);
        assert_eq!(exit(ProblemKind::TimedOut), Exit::TimedOut);
        assert_eq!(exit(ProblemKind::Internal), Exit::Failed);
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
