//! What one client may ask for: so many requests a second, with some in reserve, and so many streams of events at
//! a time.
//!
//! - Q1: A client is an address, or of IPv6 a network of 64 bits; what a trusted proxy passes on counts for whom it
//!   names, and what a trusted configuration server vouches for counts for that user. Who is on this machine itself
//!   is not counted, nor is whether it lives.
//! - Q2: Who asks for more is told so at once, and when to come again; nobody else waits for it.
//! - Q3: What is kept of clients is bounded, however many there are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;
use weir_domain::UserName;

use crate::Guard;
use crate::body::holding;
use crate::error::Error;
use crate::layers::Limits;
use crate::origin::Origin;

/// Of as many clients it is known what they asked for.
const CLIENTS_MAX: usize = 4_096;
/// So many seconds' requests may come at once.
const RESERVE: u64 = 10;
/// A request in parts that are counted.
const WHOLE: u64 = 1_000;
/// They ask nobody else; whether one is ready asks the store.
const PROBES: [&str; 2] = ["/livez", "/alive"];

/// Lets each client ask for no more than it may. To be put inside of what tells who is believed about clients.
pub(crate) fn around(router: Router, limits: Limits) -> Router {
    let quota = Arc::new(Quota::new(limits.requests_per_second, limits.streams_per_client));
    router.layer(from_fn(move |request, next| counted(quota.clone(), request, next)))
}

async fn counted(quota: Arc<Quota>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let client = counted_as(&parts);
    let request = Request::from_parts(parts, body);
    let Some(client) = client else { return next.run(request).await };
    if let Err(after) = quota.take_now(client.clone()) {
        let detail =
            format!("more than {} requests a second came from {client}", quota.requests_per_second);
        return Error::TooMany { detail, after }.into_response();
    }
    let response = next.run(request).await;
    match is_endless(&response) {
        true => quota.followed(client, response),
        false => response,
    }
}

/// `None`: it is not counted.
fn counted_as(parts: &Parts) -> Option<Client> {
    let origin = Origin::of(parts);
    if PROBES.contains(&parts.uri.path()) || origin.is_here() {
        return None;
    }
    let vouched = parts.extensions.get::<Guard>().and_then(|it| it.vouched_for(&parts.headers));
    vouched.map(Client::User).or_else(|| origin.client().map(network).map(Client::At))
}

fn is_endless(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// Who has one address of IPv6 mostly has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

struct Quota {
    requests_per_second: u32,
    streams_per_client: u32,
    clients: Mutex<BTreeMap<Client, Standing>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Client {
    At(IpAddr),
    User(UserName),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => write!(f, "the address {address}"),
            Self::User(user) => write!(f, "{user}"),
        }
    }
}

struct Standing {
    /// What may still be asked for, in parts of a request.
    left: u64,
    at: Instant,
    streams: u32,
}

impl Quota {
    fn new(requests_per_second: u32, streams_per_client: u32) -> Self {
        Self { requests_per_second, streams_per_client, clients: Mutex::default() }
    }

    /// What may be asked for at once.
    fn reserve(&self) -> u64 {
        u64::from(self.requests_per_second) * RESERVE * WHOLE
    }

    fn take_now(&self, client: Client) -> Result<(), Duration> {
        self.take(client, now())
    }

    /// One request; or when it is worth asking again.
    fn take(&self, client: Client, now: Instant) -> Result<(), Duration> {
        let (rate, full) = (u64::from(self.requests_per_second), self.reserve());
        if full == 0 {
            return Ok(());
        }
        let mut clients = self.clients();
        if clients.len() >= CLIENTS_MAX && !clients.contains_key(&client) {
            // Whoever asked last the longest ago, and follows nothing, loses least.
            let spared = clients.iter().filter(|it| it.1.streams == 0).min_by_key(|it| it.1.at);
            if let Some(spared) = spared.map(|it| it.0.clone()) {
                clients.remove(&spared);
            }
        }
        let known = clients.entry(client).or_insert(Standing { left: full, at: now, streams: 0 });
        let passed = u64::try_from(now.duration_since(known.at).as_millis()).unwrap_or(u64::MAX);
        known.left = known.left.saturating_add(passed.saturating_mul(rate)).min(full);
        known.at = now;
        match known.left.checked_sub(WHOLE) {
            Some(left) => {
                known.left = left;
                Ok(())
            }
            None => Err(Duration::from_millis((WHOLE - known.left).div_ceil(rate))),
        }
    }

