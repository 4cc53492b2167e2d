//! Asks that came before: an ask with a command id is carried out once within a window.
//!
//! Only what settled a command is remembered. A refusal is not: who asks again wants a new answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use weir_domain::CommandId;

use crate::Manifest;
use crate::error::Refused;

/// Answers that are remembered, for how long, and how much they may hold together.
const LENGTH: usize = 4_096;
const AGE: Duration = Duration::from_secs(60);
const BYTES: usize = 16 << 20;

/// How an ask ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done { manifest: Manifest, payload: Bytes },
    Unhandled,
    Refused(Refused),
}

pub(crate) type Key = (Arc<str>, CommandId);

#[derive(Debug, Default)]
pub(crate) struct Window {
    by_key: HashMap<Key, Slot>,
    /// What was done, oldest first, with the time at which it was.
    done: VecDeque<(Key, Duration)>,
    bytes: usize,
}

#[derive(Debug)]
enum Slot {
    Running(Vec<oneshot::Sender<Outcome>>),
    Done(Manifest, Bytes),
}

/// What to do with an ask.
#[derive(Debug)]
pub(crate) enum Begun {
    First,
    /// The first runs; this gives its outcome.
    Runs(oneshot::Receiver<Outcome>),
    Was(Outcome),
}

impl Window {
    pub(crate) fn begin(&mut self, key: &Key, now: Duration) -> Begun {
        self.forget(now);
        match self.by_key.get_mut(key) {
            None => {
                self.by_key.insert(key.clone(), Slot::Running(Vec::new()));
                Begun::First
            }
            Some(Slot::Running(waiting)) => {
                let (answer, when_answered) = oneshot::channel();
                waiting.push(answer);
                Begun::Runs(when_answered)
            }
            Some(Slot::Done(manifest, payload)) => {
                Begun::Was(Outcome::Done { manifest: manifest.clone(), payload: payload.clone() })
            }
        }
    }

    pub(crate) fn finish(&mut self, key: &Key, outcome: &Outcome, now: Duration) {
        let waiting = match self.by_key.remove(key) {
            Some(Slot::Running(waiting)) => waiting,
            Some(Slot::Done(..)) | None => Vec::new(),
        };
        for answer in waiting {
            let _ = answer.send(outcome.clone());
        }
        if let Outcome::Done { manifest, payload } = outcome {
            self.bytes += payload.len();
            self.by_key.insert(key.clone(), Slot::Done(manifest.clone(), payload.clone()));
            self.done.push_back((key.clone(), now));
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Duration) {
        let is_over = |it: &Self| {
            let too_much = it.done.len() > LENGTH || it.bytes > BYTES;
            too_much || it.done.front().is_some_and(|(_, at)| now.saturating_sub(*at) > AGE)
        };
        while is_over(self) {
            let Some((key, _)) = self.done.pop_front() else { return };
            if let Some(Slot::Done(_, payload)) = self.by_key.remove(&key) {
                self.bytes -= payload.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_domain::Code;

    #[test]
    fn a_repeated_ask_gets_the_first_ones_outcome_while_it_runs_and_after() {
        let mut window = Window::default();
        assert!(matches!(window.begin(&key(1), at(0)), Begun::First));
        let Begun::Runs(mut waiting) = window.begin(&key(1), at(1)) else { panic!("not running") };
        window.finish(&key(1), &done(3), at(2));
        assert_eq!(waiting.try_recv(), Ok(done(3)));
        assert!(matches!(window.begin(&key(1), at(3)), Begun::Was(it) if it == done(3)));
        assert!(matches!(window.begin(&key(2), at(3)), Begun::First));
    }

    #[test]
    fn a_refusal_is_told_to_who_waits_and_not_remembered() {
        let mut window = Window::default();
        let refused = Outcome::Refused(Refused::because(Code(1), "not here"));
        assert!(matches!(window.begin(&key(1), at(0)), Begun::First));
        let Begun::Runs(mut waiting) = window.begin(&key(1), at(0)) else { panic!("not running") };
        window.finish(&key(1), &refused, at(0));
        assert_eq!(waiting.try_recv(), Ok(refused));
        assert!(matches!(window.begin(&key(1), at(0)), Begun::First));
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten() {
        let mut window = Window::default();
        let remembered =
            |window: &mut Window, id, now| matches!(window.begin(&key(id), now), Begun::Was(_));
        window.finish(&key(1), &done(1), at(0));
        assert!(remembered(&mut window, 1, at(60)));
        assert!(!remembered(&mut window, 1, at(61)));
        for id in 0..=LENGTH as u128 {
            window.finish(&key(10 + id), &done(1), at(70));
        }
        assert!(!remembered(&mut window, 10, at(70)) && remembered(&mut window, 11, at(70)));
        window.finish(&key(5), &done(BYTES), at(70));
        assert!(!remembered(&mut window, 20, at(70)) && remembered(&mut window, 5, at(70)));
        assert_eq!(window.bytes, BYTES);
    }

    fn key(id: u128) -> Key {
        ("path".into(), CommandId(uuid::Uuid::from_u128(id)))
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn done(bytes: usize) -> Outcome {
        Outcome::Done { manifest: Manifest::nothing(), payload: vec![0; bytes].into() }
    }
}
