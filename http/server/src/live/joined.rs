//! What changes at a configuration server and at a cluster, in one stream: a page has one.
//!
//! - J1: the id of an event says what its follower has of both sides, so that who comes back is sent by both what is
//!   other.
//! - J2: while no engine answers, or the one that is followed is silent, this server's own topics go on; the others are refused with the reason, and asked
//!   for again.
//! - J3: what either side ends is over as a whole: its follower comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes, to_bytes};
use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Extensions, Method, Uri};
use axum::response::Response;
use futures::future;
use futures::stream::{Stream, StreamExt as _, iter, once, select, unfold};
use tokio::time::timeout;
use weir_http_api::{LiveChange, LiveQuery, LiveTopic, Problem, ProblemKind};

use super::topic::Told;
use super::{
    ANSWER_BYTES_MAX, HEARTBEAT, HEARTBEAT_EVERY, LAST_EVENT_ID, Now, Sent, TOPICS_MAX, Views,
    answered, following, shown, too_many, written,
};
use crate::error::Error;
use crate::fleet::Fleet;
use crate::forward;
use crate::guard::Guard;
use crate::listen::Closing;
use crate::origin::{Encrypted, Peer};
use crate::version::ServerName;

/// An engine that did not answer is asked again after so long.
const AGAIN: Duration = Duration::from_secs(5);
/// An engine says so often that it lives that one which is silent for so long does not.
const SILENCE_MAX: Duration = HEARTBEAT_EVERY.saturating_mul(2);
/// What an engine says of itself that is longer is not read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
/// An event is not longer than the answer that it was made from, but for what is around that. It is held as a whole
/// until its end came, so that no other one stands within it.
const EVENT_BYTES_MAX: usize = ANSWER_BYTES_MAX + (64 << 10);

/// A configuration server's own topics, and the engines that have the others.
#[derive(Clone)]
pub(crate) struct Joined {
    views: Views,
    fleet: Fleet,
}

impl Joined {
    pub(crate) fn of(views: Views, fleet: Fleet) -> Self {
        Self { views, fleet }
    }
}

/// As an engine's, with the topics of this server beside those of the cluster that the path names.
pub(crate) async fn follow(
    State(Joined { views, fleet }): State<Joined>,
    parts: Parts,
) -> Result<Response, Error> {
    // What can't be read is refused by who knows more topics.
    let asked = Query::<LiveQuery>::try_from_uri(&parts.uri).map(|it| it.0.topics);
    let (own, others) = told_apart(asked.as_deref().unwrap_or_default());
    if own.is_empty() {
        return forward::follow_engine(State(fleet), parts).await;
    }
    let count = own.len() + others.len();
    if count > TOPICS_MAX {
        return Err(too_many(count));
    }
    forward::place(&fleet, &parts).await?;
    let (headers, extensions) = (parts.headers.clone(), of_whoever_asks(&parts.extensions));
    let now = views.now.clone();
    let own = following(views, extensions.clone(), headers, &own.join(","))?;
    if others.is_empty() {
        return Ok(answered(own.flat_map(|it| iter(it.written())), &extensions));
    }
    let engine = OfEngine::new(fleet, parts, others, now)?;
    Ok(answered(joined(own, unfold(engine, OfEngine::next)), &extensions))
}

/// What tells who asks, and of whom. What a path says of itself stays behind: topics have paths of their own.
fn of_whoever_asks(given: &Extensions) -> Extensions {
    fn add<T: Clone + Send + Sync + 'static>(given: &Extensions, to: &mut Extensions) {
        if let Some(it) = given.get::<T>() {
            to.insert(it.clone());
        }
    }
    let mut all = Extensions::new();
    add::<Guard>(given, &mut all);
    add::<Peer>(given, &mut all);
    add::<Encrypted>(given, &mut all);
    add::<Fleet>(given, &mut all);
    add::<Closing>(given, &mut all);
    add::<ServerName>(given, &mut all);
    all
}

/// This server's own topics, and all others, known here or not.
fn told_apart(topics: &str) -> (Vec<&str>, Vec<String>) {
    let is_own = |it: &&str| it.parse().is_ok_and(|it: LiveTopic| it.is_of_config_server());
    let named: BTreeSet<_> = topics.split(',').filter(|it| !it.is_empty()).collect();
    let (own, others): (Vec<_>, Vec<_>) = named.into_iter().partition(is_own);
    (own, others.into_iter().map(str::to_owned).collect())
}

/// What comes from an engine.
enum Heard {
    /// One event as it came, without its id.
    Event { text: Bytes, id: Option<String> },
    /// Nothing comes, and why.
    Refused(Vec<Told>),
}

enum Side {
    Own(Sent),
    Engine(Heard),
}

/// What its follower has of each side.
#[derive(Default)]
struct Ids {
    own: String,
    engine: String,
}

