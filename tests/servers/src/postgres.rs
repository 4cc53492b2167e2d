//! PostgreSQL. It refuses to run as root: then it runs as the user of its Debian package.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::directory::Directory;
use crate::disk;
use crate::ports::free_port;
use crate::process::{self, Process};
use crate::{Database, Options, PASSWORD, USER};

const PACKAGE: &str = "postgresql";
const ADMINISTRATOR: &str = "postgres";

/// Everybody from anywhere with a password; the socket is in a directory of ours.
const ACCESS: &str =
    "local all all trust\nlocal replication all trust\nhost all all all scram-sha-256\n";

pub struct Postgres {
    process: Option<Process>,
    directory: Directory,
    options: Options,
    databases: AtomicU32,
}

impl Postgres {
    /// The server that the tests of this process share. Databases on it are their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options { fast: true, ..Options::default() }))
    }

    pub fn start(mut options: Options) -> Self {
        if options.bind.is_empty() {
            options.bind = "127.0.0.1".to_owned();
        }
        let directory = Directory::new();
        own(directory.path());
        let data = directory.path().join("data");
        let mut install = Command::new(tool("initdb"));
        install.arg("--pgdata").arg(&data).args(["--auth=trust", "--encoding=UTF8"]);
        install.args(["--locale=C", "--no-sync", "--username", ADMINISTRATOR]);
        install.current_dir(directory.path());
        process::run(as_user(&mut install));
        fs::write(data.join("pg_hba.conf"), ACCESS).expect("T1: the directory is ours");
        let mut server = Self::installed(directory, options);
        server.run();
        server.execute(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"));
        server
    }

    /// One whose data are in its directory.
    fn installed(directory: Directory, mut options: Options) -> Self {
        if options.port == 0 {
            options.port = free_port(&options.bind);
        }
        if let Some(tls) = &mut options.tls {
            for file in [&mut tls.certificate, &mut tls.key, &mut tls.ca] {
                *file = copied(file, directory.path());
            }
        }
        Self { process: None, directory, options, databases: AtomicU32::new(0) }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn run(&mut self) {
        let path = self.directory.path();
        let mut settings = vec![
            format!("listen_addresses={}", self.options.bind),
            format!("unix_socket_directories={}", path.display()),
            "max_connections=500".to_owned(),
            "shared_buffers=64MB".to_owned(),
        ];
        if self.options.fast {
            settings.extend(["fsync=off".to_owned(), "full_page_writes=off".to_owned()]);
        }
        if let Some(tls) = &self.options.tls {
            settings.push("ssl=on".to_owned());
            settings.push(format!("ssl_cert_file={}", tls.certificate.display()));
            settings.push(format!("ssl_key_file={}", tls.key.display()));
            settings.push(format!("ssl_ca_file={}", tls.ca.display()));
        }
        let mut command = self.command();
        command.arg("-D").arg(self.data()).arg("-p").arg(self.options.port.to_string());
        command.args(settings.iter().flat_map(|it| ["-c", it]));
        command.args(&self.options.arguments).current_dir(path);
        let mut process = Process::start(&self.directory, command);
        process.wait_ready(path, || {
            let answer = self.client("postgres").arg("--command=SELECT 1").output();
            answer.is_ok_and(|it| it.status.success())
        });
        self.process = Some(process);
    }

    /// The wrapper may need root: then the user changes inside it.
    fn command(&self) -> Command {
        let program = tool("postgres");
        let mut wrapper = self.options.wrapper.clone();
        wrapper
            .extend(self.options.disk_mib.iter().flat_map(|it| disk::wrapper(&self.data(), *it)));
        if wrapper.is_empty() {
            let mut command = Command::new(program);
            as_user(&mut command);
            return command;
        }
        if process::is_root() {
            let (user, group) = package_user();
            let ids = [format!("--reuid={user}"), format!("--regid={group}")];
            wrapper.push("setpriv".to_owned());
            wrapper.extend(ids);
            wrapper.push("--clear-groups".to_owned());
        }
        process::wrapped(&wrapper, &program)
    }

    fn client(&self, database: &str) -> Command {
        let mut client = Command::new(tool("psql"));
        client.arg("--no-psqlrc").arg("--host").arg(self.directory.path());
        client.arg("--port").arg(self.options.port.to_string());
        client.args(["--username", ADMINISTRATOR, "--dbname", database]);
        client.args(["--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        client
    }

    /// Runs SQL as the server's administrator; returns what it printed.
    pub fn execute(&self, sql: &str) -> String {
        self.execute_in("postgres", sql)
    }

    /// The same in one of the databases.
    pub fn execute_in(&self, database: &str, sql: &str) -> String {
        let output = process::run(self.client(database).arg(format!("--command={sql}")));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A new and empty database.
    pub fn database(&self) -> Database {
        let name = format!("weir_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} OWNER {USER}"));
        Database {
            host: crate::reachable(&self.options.bind),
            port: self.options.port,
            name,
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
        }
    }

    pub fn port(&self) -> u16 {
        self.options.port
    }

    /// Ends the server in good order; open connections are cut.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Kills the server: what it had not written is gone.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            process.end(&self.directory, signal);
        }
    }

    /// Stops all of the server's work without ending it: connections stay open, nothing answers.
    pub fn freeze(&self) {
        self.process.iter().for_each(Process::freeze);
    }

    pub fn thaw(&self) {
        self.process.iter().for_each(|it| it.signal(Signal::CONT));
    }

    /// Takes all space of its disk, which must be one of its own.
    pub fn fill_disk(&self) {
        self.process.iter().for_each(|it| disk::fill(it.id(), &self.data()));
    }

    /// Gives the space back.
    pub fn free_disk(&self) {
        self.process.iter().for_each(|it| disk::free(it.id(), &self.data()));
    }

    /// Starts another server that has all that this one has, and follows it from now on.
    pub fn follower(&self, port: u16) -> Self {
        let directory = Directory::new();
        own(directory.path());
        let mut copy = Command::new(tool("pg_basebackup"));
        copy.arg("--pgdata").arg(directory.path().join("data"));
        copy.arg("--host").arg(self.directory.path()).arg("--port").arg(self.port().to_string());
        copy.args(["--username", ADMINISTRATOR, "--checkpoint=fast", "--write-recovery-conf"]);
        copy.current_dir(directory.path());
        process::run(as_user(&mut copy));
        let mut follower = Self::installed(directory, Options { port, ..self.options.clone() });
        follower.run();
        follower
    }

    /// Takes over what the other server has so far, and ends: it gets nothing more.
    pub fn stop_following(&mut self, followed: &Self) {
        let position = followed.execute("SELECT pg_current_wal_lsn()");
        let has_all = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", position.trim());
        let mut process = self.process.take().expect("it follows");
        process.wait_ready(self.directory.path(), || self.execute(&has_all).trim() == "t");
        self.process = Some(process);
        self.stop();
    }

    /// Takes the place of the server that it followed, which has ended.
    pub fn promote(&mut self, port: u16) {
        self.options.port = port;
        self.run();
        self.execute("SELECT pg_promote()");
    }

    /// Starts the server again on its data and port, after `stop` or `kill`; ends it first if it
    /// runs.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
    }

    /// Starts the server again with other arguments.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.options.arguments = arguments.iter().map(|&it| it.to_owned()).collect();
        self.restart();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The newest version that is installed.
fn tool(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|it| {
            let version = it.file_name().to_str()?.parse().ok()?;
            Some((version, it.path().join("bin").join(name)))
        })
        .collect();
    versions.sort();
    let mut places: Vec<PathBuf> = versions.into_iter().rev().map(|it| it.1).collect();
    places.push(PathBuf::from("/usr/bin").join(name));
    process::program(&places, PACKAGE)
}

/// User and group of the Debian package.
fn package_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(ADMINISTRATOR);
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        is_it.then_some((user, group))
    });
    ids.unwrap_or_else(|| {
        panic!("there is no user {ADMINISTRATOR}: run `sudo apt-get install {PACKAGE}`")
    })
}

fn as_user(command: &mut Command) -> &mut Command {
    if process::is_root() {
        let (user, group) = package_user();
        command.uid(user).gid(group);
    }
    command
}

fn own(path: &Path) {
    if process::is_root() {
        let (user, group) = package_user();
        chown(path, Some(user), Some(group)).expect("T1: the path is ours");
    }
}

/// A copy that the server accepts: its own, and readable by nobody else.
fn copied(file: &Path, directory: &Path) -> PathBuf {
    let name = file.file_name().expect("a file has a name");
    let copy = directory.join(name);
    fs::copy(file, &copy).unwrap_or_else(|e| panic!("{} can't be copied: {e}", file.display()));
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).expect("T1: the copy is ours");
    own(&copy);
    copy
}
