//! Bodies of answers that hold something until they are sent, or nobody wants them any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

struct Holding<H> {
    body: Body,
    _held: H,
}

/// The same body, with which `held` is dropped.
pub(crate) fn holding(body: impl Into<Body>, held: impl Send + Unpin + 'static) -> Body {
    Body::new(Holding { body: body.into(), _held: held })
}

impl<H: Unpin> HttpBody for Holding<H> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
