//! An S3 server: the real protocol, with signatures, over a directory of its own.
//!
//! It runs on threads of the test process and ends with the value. A conditional put is atomic, as
//! it is with S3: the server underneath checks first and then writes, so such puts wait for each
//! other here. So is the end of an upload, which the server underneath forgets before it writes the
//! object, and whatever was asked is done to its end, though the client is gone by then. It can be
//! made to fail, as real ones do at times.

mod faults;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use object_store::ObjectStoreExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as ObjectPath;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;

use faults::{Fault, Faults};

/// Who may use the server.
const ACCESS_KEY: &str = "weir-test";
const SECRET_KEY: &str = "a-secret-for-tests";

pub struct S3 {
    address: SocketAddr,
    directory: TempDir,
    faults: Arc<Faults>,
    runtime: Option<Runtime>,
}

impl S3 {
    pub const ACCESS_KEY: &str = ACCESS_KEY;
    pub const SECRET_KEY: &str = SECRET_KEY;

    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// On an address of the host that the calling thread is on.
    pub fn start_at(address: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let listener = TcpListener::bind((address, 0)).expect("a free port on the host");
        let address = listener.local_addr().expect("it is bound");
        let faults = Arc::new(Faults::default());
        let service = (service(directory.path()), directory.path().to_owned());
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

    /// Puts an object as anybody would: by the protocol, whole at once, in place of what is there.
    pub fn put(&self, bucket: &str, key: &str, content: &[u8]) {
        let client = AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_allow_http(true)
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET_KEY)
            .with_bucket_name(bucket)
            .build()
            .expect("a client of this server");
        let (path, content) = (ObjectPath::from(key), content.to_vec());
        let (said, answered) = std::sync::mpsc::channel();
        let runtime = self.runtime.as_ref().expect("it runs as long as this lives");
        runtime.spawn(async move {
            let put = client.put(&path, content.into()).await;
            said.send(put.map(drop)).expect("somebody waits");
        });
        answered.recv().expect("the task ends").expect("the object is put");
    }

    /// An object's content, as it is now.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.directory.path().join(bucket).join(key)).ok()
    }

    /// The keys of all objects that there are.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let root = self.directory.path().join(bucket);
        let mut keys = Vec::new();
        let mut pending = vec![root.clone()];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
                // The server's own drafts have no names of objects.
                let is_draft = entry.file_name().to_string_lossy().starts_with(".tmp.");
                let path = entry.path();
                if path.is_dir() {
                    pending.push(path);
                } else if let Ok(key) = path.strip_prefix(&root)
                    && !is_draft
                {
                    keys.push(key.to_string_lossy().into_owned());
                }
            }
        }
        keys.sort();
        keys
    }

    /// Uploads that were begun, and neither completed nor given up.
    pub fn uploads(&self) -> usize {
        self.kept().iter().filter(|it| it.starts_with(".upload-")).count()
    }

    /// The parts that they have.
    pub fn parts(&self) -> usize {
        self.kept().iter().filter(|it| it.starts_with(".upload_id-")).count()
    }

    /// What the server keeps beside the buckets.
    fn kept(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).into_iter().flatten().flatten();
        entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect()
    }

    /// From now on so many of a thousand requests go wrong in one way or another, as the seed has it.
    /// None with 0.
    pub fn disturb(&self, seed: u64, permille: u32) {
        self.faults.disturb(seed, permille);
    }

    /// How many requests were disturbed so far.
    pub fn disturbed(&self) -> u32 {
        self.faults.met()
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

async fn serve(listener: TcpListener, service: (S3Service, PathBuf), faults: Arc<Faults>) {
    listener.set_nonblocking(true).expect("a listener of ours");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener of ours");
    let alone = Arc::new(Semaphore::new(1));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let (service, faults) = (service.clone(), Arc::clone(&faults));
        let alone = Arc::clone(&alone);
        let answer = service_fn(move |request| {
            answer(request, service.clone(), Arc::clone(&faults), Arc::clone(&alone))
        });
        let http = hyper::server::conn::http1::Builder::new();
        connections.spawn(http.serve_connection(TokioIo::new(stream), answer));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    (service, root): (S3Service, PathBuf),
    faults: Arc<Faults>,
    alone: Arc<Semaphore>,
) -> io::Result<Response<s3s::Body>> {
    let is_conditional = request.headers().contains_key("if-none-match");
    let fault = faults.next(request.method() == Method::GET, is_conditional);
    match fault {
        Some(Fault::Refused) => return Ok(failure(StatusCode::SERVICE_UNAVAILABLE)),
        Some(Fault::Conflict) => return Ok(failure(StatusCode::CONFLICT)),
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(Fault::Unanswered | Fault::Dropped | Fault::Torn) | None => {}
    }
    let is_list = request.uri().query().is_some_and(|it| it.contains("list-type"));
    let is_alone = is_conditional || is_completion(&request);
    let work = async move {
        let _alone = match is_alone {
            true => Some(alone.acquire_owned().await.expect("it is never closed")),
            false => None,
        };
        if misses_upload(&request, &root) || misses_bucket(&request, &root) {
            return failure(StatusCode::NOT_FOUND);
        }
        let answer = hyper::service::Service::call(&service, request).await;
        answer.unwrap_or_else(|_| failure(StatusCode::INTERNAL_SERVER_ERROR))
    };
    // By itself: what serves the connection ends with it.
    let answer = Handle::current().spawn(work).await.map_err(io::Error::other)?;
    match fault {
        Some(Fault::Dropped) => Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Torn) => Ok(torn(answer, is_list).await),
        Some(Fault::Unanswered) => Ok(failure(StatusCode::INTERNAL_SERVER_ERROR)),
        _ if faults.leaves_unanswered() => Ok(failure(StatusCode::INTERNAL_SERVER_ERROR)),
        _ => Ok(answer),
    }
}