fn joined(
    own: impl Stream<Item = Sent> + Send + 'static,
    engine: impl Stream<Item = Heard> + Send + 'static,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let ended = || once(future::ready(None));
    let own = own.map(|it| Some(Side::Own(it))).chain(ended());
    let engine = engine.map(|it| Some(Side::Engine(it))).chain(ended());
    let both = select(own.boxed(), engine.boxed());
    both.take_while(|it| future::ready(it.is_some()))
        .filter_map(future::ready)
        .scan(Ids::default(), |ids, side| future::ready(Some(ids.pieces(side))))
        .flat_map(iter)
}

impl Ids {
    fn of_both(&self) -> String {
        format!("{}{}", self.engine, self.own)
    }

    fn pieces(&mut self, side: Side) -> Vec<Bytes> {
        match side {
            Side::Own(Sent::Alive) => vec![HEARTBEAT],
            Side::Own(Sent::Events(events, own)) => {
                self.own = own;
                written(events, &self.of_both())
            }
            Side::Engine(Heard::Refused(events)) => {
                self.engine.clear();
                written(events.into(), &self.of_both())
            }
            Side::Engine(Heard::Event { text, id: None }) => vec![text],
            Side::Engine(Heard::Event { text, id: Some(engine) }) => {
                self.engine = engine;
                vec![format!("id: {}\n", self.of_both()).into(), text]
            }
        }
    }
}

/// The topics of an engine, as this server follows them for somebody.
struct OfEngine {
    fleet: Fleet,
    /// What the engine is asked, without this server's topics.
    parts: Parts,
    topics: Vec<String>,
    now: Now,
    coming: Coming,
}

enum Coming {
    /// Nothing was asked yet.
    New,
    /// It refused, or could not be asked: what was told of that, by its digest.
    Refused(u64),
    Events {
        body: BodyDataStream,
        buffer: Buffer,
    },
}

impl OfEngine {
    fn new(fleet: Fleet, mut parts: Parts, topics: Vec<String>, now: Now) -> Result<Self, Error> {
        parts.uri = naming(&parts.uri, &topics).ok_or_else(|| Error::Invalid {
            pointer: "query/topics".into(),
            reason: "it is too long".into(),
        })?;
        Ok(Self { fleet, parts, topics, now, coming: Coming::New })
    }

    async fn next(mut self) -> Option<(Heard, Self)> {
        loop {
            match &mut self.coming {
                Coming::Events { body, buffer } => {
                    if let Some(event) = buffer.event() {
                        return Some((event, self));
                    }
                    let Ok(piece) = timeout(SILENCE_MAX, body.next()).await else {
                        return Some((self.silent(), self));
                    };
                    buffer.add(&piece?.ok()?)?;
                }
                Coming::New | Coming::Refused(_) => {
                    if let Some(heard) = self.ask().await {
                        return Some((heard, self));
                    }
                }
            }
        }
    }

    /// Asks an engine; what to tell if it refuses for another reason than before.
    async fn ask(&mut self) -> Option<Heard> {
        let told = match self.coming {
            Coming::Refused(told) => Some(told),
            Coming::New | Coming::Events { .. } => None,
        };
        if told.is_some() {
            tokio::time::sleep(AGAIN).await;
            // Its follower was told that there is nothing.
            self.parts.headers.remove(LAST_EVENT_ID);
        }
        let answer = forward::follow_engine(State(self.fleet.clone()), self.parts.clone()).await;
        let problem = match answer {
            Ok(answer) if answer.status().is_success() => {
                let body = answer.into_body().into_data_stream();
                self.coming = Coming::Events { body, buffer: Buffer::default() };
                return None;
            }
            Ok(refusal) => problem_of(refusal).await,
            Err(error) => error.problem(),
        };
        let digest = shown::of_problem(&problem);
        self.coming = Coming::Refused(digest);
        if told == Some(digest) {
            return None;
        }
        Some(self.refused(&problem))
    }

    /// It was heard before, and does not even say any more that it lives.
    fn silent(&mut self) -> Heard {
        let what = "the engine that was followed is silent";
        let problem = Problem::new(ProblemKind::EngineUnreachable, what);
        self.coming = Coming::Refused(shown::of_problem(&problem));
        self.refused(&problem)
    }

    fn refused(&self, problem: &Problem) -> Heard {
        let at = (self.now)();
        let refused = self.topics.iter().map(|topic| {
            Told::new(topic, at, LiveChange::Refused { problem: Box::new(problem.clone()) })
        });
        Heard::Refused(refused.collect())
    }
}

async fn problem_of(refusal: Response) -> Problem {
    let status = refusal.status();
    let read = match to_bytes(refusal.into_body(), REFUSAL_BYTES_MAX).await {
        Ok(bytes) => serde_json::from_slice(&bytes).ok(),
        Err(_) => None,
    };
    let path = "/api/v1/live".to_owned();
    read.unwrap_or_else(|| Error::Status { status, method: Method::GET, path }.problem())
}

/// The same path, with these topics.
fn naming(uri: &Uri, topics: &[String]) -> Option<Uri> {
    let mut path = format!("{}?topics=", uri.path());
    for (number, topic) in topics.iter().enumerate() {
        path += if number == 0 { "" } else { "," };
        for byte in topic.bytes() {
            match byte {
                b'-' | b'_' | b'.' | b':' => path.push(byte.into()),
                byte if byte.is_ascii_alphanumeric() => path.push(byte.into()),
                byte => path += &format!("%{byte:02X}"),
            }
        }
    }
    Some(Uri::from(PathAndQuery::try_from(path).ok()?))
}

