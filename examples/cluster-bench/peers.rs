//! Messages between two processes over mutual TLS: the peer links against ractor_cluster alone.
//!
//! Either side of a run is a pair of processes that this binary starts of itself, so that no run
//! meets what another one left in ractor's registries, which are global to a process.

mod links;
mod raw;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use weir_domain::Clock as _;
use weir_remote::certs::{Existing, dev};
use weir_runtime::{Stopwatch, SystemClock};

use crate::report::{Report, Samples, Target, millis, per_second, rate};

const HOST: &str = "localhost";
const TELLS: u64 = 100_000;
const ASKS: u64 = 4_000;
const WARM_UP: u64 = 2_000;
const ROUNDS: usize = 5;
/// What a message carries.
const PAYLOAD: [u8; 100] = [7; 100];

/// The first argument of a process that is one end of a pair.
const PEER: &str = "peer";

/// What the asking end of a pair found.
#[derive(Debug, Clone, Copy)]
struct Found {
    tells_per_second: f64,
    round_trip_ms: f64,
}

/// What the asking end does, whatever carries it.
trait Link {
    /// Sends without waiting for an answer. It may wait for room.
    async fn tell(&self) -> anyhow::Result<()>;
    /// Returns what was sent.
    async fn echo(&self) -> anyhow::Result<Vec<u8>>;
    /// How many tells were handled so far.
    async fn handled(&self) -> anyhow::Result<u64>;
}

pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let certificates = TempDir::new()?;
    dev(certificates.path(), &[HOST.to_owned()], Existing::Keep, SystemClock.now())?;
    let (mut tells, mut trips) =
        ([(); 2].map(|()| Samples::default()), [(); 2].map(|()| Samples::default()));
    for round in 0..=ROUNDS {
        for (at, carrier) in ["raw", "links"].into_iter().enumerate() {
            let found = pair(carrier, certificates.path())?;
            if round > 0 {
                tells[at].add(found.tells_per_second);
                trips[at].add(found.round_trip_ms);
            }
        }
    }
    let [bare, weir] = tells.map(|it| it.median());
    report.ratio(
        "remote tells of 100 bytes, TLS",
        &rate(bare),
        &rate(weir),
        weir / bare,
        Target::AtLeast(0.8),
    );
    let [bare, weir] = trips.map(|it| it.median());
    let us = |it: f64| format!("{:.0} µs", it * 1e3);
    report.ratio(
        "remote round trip, p50, TLS",
        &us(bare),
        &us(weir),
        weir / bare,
        Target::AtMost(1.3),
    );
    Ok(())
}

/// Starts both ends and takes what the asking one says.
fn pair(carrier: &str, certificates: &Path) -> anyhow::Result<Found> {
    let port = TcpListener::bind((HOST, 0))?.local_addr()?.port().to_string();
    let mut serving = Peer::start(&[carrier, "serve", &port], certificates)?;
    ensure!(serving.line()? == "serving", "{carrier} does not serve");
    let mut asking = Peer::start(&[carrier, "ask", &port], certificates)?;
    let line = asking.line()?;
    let words: Vec<_> = line.split(' ').map(str::parse).collect::<Result<_, _>>().context(line)?;
    let [tells_per_second, round_trip_ms] = words[..] else { bail!("{carrier} says {words:?}") };
    Ok(Found { tells_per_second, round_trip_ms })
}

/// One end of a pair. It ends with this value.
struct Peer {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Peer {
    fn start(arguments: &[&str], certificates: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(PEER).args(arguments).arg(certificates);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        Ok(Self { child, output })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this process is an end of a pair; then it has been one.
pub(crate) fn run_if_asked() -> anyhow::Result<bool> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [PEER, carrier, role, port, certificates] =
        arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        return Ok(false);
    };
    let (port, certificates) = (port.parse()?, PathBuf::from(certificates));
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match (carrier, role) {
            ("raw", "serve") => raw::serve(port, &certificates).await?,
            ("raw", "ask") => ask(&raw::Asking::connect(port, &certificates).await?).await?,
            ("links", "serve") => links::serve(port, &certificates).await?,
            ("links", "ask") => ask(&links::Asking::connect(port, &certificates).await?).await?,
            _ => bail!("{carrier} {role} is no end of a pair"),
        }
        anyhow::Ok(())
    })?;
    Ok(true)
}

/// Says that it serves, and does until its parent ends it or is gone.
async fn serving() {
    println!("serving");
    let parent = std::thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    while !parent.is_finished() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn ask(link: &impl Link) -> anyhow::Result<()> {
    tells(link, WARM_UP).await?;
    let mut trips = Samples::default();
    for at in 0..WARM_UP + ASKS {
        let watch = Stopwatch::start();
        let answer = link.echo().await?;
        if at >= WARM_UP {
            trips.add(millis(watch.elapsed()));
        }
        ensure!(answer == PAYLOAD, "the answer is not what was sent");
    }
    let tells_per_second = tells(link, TELLS).await?;
    println!("{tells_per_second} {}", trips.median());
    Ok(())
}

/// Tells a second, from the first that is sent until the last is handled.
async fn tells(link: &impl Link, count: u64) -> anyhow::Result<f64> {
    let before = link.handled().await?;
    let watch = Stopwatch::start();
    for _ in 0..count {
        link.tell().await?;
    }
    while link.handled().await? < before + count {}
    let took = watch.elapsed();
    let handled = link.handled().await?;
    ensure!(handled == before + count, "{} were handled, not {count}", handled - before);
    Ok(per_second(count, took))
}
