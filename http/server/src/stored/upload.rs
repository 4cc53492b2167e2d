//! Packages that arrive: read as they come, stored as they are proven.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::{Extension, Json};
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use weir_controllers::deployments::Sent;
use weir_controllers::deployments::storage::{Change, NewDeployment, root};
use weir_http_api::{ObjectCountView, PACKAGE, PARTIAL_PACKAGE, Problem, UploadQuery, UploadView};

use super::asked::{self, Asked};
use crate::error::Error;
use crate::extract::{AskedPath, Fields};
use crate::guard::Trail;
use crate::idempotency::Once;
use crate::layers::DRAINED_MAX;
use crate::storages::{Storages, Stored};

/// Pieces of a body that wait to be read.
const WAITING_MAX: usize = 8;
/// A sender that is silent for so long has gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Stores a deployment from a package, whole or without the objects that the cluster has: a dry run
/// tells which are missing. Nothing is activated.
#[utoipa::path(post, path = "/deployments", tag = "deployments", operation_id = "uploadDeployment",
    params(UploadQuery, asked::Expected, Once),
    request_body(description = "The package, or `application/vnd.weir.partial-package`, as docs/packages.md says",
        content = inline(weir_http_api::schema::Binary), content_type = "application/vnd.weir.package"),
    responses(
        (status = 200, description = "What was stored, or is missing", body = UploadView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn upload(
    asked: Asked,
    trail: Trail,
    Extension(storages): Stored,
    Fields(query): Fields<UploadQuery>,
    AskedPath(path): AskedPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UploadView>, Error> {
    trail.dry(query.dry_run);
    let (sender, pieces) = mpsc::channel(WAITING_MAX);
    let arriving = Arriving { pieces, piece: Bytes::new() };
    let stored = async {
        let sent = sent(&headers, path)?;
        let (query, arriving) = described(query, arriving).await?;
        match query.dry_run {
            true => looked(&asked, &storages, query, arriving).await,
            false => taken(&asked, &storages, &trail, query, (arriving, sent)).await,
        }
    };
    let (stored, ()) = tokio::join!(stored, pump(body, sender));
    stored.map(Json)
}

/// What would be stored, and what of it is missing.
async fn looked(
    asked: &Asked,
    storages: &Storages,
    query: UploadQuery,
    body: Arriving,
) -> Result<UploadView, Error> {
    let base = query.base.clone().unwrap_or_else(root);
    let arrival = storages.packages.look(body, base).await?;
    let deployment = named(arrival.deployment().clone(), &query);
    let view = view(&deployment, count(arrival.total().objects, arrival.total().bytes));
    let change = Change::Store(Box::new(deployment));
    let impact = storages.deployments.preview(asked.author(storages), change).await?;
    let missing = arrival.missing().into_iter().collect();
    Ok(UploadView { dry_run: true, revision: impact.revision, missing, ..view })
}

async fn taken(
    asked: &Asked,
    storages: &Storages,
    trail: &Trail,
    query: UploadQuery,
    (body, sent): (Arriving, Sent),
) -> Result<UploadView, Error> {
    let base = query.base.clone().unwrap_or_else(root);
    let uploaded = storages.packages.receive(body, sent, base).await?;
    let deployment = named(uploaded.deployment, &query);
    trail.about("deployment", &deployment.tag);
    let view = view(&deployment, count(uploaded.total.objects, uploaded.total.bytes));
    let stored = count(uploaded.sent.objects, uploaded.sent.bytes);
    let change = Change::Store(Box::new(deployment));
    let command = asked.command(storages, &change);
    let author = asked.author(storages);
    let revision = storages.deployments.change(command, author, change).await?;
    let view = UploadView { revision, stored, ..view };
    trail.after(&view);
    Ok(view)
}

/// With the description, where the body begins with it.
async fn described(
    query: UploadQuery,
    mut arriving: Arriving,
) -> Result<(UploadQuery, Arriving), Error> {
    const MAX: usize = UploadQuery::DESCRIPTION_BYTES_MAX;
    let invalid = |reason| Error::Invalid { pointer: "query/descriptionBytes".into(), reason };
    let Some(length) = query.description_bytes.map(|it| it as usize) else {
        return Ok((query, arriving));
    };
    if length > MAX {
        return Err(invalid(format!(
            "a description has at most {MAX} bytes, and {length} are said"
        )));
    }
    if query.description.is_some() {
        return Err(invalid(
            "there is a description in the query, too: leave one of them out".into(),
        ));
    }
    let text = arriving.first(length).await;
    let text = text.ok_or_else(|| invalid(format!("the body has less than {length} bytes")))?;
    let text = String::from_utf8(text);
    let text = text.map_err(|_| invalid("what the body begins with is no UTF-8".into()))?;
    Ok((UploadQuery { description: Some(text), ..query }, arriving))
}

/// With the tag and the description that the sender wants.
fn named(mut deployment: NewDeployment, query: &UploadQuery) -> NewDeployment {
    if let Some(tag) = &query.tag {
        deployment.tag = tag.clone();
    }
    if let Some(description) = &query.description {
        deployment.description = description.clone();
    }
    deployment
}

fn view(it: &NewDeployment, total: ObjectCountView) -> UploadView {
    UploadView {
        dry_run: false,
        revision: 0,
        tag: it.tag.clone(),
        base: it.parent.clone(),
        digest: it.digest,
        signer: it.signer.clone(),
        missing: Vec::new(),
        stored: ObjectCountView::default(),
        total,
    }
}

fn count(objects: u64, bytes: u64) -> ObjectCountView {
    ObjectCountView { objects, bytes }
}

/// Which kind of body it is. One that does not say is a package.
fn sent(headers: &HeaderMap, path: String) -> Result<Sent, Error> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(Sent::Whole) };
    let given = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match given {
        PACKAGE | "application/octet-stream" => Ok(Sent::Whole),
        PARTIAL_PACKAGE => Ok(Sent::Partial),
        _ => {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Error::Status { status, method: Method::POST, path })
        }
    }
}

type Piece = io::Result<Bytes>;

/// Hands the body on as it comes, no faster than it is read.
async fn pump(body: Body, sender: mpsc::Sender<Piece>) {
    let mut body = body.into_data_stream();
    let mut drained = 0;
    while drained <= DRAINED_MAX {
        let piece = match timeout(SILENCE_MAX, body.next()).await {
            Ok(Some(Ok(bytes))) => Ok(bytes),
            Ok(Some(Err(error))) => Err(io::Error::other(error)),
            Ok(None) => return,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the sender fell silent")),
        };
        let (is_last, length) = (piece.is_err(), piece.as_ref().map_or(0, Bytes::len));
        if sender.send(piece).await.is_err() {
            drained += length;
        }
        if is_last {
            return;
        }
    }
}

/// A body, for a thread that may wait for it.
struct Arriving {
    pieces: mpsc::Receiver<Piece>,
    piece: Bytes,
}

impl Arriving {
    /// The next bytes, so many; `None` where there are less.
    async fn first(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut taken = Vec::new();
        while taken.len() < length {
            if self.piece.is_empty() {
                self.piece = self.pieces.recv().await?.ok()?;
                continue;
            }
            let some = (length - taken.len()).min(self.piece.len());
            taken.extend_from_slice(&self.piece.split_to(some));
        }
        Some(taken)
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}
