//! A server's directory, with a watchdog: a shell that waits for the end of this process, then
//! kills the server that is named in the directory, and removes the directory.
//!
//! The watchdog notices by the end of its input, which this process holds: no signal, panic or
//! kill gets around it. It is in a process group of its own, so that a Ctrl-C does not reach it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

const WATCHDOG: &str = r#"
read -r _
if [ -s "$0/pid" ]; then
    pid=$(cat "$0/pid")
    children=$(cat /proc/"$pid"/task/*/children 2>/dev/null)
    # shellcheck disable=SC2086
    kill -9 "$pid" $children 2>/dev/null
    while kill -0 "$pid" 2>/dev/null && [ "$(cut -d" " -f3 /proc/"$pid"/stat 2>/dev/null)" != Z ]; do
        sleep 0.05
    done
fi
rm -rf "$0"
"#;

pub(crate) struct Directory {
    path: PathBuf,
    watchdog: Child,
    input: Option<ChildStdin>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        let path = tempfile::Builder::new()
            .prefix("weir-test-")
            .tempdir()
            .expect("a temporary directory can be made")
            .keep();
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG])
            .arg(&path)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh is installed");
        let input = watchdog.stdin.take();
        Self { path, watchdog, input }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Says which process the watchdog ends; `None`: there is none.
    pub(crate) fn set_server(&self, pid: Option<u32>) {
        let text = pid.map(|it| it.to_string()).unwrap_or_default();
        fs::write(self.path.join("pid"), text).expect("T1: the directory is ours");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.watchdog.wait();
    }
}
