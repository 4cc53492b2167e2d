//! What is waited for before it is told.

use std::time::Duration;

use weir_domain::NodeStatus;

use super::judging::{member, node, well};
use super::*;
use crate::alarms::patience::{Kept, Now, Patience};
use crate::alarms::{MemberSeen, Sighting, judge};

/// A centre that looks at what it is shown, second by second.
#[derive(Default)]
struct Lab {
    state: Alarms,
    patience: Patience,
    second: u64,
    writes: Writes,
}

/// What becomes of what is to be written down.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Writes {
    #[default]
    Told,
    /// It is written, but told so to nobody.
    Untold,
    Never,
}

impl Lab {
    fn now(&self) -> Now {
        let at = Timestamp(i64::try_from(self.second).unwrap() * 1_000);
        Now { up: Duration::from_secs(self.second), at }
    }

    /// Looks for so many seconds; what it wrote down.
    fn see(&mut self, seen: &Sighting, seconds: u64) -> Vec<Event> {
        (0..seconds).flat_map(|_| self.look(seen, 1)).collect()
    }

    /// Looks once, so many seconds after the last time.
    fn look(&mut self, seen: &Sighting, after: u64) -> Vec<Event> {
        self.second += after;
        let now = self.now();
        let kept = Kept::of(&self.state, now.at);
        let command = self.patience.look(&judge(seen, now.at), &kept, now);
        let Some(command) = command.filter(|_| self.writes != Writes::Never) else {
            return Vec::new();
        };
        let Command::Observe { raised, .. } = &command else { unreachable!() };
        let keys: Vec<_> = raised.iter().map(|it| it.key.clone()).collect();
        let events = done(&mut self.state, command);
        if self.writes == Writes::Told {
            self.patience.told(&keys, now);
        }
        events
    }

    /// Another holder goes on with what is in the journal.
    fn moved(self) -> Self {
        Self { state: self.state, second: self.second, ..Self::default() }
    }

    fn only(&self) -> &Alarm {
        let all: Vec<_> = self.state.standing().chain(self.state.ended()).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]
    }
}

fn lost() -> Sighting {
    let mut seen = well();
    let silent = MemberSeen { is_unreachable: true, ..member(NodeStatus::Up) };
    let since = MemberSeen { since: Timestamp(500), ..silent };
    seen.members.as_mut().unwrap().insert(node("node-2"), since);
    seen
}

fn unseen() -> Sighting {
    Sighting { members: Err("no answer".into()), ..well() }
}

fn named(events: &[Event]) -> Vec<&'static str> {
    let name = |it: &Event| match it {
        Event::Raised { .. } => "raised",
        Event::Repeated { .. } => "repeated",
        Event::LostSight { .. } => "lost sight",
        Event::Cleared { .. } => "cleared",
        Event::Confirmed { .. } => "confirmed",
        Event::Forgotten { .. } => "forgotten",
    };
    events.iter().map(name).collect()
}

#[test]
fn what_is_there_for_a_moment_is_not_raised_and_what_is_away_for_one_not_cleared() {
    let mut lab = Lab::default();
    assert_eq!(lab.see(&lost(), 2), []);
    assert_eq!(lab.see(&well(), 60), [], "it was a moment");
    assert_eq!(named(&lab.see(&lost(), 30)), ["raised"]);
    assert_eq!(lab.only().raised_at, Timestamp(500), "since then it was known");
    assert_eq!(lab.see(&well(), 10), []);
    assert_eq!(lab.see(&lost(), 1), [], "it stands all the while");
    assert_eq!(named(&lab.see(&lost(), 60)), ["repeated"], "now and then");
    assert_eq!(lab.only().count, 2);
    assert_eq!(named(&lab.see(&well(), 60)), ["cleared"]);
    assert!(!lab.only().is_standing());
}

#[test]
fn three_looks_find_it_however_long_they_take() {
    let mut lab = Lab::default();
    let unseen = unseen();
    for (seen, told) in [(lost(), "raised"), (unseen, "lost sight"), (well(), "cleared")] {
        assert_eq!(lab.look(&seen, 60), []);
        assert_eq!(lab.look(&seen, 60), [], "two are a chance");
        assert_eq!(named(&lab.look(&seen, 60)), [told]);
    }
}

#[test]
fn who_flaps_is_one_alarm_that_stands_and_is_seldom_written_down() {
    let mut lab = Lab::default();
    let mut events = Vec::new();
    for _ in 0..240 {
        events.extend(lab.see(&lost(), 5));
        events.extend(lab.see(&well(), 10));
    }
    let it = lab.only();
    assert!(it.is_standing() && it.count > 230, "{it:?}");
    assert!(events.len() < 70, "an hour: {}", events.len());
    let calm = named(&lab.see(&well(), 600));
    assert_eq!(calm.last(), Some(&"cleared"));
}

