//! What a failure of the store means for whoever called, and what to do about it.

use object_store::Error as Cause;
use weir_persistence_api::Error;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
}

/// The error that a failure is. `what` was done, as `put jobs/a/log/1`, at that `place`.
pub(crate) fn error(call: Call, what: &str, place: &str, cause: &Cause) -> Error {
    let said = |advice: &str| format!("{what} in {place}: {}; {advice}", chain(cause));
    match cause {
        Cause::PermissionDenied { .. } => Error::Rejected(said(
            "give the credentials the rights to read, write, list and delete there",
        )),
        Cause::Unauthenticated { .. } => {
            Error::Rejected(said("check the credentials, and the clock of this machine"))
        }
        Cause::NotFound { .. } => {
            Error::Rejected(said("create the bucket, container or directory, or correct its name"))
        }
        Cause::NotSupported { .. } | Cause::NotImplemented { .. } => {
            Error::Rejected(said("use a store that can do it"))
        }
        Cause::InvalidPath { .. } | Cause::UnknownConfigurationKey { .. } => {
            Error::Rejected(said("correct the configuration of the store"))
        }
        // The list of causes is open. What is left comes and goes: networks, servers, disks.
        _ => {
            let said = said("it was tried several times: look at the network and at the store");
            match call {
                Call::Read => Error::Unavailable(said),
                Call::Write => Error::Unknown(said),
            }
        }
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
        check(Cause::PermissionDenied { path: path(), source: source() }, "the rights to read");
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
