//! A running `weir dev` on ports of its own. It is killed when the test lets go of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use weir_domain::StreamId;
use weir_http_api::{StreamDetail, StreamSummary, StreamsQuery, WorkflowSummary};
use weir_http_client::{Client, Forwarded};

use super::ran::{Ran, binary};
use super::{DEADLINE, Project, wait_for, wait_until};

/// How a `weir dev` is started.
pub(crate) struct Start {
    program: Vec<OsString>,
    root: PathBuf,
    arguments: Vec<OsString>,
    uid: Option<u32>,
}

impl Start {
    /// On the project's own data directory.
    pub(crate) fn of(project: &Project) -> Self {
        let project_dir = ["--project".into(), project.dir().into_os_string()];
        Self::sample(project.root()).arguments(project_dir)
    }

    /// The sample, with its data directory `data` below `root`.
    pub(crate) fn sample(root: &Path) -> Self {
        let program = vec![binary().get_program().to_owned()];
        let this = Self { program, root: root.to_owned(), arguments: Vec::new(), uid: None };
        let data_dir = ["dev".into(), "--data-dir".into(), root.join("data").into_os_string()];
        this.arguments(data_dir)
            .set("weir.rest-server.bind.port=0")
            .set("weir.config-server.bind.port=0")
            .set("weir.management.bind.port=0")
            .set("weir.metrics.bind.port=0")
    }

    /// Where it runs.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn arguments(mut self, arguments: impl IntoIterator<Item = OsString>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// Sets one key of the configuration.
    pub(crate) fn set(self, setting: &str) -> Self {
        self.arguments(["-D".into(), setting.into()])
    }

    pub(crate) fn conf(self, path: &Path) -> Self {
        self.arguments(["--conf".into(), path.as_os_str().to_owned()])
    }

    /// Runs it as another user. That user must be able to reach the program: it gets a copy.
    pub(crate) fn by_user(mut self, uid: u32) -> Self {
        let program = self.root.join("weir");
        fs::copy(&self.program[0], &program).unwrap();
        self.program = vec![program.into()];
        self.uid = Some(uid);
        self
    }

    /// Runs it through another program, which must `exec` what follows its own arguments.
    pub(crate) fn through(mut self, wrapper: &[&str]) -> Self {
        let wrapper = wrapper.iter().map(OsString::from);
        self.program = wrapper.chain(std::mem::take(&mut self.program)).collect();
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).args(&self.arguments);
        command.env_remove("WEIR_SERVER").env("NO_COLOR", "1").current_dir(&self.root);
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        command
    }

    /// For a start that is refused: runs it to its end.
    pub(crate) fn refused(&self) -> Ran {
        Ran::of(&mut self.command())
    }

    /// Starts it and does not wait for anything.
    pub(crate) fn spawn(&self) -> Process {
        let stdout = self.root.join("weir.out");
        self.spawn_onto(File::create(stdout).unwrap().into())
    }

    /// As `spawn`, but whoever should read what it tells is gone.
    pub(crate) fn spawn_unheard(&self) -> Process {
        let mut process = self.spawn_onto(Stdio::piped());
        drop(process.child.stdout.take());
        process
    }

    fn spawn_onto(&self, stdout: Stdio) -> Process {
        let stderr = self.root.join("weir.log");
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Process { child, stdout: self.root.join("weir.out"), stderr }
    }

    /// Starts it and waits until it says where it is.
    #[track_caller]
    pub(crate) fn ready(&self) -> Weir {
        let mut process = self.spawn();
        let places = wait_for("weir to say where it is", DEADLINE, || {
            let status = process.child.try_wait().unwrap();
            assert!(status.is_none(), "weir ended ({status:?}):\n{}", process.log());
            process.announced()
        });
        Weir::new(process, places)
    }
}

