//! One engine of a cluster: a process on a host of its own, over several lives.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;
use weir_http_api::{LeaseView, MembersView, Page};

use super::super::ran::{Ran, binary};
use super::super::{DEADLINE, Net, wait_for, wait_until};
use super::clock::Clock;
use super::http::{self, Answer, Call};

pub(super) const MANAGEMENT_PORT: u16 = 8558;
const METRICS_PORT: u16 = 9095;
const REST_PORT: u16 = 5842;
/// What whoever changes the cluster shows.
pub(crate) const TOKEN: &str = "0123456789abcdef-of-tests";

pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) net: Arc<Net>,
    /// How to start it, after the name of the program.
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    directory: PathBuf,
    /// `None`: it has the clock of this machine.
    clock: Option<Clock>,
    child: Option<Child>,
    /// Where its present life begins in its log.
    life: usize,
    /// The most memory that any of its lives had, as far as it was seen.
    memory_peak: u64,
}

impl Node {
    /// Not running yet. `directory` is its own.
    pub(super) fn new(
        net: Arc<Net>,
        name: &str,
        arguments: Vec<OsString>,
        environment: Vec<(&'static str, OsString)>,
        directory: PathBuf,
    ) -> Self {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("weir.log"), "").unwrap();
        let name = name.to_owned();
        Self {
            name,
            net,
            arguments,
            environment,
            directory,
            clock: None,
            child: None,
            life: 0,
            memory_peak: 0,
        }
    }

    /// Gives it a clock of its own, which is off by so many seconds.
    pub(super) fn with_clock(mut self, seconds: i64) -> Self {
        self.clock = Some(Clock::new(&self.directory, seconds));
        self
    }

    /// Sets its clock, for its present life and for those to come.
    pub(crate) fn set_clock(&self, seconds: i64) {
        self.clock.as_ref().expect("it was given a clock of its own").set(seconds);
    }

    /// Begins a life. Only the thread that runs the test may: its processes die with it.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// As `start`, with further settings for this life.
    pub(crate) fn start_with(&mut self, settings: &[&str]) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        self.life = self.whole_log().len();
        let log = OpenOptions::new().append(true).open(self.directory.join("weir.log")).unwrap();
        let mut command = self.command();
        command.arg("reactive-engine").args(&self.arguments);
        for setting in settings {
            command.args(["-D", setting]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// `weir` on this node's host, in its directory and environment.
    pub(crate) fn command(&self) -> Command {
        let weir = binary().get_program().to_owned();
        let wrapper = self.clock.as_ref().map(Clock::wrapper).unwrap_or_default();
        let words: Vec<_> = wrapper.into_iter().chain([weir]).collect();
        let mut command = self.net.command(&self.name, words[0].to_str().unwrap());
        command.args(&words[1..]);
        command.env_remove("WEIR_SERVER").env("NO_COLOR", "1").current_dir(&self.directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A command of an operator on this node's host.
    #[track_caller]
    pub(crate) fn weir(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command().env("WEIR_MANAGEMENT_TOKEN", TOKEN).args(arguments))
    }

    /// As `weir`, for a command that takes a configuration: it gets this node's.
    #[track_caller]
    pub(crate) fn weir_with_conf(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command().args(arguments).args(&self.arguments))
    }

    fn pid(&self) -> Pid {
        let child = self.child.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name));
        Pid::from_child(child)
    }

    /// Ends it at once, as a loss of power would.
    pub(crate) fn kill(&mut self) {
        self.look_at_memory();
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        child.kill().unwrap();
        child.wait().unwrap();
        self.forget(child.id());
    }

    fn forget(&self, pid: u32) {
        if let Some(clock) = &self.clock {
            clock.forget(pid);
        }
    }

    /// It stands still, and its kernel goes on answering for it.
    pub(crate) fn pause(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
    }

    pub(crate) fn resume(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    pub(crate) fn terminate(&mut self) {
        self.look_at_memory();
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|it| it.try_wait().unwrap().is_none())
    }

