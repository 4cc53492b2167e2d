//! One connection to a directory, for one log-in.

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use futures::future::{Either, select};
use ldap3::{Ldap as Session, LdapConnAsync, LdapConnSettings, StdStream};
use reqwest::Url;
use rustls::ClientConfig;

use super::Failed;
use crate::chain;

pub(super) struct Connection {
    driver: LdapConnAsync,
    session: Session,
    socket: Socket,
}

/// Ends with whoever holds it: what waits for a silent server elsewhere, as a StartTLS does, ends too.
struct Socket(TcpStream);

impl Drop for Socket {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Connection {
    /// With TLS where the URL or the settings say so, or not at all.
    pub(super) async fn open(
        url: &str,
        (tls, start_tls): (Arc<ClientConfig>, bool),
    ) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|it| it.to_string())?;
        let host = url.host_str().filter(|it| !it.is_empty()).ok_or("it names no host")?;
        let port = url.port().unwrap_or(if url.scheme() == "ldaps" { 636 } else { 389 });
        let stream = tokio::net::TcpStream::connect(format!("{host}:{port}")).await;
        let stream =
            stream.and_then(tokio::net::TcpStream::into_std).map_err(|it| it.to_string())?;
        let socket = Socket(stream.try_clone().map_err(|it| it.to_string())?);
        let settings = LdapConnSettings::new()
            .set_config(tls)
            .set_starttls(start_tls)
            .set_std_stream(StdStream::Tcp(stream));
        let opened = LdapConnAsync::from_url_with_settings(settings, &url).await;
        let (driver, session) = opened.map_err(|it| match start_tls && url.scheme() == "ldap" {
            true => format!("StartTLS fails: {}", chain(&it)),
            false => chain(&it),
        })?;
        Ok(Self { driver, session, socket })
    }

    pub(super) async fn work<T>(
        self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let Self { driver, mut session, socket } = self;
        let work = std::pin::pin!(work(&mut session));
        let driven = std::pin::pin!(driver.drive());
        let done = match select(work, driven).await {
            Either::Left((done, _)) => done,
            // What came before the connection ended is there, and no more.
            Either::Right((_, work)) => work.await,
        };
        drop(socket);
        done
    }
}
