//! Commands that are carried out once, however often they are sent.
//!
//! The id that a controller remembers is made of the key, of who sends it, and of what is asked for.
//! So nobody's key hides a command of somebody else, and a key that is used again for something else
//! is another command. What is confidential in a request is left out of it, since ids are stored: whoever
//! carries the command out compares it with what is stored. What its sender saw or computed before
//! sending is left out too, as a revision that is expected or when a token expires: it differs when the
//! same command is sent again.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::IntoParams;
use weir_controllers::Sender;
use weir_domain::CommandId;
use weir_runtime::System;

use crate::error::Error;
use crate::guard::Caller;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const LENGTH_MAX: usize = 255;

/// For the documents.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by hand, since what is wrong with it is said exactly")]
pub(crate) struct Once {
    /// 1 to 255 characters that the sender chose: the same request with the same key is carried out
    /// once, however often it is sent.
    #[param(rename = "idempotency-key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// What the sender calls this request: `idempotency-key`, if it wants to be able to send it again.
pub(crate) struct Key(Option<String>);

impl Key {
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The id of the command that is asked for. `request` is all that it depends on.
    pub(crate) fn command(
        &self,
        system: &System,
        caller: &Caller,
        action: &str,
        request: &impl Serialize,
    ) -> CommandId {
        self.chosen(caller, action, request).unwrap_or_else(|| system.ids().command())
    }

    /// The same, with who sends it.
    pub(crate) fn sender(
        &self,
        system: &System,
        caller: &Caller,
        action: &str,
        request: &impl Serialize,
    ) -> Sender {
        let command = self.command(system, caller, action, request);
        Sender { user: caller.by(), command }
    }

    /// The same id, where the sender gave a key.
    pub(crate) fn chosen(
        &self,
        caller: &Caller,
        action: &str,
        request: &impl Serialize,
    ) -> Option<CommandId> {
        let key = self.0.as_ref()?;
        let (user, request) = (caller.by(), serde_json::to_vec(request).unwrap_or_default());
        let mut hash = Sha256::new();
        for part in [key.as_bytes(), user.as_str().as_bytes(), action.as_bytes(), &request] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Some(CommandId(uuid::Builder::from_custom_bytes(bytes).into_uuid()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(given) = parts.headers.get(IDEMPOTENCY_KEY) else { return Ok(Self(None)) };
        let text = given.to_str().unwrap_or_default().trim();
        match (1..=LENGTH_MAX).contains(&text.len()) {
            true => Ok(Self(Some(text.to_owned()))),
            false => Err(Error::Invalid {
                pointer: "header/idempotency-key".into(),
                reason: format!("it is a text of 1 to {LENGTH_MAX} plain characters"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use weir_domain::NodeName;
    use weir_runtime::{IdSource, PhaseTimeouts, SystemClock, SystemSettings};

    use super::*;

    #[test]
    fn a_command_is_the_same_for_the_same_key_sender_and_request_alone() {
        let clock = Arc::new(SystemClock);
        let system = System::new(SystemSettings {
            node: NodeName::new("a").unwrap(),
            ids: IdSource::seeded(clock.clone(), 1),
            clock,
            shutdown: PhaseTimeouts::default(),
        });
        let of = |key: &str, caller: &Caller, action: &str, request: &str| {
            Key(Some(key.to_owned())).command(&system, caller, action, &request)
        };
        let (operator, other) = (Caller::Operator, Caller::Anonymous);
        let one = of("k", &operator, "apply", "a");
        assert_eq!(one, of("k", &operator, "apply", "a"));
        let others = [
            of("l", &operator, "apply", "a"),
            of("k", &other, "apply", "a"),
            of("k", &operator, "rebalance", "a"),
            of("k", &operator, "apply", "b"),
        ];
        assert!(!others.contains(&one));
        let none = Key(None);
        let fresh = || none.command(&system, &operator, "apply", &"a");
        assert_ne!(fresh(), fresh());
    }
}
