use std::future::Future;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::routing::get;
use futures::StreamExt as _;
use h2::client::{self, SendRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);
const QUESTION: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server with one plain route, one whose answer begins and goes on for ever, and one whose answer
/// is larger than all buffers between the two sides.
async fn served(bounds: Bounds) -> (SocketAddr, watch::Sender<()>, impl Future<Output = ()>) {
    let endless = futures::stream::once(async { Ok::<_, Infallible>("begun\n") })
        .chain(futures::stream::pending());
    let endless = Arc::new(Mutex::new(Some(endless)));
    let router = Router::new().route("/", get(async || "answered")).route(
        "/endless",
        get(async move || Body::from_stream(endless.lock().unwrap().take().unwrap())),
    );
    let router = router.route("/large", get(async || vec![b'x'; 64 << 20]));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (open, closing) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(serve((listener, None, Proxies::nobody()), router, bounds, Closing::of(closing)));
    (address, open, async move { while tasks.join_next().await.is_some() {} })
}

async fn connected(address: SocketAddr, text: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text).await.unwrap();
    stream
}

async fn read_until(stream: &mut TcpStream, wanted: &str) {
    let mut read = Vec::new();
    let wait = async {
        while !String::from_utf8_lossy(&read).contains(wanted) {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it ended before {wanted:?}");
        }
    };
    timeout(LONG, wait).await.expect(wanted);
}

/// The other side has closed it, in good order or not.
async fn read_to_end(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("it is closed");
}

#[test]
fn a_port_has_room_for_a_part_of_the_files_that_may_be_open() {
    assert_eq!([256, 1_024, 6_000, 1 << 20].map(connections_max), [240, 240, 1_000, 2_400]);
}

#[tokio::test]
async fn half_a_request_and_silence_are_cut_off() {
    let head_timeout = Duration::from_millis(50);
    let (address, _open, _end) = served(Bounds { head_timeout, ..Bounds::default() }).await;
    for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
        read_to_end(&mut connected(address, begun).await).await;
    }
    let mut answered = connected(address, QUESTION).await;
    read_until(&mut answered, "answered").await;
    read_to_end(&mut answered).await;
}

