//! Asks when it is time, and reads the answer as a whole.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use reqwest::header::{ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use twox_hash::XxHash3_128;
use weir_domain::{Fault, FaultKind};
use weir_runtime::Stopwatch;
use weir_stream::{BuildContext, LiveRead, LiveReader, Splits};

use super::super::{client, codes, json};
use super::config::PollConfig;
use crate::messages::{Incoming, Intake, takes_header};

/// So many questions in a row may fail before the run ends.
const FAILED_MAX: u32 = 3;
/// The one split.
pub(super) const SPLIT: &str = "poll";

/// What is asked next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Position {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    /// How many records were read.
    records: u64,
    /// What the same question has been answered with already: a page that grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Page>,
}

/// The records that an answer began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    records: usize,
    /// Of their texts.
    hash: String,
}

impl Page {
    fn of(bodies: &[Bytes]) -> Self {
        let mut hasher = XxHash3_128::new();
        for body in bodies {
            hasher.write(&(body.len() as u64).to_le_bytes());
            hasher.write(body);
        }
        Self { records: bodies.len(), hash: format!("{:032x}", hasher.finish_128()) }
    }

    /// How many records of an answer are known: all of those before, if it begins with them.
    fn known(&self, bodies: &[Bytes]) -> usize {
        match bodies.get(..self.records) {
            Some(first) if Self::of(first) == *self => self.records,
            _ => 0,
        }
    }
}

/// How it is asked.
pub(super) struct Question {
    config: PollConfig,
    client: Client,
}

/// What was answered.
pub(super) struct Answered {
    messages: Vec<Incoming>,
    /// Behind this answer.
    position: Position,
    /// There is more to be had at once.
    is_more: bool,
}

impl Question {
    pub(super) fn new(config: &PollConfig) -> Result<Self, Fault> {
        let client = config.connection.client(Duration::from_millis(config.timeout.0))?;
        Ok(Self { config: config.clone(), client })
    }

    pub(super) async fn ask(&self, position: Position) -> Result<Answered, Fault> {
        let connection = &self.config.connection;
        let mut url = connection.url()?;
        let asked = position.cursor.as_ref();
        if let Some(cursor) = &self.config.cursor
            && let Some(value) = asked.or(cursor.first.as_ref())
        {
            url.query_pairs_mut().append_pair(&cursor.parameter, value);
        }
        let mut request = connection.authorised(self.client.get(url))?;
        if let Some(etag) = &position.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &position.last_modified {
            request = request.header(IF_MODIFIED_SINCE, last_modified);
        }
        let answer = request.send().await.map_err(|it| connection.away(&it))?;
        if answer.status() == StatusCode::NOT_MODIFIED || answer.status() == StatusCode::NO_CONTENT
        {
            return Ok(Answered { messages: Vec::new(), position, is_more: false });
        }
        if !answer.status().is_success() {
            return Err(connection.refusal(answer).await);
        }
        let headers = answer.headers().clone();
        let body = client::read(answer, self.config.max_body.as_usize()).await;
        let body = body.map_err(|it| connection.away(&it))?.ok_or_else(|| {
            let longest = self.config.max_body.0;
            let message = format!("{} answers more than {longest} bytes", connection.shown());
            Fault::config(codes::ANSWER, message).with_hint("raise `maxBody`, or ask for less")
        })?;
        self.read(&position, &headers, &body)
    }

