//! What changes, as server-sent events: one stream for all that a page shows.
//!
//! Each topic is what one path of the API shows. It is read once for all who follow it, through the same routes, and
//! shown to those whom their guard would show the path, so that nothing is shown here that is not shown there.
//!
//! - L1: a topic begins with all of it, or says that it is as it was when the follower's last event
//!   was sent; after that come differences, or all of it again for who is too far behind.
//! - L2: a topic is read at most once per second, however many follow it, and less often where reading takes long.
//! - L3: nothing is kept for a follower but the number of the last change that it has; one that takes nothing is cut
//!   off by its connection's bound.
//! - L4: the stream ends with the server, and with the session that was shown. Who may see a topic no more is told
//!   so within [`BELIEVED`].
//! - L5: whoever decides by what a path is about whom it is shown is asked for each follower, and again every
//!   [`BELIEVED`]; it is read once for all of them as any other one.

pub(crate) mod joined;
mod shown;
mod topic;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Extensions, HeaderMap, HeaderName, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all, select_all};
use futures::stream::{Stream, StreamExt as _, iter, unfold};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_domain::Timestamp;
use weir_http_api::{LiveChange, LiveEvent, LiveQuery, LiveTopic, Problem};
use weir_runtime::Stopwatch;

use crate::error::Error;
use crate::extract::Fields;
use crate::guard::{BELIEVED, Own, Watch, Who, open};
use crate::listen::Closing;
use crate::problems;
use topic::{Has, Picture, Reading, Told, Topic, Topics};

/// What a follower had, where its stream broke off.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const EVERY: Duration = Duration::from_secs(1);
/// After a reading nothing is read for so many times as long as it took, up to a bound.
const REST: u32 = 9;
const REST_MAX: Duration = Duration::from_secs(5);
/// A comment this often tells both sides, and what is between them, that the other one lives.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
const HEARTBEAT: Bytes = Bytes::from_static(b": alive\n\n");
/// What can't be read by then is refused, and tried again.
const READ_WITHIN: Duration = Duration::from_secs(5);
const TOPICS_MAX: usize = 48;
/// Each has a connection and its buffers, 30 KiB or so: all of them 60 MiB, and of a page of a configuration server one
/// event of an engine while it comes.
const FOLLOWERS_MAX: usize = 2_048;
/// A longer answer is refused.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// What time it is.
pub(crate) type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The paths that topics stand for.
#[derive(Clone)]
pub(crate) struct Views {
    router: Router,
    now: Now,
    followers: Arc<Semaphore>,
    topics: Arc<Topics>,
}

