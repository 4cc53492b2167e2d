use std::future::Future;
use std::net::SocketAddr;

use axum::routing::get;
use futures::StreamExt as _;
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
    tasks.spawn(serve((listener, None), router, bounds, Closing::of(closing)));
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
