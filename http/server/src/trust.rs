//! Certificates and known hosts: whom the cluster trusts.

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::keys::{Alias, Certificate, EXPIRES_SOON, HostLine, KnownHost, Trusted};
use weir_domain::{Timestamp, UserClaim};
use weir_http_api::{
    CertificateAdd, KnownHostAdd, KnownHostView, ListQuery, Page, Problem, TrustedCertificateView,
};

use crate::error::Error;
use crate::extract::{Body, Confidential, Fields, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::keys::alias;
use crate::lists;
use crate::storages::Stored;
use crate::users::secret;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let write = UserClaim::KeyWrite;
    OpenApiRouter::default()
        .routes(read(UserClaim::KeyRead, routes!(certificates)))
        .routes(command(write, "certificate add", routes!(add_certificate)))
        .routes(command(write, "certificate delete", routes!(delete_certificate)))
        .routes(read(UserClaim::KeyRead, routes!(hosts)))
        .routes(command(write, "host add", routes!(add_host)))
        .routes(command(write, "host delete", routes!(delete_host)))
}

/// Certificates that the cluster trusts or shows, by alias.
#[utoipa::path(get, path = "/certificates", tag = "keys", operation_id = "listCertificates",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<TrustedCertificateView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn certificates(
    Extension(storages): Stored,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<TrustedCertificateView>>, Error> {
    let (all, now) = (storages.keys.list().await?.certificates, storages.now());
    lists::page(all.into_iter().map(|it| view(it, now)), query).map(Json)
}

/// Trusts a certificate; with its private key, the cluster shows it.
#[utoipa::path(post, path = "/certificates", tag = "keys", operation_id = "addCertificate",
    params(Once),
    request_body = CertificateAdd,
    responses(
        (status = 200, description = "It is stored"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add_certificate(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Confidential(request): Confidential<CertificateAdd>,
) -> Result<(), Error> {
    let alias = alias(&request.alias)?;
    trail.about("certificate", &alias);
    let key = request.key.as_ref().map(secret);
    let certificate = (alias, request.pem);
    let sender = once.sender(&storages.system, &caller, "certificate add", &certificate);
    Ok(storages.keys.add_certificate(certificate, key.as_ref(), sender).await?)
}

/// Trusts or shows a certificate no more.
#[utoipa::path(delete, path = "/certificates/{alias}", tag = "keys", operation_id = "deleteCertificate",
    params(("alias" = String, Path, description = "The certificate's alias"), Once),
    responses(
        (status = 200, description = "It is deleted"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete_certificate(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(alias): Part<Alias>,
) -> Result<(), Error> {
    trail.about("certificate", &alias);
    let sender = once.sender(&storages.system, &caller, "certificate delete", &alias);
    Ok(storages.keys.delete_certificate(alias, sender).await?)
}

/// Hosts whose keys are known, by alias.
#[utoipa::path(get, path = "/known-hosts", tag = "keys", operation_id = "listKnownHosts",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<KnownHostView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn hosts(
    Extension(storages): Stored,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<KnownHostView>>, Error> {
    let all = storages.keys.list().await?.hosts.into_iter();
    lists::page(
        all.map(|Trusted { value, added }| KnownHostView {
            alias: value.alias.as_str().to_owned(),
            description: value.description,
            line: value.line.as_str().to_owned(),
            added_at: added.at,
            added_by: added.user,
        }),
        query,
    )
    .map(Json)
}

/// Knows the key of a host.
#[utoipa::path(post, path = "/known-hosts", tag = "keys", operation_id = "addKnownHost",
    params(Once),
    request_body = KnownHostAdd,
    responses(
        (status = 200, description = "It is stored"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add_host(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(request): Body<KnownHostAdd>,
) -> Result<(), Error> {
    trail.about("host", &request.alias).after(&request);
    let sender = once.sender(&storages.system, &caller, "host add", &request);
    let alias = alias(&request.alias)?;
    let line = HostLine::parse(&request.line)
        .map_err(|it| Error::Invalid { pointer: "/line".into(), reason: it.to_string() })?;
    let host = KnownHost { alias, description: request.description, line };
    Ok(storages.keys.add_host(host, sender).await?)
}

/// Knows the key of a host no more.
#[utoipa::path(delete, path = "/known-hosts/{alias}", tag = "keys", operation_id = "deleteKnownHost",
    params(("alias" = String, Path, description = "The host's alias"), Once),
    responses(
        (status = 200, description = "It is deleted"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete_host(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(alias): Part<Alias>,
) -> Result<(), Error> {
    trail.about("host", &alias);
    let sender = once.sender(&storages.system, &caller, "host delete", &alias);
    Ok(storages.keys.delete_host(alias, sender).await?)
}

fn view(it: Trusted<Certificate>, now: Timestamp) -> TrustedCertificateView {
    let Trusted { value, added } = it;
    TrustedCertificateView {
        alias: value.alias.as_str().to_owned(),
        subject: value.subject,
        fingerprint: value.fingerprint,
        not_before: value.not_before,
        not_after: value.not_after,
        identity: value.identity.is_some(),
        expires_soon: value.not_after <= now.plus(EXPIRES_SOON),
        pem: value.pem,
        added_at: added.at,
        added_by: added.user,
    }
}
