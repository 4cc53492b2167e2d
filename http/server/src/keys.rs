//! Key pairs: their public parts, and what may be done with them; sealing values to them.

use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::keys::{Alias, InvalidAlias, PairView};
use weir_domain::{KeyFingerprint, UserClaim};
use weir_http_api::{
    KeyCreate, KeyExport, KeyExported, KeyImport, KeyRotate, KeyView, ListQuery, Page, Problem,
    SecretSeal, SecretSealed,
};
use weir_secrets::Binding;

use crate::error::Error;
use crate::extract::{Body, Confidential, Fields, IfMatch, Nothing, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::lists;
use crate::storages::{Storages, Stored};
use crate::users::secret;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let write = UserClaim::KeyWrite;
    OpenApiRouter::default()
        .routes(read(UserClaim::KeyRead, routes!(list)))
        .routes(command(write, "key create", routes!(create)))
        .routes(command(write, "key import", routes!(import)))
        .routes(command(write, "key rotate", routes!(rotate)))
        .routes(command(write, "key rewrap", routes!(rewrap)))
        .routes(read(UserClaim::KeyRead, routes!(show)))
        .routes(command(write, "key set", routes!(describe)))
        .routes(command(write, "key delete", routes!(delete)))
        .routes(command(UserClaim::KeyExport, "key export", routes!(export)))
        .routes(read(UserClaim::KeyRead, routes!(seal)))
}

