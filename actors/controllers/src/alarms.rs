//! Alarm centre: what is wrong in the cluster, what was, and who has seen it.
//!
//! Nobody reports an alarm. Whoever has the lease looks at the cluster again and again (`sight`), judges by a pure
//! function what is wrong then (`judge`), waits until that lasts (`patience`), and what differs from what is kept
//! becomes events. So a new holder finds out by itself what stands, and who confirmed what is in the journal.
//!
//! Invariants:
//! - L1: of what stands there is one alarm for each key, however often it comes and goes.
//! - L2: an alarm that can't be judged is not cleared: it says since when nobody can.
//! - L3: a confirmation stays with its alarm until that is forgotten.
//! - L4: what has ended is bounded, in number and in time, and so is what stands.

mod code;
mod handle;
mod judge;
mod list;
mod patience;
mod service;
mod sight;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_domain::{Alarm, AlarmId, AlarmKey, CommandId, Complaint, Confirmation, Timestamp};
use weir_runtime::{Decision, EventSourced, Form};

use crate::TooLong;
use crate::text::is_short;

pub use handle::{AlarmCentre, Failure};
pub use judge::{Judgement, Trouble, judge};
pub use list::{AlarmCounts, AlarmPage, AlarmPlace, Asked, BySeverity, Wanted};
pub use service::{AlarmService, AlarmSingleton, Confirmed, Request, Response};
pub use sight::{
    ControllerSeen, LettersSeen, Lookout, MemberSeen, NodeSeen, ScheduleSeen, Sight, Sighting,
    Unjudged, WorkflowSeen, WorkflowsSeen,
};

/// The name of its lease and its persistence id.
pub const LEASE: &str = "alarms";
/// Alarms that stand; more are not raised.
const STANDING_MAX: usize = 5_000;
/// Alarms that have ended, and how long they are kept.
const ENDED_MAX: usize = 5_000;
const ENDED_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);
/// What comes back so soon after its end is the same alarm.
const SAME_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Alarms that one command names.
pub const IDS_MAX: usize = 1_000;

#[derive(Debug, Clone)]
pub enum Command {
    /// What has lasted of what was found, of all that stands and of what is new.
    Observe {
        raised: Vec<Report>,
        /// What stood and does not hold any more.
        cleared: Vec<AlarmKey>,
        /// What stands, and nobody can say whether it still holds.
        unknown: Vec<AlarmKey>,
        at: Timestamp,
    },
    Confirm {
        which: Which,
        confirmation: Confirmation,
    },
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub key: AlarmKey,
    pub complaint: Complaint,
    pub since: Timestamp,
    /// How often it came again since it was told last.
    pub again: u64,
}

/// Which alarms are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    These(BTreeSet<AlarmId>),
    /// All that nobody has confirmed, those that have ended too.
    All,
}

/// Facts, in the past tense. Add variants; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It is new; or it had ended, and stands again.
    Raised {
        id: AlarmId,
        key: AlarmKey,
        complaint: Complaint,
        at: Timestamp,
    },
    /// It stands, came again so many times, and this is what is said of it now. Whoever could not
    /// judge it can.
    Repeated {
        id: AlarmId,
        times: u64,
        complaint: Complaint,
        at: Timestamp,
    },
    /// Nobody can say any more whether they hold.
    LostSight {
        ids: Vec<AlarmId>,
        at: Timestamp,
    },
    Cleared {
        id: AlarmId,
        at: Timestamp,
    },
    Confirmed {
        ids: Vec<AlarmId>,
        confirmation: Confirmation,
    },
    /// Alarms that had ended before that.
    Forgotten {
        before: Timestamp,
    },
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error("there is no alarm {0}: the newest {ENDED_MAX} that have ended are kept for 30 days")]
    Unknown(AlarmId),
    #[error("{0} alarms are more than the {IDS_MAX} that can be named at a time")]
    TooMany(usize),
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarms {
    /// The last number that was given.
    last: u64,
    standing: BTreeMap<AlarmId, Alarm>,
    /// In the order in which they ended.
    ended: VecDeque<Alarm>,
}

impl EventSourced for Alarms {
    type Command = Command;
    type Event = Event;
    type Effect = Infallible;
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("alarms.event", 1);
    const STATE_FORM: Form = Form::new("alarms.state", 1);

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Observe { raised, cleared, unknown, at } => {
                Ok(self.observe(raised, &cleared, &unknown, at))
            }
            Command::Confirm { which, confirmation } => self.confirm(&which, confirmation),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::Raised { id, key, complaint, at } => self.raise(id, key, complaint, at),
            Event::Repeated { id, times, complaint, at } => {
                let Some(alarm) = self.standing.get_mut(&id) else { return };
                (alarm.complaint, alarm.unknown_since) = (complaint, None);
                if times > 0 {
                    (alarm.count, alarm.last_at) = (alarm.count.saturating_add(times), at);
                }
            }
            Event::LostSight { ids, at } => {
                for id in ids {
                    if let Some(alarm) = self.standing.get_mut(&id) {
                        alarm.unknown_since = Some(at);
                    }
                }
            }
            Event::Cleared { id, at } => {
                let Some(alarm) = self.standing.remove(&id) else { return };
                self.ended.push_back(Alarm { cleared_at: Some(at), unknown_since: None, ..alarm });
                while self.ended.len() > ENDED_MAX {
                    self.ended.pop_front();
                }
            }
            Event::Confirmed { ids, confirmation } => {
                let ids: BTreeSet<_> = ids.into_iter().collect();
                let meant = self.all_mut().filter(|it| ids.contains(&it.id));
                meant.for_each(|it| it.confirmation = Some(confirmation.clone()));
            }
            Event::Forgotten { before } => {
                self.ended.retain(|it| it.cleared_at.is_some_and(|at| at >= before));
            }
        }
    }

    fn outstanding(&self) -> Vec<Infallible> {
        vec![]
    }
}