    fn read(
        &self,
        before: &Position,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answered, Fault> {
        let shown = self.config.connection.shown();
        let unread = |cause: String| {
            Fault::transient(codes::ANSWER, format!("the answer of {shown} can't be read: {cause}"))
        };
        let records = match &self.config.records {
            None => Some(body.clone()),
            Some(pointer) => json::at(body, pointer).map_err(unread)?,
        };
        // Null is no record either.
        let records = records.filter(|it| it.trim_ascii() != b"null");
        let bodies = match records {
            Some(records) => self.config.body.split(records).map_err(unread)?,
            None => Vec::new(),
        };
        let wanted =
            headers.iter().filter(|it| takes_header(&self.config.attributes, it.0.as_str()));
        let wanted = wanted.map(|it| (it.0.to_string(), Bytes::copy_from_slice(it.1.as_bytes())));
        let beside: Arc<[_]> = wanted.collect();
        let known = before.page.as_ref().map_or(0, |it| it.known(&bodies));
        let page = self.config.cursor.as_ref().map(|_| Page::of(&bodies));
        let message = |body| Incoming { body, headers: beside.clone(), ..Incoming::default() };
        let messages: Vec<_> = bodies.into_iter().skip(known).map(message).collect();
        let text = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        let mut position = Position {
            etag: text(ETAG),
            last_modified: text(LAST_MODIFIED),
            records: before.records + messages.len() as u64,
            cursor: before.cursor.clone(),
            page,
        };
        if let Some(cursor) = &self.config.cursor
            && let Some(value) = json::at(body, &cursor.pointer).map_err(unread)?
            && let Some(value) = plain(&value)
        {
            position.cursor = Some(value);
        }
        let is_next = position.cursor != before.cursor;
        if is_next {
            // They are of another question.
            (position.etag, position.last_modified, position.page) = (None, None, None);
        }
        // A cursor that moves although there is nothing, as a time does, is asked for when it is time.
        let is_more = is_next && !messages.is_empty();
        Ok(Answered { messages, position, is_more })
    }
}

/// A text or number, as it stands in a query.
fn plain(value: &Bytes) -> Option<String> {
    match serde_json::from_slice(value).ok()? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) => {
            Some(String::from_utf8_lossy(value).trim().to_owned())
        }
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            None
        }
    }
}

pub(super) struct Reader {
    question: Arc<Question>,
    intake: Intake,
    cx: BuildContext,
    interval: Duration,
    position: Position,
    /// Since the last question was asked. `None`: the next is due.
    asked: Option<Stopwatch>,
    /// Questions in a row that were not answered.
    failed: u32,
    /// The question that waits for its answer, if any.
    under_way: JoinSet<Result<Answered, Fault>>,
}

impl Reader {
    pub(super) fn open(
        config: &PollConfig,
        cx: &BuildContext,
        intake: Intake,
        from: &Splits,
    ) -> Result<Self, Fault> {
        let position = match from.get(SPLIT) {
            None => Position::default(),
            Some(there) => Position::deserialize(there).map_err(|error| {
                let message = format!("it can't be asked on from {there}: {error}");
                Fault::config(codes::POSITION, message)
            })?,
        };
        Ok(Self {
            question: Arc::new(Question::new(config)?),
            intake,
            cx: cx.clone(),
            interval: Duration::from_millis(config.interval.0),
            position,
            asked: None,
            failed: 0,
            under_way: JoinSet::new(),
        })
    }

