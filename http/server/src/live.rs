//! What changes, as server-sent events: one stream for all that a page shows.
//!
//! Each topic is what one path of the API shows. It is read as whoever follows would read it, through
//! the same routes and their guard, so that nothing is shown here that is not shown there.
//!
//! - L1: a topic begins with all of it, or says that it is as it was when the follower's last event
//!   was sent; after that come differences.
//! - L2: a topic is read at most once per second, and less often where reading takes long.
//! - L3: nothing is kept for a follower but digests of what it has: one that is slow gets fewer
//!   events, and one that takes nothing is cut off by its connection's bound.
//! - L4: the stream ends with the server, and with the session that was shown.

mod shown;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::future::join_all;
use futures::stream::{StreamExt as _, iter, unfold};
use futures::{FutureExt as _, Stream};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::Timestamp;
use weir_http_api::{LiveChange, LiveEvent, LiveQuery, LiveTopic, Problem};
use weir_runtime::Stopwatch;

use crate::Cluster;
use crate::error::Error;
use crate::extract::Fields;
use crate::guard::open;
use crate::listen::Closing;
use shown::Shown;

/// What a follower had, where its stream broke off.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const EVERY: Duration = Duration::from_secs(1);
/// After a reading nothing is read for so many times as long as it took, up to a bound.
const REST: u32 = 9;
const REST_MAX: Duration = Duration::from_secs(5);
/// A comment this often tells both sides, and what is between them, that the other one lives.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// What can't be read by then is refused, and tried again.
const READ_WITHIN: Duration = Duration::from_secs(5);
const TOPICS_MAX: usize = 48;
const FOLLOWERS_MAX: usize = 256;
/// A longer answer is refused.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The paths that topics stand for.
#[derive(Clone)]
pub(crate) struct Views {
    router: Router,
    cluster: Arc<dyn Cluster>,
    followers: Arc<Semaphore>,
}

impl Views {
    /// `router` has the paths of all topics below `/api/v1`.
    pub(crate) fn of(router: Router, cluster: Arc<dyn Cluster>) -> Self {
        Self { router, cluster, followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)) }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Views> {
    OpenApiRouter::default().routes(open(routes!(follow)))
}

