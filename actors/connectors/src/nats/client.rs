//! The client of a connection: how it connects, and what its errors mean.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use tokio::runtime::Handle;
use weir_domain::{Fault, Finding};

use super::codes;
use super::config::Connection;
use crate::{chain, finding};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a request, or the confirmation of a message, may take.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Waits for what the client does. Called from threads that may block.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> T {
    Handle::current().block_on(work)
}

/// Connects. It does not try for long: whoever calls tries again.
pub(super) async fn connect(connection: &Connection, job: &str) -> Result<Client, Fault> {
    let Connection { servers, user, password, token, tls } = connection;
    let addresses: Vec<ServerAddr> = servers
        .iter()
        .map(|it| address(it).map_err(|cause| Fault::config(codes::CONFIG, cause)))
        .collect::<Result<_, _>>()?;
    let mut options = ConnectOptions::new()
        .name(format!("weir {job}"))
        .connection_timeout(CONNECT_WITHIN)
        .request_timeout(Some(ANSWER_WITHIN))
        .ping_interval(Duration::from_secs(10));
    if let Some(token) = token {
        options = options.token(token.0.clone());
    } else if let Some(user) = user {
        let password = password.as_ref().map(|it| it.0.clone()).unwrap_or_default();
        options = options.user_and_password(user.clone(), password);
    }
    if let Some(tls) = tls {
        options = options.require_tls(true);
        options = tls.ca.iter().fold(options, |it, ca| it.add_root_certificates(ca.clone()));
        if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
    }
    options.connect(addresses).await.map_err(|error| {
        let at = servers.join(", ");
        let (kind, cause) = (error.kind(), chain(&error));
        match kind {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                let message = format!("NATS at {at} turns us away: {cause}");
                Fault::config(codes::REFUSED, message)
                    .with_hint("mend user, password or token within `connection`")
            }
            ConnectErrorKind::ServerParse => Fault::config(codes::CONFIG, format!("{at}: {cause}")),
            ConnectErrorKind::Dns
            | ConnectErrorKind::TimedOut
            | ConnectErrorKind::Tls
            | ConnectErrorKind::Io
            | ConnectErrorKind::MaxReconnects => {
                let message = format!("NATS at {at} can't be reached: {cause}");
                Fault::transient(codes::AWAY, message).with_hint("does the server run there?")
            }
        }
    })
}

pub(super) fn is_connected(client: &Client) -> bool {
    client.connection_state() == State::Connected
}

fn address(text: &str) -> Result<ServerAddr, String> {
    let address: ServerAddr = text.parse().map_err(|it| format!("{it}: {text}"))?;
    match address.has_user_pass() {
        // It is shown, and would be stored.
        true => Err("a server's address has no user in it".to_owned()),
        false => Ok(address),
    }
}

/// What is wrong with a connection, before anybody connects.
pub(super) fn findings(connection: &Connection) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: String, cause: String, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    let Connection { servers, user, password, token, tls } = connection;
    if servers.is_empty() {
        wrong("connection.servers".into(), "there is no server".into(), "write nats://HOST:4222");
    }
    for (at, server) in servers.iter().enumerate() {
        if server.contains("${") {
            continue;
        }
        if let Err(cause) = address(server) {
            let fix = "write nats://HOST:4222; user and password have keys of their own";
            wrong(format!("connection.servers[{at}]"), cause, fix);
        }
    }
    if token.is_some() && (user.is_some() || password.is_some()) {
        let cause = "a token is in place of user and password".to_owned();
        wrong("connection.token".into(), cause, "leave one of them out");
    }
    if user.is_some() != password.is_some() {
        let cause = "user and password belong together".to_owned();
        wrong("connection.user".into(), cause, "write both or none of them");
    }
    if tls.as_ref().is_some_and(|it| it.certificate.is_some() != it.key.is_some()) {
        let cause = "a certificate and its key belong together".to_owned();
        wrong("connection.tls".into(), cause, "write both or none of them");
    }
    findings
}
