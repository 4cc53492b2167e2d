//! Whether who asked would still be let in: for answers that go on without an end of their own.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use weir_domain::Timestamp;

use super::known::BELIEVED;
use super::{Caller, Denied, Guard, Need, Rule};
use crate::origin::Origin;

/// Put beside a read that this server sends to itself, for answers that go on: no client can do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// Whether who asks is let in: nothing is read, and the empty answer has a [`Watch`] beside it.
    Asks,
    /// Reads once what all are shown who were let in.
    Reads,
}

/// Put beside a read by the guard.
#[derive(Clone)]
pub(crate) struct Watch {
    guard: Guard,
    rule: Rule,
    origin: Origin,
    /// What was shown.
    headers: HeaderMap,
    expires_at: Option<Timestamp>,
}

impl Watch {
    pub(super) fn new(guard: &Guard, rule: Rule, caller: &Caller, parts: &Parts) -> Self {
        let shown = parts.headers.get(AUTHORIZATION).map(|it| (AUTHORIZATION, it.clone()));
        let expires_at = match caller {
            Caller::User(it) => Some(it.expires_at),
            Caller::Anonymous | Caller::Local(_) | Caller::Operator => None,
        };
        let (guard, origin) = (guard.clone(), Origin::of(parts));
        Self { guard, rule, origin, headers: shown.into_iter().collect(), expires_at }
    }

    /// Returns when who asked would not be let in any more: the session ended or expired, or a right
    /// was taken away.
    pub(crate) async fn ended(self) {
        loop {
            tokio::time::sleep(BELIEVED).await;
            if !self.holds().await {
                return;
            }
        }
    }

    /// Whether who asked would be let in now.
    pub(crate) async fn holds(&self) -> bool {
        !self.has_expired() && self.is_let_in().await
    }

    fn has_expired(&self) -> bool {
        let access = self.guard.access.as_ref().zip(self.expires_at);
        access.is_some_and(|(access, expires_at)| access.now() >= expires_at)
    }

    async fn is_let_in(&self) -> bool {
        match self.guard.caller(&self.origin, &self.headers).await {
            Ok(caller) => self.guard.check(self.rule, &caller, None).is_ok(),
            // While nobody can be asked whose it is, it is what it was.
            Err(Denied::Unanswered(_)) => true,
            Err(_) => self.rule.need == Need::Nothing,
        }
    }
}
