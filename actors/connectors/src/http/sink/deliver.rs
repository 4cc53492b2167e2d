//! Sends what an outbox holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use weir_domain::Fault;
use weir_stream::Published;

use super::super::body::BodyConfig;
use super::super::client::{self, Connection, is_passing, retry_after};
use super::super::codes;
use super::config::{Method, OnRefused, SinkConfig};
use super::requests::{Batch, cut};
use crate::outbox::{Deliver, Delivery};

/// How often a request is sent before people are told why it does not go through. Then it is sent again,
/// as is every action that fails.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);
/// Longer than that nobody waits within one attempt at a delivery.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Warnings of one delivery; the rest is counted.
const WARNINGS_MAX: usize = 10;

/// Sends, and knows how far it came with what failed: those that were taken are not sent again while this
/// process lives.
#[derive(Default)]
pub(in super::super) struct Sender(Mutex<BTreeMap<String, Progress>>);

/// How far an outbox was sent.
#[derive(Default)]
struct Progress {
    /// Records that were taken, or refused for good.
    done: u64,
    refused: Refused,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Target {
    method: Method,
    body: BodyConfig,
    max_records: u32,
    pub(super) max_body: usize,
    media_type: String,
    idempotency_header: String,
    on_refused: OnRefused,
    timeout_ms: u64,
}

impl Target {
    pub(super) fn of(config: &SinkConfig) -> Self {
        Self {
            method: config.method,
            body: config.body,
            max_records: config.max_records.get(),
            max_body: config.max_body.as_usize(),
            media_type: config.body.media_type(&config.format).to_owned(),
            idempotency_header: config.idempotency_header.clone(),
            on_refused: config.on_refused,
            timeout_ms: config.timeout.0,
        }
    }

    pub(super) fn records_max(&self) -> usize {
        match self.body {
            BodyConfig::Record => 1,
            BodyConfig::Lines | BodyConfig::Array => self.max_records as usize,
        }
    }
}

impl Deliver for Sender {
    const NAME: &'static str = super::super::NAME;
    type Connection = Connection;
    type Target = Target;
    type Config = SinkConfig;

    /// How records are cut into requests stays: each has a key.
    fn renewed(stored: Target, config: SinkConfig) -> Target {
        Target {
            body: stored.body,
            max_records: stored.max_records,
            max_body: stored.max_body,
            media_type: stored.media_type.clone(),
            ..Target::of(&config)
        }
    }

    fn deliver(
        &self,
        connection: Connection,
        delivery: &Delivery<'_, Target>,
    ) -> Result<Vec<Published>, Fault> {
        let id = delivery.outbox.id();
        let mut progress = self.lock().remove(id).unwrap_or_default();
        let sent = send_all(&connection, delivery, &mut progress);
        match sent {
            Ok(()) => Ok(progress.refused.warnings()),
            Err(fault) => {
                self.lock().insert(id.to_owned(), progress);
                Err(fault)
            }
        }
    }
}

/// Sends what was not sent yet.
fn send_all(
    connection: &Connection,
    delivery: &Delivery<'_, Target>,
    progress: &mut Progress,
) -> Result<(), Fault> {
    let (target, id) = (&delivery.target, delivery.outbox.id());
    let client = connection.client(Duration::from_millis(target.timeout_ms))?;
    let mut first = 0;
    for part in delivery.parts() {
        let Some(entries) = part? else { break };
        for batch in cut(target, &entries, first)? {
            if batch.number < progress.done {
                continue;
            }
            let (number, records) = (batch.number, batch.bodies.len());
            let request = Request { connection, client: &client, target, id };
            match Handle::current().block_on(request.send(batch)) {
                Ok(()) => {}
                Err(fault) if is_about_records(&fault, target) => {
                    progress.refused.add(number, records, &fault);
                }
                Err(fault) => return Err(fault),
            }
            progress.done = number + records as u64;
        }
        first += entries.len() as u64;
    }
    Ok(())
}

impl Sender {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Progress>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether records are to be left out because of it.
fn is_about_records(fault: &Fault, target: &Target) -> bool {
    target.on_refused == OnRefused::Drop && fault.code.0 == codes::DROPPED
}

/// Whether an answer is about what was sent. Any other may be about where and how: who would drop records
/// for a mistyped address?
fn is_of_records(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// Records that were left out.
#[derive(Default)]
struct Refused {
    warnings: Vec<Published>,
    more: usize,
}

impl Refused {
    fn add(&mut self, number: u64, records: usize, fault: &Fault) {
        if self.warnings.len() >= WARNINGS_MAX {
            self.more += records;
            return;
        }
        let last = number + records as u64;
        let text = format!("records {} to {last} were left out: {fault}", number + 1);
        self.warnings.push(Published::nothing_but(text));
    }

    fn warnings(mut self) -> Vec<Published> {
        if self.more > 0 {
            let text = format!("{} more records were left out", self.more);
            self.warnings.push(Published::nothing_but(text));
        }
        self.warnings
    }
}

struct Request<'a> {
    connection: &'a Connection,
    client: &'a Client,
    target: &'a Target,
    id: &'a str,
}

impl Request<'_> {
    /// Sends until it is taken, refused, or tried often enough.
    async fn send(&self, batch: Batch) -> Result<(), Fault> {
        let key = format!("{}/{}", self.id, batch.number);
        let mut headers = HeaderMap::new();
        let beside = batch.headers.iter().map(|it| (&*it.0, String::from_utf8_lossy(&it.1)));
        let key = [(&*self.target.idempotency_header, key.into())];
        for (name, value) in beside.chain(key) {
            let header = client::header(name, &value);
            let (name, value) = header.map_err(|it| Fault::config(codes::CONFIG, it))?;
            headers.insert(name, value);
        }
        let (body, mut attempt) = (self.target.body.join(&batch.bodies), 1);
        loop {
            let (fault, pause) = match self.once(&headers, body.clone()).await? {
                None => return Ok(()),
                Some(again) => again,
            };
            if attempt >= ATTEMPTS {
                return Err(fault);
            }
            let pause = pause.unwrap_or_else(|| PAUSE.saturating_mul(1 << attempt));
            tokio::time::sleep(pause.min(PAUSE_MAX)).await;
            attempt += 1;
        }
    }

    /// Whether it was taken, or why it should be sent again and how long to wait before.
    async fn once(
        &self,
        headers: &HeaderMap,
        body: bytes::Bytes,
    ) -> Result<Option<(Fault, Option<Duration>)>, Fault> {
        let method = match self.target.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
        };
        let request = self.client.request(method, self.connection.url()?);
        let request =
            request.header(CONTENT_TYPE, &self.target.media_type).headers(headers.clone());
        let sent = self.connection.authorised(request)?.body(body).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return Ok(Some((self.connection.away(&error), None))),
        };
        let (status, pause) = (answer.status(), retry_after(&answer));
        if status.is_success() {
            return Ok(None);
        }
        let fault = self.connection.refusal(answer).await;
        if is_passing(status) {
            return Ok(Some((fault, pause)));
        }
        match is_of_records(status) {
            true => Err(Fault { code: weir_domain::Code(codes::DROPPED), ..fault }
                .with_hint("mend the records, or set `onRefused: drop`")),
            false => Err(fault),
        }
    }
}
