//! An S3 server: the real protocol, with signatures, over a directory of its own.
//!
//! It runs on threads of the test process and ends with the value. A conditional put is atomic, as
//! it is with S3: the server underneath checks first and then writes, so such puts wait for each
//! other here. It can be made to fail, as real ones do at times.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

/// Who may use the server.
const ACCESS_KEY: &str = "weir-test";
const SECRET_KEY: &str = "a-secret-for-tests";

pub struct S3 {
    address: SocketAddr,
    directory: TempDir,
    faults: Arc<Faults>,
    runtime: Option<Runtime>,
}

/// What goes wrong with the next requests.
#[derive(Default)]
struct Faults {
    refused: AtomicU32,
    unanswered: AtomicU32,
}

impl S3 {
    pub const ACCESS_KEY: &str = ACCESS_KEY;
    pub const SECRET_KEY: &str = SECRET_KEY;

    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("it is bound");
        let faults = Arc::new(Faults::default());
        let service = service(directory.path());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread for the server");
        runtime.spawn(serve(listener, service, Arc::clone(&faults)));
        Self { address, directory, faults, runtime: Some(runtime) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn bucket(&self, name: &str) {
        let created = std::fs::create_dir_all(self.directory.path().join(name));
        created.expect("the directory is ours");
    }

    /// The next requests are answered with 503, and nothing is done.
    pub fn refuse(&self, requests: u32) {
        self.faults.refused.store(requests, Ordering::SeqCst);
    }

    /// The next requests are done, and answered with 500.
    pub fn leave_unanswered(&self, requests: u32) {
        self.faults.unanswered.store(requests, Ordering::SeqCst);
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A test may be on a runtime itself, which must not wait for another.
            runtime.shutdown_background();
        }
    }
}

fn service(directory: &Path) -> S3Service {
    let files = s3s_fs::FileSystem::new(directory).expect("the directory is there");
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    builder.build()
}

async fn serve(listener: TcpListener, service: S3Service, faults: Arc<Faults>) {
    listener.set_nonblocking(true).expect("a listener of ours");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener of ours");
    let conditional = Arc::new(Semaphore::new(1));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let (service, faults) = (service.clone(), Arc::clone(&faults));
        let conditional = Arc::clone(&conditional);
        let answer = service_fn(move |request| {
            answer(request, service.clone(), Arc::clone(&faults), Arc::clone(&conditional))
        });
        let http = hyper::server::conn::http1::Builder::new();
        connections.spawn(http.serve_connection(TokioIo::new(stream), answer));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    service: S3Service,
    faults: Arc<Faults>,
    conditional: Arc<Semaphore>,
) -> Result<Response<s3s::Body>, Infallible> {
    if strikes(&faults.refused) {
        return Ok(failure(StatusCode::SERVICE_UNAVAILABLE));
    }
    let is_conditional = request.headers().contains_key("if-none-match");
    let _alone = match is_conditional {
        true => Some(conditional.acquire_owned().await.expect("it is never closed")),
        false => None,
    };
    let answer = hyper::service::Service::call(&service, request).await;
    if strikes(&faults.unanswered) {
        return Ok(failure(StatusCode::INTERNAL_SERVER_ERROR));
    }
    Ok(answer.unwrap_or_else(|_| failure(StatusCode::INTERNAL_SERVER_ERROR)))
}

fn strikes(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
}

fn failure(status: StatusCode) -> Response<s3s::Body> {
    let mut response = Response::new(s3s::Body::empty());
    *response.status_mut() = status;
    response
}
