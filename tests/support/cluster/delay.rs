//! A way to the database on which its answers take long, as those of an overloaded server do.
//!
//! - Every answer is held up as a whole, for a time that is chosen by chance from a seed.
//! - A server that is slow at its work still greets at once: the first answers of a connection,
//!   which make it, are never held up.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::Net;
use super::DB;

const PORT: u16 = 3998;

/// Half of all answers take less, and one in a hundred takes more than six times as long.
const MEDIAN: Duration = Duration::from_millis(800);
const SPREAD: f64 = 0.4;
const LONGEST: Duration = Duration::from_secs(5);

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
    chance: Mutex<StdRng>,
}

impl Pace {
    fn next(&self) -> Duration {
        if !self.is_slow.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let chance: f64 = self.chance.lock().unwrap().random_range(0.001..0.999);
        MEDIAN.mul_f64((chance / (1.0 - chance)).powf(SPREAD)).min(LONGEST)
    }
}

impl Delay {
    /// Opens a way to that port of the database's host.
    pub(super) fn start(net: &Arc<Net>, to: u16, seed: u64) -> Self {
        let listener = net.within(DB, || TcpListener::bind(("0.0.0.0", PORT)).unwrap());
        let pace = Arc::new(Pace {
            is_slow: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        let (there, at_pace) = (net.clone(), pace.clone());
        let acceptor = Some(thread::spawn(move || {
            for client in listener.incoming() {
                if at_pace.is_over.load(Ordering::Relaxed) {
                    return;
                }
                // A database that is down answers nobody: the client's connection ends at once.
                if let (Ok(client), Ok(server)) = (client, there.connect(DB, DB, to)) {
                    carry(client, server, &at_pace).unwrap();
                }
            }
        }));
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

/// Carries what both say until one of them has gone.
fn carry(client: TcpStream, server: TcpStream, pace: &Arc<Pace>) -> io::Result<()> {
    let was_asked = Arc::new(AtomicBool::new(false));
    let (mut asking, mut asked) = (client.try_clone()?, server.try_clone()?);
    let (mut answering, mut answered) = (server, client);
    asked.set_nodelay(true)?;
    answered.set_nodelay(true)?;
    let (asks, pace) = (was_asked.clone(), pace.clone());
    thread::spawn(move || pump(&mut asking, &mut asked, || asks.store(true, Ordering::Relaxed)));
    let mut answers = 0;
    thread::spawn(move || {
        pump(&mut answering, &mut answered, || {
            if was_asked.swap(false, Ordering::Relaxed) {
                answers += 1;
                if answers > GREETING {
                    thread::sleep(pace.next());
                }
            }
        });
    });
    Ok(())
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
