//! What a node that was downed still has to enter into the list: who is down.
//!
//! Somebody else may change the list meanwhile. Then the same is entered into what the list has
//! become, a few times: where they are not entered, the others learn it late, or one after the other.

use weir_domain::{Member, NodeStatus, Timestamp};
use weir_persistence_api::{MemberChanges, Members};

use super::Draft;

/// More than those who change the list at the same moment as a rule.
const TRIES_MAX: u32 = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastWords {
    ends: Vec<Member>,
    state: State,
    tries_left: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Decided upon the list at this version.
    Ready(u64, MemberChanges),
    /// Being saved, or too late: until the list is read.
    Out,
}

/// What is to be done about them at the store.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Say {
    Save(u64, MemberChanges),
    Read,
}

impl LastWords {
    pub(super) fn new((seen, changes): (u64, MemberChanges)) -> Self {
        let is_end = |it: &&Member| it.status == NodeStatus::Down;
        let ends = changes.save.iter().filter(is_end).cloned().collect();
        Self { ends, state: State::Ready(seen, changes), tries_left: TRIES_MAX }
    }

    /// To be asked while the store does nothing else.
    pub(super) fn next(&mut self) -> Say {
        match std::mem::replace(&mut self.state, State::Out) {
            State::Ready(seen, changes) => Say::Save(seen, changes),
            State::Out => Say::Read,
        }
    }

    /// Whether what has just ended at the store was something else.
    pub(super) fn are_unsaid(&self) -> bool {
        self.state != State::Out
    }

    /// The same on top of the list as it is now; `None`: all is said, or it was tried often enough.
    pub(super) fn upon(self, members: &Members, now: Timestamp) -> Option<Self> {
        let tries_left = self.tries_left.checked_sub(1)?;
        let mut draft = Draft::new(members, now);
        for end in &self.ends {
            let row = members.members.iter().find(|it| it.node.uid == end.node.uid);
            if let Some(row) = row {
                draft.set(row, end.status, end.reason.clone());
            }
        }
        let state = State::Ready(members.version, draft.changes()?);
        Some(Self { state, tries_left, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::tests::apply;
    use crate::testing::member;

    const NOW: Timestamp = Timestamp(1_000);

    fn list(version: u64, statuses: &[NodeStatus]) -> Members {
        let members = (1..).zip(statuses).map(|(n, &status)| member(n, status)).collect();
        Members { version, members }
    }

    fn words(members: &Members) -> LastWords {
        let mut draft = Draft::new(members, NOW);
        members.members.iter().for_each(|it| draft.set(it, NodeStatus::Down, "cut off"));
        LastWords::new((members.version, draft.changes().expect("changes")))
    }

    #[test]
    fn what_came_too_late_is_said_again_upon_the_list_that_was_faster() {
        use NodeStatus::{Down, Leaving, Removed, Up};
        let mut words = words(&list(7, &[Up, Up, Up]));
        let Say::Save(7, _) = words.next() else { panic!("{words:?}") };
        assert!(!words.are_unsaid());
        assert_eq!(words.next(), Say::Read);
        let mut faster = list(9, &[Up, Leaving, Removed]);
        let mut again = words.upon(&faster, NOW).expect("there is more to say");
        let Say::Save(9, changes) = again.next() else { panic!("{again:?}") };
        apply(&mut faster, &changes);
        let statuses: Vec<_> = faster.members.iter().map(|it| it.status).collect();
        assert_eq!(statuses, [Down, Down, Removed]);
        assert_eq!(again.upon(&faster, NOW), None, "all is said");
    }

    #[test]
    fn a_list_that_is_never_left_alone_is_given_up() {
        let mut words = Some(words(&list(7, &[NodeStatus::Up])));
        let mut tries = 0;
        while let Some(mut it) = words.take() {
            assert!(matches!(it.next(), Say::Save(..)));
            tries += 1;
            words = it.upon(&list(7 + u64::from(tries), &[NodeStatus::Up]), NOW);
        }
        assert_eq!(tries, TRIES_MAX + 1);
    }
}