/// What came of an engine's events, and is no whole event yet.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// There is no end of an event before that.
    seen: usize,
}

impl Buffer {
    /// `None`: nothing of ours is so long.
    fn add(&mut self, piece: &[u8]) -> Option<()> {
        self.bytes.extend_from_slice(piece);
        (self.bytes.len() <= EVENT_BYTES_MAX).then_some(())
    }

    /// The next one that is whole. Comments, which say that the engine lives, are left out: this server says so itself.
    fn event(&mut self) -> Option<Heard> {
        loop {
            let rest = &self.bytes[self.seen..];
            let Some(end) = rest.windows(2).position(|it| it == b"\n\n") else {
                self.seen = self.bytes.len().saturating_sub(1);
                return None;
            };
            let rest = self.bytes.split_off(self.seen + end + 2);
            let event = std::mem::replace(&mut self.bytes, rest);
            self.seen = 0;
            if !event.starts_with(b":") {
                return Some(heard(event));
            }
        }
    }
}

/// An event with its id apart. What comes behind `data` is not looked at.
fn heard(event: Vec<u8>) -> Heard {
    let mut at = 0;
    while let Some(length) = event[at..].iter().position(|it| *it == b'\n') {
        let line = &event[at..at + length];
        if line.starts_with(b"data:") {
            break;
        }
        if let Some(id) = line.strip_prefix(b"id: ") {
            let id = String::from_utf8_lossy(id).into_owned();
            let text = [&event[..at], &event[at + length + 1..]].concat();
            return Heard::Event { text: text.into(), id: Some(id) };
        }
        at += length + 1;
    }
    Heard::Event { text: event.into(), id: None }
}

#[cfg(test)]
mod tests {
    use weir_domain::Timestamp;

    use super::*;

    #[test]
    fn events_are_found_wherever_they_were_cut() {
        let all = b"event: whole\ndata: {\"a\":1}\n\n: alive\n\nevent: rows\nid: nodes=1f;\ndata: {}\n\nevent: s";
        for size in 1..all.len() {
            let (mut buffer, mut found) = (Buffer::default(), Vec::new());
            for piece in all.chunks(size) {
                buffer.add(piece).unwrap();
                while let Some(Heard::Event { text, id }) = buffer.event() {
                    found.push((String::from_utf8(text.to_vec()).unwrap(), id));
                }
            }
            let expected = [
                ("event: whole\ndata: {\"a\":1}\n\n".to_owned(), None),
                ("event: rows\ndata: {}\n\n".to_owned(), Some("nodes=1f;".to_owned())),
            ];
            assert_eq!(found, expected, "in pieces of {size}");
            assert_eq!(buffer.bytes, b"event: s");
        }
    }

    #[test]
    fn topics_go_where_they_are_known() {
        let id = "operation:0197a8b0-5b5e-7c3e-9d4f-0123456789ab";
        let asked = format!("nodes,clusters,{id},operation:x,,nodse");
        let (own, others) = told_apart(&asked);
        assert_eq!(own, ["clusters", id]);
        assert_eq!(others, ["nodes", "nodse", "operation:x"]);
        assert_eq!(told_apart("a,b,a,clusters,b,clusters").1, ["a", "b"]);
        let uri = Uri::from_static("/api/v1/clusters/east/live?topics=clusters");
        let topics = ["workflow:a&b".to_owned(), "nodes".to_owned()];
        let named = naming(&uri, &topics).unwrap().to_string();
        assert_eq!(named, "/api/v1/clusters/east/live?topics=workflow:a%26b,nodes");
    }

    #[test]
    fn an_id_says_what_was_had_of_both_sides() {
        let text = |pieces: Vec<Bytes>| String::from_utf8(pieces.concat()).unwrap();
        let mut ids = Ids::default();
        let event = |id: &str| Heard::Event {
            text: "event: same\ndata: {}\n\n".into(),
            id: (!id.is_empty()).then(|| id.to_owned()),
        };
        let told = || Told::new("clusters", Timestamp(0), LiveChange::Same);
        let own = |id: &str| Side::Own(Sent::Events([told()].into(), id.to_owned()));
        assert!(text(ids.pieces(own("clusters=1;"))).contains("id: clusters=1;\n"));
        // The first of some events of an engine: who is cut off here has not seen all of them.
        assert_eq!(text(ids.pieces(Side::Engine(event("")))), "event: same\ndata: {}\n\n");
        let last = text(ids.pieces(Side::Engine(event("nodes=2;"))));
        assert_eq!(last, "id: nodes=2;clusters=1;\nevent: same\ndata: {}\n\n");
        assert!(text(ids.pieces(own("clusters=3;"))).contains("id: nodes=2;clusters=3;\n"));
        ids.pieces(Side::Engine(Heard::Refused(vec![])));
        assert_eq!(ids.of_both(), "clusters=3;");
    }
}
