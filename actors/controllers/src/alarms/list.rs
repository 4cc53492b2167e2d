//! Alarms by pages: those that stand before those that have ended; of the former the worst first, then the newest.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_domain::{Alarm, AlarmId, AlarmSeverity, Timestamp};

use super::Alarms;

/// Which alarms are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    #[default]
    Standing,
    Ended,
    All,
}

/// One page of those that fit all that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub wanted: Wanted,
    /// None: whatever it is.
    pub severities: BTreeSet<AlarmSeverity>,
    /// The name of what it is about.
    pub subject: Option<String>,
    /// Go on behind that place.
    pub after: Option<AlarmPlace>,
    /// Most alarms of the page.
    pub limit: u32,
}

/// Where an alarm stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlarmPlace {
    /// By its severity while it stands; behind all of those when it has ended.
    pub rank: u8,
    pub at: Reverse<Timestamp>,
    pub id: Reverse<AlarmId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmPage {
    pub alarms: Vec<Alarm>,
    pub has_more: bool,
    pub counts: AlarmCounts,
}

/// Of all alarms, whatever was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmCounts {
    pub standing: BySeverity,
    /// Of those that stand.
    pub unconfirmed: BySeverity,
    /// Raised and gone, and nobody has said that he saw it.
    pub ended_unconfirmed: BySeverity,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BySeverity {
    pub error: u64,
    pub warning: u64,
    pub info: u64,
}

impl BySeverity {
    fn of<'a>(alarms: impl Iterator<Item = &'a Alarm>) -> Self {
        let mut all = Self::default();
        for it in alarms {
            *match it.complaint.severity {
                AlarmSeverity::Error => &mut all.error,
                AlarmSeverity::Warning => &mut all.warning,
                AlarmSeverity::Info => &mut all.info,
            } += 1;
        }
        all
    }
}

impl AlarmPlace {
    pub fn of(alarm: &Alarm) -> Self {
        let (rank, at) = match alarm.cleared_at {
            Some(at) => (u8::MAX, at),
            None => (alarm.complaint.severity as u8, alarm.raised_at),
        };
        Self { rank, at: Reverse(at), id: Reverse(alarm.id) }
    }
}

impl Alarms {
    pub fn page(&self, asked: &Asked) -> AlarmPage {
        let (standing, ended) = match asked.wanted {
            Wanted::Standing => (true, false),
            Wanted::Ended => (false, true),
            Wanted::All => (true, true),
        };
        let standing = self.standing().filter(|_| standing);
        let all = standing.chain(self.ended().filter(|_| ended));
        let fits = all.filter(|it| asked.fits(it)).map(|it| (AlarmPlace::of(it), it));
        let mut placed: Vec<_> =
            fits.filter(|it| asked.after.is_none_or(|after| it.0 > after)).collect();
        placed.sort_by_key(|it| it.0);
        let limit = asked.limit as usize;
        let has_more = placed.len() > limit;
        let alarms = placed.into_iter().take(limit).map(|it| it.1.clone()).collect();
        AlarmPage { alarms, has_more, counts: self.counts() }
    }

    pub fn counts(&self) -> AlarmCounts {
        let is_open = |it: &&Alarm| it.confirmation.is_none();
        AlarmCounts {
            standing: BySeverity::of(self.standing()),
            unconfirmed: BySeverity::of(self.standing().filter(is_open)),
            ended_unconfirmed: BySeverity::of(self.ended().filter(is_open)),
        }
    }
}

impl Asked {
    fn fits(&self, it: &Alarm) -> bool {
        let is_as_bad =
            self.severities.is_empty() || self.severities.contains(&it.complaint.severity);
        is_as_bad && self.subject.as_ref().is_none_or(|name| it.key.subject.name == *name)
    }
}
