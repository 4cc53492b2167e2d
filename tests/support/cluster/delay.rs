//! A way to the database on which its answers take long, as those of an overloaded server do.
//!
//! - Every answer is held up as a whole, for a time that is chosen by chance. Each connection has a
//!   generator of its own, from the seed and its number, so that a seed repeats a run.
//! - No answer is held up so long that a renewal of a lease would fail.
//! - A server that is slow at its work still greets at once: the first answers of a connection,
//!   which make it, are never held up.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::Net;
use super::DB;

const PORT: u16 = 3998;

/// Half of all answers take less, and some take as long as may be.
const MEDIAN: Duration = Duration::from_millis(450);
const SPREAD: f64 = 0.4;
/// An engine waits 1.5 s for a renewal, which may be two answers: the first says that the connection
/// still works.
const LONGEST: Duration = Duration::from_millis(600);

/// Answers until a connection is made: protection, credentials, and the session's own settings.
const GREETING: usize = 10;

pub(super) struct Delay {
    pace: Arc<Pace>,
    net: Arc<Net>,
    acceptor: Option<JoinHandle<()>>,
}

struct Pace {
    is_slow: AtomicBool,
    is_over: AtomicBool,
}

impl Pace {
    fn next(&self, chance: &mut StdRng) -> Duration {
        if !self.is_slow.load(Ordering::Relaxed) || self.is_over.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let chance: f64 = chance.random_range(0.001..0.999);
        MEDIAN.mul_f64((chance / (1.0 - chance)).powf(SPREAD)).min(LONGEST)
    }
}

impl Delay {
    /// Opens a way to that port of the database's host.
    pub(super) fn start(net: &Arc<Net>, to: u16, seed: u64) -> Self {
        let listener = net.within(DB, || TcpListener::bind(("0.0.0.0", PORT)).unwrap());
        let is_over = AtomicBool::new(false);
        let pace = Arc::new(Pace { is_slow: AtomicBool::new(false), is_over });
        let (there, at_pace) = (net.clone(), pace.clone());
        let acceptor = Some(thread::spawn(move || accept(&listener, &there, to, seed, &at_pace)));
        Self { pace, net: net.clone(), acceptor }
    }

    pub(super) fn port(&self) -> u16 {
        PORT
    }

    pub(super) fn slow_down(&self, is_slow: bool) {
        self.pace.is_slow.store(is_slow, Ordering::Relaxed);
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.pace.is_over.store(true, Ordering::Relaxed);
        // It waits for somebody to come.
        let _ = self.net.connect(DB, DB, PORT);
        let _ = self.acceptor.take().expect("it ends once").join();
    }
}

/// Carries all connections until it is over, and then ends them.
fn accept(listener: &TcpListener, net: &Net, to: u16, seed: u64, pace: &Arc<Pace>) {
    let mut carried: Vec<Carried> = Vec::new();
    for (client, number) in listener.incoming().zip(0..) {
        if pace.is_over.load(Ordering::Relaxed) {
            break;
        }
        carried.retain(|it| !it.is_over());
        let chance = StdRng::seed_from_u64(seed.wrapping_add(number));
        // A client that goes at the wrong moment, and a database that is down, end this connection
        // and no other one.
        let begun = client.and_then(|client| {
            let server = net.connect(DB, DB, to)?;
            Carried::begin(client, server, (chance, pace.clone()))
        });
        carried.extend(begun.ok());
    }
    carried.into_iter().for_each(Carried::end);
}

/// A connection, and who carries what both sides say until one of them has gone.
struct Carried {
    client: TcpStream,
    pumps: [JoinHandle<()>; 2],
}

impl Carried {
    fn begin(
        client: TcpStream,
        server: TcpStream,
        (mut chance, pace): (StdRng, Arc<Pace>),
    ) -> io::Result<Self> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let whole = client.try_clone()?;
        let (mut asking, mut asked) = (client.try_clone()?, server.try_clone()?);
        let (mut answering, mut answered) = (server, client);
        let was_asked = Arc::new(AtomicBool::new(false));
        let asks = was_asked.clone();
        let there = thread::spawn(move || {
            pump(&mut asking, &mut asked, || asks.store(true, Ordering::Relaxed));
        });
        let mut answers = 0;
        let back = thread::spawn(move || {
            pump(&mut answering, &mut answered, || {
                if was_asked.swap(false, Ordering::Relaxed) {
                    answers += 1;
                    if answers > GREETING {
                        thread::sleep(pace.next(&mut chance));
                    }
                }
            });
        });
        Ok(Self { client: whole, pumps: [there, back] })
    }

    fn is_over(&self) -> bool {
        self.pumps.iter().all(JoinHandle::is_finished)
    }

    fn end(self) {
        // It may be closed already. Either pump passes its end on to the other.
        let _ = self.client.shutdown(Shutdown::Both);
        for pump in self.pumps {
            let _ = pump.join();
        }
    }
}

/// One direction of a connection. Its end is that of the other one, too.
fn pump(from: &mut TcpStream, to: &mut TcpStream, mut before: impl FnMut()) {
    let mut buffer = [0; 1 << 14];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        before();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Either may be closed already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
