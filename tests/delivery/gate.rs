//! A way to an engine on which a request can be held up, until it is let through or its engine is gone.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::support::{DEADLINE, wait_until};

/// Whether a request is meant, by its first line.
pub(super) type IsMeant = fn(&str) -> bool;

pub(super) struct Gate {
    pub(super) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// Where it leads.
    target: Mutex<String>,
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    wanted: Option<IsMeant>,
    is_met: bool,
    /// The one that waits may pass, and the next one waits.
    passes: bool,
    cut: Option<Cut>,
}

/// Where the connection of the request that waits is broken off; all others pass.
#[derive(Clone, Copy)]
pub(super) enum Cut {
    Request,
    Answer,
}

impl Gate {
    pub(super) fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            target: Mutex::new(address(url)),
            held: Mutex::default(),
            changed: Condvar::new(),
        });
        let passing = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), shared) = (stream, passing.clone()) else { return };
                thread::spawn(move || shared.pass(stream));
            }
        });
        Self { url: own, shared }
    }

    /// From now on it leads there.
    pub(super) fn lead_to(&self, url: &str) {
        *self.shared.target.lock().unwrap() = address(url);
    }

    /// The next request that is meant waits here.
    pub(super) fn hold(&self, is_meant: IsMeant) {
        *self.shared.held.lock().unwrap() = Held { wanted: Some(is_meant), ..Held::default() };
    }

    #[track_caller]
    pub(super) fn wait_until_held(&self) {
        wait_until("a request to be held", DEADLINE, || self.shared.held.lock().unwrap().is_met);
    }

    /// Lets through what waits, and holds the next one that is meant.
    pub(super) fn let_one_through(&self) {
        let mut held = self.shared.held.lock().unwrap();
        (held.passes, held.is_met) = (true, false);
        self.shared.changed.notify_all();
    }

    /// Breaks off what waits, and lets through all that comes.
    pub(super) fn cut(&self, what: Cut) {
        let mut held = self.shared.held.lock().unwrap();
        (held.wanted, held.cut) = (None, Some(what));
        self.shared.changed.notify_all();
    }

    /// Lets through what waits, and all that comes.
    pub(super) fn open(&self) {
        self.shared.held.lock().unwrap().wanted = None;
        self.shared.changed.notify_all();
    }
}

fn address(url: &str) -> String {
    url.strip_prefix("http://").unwrap().to_owned()
}

impl Shared {
    fn pass(&self, mut from: TcpStream) {
        let target = self.target.lock().unwrap().clone();
        let Ok(mut to) = TcpStream::connect(target) else { return };
        let (mut answers, mut back) = (to.try_clone().unwrap(), from.try_clone().unwrap());
        let is_deaf = Arc::new(AtomicBool::new(false));
        let hears_nothing = is_deaf.clone();
        thread::spawn(move || {
            let mut bytes = vec![0; 64 << 10];
            while let Ok(count @ 1..) = answers.read(&mut bytes) {
                if is_deaf.load(Ordering::Acquire) || back.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _ = back.shutdown(Shutdown::Both);
        });
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            match self.wait(&String::from_utf8_lossy(&bytes[..count.min(1_000)])) {
                Some(Cut::Request) => break,
                Some(Cut::Answer) => hears_nothing.store(true, Ordering::Release),
                None => {}
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }

    /// What becomes of a request then that was held.
    fn wait(&self, text: &str) -> Option<Cut> {
        let line = text.lines().next().unwrap_or_default();
        let mut held = self.held.lock().unwrap();
        if !held.wanted.is_some_and(|it| it(line)) {
            return None;
        }
        held.is_met = true;
        while held.wanted.is_some() && !held.passes {
            held = self.changed.wait(held).unwrap();
        }
        held.passes = false;
        held.cut.take()
    }
}
