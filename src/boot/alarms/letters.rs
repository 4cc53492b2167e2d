//! Whose dead letters are counted when: counting reads the store, and there may be thousands of workflows. Pure, with
//! the uptime as a value.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_controllers::alarms::{LettersSeen, Sight};
use weir_domain::WorkflowName;

/// How often they are counted of a workflow whose engines have left others since; of one with letters that wait, of which
/// somebody may decide; and of all else, as there may be some that no engine counts any more.
const LEFT_EVERY: Duration = Duration::from_secs(5);
const WAITING_EVERY: Duration = Duration::from_secs(15);
const ANYWAY_EVERY: Duration = Duration::from_secs(600);
/// So much sooner at most one is counted anyway: not all at the same time.
const SOONER_MAX_SECS: u64 = 256;
/// Workflows that are counted in one look.
const AT_A_LOOK: usize = 16;
/// Who has not looked for so long begins anew: the alarm centre was elsewhere.
const AWAY: Duration = Duration::from_secs(60);
/// How fine it is measured how late one is.
const PER_TURN: u128 = 1_000;

/// What was found when they were counted last.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    all: BTreeMap<WorkflowName, Counted>,
    looked: Duration,
}

#[derive(Debug)]
struct Counted {
    /// When they were, or when the workflow was seen first.
    at: Duration,
    /// How many its engines had left then, since they were started.
    left: u64,
    /// `None`: they were not counted yet.
    seen: Option<Sight<LettersSeen>>,
}

impl Rounds {
    /// Whose letters are to be counted now, of those that left so many since their engines were started: those that are
    /// late the most, measured by how often they are due, so that everybody has a turn. `with_letters` had some.
    pub(super) fn due(
        &mut self,
        left: &BTreeMap<WorkflowName, u64>,
        with_letters: &BTreeSet<WorkflowName>,
        now: Duration,
    ) -> Vec<(WorkflowName, u64)> {
        let is_away = now.saturating_sub(self.looked) > AWAY;
        self.looked = now;
        self.all.retain(|it, _| !is_away && left.contains_key(it));
        let mut due = Vec::new();
        for (name, &left) in left {
            let new = Counted { at: now, left, seen: None };
            let known = self.all.entry(name.clone()).or_insert(new);
            let is_likely = left > 0 || with_letters.contains(name);
            let turns = known.turns(name, left, is_likely, now);
            if turns >= PER_TURN {
                due.push((Reverse(turns), Reverse(is_likely), name, left));
            }
        }
        due.sort_unstable();
        due.into_iter().take(AT_A_LOOK).map(|it| (it.2.clone(), it.3)).collect()
    }

    pub(super) fn counted(
        &mut self,
        name: WorkflowName,
        left: u64,
        seen: Sight<LettersSeen>,
        now: Duration,
    ) {
        self.all.insert(name, Counted { at: now, left, seen: Some(seen) });
    }

    pub(super) fn seen(&self) -> BTreeMap<WorkflowName, Sight<LettersSeen>> {
        let not_yet = || Err("its letters are not counted yet".to_owned());
        let seen = |it: &Counted| it.seen.clone().unwrap_or_else(not_yet);
        self.all.iter().map(|(name, it)| (name.clone(), seen(it))).collect()
    }
}

impl Counted {
    /// How many turns have passed, in thousandths; who was never counted is due at once.
    fn turns(&self, name: &WorkflowName, left: u64, is_likely: bool, now: Duration) -> u128 {
        let settled = Ok(LettersSeen { waiting: 0, has_more: false });
        let (every, missed) = match &self.seen {
            None if is_likely => (LEFT_EVERY, PER_TURN),
            None => (WAITING_EVERY, PER_TURN),
            Some(_) if self.left != left => (LEFT_EVERY, 0),
            Some(it) if *it != settled => (WAITING_EVERY, 0),
            Some(_) => (ANYWAY_EVERY - sooner(name), 0),
        };
        missed + now.saturating_sub(self.at).as_millis() * PER_TURN / every.as_millis()
    }
}

