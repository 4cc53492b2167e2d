//! How a browser says who it is where it can't set a header, and whose page it may be.

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri};
use weir_http_api::BEARER_PROTOCOL;

use crate::error::Error;

/// A WebSocket of a browser has no header of its own: it names its session among the protocols, from where it is taken
/// to where every other request shows it.
pub(crate) async fn shown_in_protocol(mut request: Request) -> Request {
    let headers = request.headers_mut();
    if !headers.contains_key(UPGRADE) || !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return request;
    }
    let (shown, others) = told_apart(headers);
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if let Ok(others) = HeaderValue::try_from(others.join(", "))
        && !others.is_empty()
    {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, others);
    }
    if let Some(shown) = shown
        && !headers.contains_key(AUTHORIZATION)
        && let Ok(mut shown) = HeaderValue::try_from(format!("Bearer {shown}"))
    {
        shown.set_sensitive(true);
        headers.insert(AUTHORIZATION, shown);
    }
    request
}

/// What is shown, and the other protocols.
fn told_apart(headers: &HeaderMap) -> (Option<String>, Vec<String>) {
    let all = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|it| it.to_str().ok());
    let (mut shown, mut others) = (None, Vec::new());
    for protocol in all.flat_map(|it| it.split(',')).map(str::trim) {
        match protocol.strip_prefix(BEARER_PROTOCOL) {
            Some(token) => shown = Some(token.to_owned()),
            None => others.push(protocol.to_owned()),
        }
    }
    (shown, others)
}

/// A browser says which page opens a WebSocket, and asks nobody whether that page may read what comes: it has to be
/// one of this server.
pub(crate) fn check_origin(uri: &Uri, headers: &HeaderMap) -> Result<(), Error> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let host = uri.authority().map(Authority::as_str);
    let host = host.or_else(|| headers.get(HOST).and_then(|it| it.to_str().ok()));
    let page = origin.to_str().ok().and_then(|it| it.parse::<Uri>().ok());
    let page = page.as_ref().and_then(|it| it.authority()).map(Authority::as_str);
    match (page, host) {
        (Some(page), Some(host)) if page.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Error::OutOfReach {
            detail: "a page of another site can't follow what is logged here: what opens a WebSocket has this \
                     server's own origin, or none"
                .to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(axum::http::HeaderName, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, it)| (name.clone(), HeaderValue::from_static(it))).collect()
    }

    #[test]
    fn only_a_page_of_this_server_opens_a_websocket() {
        let uri = Uri::from_static("/api/v1/logs/tail");
        let check = |all| check_origin(&uri, &headers(all)).is_ok();
        assert!(check(&[]));
        assert!(check(&[(HOST, "h:5841"), (ORIGIN, "http://h:5841")]));
        assert!(check(&[(HOST, "H"), (ORIGIN, "https://h")]));
        for bad in ["http://evil.example", "http://h:5842", "null", "http://h:5841.evil", ""] {
            let all = [
                (HOST, HeaderValue::from_static("h:5841")),
                (ORIGIN, HeaderValue::from_static(bad)),
            ];
            assert!(check_origin(&uri, &all.into_iter().collect()).is_err(), "{bad}");
        }
        assert!(!check(&[(ORIGIN, "http://h")]));
    }

    #[tokio::test]
    async fn a_session_among_the_protocols_is_shown_as_any_other_and_not_answered() {
        let all =
            [(UPGRADE, "websocket"), (SEC_WEBSOCKET_PROTOCOL, "weir.logs.v1, weir.bearer.abc")];
        let mut request = Request::new(axum::body::Body::empty());
        *request.headers_mut() = headers(&all);
        let request = shown_in_protocol(request).await;
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer abc");
        assert_eq!(request.headers()[SEC_WEBSOCKET_PROTOCOL], "weir.logs.v1");
    }
}
