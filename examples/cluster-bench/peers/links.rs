//! The peer links, as engines use them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use weir_domain::{ClusterAddress, ClusterName, Incarnation, NodeUid};
use weir_remote::{
    AdmitAll, AskError, Handler, Incoming, Lane, LinkEvent, Local, Manifest, Outgoing, Refused,
    Remote, SendError, Settings, TlsSettings,
};

use super::{HOST, Link, PAYLOAD, serving};
use crate::system;

const PATH: &str = "bench";
const TELL: Manifest = Manifest::new("tell", 1);
const ECHO: Manifest = Manifest::new("echo", 1);
const HANDLED: Manifest = Manifest::new("handled", 1);
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Counter(AtomicU64);

#[async_trait]
impl Handler for Counter {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest == TELL {
            self.0.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        }
        Ok(Some(if message.manifest == ECHO {
            Outgoing::raw(ECHO, message.payload)
        } else {
            Outgoing::raw(HANDLED, self.0.load(Ordering::Relaxed).to_be_bytes().to_vec())
        }))
    }
}

async fn start(name: &str, port: u16, certificates: &Path) -> anyhow::Result<Remote> {
    let mut settings = Settings::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let file = |name: &str| certificates.join(name);
    settings.tls = Some(TlsSettings {
        certificate: file(&format!("{HOST}.pem")),
        key: file(&format!("{HOST}.key")),
        ca: file("ca.pem"),
    });
    let system = system(name);
    let local = Local {
        cluster: cluster()?,
        cluster_id: None,
        node: system.incarnation(),
        address: address(port)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Remote::start(&system, local, settings, Arc::new(AdmitAll)).await?)
}

fn cluster() -> anyhow::Result<ClusterName> {
    Ok("bench".parse()?)
}

fn address(port: u16) -> anyhow::Result<ClusterAddress> {
    Ok(ClusterAddress { cluster: cluster()?, host: HOST.to_owned(), port })
}

pub(super) async fn serve(port: u16, certificates: &Path) -> anyhow::Result<()> {
    let remote = start("server", port, certificates).await?;
    remote.serve(PATH, Arc::new(Counter::default()));
    serving().await;
    Ok(())
}

pub(super) struct Asking {
    remote: Remote,
    to: NodeUid,
    tell: Outgoing,
    echo: Outgoing,
}

impl Asking {
    pub(super) async fn connect(port: u16, certificates: &Path) -> anyhow::Result<Self> {
        let remote = start("client", 0, certificates).await?;
        let mut events = remote.events();
        remote.dial(address(port)?);
        let up = async {
            loop {
                if let LinkEvent::Up { peer } = events.recv().await? {
                    return anyhow::Ok(peer.uid);
                }
            }
        };
        let to = tokio::time::timeout(WITHIN, up).await.context("no link")??;
        let message = |manifest| Outgoing::raw(manifest, PAYLOAD.to_vec());
        Ok(Self { remote, to, tell: message(TELL), echo: message(ECHO) })
    }

    async fn ask(&self, request: &Outgoing) -> anyhow::Result<Incoming> {
        loop {
            match self.remote.ask(self.to, PATH, request, WITHIN).await {
                Err(AskError::Busy) => tokio::task::yield_now().await,
                answer => return Ok(answer?),
            }
        }
    }
}

impl Link for Asking {
    async fn tell(&self) -> anyhow::Result<()> {
        while let Err(error) = self.remote.tell(self.to, PATH, &self.tell, Lane::Data) {
            anyhow::ensure!(error == SendError::Busy, error);
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn echo(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.ask(&self.echo).await?.payload.to_vec())
    }

    async fn handled(&self) -> anyhow::Result<u64> {
        let answer = self.ask(&Outgoing::raw(HANDLED, Vec::new())).await?;
        let number = answer.payload.first_chunk().context("a number")?;
        Ok(u64::from_be_bytes(*number))
    }
}
