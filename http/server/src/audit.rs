//! The audit: listing, verifying, exporting and sealing it.

use axum::body::{Body as Answer, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::stream::{StreamExt as _, TryStreamExt as _, once, try_unfold};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::audit::{Audit, AuditFilter, line};
use weir_domain::UserClaim;
use weir_http_api::{AuditEntryView, AuditHeadView, AuditQuery, AuditSeal, Cursor, Page, Problem};

use crate::error::Error;
use crate::extract::{Body, Fields};
use crate::guard::{Caller, Trail, command, read};
use crate::origin::From;
use crate::paging;
use crate::storages::Known;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(read(UserClaim::AuditRead, routes!(list)))
        .routes(read(UserClaim::AuditRead, routes!(verify)))
        .routes(read(UserClaim::AuditRead, routes!(export)))
        .routes(command(UserClaim::AuditManage, "audit seal", routes!(seal)))
}

/// Entries of the audit, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "listAudit",
    params(AuditQuery),
    responses(
        (status = 200, description = "One page of entries", body = Page<AuditEntryView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(storages): Known,
    Fields(query): Fields<AuditQuery>,
) -> Result<Json<Page<AuditEntryView>>, Error> {
    let limit = paging::limit(query.limit)?;
    let before = query.cursor.map(Cursor::entry).transpose().map_err(paging::wrong_cursor)?;
    let filter = AuditFilter {
        user: query.user,
        claim: query.claim,
        object: query.object,
        since: query.since,
        until: query.until,
        only_refused: query.only_refused.unwrap_or_default(),
    };
    let page = storages.audit.list(filter, before, limit).await?;
    let next_cursor = page.next.map(Cursor::before_entry);
    Ok(Json(Page { next_cursor, ..Page::whole(page.entries) }))
}

/// Checks every entry, and gives the end of the chain, to be kept elsewhere.
#[utoipa::path(get, path = "/audit/head", tag = "audit", operation_id = "verifyAudit",
    responses(
        (status = 200, description = "Nothing was changed", body = AuditHeadView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn verify(Extension(storages): Known) -> Result<Json<AuditHeadView>, Error> {
    Ok(Json(storages.audit.verify().await?.into()))
}

/// All entries, oldest first, each on a line of its own. An answer that is cut off was not all.
#[utoipa::path(get, path = "/audit/export", tag = "audit", operation_id = "exportAudit",
    responses(
        (status = 200, description = "JSON lines", body = String, content_type = "application/jsonl"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn export(Extension(storages): Known) -> Result<Response, Error> {
    let audit = storages.audit;
    // The first page is read before the answer begins, so that a refusal is one.
    let first = page(&audit, 0).await?;
    let start = first.as_ref().map(|it| it.1);
    let rest = try_unfold((audit, start), |(audit, after)| async move {
        let Some(after) = after else { return Ok(None) };
        let next = page(&audit, after).await.map_err(|it| it.problem().detail)?;
        Ok::<_, String>(next.map(|(text, last)| (text, (audit, Some(last)))))
    });
    let first = once(async move { Ok(first.map(|it| it.0).unwrap_or_default()) });
    let body = Answer::from_stream(first.chain(rest).map_err(std::io::Error::other));
    Ok(([(CONTENT_TYPE, "application/jsonl")], body).into_response())
}

/// Some entries as lines, and the number of the last one; `None`: there are no more.
async fn page(audit: &Audit, after: u64) -> Result<Option<(Bytes, u64)>, Error> {
    let entries = audit.read(after).await?;
    let Some(last) = entries.last().map(|it| it.sequence) else { return Ok(None) };
    let text: String = entries.iter().map(|it| line(it) + "\n").collect();
    Ok(Some((text.into(), last)))
}

/// Drops entries up to a number, after it recorded that. Export them before.
#[utoipa::path(post, path = "/audit:seal", tag = "audit", operation_id = "sealAudit",
    request_body = AuditSeal,
    responses(
        (status = 200, description = "The entry that says so", body = AuditHeadView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn seal(
    caller: Caller,
    From(from): From,
    trail: Trail,
    Extension(storages): Known,
    Body(AuditSeal { through }): Body<AuditSeal>,
) -> Result<Json<AuditHeadView>, Error> {
    // The seal is an entry of its own.
    let sealed = storages.audit.seal(through, caller.by(), from).await;
    trail.about("audit", through).dry(sealed.is_ok());
    Ok(Json(sealed?.into()))
}