/// A process, whatever it does.
pub(crate) struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// Where it is, as it was announced.
struct Places {
    page: String,
    rest: String,
    management: Option<String>,
    metrics: String,
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    fn announced(&self) -> Option<Places> {
        let text = fs::read_to_string(&self.stdout).unwrap();
        let (text, _) = text.split_once("  stop ")?;
        let place = |name: &str| {
            let line = text.lines().find_map(|it| it.trim().strip_prefix(name))?;
            Some(line.trim().to_owned())
        };
        let rest = place("REST API")?.strip_suffix("/api/v1")?.to_owned();
        let metrics = place("metrics")?.strip_suffix("/metrics")?.to_owned();
        let management = place("health").and_then(|it| Some(it.strip_suffix("/ready")?.to_owned()));
        Some(Places { page: place("page")?, rest, management, metrics })
    }

    /// Ends it at once, as a loss of power would, as far as a process can tell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("weir to end", DEADLINE, || self.child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- the log of weir:\n{}---",
                fs::read_to_string(&self.stderr).unwrap_or_default()
            );
        }
    }
}

pub(crate) struct Weir {
    pub(crate) process: Process,
    client: Client,
    places: Places,
    runtime: tokio::runtime::Runtime,
}

impl Weir {
    fn new(process: Process, places: Places) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::new(&places.rest).unwrap();
        Self { process, client, places, runtime }
    }

    /// Where the page is.
    pub(crate) fn page(&self) -> &str {
        &self.places.page
    }

    pub(crate) fn rest(&self) -> &str {
        &self.places.rest
    }

    pub(crate) fn management(&self) -> &str {
        self.places.management.as_deref().expect("the management server is on")
    }

    pub(crate) fn metrics(&self) -> &str {
        &self.places.metrics
    }

    /// Runs `weir` against this one.
    pub(crate) fn cli<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        Ran::of(binary().args(["--server", self.rest()]).args(arguments))
    }

    /// What a server of this process answers to a plain request.
    pub(crate) fn get(&self, server: &str, path: &str) -> (u16, String) {
        let client = Client::new(server).unwrap();
        let Forwarded { status, body, .. } =
            self.runtime.block_on(client.forward(path, HeaderMap::new(), None)).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// What the REST API answers to a question of somebody who shows a token.
    pub(crate) fn get_as(&self, path: &str, token: &str) -> (u16, String) {
        let shown = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, shown)]);
        let asked = self.runtime.block_on(self.client.forward(path, headers, None));
        let Forwarded { status, body, .. } = asked.unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// What the REST API answers to a command.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.sent(Method::POST, path, HeaderMap::from_iter([json()]), body.to_string())
    }

    /// The same, without a body, by somebody who shows a token.
    #[track_caller]
    pub(crate) fn post_as(&self, path: &str, token: &str) -> (u16, String) {
        let shown = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, shown)]);
        let sent =
            self.client.forward_command(Method::POST, path, headers, Vec::new().into(), None);
        let Forwarded { status, body, .. } = self.runtime.block_on(sent).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// The same, for somebody at another address, as whoever passes it on says.
    #[track_caller]
    pub(crate) fn post_for(&self, address: &str, path: &str, body: &Value) -> (u16, Value) {
        let address = HeaderValue::try_from(address).unwrap();
        let named = (HeaderName::from_static("x-forwarded-for"), address);
        let headers = HeaderMap::from_iter([json(), named]);
        self.sent(Method::POST, path, headers, body.to_string())
    }

    /// What the REST API answers to a deletion that can be sent again.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str, key: &str) -> (u16, Value) {
        let key = HeaderValue::try_from(key).unwrap();
        let headers = HeaderMap::from_iter([(HeaderName::from_static("idempotency-key"), key)]);
        self.sent(Method::DELETE, path, headers, String::new())
    }

    /// What the REST API answers to a command.
    #[track_caller]
    pub(crate) fn sent(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: String,
    ) -> (u16, Value) {
        let sent = self.client.forward_command(method, path, headers, body.into(), None);
        let Ok(Forwarded { status, body, .. }) = self.runtime.block_on(sent) else {
            panic!("{path} is not answered")
        };
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// What a server of this process answers to a command in JSON by somebody who shows a token.
    pub(crate) fn put(
        &self,
        server: &str,
        path: &str,
        (token, body): (&str, &str),
    ) -> (u16, String) {
        let client = Client::new(server).unwrap();
        let shown = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, shown), json()]);
        let body = body.to_owned().into();
        let sent = client.forward_command(Method::PUT, path, headers, body, None);
        let Forwarded { status, body, .. } = self.runtime.block_on(sent).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// What the configuration server answers to a command, named from below `/api/v1`.
    #[track_caller]
    pub(crate) fn post_design(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask_design(Method::POST, path, body)
    }

    /// The same with another method.
    #[track_caller]
    pub(crate) fn ask_design(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let client = Client::new(self.page()).unwrap();
        let (path, headers) = (format!("/api/v1/{path}"), HeaderMap::from_iter([json()]));
        let body = body.to_string().into();
        let sent = client.forward_command(method, &path, headers, body, None);
        let Ok(Forwarded { status, body, .. }) = self.runtime.block_on(sent) else {
            panic!("{path} is not answered")
        };
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) fn workflow(&self, name: &str) -> WorkflowSummary {
        self.runtime.block_on(self.client.workflow(name)).unwrap().summary
    }

    /// All streams, newest first.
    pub(crate) fn streams(&self) -> Vec<StreamSummary> {
        let mut streams = Vec::new();
        let mut query = StreamsQuery { limit: Some(500), ..StreamsQuery::default() };
        loop {
            let page = self.runtime.block_on(self.client.streams(&query)).unwrap();
            streams.extend(page.items);
            let Some(next) = page.next_cursor else { return streams };
            query.cursor = Some(next);
        }
    }

    /// The newest stream over an item, if there is one.
    pub(crate) fn stream_of(&self, item: &str) -> Option<StreamSummary> {
        self.streams().into_iter().find(|it| it.item == item)
    }

    pub(crate) fn stream(&self, id: StreamId) -> StreamDetail {
        self.runtime.block_on(self.client.stream(id)).unwrap()
    }

    /// The lines of a stream's own log.
    pub(crate) fn stream_log(&self, id: StreamId) -> Vec<String> {
        let log = self.runtime.block_on(self.client.stream_log(id)).unwrap();
        log.lines.into_iter().map(|it| format!("{} {}", it.code, it.text)).collect()
    }

    /// Waits until the newest stream over an item is closed.
    #[track_caller]
    pub(crate) fn closed(&self, item: &str) -> StreamSummary {
        wait_for(&format!("the stream of {item} to be closed"), DEADLINE, || {
            self.stream_of(item).filter(|it| it.state.is_closed())
        })
    }

    /// Waits until a stream over an item is closed that came after another one.
    #[track_caller]
    pub(crate) fn closed_after(&self, item: &str, earlier: StreamId) -> StreamSummary {
        wait_for(&format!("another stream of {item} to be closed"), DEADLINE, || {
            self.stream_of(item).filter(|it| it.state.is_closed() && it.id != earlier)
        })
    }

    /// Waits until a stream over an item is open.
    #[track_caller]
    pub(crate) fn open(&self, item: &str) -> StreamSummary {
        wait_for(&format!("a stream over {item}"), DEADLINE, || self.stream_of(item))
    }

    /// The most memory that the process had so far, in bytes.
    pub(crate) fn memory_peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Ends it as an operator does. Everything must have gone well, but for streams that were
    /// rolled back: the tests look at those themselves.
    #[track_caller]
    pub(crate) fn stop(mut self) -> String {
        self.process.terminate();
        let status = self.process.ended();
        let log = self.process.log();
        assert_eq!(status.code(), Some(0), "{log}");
        let is_error = |line: &&str| {
            let is_error = line.contains(" ERROR ") && !line.contains("] rolled back ");
            is_error || line.contains("panicked")
        };
        let errors: Vec<_> = log.lines().filter(is_error).collect();
        assert_eq!(errors, Vec::<&str>::new());
        log
    }

    /// Waits until its log has a text.
    #[track_caller]
    pub(crate) fn logged(&self, text: &str) {
        wait_until(&format!("{text:?} in the log"), DEADLINE, || self.process.log().contains(text));
    }
}

fn json() -> (HeaderName, HeaderValue) {
    (CONTENT_TYPE, HeaderValue::from_static("application/json"))
}
