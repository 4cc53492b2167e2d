//! A client that changes what is deployed, again and again, through whatever happens.
//!
//! Every command deploys another content of one project, so that each changes something, and is
//! repeated at the next node until it is acknowledged. So the journal must have one event for each
//! that was: one that was lost, or done twice, is seen by the count.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::json;
use weir_domain::Millis;
use weir_http_api::DeploymentRequest;
use weir_runtime::Stopwatch;

use super::super::{DEADLINE, Net, wait_until};
use super::Cluster;
use super::node::ask_once;
use super::oracle::written;

/// One client does so much, and leaves the machine to the cluster.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Commands {
    is_over: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    thread: Option<JoinHandle<Done>>,
}

/// What a client knows at its end.
pub(crate) struct Done {
    /// Events that were there before.
    pub(super) before: u64,
    /// When each command was acknowledged.
    pub(super) acknowledged: Vec<Duration>,
    /// One more was sent, and never answered.
    pub(super) is_last_open: bool,
    /// What was said of attempts that failed.
    failures: Vec<String>,
}

impl Done {
    /// The longest time without an acknowledged command.
    pub(crate) fn gap(&self) -> Duration {
        let pairs = self.acknowledged.windows(2).map(|it| it[1] - it[0]);
        pairs.max().unwrap_or_default()
    }

    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }
}

impl Commands {
    /// Begins with the nodes at these positions, which must be up.
    pub(crate) fn start(cluster: &Cluster, nodes: &[usize]) -> Self {
        let (is_over, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let before = written(&cluster.database);
        for name in ["commands-in", "commands-out"] {
            std::fs::create_dir_all(cluster.root().join(name)).unwrap();
        }
        let client = Client {
            net: cluster.net.clone(),
            names: nodes.iter().map(|it| cluster.nodes[*it].name.clone()).collect(),
            base_dir: cluster.root().display().to_string(),
            is_over: is_over.clone(),
            count: count.clone(),
        };
        let thread = Some(thread::spawn(move || client.run(before)));
        Self { is_over, count, thread }
    }

    /// Waits until so many more commands are acknowledged.
    #[track_caller]
    pub(crate) fn go_on(&self, more: usize) {
        let wanted = self.count.load(Ordering::Relaxed) + more;
        wait_until("commands to be acknowledged", DEADLINE, || {
            self.count.load(Ordering::Relaxed) >= wanted
        });
    }

    pub(crate) fn end(mut self) -> Done {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().expect("it ends once").join().unwrap()
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

struct Client {
    net: Arc<Net>,
    names: Vec<String>,
    base_dir: String,
    is_over: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
}

impl Client {
    fn run(self, before: u64) -> Done {
        let watch = Stopwatch::start();
        let mut done = Done { before, acknowledged: vec![], is_last_open: false, failures: vec![] };
        let mut node = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let number = before + done.acknowledged.len() as u64;
            match self.deploy(&self.names[node % self.names.len()], number) {
                Ok(()) => {
                    done.acknowledged.push(watch.elapsed());
                    done.is_last_open = false;
                    self.count.fetch_add(1, Ordering::Relaxed);
                }
                // Whether it was done is not known: it is asked for again, of another node.
                Err(failure) => {
                    let name = &self.names[node % self.names.len()];
                    done.failures.push(format!("{:?} {name}: {failure}", watch.elapsed()));
                    done.is_last_open = true;
                    node += 1;
                }
            }
            thread::sleep(PAUSE);
        }
        done
    }

    fn deploy(&self, name: &str, number: u64) -> Result<(), String> {
        let body = serde_json::to_string(&deployment(&self.base_dir, number)).unwrap();
        let path = "/deployments/commands";
        // An attempt that was given up may arrive late, behind other commands.
        let key = format!("command {number}");
        let answer = ask_once(&self.net, name, ("PUT", path, &body), &key)?;
        match answer.status {
            200 => Ok(()),
            status => Err(format!("{status} {}", answer.body)),
        }
    }
}

/// A project that has nothing to do: no file comes. Each number gives another content.
fn deployment(base_dir: &str, number: u64) -> DeploymentRequest {
    let file = |directory: &str, more: serde_json::Value| {
        let mut config = json!({ "directory": directory, "format": { "type": "json" } });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let read = file("commands-in", json!({ "interval": "10s" }));
    let write = file("commands-out", json!({ "name": "${item:stem}" }));
    let request = json!({
        "digest": "",
        "baseDir": base_dir,
        "plans": [{
            "workflow": "commands",
            "instances": 1,
            "stages": [
                { "id": "read", "role": "source", "kind": "file", "config": read,
                  "onError": "ignore" },
                { "id": "write", "role": "sink", "kind": "file", "config": write,
                  "onError": "ignore" },
            ],
            "edges": [{ "from": "read", "port": "out", "to": "write" }],
        }],
    });
    let mut request: DeploymentRequest = serde_json::from_value(request).unwrap();
    request.plans[0].retry.min_backoff = Millis(1_000 + number);
    request.digest = weir_project::digest(&request.plans);
    request
}
