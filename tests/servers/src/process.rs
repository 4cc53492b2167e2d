//! The server's process: started, signalled and waited for.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::directory::Directory;

/// Longest wait for a server to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts the command with its output in `log` of the directory.
    pub(crate) fn start(directory: &Directory, mut command: Command) -> Self {
        let log = directory.path().join("log");
        let log = File::options().create(true).append(true).open(log).expect("T1: it is ours");
        let other = log.try_clone().expect("a file can be opened twice");
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(other)
            .spawn()
            .unwrap_or_else(|e| panic!("{} does not start: {e}", command.get_program().display()));
        directory.set_server(Some(child.id()));
        Self { child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the check holds; panics with the server's log if it never does.
    pub(crate) fn wait_ready(&mut self, directory: &Path, is_ready: impl Fn() -> bool) {
        let began = now();
        while !is_ready() {
            let has_ended = self.has_ended();
            if has_ended || began.elapsed() > PATIENCE {
                let log = fs::read_to_string(directory.join("log")).unwrap_or_default();
                panic!("the server did not start (ended: {has_ended}):\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to the server and to the processes that it started.
    pub(crate) fn signal(&self, signal: Signal) {
        for pid in std::iter::once(self.id()).chain(children(self.id())) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// Stops the server and its processes, and waits until none of their threads works any more:
    /// until the signal is taken the others go on.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        let began = now();
        let stands_still = || {
            let known = children(self.id());
            let are_stopped = is_stopped(self.id()) && known.iter().all(|it| is_stopped(*it));
            // One may have been started after they were listed and before its parent stood still.
            are_stopped && children(self.id()) == known
        };
        while !stands_still() {
            assert!(began.elapsed() < PATIENCE, "the server does not stand still");
            std::thread::sleep(Duration::from_millis(1));
            // A process that was started while the others were asked has not been asked.
            self.signal(Signal::STOP);
        }
    }

    /// Asks the server alone to end, and waits until it has. Whoever kills it kills all of its processes:
    /// one that is left keeps the next server out.
    pub(crate) fn end(&mut self, directory: &Directory, signal: Signal) {
        let mut others = Vec::new();
        if signal == Signal::KILL {
            // While it stands still it starts no more of them.
            self.freeze();
            others = children(self.id());
            self.signal(signal);
        } else {
            self.signal(Signal::CONT);
            self.ask_to_end(signal);
        }
        let began = now();
        while !self.has_ended() || others.iter().any(|it| is_alive(*it)) {
            if began.elapsed() > PATIENCE {
                self.signal(Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        directory.set_server(None);
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    fn ask_to_end(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

/// Whether there is such a process, which has not ended.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything.
    stat.rsplit_once(") ").is_some_and(|it| !it.1.starts_with(['Z', 'X']))
}

/// Whether no thread of the process runs; one that has ended works no more either.
fn is_stopped(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|it| {
        let stat = fs::read_to_string(it.path().join("stat")).ok()?;
        // Behind the name, which may hold anything.
        stat.rsplit_once(") ")?.1.chars().next()
    });
    states.all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

/// The processes that were started by this one, at any remove.
fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|it| it.parse::<u32>().ok()));
    }
    let below: Vec<_> = found.iter().flat_map(|it| children(*it)).collect();
    found.extend(below);
    found
}

#[expect(clippy::disallowed_methods, reason = "servers live in real time")]
fn now() -> Instant {
    Instant::now()
}

/// Runs a program to its end; panics with what it said if it fails.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{} does not start: {e}", command.get_program().display()));
    let said = || {
        let (out, error) = (&output.stdout, &output.stderr);
        format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
    };
    assert!(output.status.success(), "{command:?}: {}: {}", output.status, said());
    output
}

/// The program's path, or a panic with the command that installs it.
pub(crate) fn program(candidates: &[PathBuf], package: &str) -> PathBuf {
    let found = candidates.iter().find(|it| it.exists());
    found.cloned().unwrap_or_else(|| {
        panic!(
            "{} is not installed: run `scripts/tools test`, or `sudo apt-get install {package}`",
            candidates[0].display()
        )
    })
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The command, inside what it is to be wrapped with.
pub(crate) fn wrapped(wrapper: &[String], program: &Path) -> Command {
    match wrapper {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts processes for as long as it lives, up to a bound.
    const PROLIFIC: &str = "n=0; while [ $n -lt 400 ]; do sleep 600 & n=$((n+1)); done; wait";

    #[test]
    fn what_is_started_meanwhile_stands_still_too_and_is_killed() {
        for _ in 0..20 {
            let directory = Directory::new();
            let mut command = Command::new("sh");
            command.args(["-c", PROLIFIC]);
            let mut process = Process::start(&directory, command);
            let began = now();
            while children(process.id()).len() < 20 {
                assert!(began.elapsed() < PATIENCE, "nothing is started");
            }
            process.freeze();
            let all = children(process.id());
            assert!(all.iter().all(|it| is_stopped(*it)));
            process.end(&directory, Signal::KILL);
            assert!(!all.into_iter().any(is_alive));
        }
    }
}
