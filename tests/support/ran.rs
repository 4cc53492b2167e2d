//! A command that ran to its end.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{DEADLINE, wait_for};

/// Everything that is seen of a command from outside.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What it was told.
    arguments: String,
    /// `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Runs a command; fails if it does not end.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let [mut stdout, mut stderr] = [(); 2].map(|()| tempfile::tempfile().unwrap());
        command.stdin(Stdio::null());
        command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
        let mut child = KilledOnDrop(command.spawn().unwrap());
        let status = wait_for("the command to end", DEADLINE, || child.0.try_wait().unwrap());
        let arguments = command.get_args().map(|it| it.to_string_lossy()).collect::<Vec<_>>();
        Self {
            arguments: arguments.join(" "),
            code: status.code(),
            stdout: text(&mut stdout),
            stderr: text(&mut stderr),
        }
    }

    /// Itself, where it exited with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        let Self { arguments, stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "weir {arguments}: {stdout}{stderr}");
        self
    }

    /// Standard output of a command that did what it was told.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

struct KilledOnDrop(std::process::Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // It has ended, as a rule: then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// `weir` with arguments, in an environment without settings of the one who runs the tests.
#[track_caller]
pub(crate) fn weir<const N: usize>(arguments: [&str; N]) -> Ran {
    Ran::of(binary().args(arguments))
}

/// Has no profiles.
const NOWHERE: &str = "/nonexistent/weir";

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.env_remove("WEIR_SERVER").env("NO_COLOR", "1");
    command.env_remove("WEIR_TOKEN").env_remove("WEIR_PROFILE").env("WEIR_CONFIG_DIR", NOWHERE);
    command
}
