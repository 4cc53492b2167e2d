//! Hands to the workflow what came over connections.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use weir_domain::Fault;
use weir_stream::{BuildContext, LiveRead, LiveReader, Splits};

use super::config::TcpConfig;
use super::connections::{self, Arrived, Connections};
use crate::messages::{Incoming, Intake};

/// The one split.
pub(super) const SPLIT: &str = "tcp";

/// Pieces that wait to be taken.
const WAITING_MAX: usize = 16;

pub(super) struct Reader {
    intake: Intake,
    cx: BuildContext,
    arrived: mpsc::Receiver<Arrived>,
    /// Frames that were taken.
    taken: u64,
    /// What went wrong behind what was taken.
    failed: Option<Fault>,
    /// What takes or makes connections: it ends with this.
    _connections: JoinSet<()>,
}

impl Reader {
    pub(super) fn open(
        config: &TcpConfig,
        cx: &BuildContext,
        intake: Intake,
        from: &Splits,
    ) -> Result<Self, Fault> {
        let (sender, arrived) = mpsc::channel(WAITING_MAX);
        let connections = Arc::new(Connections::new(config, cx.clock.clone(), sender));
        let (mut running, handle) = (JoinSet::new(), Handle::current());
        if let Some(bind) = config.listen {
            let listener = handle.block_on(TcpListener::bind(bind));
            let listener = listener.map_err(|it| connections::not_bound(bind, &it))?;
            running.spawn_on(connections.listen(listener), &handle);
        } else {
            let to = config.connect.clone().unwrap_or_default();
            let stream = handle.block_on(connections::connect(&to))?;
            running.spawn_on(connections.keep(to, stream), &handle);
        }
        Ok(Self {
            intake,
            cx: cx.clone(),
            arrived,
            taken: from.get(SPLIT).and_then(Value::as_u64).unwrap_or_default(),
            failed: None,
            _connections: running,
        })
    }

    /// What is there, waiting no longer than this for the first.
    fn next(&mut self, within: Duration) -> Arrived {
        if let Some(fault) = self.failed.take() {
            return Err(fault);
        }
        let first = async { tokio::time::timeout(within, self.arrived.recv()).await };
        let mut next = Handle::current().block_on(first).ok().flatten();
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(arrived) = next.take() {
            let arrived = match arrived {
                Ok(arrived) => arrived,
                Err(fault) if found.is_empty() => return Err(fault),
                Err(fault) => {
                    self.failed = Some(fault);
                    break;
                }
            };
            bytes += arrived.iter().map(Incoming::bytes).sum::<usize>();
            found.extend(arrived);
            if found.len() < self.cx.limits.batch_rows && bytes < self.cx.limits.batch_bytes {
                next = self.arrived.try_recv().ok();
            }
        }
        Ok(found)
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        let found = self.next(within)?;
        if found.is_empty() {
            return Ok(LiveRead::Nothing);
        }
        let first = self.taken + 1;
        self.taken += found.len() as u64;
        self.intake.read(&found, first).map(LiveRead::Records)
    }

    /// Nothing begins from here: it says only whether something was read.
    fn splits(&self) -> Splits {
        Splits::from([(SPLIT.to_owned(), json!(self.taken))])
    }
}
