//! Who may change the cluster: whoever shows the token, and on some servers whoever is on their
//! machine.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::ConstantTimeEq;

use crate::error::Error;
use crate::extract::AskedPath;
use crate::origin::Origin;
use crate::throttle::Throttle;

/// Whether commands are taken, and from whom.
#[derive(Clone)]
pub struct Writes {
    token: Option<Arc<str>>,
    from_here: bool,
    refusals: Arc<Throttle>,
}

impl Writes {
    /// From nobody: the server only reads.
    pub fn refused() -> Self {
        Self { token: None, from_here: false, refusals: Arc::default() }
    }

    /// From whoever shows this token as `authorization: Bearer …`.
    pub fn with_token(token: &str) -> Self {
        Self { token: Some(token.into()), ..Self::refused() }
    }

    /// Also from this machine, without a token.
    #[must_use]
    pub fn or_from_here(self) -> Self {
        Self { from_here: true, ..self }
    }

    fn check(&self, origin: &Origin, headers: &HeaderMap) -> Result<(), Denied> {
        if self.from_here && origin.is_here() {
            return Ok(());
        }
        let Some(token) = &self.token else { return Err(Denied::ReadOnly) };
        let shown = headers.get(AUTHORIZATION).and_then(|it| bearer(it.as_bytes()));
        let shown = shown.ok_or(Denied::Token(NO_TOKEN))?;
        // In constant time, so that a token can't be guessed byte by byte.
        match bool::from(shown.ct_eq(token.as_bytes())) {
            true => Ok(()),
            false => Err(Denied::Token("the token is not the one of this server")),
        }
    }

    fn refuse(&self, denied: Denied, origin: &Origin, path: &str) -> Error {
        let (reason, from_here) = (denied.reason(), self.from_here);
        if let Some(more) = self.refusals.pass() {
            tracing::warn!(code = "WEIR-07125", peer = %origin, path, more, "a command was refused: {reason}");
        }
        match denied {
            Denied::ReadOnly => Error::ReadOnly { path: path.into(), from_here },
            Denied::Token(reason) => Error::Unauthorized { reason, from_here },
        }
    }
}

const NO_TOKEN: &str = "the command needs a token, and shows none";

#[derive(Clone, Copy)]
enum Denied {
    ReadOnly,
    Token(&'static str),
}

impl Denied {
    fn reason(self) -> &'static str {
        match self {
            Self::ReadOnly => "the server has no token for commands",
            Self::Token(reason) => reason,
        }
    }
}

impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.token.is_some() { "with a token" } else { "refused" })?;
        f.write_str(if self.from_here { ", or from here" } else { "" })
    }
}

/// The proof that the caller may change something: a handler of a command takes it.
pub(crate) struct Authorized;

impl<S: Send + Sync> FromRequestParts<S> for Authorized {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Ok(AskedPath(path)) = AskedPath::from_request_parts(parts, state).await;
        let origin = Origin::of(parts);
        let writes = parts.extensions.get::<Writes>().cloned().unwrap_or_else(Writes::refused);
        let checked = writes.check(&origin, &parts.headers);
        checked.map(|()| Self).map_err(|denied| writes.refuse(denied, &origin, &path))
    }
}

/// The proof that a command may be passed on to a server that has the token and checks it: who is
/// not on this machine must show one.
pub(crate) struct PassedOn;

impl<S: Send + Sync> FromRequestParts<S> for PassedOn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let origin = Origin::of(parts);
        if origin.is_here() || parts.headers.contains_key(AUTHORIZATION) {
            return Ok(Self);
        }
        let Ok(AskedPath(path)) = AskedPath::from_request_parts(parts, state).await;
        let writes = parts.extensions.get::<Writes>().cloned().unwrap_or_else(Writes::refused);
        Err(writes.refuse(Denied::Token(NO_TOKEN), &origin, &path))
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
