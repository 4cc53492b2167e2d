//! A change as it is asked for: by whom, on the sight of what, and whether it was asked for before.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::IntoParams;
use weir_controllers::deployments::storage::{Author, CanaryPlan, Change, Rejection};
use weir_domain::{CommandId, ProjectName};
use weir_http_api::{ChangeView, DryRun};

use super::views;
use crate::error::Error;
use crate::extract::IfMatch;
use crate::guard::{Caller, Reach, Trail};
use crate::idempotency::Key;
use crate::storages::Storages;

/// For the document; `Once` beside it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by hand, since what is wrong with it is said exactly")]
pub(crate) struct Expected {
    /// The revision that was read: another one is refused.
    #[param(rename = "if-match")]
    if_match: Option<u64>,
}

pub(crate) struct Asked {
    caller: Caller,
    reach: Reach,
    expected: Option<u64>,
    key: Key,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let reach = Reach::from_request_parts(parts, state).await?;
        let IfMatch(expected) = IfMatch::from_request_parts(parts, state).await?;
        let key = Key::from_request_parts(parts, state).await?;
        Ok(Self { caller, reach, expected, key })
    }
}

impl Asked {
    pub(crate) fn author(&self, storages: &Storages) -> Author {
        let name = self.caller.by().to_string();
        let (expected, reach) = (self.expected, self.reach.0.clone());
        Author { name, at: storages.now(), expected, reach }
    }

    /// Refused where the project is none of the caller's, or another revision was read.
    pub(crate) async fn check(
        &self,
        storages: &Storages,
        project: &ProjectName,
    ) -> Result<(), Error> {
        self.reach.0.check([project])?;
        let Some(expected) = self.expected else { return Ok(()) };
        let actual = storages.deployments.overview().await?.revision;
        match actual == expected {
            true => Ok(()),
            false => Err(Rejection::Changed { expected, actual, since: Vec::new() }.into()),
        }
    }

    /// The same for the same request by the same caller with the same key; else a new one.
    pub(crate) fn named(
        &self,
        storages: &Storages,
        action: &str,
        request: &impl Serialize,
    ) -> CommandId {
        self.key.command(&storages.system, &self.caller, action, request)
    }

    /// The same for the same change by the same caller with the same key; else a new one.
    pub(crate) fn command(&self, storages: &Storages, change: &Change) -> CommandId {
        let of = |it: &Change| self.key.command(&storages.system, &self.caller, "deployment", it);
        match change {
            // Which nodes are up is no part of what is asked for, and differs when it is sent again.
            Change::StartCanary(plan) => {
                let candidates = Default::default();
                of(&Change::StartCanary(CanaryPlan { candidates, ..plan.clone() }))
            }
            other => of(other),
        }
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