impl Alarms {
    /// Those that stand, in the order of their ids.
    pub fn standing(&self) -> impl Iterator<Item = &Alarm> {
        self.standing.values()
    }

    /// Those that have ended, in the order in which they did.
    pub fn ended(&self) -> impl Iterator<Item = &Alarm> {
        self.ended.iter()
    }

    pub fn find(&self, id: AlarmId) -> Option<&Alarm> {
        self.standing.get(&id).or_else(|| self.ended.iter().rev().find(|it| it.id == id))
    }

    /// What a command confirmed, and what was confirmed otherwise of that which it named.
    pub fn confirmed(&self, which: &Which, command: CommandId) -> Confirmed {
        let mut confirmed = Confirmed::default();
        for it in self.all() {
            let Some(confirmation) = &it.confirmation else { continue };
            if confirmation.command == Some(command) {
                confirmed.now.push(it.id);
            } else if matches!(which, Which::These(ids) if ids.contains(&it.id)) {
                confirmed.before.push(it.id);
            }
        }
        confirmed
    }

    fn unconfirmed(&self, which: &Which) -> Vec<AlarmId> {
        let is_meant = |it: &&Alarm| match which {
            Which::These(ids) => ids.contains(&it.id),
            Which::All => true,
        };
        let open = self.all().filter(|it| it.confirmation.is_none());
        open.filter(is_meant).map(|it| it.id).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Alarm> {
        self.standing().chain(self.ended())
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Alarm> {
        self.standing.values_mut().chain(&mut self.ended)
    }

    fn raise(&mut self, id: AlarmId, key: AlarmKey, complaint: Complaint, at: Timestamp) {
        self.last = self.last.max(id.0);
        let former = self.ended.iter().rposition(|it| it.id == id);
        let alarm = match former.and_then(|it| self.ended.remove(it)) {
            Some(former) => Alarm {
                complaint,
                last_at: at,
                count: former.count.saturating_add(1),
                cleared_at: None,
                ..former
            },
            None => Alarm {
                id,
                key,
                complaint,
                raised_at: at,
                last_at: at,
                count: 1,
                unknown_since: None,
                cleared_at: None,
                confirmation: None,
            },
        };
        self.standing.insert(id, alarm);
    }

    fn observe(
        &self,
        raised: Vec<Report>,
        cleared: &[AlarmKey],
        unknown: &[AlarmKey],
        at: Timestamp,
    ) -> Vec<Event> {
        let standing: BTreeMap<&AlarmKey, &Alarm> =
            self.standing.values().map(|it| (&it.key, it)).collect();
        let (mut events, mut last) = (Vec::new(), self.last);
        let gone = cleared.iter().filter_map(|it| standing.get(it));
        events.extend(gone.map(|it| Event::Cleared { id: it.id, at }));
        let lost = unknown.iter().filter_map(|it| standing.get(it));
        let lost = lost.filter(|it| it.unknown_since.is_none()).map(|it| it.id);
        let ids: Vec<_> = lost.collect();
        if !ids.is_empty() {
            events.push(Event::LostSight { ids, at });
        }
        let mut room = STANDING_MAX.saturating_sub(self.standing.len());
        let mut told = BTreeSet::new();
        for Report { key, complaint, since, again } in raised {
            // Of what is told twice at a time the first counts.
            if !told.insert(key.clone()) {
                continue;
            }
            if let Some(alarm) = standing.get(&key) {
                let is_news = again > 0 || alarm.complaint != complaint;
                if is_news || alarm.unknown_since.is_some() {
                    events.push(Event::Repeated { id: alarm.id, times: again, complaint, at });
                }
                continue;
            }
            if room == 0 {
                continue;
            }
            room -= 1;
            let id = self.ended_lately(&key, at).unwrap_or_else(|| {
                last += 1;
                AlarmId(last)
            });
            events.push(Event::Raised { id, key, complaint, at: since.min(at) });
        }
        events.extend(self.old_before(at).map(|before| Event::Forgotten { before }));
        events
    }

    /// What ended before that is to be forgotten, where there is any.
    fn old_before(&self, at: Timestamp) -> Option<Timestamp> {
        let before = Timestamp(at.0 - i64::try_from(ENDED_FOR.as_millis()).unwrap_or(i64::MAX));
        let is_old = |it: &Alarm| it.cleared_at.is_some_and(|at| at < before);
        self.ended.front().is_some_and(is_old).then_some(before)
    }

    /// The alarm of that key that ended a short while ago.
    fn ended_lately(&self, key: &AlarmKey, at: Timestamp) -> Option<AlarmId> {
        let is_late = |it: &&Alarm| it.cleared_at.is_some_and(|it| at.since(it) < SAME_WITHIN);
        let late = self.ended.iter().rev().take_while(is_late);
        late.filter(|it| it.key == *key).map(|it| it.id).next()
    }

    fn confirm(&self, which: &Which, confirmation: Confirmation) -> Decision<Self> {
        if let Some(note) = &confirmation.note {
            is_short("note", note)?;
        }
        if let Which::These(ids) = which {
            if ids.len() > IDS_MAX {
                return Err(Rejection::TooMany(ids.len()));
            }
            let known: BTreeSet<_> = self.all().map(|it| it.id).collect();
            if let Some(unknown) = ids.difference(&known).next() {
                return Err(Rejection::Unknown(*unknown));
            }
        }
        match self.unconfirmed(which) {
            ids if ids.is_empty() => Ok(vec![]),
            ids => Ok(vec![Event::Confirmed { ids, confirmation }]),
        }
    }
}
