//! Hands what was sent to the workflow, and says when it is committed.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use weir_domain::Fault;
use weir_stream::{BuildContext, LiveRead, LiveReader, Splits};

use super::super::codes;
use super::config::{Answer, ServerConfig};
use super::service::{Posted, Service};
use crate::messages::{Incoming, Intake};

/// The one split.
pub(super) const SPLIT: &str = "http";

pub(super) struct Reader {
    intake: Intake,
    cx: BuildContext,
    answer: Answer,
    posted: mpsc::Receiver<Posted>,
    /// Records that were taken.
    taken: u64,
    /// Who is answered once so many records are committed.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
    /// The server, which ends with this.
    _server: JoinSet<()>,
}

impl Reader {
    pub(super) fn open(
        config: &ServerConfig,
        cx: &BuildContext,
        intake: Intake,
        from: &Splits,
    ) -> Result<Self, Fault> {
        let listener = Handle::current().block_on(TcpListener::bind(config.bind));
        let listener = listener.map_err(|it| not_bound(config.bind, &it))?;
        let (sender, posted) = mpsc::channel(config.max_requests.get() as usize);
        let service = Arc::new(Service::new(config, cx.clock.clone(), sender));
        let mut server = JoinSet::new();
        server.spawn_on(service.serve(listener), &Handle::current());
        Ok(Self {
            intake,
            cx: cx.clone(),
            answer: config.answer,
            posted,
            taken: from.get(SPLIT).and_then(Value::as_u64).unwrap_or_default(),
            waiting: VecDeque::new(),
            _server: server,
        })
    }

    /// What is there, waiting no longer than this for the first.
    fn next(&mut self, within: Duration) -> Vec<Incoming> {
        let first = async { tokio::time::timeout(within, self.posted.recv()).await };
        let mut next = Handle::current().block_on(first).ok().flatten();
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(Posted { messages, done }) = next.take() {
            // Otherwise who sent it was told already that it came too late.
            if !done.is_closed() {
                bytes += messages.iter().map(Incoming::bytes).sum::<usize>();
                self.taken += messages.len() as u64;
                found.extend(messages);
                self.waiting.push_back((self.taken, done));
            }
            if found.len() < self.cx.limits.batch_rows && bytes < self.cx.limits.batch_bytes {
                next = self.posted.try_recv().ok();
            }
        }
        found
    }

    /// Answers those whose records are among the first so many.
    fn answer(&mut self, records: u64) {
        while let Some((_, done)) = self.waiting.pop_front_if(|it| it.0 <= records) {
            // Who has gone misses nothing that it could still hear.
            let _ = done.send(());
        }
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        if self.answer == Answer::Accepted {
            // What was handed over before has been taken by now.
            self.answer(self.taken);
        }
        let first = self.taken + 1;
        let found = self.next(within);
        if found.is_empty() {
            return Ok(LiveRead::Nothing);
        }
        self.intake.read(&found, first).map(LiveRead::Records)
    }

    /// Nothing begins from here: it says who can be answered.
    fn splits(&self) -> Splits {
        Splits::from([(SPLIT.to_owned(), json!(self.taken))])
    }

    fn acknowledge(&mut self, splits: &Splits) -> Result<(), Fault> {
        let committed = splits.get(SPLIT).and_then(Value::as_u64).unwrap_or_default();
        self.answer(committed);
        Ok(())
    }
}

pub(super) fn not_bound(bind: SocketAddr, error: &io::Error) -> Fault {
    crate::not_bound(codes::BIND, "bind", bind, error)
}