    /// The next answer, if it comes within this time.
    fn next(&mut self, within: Duration) -> Result<Option<Answered>, Fault> {
        let wait =
            self.asked.map_or(Duration::ZERO, |it| self.interval.saturating_sub(it.elapsed()));
        if self.under_way.is_empty() {
            if !wait.is_zero() {
                std::thread::sleep(wait.min(within));
                return Ok(None);
            }
            let (question, position) = (self.question.clone(), self.position.clone());
            self.asked = Some(Stopwatch::start());
            let ask = async move { question.ask(position).await };
            self.under_way.spawn_on(ask, &Handle::current());
        }
        let under_way = &mut self.under_way;
        let answer = async { tokio::time::timeout(within, under_way.join_next()).await };
        match Handle::current().block_on(answer) {
            Ok(Some(Ok(answered))) => self.answered(answered),
            Ok(Some(Err(_))) => Err(Fault::transient(codes::ANSWER, "the question was broken off")),
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

impl Reader {
    /// A question that fails in passing is asked again when it is time; more than a few end the run, and
    /// the workflow says why it stands.
    fn answered(&mut self, answered: Result<Answered, Fault>) -> Result<Option<Answered>, Fault> {
        match answered {
            Err(fault) if fault.kind == FaultKind::Transient && self.failed < FAILED_MAX => {
                self.failed += 1;
                let (stage, code) = (&self.cx.stage, fault.code);
                tracing::warn!(%code, %stage, "{fault}; it is asked again");
                Ok(None)
            }
            answered => {
                self.failed = 0;
                answered.map(Some)
            }
        }
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        let Some(answered) = self.next(within)? else { return Ok(LiveRead::Nothing) };
        let Answered { mut messages, position, is_more } = answered;
        if is_more {
            self.asked = None;
        }
        let first = self.position.records + 1;
        self.position = position;
        if messages.is_empty() {
            return Ok(LiveRead::Nothing);
        }
        let at = self.cx.clock.now();
        messages.iter_mut().for_each(|it| it.at = Some(at));
        self.intake.read(&messages, first).map(LiveRead::Records)
    }

    fn splits(&self) -> Splits {
        let position = serde_json::to_value(&self.position).expect("texts become JSON");
        Splits::from([(SPLIT.to_owned(), position)])
    }
}

/// The answer to the first question, and no other one.
pub(super) struct First {
    messages: Option<Vec<Incoming>>,
    intake: Intake,
}

impl First {
    pub(super) fn open(
        config: &PollConfig,
        cx: &BuildContext,
        intake: Intake,
    ) -> Result<Self, Fault> {
        let question = Question::new(config)?;
        let asked = Handle::current().block_on(question.ask(Position::default()));
        let mut messages = asked?.messages;
        let at = cx.clock.now();
        messages.iter_mut().for_each(|it| it.at = Some(at));
        Ok(Self { messages: Some(messages), intake })
    }
}

impl LiveReader for First {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self, _: Duration) -> Result<LiveRead, Fault> {
        match self.messages.take().filter(|it| !it.is_empty()) {
            Some(messages) => self.intake.read(&messages, 1).map(LiveRead::Records),
            None => Ok(LiveRead::End),
        }
    }

    fn splits(&self) -> Splits {
        Splits::new()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_stream::decode_config;

    use super::*;

    fn question() -> Question {
        let config = json!({
            "connection": { "url": "http://127.0.0.1:1/rates" }, "interval": "1m", "body": "array",
            "records": "/rates", "cursor": { "parameter": "since", "pointer": "/next" },
            "attributes": [{ "name": "limit", "from": "header", "header": "x-limit" }],
            "format": { "type": "json", "schema": [{ "name": "n", "type": "int64" }] },
        });
        Question::new(&decode_config(&config).unwrap()).unwrap()
    }

    /// What of these answers is read, whether the next question follows at once, and the position.
    fn read(before: &Position, answer: &str) -> (Vec<String>, bool, Position) {
        let mut headers = HeaderMap::new();
        headers.insert("x-limit", "7".parse().unwrap());
        headers.insert("x-other", "8".parse().unwrap());
        let answer = Bytes::from(answer.to_owned());
        let answered = question().read(before, &headers, &answer).unwrap();
        let kept = [("x-limit".to_owned(), Bytes::from("7"))];
        assert!(answered.messages.iter().all(|it| *it.headers == kept));
        let text = |it: &Incoming| String::from_utf8(it.body.to_vec()).unwrap();
        let texts = answered.messages.iter().map(text).collect();
        (texts, answered.is_more, answered.position)
    }

    #[test]
    fn a_page_that_grows_is_read_on() {
        let (first, is_more, at) = read(&Position::default(), r#"{"rates":[1,2],"next":"b"}"#);
        assert_eq!((first.as_slice(), is_more), (&["1".to_owned(), "2".to_owned()][..], true));
        // The last one has no next.
        let (last, is_more, at) = read(&at, r#"{"rates":[3],"next":null}"#);
        assert_eq!((last.as_slice(), is_more), (&["3".to_owned()][..], false));
        let (again, _, at) = read(&at, r#"{"rates":[3],"next":null}"#);
        assert_eq!(again, Vec::<String>::new());
        let (more, _, at) = read(&at, r#"{"rates":[3,4],"next":null}"#);
        assert_eq!(more, ["4"]);
        // It survives a checkpoint.
        let at: Position = serde_json::from_value(serde_json::to_value(at).unwrap()).unwrap();
        let (rest, is_more, at) = read(&at, r#"{"rates":[3,4,5],"next":"c"}"#);
        assert_eq!((rest.as_slice(), is_more, at.records), (&["5".to_owned()][..], true, 5));
        let (other, ..) = read(&at, r#"{"rates":[3,4,5],"next":null}"#);
        assert_eq!(other, ["3", "4", "5"], "of the next page nothing is known");
    }

    #[test]
    fn a_page_that_begins_with_others_is_read_as_a_whole() {
        let (_, _, at) = read(&Position::default(), r#"{"rates":[3,4]}"#);
        let (found, ..) = read(&at, r#"{"rates":[4,5,6]}"#);
        assert_eq!(found, ["4", "5", "6"]);
        let (found, ..) = read(&at, r#"{"rates":[3]}"#);
        assert_eq!(found, ["3"]);
    }

    #[test]
    fn a_cursor_that_moves_without_records_waits_for_its_time() {
        let (_, is_more, at) = read(&Position::default(), r#"{"rates":[],"next":"12:00"}"#);
        assert!(!is_more);
        assert_eq!(at.cursor.as_deref(), Some("12:00"));
    }
}
