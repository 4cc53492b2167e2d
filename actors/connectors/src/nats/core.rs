//! Reads subjects of core NATS: what comes while we are there.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use async_nats::{Client, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;
use weir_domain::Fault;
use weir_runtime::Stopwatch;
use weir_stream::{BuildContext, LiveRead, LiveReader, Splits};

use super::client::{self, wait};
use super::codes;
use super::config::SourceConfig;
use super::jetstream::incoming;
use crate::chain;
use crate::messages::{Incoming, Intake};

/// The one split.
pub(super) const SPLIT: &str = "core";

/// How long the client tries to reconnect before people are told.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Reader {
    subscriber: Subscriber,
    client: Client,
    intake: Intake,
    cx: BuildContext,
    read: u64,
    /// Since when the server is away.
    away: Option<Stopwatch>,
}

impl Reader {
    pub(super) fn open(
        config: &SourceConfig,
        cx: &BuildContext,
        intake: Intake,
    ) -> Result<Self, Fault> {
        let subject = config.subject.clone().unwrap_or_default();
        let (client, subscriber) = wait(async {
            let client = client::connect(&config.connection, cx.stage.as_str()).await?;
            let subscriber = match &config.queue_group {
                Some(group) => client.queue_subscribe(subject, group.clone()).await,
                None => client.subscribe(subject).await,
            };
            let subscriber = subscriber.map_err(|it| Fault::config(codes::CONFIG, chain(&it)))?;
            // The server knows of it then.
            client.flush().await.map_err(|it| Fault::transient(codes::AWAY, chain(&it)))?;
            Ok::<_, Fault>((client, subscriber))
        })?;
        Ok(Self { subscriber, client, intake, cx: cx.clone(), read: 0, away: None })
    }

    /// The client connects by itself; after a while people should know that it does not succeed.
    fn check_connection(&mut self) -> Result<(), Fault> {
        if client::is_connected(&self.client) {
            self.away = None;
            return Ok(());
        }
        let away = self.away.get_or_insert_with(Stopwatch::start);
        match away.elapsed() < PATIENCE {
            true => Ok(()),
            false => Err(Fault::transient(codes::AWAY, "the connection to NATS was lost")
                .with_hint("does the server run? what is published meanwhile is not read")),
        }
    }

    async fn next(&mut self, within: Duration) -> Result<Vec<Incoming>, Fault> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut next = tokio::time::timeout(within, self.subscriber.next()).await.ok();
        while let Some(message) = next.take() {
            let Some(message) = message else {
                return Err(Fault::transient(codes::AWAY, "the subscription to NATS has ended"));
            };
            let message = Incoming { at: Some(self.cx.clock.now()), ..incoming(message) };
            bytes += message.bytes();
            found.push(message);
            if found.len() < self.cx.limits.batch_rows && bytes < self.cx.limits.batch_bytes {
                next = self.subscriber.next().now_or_never();
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
        let found = wait(self.next(within))?;
        if found.is_empty() {
            return self.check_connection().map(|()| LiveRead::Nothing);
        }
        let first = self.read + 1;
        self.read += found.len() as u64;
        self.intake.read(&found, first).map(LiveRead::Records)
    }

    /// Nothing begins from here: it says only whether something was read.
    fn splits(&self) -> Splits {
        Splits::from([(SPLIT.to_owned(), json!(self.read))])
    }
}
