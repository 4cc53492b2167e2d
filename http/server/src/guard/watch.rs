//! Whether who asked would still be let in: for answers that go on without an end of their own.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use weir_domain::Timestamp;

use super::known::BELIEVED;
use super::{Caller, Denied, Guard, Need, Rule};
use crate::origin::Origin;

/// An answer that goes on does not wait longer to find out whose it is.
const KNOWN_WITHIN: Duration = Duration::from_secs(3);

/// Put beside a read that this server sends to itself, for answers that go on: no client can do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// Whether who asks is let in: the empty answer has a [`Watch`] beside it. Nothing is read, unless the route
    /// needs a log-in and no claim: then its handler judges.
    Asks,
    /// Reads once what all are shown who were let in.
    Reads,
}

/// Who asked, as it is found out later.
pub(crate) enum Who {
    Is(Box<Caller>),
    /// What was shown is not good any more.
    Nobody,
    /// Nobody can be asked, or not soon enough.
    Unanswered,
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
        self.holds_for(&self.who().await)
    }

    /// Who that is now who asked.
    pub(crate) async fn who(&self) -> Who {
        if self.has_expired() {
            return Who::Nobody;
        }
        let asked = self.guard.caller(&self.origin, &self.headers);
        match tokio::time::timeout(KNOWN_WITHIN, asked).await {
            Ok(Ok(caller)) => Who::Is(Box::new(caller)),
            Ok(Err(Denied::Unanswered(_))) | Err(_) => Who::Unanswered,
            Ok(Err(_)) => Who::Nobody,
        }
    }

    /// The same for another read of whom it was found out already.
    pub(crate) fn holds_for(&self, who: &Who) -> bool {
        match who {
            Who::Is(caller) => self.guard.check(self.rule, caller, None).is_ok(),
            Who::Nobody => self.rule.need == Need::Nothing,
            // It is what it was.
            Who::Unanswered => true,
        }
    }

    fn has_expired(&self) -> bool {
        let access = self.guard.access.as_ref().zip(self.expires_at);
        access.is_some_and(|(access, expires_at)| access.now() >= expires_at)
    }
}
