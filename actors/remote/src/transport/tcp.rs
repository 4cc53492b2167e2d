//! The transport of a real cluster: TCP, TLS where certificates are named, and ractor_cluster's
//! sessions for the frames.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto;
use weir_domain::{ClusterAddress, Incarnation};

use crate::Settings;
use crate::error::{ConnectError, Error};
use crate::transport::sessions::Sessions;
use crate::transport::tls::{self, Credentials};
use crate::transport::{
    Accepted, Acceptor, Carrier, Ends, PeerCertificate, Receiver, Transport, Wire, sockets,
};
use crate::wire::frame_max;

pub(crate) struct Tcp {
    bind: SocketAddr,
    credentials: Option<Arc<Credentials>>,
    sessions: Sessions,
}

impl Tcp {
    pub(crate) async fn new(local: Incarnation, settings: &Settings) -> Result<Self, Error> {
        let bind = settings.bind;
        if settings.tls.is_none() && !bind.ip().is_loopback() {
            return Err(Error::Unprotected { bind });
        }
        let credentials = settings.tls.clone().map(Credentials::read).transpose()?.map(Arc::new);
        let frame_max = frame_max(settings.message.chunk) as u64;
        // ractor_cluster wraps a frame into a message of its own.
        let sessions = Sessions::start(local, frame_max + 1_024).await.map_err(Error::Actors)?;
        Ok(Self { bind, credentials, sessions })
    }
}

#[async_trait]
impl Transport for Tcp {
    async fn listen(&self) -> Result<(Box<dyn Acceptor>, SocketAddr), Error> {
        let failed = |source| Error::Bind { bind: self.bind, source };
        let listener = sockets::listen(self.bind).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok((Box::new(TcpAcceptor { listener, credentials: self.credentials.clone() }), address))
    }

    async fn connect(&self, to: &ClusterAddress, within: Duration) -> Result<Wire, ConnectError> {
        let connecting = async {
            let stream = sockets::connect(to).await?;
            let Some(credentials) = &self.credentials else { return Ok(plain(stream)) };
            let name = tls::server_name(&to.host, stream.peer_addr().ok());
            match credentials.current().connector.connect(name, stream).await {
                Ok(stream) => {
                    let certificate = tls::peer(stream.get_ref().1.peer_certificates());
                    Ok(wire(stream, certificate))
                }
                Err(error) => {
                    Err(ConnectError::Insecure { address: to.clone(), reason: insecure(&error) })
                }
            }
        };
        let waited = tokio::time::timeout(within, connecting).await;
        waited.unwrap_or_else(|_| Err(ConnectError::Timeout { address: to.clone(), within }))
    }

    async fn carry(
        &self,
        wire: Wire,
        ends: Ends,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Box<dyn Carrier>, String> {
        self.sessions.carry(wire, ends, receiver).await
    }

    fn nonce(&self) -> [u8; 16] {
        static PROVIDER: OnceLock<crypto::CryptoProvider> = OnceLock::new();
        let provider = PROVIDER.get_or_init(crypto::aws_lc_rs::default_provider);
        let mut nonce = [0; 16];
        provider.secure_random.fill(&mut nonce).expect("the system's random numbers never fail");
        nonce
    }

    async fn stop(&self) {
        self.sessions.stop();
    }
}

struct TcpAcceptor {
    listener: TcpListener,
    credentials: Option<Arc<Credentials>>,
}

#[async_trait]
impl Acceptor for TcpAcceptor {
    async fn accept(&mut self) -> std::io::Result<Accepted> {
        let (stream, from) = self.listener.accept().await?;
        let credentials = self.credentials.clone();
        let secured = async move {
            sockets::tune(&stream).map_err(|it| it.to_string())?;
            let Some(credentials) = credentials else { return Ok(plain(stream)) };
            let acceptor = credentials.current().acceptor;
            let stream = acceptor.accept(stream).await.map_err(|it| insecure(&it))?;
            let certificate = tls::peer(stream.get_ref().1.peer_certificates());
            Ok(wire(stream, certificate))
        };
        Ok(Accepted { from: from.to_string(), secured: Box::pin(secured) })
    }
}

fn plain(stream: TcpStream) -> Wire {
    let (reader, writer) = stream.into_split();
    Wire { reader: Box::new(reader), writer: Box::new(writer), certificate: None }
}

fn wire<S>(stream: S, certificate: Option<PeerCertificate>) -> Wire
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (reader, writer) = tokio::io::split(stream);
    Wire { reader: Box::new(reader), writer: Box::new(writer), certificate }
}

/// What failed, and what that usually means.
pub(crate) fn insecure(error: &std::io::Error) -> String {
    let text = error.to_string();
    // Of a peer's certificate it says more than the name of what is wrong.
    let hint = if text.contains("InvalidContentType") {
        "the peer does not speak TLS: set weir.cluster.tls on both or on none"
    } else if text.contains("Expired") || text.contains("certificate expired") {
        "a certificate has expired, or a clock is wrong: make new ones and replace the files of both"
    } else if ["UnknownIssuer", "UnknownCA", "BadSignature", "DecryptError"]
        .iter()
        .any(|it| text.contains(it))
    {
        "the two certificates are not of one authority: check weir.cluster.tls.ca on both"
    } else if text.contains("NotValidYet") || text.contains("certificate not valid yet") {
        "a certificate is not valid yet: check the clocks of both"
    } else if text.contains("CertificateRequired") || text.contains("NoCertificatesPresented") {
        "a certificate is missing: set weir.cluster.tls on both"
    } else {
        return format!("TLS failed: {text}");
    };
    format!("TLS failed: {text}; {hint}")
}
