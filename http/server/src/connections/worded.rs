//! A connection over HTTP/1 whose answers have words: what hyper answers by itself to what it can't read is a status
//! alone, and no service hears of it. It is known by three things: it is a head that promises no body, it has no header
//! that an answer of a router has, and it is written while no answer of the service is on its way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::{Activity, unheard};

/// What a client still sends is read for so long, and so much of it: what was left unread would make the system forget
/// the answer.
const HEARD_FOR: Duration = Duration::from_secs(2);
const HEARD_BYTES_MAX: usize = 4 << 20;

/// Whether an answer of the service may still be on its way.
#[derive(Default)]
pub(super) struct Answering(AtomicBool);

impl Answering {
    pub(super) fn begins(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Worded<S> {
    stream: S,
    answering: Arc<Answering>,
    activity: Arc<Activity>,
    /// What is written in place of what hyper wrote.
    instead: Option<Instead>,
}

struct Instead {
    answer: Vec<u8>,
    written: usize,
    /// The other side is told that nothing more comes.
    is_shut: bool,
    heard: usize,
    until: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Worded<S> {
    pub(super) fn new(stream: S, answering: Arc<Answering>, activity: Arc<Activity>) -> Self {
        Self { stream, answering, activity, instead: None }
    }

    /// Whether it is hyper's own: then something else is written, and all of this counts as written.
    fn is_replaced(&mut self, bytes: &[u8]) -> bool {
        if self.answering.0.load(Ordering::Relaxed) || !bytes.starts_with(b"HTTP/1.1 4") {
            return false;
        }
        let Some(answer) = unheard::in_place_of(bytes) else { return false };
        let until = Box::pin(tokio::time::sleep(HEARD_FOR));
        self.instead = Some(Instead { answer, written: 0, is_shut: false, heard: 0, until });
        true
    }

    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(instead) = &mut self.instead else { return Poll::Ready(Ok(())) };
        while instead.written < instead.answer.len() {
            let rest = &instead.answer[instead.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => instead.written += written,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Until the other side has nothing more to say, or it is enough.
    fn poll_unread(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(instead) = &mut self.instead else { return Poll::Ready(()) };
        let mut place = [0; 8 << 10];
        while instead.heard < HEARD_BYTES_MAX && instead.until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut place);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => instead.heard += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Worded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_replaced(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [part] = parts
            && self.is_replaced(part)
        {
            return Poll::Ready(Ok(part.len()));
        }
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// It is called when all that there was is written: then no answer is on its way any more whose body has ended.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        if self.activity.is_idle() {
            self.answering.0.store(false, Ordering::Relaxed);
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        if self.instead.as_ref().is_none_or(|it| !it.is_shut) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        if let Some(instead) = &mut self.instead {
            instead.is_shut = true;
        }
        self.poll_unread(context).map(Ok)
    }
}