#[tokio::test]
async fn an_answer_that_goes_on_outlives_every_bound() {
    let head_timeout = Duration::from_millis(50);
    let bounds = Bounds { head_timeout, connections_max: 2, ..Bounds::default() };
    let (address, _open, _end) = served(bounds).await;
    let mut follower = connected(address, b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    read_until(&mut follower, "begun").await;
    // Each of these needs the other place, and the last ones wait for the head's time to pass.
    for _ in 0..5 {
        read_until(&mut connected(address, QUESTION).await, "answered").await;
        read_to_end(&mut connected(address, b"GET / HT").await).await;
    }
    let mut byte = [0];
    let ended = timeout(Duration::from_millis(1), follower.read(&mut byte)).await;
    assert!(ended.is_err(), "the stream lives on: {ended:?}");
}

#[tokio::test]
async fn who_does_not_read_an_answer_is_cut_off_and_makes_room() {
    let unread_timeout = Duration::from_millis(300);
    let bounds = Bounds { unread_timeout, connections_max: 1, ..Bounds::default() };
    let (address, _open, _end) = served(bounds).await;
    let lazy = connected(address, b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    lazy.readable().await.unwrap();
    read_until(&mut connected(address, QUESTION).await, "answered").await;
}

/// One that speaks HTTP/2 with a client of that window, over a pipe.
async fn in_http2(bounds: Bounds, window: u32) -> (SendRequest<Bytes>, JoinSet<()>) {
    let (client, server) = tokio::io::duplex(1 << 20);
    let open = Arc::new(Open::new(bounds, Proxies::nobody()));
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let (place, closing) = (open.place(peer.ip()).await, watch::channel(()));
    let router = Router::new().route("/large", get(async || vec![b'x'; 1 << 20])).route(
        "/silent",
        get(async || Body::from_stream(futures::stream::pending::<io::Result<Bytes>>())),
    );
    let mut tasks = JoinSet::new();
    let talk = Talk { peer, place, router, bounds, closing: Closing::of(closing.1) };
    tasks.spawn(async move {
        talk.in_http2(server).await;
        drop(closing.0);
    });
    let shaken = client::Builder::new().initial_window_size(window).handshake(client).await;
    let (requests, connection) = shaken.unwrap();
    // It answers pings as long as it lives.
    tasks.spawn(async move { _ = connection.await });
    (requests.ready().await.unwrap(), tasks)
}

fn asked(requests: &mut SendRequest<Bytes>, path: &str) -> client::ResponseFuture {
    let request = Request::get(format!("https://x{path}")).body(()).unwrap();
    requests.send_request(request, true).unwrap().0
}

#[tokio::test]
async fn who_lets_nothing_be_sent_is_cut_off_though_it_answers_pings() {
    let bounds = Bounds { unread_timeout: Duration::from_millis(500), ..Bounds::default() };
    let (mut requests, mut tasks) = in_http2(bounds, 0).await;
    let answer = timeout(LONG, asked(&mut requests, "/large")).await.unwrap().unwrap();
    // The task of the server, and that of the client.
    for _ in 0..2 {
        timeout(LONG, tasks.join_next()).await.expect("it is cut off");
    }
    let mut body = answer.into_body();
    assert!(!matches!(body.data().await, Some(Ok(_))));
}

#[tokio::test]
async fn who_takes_its_answer_slowly_gets_all_of_it_and_silence_of_the_server_is_nobodys_fault() {
    let bounds = Bounds { unread_timeout: Duration::from_secs(2), ..Bounds::default() };
    let (mut requests, mut tasks) = in_http2(bounds, 16 << 10).await;
    // Longer than all of the other one takes.
    let silent = timeout(LONG, asked(&mut requests, "/silent")).await.unwrap().unwrap();
    let mut body =
        timeout(LONG, asked(&mut requests, "/large")).await.unwrap().unwrap().into_body();
    let mut read = 0;
    while let Some(data) = timeout(LONG, body.data()).await.unwrap() {
        let data = data.unwrap();
        read += data.len();
        // As often as the bound is long, in all.
        tokio::time::sleep(bounds.unread_timeout / 40).await;
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    assert_eq!(read, 1 << 20);
    drop(silent);
    assert!(tasks.try_join_next().is_none(), "both still speak");
}

#[tokio::test]
async fn an_address_leaves_room_for_others() {
    let bounds = Bounds { connections_max: 8, ..Bounds::default() };
    let open = Arc::new(Open::new(bounds, Proxies::nobody()));
    let (greedy, other): (IpAddr, IpAddr) =
        ("2001:db8::1".parse().unwrap(), "10.0.0.1".parse().unwrap());
    let mut places = Vec::new();
    for n in 0..7 {
        assert!(!open.has_its_share(greedy), "{n}");
        places.push(open.place(greedy).await);
    }
    assert!(!open.has_its_share(greedy), "they are idle, and one of them goes");
    let busy: Vec<_> = places.iter().map(|it| Busy::begin(&it.activity)).collect();
    assert!(open.has_its_share(greedy) && open.has_its_share("2001:db8::2".parse().unwrap()));
    assert!(!open.has_its_share(other));
    drop(busy);
    assert!(!open.has_its_share(greedy));
    assert_eq!([1, 4, 240, 2_400].map(share), [1, 4, 210, 2_100]);
    let proxies = Proxies::new(["10.0.0.0/8".parse().unwrap()]);
    let open = Arc::new(Open::new(bounds, proxies));
    let mut places = Vec::new();
    for _ in 0..8 {
        places.push(open.place(other).await);
    }
    let _busy: Vec<_> = places.iter().map(|it| Busy::begin(&it.activity)).collect();
    assert!(!open.has_its_share(other), "many come through a proxy that is named");
}

#[tokio::test]
async fn the_first_idle_connection_makes_room_for_a_new_one() {
    let head_timeout = LONG * 10;
    let bounds = Bounds { head_timeout, connections_max: 3, ..Bounds::default() };
    let (address, _open, _end) = served(bounds).await;
    let mut half = Vec::new();
    for _ in 0..50 {
        half.push(connected(address, b"GET / HTTP/1.1\r\nhos").await);
    }
    read_until(&mut connected(address, QUESTION).await, "answered").await;
    for stream in &mut half[..45] {
        read_to_end(stream).await;
    }
}

#[tokio::test]
async fn idle_connections_end_with_the_server() {
    let (address, open, end) = served(Bounds::default()).await;
    let mut idle = connected(address, QUESTION).await;
    read_until(&mut idle, "answered").await;
    drop(open);
    timeout(LONG, end).await.expect("the server ends");
    read_to_end(&mut idle).await;
}

/// All that is answered to these bytes, as status and body.
async fn answered(address: SocketAddr, request: &[u8]) -> (u16, serde_json::Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be cut off while it still speaks.
    let _ = stream.write_all(request).await;
    let mut read = Vec::new();
    timeout(LONG, stream.read_to_end(&mut read)).await.expect("it is closed").unwrap();
    let read = String::from_utf8(read).unwrap();
    let (head, body) = read.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{read:?}"));
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn what_no_handler_hears_of_is_answered_with_a_problem() {
    let (address, _open, _end) = served(Bounds::default()).await;
    let close = "connection: close\r\n\r\n";
    let many = "a: b\r\n".repeat(200);
    for (request, status, code) in [
        ("GARBAGE\r\n\r\n".to_owned(), 400, "WEIR-07001"),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), 400, "WEIR-07001"),
        ("\x16\x03\x01\x02\0\x01\0\x01".to_owned(), 400, "WEIR-07001"),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n".to_owned(), 400, "WEIR-07001"),
        (format!("GET / HTTP/1.1\r\n{close}"), 400, "WEIR-07001"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n{close}"), 400, "WEIR-07001"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nexpect: cake\r\n{close}"), 417, "WEIR-07034"),
        (format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000)), 414, "WEIR-07032"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"), 431, "WEIR-07033"),
        // Most of it is not read when it is answered.
        (format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(2 << 20)), 431, "WEIR-07033"),
    ] {
        let (answered, problem) = answered(address, request.as_bytes()).await;
        let begin = request.get(..40).unwrap_or(&request);
        assert_eq!((answered, &problem["code"]), (status, &code.into()), "{begin:?}: {problem}");
        assert!(problem["hint"].is_string() && problem["detail"].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn what_goes_wrong_behind_an_answer_has_a_body_too_and_an_answer_that_looks_so_stays() {
    let looks_so = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert!(unheard::in_place_of(looks_so.as_bytes()).is_some());
    let own = looks_so.replace("connection: close", "x-request-id: 1");
    assert!(unheard::in_place_of(own.as_bytes()).is_none());
    let (address, _open, _end) = served(Bounds::default()).await;
    let mut stream = connected(address, QUESTION).await;
    read_until(&mut stream, "answered").await;
    stream.write_all(b"GARBAGE\r\n\r\n").await.unwrap();
    read_until(&mut stream, "WEIR-07001").await;
    // A body is passed on as it is, also where it comes by itself and looks like an answer.
    let text = looks_so.to_owned();
    let pieces = futures::stream::iter([Ok::<_, Infallible>("begin ".to_owned()), Ok(text)]);
    let pieces = Arc::new(Mutex::new(Some(pieces.then(async |it| {
        tokio::task::yield_now().await;
        it
    }))));
    let body = async move || Body::from_stream(pieces.lock().unwrap().take().unwrap());
    let router = Router::new().route("/", get(body));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (open, closing) = watch::channel(());
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(
        (listener, None, Proxies::nobody()),
        router,
        Bounds::default(),
        Closing::of(closing),
    ));
    let mut stream = connected(address, b"GET / HTTP/1.0\r\n\r\n").await;
    read_until(&mut stream, &format!("begin {looks_so}")).await;
    drop(open);
}

#[tokio::test]
async fn headers_that_are_too_large_for_http2_are_refused_with_a_word() {
    let (mut requests, _tasks) = in_http2(Bounds::default(), 1 << 20).await;
    let request = Request::get("https://x/silent").header("cookie", "x".repeat(20 << 10));
    let sent = requests.send_request(request.body(()).unwrap(), true).unwrap().0;
    let answer = timeout(LONG, sent).await.unwrap().unwrap();
    assert_eq!(answer.status(), 431);
    let mut body = answer.into_body();
    let said = timeout(LONG, body.data()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&said).contains("WEIR-07033"));
}
