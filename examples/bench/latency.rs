//! How long records are on their way through a live workflow that waits for no checkpoint: from NATS,
//! through a filter and a mapping, to NATS.
//!
//! Records are sent at their times, whether or not earlier ones arrived, and each counts from the time
//! at which it was to be sent. The same records straight through the server say what it takes alone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_nats::{Client, ConnectOptions, Subscriber};
use futures::StreamExt as _;
use tokio::runtime::Builder;
use weir_runtime::Stopwatch;
use weir_test_servers::Nats;

use crate::process;
use crate::product::Engine;

const RATES: [u64; 2] = [10_000, 50_000];
/// Records are sent as many at once as are due then.
const TICK: Duration = Duration::from_millis(1);
/// What the first seconds take is not what the others take.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long the last record is waited for.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) fn measure(seconds: u64, dir: &Path) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{seconds} s each, a checkpoint every 10 s; {}", crate::machine());
    println!();
    println!(
        "| records a second | through | median ms | p99 ms | p99.9 ms | longest ms | cores of weir |"
    );
    println!("|---|---|---|---|---|---|---|");
    let server = Nats::start();
    for rate in RATES {
        let alone = runtime.block_on(pass(&server, ("in", "in"), (rate, seconds)))?;
        row(rate, "NATS alone", &alone, 0.0);
        let at = dir.join(format!("latency-{rate}"));
        let project = at.join("project");
        write_project(&server, &project)?;
        let engine = Engine::start(&at, &project, &[])?;
        engine.wait_until_ready()?;
        runtime.block_on(until_it_passes(&server))?;
        let (before, watch) = (process::cpu(engine.pid()), Stopwatch::start());
        let weir = runtime.block_on(pass(&server, ("in", "out"), (rate, seconds)))?;
        let worked = process::cpu(engine.pid()).saturating_sub(before);
        let cores = worked.as_secs_f64() / watch.elapsed().as_secs_f64();
        engine.stop()?;
        row(rate, "NATS, weir, NATS", &weir, cores);
    }
    println!();
    Ok(())
}

/// Sorted, in microseconds.
type Delays = Vec<u64>;

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(rate: u64, through: &str, delays: &[u64], cores: f64) {
    let at = |per_mille: usize| {
        let index = (delays.len() - 1) * per_mille / 1_000;
        delays[index] as f64 / 1e3
    };
    println!(
        "| {rate} | {through} | {:.2} | {:.2} | {:.2} | {:.2} | {cores:.2} |",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

async fn connect(server: &Nats) -> anyhow::Result<Client> {
    let options = ConnectOptions::with_user_and_password(Nats::USER.into(), Nats::PASSWORD.into());
    // Else it drops what nobody has read yet.
    Ok(options.subscription_capacity(4 << 20).connect(server.url()).await?)
}

/// The workflow listens only a moment after it was deployed.
async fn until_it_passes(server: &Nats) -> anyhow::Result<()> {
    let client = connect(server).await?;
    let mut heard = client.subscribe("out").await?;
    let watch = Stopwatch::start();
    loop {
        client.publish("in", record(0, 0).into()).await?;
        if tokio::time::timeout(Duration::from_millis(100), heard.next()).await.is_ok() {
            return Ok(());
        }
        ensure!(watch.elapsed() < WITHIN, "nothing passes");
    }
}

/// Sends so many for so long, and returns how long each was on its way: all arrive, and once.
async fn pass(
    server: &Nats,
    (from, to): (&'static str, &'static str),
    (rate, seconds): (u64, u64),
) -> anyhow::Result<Delays> {
    let watch = Stopwatch::start();
    let heard = connect(server).await?;
    let subscriber = heard.subscribe(to).await?;
    heard.flush().await?;
    let count = rate * (seconds + WARM_UP.as_secs());
    let client = connect(server).await?;
    let sending = send(&client, from, (rate, count), watch);
    Ok(futures::try_join!(receive(subscriber, count, watch), sending)?.0)
}

async fn send(
    client: &Client,
    to: &'static str,
    (rate, count): (u64, u64),
    watch: Stopwatch,
) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(TICK);
    let begun = watch.elapsed();
    let mut sent = 0;
    while sent < count {
        ticks.tick().await;
        let due = (watch.elapsed() - begun).as_micros() as u64 * rate / 1_000_000;
        while sent < due.min(count) {
            let at = begun.as_micros() as u64 + sent * 1_000_000 / rate;
            client.publish(to, record(sent + 1, at).into()).await?;
            sent += 1;
        }
        client.flush().await?;
    }
    Ok(())
}

fn record(number: u64, at: u64) -> String {
    format!("{{\"n\":{number},\"at\":{at},\"amount\":{},\"place\":\"Berlin\"}}", number % 1_000)
}

async fn receive(
    mut subscriber: Subscriber,
    count: u64,
    watch: Stopwatch,
) -> anyhow::Result<Delays> {
    let mut delays = Vec::with_capacity(count as usize);
    let (mut arrived, mut sum) = (0, 0_u128);
    while arrived < count {
        let message = tokio::time::timeout(WITHIN, subscriber.next()).await;
        let message = message
            .with_context(|| format!("only {arrived} of {count} have arrived"))?
            .context("the server is gone")?;
        let now = watch.elapsed().as_micros() as u64;
        let (number, at) =
            (field(&message.payload, b"\"n\":")?, field(&message.payload, b"\"at\":")?);
        // What was sent to see whether the workflow listens.
        if number == 0 {
            continue;
        }
        arrived += 1;
        sum += u128::from(number);
        if at > WARM_UP.as_micros() as u64 {
            delays.push(now.saturating_sub(at));
        }
    }
    let wanted = u128::from(count) * u128::from(count + 1) / 2;
    ensure!(sum == wanted, "other records have arrived than were sent");
    delays.sort_unstable();
    Ok(delays)
}

fn field(body: &[u8], name: &[u8]) -> anyhow::Result<u64> {
    let at = body.windows(name.len()).position(|it| it == name).context("no such field")?;
    let digits = body[at + name.len()..].iter().take_while(|it| it.is_ascii_digit());
    Ok(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn write_project(server: &Nats, dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(
        dir.join("project.yaml"),
        "apiVersion: weir/v1\nkind: Project\nmetadata: { name: bench }\nspec: {}\n",
    )?;
    let connection = format!(
        "connection: {{ servers: [\"{}\"], user: {}, password: {} }}",
        server.url(),
        Nats::USER,
        Nats::PASSWORD
    );
    let workflow = format!(
        "apiVersion: weir/v1
kind: Workflow
metadata: {{ name: bench }}
spec:
  stages:
    - name: read
      source:
        nats:
          {connection}
          subject: in
          format:
            type: json
            schema: [{{ name: n, type: int64 }}, {{ name: at, type: int64 }}, {{ name: amount, type: int64 }},
              {{ name: place, type: string }}]
    - name: keep
      from: read
      processor: {{ filterRoute: {{ rules: [{{ when: amount >= 0, to: kept }}], otherwise: drop }} }}
    - name: derive
      from: keep.kept
      processor: {{ mapping: {{ set: {{ cents: amount * 100 }} }} }}
    - name: write
      from: derive
      sink: {{ nats: {{ {connection}, subject: out, jetStream: false, delivery: immediate, format: {{ type: json }} }} }}
"
    );
    fs::write(dir.join("bench.yaml"), workflow)?;
    Ok(())
}
