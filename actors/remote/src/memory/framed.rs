//! Frames over a connection, each with its length before it: a carrier without ractor_cluster.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use weir_runtime::Tasks;

use crate::transport::{Broken, Carrier, Gone, Reader, Receiver, Wire, Writer};

pub(crate) struct Framed {
    /// The link sends one frame at a time.
    frames: mpsc::UnboundedSender<Vec<u8>>,
    closed: CancellationToken,
}

impl Framed {
    pub(crate) fn start(
        tasks: &Tasks,
        name: &str,
        wire: Wire,
        receiver: Arc<dyn Receiver>,
        frame_max: usize,
    ) -> Self {
        let (frames, queue) = mpsc::unbounded_channel();
        let closed = CancellationToken::new();
        let token = closed.clone();
        tasks.spawn(format!("frames of {name}"), async move {
            let Wire { reader, writer, .. } = wire;
            let why = tokio::select! {
                () = token.cancelled() => Broken::Lost("closed by this node".to_owned()),
                why = read(reader, &receiver, frame_max) => why,
                why = write(writer, queue, &receiver) => why,
            };
            receiver.broken(why);
        });
        Self { frames, closed }
    }
}

impl Carrier for Framed {
    fn send(&self, frame: Vec<u8>) -> Result<(), Gone> {
        self.frames.send(frame).map_err(|_| Gone)
    }

    fn close(&self) {
        self.closed.cancel();
    }
}

async fn read(mut reader: Reader, receiver: &Arc<dyn Receiver>, frame_max: usize) -> Broken {
    loop {
        let Ok(length) = reader.read_u32().await else { return Broken::Closed };
        receiver.heard();
        let length = length as usize;
        if length > frame_max {
            return Broken::Lost(format!(
                "a frame of {length} bytes, at most {frame_max} are taken"
            ));
        }
        let mut frame = vec![0; length];
        if reader.read_exact(&mut frame).await.is_err() {
            return Broken::Closed;
        }
        receiver.frame(Bytes::from(frame));
    }
}

async fn write(
    mut writer: Writer,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    receiver: &Arc<dyn Receiver>,
) -> Broken {
    while let Some(frame) = queue.recv().await {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let written = async {
            writer.write_all(&length.to_be_bytes()).await?;
            writer.write_all(&frame).await?;
            writer.flush().await
        };
        if written.await.is_err() {
            return Broken::Closed;
        }
        receiver.written();
    }
    Broken::Lost("the link is gone".to_owned())
}
