//! ractor_cluster as it comes, with mutual TLS.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, call};
use ractor_cluster::node::NodeConnectionMode;
use ractor_cluster::{
    IncomingEncryptionMode, NodeServer, NodeServerMessage, RactorClusterMessage, client_connect_enc,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{HOST, Link, PAYLOAD, serving};

const GROUP: &str = "bench";

#[derive(RactorClusterMessage)]
enum Message {
    Tell(Vec<u8>),
    #[rpc]
    Echo(Vec<u8>, RpcReplyPort<Vec<u8>>),
    #[rpc]
    Handled(RpcReplyPort<u64>),
}

struct Counter;

impl Actor for Counter {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        handled: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Tell(_) => *handled += 1,
            Message::Echo(payload, reply) => reply.send(payload)?,
            Message::Handled(reply) => reply.send(*handled)?,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Message>,
        _: SupervisionEvent,
        _: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

pub(super) async fn serve(port: u16, certificates: &Path) -> anyhow::Result<()> {
    let (counter, _) = Actor::spawn(None, Counter, ()).await?;
    ractor::pg::join(GROUP.to_owned(), vec![counter.get_cell()]);
    node("server", port, certificates).await?;
    serving().await;
    Ok(())
}

async fn node(
    name: &str,
    port: u16,
    certificates: &Path,
) -> anyhow::Result<ActorRef<NodeServerMessage>> {
    let acceptor = TlsAcceptor::from(Arc::new(server(certificates)?));
    let server = NodeServer::new(
        port,
        "cookie".to_owned(),
        name.to_owned(),
        HOST.to_owned(),
        Some(IncomingEncryptionMode::Tls(acceptor)),
        Some(NodeConnectionMode::Isolated),
    );
    let server = server.with_listen_addr(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Ok(Actor::spawn(None, server, ()).await?.0)
}

pub(super) struct Asking(ActorRef<Message>);

impl Asking {
    pub(super) async fn connect(port: u16, certificates: &Path) -> anyhow::Result<Self> {
        let node = node("client", 0, certificates).await?;
        let connector = TlsConnector::from(Arc::new(client(certificates)?));
        let name = ServerName::try_from(HOST)?;
        let address = (Ipv4Addr::LOCALHOST, port);
        client_connect_enc(&node, address, connector, name).await.map_err(|it| anyhow!("{it}"))?;
        loop {
            if let Some(counter) = ractor::pg::get_members(&GROUP.to_owned()).first() {
                return Ok(Self(counter.clone().into()));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Link for Asking {
    async fn tell(&self) -> anyhow::Result<()> {
        Ok(self.0.cast(Message::Tell(PAYLOAD.to_vec()))?)
    }

    async fn echo(&self) -> anyhow::Result<Vec<u8>> {
        Ok(call!(self.0, Message::Echo, PAYLOAD.to_vec())?)
    }

    async fn handled(&self) -> anyhow::Result<u64> {
        Ok(call!(self.0, Message::Handled)?)
    }
}

/// Certificate chain and key of the one host, and its authority.
type Files = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, Arc<RootCertStore>);

fn files(directory: &Path) -> anyhow::Result<Files> {
    let read = |name: String| fs::read(directory.join(&name)).context(name);
    let chain = read(format!("{HOST}.pem"))?;
    let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&read(format!("{HOST}.key"))?)?;
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(&read("ca.pem".to_owned())?) {
        roots.add(authority?)?;
    }
    Ok((chain, key, Arc::new(roots)))
}

fn server(directory: &Path) -> anyhow::Result<ServerConfig> {
    let (chain, key, roots) = files(directory)?;
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build()?;
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_client_cert_verifier(verifier).with_single_cert(chain, key)?)
}

fn client(directory: &Path) -> anyhow::Result<ClientConfig> {
    let (chain, key, roots) = files(directory)?;
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_client_auth_cert(chain, key)?)
}