/// Follows what changes. Each topic begins with all of it; each is shown to whoever may read its path.
/// A stream that broke off goes on from `last-event-id` without what its follower has.
#[utoipa::path(get, path = "/live", tag = "live", operation_id = "followLive",
    params(LiveQuery, ("last-event-id" = Option<String>, Header, description = "The id of the last event that was read")),
    responses(
        (status = 200, description = "Events, each named by its `type`", body = LiveEvent,
            content_type = "text/event-stream"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn follow(
    State(views): State<Views>,
    extensions: Extensions,
    headers: HeaderMap,
    Fields(query): Fields<LiveQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let topics = topics(&query.topics)?;
    let place = views.followers.clone().try_acquire_owned().map_err(|_| Error::Busy {
        detail: format!("{FOLLOWERS_MAX} already follow what changes on this engine"),
    })?;
    let closing = extensions.get::<Closing>().cloned();
    let closed = async move {
        match closing {
            Some(closing) => closing.closed().await,
            None => std::future::pending().await,
        }
    };
    let known = shown::known(headers.get(&LAST_EVENT_ID));
    let topics = topics.into_iter().map(|it| {
        let has = known.get(&it.to_string()).copied();
        (it.clone(), Shown::new(&it, has))
    });
    let following = Following {
        topics: topics.collect(),
        reading: Reading { views, extensions, headers },
        has_begun: false,
        took: Duration::ZERO,
        is_over: false,
        _place: place,
    };
    let events = unfold(following, next).flat_map(iter).take_until(closed.boxed());
    let answer = Sse::new(events.map(Ok));
    Ok(answer.keep_alive(KeepAlive::new().interval(HEARTBEAT_EVERY).text("alive")))
}

fn topics(given: &str) -> Result<BTreeSet<LiveTopic>, Error> {
    let invalid = |reason| Error::Invalid { pointer: "query/topics".into(), reason };
    let given = given.split(',').filter(|it| !it.is_empty());
    let topics: BTreeSet<_> = given.map(str::parse).collect::<Result<_, _>>().map_err(invalid)?;
    match topics.len() {
        0 => Err(invalid("nothing is named that could be followed".to_owned())),
        1..=TOPICS_MAX => Ok(topics),
        count => Err(invalid(format!("{count} topics are more than {TOPICS_MAX}"))),
    }
}

struct Following {
    topics: BTreeMap<LiveTopic, Shown>,
    reading: Reading,
    has_begun: bool,
    took: Duration,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

/// Who reads, and where.
struct Reading {
    views: Views,
    /// As the guard and the routes need them.
    extensions: Extensions,
    headers: HeaderMap,
}

/// One look at all topics: an event for each that changed.
async fn next(mut it: Following) -> Option<(VecDeque<Event>, Following)> {
    if it.is_over {
        return None;
    }
    if it.has_begun {
        tokio::time::sleep((it.took * REST).clamp(EVERY, REST_MAX)).await;
    }
    it.has_begun = true;
    let watch = Stopwatch::start();
    let read = join_all(it.topics.keys().map(|topic| it.reading.read(topic))).await;
    it.took = watch.elapsed();
    let at = it.reading.views.cluster.now();
    it.is_over = read.iter().any(|it| matches!(it, Err(problem) if problem.status == UNKNOWN));
    let changes: Vec<_> =
        it.topics.values_mut().zip(read).map(|(it, read)| it.next(read)).collect();
    let id = shown::id(&it.topics);
    let changed =
        it.topics.keys().zip(changes).filter_map(|(topic, change)| Some((topic, change?)));
    let changed: Vec<_> = changed.collect();
    let last = changed.len().saturating_sub(1);
    // Who is cut off in the middle has not seen all of it: only the last says how far that is.
    let events = changed.into_iter().enumerate().map(|(number, (topic, change))| {
        let event = event(topic, at, change);
        if number == last { event.id(&id) } else { event }
    });
    let events = events.collect();
    Some((events, it))
}

const UNKNOWN: u16 = StatusCode::UNAUTHORIZED.as_u16();

fn event(topic: &LiveTopic, at: Timestamp, change: LiveChange) -> Event {
    let event = LiveEvent { topic: topic.to_string(), at, change };
    let named = Event::default().event(event.change.name());
    named.json_data(&event).expect("an event is plain values, which are JSON")
}

impl Reading {
    async fn read(&self, topic: &LiveTopic) -> Result<Value, Box<Problem>> {
        let uri: Uri = format!("/api/v1{}", topic.path()).parse().expect("a topic's path is one");
        let path = uri.path().to_owned();
        let answer = tokio::time::timeout(READ_WITHIN, self.answer(uri)).await;
        let refused = |status| {
            let refusal = Error::Status { status, method: axum::http::Method::GET, path };
            Box::new(refusal.problem())
        };
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Unread::Problem(problem))) => Err(problem),
            Ok(Err(Unread::Status(status))) => Err(refused(status)),
            Err(_) => Err(refused(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }

    async fn answer(&self, uri: Uri) -> Result<Value, Unread> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        let answer = TowerToHyperService::new(self.views.router.clone()).call(request).await;
        let Ok(mut answer) = answer;
        if let Some(problem) = answer.extensions_mut().remove::<Problem>() {
            return Err(Unread::Problem(Box::new(problem)));
        }
        let status = answer.status();
        if !status.is_success() {
            return Err(Unread::Status(status));
        }
        let body = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await;
        let body = body.map_err(|_| Unread::Status(StatusCode::INSUFFICIENT_STORAGE))?;
        serde_json::from_slice(&body).map_err(|_| Unread::Status(StatusCode::BAD_GATEWAY))
    }
}

enum Unread {
    Problem(Box<Problem>),
    Status(StatusCode),
}