/// The same each time for one, and other for others.
fn sooner(name: &WorkflowName) -> Duration {
    let mixed =
        name.as_str().bytes().fold(7_u64, |sum, it| sum.wrapping_mul(31).wrapping_add(it.into()));
    Duration::from_secs(mixed % SOONER_MAX_SECS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Sight<LettersSeen> = Ok(LettersSeen { waiting: 0, has_more: false });
    const SOME: Sight<LettersSeen> = Ok(LettersSeen { waiting: 3, has_more: false });

    fn name(n: usize) -> WorkflowName {
        format!("w-{n:04}").parse().unwrap()
    }

    /// So many workflows that have left nothing.
    fn quiet(n: usize) -> BTreeMap<WorkflowName, u64> {
        (0..n).map(|it| (name(it), 0)).collect()
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Counts who is due at that second.
    fn look(
        rounds: &mut Rounds,
        left: &BTreeMap<WorkflowName, u64>,
        second: u64,
        found: &Sight<LettersSeen>,
    ) -> Vec<WorkflowName> {
        let due = rounds.due(left, &BTreeSet::new(), seconds(second));
        for (name, left) in &due {
            rounds.counted(name.clone(), *left, found.clone(), seconds(second));
        }
        due.into_iter().map(|it| it.0).collect()
    }

    #[test]
    fn who_goes_on_counts_some_at_a_look_and_first_those_that_may_have_letters() {
        let (mut rounds, mut left) = (Rounds::default(), quiet(100));
        left.insert(name(70), 2);
        let with_letters = [name(90)].into();
        let first = rounds.due(&left, &with_letters, seconds(0));
        assert_eq!(first.len(), AT_A_LOOK);
        assert_eq!(first[..3], [(name(70), 2), (name(90), 0), (name(0), 0)]);
        assert!(rounds.seen().values().all(Result::is_err), "not yet");
        let looks = (0..7).map(|it| look(&mut rounds, &left, 2 * it, &NONE).len());
        assert_eq!(looks.collect::<Vec<_>>(), [16, 16, 16, 16, 16, 16, 4]);
        assert!(rounds.seen().values().all(|it| *it == NONE));
        assert_eq!(look(&mut rounds, &left, 14, &NONE), []);
    }

    #[test]
    fn letters_that_are_left_or_wait_are_counted_more_often_than_none() {
        let (mut rounds, mut left) = (Rounds::default(), quiet(2));
        assert_eq!(look(&mut rounds, &left, 0, &NONE).len(), 2);
        assert_eq!(look(&mut rounds, &left, 50, &NONE), []);
        left.insert(name(1), 1);
        assert_eq!(look(&mut rounds, &left, 51, &SOME), [name(1)], "its engines left one");
        left.insert(name(1), 2);
        assert_eq!(look(&mut rounds, &left, 55, &SOME), []);
        assert_eq!(look(&mut rounds, &left, 56, &SOME), [name(1)]);
        assert_eq!(look(&mut rounds, &left, 70, &SOME), []);
        assert_eq!(look(&mut rounds, &left, 71, &NONE), [name(1)], "somebody may have decided");
        let anyway = (72..1_000).map(|it| look(&mut rounds, &left, it, &NONE).len());
        let anyway: usize = anyway.sum();
        assert!((2..=5).contains(&anyway), "{anyway}");
        left.remove(&name(1));
        look(&mut rounds, &left, 1_000, &NONE);
        assert_eq!(rounds.seen().len(), 1, "it is no more");
        left.insert(name(0), 0);
        assert_eq!(look(&mut rounds, &left, 1_061, &NONE), [name(0)], "others looked meanwhile");
    }

    #[test]
    fn who_has_letters_all_the_time_keeps_nobody_from_its_turn() {
        let (mut rounds, mut left) = (Rounds::default(), quiet(200));
        let mut counted: BTreeMap<WorkflowName, u32> = BTreeMap::new();
        for second in (0..3_600).step_by(2) {
            left.values_mut().skip(100).for_each(|it| *it += 1);
            for it in look(&mut rounds, &left, second, &NONE) {
                *counted.entry(it).or_default() += 1;
            }
        }
        let (quiet, loud): (Vec<_>, Vec<_>) = counted.iter().partition(|it| *it.0 < name(100));
        assert_eq!((quiet.len(), loud.len()), (100, 100));
        assert!(quiet.iter().all(|it| *it.1 >= 3), "an hour: {quiet:?}");
        assert!(loud.iter().all(|it| *it.1 >= 200), "an hour: {loud:?}");
    }

    #[test]
    fn not_all_are_counted_anyway_at_the_same_time() {
        let sooner: BTreeSet<_> = (0..100).map(|it| sooner(&name(it))).collect();
        assert!(sooner.len() > 50, "{sooner:?}");
        assert!(sooner.iter().all(|it| *it < ANYWAY_EVERY / 2));
    }
}
