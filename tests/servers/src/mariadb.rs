//! MariaDB.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::directory::Directory;
use crate::disk;
use crate::ports::free_port;
use crate::process::{self, Process};
use crate::{Database, Options, PASSWORD, USER};

const PACKAGE: &str = "mariadb-server";
/// Who a follower is to the server that it follows.
const FOLLOWER: &str = "follower";

pub struct MariaDb {
    process: Option<Process>,
    directory: Directory,
    options: Options,
    databases: AtomicU32,
}

impl MariaDb {
    /// The server that the tests of this process share. Databases on it are their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options { fast: true, ..Options::default() }))
    }

    pub fn start(mut options: Options) -> Self {
        if options.bind.is_empty() {
            options.bind = "127.0.0.1".to_owned();
        }
        if options.port == 0 {
            options.port = free_port(&options.bind);
        }
        let directory = Directory::new();
        let mut install = Command::new(tool("mariadb-install-db"));
        install
            .arg("--no-defaults")
            .arg(format!("--datadir={}", directory.path().join("data").display()))
            // A server that starts removes what others have of temporary tables in the same place.
            .arg(format!("--tmpdir={}", directory.path().display()))
            .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
            .arg("--innodb-log-file-size=16M");
        if process::is_root() {
            install.arg("--user=root");
        }
        process::run(&mut install);
        let mut server = Self { process: None, directory, options, databases: AtomicU32::new(0) };
        server.run();
        server.execute(&format!(
            "CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
             GRANT ALL PRIVILEGES ON `weir%`.* TO '{USER}'@'%';"
        ));
        server
    }

    fn run(&mut self) {
        let path = self.directory.path();
        let mut wrapper = self.options.wrapper.clone();
        wrapper
            .extend(self.options.disk_mib.iter().flat_map(|it| disk::wrapper(&self.data(), *it)));
        let mut command = process::wrapped(&wrapper, &tool("mariadbd"));
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--tmpdir={}", path.display()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--pid-file={}", path.join("mariadb.pid").display()))
            .arg(format!("--bind-address={}", self.options.bind))
            .arg(format!("--port={}", self.options.port))
            .args(["--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M"])
            .args(["--max-connections=500", "--skip-name-resolve", "--skip-log-bin"]);
        if process::is_root() {
            command.arg("--user=root");
        }
        if self.options.fast {
            command.args(["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"]);
        }
        if self.options.is_followed {
            command.args(["--log-bin=log", "--sync-binlog=1", "--server-id=1"]);
        }
        if let Some(tls) = &self.options.tls {
            command
                .arg(format!("--ssl-cert={}", tls.certificate.display()))
                .arg(format!("--ssl-key={}", tls.key.display()))
                .arg(format!("--ssl-ca={}", tls.ca.display()));
        }
        command.args(&self.options.arguments);
        let mut process = Process::start(&self.directory, command);
        process.wait_ready(path, || {
            let answer = self.client().arg("--execute=SELECT 1").output();
            answer.is_ok_and(|it| it.status.success())
        });
        self.process = Some(process);
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn client(&self) -> Command {
        let mut client = Command::new(tool("mariadb"));
        client.arg("--no-defaults").arg(format!("--socket={}", self.socket().display()));
        client.args(["--user=root", "--batch", "--skip-column-names"]);
        client
    }

    /// Runs SQL as the server's administrator; returns what it printed.
    pub fn execute(&self, sql: &str) -> String {
        let output = process::run(self.client().arg(format!("--execute={sql}")));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The same in one of the databases.
    pub fn execute_in(&self, database: &str, sql: &str) -> String {
        let mut client = self.client();
        let output = process::run(client.args(["--database", database]).arg(format!("-e{sql}")));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A new and empty database.
    pub fn database(&self) -> Database {
        let name = format!("weir_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name}"));
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

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
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

    /// Starts another server, with databases of the same names, that follows this one from now on.
    pub fn follower(&self, port: u16) -> Self {
        let options = Options {
            port,
            is_followed: false,
            arguments: vec!["--server-id=2".to_owned()],
            ..self.options.clone()
        };
        let follower = Self::start(options);
        (0..self.databases.load(Ordering::Relaxed)).for_each(|_| drop(follower.database()));
        self.execute(&format!(
            "CREATE USER '{FOLLOWER}'@'%' IDENTIFIED BY '{PASSWORD}';
             GRANT REPLICATION SLAVE ON *.* TO '{FOLLOWER}'@'%';"
        ));
        follower.execute(&format!(
            "SET GLOBAL gtid_slave_pos = '{}';
             CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = '{FOLLOWER}',
                 MASTER_PASSWORD = '{PASSWORD}', MASTER_USE_GTID = slave_pos;
             START SLAVE;",
            self.position(),
            self.options.port
        ));
        follower
    }

    fn position(&self) -> String {
        self.execute("SELECT @@gtid_binlog_pos").trim().to_owned()
    }

    /// Takes over what the other server has so far, and nothing that it gets from now on.
    pub fn stop_following(&mut self, followed: &Self) {
        let wait = format!("SELECT MASTER_GTID_WAIT('{}', 60)", followed.position());
        let state = || self.execute("SHOW SLAVE STATUS\\G");
        assert_eq!(self.execute(&wait).trim(), "0", "it does not follow: {}", state());
        self.execute("STOP SLAVE; RESET SLAVE ALL;");
    }

    /// Takes the place of the server that it followed, which has ended.
    pub fn promote(&mut self, port: u16) {
        self.options.port = port;
        self.restart();
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

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}

fn tool(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
    process::program(&places.map(|it| PathBuf::from(it).join(name)), PACKAGE)
}