    /// The answer, which counts until it ends.
    fn followed(self: Arc<Self>, client: Client, response: Response) -> Response {
        let is_one_more = {
            let mut clients = self.clients();
            // Not known where requests are not counted, or where others took its place meanwhile.
            let fresh = || Standing { left: self.reserve(), at: now(), streams: 0 };
            let known = clients.entry(client.clone()).or_insert_with(fresh);
            let is_one_more = known.streams < self.streams_per_client;
            known.streams += u32::from(is_one_more);
            is_one_more
        };
        if !is_one_more {
            let detail =
                format!("{client} has {} streams of events open already", self.streams_per_client);
            return Error::Busy { detail }.into_response();
        }
        let followed = Followed { quota: self, client };
        response.map(|body| holding(body, followed))
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<Client, Standing>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "counts requests by time, decides nothing else")]
fn now() -> Instant {
    Instant::now()
}

/// One stream of a client.
struct Followed {
    quota: Arc<Quota>,
    client: Client,
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(known) = self.quota.clients().get_mut(&self.client) {
            known.streams = known.streams.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const A: Client = Client::At(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const B: Client = Client::At(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any point in time to count from")]
    fn who_asks_for_more_is_told_when_to_come_again_and_nobody_else_is() {
        let (quota, start) = (Quota::new(2, 1), Instant::now());
        for _ in 0..20 {
            assert_eq!(quota.take(A, start), Ok(()));
        }
        assert_eq!(quota.take(A, start), Err(Duration::from_millis(500)));
        assert_eq!(quota.take(B, start), Ok(()));
        assert_eq!(
            quota.take(A, start + Duration::from_millis(499)),
            Err(Duration::from_millis(1))
        );
        assert_eq!(quota.take(A, start + Duration::from_millis(500)), Ok(()));
        assert!(quota.take(A, start + Duration::from_millis(500)).is_err());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any point in time to count from")]
    fn what_is_kept_of_clients_is_bounded() {
        let (quota, start) = (Quota::new(1, 1), Instant::now());
        for number in 0..2 * CLIENTS_MAX as u32 {
            let client = Client::At(IpAddr::V4(std::net::Ipv4Addr::from_bits(number)));
            assert_eq!(quota.take(client, start), Ok(()));
        }
        assert_eq!(quota.clients().len(), CLIENTS_MAX);
    }

    #[test]
    fn streams_are_bounded_where_requests_are_not() {
        let quota = Arc::new(Quota::new(0, 1));
        let open = quota.clone().followed(A, Response::new(Body::empty()));
        assert_eq!(open.status().as_u16(), 200);
        assert_eq!(quota.followed(A, Response::new(Body::empty())).status().as_u16(), 429);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any point in time to count from")]
    fn a_stream_counts_until_it_ends() {
        let (quota, start) = (Arc::new(Quota::new(9, 1)), Instant::now());
        quota.take(A, start).unwrap();
        let open = quota.clone().followed(A, Response::new(Body::empty()));
        assert_eq!(open.status().as_u16(), 200);
        let refused = quota.clone().followed(A, Response::new(Body::empty()));
        assert_eq!(refused.status().as_u16(), 429);
        drop(open);
        assert_eq!(quota.followed(A, Response::new(Body::empty())).status().as_u16(), 200);
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let of = |text: &str| Client::At(network(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), A);
    }
}