/// All key pairs, their public parts.
#[utoipa::path(get, path = "/keys", tag = "keys", operation_id = "listKeys",
    params(ListQuery),
    responses(
        (status = 200, description = "All of them", body = Page<KeyView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(storages): Stored,
    Fields(query): Fields<ListQuery>,
) -> Result<Json<Page<KeyView>>, Error> {
    lists::page(storages.keys.list().await?.pairs.into_iter().map(view), query).map(Json)
}

/// One key pair, its public part.
#[utoipa::path(get, path = "/keys/{key}", tag = "keys", operation_id = "showKey",
    params(("key" = String, Path, description = "The key's fingerprint or alias")),
    responses(
        (status = 200, description = "The key", body = KeyView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    Extension(storages): Stored,
    Part(key): Part<String>,
) -> Result<Json<KeyView>, Error> {
    find(&storages, &key).await.map(|it| Json(view(it)))
}

/// Makes a key pair. The current one stays current.
#[utoipa::path(post, path = "/keys", tag = "keys", operation_id = "createKey",
    params(Once),
    request_body = KeyCreate,
    responses(
        (status = 200, description = "The key", body = KeyView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn create(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(request): Body<KeyCreate>,
) -> Result<Json<KeyView>, Error> {
    let alias = alias(&request.alias)?;
    trail.about("key", &alias);
    let sender = once.sender(&storages.system, &caller, "key create", &request);
    let made = storages.keys.create(alias, request.description, sender).await?;
    answered(&trail, made)
}

/// Takes a private key over from elsewhere.
#[utoipa::path(post, path = "/keys:import", tag = "keys", operation_id = "importKey",
    params(Once),
    request_body = KeyImport,
    responses(
        (status = 200, description = "The key", body = KeyView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn import(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Confidential(request): Confidential<KeyImport>,
) -> Result<Json<KeyView>, Error> {
    let alias = alias(&request.alias)?;
    trail.about("key", &alias);
    let (key, passphrase) = (secret(&request.key), request.passphrase.as_ref().map(secret));
    let (about, brought) = ((alias, request.description), (&key, passphrase.as_ref()));
    let sender = once.sender(&storages.system, &caller, "key import", &about);
    let imported = storages.keys.import(about, brought, sender).await?;
    answered(&trail, imported)
}

/// Makes a key pair that is current from now on. Former ones still open what is sealed to them.
#[utoipa::path(post, path = "/keys:rotate", tag = "keys", operation_id = "rotateKey",
    params(Once),
    request_body = KeyRotate,
    responses(
        (status = 200, description = "The new key", body = KeyView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn rotate(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(request): Body<KeyRotate>,
) -> Result<Json<KeyView>, Error> {
    let alias = alias(&request.alias)?;
    trail.about("key", &alias);
    let sender =
        once.sender(&storages.system, &caller, "key rotate", &(&alias, &request.description));
    let about = (alias, request.description);
    let made = storages.keys.rotate(about, request.expected, sender).await?;
    answered(&trail, made)
}

/// Puts every stored private key under the master key that is configured now.
#[utoipa::path(post, path = "/keys:rewrap", tag = "keys", operation_id = "rewrapKeys",
    params(Once),
    responses(
        (status = 200, description = "All keys", body = Page<KeyView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn rewrap(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Nothing: Nothing,
) -> Result<Json<Page<KeyView>>, Error> {
    trail.about("key", "all");
    let sender = once.sender(&storages.system, &caller, "key rewrap", &());
    storages.keys.rewrap(sender).await?;
    let pairs = storages.keys.list().await?.pairs;
    Ok(Json(Page::whole(pairs.into_iter().map(view))))
}

/// Gives a key pair another alias and description.
#[utoipa::path(put, path = "/keys/{key}", tag = "keys", operation_id = "describeKey",
    params(("key" = String, Path, description = "The key's fingerprint or alias"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    request_body = KeyCreate,
    responses(
        (status = 200, description = "The key", body = KeyView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn describe(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(key): Part<String>,
    IfMatch(expected): IfMatch,
    Body(request): Body<KeyCreate>,
) -> Result<Json<KeyView>, Error> {
    let sender = once.sender(&storages.system, &caller, "key set", &(&key, &request));
    // Asked first: by now another one may have the name that this one had.
    if storages.keys.recalls(sender.command).await? {
        trail.about("key", &key);
        return described_before(&storages, &key, &request).await;
    }
    let known = match find(&storages, &key).await {
        // Sent twice at once, it may have been carried out meanwhile.
        Err(Error::NotFound { .. }) if storages.keys.recalls(sender.command).await? => {
            trail.about("key", &key);
            return described_before(&storages, &key, &request).await;
        }
        found => found?,
    };
    let fingerprint = known.fingerprint;
    trail.about("key", &known.alias).before(&view(known));
    let about = (alias(&request.alias)?, request.description);
    storages.keys.describe(fingerprint, about, expected, sender).await?;
    answered(&trail, find(&storages, &fingerprint.to_string()).await?)
}

/// Deletes a key pair. What is sealed to it alone can never be opened again.
#[utoipa::path(delete, path = "/keys/{key}", tag = "keys", operation_id = "deleteKey",
    params(("key" = String, Path, description = "The key's fingerprint or alias"), ("if-match" = Option<u64>, Header, description = "The revision that was read: another one is refused"), Once),
    responses(
        (status = 200, description = "What is deleted; null: the same command deleted it before", body = Option<KeyView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Part(key): Part<String>,
    IfMatch(expected): IfMatch,
) -> Result<Json<Option<KeyView>>, Error> {
    let sender = once.sender(&storages.system, &caller, "key delete", &key);
    // Asked first: by now there may be another one of that name, which is not what was deleted.
    if storages.keys.recalls(sender.command).await? {
        trail.about("key", &key);
        return Ok(Json(None));
    }
    let known = match find(&storages, &key).await {
        Err(Error::NotFound { .. }) if storages.keys.recalls(sender.command).await? => {
            trail.about("key", &key);
            return Ok(Json(None));
        }
        found => found?,
    };
    let deleted = view(known.clone());
    trail.about("key", &known.alias).before(&deleted);
    storages.keys.delete(known.fingerprint, expected, sender).await?;
    Ok(Json(Some(deleted)))
}

/// Gives a private key away, under a passphrase.
#[utoipa::path(post, path = "/keys/{key}/export", tag = "keys", operation_id = "exportKey",
    params(("key" = String, Path, description = "The key's fingerprint or alias")),
    request_body = KeyExport,
    responses(
        (status = 200, description = "The key", body = KeyExported),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn export(
    trail: Trail,
    Extension(storages): Stored,
    Part(key): Part<String>,
    Confidential(request): Confidential<KeyExport>,
) -> Result<Json<KeyExported>, Error> {
    let known = find(&storages, &key).await?;
    trail.about("key", &known.alias);
    let exported = storages.keys.export(known.fingerprint, &secret(&request.passphrase)).await?;
    Ok(Json(KeyExported { fingerprint: known.fingerprint, key: exported }))
}

/// Seals a value to keys of the cluster, for one project and name. It is kept nowhere; whoever can should seal where the value is.
#[utoipa::path(post, path = "/secrets:seal", tag = "keys", operation_id = "sealSecret",
    request_body = SecretSeal,
    responses(
        (status = 200, description = "The sealed value", body = SecretSealed),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn seal(
    Extension(storages): Stored,
    Confidential(request): Confidential<SecretSeal>,
) -> Result<Json<SecretSealed>, Error> {
    let SecretSeal { value, project, name, keys } = request;
    let binding = Binding { project, name };
    let sealed = storages.keys.seal(&secret(&value), binding, &keys).await?;
    Ok(Json(SecretSealed { keys: sealed.keys().to_vec(), sealed: sealed.to_string() }))
}

pub(crate) fn alias(text: &str) -> Result<Alias, Error> {
    let invalid = |it: InvalidAlias| (String::from("/alias"), it.to_string());
    let alias = Alias::new(text).map_err(invalid);
    alias.map_err(|(pointer, reason)| Error::Invalid { pointer, reason })
}

/// What the same command gave its alias and description to. Named by its fingerprint it is that one,
/// whatever became of it since.
async fn described_before(
    storages: &Storages,
    key: &str,
    request: &KeyCreate,
) -> Result<Json<KeyView>, Error> {
    let pairs = storages.keys.list().await?.pairs;
    let fingerprint = key.parse::<KeyFingerprint>().ok();
    let is_it = |it: &PairView| match fingerprint {
        Some(key) => it.fingerprint == key,
        // Named by its alias, it is not to be told from another one that has the new alias by now, but
        // for the description.
        None => it.alias.as_str() == request.alias && it.description == request.description,
    };
    let found = pairs.into_iter().find(is_it);
    found.map(|it| Json(view(it))).ok_or_else(|| Error::Conflict {
        detail: "the key was changed, renamed or deleted since".to_owned(),
        hint: Some("weir key list".to_owned()),
    })
}

fn answered(trail: &Trail, pair: PairView) -> Result<Json<KeyView>, Error> {
    let view = view(pair);
    trail.after(&view);
    Ok(Json(view))
}

/// By its fingerprint or its alias.
async fn find(storages: &Storages, wanted: &str) -> Result<PairView, Error> {
    let pairs = storages.keys.list().await?.pairs;
    let is_wanted =
        |it: &&PairView| it.alias.as_str() == wanted || it.fingerprint.to_string() == wanted;
    let found = pairs.iter().find(is_wanted).cloned();
    found.ok_or_else(|| Error::not_found("key", wanted, pairs.iter().map(|it| it.alias.as_str())))
}

fn view(it: PairView) -> KeyView {
    KeyView {
        fingerprint: it.fingerprint,
        alias: it.alias.as_str().to_owned(),
        description: it.description,
        public: it.public.to_string(),
        current: it.is_current,
        created_at: it.created.at,
        created_by: it.created.user,
        revision: it.revision,
        master: it.master,
        forgetting: it.is_forgetting,
    }
}
