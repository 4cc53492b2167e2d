//! Where a request comes from: this machine, or another one.
//!
//! A request that somebody passed on comes from wherever its headers say, which is another machine
//! as far as it is known: a proxy on this machine must not lend its place to everybody.
//!
//! Whom such headers name is believed from the proxies that the configuration names, and from nobody
//! else: or who guesses passwords would be somebody else each time.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{FORWARDED, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use ipnet::IpNet;

use crate::Guard;

/// Who opened the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Says that the request came over TLS, which this server ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Of those who passed a request on, so many are looked at: the last ones.
const HOPS_MAX: usize = 8;

/// Who is believed when they say for whom they pass a request on.
#[derive(Debug, Clone)]
pub(crate) struct Proxies(Arc<[IpNet]>);

impl Proxies {
    pub(crate) fn nobody() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().map(canonical).collect())
    }

    /// Whether it is the address of one of them.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|it| it.contains(&address))
    }

    /// The last one in the chain who is none of them: what stands before that is his word alone.
    fn client(&self, peer: IpAddr, chain: &[Hop]) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut said = chain.iter().rev();
        while self.has(client) {
            match said.next().and_then(|it| it.address) {
                Some(before) => client = before,
                None => break,
            }
        }
        client
    }
}

/// Addresses are compared in their shortest form: so are networks of IPv4 that IPv6 maps.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(MAPPED_BITS)) {
        (address @ IpAddr::V4(_), Some(bits)) => IpNet::new(address, bits).unwrap_or(network),
        _ => network,
    }
}

/// Whom somebody names who passed a request on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hop {
    /// `None`: what he says is no address, and nobody knows what stands before it.
    address: Option<IpAddr>,
    /// It as people may see it.
    shown: String,
}

impl Hop {
    fn of(said: &[u8]) -> Self {
        let text = String::from_utf8_lossy(said);
        Self { address: hop(text.trim()), shown: address_like(&text) }
    }
}

/// Where a request comes from, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    peer: Option<SocketAddr>,
    client: Option<IpAddr>,
    is_passed_on: bool,
    /// A page of another site let a browser send it.
    is_of_a_page: bool,
    /// Whom those name who passed it on, the last one at the end; anybody can say that.
    said: Vec<Hop>,
}

impl Origin {
    pub(crate) fn of(parts: &Parts) -> Self {
        let peer = parts.extensions.get::<Peer>().map(|it| it.0);
        // HTTP/2 says there what HTTP/1.1 says in a header.
        let host = parts.uri.authority().map(Authority::as_str);
        let origin = Self::new(peer, host, &parts.headers);
        match parts.extensions.get::<Guard>() {
            Some(guard) => origin.believing(guard.proxies()),
            None => origin,
        }
    }

    fn new(peer: Option<SocketAddr>, host: Option<&str>, headers: &HeaderMap) -> Self {
        let is_passed_on =
            [FORWARDED, FORWARDED_FOR, REAL_IP].iter().any(|it| headers.contains_key(it));
        let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
        let is_of_a_page = text(ORIGIN.as_str()).is_some_and(|it| !is_loopback(it))
            || text(FETCH_SITE.as_str()).is_some_and(|it| !matches!(it, "none" | "same-origin"))
            // A name that its owner has pointed at this machine makes a page of his look like ours.
            || host.or_else(|| text(HOST.as_str())).is_some_and(|it| !is_address_or_local(it));
        let client = peer.map(|it| it.ip().to_canonical());
        Self { peer, client, is_passed_on, is_of_a_page, said: chain(headers) }
    }

    fn believing(self, proxies: &Proxies) -> Self {
        let client = self.peer.map(|it| proxies.client(it.ip(), &self.said));
        Self { client, ..self }
    }

    /// The address that sent it, as far as those who passed it on are believed.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// Whether somebody on this machine sent it.
    pub(crate) fn is_here(&self) -> bool {
        let peer = self.peer.is_some_and(|it| it.ip().to_canonical().is_loopback());
        peer && !self.is_passed_on && !self.is_of_a_page
    }

    /// What whoever it is passed on to is told of where it comes from.
    pub(crate) fn forwarded_for(&self) -> HeaderValue {
        let peer = self.peer.map(|it| it.ip().to_canonical().to_string());
        // What is no address must not become one by being shown.
        let said = self.said.iter().map(|it| it.address.map(|it| it.to_string()));
        let said = said.map(|it| it.unwrap_or_else(|| UNKNOWN.to_owned()));
        let chain: Vec<_> = said.chain(peer).collect();
        HeaderValue::try_from(chain.join(", ")).expect("addresses are plain text")
    }
}

/// The address of whoever sent a request, as far as it is believed: what failed there counts there.
pub(crate) struct Client(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let client = Origin::of(parts).client;
        Ok(Self(client.map_or_else(|| UNKNOWN.to_owned(), |it| it.to_string())))
    }
}

/// The address that a request came from, as [`Origin`] shows it.
pub(crate) struct From(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Origin::of(parts).to_string()))
    }
}

