//! The open connections of one port.
//!
//! - There are never more than [`Bounds::connections_max`]: when there is no place, the connection
//!   that is idle and was opened first is closed; while none is idle, a new one waits, and others
//!   behind it in the queue of the operating system.
//! - A client that sends no whole head of a request in time is cut off, be it slow or silent.
//! - A client that takes nothing of one of its answers for [`Bounds::unread_timeout`] is cut off, whatever else
//!   it says by then.
//! - No address has more than its share of the connections, so that others find room; but a trusted proxy, which speaks
//!   for many.
//! - What no handler hears of is answered with a problem all the same.
//! - An answer that is being sent, a stream of events too, keeps its connection for as long as it
//!   lasts.

mod in_clear;
mod paced;
mod unheard;
mod worded;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::body::holding;
use crate::listen::Closing;
use crate::origin::{Encrypted, Peer, Proxies};
use crate::throttle::Throttle;
use crate::tls::{self, Tls};
use paced::{Owed, paced};
use worded::{Answering, Worded};

/// When no connection can be taken, the next try is then.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Requests at a time over one connection that takes several.
const STREAMS_MAX: u32 = 100;

/// What one port grants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// All ports of an engine together leave half of the files that it may have open to its work.
    pub(crate) connections_max: usize,
    /// How long the head of a request may take, counted from the end of the one before.
    pub(crate) head_timeout: Duration,
    /// How long a client may take nothing of what is there for it, or not confirm what was sent.
    pub(crate) unread_timeout: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: connections_max(open_files_max()),
            head_timeout: Duration::from_secs(10),
            unread_timeout: Duration::from_secs(60),
        }
    }
}

/// A server that shows what runs to a thousand people has room for as many again that ask; with 16 KiB or so for each
/// they take 40 MiB. With 1,024 open files, where nobody may have more, there is room for the fewest.
fn connections_max(open_files_max: u64) -> usize {
    const PARTS: u64 = 6;
    usize::try_from(open_files_max / PARTS).unwrap_or(usize::MAX).clamp(240, 2_400)
}

/// What one address may have: an eighth is left for others. Where there is hardly room for several, all of it.
fn share(connections_max: usize) -> usize {
    connections_max - connections_max / 8
}

/// A household or a machine has 64 bits of addresses of its own.
fn whose(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(it) => {
            let [a, b, c, d, ..] = it.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        of_ipv4 => of_ipv4,
    }
}

