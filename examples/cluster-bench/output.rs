//! How long a live workflow's output stands still when an engine is lost: the longest time without a
//! record of any lane.
//!
//! Each engine has one of three lanes, which makes records at a steady rate and publishes them at once.
//! What was published since the last checkpoint is published again by whoever takes over, which is
//! how it is seen that nothing was left out.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_nats::{Client, ConnectOptions, Subscriber};
use futures::StreamExt as _;
use rustix::process::Signal;
use serde_json::{Value, json};
use weir_domain::ProjectName;
use weir_http_api::DeploymentRequest;
use weir_runtime::Stopwatch;
use weir_test_servers::Nats;

use crate::engines::Engines;
use crate::report::{Report, Samples, Target, millis};

const LANES: u64 = 3;
/// Records a second of all lanes.
const RATE: u64 = 600;
/// Before an engine is lost, and after all lanes are back.
const LEAD: Duration = Duration::from_secs(2);
const WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn measure(rounds: u64, server: &Nats, report: &mut Report) -> anyhow::Result<()> {
    let mut engines = Engines::start().await?;
    let client = connect(server).await?;
    let mut output = Output::of(client.subscribe("output").await?);
    let project = ProjectName::new("bench")?;
    engines.nodes[0].management.deploy(&project, &request(server, &engines)?).await?;
    output.hear_until(|it| it.lanes() == LANES as usize).await?;
    let mut gaps = Samples::default();
    for round in 0..rounds {
        engines.settled().await?;
        output.hear_for(LEAD).await?;
        output.restart();
        let lost = usize::try_from(round)? % engines.nodes.len();
        engines.nodes[lost].signal(Signal::KILL)?;
        engines.nodes[lost].until_ended().await?;
        output.hear_for(LEAD).await?;
        output.hear_until(|it| it.all_go_on()).await?;
        let gap = output.longest_gap();
        println!("output after kill -9: {:.0} ms", millis(gap));
        gaps.add(millis(gap));
    }
    output.check()?;
    let what =
        |figure| format!("output of a live workflow after kill -9: {figure} ({rounds} rounds)");
    report.value(&what("gap, median"), gaps.median(), "ms", Target::None);
    report.value(&what("gap, longest"), gaps.quantile(1.0), "ms", Target::AtMost(3_000.0));
    Ok(())
}

async fn connect(server: &Nats) -> anyhow::Result<Client> {
    let options = ConnectOptions::with_user_and_password(Nats::USER.into(), Nats::PASSWORD.into());
    Ok(options.connect(server.url()).await?)
}

/// What was heard of each lane.
struct Output {
    subscriber: Subscriber,
    watch: Stopwatch,
    since: Duration,
    lanes: BTreeMap<u64, Lane>,
}

#[derive(Default)]
struct Lane {
    /// When it was last heard.
    heard: Duration,
    longest_gap: Duration,
    highest: Option<u64>,
    /// Numbers that were stepped over, and have not come since.
    missing: Vec<u64>,
}

impl Output {
    fn of(subscriber: Subscriber) -> Self {
        let (watch, lanes) = (Stopwatch::start(), BTreeMap::new());
        Self { subscriber, watch, since: Duration::ZERO, lanes }
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Gaps count from now on.
    fn restart(&mut self) {
        self.since = self.watch.elapsed();
        for lane in self.lanes.values_mut() {
            lane.longest_gap = Duration::ZERO;
        }
    }

    /// Whether each lane was heard in the last tenth of a second.
    fn all_go_on(&self) -> bool {
        let now = self.watch.elapsed();
        self.lanes.values().all(|it| now - it.heard < Duration::from_millis(100))
    }

    fn longest_gap(&self) -> Duration {
        self.lanes.values().map(|it| it.longest_gap).max().unwrap_or_default()
    }

    async fn hear_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = self.watch.elapsed() + time;
        self.hear_until(|it| it.watch.elapsed() >= until).await
    }

    async fn hear_until(&mut self, is_enough: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let begun = self.watch.elapsed();
        while !is_enough(self) {
            ensure!(self.watch.elapsed() - begun < WITHIN, "the output does not go on");
            let next = tokio::time::timeout(Duration::from_millis(50), self.subscriber.next());
            let Ok(message) = next.await else { continue };
            let message = message.context("the server is gone")?;
            self.note(&serde_json::from_slice(&message.payload)?)?;
        }
        Ok(())
    }

    fn note(&mut self, record: &Value) -> anyhow::Result<()> {
        let of = |key: &str| record[key].as_u64().with_context(|| format!("{key} of {record}"));
        let (now, number) = (self.watch.elapsed(), of("number")?);
        let since = self.since;
        let lane = self.lanes.entry(of("partition")?).or_default();
        if lane.highest.is_some() && now > since {
            lane.longest_gap = lane.longest_gap.max(now - lane.heard);
        }
        lane.heard = now;
        lane.missing.retain(|it| *it != number);
        let next = lane.highest.map_or(number, |it| it + 1);
        lane.missing.extend(next..number);
        lane.highest = Some(lane.highest.map_or(number, |it| it.max(number)));
        Ok(())
    }

    fn check(&self) -> anyhow::Result<()> {
        for (lane, it) in &self.lanes {
            ensure!(it.missing.is_empty(), "lane {lane} has lost {:?}", it.missing);
        }
        Ok(())
    }
}

fn request(server: &Nats, engines: &Engines) -> anyhow::Result<DeploymentRequest> {
    let mut request: DeploymentRequest = serde_json::from_value(json!({
        "digest": "",
        "baseDir": engines.directory(),
        "plans": [{
            "workflow": "bench",
            "instances": LANES,
            "stages": [
                { "id": "make", "role": "source", "kind": "generator", "onError": "rollback", "config": {
                    "rate": RATE, "partitions": LANES, "fields": [
                        { "name": "partition", "make": "partition" },
                        { "name": "number", "make": "sequence" },
                    ],
                } },
                { "id": "tell", "role": "sink", "kind": "nats", "onError": "rollback", "config": {
                    "connection": {
                        "servers": [server.url()], "user": Nats::USER, "password": Nats::PASSWORD,
                    },
                    "subject": "output", "jetStream": false, "delivery": "immediate",
                    "format": { "type": "json" },
                } },
            ],
            "edges": [{ "from": "make", "port": "out", "to": "tell" }],
        }],
    }))?;
    request.digest = weir_project::digest(&request.plans);
    Ok(request)
}
