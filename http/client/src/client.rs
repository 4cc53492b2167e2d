//! The connection to one server, and how an answer is read.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_http_api::{Concealed, Problem};

use crate::Error;
use crate::error::{cause, distrust};

/// A server that is there answers a connection at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// More than the server's own limit, so that its answer says what took long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(35);
/// A stream of events has a heartbeat: who is silent for several of them is gone.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(35);
/// Less than a server keeps an idle connection, so that no request meets one that it just closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read. A full page of streams is far below it.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A client of one server. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    base: Url,
    /// Segments above every path of the API.
    root: &'static [&'static str],
    /// The cluster that a configuration server is to ask. None: its default one.
    cluster: Option<String>,
    /// What is shown with every request.
    token: Option<Concealed>,
    /// What commands are called.
    key: Option<String>,
    authority: Authority,
}

/// Who must have signed the certificates of servers, in PEM; none: those that this machine trusts.
#[derive(Debug, Clone, Default)]
pub struct Authority(Vec<reqwest::Certificate>);

impl Authority {
    /// Of a file's content.
    pub fn of_pem(pem: &[u8]) -> Result<Self, String> {
        match reqwest::Certificate::from_pem_bundle(pem) {
            Ok(all) if all.is_empty() => Err("there is no certificate in it".to_owned()),
            Ok(all) => Ok(Self(all)),
            Err(error) => Err(cause(error)),
        }
    }
}

impl Client {
    /// A client of the server at `base`, as `http://127.0.0.1:5842`. Connects on the first call.
    pub fn new(base: &str) -> Result<Self, Error> {
        Self::trusting(base, &Authority::default())
    }

    /// A client of the server at `base`, as `https://node-1:5842`, whose certificate this authority signed.
    pub fn trusting(base: &str, authority: &Authority) -> Result<Self, Error> {
        Self::below_root(base, &["api", "v1"], authority)
    }

    pub(crate) fn below_root(
        base: &str,
        root: &'static [&'static str],
        authority: &Authority,
    ) -> Result<Self, Error> {
        let (base, authority) = (server_url(base)?, authority.clone());
        let http = builder(&base, &authority);
        let http = http.timeout(ANSWER_TIMEOUT).read_timeout(SILENCE_TIMEOUT).build();
        let http = http.map_err(|it| unusable(&base, it))?;
        Ok(Self { http, base, root, cluster: None, token: None, key: None, authority })
    }

    /// A connection for what takes as long as its body needs.
    pub(crate) fn patient(&self, within: Duration) -> Result<reqwest::Client, Error> {
        let http = builder(&self.base, &self.authority);
        http.timeout(within).build().map_err(|it| unusable(&self.base, it))
    }

    /// Shows this with every request: a session or a token of a user, or that of the engine.
    #[must_use]
    pub fn with_token(self, token: Option<Concealed>) -> Self {
        Self { token, ..self }
    }

    /// Asks a configuration server about this one of its clusters.
    #[must_use]
    pub fn in_cluster(self, cluster: Option<String>) -> Self {
        Self { cluster, ..self }
    }

    /// Calls every command this, so that one that is sent again is carried out once.
    #[must_use]
    pub fn with_idempotency_key(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }

    /// The server's address, without a slash at its end.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        self.get_with(path, &()).await
    }

    pub(crate) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &(impl Serialize + ?Sized),
    ) -> Result<T, Error> {
        let url = self.url(path);
        self.decoded(self.authorized(self.http.get(url).query(query))).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Error> {
        let url = self.url(path);
        self.decoded(self.named(self.authorized(self.http.post(url)))).await
    }

    pub(crate) fn authorized(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    pub(crate) fn named(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }

    /// The address of a resource; every part is one segment, whatever characters it has.
    pub(crate) fn is_at(&self, server: &str) -> bool {
        server_url(server).is_ok_and(|it| it == self.base)
    }

    pub(crate) fn is_beside(&self, server: &str) -> bool {
        server_url(server).is_ok_and(|it| it.host() == self.base.host())
    }

    pub(crate) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(self.root);
            if let Some(cluster) = &self.cluster {
                segments.extend(["clusters", cluster]);
            }
            segments.extend(path);
        }
        url
    }

    pub(crate) async fn decoded<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Error> {
        let response = self.sent(request).await?;
        let (url, status) = (response.url().to_string(), response.status());
        let body = self.body(response).await?;
        if status.is_success() {
            let undecodable =
                |error: serde_json::Error| Error::Decode { url, cause: error.to_string() };
            return serde_json::from_slice(&body).map_err(undecodable);
        }
        Err(refusal(url, status, &body))
    }

    /// The refusal that an answer is.
    pub(crate) async fn refused(&self, response: Response) -> Error {
        let (url, status) = (response.url().to_string(), response.status());
        match self.body(response).await {
            Ok(body) => refusal(url, status, &body),
            Err(error) => error,
        }
    }

    pub(crate) async fn sent(&self, request: reqwest::RequestBuilder) -> Result<Response, Error> {
        let (http, request) = request.build_split();
        let request = request.map_err(|error| self.unanswered(error, true))?;
        let is_question = request.method().is_safe();
        let sent = http.execute(request).await;
        let mut response = sent.map_err(|error| self.unanswered(error, is_question))?;
        response.extensions_mut().insert(Sent { is_question });
        Ok(response)
    }

    /// The next piece of an answer; `None` at its end.
    pub(crate) async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, Error> {
        let sent = response.extensions().get::<Sent>();
        let is_question = sent.is_some_and(|it| it.is_question);
        response.chunk().await.map_err(|error| self.unanswered(error, is_question))
    }

    /// The whole answer, up to the limit.
    pub(crate) async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = self.piece(&mut response).await? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let cause = format!("it is longer than {} MiB", ANSWER_BYTES_MAX >> 20);
                return Err(Error::Decode { url: response.url().to_string(), cause });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Why a request has no answer.
    fn unanswered(&self, error: reqwest::Error, is_question: bool) -> Error {
        let url = self.base().to_owned();
        match (error.is_builder(), error.is_connect()) {
            (true, _) => Error::Unsendable {
                cause: "its address or a header is too long, or holds what HTTP does not take"
                    .into(),
            },
            (false, true) => {
                let cause = cause(error);
                match distrust(&cause) {
                    Some(cause) => Error::Distrusted { url, cause },
                    None => Error::Unreachable { url, cause },
                }
            }
            (false, false) => Error::Interrupted { url, cause: cause(error), is_question },
        }
    }
}

