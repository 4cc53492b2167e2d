//! What has lasted long enough to be told: pure, with the time as a value.
//!
//! What comes for a moment is not raised, and what goes for a moment is not cleared. Something that comes and goes is
//! waited for longer and longer, so that it stays one alarm that stands; how often it came is counted, and written
//! down now and then. All of this is in memory: whoever looks next begins anew, and clears nothing at once.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_domain::{Alarm, AlarmKey, AlarmKind, Timestamp};

use super::judge::{Judgement, Trouble};
use super::{Alarms, Command, Report, SAME_WITHIN};

/// So long it must be away before it is cleared; twice as long each time that it came back.
const CALM_MIN: Duration = Duration::from_secs(10);
const CALM_DOUBLED_MAX: u32 = 5;
/// So many looks must have found the same, too: where they take long, two are a chance.
const LOOKS_MIN: u32 = 3;
/// So long nobody can judge it before that is told.
const UNKNOWN_AFTER: Duration = Duration::from_secs(10);
/// So often what is said of an alarm that stands is written down anew, unless it becomes worse.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How long it must last before it is raised.
fn lasts(kind: &AlarmKind) -> Duration {
    // Somebody did that, or it does not go away by itself.
    let stays = [AlarmKind::DEAD_LETTERS, AlarmKind::NODE_DRAINED, AlarmKind::STREAMS_PAUSED];
    // Controllers move, and instances are placed, while nodes come and go.
    let moves = [AlarmKind::CONTROLLER_MISSING, AlarmKind::CONTROLLER_TROUBLE];
    let places = [AlarmKind::WORKFLOW_UNPLACED, AlarmKind::NODE_SILENT];
    Duration::from_secs(match kind {
        it if stays.contains(it) => 0,
        it if moves.contains(it) => 15,
        it if places.contains(it) => 8,
        _ => 2,
    })
}

/// When it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Never goes back.
    pub(super) up: Duration,
    pub(super) at: Timestamp,
}

/// What the journal says before a look.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) standing: BTreeMap<AlarmKey, Alarm>,
    /// Something ended so long ago that it is to be forgotten.
    has_old: bool,
}

