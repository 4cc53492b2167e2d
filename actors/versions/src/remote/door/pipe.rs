//! One request through the door, and its answer back.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Duration;

use rustls::pki_types::ServerName;

use super::head::{Body, Head};
use super::{Cause, Shared};
use crate::Hosts;

/// What concerns one connection and not the one before it.
const HOP: [&str; 5] = ["host", "connection", "keep-alive", "authorization", "proxy-authorization"];

/// How often it is looked whether the time is over.
const LOOK_EVERY: Duration = Duration::from_millis(20);

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

pub(super) fn serve(shared: &Shared, client: &TcpStream) -> Result<(), Cause> {
    let mut from_client = BufReader::new(client);
    // Whoever knocks and says nothing, or not the right thing, is let go.
    let _ = client.set_read_timeout(Some(shared.access.limits.silence));
    let Ok(Some(request)) = Head::read(&mut from_client) else { return Ok(()) };
    let body = request.body();
    let Some(request) = directed(shared, request) else { return Ok(()) };
    let mut remote = connect(shared)?;
    let sent = remote
        .write_all(&request.written())
        .and_then(|()| copy_body(body, &mut from_client, &mut remote));
    let sent = sent.and_then(|()| remote.flush());
    answer(shared, client, remote.as_mut()).map_err(|cause| match sent {
        // What stopped the sending says more than that no answer came.
        Err(error) if is_broken(&cause) => failed(&error),
        _ => cause,
    })
}

fn is_broken(cause: &Cause) -> bool {
    matches!(cause, Cause::Unreachable(_))
}

/// The request as the remote is to see it; none for who does not know the door.
fn directed(shared: &Shared, mut request: Head) -> Option<Head> {
    let mut words = request.first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?);
    let path = path.strip_prefix('/')?.strip_prefix(&shared.secret)?;
    if !path.starts_with('/') {
        return None;
    }
    let base = shared.target.path.trim_end_matches('/');
    request.first = format!("{method} {base}{path} HTTP/1.1");
    request.without(&HOP);
    request.add("host", &shared.target.authority());
    request.add("connection", "close");
    if let Some(authorization) = &shared.authorization {
        request.add("authorization", authorization);
    }
    Some(request)
}

/// Looking up a name and connecting can't be shut from outside: they have a thread of their own, which
/// is left behind when the time is over, and ends by itself.
fn connect(shared: &Shared) -> Result<Box<dyn Both>, Cause> {
    let silence = shared.access.limits.silence;
    let host = shared.target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let (sender, receiver) = mpsc::channel();
    let to = (host.clone(), shared.target.port);
    let hosts = shared.access.hosts.clone();
    std::thread::spawn(move || sender.send(connected(&to, &hosts, silence)));
    let mut waited = Duration::ZERO;
    let socket = loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(socket) => break socket?,
            Err(_) if shared.state().is_closed || waited > silence => return Err(Cause::Silent),
            Err(_) => waited += LOOK_EVERY,
        }
    };
    let unreachable = |it: io::Error| Cause::Unreachable(it.to_string());
    socket.set_read_timeout(Some(silence)).map_err(unreachable)?;
    socket.set_write_timeout(Some(silence)).map_err(unreachable)?;
    if !shared.register(&socket) {
        return Err(Cause::Cancelled);
    }
    secured(shared, socket, &host)
}

