//! The two halves of a connection, with what ractor_cluster does not tell: that bytes came, that
//! what was written has left, how the connection ended; and a way to end it at once, whatever its
//! reader and writer wait for.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::{Broken, Reader, Receiver, Writer};

/// Shared by both halves.
#[derive(Default)]
pub(crate) struct Valve {
    is_shut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
    ended: Mutex<Option<Broken>>,
}

impl Valve {
    /// Both halves fail from now on.
    pub(crate) fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// How the connection ended, if its bytes said so. The first word counts.
    pub(crate) fn ended(&self) -> Option<Broken> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self, broken: Broken) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(broken);
    }

    fn failed(&self, error: &io::Error) {
        self.end(match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Broken::Closed,
            _ => Broken::Lost(error.to_string()),
        });
    }

    fn check(&self) -> io::Result<()> {
        if self.is_shut.load(Ordering::Acquire) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "closed by this node"));
        }
        Ok(())
    }
}

pub(crate) struct ValvedReader {
    pub inner: Reader,
    pub valve: Arc<Valve>,
    pub receiver: Arc<dyn Receiver>,
}

impl AsyncRead for ValvedReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.valve.reader.register(context.waker());
        self.valve.check()?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        match &polled {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => self.receiver.heard(),
            Poll::Ready(Ok(())) => self.valve.end(Broken::Closed),
            Poll::Ready(Err(error)) => self.valve.failed(error),
            Poll::Pending => {}
        }
        polled
    }
}

pub(crate) struct ValvedWriter {
    pub inner: Writer,
    pub valve: Arc<Valve>,
    pub receiver: Arc<dyn Receiver>,
}

impl AsyncWrite for ValvedWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.valve.writer.register(context.waker());
        self.valve.check()?;
        let polled = Pin::new(&mut self.inner).poll_write(context, buffer);
        if let Poll::Ready(Err(error)) = &polled {
            self.valve.failed(error);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.valve.writer.register(context.waker());
        self.valve.check()?;
        let polled = Pin::new(&mut self.inner).poll_flush(context);
        match &polled {
            Poll::Ready(Ok(())) => self.receiver.written(),
            Poll::Ready(Err(error)) => self.valve.failed(error),
            Poll::Pending => {}
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
