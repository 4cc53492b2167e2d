//! Kafka: one broker that is its own controller, from the jars of Maven Central.

mod client;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use rustix::process::Signal;

use crate::authority::Certified;
use crate::directory::Directory;
use crate::ports::free_port;
use crate::process::{self, Process};
use crate::{PASSWORD, USER};

pub use client::{Received, Sent, Transaction};

const CLUSTER: &str = "MkU3OEVBNTcwNTJENDM2Qg";
const LOOPBACK: &str = "127.0.0.1";

pub struct Kafka {
    process: Option<Process>,
    directory: Directory,
    /// The address that clients reach it at.
    host: String,
    ports: Ports,
    /// Signs the broker's certificate.
    ca: String,
    arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    plain: u16,
    sasl: u16,
    tls: u16,
    controller: u16,
}

impl Kafka {
    pub const USER: &str = USER;
    pub const PASSWORD: &str = PASSWORD;

    /// The broker that the tests of this process share. Topics on it are their own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more lines for its properties.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_on(LOOPBACK, arguments)
    }

    /// At another address of this machine, or of the network that the calling thread is in: all that
    /// is then asked of the broker must be asked from there.
    pub fn start_at(address: &str) -> Self {
        Self::start_on(address, &[])
    }

    fn start_on(host: &str, arguments: &[&str]) -> Self {
        let port = || free_port(host);
        let ports = Ports { plain: port(), sasl: port(), tls: port(), controller: port() };
        let directory = Directory::new();
        let ca = certificate(&directory);
        let arguments = arguments.iter().map(|&it| it.to_owned()).collect();
        let host = host.to_owned();
        let mut broker = Self { process: None, directory, host, ports, ca, arguments };
        fs::write(broker.properties(), broker.configuration()).expect("T1: it is ours");
        let scram = |mechanism: &str| format!("{mechanism}=[name={USER},password={PASSWORD}]");
        let mut format = java("64m");
        format.args(["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER]);
        format.arg("--config").arg(broker.properties());
        format.args(["--add-scram", &scram("SCRAM-SHA-256")]);
        format.args(["--add-scram", &scram("SCRAM-SHA-512")]);
        process::run(&mut format);
        broker.run();
        broker
    }

    fn properties(&self) -> PathBuf {
        self.directory.path().join("properties")
    }

    fn configuration(&self) -> String {
        let Ports { plain, sasl, tls, controller } = self.ports;
        let (path, host) = (self.directory.path().display(), &self.host);
        let listeners =
            format!("PLAINTEXT://{host}:{plain},SASL_PLAINTEXT://{host}:{sasl},SSL://{host}:{tls}");
        let mut text = format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@{LOOPBACK}:{controller}\n\
             controller.listener.names=CONTROLLER\n\
             listeners={listeners},CONTROLLER://{LOOPBACK}:{controller}\n\
             advertised.listeners={listeners}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\
             SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL\n\
             sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n\
             listener.name.sasl_plaintext.plain.sasl.jaas.config=\
             org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";\n\
             ssl.keystore.type=PEM\n\
             ssl.keystore.location={path}/broker.pem\n\
             log.dirs={path}/data\n\
             offsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor=1\n\
             transaction.state.log.num.partitions=4\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             transaction.abort.timed.out.transaction.cleanup.interval.ms=500\n\
             group.initial.rebalance.delay.ms=0\n\
             auto.create.topics.enable=false\n\
             log.cleaner.dedupe.buffer.size=4194304\n"
        );
        for mechanism in ["scram-sha-256", "scram-sha-512"] {
            writeln!(
                text,
                "listener.name.sasl_plaintext.{mechanism}.sasl.jaas.config=\
                 org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
            .expect("a text takes everything");
        }
        self.arguments.iter().for_each(|it| writeln!(text, "{it}").expect("a text takes it"));
        text
    }

    fn run(&mut self) {
        let mut command = java("512m");
        command.arg("kafka.Kafka").arg(self.properties());
        let mut process = Process::start(&self.directory, command);
        process.wait_ready(self.directory.path(), || client::is_there(&self.plain()));
        self.process = Some(process);
    }

    /// Where everybody may do everything.
    pub fn plain(&self) -> String {
        format!("{}:{}", self.host, self.ports.plain)
    }

    /// Where a user is asked for.
    pub fn sasl(&self) -> String {
        format!("{}:{}", self.host, self.ports.sasl)
    }

    /// Where the broker shows a certificate.
    pub fn tls(&self) -> String {
        format!("{}:{}", self.host, self.ports.tls)
    }

    /// The certificate that the broker's is issued by, as PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Ends the broker in good order.
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Kills the broker.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            process.end(&self.directory, signal);
        }
    }

    /// Stops all of the broker's work without ending it: connections stay open, nothing answers.
    pub fn freeze(&self) {
        self.process.iter().for_each(Process::freeze);
    }

    pub fn thaw(&self) {
        self.process.iter().for_each(|it| it.signal(Signal::CONT));
    }

    /// Starts the broker again on its data and ports; ends it first if it runs.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Java with the broker's jars, and with what keeps it small and quick to start.
fn java(heap: &str) -> Command {
    let places = ["/usr/bin/java", "/usr/local/bin/java"];
    let mut java =
        Command::new(process::program(&places.map(PathBuf::from), "default-jre-headless"));
    let jars = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/kafka");
    assert!(
        jars.join("kafka_2.13-4.2.2.jar").exists(),
        "{} has no Kafka: run `scripts/tools test`",
        jars.display()
    );
    java.arg(format!("-Xmx{heap}"));
    java.args(["-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
    java.arg(jars.join("*"));
    java
}

/// Makes an authority and the broker's certificate; returns the authority's.
fn certificate(directory: &Directory) -> String {
    let Certified { authority, certificate, key } = Certified::of(&["127.0.0.1"]);
    let store = format!("{key}{certificate}{authority}");
    fs::write(directory.path().join("broker.pem"), store).expect("T1: the directory is ours");
    authority
}
