//! When it is time to decide: not while the picture still changes, and not never.
//!
//! Time is the length since some fixed moment, by a clock that never jumps.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_domain::NodeUid;

use super::Picture;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the picture has to stay the same before it is decided upon.
    pub stable_after: Duration,
    /// Whether a cluster that does not come to rest is given up: parts of it may be deciding
    /// differently all the time.
    pub down_all_when_unstable: bool,
}

impl Timing {
    /// How long it may change before it is given up, from the first change.
    fn patience(&self) -> Duration {
        self.stable_after + self.stable_after * 3 / 4
    }
}

/// What the picture's past allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing is wrong.
    Quiet,
    /// Something is, and may still change. Look again then.
    Wait { until: Duration },
    /// Long enough the same: decide.
    Decide,
    /// Never the same for long enough: nobody goes on.
    DownAll,
}

/// What is wrong, without what changes all the time and matters not.
type Trouble = (BTreeSet<NodeUid>, BTreeSet<(NodeUid, NodeUid)>);

/// The past of the pictures.
#[derive(Debug, Clone)]
pub struct Stability {
    timing: Timing,
    trouble: Trouble,
    /// The first and the last change of a time of unrest.
    unrest: Option<(Duration, Duration)>,
}

impl Stability {
    pub fn new(timing: Timing) -> Self {
        Self { timing, trouble: Trouble::default(), unrest: None }
    }

    /// Takes note of a picture.
    pub fn observe(&mut self, now: Duration, picture: &Picture) -> Step {
        let was_whole = self.trouble == Trouble::default();
        if was_whole && self.rests_at().is_some_and(|at| now >= at) {
            // That was another time of unrest.
            self.unrest = None;
        }
        let (unreachable, broken) = picture.trouble();
        let trouble = (unreachable, broken.clone());
        if trouble != self.trouble {
            self.trouble = trouble;
            let first = self.unrest.map_or(now, |(first, _)| first);
            self.unrest = Some((first, now));
        }
        let Some((first, last)) = self.unrest else {
            return Step::Quiet;
        };
        let rest = last + self.timing.stable_after;
        match (picture.is_whole(), now >= rest) {
            (true, true) => {
                self.unrest = None;
                Step::Quiet
            }
            (true, false) => Step::Quiet,
            (false, true) => Step::Decide,
            (false, false) if self.is_hopeless(now, first) => Step::DownAll,
            (false, false) => Step::Wait { until: rest.min(self.given_up_at(first)) },
        }
    }

    /// What was seen is not to be relied upon: this node did not look for a while.
    pub fn doubt(&mut self, now: Duration) {
        self.unrest = self.unrest.map(|_| (now, now));
    }

    /// How long the picture has been as it is, or will have to stay so.
    pub fn rests_at(&self) -> Option<Duration> {
        self.unrest.map(|(_, last)| last + self.timing.stable_after)
    }

    fn is_hopeless(&self, now: Duration, first: Duration) -> bool {
        self.timing.down_all_when_unstable && now >= self.given_up_at(first)
    }

    fn given_up_at(&self, first: Duration) -> Duration {
        match self.timing.down_all_when_unstable {
            true => first + self.timing.patience(),
            false => Duration::MAX,
        }
    }
}
