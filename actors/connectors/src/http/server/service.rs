//! The server: takes requests, hands them to the reader, and answers when it says so.
//!
//! Everything that it holds is bounded: connections, requests at a time, the length of each, and how long
//! each may take. It ends with the reader that has it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Frame, Incoming as RequestBody, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use weir_domain::Clock;

use super::config::{Answer, ServerConfig};
use crate::messages::{Incoming, takes_header};

/// Open connections, most of which wait.
const CONNECTIONS_MAX: usize = 1_000;
/// Records of a body: each takes memory of its own, however short it is.
const RECORDS_MAX: usize = 65_536;
/// How long the head of a request may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// When no connection can be taken, the next try is then.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// When who finds no place should come again.
const COME_AGAIN_SECONDS: u16 = 1;

/// The records of a request, and who waits for its answer.
pub(super) struct Posted {
    pub(super) messages: Vec<Incoming>,
    /// Dropped: it is not known what became of them.
    pub(super) done: oneshot::Sender<()>,
}

pub(super) struct Service {
    config: ServerConfig,
    clock: Arc<dyn Clock>,
    requests: Arc<Semaphore>,
    reader: mpsc::Sender<Posted>,
}

/// What is answered where it did not go well.
struct Refusal {
    status: StatusCode,
    cause: String,
}

fn refusal(status: StatusCode, cause: impl Into<String>) -> Refusal {
    Refusal { status, cause: cause.into() }
}

impl Service {
    pub(super) fn new(
        config: &ServerConfig,
        clock: Arc<dyn Clock>,
        reader: mpsc::Sender<Posted>,
    ) -> Self {
        let requests = Arc::new(Semaphore::new(config.max_requests.get() as usize));
        Self { config: config.clone(), clock, requests, reader }
    }