fn open_files_max() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Takes as many open files as this process may have: mostly it begins with a small part of that. Returns how many
/// these are.
pub fn open_more_files() -> u64 {
    const ENOUGH: u64 = 65_536;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if current.is_some_and(|it| it < wanted) {
        // Without more, there is room for fewer connections.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
    open_files_max()
}

/// Serves until `closing`, and then until all connections have ended.
pub(crate) async fn serve(
    (listener, tls, proxies): (TcpListener, Option<Tls>, Proxies),
    router: Router,
    bounds: Bounds,
    closing: Closing,
) {
    let open = Arc::new(Open::new(bounds, proxies));
    let mut tasks = JoinSet::new();
    let mut closed = pin!(closing.clone().closed());
    loop {
        tokio::select! {
            () = &mut closed => break,
            (stream, peer, place) = next(&listener, &open) => {
                let (router, closing) = (router.clone(), closing.clone());
                let talk = Talk { peer, place, router, bounds, closing };
                tasks.spawn(connection(stream, tls.clone(), talk));
            }
        }
        while tasks.try_join_next().is_some() {}
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

async fn next(listener: &TcpListener, open: &Arc<Open>) -> (TcpStream, SocketAddr, Place) {
    loop {
        match listener.accept().await {
            // It is closed at once: others wait behind it.
            Ok((_, peer)) if open.has_its_share(peer.ip()) => open.warn_share(peer.ip()),
            Ok((stream, peer)) => return (stream, peer, open.place(peer.ip()).await),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                open.not_accepted(&error);
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// The client went before it was its turn.
fn is_of_the_client(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What a connection needs of its port.
struct Talk {
    peer: SocketAddr,
    place: Place,
    router: Router,
    bounds: Bounds,
    closing: Closing,
}

async fn connection(stream: TcpStream, tls: Option<Tls>, talk: Talk) {
    // The kernel counts it, also while the client says that it has no room. Without it the
    // connection is as good, and ends later.
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(talk.bounds.unread_timeout));
    let Some(tls) = tls else { return talk.in_http1(stream, false).await };
    let in_clear = tokio::select! {
        in_clear = timeout(talk.bounds.head_timeout, in_clear::asks(&stream)) => in_clear,
        () = talk.closing.clone().closed() => return,
        () = talk.place.activity.leave.notified() => return,
    };
    match in_clear {
        Ok(Ok(false)) => {}
        // How a client breaks off is its own affair.
        Ok(Ok(true)) => {
            let _ = timeout(talk.bounds.head_timeout, in_clear::refuse(stream)).await;
            return;
        }
        Ok(Err(_)) | Err(_) => return,
    }
    let shaken = timeout(talk.bounds.head_timeout, tls.acceptor().accept(stream));
    let shaken = tokio::select! {
        shaken = shaken => shaken,
        () = talk.closing.clone().closed() => return,
        // Another connection needs the place.
        () = talk.place.activity.leave.notified() => return,
    };
    // Who speaks no TLS, or believes another authority, breaks off: that is its own affair.
    let Ok(Ok(stream)) = shaken else { return };
    match stream.get_ref().1.alpn_protocol() {
        Some(tls::HTTP2) => talk.in_http2(stream).await,
        _ => talk.in_http1(stream, true).await,
    }
}

impl Talk {
    async fn in_http1(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        is_encrypted: bool,
    ) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.bounds.head_timeout);
        let answering = Arc::new(Answering::default());
        let stream = Worded::new(stream, answering.clone(), self.place.activity.clone());
        let service = self.service(is_encrypted, None, move || answering.begins());
        let http = http.serve_connection(TokioIo::new(stream), service);
        // What a request turns it into goes on by itself.
        let http = http.with_upgrades();
        self.driven(pin!(http), |it| it.graceful_shutdown()).await;
    }

    async fn in_http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        // What answers a request ends with its connection, which this task has.
        let mut http = http2::Builder::new(TokioExecutor::new());
        // Who takes nothing answers no ping either.
        let silence = self.bounds.unread_timeout / 2;
        http.timer(TokioTimer::new())
            .keep_alive_interval(Some(silence))
            .keep_alive_timeout(silence)
            .max_header_list_size(unheard::HEAD_BYTES_READ)
            .max_concurrent_streams(STREAMS_MAX);
        let owed = Some(self.place.activity.owed.clone());
        let http = http.serve_connection(TokioIo::new(stream), self.service(true, owed, || {}));
        self.driven(pin!(http), |it| it.graceful_shutdown()).await;
    }

    /// `owed` keeps what answers wait for their client; over HTTP/1 the kernel knows.
    fn service(
        &self,
        is_encrypted: bool,
        owed: Option<Arc<Owed>>,
        begins: impl Fn() + Send + 'static,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Send
    + 'static {
        let router = TowerToHyperService::new(self.router.clone());
        let (activity, peer) = (self.place.activity.clone(), self.peer);
        service_fn(move |mut request: Request<Incoming>| {
            let busy = Busy::begin(&activity);
            begins();
            let refused = unheard::refused(&request);
            request.extensions_mut().insert(Peer(peer));
            if is_encrypted {
                request.extensions_mut().insert(Encrypted);
            }
            let (answer, owed) = (router.call(request), owed.clone());
            async move {
                let answer = match refused {
                    Some(problem) => unheard::answer(&problem),
                    None => answer.await?,
                };
                Ok::<_, Infallible>(answer.map(|body| match owed {
                    Some(owed) => holding(paced(body, owed), busy),
                    None => holding(body, busy),
                }))
            }
        })
    }

    /// Until the connection has ended, by itself or because it has to.
    async fn driven<C: Future>(&self, mut http: Pin<&mut C>, end: impl Fn(Pin<&mut C>)) {
        let (activity, mut closed) = (&self.place.activity, pin!(self.closing.clone().closed()));
        let mut is_closing = false;
        let unread_timeout = self.bounds.unread_timeout;
        loop {
            tokio::select! {
                // How a client breaks off is its own affair.
                _ = http.as_mut() => return,
                () = tokio::time::sleep(unread_timeout / 4) => {
                    if activity.owed.longest().is_some_and(|it| it >= unread_timeout) {
                        return;
                    }
                }
                () = &mut closed, if !is_closing => {
                    is_closing = true;
                    end(http.as_mut());
                }
                () = activity.leave.notified() => {
                    if activity.is_idle() {
                        return;
                    }
                    // A request came first: another one has to go.
                    activity.is_told.store(false, Ordering::Relaxed);
                    activity.idle.notify_one();
                }
            }
        }
    }
}

/// The connections of a port, by their order.
struct Open {
    places: Arc<Semaphore>,
    /// A connection became idle.
    idle: Arc<Notify>,
    all: Mutex<BTreeMap<u64, Arc<Activity>>>,
    opened: AtomicUsize,
    share: usize,
    /// Many come from there.
    proxies: Proxies,
    full: Throttle,
    failed: Throttle,
    greedy: Throttle,
}

/// Whether a connection can be spared.
struct Activity {
    from: IpAddr,
    requests: AtomicUsize,
    owed: Arc<Owed>,
    leave: Notify,
    is_told: AtomicBool,
    idle: Arc<Notify>,
}

impl Activity {
    fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }
}

impl Open {
    fn new(bounds: Bounds, proxies: Proxies) -> Self {
        Self {
            places: Arc::new(Semaphore::new(bounds.connections_max)),
            idle: Arc::default(),
            all: Mutex::default(),
            opened: AtomicUsize::new(0),
            share: share(bounds.connections_max),
            proxies,
            full: Throttle::default(),
            failed: Throttle::default(),
            greedy: Throttle::default(),
        }
    }

    async fn place(self: &Arc<Self>, from: IpAddr) -> Place {
        loop {
            if let Ok(permit) = self.places.clone().try_acquire_owned() {
                return self.enter(from, permit);
            }
            if !self.close_first_idle() {
                self.warn_full();
            }
            tokio::select! {
                permit = self.places.clone().acquire_owned() => {
                    return self.enter(from, permit.expect("the semaphore is never closed"));
                }
                () = self.idle.notified() => {}
            }
        }
    }

    fn enter(self: &Arc<Self>, from: IpAddr, permit: OwnedSemaphorePermit) -> Place {
        let activity = Arc::new(Activity {
            from: whose(from),
            owed: Arc::default(),
            requests: AtomicUsize::new(0),
            leave: Notify::new(),
            is_told: AtomicBool::new(false),
            idle: self.idle.clone(),
        });
        let number = self.opened.fetch_add(1, Ordering::Relaxed) as u64;
        self.all().insert(number, activity.clone());
        Place { number, activity, open: self.clone(), _permit: permit }
    }

    /// Whether there is one, or one is about to go.
    fn close_first_idle(&self) -> bool {
        let all = self.all();
        let Some(first) = all.values().find(|it| it.is_idle()) else { return false };
        if !first.is_told.swap(true, Ordering::Relaxed) {
            first.leave.notify_one();
        }
        true
    }

    /// Whether all connections that one address may have are busy, and the port is near its bound: as long as
    /// there is room, and while one of them can be spared, more of them hurt nobody.
    fn has_its_share(&self, from: IpAddr) -> bool {
        if self.proxies.has(from) {
            return false;
        }
        let (all, from) = (self.all(), whose(from));
        if all.len() < self.share {
            return false;
        }
        let own = || all.values().filter(|it| it.from == from);
        own().count() >= self.share && own().all(|it| !it.is_idle())
    }

    fn warn_share(&self, from: IpAddr) {
        if let Some(more) = self.greedy.pass() {
            let share = self.share;
            tracing::warn!(code = "WEIR-07128", %from, share, more, "an address has all connections that one may have");
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Activity>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Mostly the process has as many files open as it may: an idle connection is one of them.
    fn not_accepted(&self, error: &io::Error) {
        if let Some(more) = self.failed.pass() {
            tracing::error!(code = "WEIR-07115", %error, more, "a connection can't be taken");
        }
        self.close_first_idle();
    }

    fn warn_full(&self) {
        if let Some(more) = self.full.pass() {
            let open = self.all().len();
            tracing::warn!(
                code = "WEIR-07116",
                open,
                more,
                "all connections are busy, new ones wait"
            );
        }
    }
}

/// Room for one connection.
struct Place {
    number: u64,
    activity: Arc<Activity>,
    open: Arc<Open>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.all().remove(&self.number);
    }
}

/// One request, until its answer is sent.
struct Busy(Arc<Activity>);

impl Busy {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.requests.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.idle.notify_one();
    }
}

#[cfg(test)]
mod tests;