impl Kept {
    pub(super) fn of(alarms: &Alarms, at: Timestamp) -> Self {
        let standing = alarms.standing().map(|it| (it.key.clone(), it.clone())).collect();
        Self { standing, has_old: alarms.old_before(at).is_some() }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Patience(BTreeMap<AlarmKey, Known>);

/// Looks that found the same, without a gap.
#[derive(Debug, Clone, Copy)]
struct Run {
    since: Now,
    looks: u32,
}

impl Run {
    fn new(since: Now) -> Self {
        Self { since, looks: 0 }
    }

    fn age(&self, now: Now) -> Duration {
        now.up.saturating_sub(self.since.up)
    }

    fn has_lasted(&self, long: Duration, now: Now) -> bool {
        long.is_zero() || self.looks >= LOOKS_MIN && self.age(now) >= long
    }
}

#[derive(Debug, Clone)]
struct Known {
    trouble: Option<Trouble>,
    found: Run,
    /// Judged, and not found.
    missed: Option<Run>,
    unjudged: Option<Run>,
    /// It lasted, and was not told yet. What stands was, though its teller may not have heard so.
    is_due: bool,
    /// How often it came again since it was told last.
    again: u64,
    told: Option<Duration>,
    /// How often it came back of late.
    returns: u32,
}

impl Known {
    fn new(now: Now) -> Self {
        Self {
            trouble: None,
            found: Run::new(now),
            missed: None,
            unjudged: None,
            is_due: false,
            again: 0,
            told: None,
            returns: 0,
        }
    }

    fn find(&mut self, trouble: &Trouble, is_standing: bool, now: Now) {
        self.unjudged = None;
        if self.missed.take().is_some() {
            self.returns += 1;
            self.found = Run::new(now);
            self.again += u64::from(is_standing);
        } else if self.found.age(now) >= SAME_WITHIN {
            self.returns = 0;
        }
        self.found.looks += 1;
        let before = self.trouble.as_ref().map_or(u64::MAX, |it| it.amount);
        self.again += u64::from(is_standing && trouble.amount > before);
        self.trouble = Some(trouble.clone());
    }

    /// It is judged, and not found.
    fn miss(&mut self, now: Now) -> Run {
        self.unjudged = None;
        again(&mut self.missed, now)
    }

    fn lose_sight(&mut self, now: Now) -> Run {
        self.missed = None;
        again(&mut self.unjudged, now)
    }

    fn calm(&self) -> Duration {
        CALM_MIN * 2_u32.pow(self.returns.min(CALM_DOUBLED_MAX))
    }

    fn report(&self, key: &AlarmKey) -> Option<Report> {
        let trouble = self.trouble.as_ref()?;
        Some(Report {
            key: key.clone(),
            complaint: trouble.complaint.clone(),
            since: trouble.since.unwrap_or(self.found.since.at),
            again: self.again,
        })
    }
}

/// One look more, of a run that may begin with it.
fn again(run: &mut Option<Run>, now: Now) -> Run {
    let run = run.get_or_insert(Run::new(now));
    run.looks += 1;
    *run
}

impl Patience {
    /// What is to be told after a look; `None`: nothing. It is told again until [`Patience::told`] says that it was.
    pub(super) fn look(
        &mut self,
        judged: &Judgement<'_>,
        Kept { standing, has_old }: &Kept,
        now: Now,
    ) -> Option<Command> {
        let mut raised = Vec::new();
        for (key, trouble) in &judged.found {
            let known = self.0.entry(key.clone()).or_insert_with(|| Known::new(now));
            let alarm = standing.get(key);
            known.find(trouble, alarm.is_some(), now);
            let is_to_be_told = match alarm {
                Some(alarm) => {
                    known.is_due = false;
                    is_news(alarm, known, now)
                }
                None => {
                    known.is_due |= known.found.has_lasted(lasts(&key.kind), now);
                    known.is_due
                }
            };
            raised.extend(known.report(key).filter(|_| is_to_be_told));
        }
        let (mut cleared, mut unknown) = (Vec::new(), Vec::new());
        for (key, alarm) in standing.iter().filter(|it| !judged.found.contains_key(it.0)) {
            let known = self.0.entry(key.clone()).or_insert_with(|| Known::new(now));
            known.is_due = false;
            if judged.is_judged(key) {
                if known.miss(now).has_lasted(known.calm(), now) {
                    cleared.push(key.clone());
                }
            } else if known.lose_sight(now).has_lasted(UNKNOWN_AFTER, now)
                && alarm.unknown_since.is_none()
            {
                unknown.push(key.clone());
            }
        }
        self.0.retain(|key, known| {
            if judged.found.contains_key(key) || standing.contains_key(key) {
                return true;
            }
            if known.is_due {
                // It was not to be told while it lasted: the database was away, as like as not.
                raised.extend(known.report(key));
                return true;
            }
            known.miss(now).age(now) < SAME_WITHIN
        });
        let is_nothing = raised.is_empty() && cleared.is_empty() && unknown.is_empty() && !has_old;
        (!is_nothing).then_some(Command::Observe { raised, cleared, unknown, at: now.at })
    }

    /// What was to be told is kept.
    pub(super) fn told(&mut self, keys: &[AlarmKey], now: Now) {
        for key in keys {
            if let Some(known) = self.0.get_mut(key) {
                (known.is_due, known.again, known.told) = (false, 0, Some(now.up));
            }
        }
    }
}

/// Whether something is to be said of an alarm that stands: at once where it becomes worse, all else now and then. What
/// comes and goes would fill the journal.
fn is_news(alarm: &Alarm, known: &Known, now: Now) -> bool {
    let Some(trouble) = &known.trouble else { return false };
    // The worst is the least.
    let is_worse = trouble.complaint.severity < alarm.complaint.severity;
    let is_other =
        known.again > 0 || alarm.unknown_since.is_some() || alarm.complaint != trouble.complaint;
    let has_rested = known.told.is_none_or(|it| now.up.saturating_sub(it) >= TELL_EVERY);
    is_worse || is_other && has_rested
}
