//! What happens to the cluster, as server-sent events.
//!
//! The first event shows the whole state; so does one after events that a slow follower missed.
//! It ends when the server closes, and when who follows would not be let in any more.
//! Nothing is lost between state and events: they are followed before the state is read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::Extensions;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{BoxStream, StreamExt as _, once, unfold};
use futures::{FutureExt as _, Stream};
use weir_domain::Fault;
use weir_http_api::{ClusterChange, ClusterEvent, ClusterState, Problem};

use crate::error::Error;
use crate::guard::Watch;
use crate::listen::Closing;
use crate::{Cluster, ClusterNews};

/// A comment this often tells both sides, and what is between them, that the other one lives.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);

/// What happens, as it happens. The first event, `state`, shows everything as it is.
#[utoipa::path(get, path = "/domain-events", tag = "cluster", operation_id = "followCluster",
    responses(
        (status = 200, description = "Events, each named by its `type`", body = ClusterEvent,
            content_type = "text/event-stream"),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn follow(
    State(cluster): State<Arc<dyn Cluster>>,
    extensions: Extensions,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let news = cluster.events();
    let first = state(&*cluster).await?;
    let following = unfold(Following { cluster, news }, next);
    let closing = extensions.get::<Closing>().cloned();
    let watch = extensions.get::<Watch>().cloned();
    let barred = async move {
        match watch {
            Some(watch) => watch.ended().await,
            None => std::future::pending().await,
        }
    };
    let closed = async move {
        match closing {
            Some(closing) => closing.closed().await,
            None => std::future::pending().await,
        }
    };
    let events = once(async move { first }).chain(following).take_until(closed.boxed());
    let events = events.take_until(barred.boxed());
    let answer = Sse::new(events.map(|it| Ok(written(&it))));
    Ok(answer.keep_alive(KeepAlive::new().interval(HEARTBEAT_EVERY).text("alive")))
}

struct Following {
    cluster: Arc<dyn Cluster>,
    news: BoxStream<'static, ClusterNews>,
}

/// A state that can't be read ends the stream: whoever follows begins again.
async fn next(mut following: Following) -> Option<(ClusterEvent, Following)> {
    let event = match following.news.next().await? {
        ClusterNews::Event(event) => *event,
        ClusterNews::Missed => state(&*following.cluster).await.ok()?,
    };
    Some((event, following))
}

async fn state(cluster: &dyn Cluster) -> Result<ClusterEvent, Fault> {
    let state = ClusterState { members: cluster.members().await?, leases: cluster.leases().await? };
    Ok(ClusterEvent { at: cluster.now(), what: ClusterChange::State { state } })
}

fn written(event: &ClusterEvent) -> Event {
    let named = Event::default().event(event.what.name());
    named.json_data(event).expect("an event is plain values, which are JSON")
}
