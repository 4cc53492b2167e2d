//! What a failure of the store means for whoever called, and what to do about it.

use object_store::Error as Cause;
use weir_persistence_api::Error;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
}

const RIGHTS: &str = "check the credentials, and that they may read, write, list and delete there";
const CREDENTIALS: &str = "check the credentials, and the clock of this machine";
const PLACE: &str = "create the bucket, container or directory, or correct its name";

/// What a failure of the store means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Whether trying again may work. Otherwise a person must mend something.
    pub passes: bool,
    /// What the store said, with all causes. No secret is in it.
    pub said: String,
    pub advice: &'static str,
}

/// Which failure it is: some requests have no cause of their own for an answer, only its text.
pub fn judge(cause: &Cause) -> Judged {
    let said = chain(cause);
    let answered = |status: &str| {
        matches!(cause, Cause::Generic { .. }) && said.contains(&format!("status code: {status}"))
    };
    let mend = |advice| Judged { passes: false, said: said.clone(), advice };
    match cause {
        _ if said.contains("incorrectly configured region") => {
            mend("set the region that the bucket is in")
        }
        Cause::PermissionDenied { .. } => mend(RIGHTS),
        _ if answered("403") => mend(RIGHTS),
        Cause::Unauthenticated { .. } => mend(CREDENTIALS),
        _ if answered("401") => mend(CREDENTIALS),
        Cause::NotFound { .. } => mend(PLACE),
        _ if answered("404") && !said.contains("NoSuchUpload") => mend(PLACE),
        Cause::NotSupported { .. } | Cause::NotImplemented { .. } => {
            mend("use a store that can do it")
        }
        Cause::InvalidPath { .. } | Cause::UnknownConfigurationKey { .. } => {
            mend("correct the configuration of the store")
        }
        // The list of causes is open. What is left comes and goes: networks, servers, disks.
        _ => {
            let advice = "it was tried several times: look at the network and at the store";
            Judged { passes: true, said, advice }
        }
    }
}

/// The error that a failure is. `what` was done, as `put jobs/a/log/1`, at that `place`.
pub(crate) fn error(call: Call, what: &str, place: &str, cause: &Cause) -> Error {
    let Judged { passes, said, advice } = judge(cause);
    let text = format!("{what} in {place}: {said}; {advice}");
    match (passes, call) {
        (false, _) => Error::Rejected(text),
        (true, Call::Read) => Error::Unavailable(text),
        (true, Call::Write) => Error::Unknown(text),
    }
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        let more = it.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = it.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(call: Call, cause: &Cause) -> Error {
        error(call, "put a/1", "bucket b at http://c", cause)
    }

    #[test]
    fn what_a_person_must_mend_is_refused_and_says_what() {
        let (path, source) = (|| "a/1".to_owned(), || "because".into());
        let check = |cause: Cause, advice: &str| match said(Call::Write, &cause) {
            Error::Rejected(text) => {
                let place = text.starts_with("put a/1 in bucket b at http://c: ");
                assert!(place && text.contains("because") && text.contains(advice), "{text}");
            }
            other => panic!("{cause}: {other:?}"),
        };
        check(Cause::NotFound { path: path(), source: source() }, "create the bucket");
        check(Cause::PermissionDenied { path: path(), source: source() }, "that they may read");
        check(Cause::Unauthenticated { path: path(), source: source() }, "check the credentials");
        check(Cause::NotSupported { source: source() }, "use a store that can do it");
    }

    #[test]
    fn what_comes_and_goes_is_transient_and_a_write_may_have_happened() {
        let cause = Cause::Generic { store: "S3", source: "connection reset".into() };
        assert!(matches!(said(Call::Read, &cause), Error::Unavailable(_)));
        let unknown = said(Call::Write, &cause);
        assert!(matches!(unknown, Error::Unknown(_)) && unknown.is_transient());
        let text = unknown.to_string();
        assert_eq!(text.matches("connection reset").count(), 1, "{text}");
    }
}
