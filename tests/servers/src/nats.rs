//! NATS, with JetStream.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectOptions, Subscriber};
use futures::StreamExt as _;
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};

use crate::directory::Directory;
use crate::ports::free_port;
use crate::process::{self, Process};
use crate::{PASSWORD, USER};

const PACKAGE: &str = "nats-server";

pub struct Nats {
    process: Option<Process>,
    directory: Directory,
    port: u16,
    runtime: Runtime,
}

/// A message as a reader gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsMessage {
    pub subject: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Nats {
    pub const USER: &str = USER;
    pub const PASSWORD: &str = PASSWORD;

    /// One that only its user may use.
    pub fn start() -> Self {
        let directory = Directory::new();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread for the client");
        let port = free_port("127.0.0.1");
        let mut server = Self { process: None, directory, port, runtime };
        let conf = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\n\
             authorization {{ user: {USER}, password: \"{PASSWORD}\" }}\n",
            server.directory.path().join("store").display()
        );
        fs::write(server.conf(), conf).expect("T1: the directory is ours");
        server.run();
        server
    }

    fn conf(&self) -> PathBuf {
        self.directory.path().join("nats.conf")
    }

    fn run(&mut self) {
        let places = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
        let places = places.map(|it| PathBuf::from(it).join("nats-server"));
        let mut command = Command::new(process::program(&places, PACKAGE));
        command.arg("--config").arg(self.conf());
        let mut process = Process::start(&self.directory, command);
        process.wait_ready(self.directory.path(), || self.is_ready());
        self.process = Some(process);
    }

    fn is_ready(&self) -> bool {
        // It has JetStream ready when it begins to listen.
        self.runtime.block_on(self.connect()).is_ok()
    }

    async fn connect(&self) -> Result<Client, async_nats::ConnectError> {
        let options = ConnectOptions::with_user_and_password(USER.into(), PASSWORD.into());
        options.connection_timeout(Duration::from_secs(2)).connect(self.url()).await
    }

    async fn client(&self) -> Client {
        self.connect().await.expect("the server runs")
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// A stream that takes these subjects, and knows for ten minutes what was published.
    pub fn make_stream(&self, name: &str, subjects: &[&str]) {
        self.make(name, subjects, stream::RetentionPolicy::Limits);
    }

    /// The same of one that hands out each message once.
    pub fn make_queue(&self, name: &str, subjects: &[&str]) {
        self.make(name, subjects, stream::RetentionPolicy::WorkQueue);
    }

    fn make(&self, name: &str, subjects: &[&str], retention: stream::RetentionPolicy) {
        let config = stream::Config {
            retention,
            name: name.to_owned(),
            subjects: subjects.iter().map(|it| (*it).to_owned()).collect(),
            duplicate_window: Duration::from_secs(600),
            ..stream::Config::default()
        };
        self.runtime.block_on(async {
            let made = jetstream::new(self.client().await).create_stream(config).await;
            made.expect("the stream is new");
        });
    }

    pub fn delete_stream(&self, name: &str) {
        self.runtime.block_on(async {
            let deleted = jetstream::new(self.client().await).delete_stream(name).await;
            deleted.expect("the stream is there");
        });
    }

    /// Publishes to a stream, and waits until it has all.
    pub fn publish(&self, subject: &str, bodies: impl IntoIterator<Item = String>) {
        self.runtime.block_on(async {
            let context = jetstream::new(self.client().await);
            for body in bodies {
                let message = PublishMessage::build().payload(body.into()).header("kind", "test");
                let sent = context.send_publish(subject.to_owned(), message).await;
                sent.expect("the server runs").await.expect("a stream takes the subject");
            }
        });
    }

    /// Publishes to whoever listens now.
    pub fn tell(&self, subject: &str, bodies: impl IntoIterator<Item = String>) {
        self.runtime.block_on(async {
            let client = self.client().await;
            for body in bodies {
                let sent = client.publish(subject.to_owned(), body.into()).await;
                sent.expect("the server runs");
            }
            client.flush().await.expect("the server runs");
        });
    }

    /// Listens to subjects from now on.
    pub fn listen(&self, subject: &str) -> Listener<'_> {
        let subscriber = self.runtime.block_on(async {
            let client = self.client().await;
            let subscriber = client.subscribe(subject.to_owned()).await;
            client.flush().await.expect("the server runs");
            subscriber.expect("the server runs")
        });
        Listener { server: self, subscriber }
    }

    /// How many messages a stream has.
    pub fn count(&self, stream: &str) -> u64 {
        self.runtime.block_on(async {
            let stream = jetstream::new(self.client().await).get_stream(stream).await;
            stream.expect("the stream is there").cached_info().state.messages
        })
    }

    /// All messages of a stream.
    pub fn messages(&self, stream: &str) -> Vec<NatsMessage> {
        let count = self.count(stream);
        self.runtime.block_on(async {
            let stream = jetstream::new(self.client().await).get_stream(stream).await;
            let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
            let consumer = stream.expect("the stream is there").create_consumer(config).await;
            let consumer: PullConsumer = consumer.expect("the server runs");
            let mut messages = consumer.messages().await.expect("the server runs");
            let mut found = Vec::new();
            while (found.len() as u64) < count {
                let message = messages.next().await.expect("there are more");
                found.push(seen(&message.expect("the server runs").message));
            }
            found
        })
    }

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            process.end(&self.directory, signal);
        }
    }

    /// Starts the server again on its data and port.
    pub fn restart(&mut self) {
        self.stop();
        self.run();
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Hears what is told.
pub struct Listener<'a> {
    server: &'a Nats,
    subscriber: Subscriber,
}

impl Listener<'_> {
    /// The next message, if there is one soon.
    pub fn hear(&mut self) -> Option<NatsMessage> {
        let subscriber = &mut self.subscriber;
        self.server.runtime.block_on(async {
            let next = tokio::time::timeout(Duration::from_secs(30), subscriber.next()).await;
            next.ok().flatten().as_ref().map(seen)
        })
    }
}

fn seen(message: &async_nats::Message) -> NatsMessage {
    let headers = message.headers.iter().flat_map(|it| it.iter());
    let header = |(name, values): (&async_nats::HeaderName, &Vec<async_nats::HeaderValue>)| {
        let value = values.first().map(|it| it.as_str().to_owned());
        (name.to_string(), value.unwrap_or_default())
    };
    NatsMessage {
        subject: message.subject.to_string(),
        headers: headers.map(header).collect(),
        body: message.payload.to_vec(),
    }
}
