//! Connections, and the frames that come over them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use weir_domain::{Clock, Fault};

use super::codes;
use super::config::TcpConfig;
use super::frames::Frames;
use crate::messages::Incoming;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// When no connection can be taken or made, the next try is then.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// A peer that is silent for so long is asked whether it is there, three times in half a minute.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);
/// Bytes that are taken from a connection at a time.
const PIECE_BYTES: usize = 64 << 10;

/// What came over a connection at a time; or that none can be made.
pub(super) type Arrived = Result<Vec<Incoming>, Fault>;

pub(super) struct Connections {
    config: TcpConfig,
    clock: Arc<dyn Clock>,
    reader: mpsc::Sender<Arrived>,
}

impl Connections {
    pub(super) fn new(
        config: &TcpConfig,
        clock: Arc<dyn Clock>,
        reader: mpsc::Sender<Arrived>,
    ) -> Self {
        Self { config: config.clone(), clock, reader }
    }

    /// Takes connections until it is dropped.
    pub(super) async fn listen(self: Arc<Self>, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(self.config.max_connections.get() as usize));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(TRY_AGAIN).await;
                continue;
            };
            let this = self.clone();
            connections.spawn(async move {
                let _place = place;
                this.read(stream, peer.to_string()).await;
            });
        }
    }

    /// Keeps one connection, the first of which was made.
    pub(super) async fn keep(self: Arc<Self>, to: String, mut stream: TcpStream) {
        loop {
            self.read(stream, to.clone()).await;
            tokio::time::sleep(TRY_AGAIN).await;
            stream = match connect(&to).await {
                Ok(stream) => stream,
                Err(fault) => {
                    // Whoever reads has the workflow try again, and says why.
                    let _ = self.reader.send(Err(fault)).await;
                    return;
                }
            };
        }
    }

    /// Reads a connection to its end.
    async fn read(&self, mut stream: TcpStream, peer: String) {
        // Who is gone without a word would keep its place for ever.
        let is_asked = SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE);
        if let Err(error) = is_asked {
            tracing::warn!(code = "WEIR-04443", peer, %error, "its end may not be noticed");
        }
        let mut frames = Frames::new(self.config.framing, self.config.max_frame.as_usize());
        loop {
            frames.buffer().reserve(PIECE_BYTES);
            let read = stream.read_buf(frames.buffer()).await;
            let is_end = !matches!(read, Ok(1..));
            let mut found = Vec::new();
            let lost = self.take(&mut frames, &peer, is_end, &mut found).err();
            if !found.is_empty() && self.reader.send(Ok(found)).await.is_err() {
                return;
            }
            if let Some(cause) = lost {
                tracing::warn!(code = "WEIR-04443", peer, cause, "a connection is closed");
                return;
            }
            if is_end {
                return;
            }
        }
    }

    fn take(
        &self,
        frames: &mut Frames,
        peer: &str,
        is_end: bool,
        found: &mut Vec<Incoming>,
    ) -> Result<(), String> {
        let at = Some(self.clock.now());
        let message =
            |body| Incoming { body, address: Some(peer.into()), at, ..Incoming::default() };
        while let Some(frame) = frames.next()? {
            found.push(message(frame));
        }
        if is_end {
            found.extend(frames.end()?.map(message));
        }
        Ok(())
    }
}

pub(super) async fn connect(to: &str) -> Result<TcpStream, Fault> {
    let connected = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(to)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    connected.map_err(|error| {
        Fault::transient(codes::AWAY, format!("{to} can't be reached: {error}"))
            .with_hint("does anything listen there?")
    })
}

pub(super) fn not_bound(bind: SocketAddr, error: &io::Error) -> Fault {
    crate::not_bound(codes::BIND, "listen", bind, error)
}
