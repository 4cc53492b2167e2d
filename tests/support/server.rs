//! A configuration server or an engine in a process of its own, which lets in nobody without a log-in, and
//! what it answers over REST.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use weir_http_client::{Client, Forwarded};

use super::{DEADLINE, binary, wait_for};

/// Of everybody who is made here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A process that serves, on a port of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) root: PathBuf,
    pub(crate) url: String,
}

impl Server {
    /// `noun` says which; `ready` is the code of the line that tells its address.
    fn start((noun, ready): (&str, &str), root: &Path, settings: &[String]) -> Self {
        fs::create_dir_all(root).unwrap();
        let mut command = binary();
        let data_dir = format!("weir.data-dir={}", root.join("data").display());
        let ports = ["rest-server", "config-server", "management", "metrics"];
        let ports = ports.iter().map(|it| format!("weir.{it}.bind.port=0"));
        command.arg(noun);
        for setting in ports.chain([data_dir]).chain(settings.iter().cloned()) {
            command.args(["-D", &setting]);
        }
        let log = File::create(root.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).env("NO_COLOR", "1");
        let child = command.spawn().unwrap();
        let mut this = Self { child, root: root.to_owned(), url: String::new() };
        this.url = wait_for(&format!("{noun} to be ready"), DEADLINE, || {
            let log = this.log();
            let line = log.lines().find(|it| it.contains(ready))?;
            let (_, address) = line.split_once("address=")?;
            Some(address.split(' ').next()?.trim_matches('"').to_owned())
        });
        this
    }

    pub(crate) fn design(root: &Path, settings: &[String]) -> Self {
        let noun = ("config-server", "WEIR-00002");
        Self::start(noun, root, &[&["weir.rest-server.trust-local=none".into()], settings].concat())
    }

    /// A cluster of one that trusts nobody without a log-in, but for those servers.
    pub(crate) fn engine(root: &Path, trusted: &str) -> Self {
        Self::engine_with(root, trusted, &[])
    }

    pub(crate) fn engine_with(root: &Path, trusted: &str, more: &[String]) -> Self {
        let settings = [
            "weir.rest-server.trust-local=none".to_owned(),
            "weir.rest-server.anonymous-reads=false".to_owned(),
            format!("weir.rest-server.trusted-servers=[{trusted}]"),
        ];
        Self::start(("reactive-engine", "WEIR-00001"), root, &[&settings, more].concat())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.root.join("log")).unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> (u16, Value) {
        ask(&self.url, method, path, token, body).expect("it answers")
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask(Method::GET, path, token, &Value::Null)
    }

    #[track_caller]
    pub(crate) fn done(&self, path: &str, token: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(Method::POST, path, token, body);
        assert_eq!(status, 200, "{path}: {answer:#}");
        answer
    }

    /// Makes the first administrator and logs her in; returns her session.
    pub(crate) fn set_up(&self) -> String {
        let file = self.root.join("data/config-server/set-up-secret");
        let secret = wait_for("the set-up secret", DEADLINE, || fs::read_to_string(&file).ok());
        let ada = json!({ "secret": secret.trim(), "name": "ada", "password": PASSWORD });
        let (status, answer) = self.ask(Method::POST, "set-up", "", &ada);
        assert_eq!(status, 200, "{answer}");
        self.log_in("ada")
    }

    pub(crate) fn log_in(&self, name: &str) -> String {
        let request = json!({ "name": name, "password": PASSWORD });
        self.done("log-in", "", &request)["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn add(&self, name: &str, url: &str, token: &str) -> Value {
        self.done("clusters", token, &json!({ "name": name, "urls": [url] }))
    }

    pub(crate) fn issuer(&self) -> String {
        self.get("clusters:issuer", "").1["setting"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log of {}:\n{}---", self.root.display(), self.log());
        }
    }
}

/// `None`: nobody answered.
pub(crate) fn ask(
    url: &str,
    method: Method,
    path: &str,
    token: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    ask_with(url, (method, path), token, HeaderMap::new(), body)
}

/// The same, with more headers.
pub(crate) fn ask_with(
    url: &str,
    (method, path): (Method, &str),
    token: &str,
    mut headers: HeaderMap,
    body: &Value,
) -> Option<(u16, Value)> {
    if !token.is_empty() {
        let shown = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        headers.insert(AUTHORIZATION, shown);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(url).unwrap();
    let path = format!("/api/v1/{path}");
    let sent = client.forward_command(method, &path, headers, body.into(), None);
    let Forwarded { status, body, .. } = runtime.block_on(sent).ok()?;
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}
