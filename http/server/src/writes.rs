//! Who may change the cluster through the management server: whoever shows the token.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use subtle::ConstantTimeEq;

use crate::error::Error;
use crate::extract::AskedPath;

/// Whether commands are taken, and from whom.
#[derive(Clone)]
pub struct Writes(Option<Arc<str>>);

impl Writes {
    /// From nobody: the server only reads.
    pub fn refused() -> Self {
        Self(None)
    }

    /// From whoever shows this token as `authorization: Bearer …`.
    pub fn with_token(token: &str) -> Self {
        Self(Some(token.into()))
    }
}

impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "with a token" } else { "refused" })
    }
}

/// The proof that the caller may change something: a handler of a command takes it.
pub(crate) struct Authorized;

impl<S: Send + Sync> FromRequestParts<S> for Authorized {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Some(Writes(Some(token))) = parts.extensions.get::<Writes>() else {
            let Ok(AskedPath(path)) = AskedPath::from_request_parts(parts, state).await;
            return Err(Error::ReadOnly { path });
        };
        let shown = parts.headers.get(AUTHORIZATION).map(|it| it.as_bytes());
        let Some(shown) = shown.and_then(bearer) else {
            return Err(Error::Unauthorized {
                reason: "the command needs a token, and shows none",
            });
        };
        // In constant time, so that a token can't be guessed byte by byte.
        match bool::from(shown.ct_eq(token.as_bytes())) {
            true => Ok(Self),
            false => Err(Error::Unauthorized { reason: "the token is not the one of this server" }),
        }
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
