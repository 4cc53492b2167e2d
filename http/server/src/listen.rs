//! Taking an address and serving on it until told to stop.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::{Extension, Router};
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::sync::watch;
use weir_domain::Fault;

use crate::connections::{self, Bounds};
use crate::origin::Proxies;
use crate::tls::Tls;

/// Listens on `host:port`. `key` is the configuration key above `host` and `port`, as
/// `weir.rest-server.bind`: a refusal names it.
pub async fn bind(host: &str, port: u16, key: &str) -> Result<TcpListener, Fault> {
    TcpListener::bind((host, port))
        .await
        .map_err(|error| refused(&address(host, port), key, &error))
}

/// `host:port` as it stands in a URL.
pub fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Why an address can't be listened on, with the key to change.
pub fn refused(address: &str, key: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::AddrInUse => Fault::config(
            7_101,
            format!("{address} is in use: another process listens there, perhaps another weir"),
        )
        .with_hint(format!("stop the other process, or set {key}.port to a free port")),
        io::ErrorKind::PermissionDenied => Fault::config(
            7_102,
            format!("{address} can't be listened on: this user is not allowed to use the port"),
        )
        .with_hint(format!("set {key}.port to a port above 1023")),
        io::ErrorKind::AddrNotAvailable => {
            Fault::config(7_103, format!("{address} is not an address of this machine")).with_hint(
                format!("set {key}.host to 127.0.0.1, 0.0.0.0 or an address of this machine"),
            )
        }
        _ => Fault::config(7_104, format!("{address} can't be listened on: {error}"))
            .with_hint(format!("check {key}.host and {key}.port")),
    }
}

/// Tells answers without an end of their own (streams of events) that the server is about to end.
#[derive(Clone)]
pub(crate) struct Closing(watch::Receiver<()>);

impl Closing {
    /// Until the sender is dropped.
    pub(crate) fn of(sender: watch::Receiver<()>) -> Self {
        Self(sender)
    }

    /// Returns when the server takes nothing new any more.
    pub(crate) async fn closed(mut self) {
        // Nothing is ever sent: the sender is dropped when the server closes.
        while self.0.changed().await.is_ok() {}
    }
}

/// Serves in clear text until `shutdown` ends; then takes nothing new, lets open requests finish within
/// `grace`, and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    grace: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_over((None, &[]), listener, router, grace, shutdown).await
}

/// The same, with what is shown to who connects. Behind addresses of `proxies` there are many clients: none of these
/// has more than its share of the connections.
pub async fn serve_over(
    (tls, proxies): (Option<Tls>, &[IpNet]),
    listener: TcpListener,
    router: Router,
    grace: Duration,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (open, closing) = watch::channel(());
    let closing = Closing::of(closing);
    let router = router.layer(Extension(closing.clone()));
    let signal = async move {
        shutdown.await;
        drop(open);
    };
    let serving = async {
        tokio::join!(
            signal,
            connections::serve(
                (listener, tls, Proxies::new(proxies.iter().copied())),
                router,
                Bounds::default(),
                closing.clone()
            )
        );
    };
    let cut_off = async {
        closing.clone().closed().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = serving => Ok(()),
        () = cut_off => {
            tracing::warn!(code = "WEIR-07113", "connections were still open after {grace:?} and were closed");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_refused_with_its_address_and_the_key_to_change() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let fault = bind("127.0.0.1", port, "weir.rest-server.bind").await.unwrap_err();
        assert_eq!(
            fault,
            Fault::config(
                7_101,
                format!(
                    "127.0.0.1:{port} is in use: another process listens there, perhaps another weir"
                )
            )
            .with_hint("stop the other process, or set weir.rest-server.bind.port to a free port")
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused() {
        let fault = bind("192.0.2.1", 0, "weir.rest-server.bind").await.unwrap_err();
        assert_eq!(fault.message, "192.0.2.1:0 is not an address of this machine");
    }
}