    /// Serves until it is dropped.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            };
            let this = self.clone();
            connections.spawn(async move {
                let _place = place;
                let service = service_fn(|request| {
                    let this = this.clone();
                    async move { Ok::<_, Infallible>(this.answer(request, peer).await) }
                });
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
                // How a client breaks off is its own affair.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(&self, request: Request<RequestBody>, peer: SocketAddr) -> Response<Text> {
        let within = Duration::from_millis(self.config.within.0);
        let taken = tokio::time::timeout(within, self.take(request, peer)).await;
        let taken = taken.unwrap_or_else(|_| Err(self.too_late()));
        match taken {
            Ok(records) => {
                let status = match self.config.answer {
                    Answer::Accepted => StatusCode::ACCEPTED,
                    Answer::Committed => StatusCode::OK,
                };
                response(status, json!({ "records": records }).to_string())
            }
            Err(Refusal { status, cause }) => {
                let mut answer = response(status, json!({ "error": cause }).to_string());
                let headers = answer.headers_mut();
                match status {
                    StatusCode::SERVICE_UNAVAILABLE => {
                        headers.insert(RETRY_AFTER, HeaderValue::from(COME_AGAIN_SECONDS));
                    }
                    StatusCode::UNAUTHORIZED => {
                        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                    }
                    _ => {}
                }
                answer
            }
        }
    }

    fn too_late(&self) -> Refusal {
        let cause = "it took too long: whether the records are taken is not known";
        refusal(StatusCode::SERVICE_UNAVAILABLE, cause)
    }

    /// How many records were taken.
    async fn take(
        &self,
        request: Request<RequestBody>,
        peer: SocketAddr,
    ) -> Result<usize, Refusal> {
        self.check(&request)?;
        let full = || refusal(StatusCode::SERVICE_UNAVAILABLE, "there are too many requests");
        let _request = self.requests.try_acquire().map_err(|_| full())?;
        let (head, body) = request.into_parts();
        let body = self.read(body).await?;
        let bodies = self.config.body.split(body);
        let bodies = bodies.map_err(|it| refusal(StatusCode::BAD_REQUEST, it))?;
        if bodies.is_empty() {
            return Ok(0);
        }
        if bodies.len() > RECORDS_MAX {
            let cause = format!("a body has at most {RECORDS_MAX} records here");
            return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, cause));
        }
        let headers = self.beside(&head, peer);
        let (path, at): (Arc<str>, _) = (head.uri.path().into(), self.clock.now());
        let message = |body: Bytes| Incoming {
            // Records are kept for longer than the request.
            body: Bytes::copy_from_slice(&body),
            headers: headers.clone(),
            address: Some(path.clone()),
            at: Some(at),
            ..Incoming::default()
        };
        let messages: Vec<_> = bodies.into_iter().map(message).collect();
        let (records, (done, taken)) = (messages.len(), oneshot::channel());
        self.reader.try_send(Posted { messages, done }).map_err(|_| full())?;
        let stopped = "the workflow stops: whether the records are taken is not known";
        taken.await.map_err(|_| refusal(StatusCode::SERVICE_UNAVAILABLE, stopped))?;
        Ok(records)
    }

    /// What fields are made from; never who it is that sends.
    fn beside(&self, head: &request::Parts, peer: SocketAddr) -> Arc<[(String, Bytes)]> {
        let headers = head.headers.iter().filter(|it| it.0 != AUTHORIZATION);
        let headers = headers.map(|it| (it.0.as_str(), Bytes::copy_from_slice(it.1.as_bytes())));
        let query = head.uri.query().unwrap_or_default().to_owned();
        let peer = peer.ip().to_string();
        let others = [(":method", head.method.to_string()), (":query", query), (":peer", peer)];
        let all = headers.chain(others.map(|(name, value)| (name, Bytes::from(value))));
        let kept = all.filter(|it| takes_header(&self.config.attributes, it.0));
        kept.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn check(&self, request: &Request<RequestBody>) -> Result<(), Refusal> {
        if let Some(admission) = &self.config.connection {
            let sent = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
            let sent = sent.and_then(|it| it.strip_prefix(b"Bearer ")).unwrap_or_default();
            // A secret that is empty lets nobody in.
            if sent.is_empty() || !bool::from(sent.ct_eq(admission.token.0.as_bytes())) {
                return Err(refusal(StatusCode::UNAUTHORIZED, "a bearer token is needed"));
            }
        }
        if !self.config.paths.iter().any(|it| it == request.uri().path()) {
            return Err(refusal(StatusCode::NOT_FOUND, "records are not sent to this path"));
        }
        if !self.config.methods.iter().any(|it| it == request.method().as_str()) {
            let methods = self.config.methods.join(", ");
            return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, format!("send it with {methods}")));
        }
        if request.body().size_hint().lower() > self.config.max_body.0 {
            return Err(self.too_long());
        }
        Ok(())
    }

    fn too_long(&self) -> Refusal {
        let cause = format!("a body has at most {} bytes here", self.config.max_body.0);
        refusal(StatusCode::PAYLOAD_TOO_LARGE, cause)
    }

    async fn read(&self, mut body: RequestBody) -> Result<Bytes, Refusal> {
        let mut found = BytesMut::new();
        while let Some(frame) =
            std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await
        {
            let cut = |_| refusal(StatusCode::BAD_REQUEST, "the body is cut off");
            let Ok(data) = frame.map_err(cut)?.into_data() else { continue };
            if (found.len() + data.len()) as u64 > self.config.max_body.0 {
                return Err(self.too_long());
            }
            found.extend_from_slice(&data);
        }
        Ok(found.freeze())
    }
}

fn response(status: StatusCode, text: String) -> Response<Text> {
    let mut response = Response::new(Text(Some(text.into())));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// A short body.
pub(super) struct Text(Option<Bytes>);

impl hyper::body::Body for Text {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.take().map(|it| Ok(Frame::data(it))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |it| it.len() as u64))
    }
}
