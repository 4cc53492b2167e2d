//! Stored deployments, which node runs which, and canaries.

use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use weir_http_api::{
    Activate, ActivationView, AssignmentsView, CanaryStart, CanaryStatus, ChangeView,
    DeploymentsView, DiffQuery, DiffView, DryRun, Page, RoleAssignments, StoredView, TagRef,
    UploadQuery, UploadView,
};

use crate::access::if_match;
use crate::{Client, Error};

/// As long as the largest package may take.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(3_600);

/// What goes with a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeOptions {
    /// Only say what it would do.
    pub dry_run: bool,
    /// The revision that the caller saw; another one is refused.
    pub revision: Option<u64>,
}

/// A body that is made while it is sent.
pub type Pieces = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

/// A package, or the part of it that is sent.
pub struct Upload {
    pub pieces: Pieces,
    pub length: u64,
    pub content_type: &'static str,
}

impl Client {
    pub async fn deployments(&self) -> Result<DeploymentsView, Error> {
        self.get(&["deployments"]).await
    }

    pub async fn deployment(&self, tag: &str) -> Result<StoredView, Error> {
        self.get(&["deployments", tag]).await
    }

    pub async fn deployment_diff(&self, query: &DiffQuery) -> Result<DiffView, Error> {
        self.get_with(&["deployments:diff"], query).await
    }

    pub async fn deployment_upload(
        &self,
        query: &UploadQuery,
        upload: Upload,
        options: &ChangeOptions,
    ) -> Result<UploadView, Error> {
        let request = self.patient(UPLOAD_TIMEOUT)?.post(self.url(&["deployments"])).query(query);
        let request = self.named(self.authorized(request));
        let request = if_match(request, options.revision).header(CONTENT_TYPE, upload.content_type);
        self.decoded(request.body(reqwest::Body::wrap(Made::of(upload)))).await
    }

    pub async fn deployment_delete(
        &self,
        tag: &str,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        self.change(Method::DELETE, &["deployments", tag], None::<&()>, options).await
    }

    /// Makes it the default.
    pub async fn deployment_activate(
        &self,
        request: &Activate,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        self.change(Method::POST, &["deployments:activate"], Some(request), options).await
    }

    pub async fn deployment_rollback(&self, options: &ChangeOptions) -> Result<ChangeView, Error> {
        self.change(Method::POST, &["deployments:rollback"], None::<&()>, options).await
    }

    pub async fn assignments(&self) -> Result<AssignmentsView, Error> {
        self.get(&["assignments"]).await
    }

    pub async fn assign_roles(
        &self,
        roles: &RoleAssignments,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        self.change(Method::PUT, &["assignments", "roles"], Some(roles), options).await
    }

    pub async fn assign_node(
        &self,
        node: &str,
        tag: &TagRef,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        self.change(Method::PUT, &["assignments", "nodes", node], Some(tag), options).await
    }

    pub async fn unassign_node(
        &self,
        node: &str,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        self.change(Method::DELETE, &["assignments", "nodes", node], None::<&()>, options).await
    }

    pub async fn activations(&self) -> Result<Page<ActivationView>, Error> {
        self.get(&["activations"]).await
    }

    pub async fn activation(&self, node: &str) -> Result<ActivationView, Error> {
        self.get(&["activations", node]).await
    }

    pub async fn canary(&self) -> Result<CanaryStatus, Error> {
        self.get(&["canary"]).await
    }

    pub async fn canary_start(
        &self,
        request: &CanaryStart,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        self.change(Method::POST, &["canary"], Some(request), options).await
    }

    pub async fn canary_promote(&self, options: &ChangeOptions) -> Result<ChangeView, Error> {
        self.change(Method::POST, &["canary:promote"], None::<&()>, options).await
    }

    pub async fn canary_end(&self, options: &ChangeOptions) -> Result<ChangeView, Error> {
        self.change(Method::POST, &["canary:end"], None::<&()>, options).await
    }

    async fn change(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
        options: &ChangeOptions,
    ) -> Result<ChangeView, Error> {
        let request = self.command(method, path).query(&DryRun { dry_run: options.dry_run });
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.decoded(if_match(request, options.revision)).await
    }
}

/// A body of pieces. It is sent by one task: the lock is never waited for.
struct Made {
    pieces: Mutex<Pieces>,
    left: u64,
}

impl Made {
    fn of(Upload { pieces, length, .. }: Upload) -> Self {
        Self { pieces: Mutex::new(pieces), left: length }
    }
}

impl Body for Made {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let pieces = self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner);
        let piece = pieces.next();
        if let Some(Ok(bytes)) = &piece {
            self.left = self.left.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(piece.map(|it| it.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
