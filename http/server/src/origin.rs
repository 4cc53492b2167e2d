//! Where a request comes from: this machine, or another one.
//!
//! A request that somebody passed on comes from wherever its headers say, which is another machine
//! as far as it is known: a proxy on this machine must not lend its place to everybody.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};

/// Who opened the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Where a request comes from, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    peer: Option<SocketAddr>,
    is_passed_on: bool,
    /// A page of another site let a browser send it.
    is_of_a_page: bool,
}

impl Origin {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self::new(parts.extensions.get::<Peer>().map(|it| it.0), &parts.headers)
    }

    fn new(peer: Option<SocketAddr>, headers: &HeaderMap) -> Self {
        let is_passed_on =
            [FORWARDED, FORWARDED_FOR, REAL_IP].iter().any(|it| headers.contains_key(it));
        let page = headers.get(ORIGIN).map(|it| it.to_str().unwrap_or_default());
        Self { peer, is_passed_on, is_of_a_page: page.is_some_and(|it| !is_loopback(it)) }
    }

    /// Whether somebody on this machine sent it.
    pub(crate) fn is_here(&self) -> bool {
        let peer = self.peer.is_some_and(|it| it.ip().to_canonical().is_loopback());
        peer && !self.is_passed_on && !self.is_of_a_page
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.peer
    }
}

/// The address that a request came from, without its port.
pub(crate) struct From(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = Origin::of(parts).address();
        Ok(Self(address.map_or_else(|| "unknown".to_owned(), |it| it.ip().to_string())))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => peer.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

fn is_loopback(origin: &str) -> bool {
    let uri = origin.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_here(peer: &str, header: Option<(HeaderName, &str)>) -> bool {
        let headers = header.map(|(name, value)| (name, value.parse().unwrap()));
        let headers: HeaderMap = headers.into_iter().collect();
        Origin::new(Some(peer.parse().unwrap()), &headers).is_here()
    }

    #[test]
    fn only_this_machine_itself_is_here() {
        for peer in ["127.0.0.1:9", "127.9.9.9:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            assert!(is_here(peer, None), "{peer}");
        }
        for peer in ["10.0.0.1:9", "[fe80::1]:9", "[::ffff:10.0.0.1]:9", "0.0.0.0:9"] {
            assert!(!is_here(peer, None), "{peer}");
        }
        assert!(!Origin::new(None, &HeaderMap::new()).is_here());
    }

    #[test]
    fn what_was_passed_on_or_comes_from_another_site_is_not_from_here() {
        let here = |name, value| is_here("127.0.0.1:9", Some((name, value)));
        assert!(!here(FORWARDED_FOR, "127.0.0.1") && !here(FORWARDED, "for=10.0.0.1"));
        assert!(!here(REAL_IP, "10.0.0.1"));
        assert!(here(ORIGIN, "http://127.0.0.1:5841") && here(ORIGIN, "http://[::1]:5841"));
        assert!(here(ORIGIN, "http://localhost:5841"));
        assert!(!here(ORIGIN, "https://example.org") && !here(ORIGIN, "null"));
    }
}