/// What a response is the answer of.
#[derive(Clone)]
struct Sent {
    is_question: bool,
}

fn builder(base: &Url, authority: &Authority) -> reqwest::ClientBuilder {
    let http = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
    let http = match authority.0.is_empty() {
        true => http,
        false => http.tls_certs_only(authority.0.clone()),
    };
    match is_this_machine(base) {
        // A proxy from the environment can't know what runs on this machine.
        true => http.no_proxy(),
        false => http,
    }
}

fn unusable(base: &Url, error: reqwest::Error) -> Error {
    Error::Address { given: base.to_string(), reason: cause(error) }
}

fn refusal(url: String, status: StatusCode, body: &[u8]) -> Error {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Error::Problem(Box::new(problem)),
        Err(_)
            if [StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE]
                .contains(&status) =>
        {
            Error::Unsendable {
                cause: "its address or a header is longer than the server takes".into(),
            }
        }
        Err(_)
            if status == StatusCode::BAD_REQUEST && url.starts_with("http:") && says_tls(body) =>
        {
            let cause = "TLS is spoken there: write https:// instead of http://".to_owned();
            Error::Decode { url, cause }
        }
        Err(_) => Error::Decode {
            url,
            cause: format!(
                "it has status {status} and no problem document, is this a weir server?"
            ),
        },
    }
}

/// What servers of many kinds, ours among them, say in clear where they expect TLS.
fn says_tls(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(1 << 10)]).to_ascii_lowercase();
    ["https", "tls"].iter().any(|it| text.contains(it))
}

fn server_url(given: &str) -> Result<Url, Error> {
    let refuse = |reason: &str| Error::Address { given: given.into(), reason: reason.into() };
    let url = Url::parse(given).map_err(|_| refuse("write it as http://host:port"))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => {}
        _ => return Err(refuse("write it as http://host:port or https://host:port")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it must not hold a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must end with the path"));
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback() || it.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_servers_are_taken() {
        for good in ["http://127.0.0.1:5842", "http://[::1]:5842/", "http://h/prefix", "https://h"]
        {
            assert!(server_url(good).is_ok(), "{good}");
        }
        for bad in ["", "127.0.0.1:5842", "ftp://h", "http://u:p@h", "http://h?x=1"] {
            assert!(matches!(server_url(bad), Err(Error::Address { .. })), "{bad}");
        }
    }

    #[test]
    fn a_part_of_a_path_stays_one_segment() {
        let client = Client::new("http://h:1/prefix/").expect("an address");
        let url = client.url(&["workflows", "../a b/c?"]);
        assert_eq!(url.as_str(), "http://h:1/prefix/api/v1/workflows/..%2Fa%20b%2Fc%3F");
    }

    #[test]
    fn this_machine_is_recognised() {
        let local = |it: &str| is_this_machine(&Url::parse(it).expect("a url"));
        assert!(
            local("http://localhost:1")
                && local("http://[::1]")
                && local("http://127.9.9.9")
                && local("http://0.0.0.0:1")
        );
        assert!(!local("http://10.0.0.1") && !local("http://example.org"));
    }
}
