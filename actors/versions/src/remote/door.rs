//! The way to a remote: a port of this machine that Git speaks to, and that alone speaks to the remote.
//!
//! ```text
//! libgit2 ── http, 127.0.0.1 ──► door ── http or https, credentials ──► remote
//! ```
//!
//! Git's library waits for its sockets as long as it takes, knows TLS by another library than the
//! house, and follows what configurations say. The door waits no longer than it may, speaks rustls,
//! adds the credentials, follows no redirect, and leads to one place only.
//!
//! Invariants:
//! - D1: who does not know the door's secret name gets nothing through it.
//! - D2: when the time is over or somebody cancels, every socket is shut, so that nobody waits on.
//! - D3: after the door is closed, none of its threads is left, but for one that connects.

mod head;
mod pipe;
mod tls;

use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use base64::Engine as _;

use super::access::{Access, Credentials};
use super::stop::Ended;
use crate::{Error, Result};

/// Connections at a time. Git needs one.
const CONNECTIONS_MAX: usize = 8;

pub(super) struct Door {
    address: String,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Where the door leads.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl Target {
    /// As it stands in a request, without the port that goes without saying.
    pub(super) fn authority(&self) -> String {
        let usual = if self.is_tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

struct Shared {
    secret: String,
    target: Target,
    /// As it is shown.
    remote: String,
    authorization: Option<String>,
    tls: Option<Arc<rustls::ClientConfig>>,
    access: Access,
    step: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first thing that went wrong.
    cause: Option<Cause>,
    open: Vec<TcpStream>,
    connections: usize,
    received: u64,
    is_closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    Cancelled,
    Late,
    Silent,
    TooMuch,
    Unreachable(String),
    Status(u16),
    Redirected(String),
    /// An address that is not gone to.
    Host(String),
}

impl Door {
    pub(super) fn open(target: Target, remote: &str, access: &Access) -> Result<Self> {
        let broken = |error: std::io::Error| Error::Unreachable {
            remote: remote.to_owned(),
            reason: format!("no port of this machine can be used: {error}"),
        };
        let tls = match target.is_tls {
            true => Some(
                tls::config(&access.trust)
                    .map_err(|reason| Error::Unreachable { remote: remote.to_owned(), reason })?,
            ),
            false => None,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(broken)?;
        let port = listener.local_addr().map_err(broken)?.port();
        let mut name = [0; 16];
        aws_lc_rs::rand::fill(&mut name).map_err(|_| Error::Unreachable {
            remote: remote.to_owned(),
            reason: "this machine has no randomness".to_owned(),
        })?;
        let secret = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(name);
        let address = format!("http://127.0.0.1:{port}/{secret}");
        let shared = Arc::new(Shared {
            secret,
            authorization: authorization(&access.credentials),
            tls,
            remote: remote.to_owned(),
            target,
            access: access.clone(),
            step: access.cancel.begin(),
            state: Mutex::default(),
        });
        let (acceptor, watcher) = (shared.clone(), shared.clone());
        let threads = vec![
            std::thread::spawn(move || acceptor.accept(&listener)),
            std::thread::spawn(move || watcher.watch(port)),
        ];
        Ok(Self { address, shared, threads })
    }

    /// What Git is told to speak to.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Whether the step has to end.
    pub(super) fn is_ended(&self) -> bool {
        self.shared.state().cause.is_some()
    }

    /// Closes the door, and tells what went wrong, if anything did.
    pub(super) fn close(mut self) -> Option<Error> {
        self.shut();
        let cause = self.shared.state().cause.clone()?;
        let is_anonymous = matches!(self.shared.access.credentials, Credentials::None);
        let (remote, limits) = (self.shared.remote.clone(), self.shared.access.limits);
        Some(match cause {
            Cause::Cancelled => Error::Cancelled,
            Cause::Late => Error::Deadline { remote, deadline: limits.deadline },
            Cause::Silent => Error::Silent { remote, silence: limits.silence },
            Cause::TooMuch => Error::TooLarge {
                what: remote,
                size: weir_domain::Bytes(self.shared.state().received),
                limit: limits.received,
            },
            Cause::Unreachable(reason) => Error::Unreachable { remote, reason },
            Cause::Status(status @ (401 | 403 | 407)) if is_anonymous => {
                Error::Anonymous { remote, status }
            }
            Cause::Status(status @ (401 | 403 | 407)) => Error::Credentials { remote, status },
            Cause::Status(status @ (404 | 410)) => Error::NoRepository { remote, status },
            Cause::Status(status) => Error::Answer { remote, status },
            Cause::Redirected(to) => Error::Redirected { remote, to },
            Cause::Host(host) => Error::Host { remote, host },
        })
    }

    fn shut(&mut self) {
        self.shared.access.cancel.end(self.shared.step);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; its sockets are shut either way.
            let _ = thread.join();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        let mut threads = Vec::new();
        for client in listener.incoming() {
            if self.state().is_closed {
                break;
            }
            let Ok(client) = client else { continue };
            if !self.enter(&client) {
                continue;
            }
            let shared = self.clone();
            threads.retain(|it: &JoinHandle<()>| !it.is_finished());
            threads.push(std::thread::spawn(move || shared.serve(&client)));
        }
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn serve(&self, client: &TcpStream) {
        if let Err(cause) = pipe::serve(self, client) {
            self.fail(cause);
        }
        let _ = client.shutdown(Shutdown::Both);
        self.state().connections -= 1;
    }

    /// Ends everything when its time has come.
    fn watch(&self, port: u16) {
        match self.access.cancel.wait(self.step, self.access.limits.deadline) {
            Ended::ByItself => {}
            Ended::Cancelled => self.fail(Cause::Cancelled),
            Ended::Late => self.fail(Cause::Late),
        }
        let mut state = self.state();
        state.is_closed = true;
        for socket in state.open.drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        drop(state);
        // Whoever waits for connections gets one, and sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    }

    fn enter(&self, client: &TcpStream) -> bool {
        let mut state = self.state();
        let is_free = !state.is_closed && state.connections < CONNECTIONS_MAX;
        let Ok(copy) = client.try_clone() else { return false };
        if is_free {
            state.connections += 1;
            state.open.push(copy);
        }
        is_free
    }

    /// Takes note of a socket that is to be shut at the end; false if that has come.
    fn register(&self, socket: &TcpStream) -> bool {
        let mut state = self.state();
        let Ok(copy) = socket.try_clone() else { return false };
        if !state.is_closed {
            state.open.push(copy);
        }
        !state.is_closed
    }

    /// The first cause counts: what follows are its consequences.
    fn fail(&self, cause: Cause) {
        let mut state = self.state();
        if state.cause.is_none() && !state.is_closed {
            state.cause = Some(cause);
        }
    }

    /// Counts what came; an error if it is too much.
    fn received(&self, bytes: usize) -> std::result::Result<(), Cause> {
        let mut state = self.state();
        state.received += bytes as u64;
        if state.received > self.access.limits.received.0 { Err(Cause::TooMuch) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn authorization(credentials: &Credentials) -> Option<String> {
    let (user, password) = match credentials {
        Credentials::None => return None,
        Credentials::Password { user, password } => (user.as_str(), password),
        Credentials::Token(token) => ("oauth2", token),
    };
    let pair = format!("{user}:{}", password.expose());
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests;
