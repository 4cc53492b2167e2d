//! A schema registry, asked over HTTP: which schema has a number, which is a subject's latest, and
//! which number a schema has.
//!
//! What it answers to a number never changes; whoever asks keeps the answer. That a number is not known
//! is an answer as well. All else that goes wrong may heal, but for being turned away.

use std::io::Read;
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use weir_domain::Fault;

use super::config::RegistryConfig;
use super::schema;
use crate::fault;

const TIMEOUT: Duration = Duration::from_secs(10);
/// No schema is longer.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

pub(super) struct Registry {
    config: RegistryConfig,
    base: Url,
    client: Client,
}

/// What is kept of a schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    schema: String,
    /// Absent where it is Avro.
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Value>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u32,
}

/// Where a registry is.
pub(super) fn base(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|it| format!("it is no URL: {it}"))?;
    match url.scheme() {
        "http" | "https" if url.query().is_none() && url.username().is_empty() => Ok(url),
        "http" | "https" => Err("a user and a query don't belong into the URL".into()),
        other => Err(format!("a registry is asked over HTTP, not {other}")),
    }
}

/// What stands before messages of a schema, once the registry has it.
pub(super) fn prefix(config: &RegistryConfig, schema: &str) -> Result<Vec<u8>, Fault> {
    let number = Registry::new(config)?.register(schema)?;
    Ok([&[0], &number.to_be_bytes()[..]].concat())
}

impl Registry {
    pub(super) fn new(config: &RegistryConfig) -> Result<Self, Fault> {
        let base =
            base(&config.url).map_err(|it| fault::combination(&it, "mend `registry.url`"))?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
        let is_local =
            base.host_str().is_some_and(|it| it == "localhost" || it.starts_with("127."));
        // A proxy from the environment can't know what runs on this machine.
        let client = if is_local { client.no_proxy() } else { client };
        let client = client.build().map_err(|it| fault::registry_away(&config.url, &chain(&it)))?;
        Ok(Self { config: config.clone(), base, client })
    }

    /// The schema of a number, or why there is none.
    pub(super) fn schema(&self, number: u32) -> Result<Result<String, String>, Fault> {
        let url = self.url(&["schemas", "ids", &number.to_string()]);
        Ok(match self.answer(self.client.get(url))? {
            None => Err(format!("the registry has no schema {number}")),
            Some(kept) => self.read::<Kept>(&kept)?.avro(),
        })
    }

    /// The latest schema of the subject.
    pub(super) fn latest(&self) -> Result<String, Fault> {
        let subject = self.subject("no schema is configured")?;
        let url = self.url(&["subjects", subject, "versions", "latest"]);
        let Some(kept) = self.answer(self.client.get(url))? else {
            let cause = format!("the schema registry has no subject {subject}");
            return Err(fault::registry_refuses(&self.config.url, &cause));
        };
        let avro = self.read::<Kept>(&kept)?.avro();
        avro.map_err(|it| fault::registry_refuses(&self.config.url, &it))
    }

    /// The number of a schema, which it gets if it has none.
    fn register(&self, schema: &str) -> Result<u32, Fault> {
        let subject = self.subject("messages are written")?;
        let url = self.url(&["subjects", subject, "versions"]);
        let body = json!({"schema": schema}).to_string();
        let request = self.client.post(url).header("content-type", MEDIA_TYPE).body(body);
        match self.answer(request)? {
            Some(numbered) => Ok(self.read::<Numbered>(&numbered)?.id),
            None => {
                let cause = format!("it knows no subject {subject}");
                Err(fault::registry_refuses(&self.config.url, &cause))
            }
        }
    }

    fn subject(&self, why: &str) -> Result<&str, Fault> {
        self.config.subject.as_deref().ok_or_else(|| {
            let cause = format!("the schema registry is used without a subject, and {why}");
            fault::combination(&cause, "set `registry.subject`, as orders-value")
        })
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The body of the answer; none where it is not found.
    fn answer(&self, request: RequestBuilder) -> Result<Option<Vec<u8>>, Fault> {
        let RegistryConfig { url, username, password, token, .. } = &self.config;
        let request = request.header("accept", MEDIA_TYPE);
        let request = match (username, password, token) {
            (_, _, Some(token)) => request.bearer_auth(&token.0),
            (Some(name), Some(password), None) => request.basic_auth(name, Some(&password.0)),
            _ => request,
        };
        let away = |cause: &str| fault::registry_away(url, cause);
        let answer = request.send().map_err(|it| away(&chain(&it)))?;
        let status = answer.status();
        let mut body = Vec::new();
        let read = answer.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut body);
        read.map_err(|it| away(&it.to_string()))?;
        if body.len() as u64 > ANSWER_BYTES_MAX {
            return Err(away(&format!("its answer has more than {ANSWER_BYTES_MAX} bytes")));
        }
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            it if it.is_success() => Ok(Some(body)),
            it if it.is_client_error() && it != StatusCode::TOO_MANY_REQUESTS => {
                Err(fault::registry_refuses(url, &told(it, &body)))
            }
            it => Err(away(&told(it, &body))),
        }
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, body: &[u8]) -> Result<T, Fault> {
        serde_json::from_slice(body).map_err(|it| {
            fault::registry_away(&self.config.url, &format!("its answer is not understood: {it}"))
        })
    }
}

impl Kept {
    fn avro(self) -> Result<String, String> {
        match self.schema_type.as_deref() {
            None | Some("AVRO") => {}
            Some(other) => return Err(format!("the schema is of the kind {other}, not Avro")),
        }
        if !self.references.is_empty() {
            return Err("the schema refers to others, which is not supported".into());
        }
        schema::parse(self.schema.as_bytes()).map(|it| schema::text(&it))
    }
}

/// What the registry says about it, if it does.
fn told(status: StatusCode, body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    match said.as_ref().and_then(|it| it.get("message")?.as_str()) {
        Some(message) => format!("it answers {status}: {message}"),
        None => format!("it answers {status}"),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}
