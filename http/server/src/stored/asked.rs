//! A change as it is asked for: by whom, on the sight of what, and whether it was asked for before.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use utoipa::IntoParams;
use weir_controllers::deployments::storage::{Author, Change};
use weir_domain::{CommandId, Digest};
use weir_http_api::{ChangeView, DryRun};

use super::views;
use crate::error::Error;
use crate::extract::IfMatch;
use crate::guard::{Caller, Trail};
use crate::storages::Storages;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_LENGTH_MAX: usize = 255;

/// For the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by hand, since what is wrong with them is said exactly")]
pub(crate) struct Headers {
    /// The revision that was read: another one is refused.
    #[param(rename = "if-match")]
    if_match: Option<u64>,
    /// 1 to 255 characters that the sender chose: the same request with the same key is carried out
    /// once, however often it is sent.
    #[param(rename = "idempotency-key", max_length = 255)]
    idempotency_key: Option<String>,
}

pub(crate) struct Asked {
    caller: Caller,
    expected: Option<u64>,
    key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let IfMatch(expected) = IfMatch::from_request_parts(parts, state).await?;
        Ok(Self { caller, expected, key: key(parts)? })
    }
}

fn key(parts: &Parts) -> Result<Option<String>, Error> {
    let Some(given) = parts.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = given.to_str().unwrap_or_default();
    match (1..=KEY_LENGTH_MAX).contains(&text.len()) {
        true => Ok(Some(text.to_owned())),
        false => Err(Error::Invalid {
            pointer: "header/idempotency-key".into(),
            reason: format!("it has 1 to {KEY_LENGTH_MAX} plain characters"),
        }),
    }
}

impl Asked {
    pub(crate) fn author(&self, storages: &Storages) -> Author {
        let name = self.caller.by().to_string();
        Author { name, at: storages.now(), expected: self.expected }
    }

    /// The same for the same change by the same caller with the same key; else a new one.
    pub(crate) fn command(&self, storages: &Storages, change: &Change) -> CommandId {
        let Some(key) = &self.key else { return storages.system.ids().command() };
        let change = serde_json::to_string(change).expect("a change is made of JSON");
        let caller = self.caller.by();
        let digest = Digest::of(format!("{caller}\n{key}\n{change}").as_bytes());
        let (id, _) = digest.as_bytes().split_at(16);
        CommandId(uuid::Uuid::from_bytes(id.try_into().expect("16 of 32 bytes")))
    }

    /// Makes the change, or only says what it would do.
    pub(crate) async fn change(
        self,
        storages: &Storages,
        trail: &Trail,
        DryRun { dry_run }: DryRun,
        change: Change,
    ) -> Result<Json<ChangeView>, Error> {
        trail.dry(dry_run);
        let author = self.author(storages);
        let preview = storages.deployments.preview(author.clone(), change.clone()).await;
        if dry_run {
            let preview = preview?;
            return Ok(Json(views::change(true, preview.revision, preview)));
        }
        // One that was carried out before is refused by the preview, and not by the storage.
        let command = self.command(storages, &change);
        let revision = storages.deployments.change(command, author, change).await?;
        let view = views::change(false, revision, preview.unwrap_or_default());
        trail.after(&view);
        Ok(Json(view))
    }
}
