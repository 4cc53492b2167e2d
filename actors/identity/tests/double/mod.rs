//! A server of LDAP that knows one entry, whatever it is asked for, and ends searches and binds with the codes that
//! the test says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const INTEGER: u8 = 2;
const TEXT: u8 = 4;
const ENUMERATED: u8 = 10;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

#[derive(Default)]
struct Seen {
    connections: usize,
    /// How many entries each search asked for.
    limits: Vec<usize>,
}

pub(super) struct Double {
    url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Double {
    pub(super) fn start(search: u8, bind: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ldap://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                shared.lock().unwrap().connections += 1;
                serve(stream.unwrap(), (search, bind), &shared);
            }
        });
        Self { url, seen }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    pub(super) fn limits(&self) -> Vec<usize> {
        self.seen.lock().unwrap().limits.clone()
    }
}

fn serve(mut stream: TcpStream, (search, bind): (u8, u8), seen: &Mutex<Seen>) {
    while let Some(message) = read(&mut stream) {
        let (_, id, rest) = part(&message);
        let (operation, request, _) = part(rest);
        let answers = match operation {
            BIND => vec![ended(0x61, bind)],
            SEARCH => {
                seen.lock().unwrap().limits.push(limit(request));
                let values = |it: (&str, &str)| [text(it.0), tlv(SET, &text(it.1))].concat();
                let attributes = [("uid", "eve"), ("entryUUID", "7")];
                let attributes: Vec<_> =
                    attributes.into_iter().flat_map(|it| tlv(SEQUENCE, &values(it))).collect();
                let entry = [text("uid=eve,ou=people"), tlv(SEQUENCE, &attributes)].concat();
                let found = (search == 0).then(|| tlv(0x64, &entry));
                found.into_iter().chain([ended(0x65, search)]).collect()
            }
            _ => return,
        };
        for answer in answers {
            let message = [tlv(INTEGER, id), answer].concat();
            if stream.write_all(&tlv(SEQUENCE, &message)).is_err() {
                return;
            }
        }
    }
}

/// What stands in a message; `None`: the connection ended.
fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let length = match head[1] {
        short @ ..0x80 => usize::from(short),
        long => {
            let mut bytes = vec![0; usize::from(long & 0x7f)];
            stream.read_exact(&mut bytes).ok()?;
            number(&bytes)
        }
    };
    let mut message = vec![0; length];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// The first tag, what stands under it, and what comes behind.
fn part(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (start, length) = match bytes[1] {
        short @ ..0x80 => (2, usize::from(short)),
        long => {
            let start = 2 + usize::from(long & 0x7f);
            (start, number(&bytes[2..start]))
        }
    };
    (bytes[0], &bytes[start..start + length], &bytes[start + length..])
}

/// It stands behind the base, the scope and how aliases are followed.
fn limit(search: &[u8]) -> usize {
    let rest = (0..3).fold(search, |rest, _| part(rest).2);
    number(part(rest).1)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |all, it| all << 8 | usize::from(*it))
}

fn ended(tag: u8, code: u8) -> Vec<u8> {
    tlv(tag, &[tlv(ENUMERATED, &[code]), text(""), text("")].concat())
}

fn text(it: &str) -> Vec<u8> {
    tlv(TEXT, it.as_bytes())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let mut all = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    all.extend(content);
    all
}
