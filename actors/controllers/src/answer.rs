//! What becomes of a question that an event-sourced controller did not answer well.

use weir_cluster::Unavailable;
use weir_domain::Fault;
use weir_runtime::AskError;
use weir_secrets::Error;

/// Asking again gives the same answer.
pub(crate) enum Refusal<R> {
    Rejected(R),
    Refused(String),
}

/// Tells what is an answer from what is worth asking again.
pub(crate) fn refusal<R>(error: AskError<R>) -> Result<Refusal<R>, Unavailable>
where
    AskError<R>: std::fmt::Display,
{
    match error {
        AskError::Rejected(rejection) => Ok(Refusal::Rejected(rejection)),
        AskError::Refused { cause, .. } => Ok(Refusal::Refused(cause)),
        AskError::Unavailable { cause, retry_after, .. } => {
            Err(Unavailable { retry_after, ..Unavailable::new(cause) })
        }
        busy @ AskError::Busy { .. } => Err(Unavailable::new(busy.to_string())),
        unknown @ (AskError::Timeout { .. } | AskError::Stopped { .. }) => {
            Err(Unavailable::uncertain(unknown.to_string()))
        }
    }
}

/// Why a request is not carried on with: there is an answer already, or there can be none now.
pub(crate) enum Stop<A> {
    Answer(Box<A>),
    Unavailable(Unavailable),
}

impl<A> Stop<A> {
    pub(crate) fn answer(answer: impl Into<A>) -> Self {
        Self::Answer(Box::new(answer.into()))
    }
}

/// What the request is answered with.
pub(crate) fn answered<A>(result: Result<A, Stop<A>>) -> Result<A, Unavailable> {
    match result {
        Ok(answer) => Ok(answer),
        Err(Stop::Answer(answer)) => Ok(*answer),
        Err(Stop::Unavailable(unavailable)) => Err(unavailable),
    }
}

impl<A: From<Refusal<R>>, R> From<AskError<R>> for Stop<A>
where
    AskError<R>: std::fmt::Display,
{
    fn from(error: AskError<R>) -> Self {
        match refusal(error) {
            Ok(refusal) => Self::answer(refusal),
            Err(unavailable) => Self::Unavailable(unavailable),
        }
    }
}

impl<A: From<Fault>> From<Error> for Stop<A> {
    fn from(error: Error) -> Self {
        Self::answer(Fault::from(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn only_what_was_never_begun_is_called_undone() {
        let actor: Arc<str> = "x".into();
        let is_uncertain = |it: AskError<Infallible>| refusal(it).is_err_and(|it| it.is_uncertain);
        let after = weir_domain::Millis(1);
        assert!(is_uncertain(AskError::Timeout { actor: actor.clone(), after }));
        let cause = "lost".to_owned();
        assert!(is_uncertain(AskError::Stopped { actor: actor.clone(), cause }));
        assert!(!is_uncertain(AskError::Busy { actor, waiting: 1 }));
    }
}