/// Whether a request makes an object of an upload.
fn is_completion(request: &Request<Incoming>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::POST && query.contains("uploadId=")
}

/// Whether a request is about an upload that is not there: S3 says so, the server underneath says that
/// it is forbidden.
fn misses_upload(request: &Request<Incoming>, root: &Path) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let upload = query.split('&').find_map(|it| it.strip_prefix("uploadId="));
    upload.is_some_and(|it| !root.join(format!(".upload-{it}.json")).exists())
}

/// Whether a request is about a bucket that is not there: the server underneath would make some.
fn misses_bucket(request: &Request<Incoming>, root: &Path) -> bool {
    let bucket = request.uri().path().split('/').nth(1).unwrap_or_default();
    !root.join(bucket).is_dir()
}

/// The first half of the answer.
async fn torn(answer: Response<s3s::Body>, is_whole: bool) -> Response<s3s::Body> {
    let (mut head, mut body) = answer.into_parts();
    let Ok(whole) = body.store_all_limited(usize::MAX).await else {
        return failure(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let half = whole.slice(..whole.len() / 2);
    if is_whole {
        head.headers.remove("content-length");
        return Response::from_parts(head, s3s::Body::from(half));
    }
    Response::from_parts(head, s3s::Body::http_body(Broken(Some(half))))
}

/// The body of an answer that breaks off behind these bytes.
struct Broken(Option<Bytes>);

impl Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(bytes) => Ok(Frame::data(bytes)),
            None => Err(io::ErrorKind::ConnectionAborted.into()),
        }))
    }
}

fn failure(status: StatusCode) -> Response<s3s::Body> {
    let mut response = Response::new(s3s::Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use object_store::multipart::MultipartStore;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "servers live in real time")]
    fn an_upload_is_there_or_its_object_whenever_the_client_goes() {
        const UPLOADS: u32 = 200;
        let server = S3::start();
        server.bucket("uploads");
        let client = AmazonS3Builder::new()
            .with_endpoint(server.endpoint())
            .with_allow_http(true)
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET_KEY)
            .with_bucket_name("uploads")
            .build()
            .unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for number in 0..UPLOADS {
                let path = ObjectPath::from(number.to_string());
                let id = client.create_multipart(&path).await.unwrap();
                let part = client.put_part(&path, &id, 0, vec![7; 100_000].into()).await.unwrap();
                let completion = client.complete_multipart(&path, &id, vec![part]);
                let patience = Duration::from_micros(u64::from(number % 50) * 100);
                // Whether it was in time does not matter.
                let _ = tokio::time::timeout(patience, completion).await;
            }
        });
        let began = Instant::now();
        while server.uploads() + server.keys("uploads").len() != UPLOADS as usize {
            assert!(began.elapsed() < Duration::from_secs(60), "{} are lost", {
                UPLOADS as usize - server.uploads() - server.keys("uploads").len()
            });
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
