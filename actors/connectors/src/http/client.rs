//! Requests that we make: how the other side is reached, and what its answers mean.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, Finding};

use super::codes;
use crate::private::Private;
use crate::{chain, finding};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How much of an answer that refuses is shown.
const SHOWN_CHARS_MAX: usize = 200;

/// How the other side is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpConnection")]
pub struct Connection {
    /// The address, as `https://example.org/orders?by=weir`.
    pub url: Private,
    /// Sent with every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Private>,
    /// With `password`: basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Private>,
    /// A bearer token, instead of user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Private>,
    /// A file in PEM: who signs the server's certificate. The authorities of the system if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl Connection {
    pub(super) fn url(&self) -> Result<Url, Fault> {
        url(&self.url.0).map_err(|cause| Fault::config(codes::CONFIG, cause))
    }

    /// The address as it may be shown: a query may hold a secret, and so may a path behind the host.
    pub(super) fn shown(&self) -> String {
        match Url::parse(&self.url.0) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => "an address that is none".to_owned(),
        }
    }

    /// A text of the other side without what only the two of us know.
    fn masked(&self, mut text: String) -> String {
        let values = self.headers.values().chain(&self.password).chain(&self.token);
        for value in values.map(|it| &it.0).filter(|it| it.len() > 3) {
            text = text.replace(value, "…");
        }
        text
    }

    pub(super) fn client(&self, timeout: Duration) -> Result<Client, Fault> {
        let url = self.url()?;
        let builder = Client::builder()
            .timeout(timeout)
            .connect_timeout(CONNECT_WITHIN)
            .redirect(Policy::none())
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
        let is_local = url
            .host_str()
            .is_some_and(|it| it == "localhost" || it.starts_with("127.") || it == "[::1]");
        // A proxy from the environment can't know what runs on this machine.
        let builder = if is_local { builder.no_proxy() } else { builder };
        let builder = match &self.ca {
            None => builder,
            Some(path) => builder.tls_certs_only(authorities(path)?),
        };
        builder.build().map_err(|it| Fault::config(codes::CONFIG, chain(&it)))
    }

    /// A request with all that says who we are.
    pub(super) fn authorised(&self, request: RequestBuilder) -> Result<RequestBuilder, Fault> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let (name, value) =
                header(name, &value.0).map_err(|it| Fault::config(codes::CONFIG, it))?;
            headers.insert(name, value);
        }
        let request = request.headers(headers);
        Ok(match (&self.token, &self.user) {
            (Some(token), _) => request.bearer_auth(&token.0),
            (None, Some(user)) => request.basic_auth(user, self.password.as_ref().map(|it| &it.0)),
            (None, None) => request,
        })
    }

    /// What came between, before there was an answer.
    pub(super) fn away(&self, error: &reqwest::Error) -> Fault {
        // Its text has the address in it.
        let cause =
            error.source().map_or_else(|| "no answer".to_owned(), |it| self.masked(chain(it)));
        let cause = if error.is_timeout() { "no answer in time".to_owned() } else { cause };
        let message = format!("{} can't be reached: {cause}", self.shown());
        Fault::transient(codes::AWAY, message).with_hint("does the server run there?")
    }

    /// What an answer that is no success means, with the beginning of its text.
    pub(super) async fn refusal(&self, answer: Response) -> Fault {
        let status = answer.status();
        let text = read(answer, 64 << 10).await.ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = self.masked(text).chars().take(SHOWN_CHARS_MAX).collect();
        let says = if text.is_empty() { String::new() } else { format!(": {text}") };
        let message = format!("{} answers {status}{says}", self.shown());
        match status {
            it if is_passing(it) => Fault::transient(codes::AWAY, message),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Fault::config(codes::REFUSED, message)
                    .with_hint("mend token, user or headers within `connection`")
            }
            it if it.is_redirection() => Fault::config(codes::REFUSED, message)
                .with_hint("redirects are not followed: write the address where it leads to"),
            _ => Fault::config(codes::REFUSED, message),
        }
    }
}

/// Whether it may go better later.
pub(super) fn is_passing(status: StatusCode) -> bool {
    let is_early = status.as_u16() == 425;
    let is_busy = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    status.is_server_error() || is_busy || is_early
}

/// How long the other side wants us to wait.
pub(super) fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// The body of an answer; `None`: it is longer than that.
pub(super) async fn read(
    mut answer: Response,
    bytes_max: usize,
) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

fn authorities(path: &std::path::Path) -> Result<Vec<Certificate>, Fault> {
    let wrong = |cause: String| {
        Fault::config(codes::CONFIG, format!("connection.ca, {}: {cause}", path.display()))
    };
    let pem = std::fs::read(path).map_err(|it| wrong(it.to_string()))?;
    Certificate::from_pem_bundle(&pem).map_err(|it| wrong(chain(&it)))
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|it| format!("connection.url: {it}"))?;
    match url.scheme() {
        "http" | "https" if url.username().is_empty() && url.password().is_none() => Ok(url),
        "http" | "https" => Err("connection.url: user and password have keys of their own".into()),
        other => Err(format!("connection.url: {other} is not http or https")),
    }
}

pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::from_bytes(name.as_bytes());
    let parsed = parsed.map_err(|_| format!("{name:?} is no name of a header"))?;
    let value = HeaderValue::from_str(value);
    let mut value = value.map_err(|_| format!("the value of header {name} can't be sent"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// What is wrong with a connection, before anybody connects.
pub(super) fn findings(connection: &Connection) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: String, cause: String, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    let Connection { url: address, headers, user, password, token, .. } = connection;
    // Of one that holds secrets nothing can be said before they are there.
    if let Some(cause) = url(&address.0).err().filter(|_| !address.0.contains("${")) {
        let cause = cause.trim_start_matches("connection.url: ").to_owned();
        wrong("connection.url".into(), cause, "write one as https://example.org/orders");
    }
    for name in headers.keys() {
        if let Err(cause) = header(name, "") {
            wrong(format!("connection.headers.{name}"), cause, "write letters, digits and dashes");
        }
    }
    if token.is_some() && (user.is_some() || password.is_some()) {
        let cause = "a token is in place of user and password".to_owned();
        wrong("connection.token".into(), cause, "leave one of them out");
    }
    if user.is_some() != password.is_some() {
        let cause = "user and password belong together".to_owned();
        wrong("connection.user".into(), cause, "write both or none of them");
    }
    findings
}
