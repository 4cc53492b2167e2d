//! Assets of the projects of a configuration server. Who changes one says which text was read, and gets
//! all three texts where it is another one by now.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;
use weir_domain::{Digest, ProjectName};
use weir_http_api::{
    AssetEffective, AssetRename, AssetRenamed, AssetSummary, AssetUsage, AssetView, AssetWrite,
    ListQuery, Page, Problem,
};

use crate::error::Error;
use crate::etag;
use crate::extract::{Body, Fields, Part, Two};
use crate::guard::Trail;
use crate::lists;
use crate::{Basis, Projects};

/// A body holds a text of 4 MiB as JSON, however its line breaks and quotes are written.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

/// What a change is based on, as its headers say.
#[derive(Debug, PartialEq)]
pub(crate) struct Based(Basis);

impl Based {
    fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let of_none = headers.get(IF_NONE_MATCH);
        let of_none = of_none.map(|it: &HeaderValue| it.to_str().unwrap_or("?").trim());
        match (etag::given(headers)?, of_none) {
            (None, Some("*")) => Ok(Self(Basis::New)),
            (Some(etag), None) => {
                let digest = etag.parse();
                digest.map(|it| Self(Basis::Text(it))).map_err(|_| Error::Invalid {
                    pointer: "header/if-match".into(),
                    reason: format!("{etag:?} is no etag of an asset"),
                })
            }
            (None, None) => Err(Error::Unconditional),
            (Some(_), Some(_)) | (None, Some(_)) => Err(Error::Invalid {
                pointer: "header/if-none-match".into(),
                reason: "send `if-match` with an etag, or `if-none-match: *`".into(),
            }),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Based {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::of(&parts.headers)
    }
}

/// The same, where there must be something.
pub(crate) struct Known(pub(crate) Digest);

impl<S: Send + Sync> FromRequestParts<S> for Known {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        match Based::of(&parts.headers)?.0 {
            Basis::Text(digest) => Ok(Self(digest)),
            Basis::New => Err(Error::Unconditional),
        }
    }
}

/// For the documents.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by hand, since what is wrong with it is said exactly")]
pub(crate) struct Read {
    /// The etag of the asset as it was read, strong or weak; neither `*` nor a list. Another one by now: 412,
    /// with all three texts.
    #[param(rename = "if-match", value_type = Option<String>)]
    if_match: Option<String>,
}

/// For the documents.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by hand, since what is wrong with it is said exactly")]
pub(crate) struct Unread {
    /// `*`: there is no such asset yet, and it is to be made.
    #[param(rename = "if-none-match", value_type = Option<String>)]
    if_none_match: Option<String>,
}