/// To the first address that answers. None is tried that may not be, and it is the address that was looked at
/// which is connected to: a name may lead elsewhere the next time.
fn connected(
    (host, port): &(String, u16),
    hosts: &Hosts,
    silence: Duration,
) -> Result<TcpStream, Cause> {
    let mut last = failed(&io::Error::other("the host has no address"));
    for address in (host.as_str(), *port).to_socket_addrs().map_err(|it| failed(&it))? {
        if !hosts.lead_to(address.ip()) {
            last = Cause::Host(address.ip().to_string());
            continue;
        }
        match TcpStream::connect_timeout(&address, silence) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

fn secured(shared: &Shared, socket: TcpStream, host: &str) -> Result<Box<dyn Both>, Cause> {
    let Some(config) = &shared.tls else { return Ok(Box::new(socket)) };
    let unreachable = |it: String| Cause::Unreachable(it);
    let name = ServerName::try_from(host.to_owned()).map_err(|it| unreachable(it.to_string()))?;
    let connection = rustls::ClientConnection::new(config.clone(), name)
        .map_err(|it| unreachable(it.to_string()))?;
    let mut stream = rustls::StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|it| {
            const HOW: &str = "its address begins with http://, or has another port";
            // What it says in clear text passes for a record of TLS of no known kind.
            if it.to_string().contains("InvalidContentType") {
                return unreachable(format!("it speaks no TLS there: {HOW}"));
            }
            match it.kind() {
                std::io::ErrorKind::UnexpectedEof => unreachable(format!(
                    "it ends the connection at once. Maybe it speaks no TLS there: {HOW}"
                )),
                _ => failed(&it),
            }
        })?;
    }
    Ok(Box::new(stream))
}

fn answer(shared: &Shared, mut client: &TcpStream, remote: &mut dyn Both) -> Result<(), Cause> {
    let mut remote = BufReader::new(remote);
    let mut answer = loop {
        let head = Head::read(&mut remote).map_err(|it| failed(&it))?;
        let ended = || Cause::Unreachable("it closed the connection without an answer".to_owned());
        let head = head.ok_or_else(ended)?;
        // Go on: the true answer follows.
        if head.status() != Some(100) {
            break head;
        }
    };
    let no_http = || Cause::Unreachable("it does not speak HTTP".to_owned());
    match answer.status().ok_or_else(no_http)? {
        200..300 => {}
        status @ 300..400 => {
            let to = answer.get("location").map(crate::remote::address::shown);
            return Err(to.map_or(Cause::Status(status), Cause::Redirected));
        }
        status => return Err(Cause::Status(status)),
    }
    let body = answer.body();
    answer.without(&HOP);
    answer.add("connection", "close");
    let gone = |_: io::Error| Cause::Unreachable("the transfer ended early".to_owned());
    client.write_all(&answer.written()).map_err(gone)?;
    let mut counted = Counted { from: remote, shared, cause: None };
    let copied = match body {
        Body::None => io::copy(&mut counted, &mut client).map(|_| ()),
        body => {
            let mut counted = BufReader::new(&mut counted);
            copy_body(body, &mut counted, &mut client)
        }
    };
    match (counted.cause, copied) {
        (Some(cause), _) => Err(cause),
        // Git closes when it has what it wants.
        (None, _) => Ok(()),
    }
}

/// What comes from the remote, counted; it remembers why it could not go on.
struct Counted<'s, R> {
    from: R,
    shared: &'s Shared,
    cause: Option<Cause>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.from.read(into) {
            // Many close without the farewell of TLS; Git knows whether all is there.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => {
                self.cause = Some(failed(&error));
                return Err(error);
            }
            Ok(read) => read,
        };
        if let Err(cause) = self.shared.received(read) {
            self.cause = Some(cause);
            return Err(io::Error::other("too much"));
        }
        Ok(read)
    }
}

fn copy_body(body: Body, from: &mut impl io::BufRead, to: &mut impl Write) -> io::Result<()> {
    match body {
        Body::None => Ok(()),
        Body::Length(length) => copy(from, to, length),
        Body::Chunked => loop {
            let mut line = Vec::new();
            from.take(64).read_until(b'\n', &mut line)?;
            to.write_all(&line)?;
            let text = String::from_utf8_lossy(&line);
            let size = text.trim().split(';').next().unwrap_or_default();
            let size = u64::from_str_radix(size, 16).map_err(|_| io::Error::other("no chunk"))?;
            copy(from, to, size + 2)?;
            if size == 0 {
                return Ok(());
            }
        },
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write, length: u64) -> io::Result<()> {
    let copied = io::copy(&mut from.take(length), to)?;
    if copied == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn failed(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Cause::Silent,
        _ => Cause::Unreachable(error.to_string()),
    }
}
