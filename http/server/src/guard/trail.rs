//! What a handler says of what it does, for the audit.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::Value;
use weir_domain::UserName;

/// Put beside the request by the guard; clones are one. Secrets are masked when it is recorded, and
/// are better not noted at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Arc<Mutex<Noted>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    /// `noun/name`, or `nouns`. Empty: the path of the request tells.
    pub(crate) object: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    /// Somebody tried what everybody may, with a secret that is wrong.
    pub(crate) attempted: Option<Attempted>,
    /// Why it was refused, where who asks is told in general words.
    pub(crate) reason: Option<String>,
    /// It changed nothing on purpose.
    pub(crate) is_dry: bool,
}

/// What somebody tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempted {
    /// To log in as this user, which there is.
    LogIn(UserName),
    /// To become the first administrator.
    SetUp,
}

impl Trail {
    pub(crate) fn about(&self, noun: &str, name: impl std::fmt::Display) -> &Self {
        self.note(|it| it.object = format!("{noun}/{name}"))
    }

    /// What is told together: `nouns`. Which they are is noted as values.
    pub(crate) fn about_several(&self, nouns: &str) -> &Self {
        self.note(|it| it.object = nouns.to_owned())
    }

    pub(crate) fn before(&self, value: &impl Serialize) -> &Self {
        self.note(|it| it.before = noted(value))
    }

    pub(crate) fn after(&self, value: &impl Serialize) -> &Self {
        self.note(|it| it.after = noted(value))
    }

    pub(crate) fn dry(&self, is_dry: bool) -> &Self {
        self.note(|it| it.is_dry = is_dry)
    }

    pub(crate) fn attempted(&self, what: Attempted) -> &Self {
        self.note(|it| it.attempted = Some(what))
    }

    /// It is the first half of something, and changes nothing.
    pub(crate) fn unrecorded(&self) -> &Self {
        self.dry(true)
    }

    pub(crate) fn because(&self, reason: &str) -> &Self {
        self.note(|it| it.reason = Some(reason.to_owned()))
    }

    /// Whether it changed nothing on purpose.
    pub(crate) fn is_dry(&self) -> bool {
        self.noted().is_dry
    }

    pub(crate) fn noted(&self) -> Noted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: impl FnOnce(&mut Noted)) -> &Self {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        self
    }
}

/// `None` says nothing.
fn noted(value: &impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok().filter(|it| !it.is_null())
}

impl<S: Send + Sync> FromRequestParts<S> for Trail {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