/// The assets of a project, by path; `project.yaml` comes first.
#[utoipa::path(get, path = "/projects/{project}/assets", tag = "projects", operation_id = "listAssets",
    params(("project" = String, Path, description = "The project's name"), ListQuery),
    responses(
        (status = 200, description = "All assets", body = Page<AssetSummary>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(projects): State<Arc<dyn Projects>>,
    Part(project): Part<ProjectName>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<AssetSummary>>, Error> {
    lists::page(projects.assets(project).await?, query).map(Json)
}

/// One asset with its text. The header `etag` is what changes are based on.
#[utoipa::path(get, path = "/projects/{project}/assets/{asset}", tag = "projects", operation_id = "getAsset",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment")),
    responses(
        (status = 200, description = "The asset", body = AssetView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(projects): State<Arc<dyn Projects>>,
    Two(project, asset): Two<ProjectName, String>,
) -> Result<Response, Error> {
    Ok(tagged(projects.asset(project, asset).await?))
}

/// Writes an asset: a new one, or another text for the one that was read. The same text again changes nothing.
#[utoipa::path(put, path = "/projects/{project}/assets/{asset}", tag = "projects", operation_id = "writeAsset",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment"), Read, Unread),
    request_body = AssetWrite,
    responses(
        (status = 200, description = "The asset as it is now", body = AssetView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn write(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Two(project, asset): Two<ProjectName, String>,
    Based(basis): Based,
    Body(AssetWrite { text }): Body<AssetWrite>,
) -> Result<Response, Error> {
    trail.about("asset", format!("{project}/{asset}"));
    let written = projects.asset_write(project, asset, text, basis).await?;
    trail.after(&written.asset);
    Ok(tagged(written))
}

/// Deletes an asset that no other one names.
#[utoipa::path(delete, path = "/projects/{project}/assets/{asset}", tag = "projects", operation_id = "deleteAsset",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment"), Read),
    responses(
        (status = 200, description = "The asset as it was", body = AssetView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Two(project, asset): Two<ProjectName, String>,
    Known(read): Known,
) -> Result<Json<AssetView>, Error> {
    trail.about("asset", format!("{project}/{asset}"));
    let deleted = projects.asset_delete(project, asset, read).await?;
    trail.before(&deleted.asset);
    Ok(Json(deleted))
}

/// Gives an asset another name wherever it is named; nothing else in the texts changes. A file that is
/// called as its asset goes along.
#[utoipa::path(post, path = "/projects/{project}/assets/{asset}/rename", tag = "projects", operation_id = "renameAsset",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment"), Read),
    request_body = AssetRename,
    responses(
        (status = 200, description = "The asset, and who was changed with it", body = AssetRenamed),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn rename(
    State(projects): State<Arc<dyn Projects>>,
    trail: Trail,
    Two(project, asset): Two<ProjectName, String>,
    Known(read): Known,
    Body(AssetRename { name }): Body<AssetRename>,
) -> Result<Json<AssetRenamed>, Error> {
    trail.about("asset", format!("{project}/{asset}"));
    let renamed = projects.asset_rename(project, asset, name, read).await?;
    trail.after(&renamed.asset.asset);
    Ok(Json(renamed))
}

/// The asset with all that it has from those that it extends, and where each value was written.
#[utoipa::path(get, path = "/projects/{project}/assets/{asset}/effective", tag = "projects", operation_id = "getEffectiveAsset",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment")),
    responses(
        (status = 200, description = "The whole asset", body = AssetEffective),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn effective(
    State(projects): State<Arc<dyn Projects>>,
    Two(project, asset): Two<ProjectName, String>,
) -> Result<Json<AssetEffective>, Error> {
    Ok(Json(projects.asset_effective(project, asset).await?))
}

/// Where other assets name it.
#[utoipa::path(get, path = "/projects/{project}/assets/{asset}/usages", tag = "projects", operation_id = "listAssetUsages",
    params(("project" = String, Path, description = "The project's name"), ("asset" = String, Path, description = "The asset's path, as one segment"), ListQuery),
    responses(
        (status = 200, description = "Every place", body = Page<AssetUsage>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn usages(
    State(projects): State<Arc<dyn Projects>>,
    Two(project, asset): Two<ProjectName, String>,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<AssetUsage>>, Error> {
    lists::page(projects.asset_usages(project, asset).await?, query).map(Json)
}

fn tagged(asset: AssetView) -> Response {
    let etag = asset.asset.etag.map(|it| format!("\"{it}\""));
    let etag = etag.and_then(|it| HeaderValue::from_str(&it).ok());
    let mut response = Json(asset).into_response();
    if let Some(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_what_it_is_based_on() {
        let of = |headers: &[(&'static str, &str)]| {
            let named = headers.iter().map(|(name, value)| {
                (axum::http::HeaderName::from_static(name), value.parse().unwrap())
            });
            Based::of(&named.collect())
        };
        let digest = Digest::of(b"x");
        let etag = format!("\"{digest}\"");
        assert_eq!(of(&[("if-match", &etag)]).unwrap(), Based(Basis::Text(digest)));
        assert_eq!(of(&[("if-none-match", "*")]).unwrap(), Based(Basis::New));
        let weak = format!("W/{etag}");
        assert_eq!(of(&[("if-match", &weak)]).unwrap(), Based(Basis::Text(digest)));
        assert!(matches!(of(&[]), Err(Error::Unconditional)));
        assert!(matches!(of(&[("if-match", "*")]), Err(Error::Unconditional)));
        for bad in [
            &[("if-match", "\"3\"")][..],
            &[("if-none-match", &etag)],
            &[("if-match", &etag), ("if-none-match", "*")],
        ] {
            assert!(matches!(of(bad), Err(Error::Invalid { .. })), "{bad:?}");
        }
    }
}
