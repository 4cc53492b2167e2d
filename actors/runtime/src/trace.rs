//! Which request of the outside world something is done for, across tasks and nodes.
//!
//! A trace goes where the work goes that awaits it: into the messages to other nodes, and into the
//! lines that are logged. An actor does the work of many, so that a mailbox ends it.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use tracing::Instrument as _;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: Trace;
}

/// A trace, and the place in it that something is done from: a W3C `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    parent: u64,
    flags: u8,
}

/// This is no `traceparent` of version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace is written as 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")]
pub struct NoTrace;

impl Trace {
    /// The trace that begins with a request of this id.
    pub fn begun_by(request: Uuid) -> Self {
        let (_, parent) = request.as_u64_pair();
        Self { id: request.as_u128(), parent, flags: 0 }
    }

    /// The trace's id, as it stands in logs.
    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// The trace of what awaits this, if it has one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|it| *it).ok()
    }

    /// Does something for this trace, in a span that names it.
    pub async fn within<T>(trace: Option<Self>, work: impl Future<Output = T>) -> T {
        match trace {
            Some(trace) => {
                let span = tracing::info_span!("trace", id = %trace.id());
                CURRENT.scope(trace, work.instrument(span)).await
            }
            None => work.await,
        }
    }
}

impl FromStr for Trace {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let mut parts = text.split('-');
        let mut next = |digits: usize| {
            let part = parts.next().filter(|it| it.len() == digits)?;
            let is_hex = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
            part.bytes().all(is_hex).then(|| u128::from_str_radix(part, 16).ok()).flatten()
        };
        let read = (next(2), next(32), next(16), next(2));
        let (Some(0), Some(id), Some(parent), Some(flags)) = read else { return Err(NoTrace) };
        let parent = u64::try_from(parent).map_err(|_| NoTrace)?;
        let flags = u8::try_from(flags).map_err(|_| NoTrace)?;
        match parts.next().is_none() && id != 0 && parent != 0 {
            true => Ok(Self { id, parent, flags }),
            false => Err(NoTrace),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.id, self.parent, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_reads_and_writes() {
        let trace: Trace = TEXT.parse().unwrap();
        assert_eq!(trace.to_string(), TEXT);
        assert_eq!(trace.id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn what_is_none_is_refused() {
        let zero_id = TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let zero_parent = TEXT.replace("00f067aa0ba902b7", &"0".repeat(16));
        let later = TEXT.replacen("00", "01", 1);
        let upper = TEXT.to_uppercase();
        let long = format!("{TEXT}-01");
        let signed = TEXT.replace("4bf9", "+bf9");
        for text in ["", "00", &TEXT[..54], &zero_id, &zero_parent, &later, &upper, &long, &signed]
        {
            assert_eq!(text.parse::<Trace>(), Err(NoTrace), "{text}");
        }
    }

    #[tokio::test]
    async fn work_is_done_for_the_trace_that_awaits_it() {
        let trace = Trace::begun_by(Uuid::from_u128(7 << 64 | 9));
        assert_eq!(Trace::current(), None);
        let seen = Trace::within(Some(trace), async { Trace::current() }).await;
        assert_eq!(seen, Some(trace));
        assert_eq!(Trace::within(None, async { Trace::current() }).await, None);
    }
}