/// The address without its port, and whom it names if it passed the request on.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => peer.ip().to_canonical().fmt(f)?,
            None => f.write_str(UNKNOWN)?,
        }
        match self.said.is_empty() {
            true => Ok(()),
            false => {
                let shown: Vec<_> = self.said.iter().map(|it| it.shown.as_str()).collect();
                write!(f, ", for {}", shown.join(", "))
            }
        }
    }
}

const UNKNOWN: &str = "unknown";

/// Whom those name who passed a request on: each adds whom he got it from, in the same line or a new one.
/// What can't be read stays in its place: what stands before it must not be taken for what the one after
/// it added.
fn chain(headers: &HeaderMap) -> Vec<Hop> {
    let lines = headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
    let mut chain: Vec<_> = lines.flat_map(|it| it.split(|it| *it == b',')).map(Hop::of).collect();
    chain.drain(..chain.len().saturating_sub(HOPS_MAX));
    chain
}

/// What of a text may belong to an address, and not too much of it; a word where nothing does.
fn address_like(text: &str) -> String {
    const LENGTH_MAX: usize = 50;
    let is_fit = |it: &char| it.is_ascii_hexdigit() || ".:[]".contains(*it);
    let fit: String = text.chars().filter(is_fit).take(LENGTH_MAX).collect();
    if fit.is_empty() { UNKNOWN.to_owned() } else { fit }
}

/// Some proxies add the port.
fn hop(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    address(text).or_else(with_port).map(|it| it.to_canonical())
}

fn is_loopback(origin: &str) -> bool {
    let uri = origin.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    host == "localhost" || address(host).is_some_and(|it| it.is_loopback())
}