    /// Waits until its life ends by itself.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let child = self.child.as_mut().unwrap_or_else(|| panic!("{} does not run", self.name));
        let status =
            wait_for(&format!("{} to end", self.name), DEADLINE, || child.try_wait().unwrap());
        self.child = None;
        status
    }

    /// If its life ended by itself, how.
    pub(crate) fn try_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        self.child = None;
        Some(status)
    }

    fn whole_log(&self) -> String {
        fs::read_to_string(self.directory.join("weir.log")).unwrap()
    }

    /// What it logged in its present or last life.
    pub(crate) fn log(&self) -> String {
        self.whole_log().split_off(self.life)
    }

    /// What it logged in all its lives.
    pub(crate) fn logs(&self) -> String {
        self.whole_log()
    }

    /// Waits until its log of this life has a text.
    #[track_caller]
    pub(crate) fn logged(&self, text: &str) {
        let what = format!("{text:?} in the log of {}", self.name);
        wait_until(&what, DEADLINE, || self.log().contains(text));
    }

    /// A request to its management.
    pub(crate) fn management(
        &self,
        method: &'static str,
        path: &str,
        body: &str,
    ) -> Result<Answer, String> {
        ask(&self.net, &self.name, MANAGEMENT_PORT, method, path, body)
    }

    /// A request to its REST API, with the token of its management.
    pub(crate) fn rest(&self, method: &'static str, path: &str, body: &str) -> Answer {
        ask(&self.net, &self.name, REST_PORT, method, path, body).unwrap()
    }

    /// A call of its REST API, by whoever has the token of its management unless the call says who.
    pub(crate) fn called(&self, call: &Call) -> Result<Answer, String> {
        let (stream, call) = self.to_rest(call)?;
        http::request(stream, &call).map_err(|it| it.to_string())
    }

    /// The same, and nobody hears the answer.
    pub(crate) fn called_unheard(&self, call: &Call) -> Result<TcpStream, String> {
        let (mut stream, call) = self.to_rest(call)?;
        http::send(&mut stream, &call).map_err(|it| it.to_string())?;
        Ok(stream)
    }

    fn to_rest(&self, call: &Call) -> Result<(TcpStream, Call), String> {
        let stream = self.net.connect(&self.name, &self.name, REST_PORT);
        let call = match call.head.contains("authorization:") {
            true => call.clone(),
            false => by_operator(call.clone()),
        };
        Ok((stream.map_err(|it| it.to_string())?, call))
    }

    /// What its management shows; `None` while it does not.
    pub(crate) fn shown<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let answer = self.management("GET", path, "").ok().filter(|it| it.status == 200)?;
        let read = serde_json::from_str(&answer.body);
        Some(
            read.unwrap_or_else(|error| {
                panic!("{path} of {}: {error}: {}", self.name, answer.body)
            }),
        )
    }

    pub(crate) fn members(&self) -> Option<MembersView> {
        self.shown("/cluster/members")
    }

    pub(crate) fn leases(&self) -> Option<Vec<LeaseView>> {
        self.shown::<Page<LeaseView>>("/cluster/leases").map(|it| it.items)
    }

    /// What it counted so far under a name of its metrics.
    pub(crate) fn counted(&self, metric: &str) -> u64 {
        let answer = ask(&self.net, &self.name, METRICS_PORT, "GET", "/metrics", "").unwrap();
        let line = answer.body.lines().find_map(|it| it.strip_prefix(metric)?.strip_prefix(' '));
        line.map_or(0, |it| it.parse().unwrap())
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.management("GET", "/ready", "").is_ok_and(|it| it.status == 200)
    }

    /// The most memory that it had so far, in bytes.
    pub(crate) fn memory_peak(&mut self) -> u64 {
        self.look_at_memory();
        self.memory_peak
    }

    fn look_at_memory(&mut self) {
        let Some(child) = &self.child else { return };
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.ok().and_then(|it| {
            let line = it.lines().find_map(|it| it.strip_prefix("VmHWM:"))?.trim().to_owned();
            line.trim_end_matches(" kB").parse::<u64>().ok()
        });
        self.memory_peak = self.memory_peak.max(peak.unwrap_or(0) * 1024);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended long ago: then there is nothing to kill.
            let _ = child.kill();
            let _ = child.wait();
            self.forget(child.id());
        }
        if std::thread::panicking() {
            let log = self.whole_log();
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(60)..].join("\n");
            eprintln!("--- the last lines of the log of {}:\n{last}", self.name);
        }
    }
}

/// A request to a server on a host, with the token, from within that host.
pub(super) fn ask(
    net: &Net,
    host: &str,
    port: u16,
    method: &'static str,
    path: &str,
    body: &str,
) -> Result<Answer, String> {
    sent(net, host, port, Call::new(method, path).body("application/json", body.into()))
}

/// The same to the management server, carried out once however often it is sent.
pub(super) fn ask_once(
    net: &Net,
    host: &str,
    (method, path, body): (&'static str, &str, &str),
    key: &str,
) -> Result<Answer, String> {
    let call = Call::new(method, path).body("application/json", body.into());
    sent(net, host, MANAGEMENT_PORT, call.header("idempotency-key", key))
}

fn sent(net: &Net, host: &str, port: u16, call: Call) -> Result<Answer, String> {
    let stream = net.connect(host, host, port).map_err(|it| it.to_string())?;
    http::request(stream, &by_operator(call)).map_err(|it| it.to_string())
}

fn by_operator(call: Call) -> Call {
    call.header("authorization", &format!("Bearer {TOKEN}"))
}