impl Views {
    /// `router` has the paths of all topics below `/api/v1`.
    pub(crate) fn of(router: Router, now: Now) -> Self {
        let followers = Arc::new(Semaphore::new(FOLLOWERS_MAX));
        Self { router, now, followers, topics: Arc::default() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Views> {
    OpenApiRouter::default().routes(open(routes!(follow)))
}

/// Follows what changes. Each topic begins with all of it; each is shown to whoever may read its path. One that
/// there is not is refused by an event, and the others are followed.
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
) -> Result<Response, Error> {
    let sent = following(views, extensions.clone(), headers, &query.topics)?;
    Ok(answered(sent.flat_map(|it| iter(it.written())), &extensions))
}

/// The answer goes on until the server ends.
fn answered(
    pieces: impl Stream<Item = Bytes> + Send + 'static,
    extensions: &Extensions,
) -> Response {
    let closing = extensions.get::<Closing>().cloned();
    let closed = async move {
        match closing {
            Some(closing) => closing.closed().await,
            None => std::future::pending().await,
        }
    };
    let pieces = pieces.take_until(closed.boxed());
    let body = Body::from_stream(pieces.map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")], body).into_response()
}

/// What is sent to whoever asks for these topics.
fn following(
    views: Views,
    mut extensions: Extensions,
    headers: HeaderMap,
    topics: &str,
) -> Result<impl Stream<Item = Sent> + Send + use<>, Error> {
    let (topics, unknown) = named(topics)?;
    let place = views.followers.clone().try_acquire_owned().map_err(|_| Error::Busy {
        detail: format!("{FOLLOWERS_MAX} already follow what changes on this server"),
    })?;
    // Each path has its own.
    extensions.remove::<Watch>();
    let known = shown::known(headers.get(&LAST_EVENT_ID));
    let topics = topics.into_iter().map(|it| {
        let has = known.get(&it.to_string()).map_or(Has::Nothing, |it| Has::Said(*it));
        (it, Followed { shared: None, has, digest: None, standing: Standing::Unasked })
    });
    let at = (views.now)();
    let strangers = unknown.into_iter().map(|(topic, problem)| {
        Told::new(&topic, at, LiveChange::Refused { problem: Box::new(problem) })
    });
    let following = Following {
        topics: topics.collect(),
        strangers: strangers.collect(),
        asking: Asking { views, extensions, headers },
        checked: None,
        spoke: Stopwatch::start(),
        is_over: false,
        _place: place,
    };
    Ok(unfold(following, next))
}

fn too_many(count: usize) -> Error {
    let reason = format!("{count} topics are more than {TOPICS_MAX}");
    Error::Invalid { pointer: "query/topics".into(), reason }
}

/// What is named there that can't be followed, and why.
type Strangers = Vec<(String, Problem)>;

/// A program that knows more topics than this server is shown those that there are.
fn named(given: &str) -> Result<(BTreeSet<LiveTopic>, Strangers), Error> {
    let invalid = |reason| Error::Invalid { pointer: "query/topics".into(), reason };
    let given: BTreeSet<_> = given.split(',').filter(|it| !it.is_empty()).collect();
    match given.len() {
        0 => return Err(invalid("nothing is named that could be followed".to_owned())),
        1..=TOPICS_MAX => {}
        count => return Err(too_many(count)),
    }
    let (mut topics, mut strangers) = (BTreeSet::new(), Vec::new());
    for text in given {
        match text.parse() {
            Ok(topic) => _ = topics.insert(topic),
            Err(reason) => strangers.push((text, invalid(reason))),
        }
    }
    match (topics.is_empty(), strangers.pop()) {
        (true, Some((_, error))) => Err(error),
        (_, last) => {
            let named = strangers.into_iter().chain(last);
            let told =
                named.map(|(text, error)| (text.chars().take(200).collect(), error.problem()));
            Ok((topics, told.collect()))
        }
    }
}

struct Following {
    topics: BTreeMap<LiveTopic, Followed>,
    /// What it is told of what it named and there is not, once.
    strangers: Vec<Told>,
    asking: Asking,
    /// When it was looked at last who may see what.
    checked: Option<Stopwatch>,
    spoke: Stopwatch,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

/// A topic as one follower has it.
struct Followed {
    /// As long as it is let in: what nobody reads must not be kept.
    shared: Option<Arc<Topic>>,
    has: Has,
    /// Of what it has, to be said when it comes back.
    digest: Option<u64>,
    standing: Standing,
}

enum Standing {
    Unasked,
    LetIn(Box<Watch>),
    /// What it was told, by its digest.
    Refused(u64),
}

/// Who asks, and where.
struct Asking {
    views: Views,
    /// As the guard and the routes need them.
    extensions: Extensions,
    headers: HeaderMap,
}

/// What is sent at a time.
enum Sent {
    /// With what its follower has then.
    Events(VecDeque<Told>, String),
    /// Nothing has changed.
    Alive,
}

impl Sent {
    fn written(self) -> Vec<Bytes> {
        match self {
            Self::Events(events, id) => written(events, &id),
            Self::Alive => vec![HEARTBEAT],
        }
    }
}

/// What is sent next: at the beginning all topics, later those that changed.
async fn next(mut it: Following) -> Option<(Sent, Following)> {
    if it.is_over {
        return None;
    }
    loop {
        let is_first = it.checked.is_none();
        let mut events = VecDeque::new();
        if it.checked.as_ref().is_none_or(|it| it.elapsed() >= BELIEVED) {
            events.extend(it.admitted().await);
            it.checked = Some(Stopwatch::start());
        }
        if is_first {
            events.extend(std::mem::take(&mut it.strangers));
            let first = join_all(it.awaited()).await;
            events.extend(it.taken(first));
        } else if events.is_empty() {
            let patience =
                BELIEVED.saturating_sub(it.checked.as_ref().map_or(BELIEVED, Stopwatch::elapsed));
            if let Ok(changed) = timeout(patience, it.changed()).await {
                events.extend(it.taken(changed));
            }
        }
        if !events.is_empty() {
            it.spoke = Stopwatch::start();
            let id = it.id();
            return Some((Sent::Events(events, id), it));
        }
        if it.spoke.elapsed() >= HEARTBEAT_EVERY {
            it.spoke = Stopwatch::start();
            return Some((Sent::Alive, it));
        }
    }
}

type Awaited<'a> = BoxFuture<'a, (LiveTopic, Arc<Picture>)>;

impl Following {
    /// Looks who may see what, and says what is refused.
    async fn admitted(&mut self) -> Vec<Told> {
        let let_in = self.topics.values().find_map(|it| match &it.standing {
            Standing::LetIn(watch) => Some(watch),
            Standing::Unasked | Standing::Refused(_) => None,
        });
        // One asks for all topics: who that is, is asked once.
        let who = match let_in {
            Some(watch) => watch.who().await,
            None => Who::Nobody,
        };
        let is_unanswered = matches!(who, Who::Unanswered);
        let open = self.topics.iter().filter(|(topic, it)| match &it.standing {
            // What it is about may have come to be somebody else's.
            Standing::LetIn(_) if topic.is_told_by_content() => !is_unanswered,
            Standing::LetIn(watch) => !watch.holds_for(&who),
            Standing::Unasked | Standing::Refused(_) => true,
        });
        let asking = &self.asking;
        let asked = open.map(|(topic, _)| async { (topic.clone(), asking.admitted(topic).await) });
        let mut told = Vec::new();
        for (topic, answer) in join_all(asked).await {
            let followed = self.topics.get_mut(&topic).expect("it is followed");
            let problem = match answer {
                Ok(watch) => {
                    let topics = &self.asking.views.topics;
                    followed.shared.get_or_insert_with(|| topics.follow(&topic));
                    followed.standing = Standing::LetIn(Box::new(watch));
                    continue;
                }
                Err(problem) => problem,
            };
            self.is_over |= problem.status == StatusCode::UNAUTHORIZED.as_u16();
            let now = shown::of_problem(&problem);
            if !matches!(followed.standing, Standing::Refused(before) if before == now) {
                let at = (self.asking.views.now)();
                told.push(Told::new(&topic.to_string(), at, LiveChange::Refused { problem }));
            }
            // Who is let in again begins anew.
            (followed.has, followed.digest, followed.shared) = (Has::Nothing, None, None);
            followed.standing = Standing::Refused(now);
        }
        told
    }

    /// Pictures that the follower does not have, when they come.
    fn awaited(&self) -> impl Iterator<Item = Awaited<'_>> {
        self.topics.iter().filter_map(|(topic, followed)| {
            let read = self.asking.reader(topic);
            let picture = followed.shared.as_ref()?.newer(followed.has, read);
            Some(picture.map(|it| (topic.clone(), it)).boxed())
        })
    }

    /// The first picture that comes, and those that are there then.
    async fn changed(&self) -> Vec<(LiveTopic, Arc<Picture>)> {
        let awaited: Vec<_> = self.awaited().collect();
        if awaited.is_empty() {
            return std::future::pending().await;
        }
        let (first, _, rest) = select_all(awaited).await;
        let ready = rest.into_iter().filter_map(futures::FutureExt::now_or_never);
        let mut all: Vec<_> = std::iter::once(first).chain(ready).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Takes note of what the follower is told.
    fn taken(&mut self, pictures: Vec<(LiveTopic, Arc<Picture>)>) -> Vec<Told> {
        let mut all = Vec::new();
        for (topic, picture) in pictures {
            let followed = self.topics.get_mut(&topic).expect("it is followed");
            let (told, has) = picture.told(followed.has);
            (followed.has, followed.digest) = (has, picture.digest());
            all.extend(told);
        }
        all
    }

    /// What a follower has of all topics, to be said when it comes back: `topic=digest`, with semicolons.
    fn id(&self) -> String {
        let mut id = String::new();
        for (topic, followed) in &self.topics {
            if let Some(digest) = followed.digest {
                // Writing to a String can't fail.
                let _ = write!(id, "{topic}={digest:x};");
            }
        }
        id
    }
}

/// As it goes over the wire. Who is cut off in the middle has not seen all of it: only the last event says how far
/// that is.
fn written(events: VecDeque<Told>, id: &str) -> Vec<Bytes> {
    let last = events.len().saturating_sub(1);
    let events = events.into_iter().enumerate();
    let pieces = events.flat_map(|(number, Told { name, data })| {
        let id = if number == last { format!("id: {id}\n") } else { String::new() };
        // JSON as it is written here has no line ends.
        [format!("event: {name}\n{id}data: ").into(), data, Bytes::from_static(b"\n\n")]
    });
    pieces.collect()
}

impl Asking {
    /// Whether the topic's path would be shown to who asks.
    async fn admitted(&self, topic: &LiveTopic) -> Result<Watch, Box<Problem>> {
        let mut extensions = self.extensions.clone();
        extensions.insert(Own::Asks);
        let answer = sent(&self.views.router, topic, self.headers.clone(), extensions).await;
        let answer = answer.map_err(|it| it.problem(topic))?;
        let watch = answer.extensions().get::<Watch>().cloned();
        watch.ok_or_else(|| Unread::Status(StatusCode::NOT_FOUND).problem(topic))
    }

    /// Reads a topic in nobody's name.
    fn reader(&self, topic: &LiveTopic) -> impl Fn() -> Reading + Clone + Send + use<> {
        let (views, topic, mut extensions) =
            (self.views.clone(), topic.clone(), self.extensions.clone());
        extensions.insert(Own::Reads);
        move || {
            let (views, topic, extensions) = (views.clone(), topic.clone(), extensions.clone());
            let reading = async move {
                let read = read(&views.router, &topic, extensions);
                // It is everybody's: what ends it must not end them all.
                let read = AssertUnwindSafe(read).catch_unwind();
                let read = match timeout(READ_WITHIN, read).await {
                    Ok(Ok(read)) => read,
                    Ok(Err(panic)) => Err(Unread::of(&mut problems::after_panic(panic))),
                    Err(_) => Err(Unread::Status(StatusCode::SERVICE_UNAVAILABLE)),
                };
                (read.map_err(|it| it.problem(&topic)), (views.now)())
            };
            reading.boxed()
        }
    }
}

async fn sent(
    router: &Router,
    topic: &LiveTopic,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Unread> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri(topic);
    *request.headers_mut() = headers;
    *request.extensions_mut() = extensions;
    let Ok(mut answer) = TowerToHyperService::new(router.clone()).call(request).await;
    if answer.status().is_success() { Ok(answer) } else { Err(Unread::of(&mut answer)) }
}

async fn read(router: &Router, topic: &LiveTopic, extensions: Extensions) -> Result<Value, Unread> {
    let answer = sent(router, topic, HeaderMap::new(), extensions).await?;
    let body = to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await;
    let body = body.map_err(|_| Unread::Status(StatusCode::INSUFFICIENT_STORAGE))?;
    serde_json::from_slice(&body).map_err(|_| Unread::Status(StatusCode::BAD_GATEWAY))
}

fn uri(topic: &LiveTopic) -> Uri {
    format!("/api/v1{}", topic.path()).parse().expect("a topic's path is one")
}

enum Unread {
    Problem(Box<Problem>),
    Status(StatusCode),
}

impl Unread {
    fn of(answer: &mut Response) -> Self {
        match answer.extensions_mut().remove::<Problem>() {
            Some(problem) => Self::Problem(Box::new(problem)),
            None => Self::Status(answer.status()),
        }
    }

    fn problem(self, topic: &LiveTopic) -> Box<Problem> {
        match self {
            Self::Problem(problem) => problem,
            Self::Status(status) => {
                let path = uri(topic).path().to_owned();
                let refusal = Error::Status { status, method: axum::http::Method::GET, path };
                Box::new(refusal.problem())
            }
        }
    }
}