/// Whether the host of a request can be no other machine's name.
fn is_address_or_local(host: &str) -> bool {
    let host = host.parse::<Authority>();
    host.is_ok_and(|it| it.host() == "localhost" || address(it.host()).is_some())
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_here(peer: &str, header: Option<(HeaderName, &str)>) -> bool {
        let headers = header.map(|(name, value)| (name, value.parse().unwrap()));
        let headers: HeaderMap = headers.into_iter().collect();
        Origin::new(Some(peer.parse().unwrap()), None, &headers).is_here()
    }

    #[test]
    fn only_this_machine_itself_is_here() {
        for peer in ["127.0.0.1:9", "127.9.9.9:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            assert!(is_here(peer, None), "{peer}");
        }
        for peer in ["10.0.0.1:9", "[fe80::1]:9", "[::ffff:10.0.0.1]:9", "0.0.0.0:9"] {
            assert!(!is_here(peer, None), "{peer}");
        }
        assert!(!Origin::new(None, None, &HeaderMap::new()).is_here());
    }

    #[test]
    fn who_passed_a_request_on_is_told_from_whom_he_names() {
        let shown = |said: &str| {
            let headers = HeaderMap::from_iter([(FORWARDED_FOR, said.parse().unwrap())]);
            Origin::new(Some("10.0.0.7:9".parse().unwrap()), None, &headers).to_string()
        };
        assert_eq!(shown("192.0.2.1, 192.0.2.2"), "10.0.0.7, for 192.0.2.1, 192.0.2.2");
        assert_eq!(shown("<script>, "), "10.0.0.7, for c, unknown");
        let many = ["192.0.2.1"; 1_000].join(",");
        assert_eq!(shown(&many).matches("192.0.2.1").count(), HOPS_MAX);
        let alone =
            Origin::new(Some("[::ffff:10.0.0.7]:9".parse().unwrap()), None, &HeaderMap::new());
        assert_eq!(alone.to_string(), "10.0.0.7");
    }

    #[test]
    fn only_proxies_that_are_named_say_who_sent_a_request() {
        let proxies = ["10.0.0.0/24", "2001:db8::/32"].map(|it| it.parse().unwrap());
        let client = |peer: &str, said: &[&str], proxies: &Proxies| {
            let lines = said.iter().map(|it| (FORWARDED_FOR, it.parse().unwrap()));
            let mut headers = HeaderMap::new();
            lines.for_each(|(name, value)| _ = headers.append(name, value));
            let peer = Some(SocketAddr::new(peer.parse().unwrap(), 9));
            let origin = Origin::new(peer, None, &headers).believing(proxies);
            origin.client.unwrap().to_string()
        };
        let (named, nobody) = (Proxies::new(proxies), Proxies::nobody());
        for peer in ["192.0.2.9", "127.0.0.1", "::1", "10.0.0.7"] {
            assert_eq!(client(peer, &["192.0.2.1"], &nobody), peer);
        }
        assert_eq!(client("192.0.2.9", &["192.0.2.1"], &named), "192.0.2.9");
        assert_eq!(client("10.0.0.7", &[], &named), "10.0.0.7");
        assert_eq!(client("::ffff:10.0.0.7", &["192.0.2.1"], &named), "192.0.2.1");
        assert_eq!(client("10.0.0.7", &["192.0.2.1:99"], &named), "192.0.2.1");
        assert_eq!(client("2001:db8::1", &["[fe80::1]:99"], &named), "fe80::1");
        // What a client says before the first proxy adds him is his word.
        assert_eq!(client("10.0.0.7", &["6.6.6.6, 192.0.2.1", "10.0.0.8"], &named), "192.0.2.1");
        assert_eq!(client("10.0.0.7", &["6.6.6.6, nobody"], &named), "10.0.0.7");
    }

    #[test]
    fn what_a_proxy_added_that_is_no_address_keeps_its_place() {
        let proxies = Proxies::new(["10.0.0.0/24".parse().unwrap()]);
        let client = |lines: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
            }
            let peer = Some(SocketAddr::new("10.0.0.7".parse().unwrap(), 9));
            let origin = Origin::new(peer, None, &headers).believing(&proxies);
            let passed_on = HeaderMap::from_iter([(FORWARDED_FOR, origin.forwarded_for())]);
            let next = Some(SocketAddr::new("10.0.0.200".parse().unwrap(), 9));
            let next = Origin::new(next, None, &passed_on).believing(&proxies);
            assert_eq!(next.client, origin.client, "the next one takes it for the same client");
            origin.client.unwrap().to_string()
        };
        for said in ["", " ", "unknown", "_hidden", "x", "192.0.2.1 x", "192.0.2.300"] {
            assert_eq!(client(&[b"6.6.6.6", said.as_bytes()]), "10.0.0.7", "{said:?}");
            let line = format!("6.6.6.6,{said}, 10.0.0.8");
            assert_eq!(client(&[line.as_bytes()]), "10.0.0.8", "{said:?}");
        }
        // One entry that is no text leaves the others of its line.
        assert_eq!(client(&[b"6.6.6.6, \xff\xfe, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(client(&[b"6.6.6.6, \xff\xfe"]), "10.0.0.7");
        // What is passed on is no other chain than what came.
        assert_eq!(client(&[b"192.0.2.1", b"10.0.0.9, 10.0.0.8"]), "192.0.2.1");
    }

    #[test]
    fn a_proxy_may_be_named_as_ipv6_maps_it() {
        let believed = |network: &str, peer: &str| {
            let headers = HeaderMap::from_iter([(FORWARDED_FOR, "192.0.2.1".parse().unwrap())]);
            let peer = Some(SocketAddr::new(peer.parse().unwrap(), 9));
            let network: IpNet = network.parse().unwrap();
            let origin = Origin::new(peer, None, &headers).believing(&Proxies::new([network]));
            origin.client.unwrap().to_string() == "192.0.2.1"
        };
        for peer in ["10.0.0.7", "::ffff:10.0.0.7"] {
            assert!(believed("::ffff:10.0.0.7/128", peer) && believed("::ffff:10.0.0.0/120", peer));
            assert!(!believed("::ffff:10.0.0.8/128", peer) && !believed("2001:db8::/96", peer));
        }
        assert!(believed("2001:db8::/32", "2001:db8::1"));
    }

    #[test]
    fn who_passes_a_request_on_adds_whom_he_got_it_from() {
        let said = |headers: &HeaderMap| {
            let origin = Origin::new(Some("10.0.0.7:9".parse().unwrap()), None, headers);
            origin.forwarded_for().to_str().unwrap().to_owned()
        };
        assert_eq!(said(&HeaderMap::new()), "10.0.0.7");
        let named = HeaderMap::from_iter([(FORWARDED_FOR, "192.0.2.1".parse().unwrap())]);
        assert_eq!(said(&named), "192.0.2.1, 10.0.0.7");
    }

    #[test]
    fn what_was_passed_on_or_comes_from_another_site_is_not_from_here() {
        let here = |name, value| is_here("127.0.0.1:9", Some((name, value)));
        assert!(!here(FORWARDED_FOR, "127.0.0.1") && !here(FORWARDED, "for=10.0.0.1"));
        assert!(!here(REAL_IP, "10.0.0.1"));
        assert!(here(ORIGIN, "http://127.0.0.1:5841") && here(ORIGIN, "http://[::1]:5841"));
        assert!(here(ORIGIN, "http://localhost:5841"));
        assert!(!here(ORIGIN, "https://example.org") && !here(ORIGIN, "null"));
        assert!(here(FETCH_SITE, "same-origin") && here(FETCH_SITE, "none"));
        assert!(!here(FETCH_SITE, "cross-site") && !here(FETCH_SITE, "same-site"));
    }

    #[test]
    fn a_name_that_points_here_lends_nobody_this_machine() {
        let here = |host| is_here("127.0.0.1:9", Some((HOST, host)));
        for host in ["127.0.0.1:5842", "[::1]:5842", "localhost:5842", "localhost", "10.0.0.1"] {
            assert!(here(host), "{host}");
        }
        for host in ["example.org:5842", "127.0.0.1.example.org", "localhost.example.org", ""] {
            assert!(!here(host), "{host}");
        }
        let peer = Some("127.0.0.1:9".parse().unwrap());
        assert!(!Origin::new(peer, Some("example.org"), &HeaderMap::new()).is_here());
    }
}
