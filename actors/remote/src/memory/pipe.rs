//! Connections of the network in memory: bytes that are late, stopped, or cut off.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use weir_runtime::{Stopwatch, Tasks};

use crate::memory::Network;
use crate::transport::Wire;

/// What the system of a host holds of a connection.
const BUFFER: usize = 256 << 10;
/// Reads that may be under way.
const UNDER_WAY: usize = 64;

/// A connection between two hosts. It is closed when either of them dies.
pub(crate) fn connection(
    network: &Network,
    tasks: &Tasks,
    ends: [(&str, CancellationToken); 2],
) -> [Wire; 2] {
    let [(one, one_alive), (other, other_alive)] = ends;
    let [(here, near), (there, far)] = [(); 2].map(|()| tokio::io::duplex(BUFFER));
    let (near_reader, near_writer) = tokio::io::split(near);
    let (far_reader, far_writer) = tokio::io::split(far);
    let closed = CancellationToken::new();
    let ways = [(near_reader, far_writer, one, other), (far_reader, near_writer, other, one)];
    for (reader, writer, from, to) in ways {
        let way = Way {
            network: network.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            closed: closed.clone(),
        };
        way.start(tasks, reader, writer);
    }
    let watch = closed.clone();
    tasks.spawn(format!("connection of {one} and {other}"), async move {
        tokio::select! {
            () = one_alive.cancelled() => watch.cancel(),
            () = other_alive.cancelled() => watch.cancel(),
            () = watch.cancelled() => {}
        }
    });
    [here, there].map(|stream| {
        let (reader, writer) = tokio::io::split(stream);
        Wire { reader: Box::new(reader), writer: Box::new(writer), certificate: None }
    })
}

/// One direction.
struct Way {
    network: Network,
    from: String,
    to: String,
    closed: CancellationToken,
}

impl Way {
    fn start(self, tasks: &Tasks, reader: ReadHalf<DuplexStream>, writer: WriteHalf<DuplexStream>) {
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let name = format!("bytes from {} to {}", self.from, self.to);
        let closed = self.closed.clone();
        let (network, from, to) = (self.network.clone(), self.from.clone(), self.to.clone());
        tasks.spawn(name.clone(), async move {
            let read = read(&network, &from, &to, reader, sender);
            closed.run_until_cancelled(read).await;
        });
        tasks.spawn(name, async move {
            let closed = self.closed.clone();
            closed.run_until_cancelled(self.write(receiver, writer)).await;
            // Once everything that was sent has come, or could not, the connection is over.
            closed.cancel();
        });
    }

    async fn write(
        self,
        mut receiver: mpsc::Receiver<(Stopwatch, Duration, Vec<u8>)>,
        mut writer: WriteHalf<DuplexStream>,
    ) {
        while let Some((since, latency, bytes)) = receiver.recv().await {
            tokio::time::sleep(latency.saturating_sub(since.elapsed())).await;
            self.network.passable(&self.from, &self.to).await;
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
        self.network.passable(&self.from, &self.to).await;
        let _ = writer.shutdown().await;
    }
}

async fn read(
    network: &Network,
    from: &str,
    to: &str,
    mut reader: ReadHalf<DuplexStream>,
    sender: mpsc::Sender<(Stopwatch, Duration, Vec<u8>)>,
) {
    let mut buffer = vec![0; 32 << 10];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        let bytes = (Stopwatch::start(), network.latency(from, to), buffer[..length].to_vec());
        if sender.send(bytes).await.is_err() {
            return;
        }
    }
}