#[test]
fn what_becomes_worse_is_told_at_once_and_all_else_now_and_then() {
    let given_up = |status| {
        let mut seen = well();
        let gone = MemberSeen { reason: "given up".into(), ..member(status) };
        seen.members.as_mut().unwrap().insert(node("node-2"), gone);
        seen
    };
    let (error, warning) = (given_up(NodeStatus::Down), given_up(NodeStatus::Removed));
    let mut lab = Lab::default();
    assert_eq!(named(&lab.see(&warning, 5)), ["raised"]);
    assert_eq!(named(&lab.see(&error, 1)), ["repeated"], "worse");
    assert_eq!(lab.see(&warning, 59), [], "better");
    assert_eq!(named(&lab.see(&warning, 5)), ["repeated"]);
    let mut events = Vec::new();
    for _ in 0..300 {
        events.extend(lab.look(&error, 2));
        events.extend(lab.look(&warning, 2));
        events.extend(lab.look(&unseen(), 2));
    }
    assert!(events.len() <= 60, "half an hour: {}", events.len());
}

#[test]
fn what_nobody_can_judge_is_not_cleared() {
    let mut lab = Lab::default();
    lab.see(&lost(), 5);
    assert_eq!(named(&lab.see(&unseen(), 300)), ["lost sight"]);
    assert!(lab.only().is_standing() && lab.only().unknown_since.is_some());
    assert_eq!(named(&lab.see(&lost(), 1)), ["repeated"]);
    assert_eq!((lab.only().unknown_since, lab.only().count), (None, 1));
    lab.see(&unseen(), 300);
    assert_eq!(named(&lab.see(&well(), 60)), ["cleared"]);
}

#[test]
fn another_holder_raises_nothing_anew_and_clears_nothing_at_once() {
    let mut lab = Lab::default();
    lab.see(&lost(), 5);
    done(&mut lab.state, confirm(&[1], 1));
    let mut lab = lab.moved();
    assert_eq!(lab.see(&unseen(), 5), []);
    assert_eq!(lab.see(&lost(), 60), []);
    assert_eq!((lab.only().count, lab.only().confirmation.clone()), (1, Some(confirmation(1))));
    let mut lab = lab.moved();
    assert_eq!(lab.see(&well(), 9), []);
    assert_eq!(named(&lab.see(&well(), 9)), ["cleared"]);
    assert_eq!(lab.only().confirmation, Some(confirmation(1)));
}

#[test]
fn what_could_not_be_written_while_it_lasted_is_told_afterwards() {
    let mut lab = Lab { writes: Writes::Never, ..Lab::default() };
    let away = Sighting { store_trouble: Some("connection refused".into()), ..well() };
    lab.see(&away, 60);
    assert_eq!(lab.state, Alarms::default());
    lab.writes = Writes::Told;
    assert_eq!(named(&lab.see(&well(), 60)), ["raised", "cleared"]);
    let it = lab.only();
    assert_eq!(
        (it.key.to_string().as_str(), it.raised_at),
        ("store-unreachable:database", Timestamp(1_000))
    );
}

#[test]
fn what_was_written_but_told_so_to_nobody_is_raised_once() {
    let mut lab = Lab { writes: Writes::Untold, ..Lab::default() };
    assert_eq!(named(&lab.see(&lost(), 5)), ["raised"]);
    lab.writes = Writes::Told;
    assert_eq!(named(&lab.see(&well(), 900)), ["cleared"]);
    assert_eq!(lab.only().count, 1);
}

#[test]
fn what_ended_long_ago_is_forgotten_though_nothing_else_happens() {
    let mut lab = Lab::default();
    lab.see(&lost(), 5);
    assert_eq!(named(&lab.see(&well(), 60)), ["cleared"]);
    let month = ENDED_FOR.as_secs();
    assert_eq!(lab.look(&well(), month - 60), []);
    assert_eq!(named(&lab.look(&well(), 60)), ["forgotten"]);
    assert_eq!((lab.state.ended().count(), lab.look(&well(), 60)), (0, vec![]));
}

#[test]
fn more_dead_letters_are_the_same_alarm_again() {
    use crate::alarms::LettersSeen;
    let with = |waiting| {
        let mut seen = well();
        for it in seen.letters.values_mut() {
            *it = Ok(LettersSeen { waiting, has_more: false });
        }
        seen
    };
    let mut lab = Lab::default();
    assert_eq!(named(&lab.see(&with(3), 1)), ["raised"], "at once");
    lab.see(&with(5), 90);
    lab.see(&with(4), 90);
    assert_eq!(lab.only().count, 2, "some were replayed");
    assert!(lab.only().complaint.message.ends_with(": 4"));
    assert_eq!(named(&lab.see(&with(0), 60)), ["cleared"]);
}
