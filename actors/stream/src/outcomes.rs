//! How the newest streams of a workflow ended, so that one that rolls back what it is given does not count as
//! well.
//!
//! - O1: an item stands here once, by its last stream: one that was reset and committed is no trouble any more.
//! - O2: what was stopped or given back says nothing, since it is done again; nor does what an operator ended.
//! - O3: an item that was done by another engine meanwhile, reset, or denied is no trouble any more.

use std::collections::{BTreeSet, VecDeque};

use weir_domain::{Fault, ItemStatus, StreamState};
use weir_persistence_api::ItemRow;

use crate::control::ENDED_BY_OPERATOR;
use crate::life::is_given_back;

/// How many items are looked back at.
const LOOKED_AT: usize = 20;
/// From which share of them on something is wrong with the workflow, and not with one file.
const TOO_MANY: usize = LOOKED_AT / 10;

#[derive(Debug, Clone, Default)]
pub(crate) struct Outcomes(VecDeque<(String, Option<Fault>)>);

impl Outcomes {
    /// A stream of an item was closed.
    pub(crate) fn note(
        &mut self,
        item: &str,
        ended: (StreamState, Option<&Fault>),
        is_draining: bool,
    ) {
        let why = match ended {
            (StreamState::RolledBack, Some(it))
                if is_given_back(it, is_draining) || it.code.0 == ENDED_BY_OPERATOR =>
            {
                return;
            }
            (StreamState::RolledBack, why) => why.cloned(),
            _ => None,
        };
        self.0.retain(|it| it.0 != item);
        self.0.push_back((item.to_owned(), why));
        if self.0.len() > LOOKED_AT {
            self.0.pop_front();
        }
    }

    /// The items whose streams were rolled back; none while that is no fault of the workflow.
    pub(crate) fn at_fault(&self) -> Vec<String> {
        match self.fault() {
            None => Vec::new(),
            Some(_) => self.0.iter().filter(|it| it.1.is_some()).map(|it| it.0.clone()).collect(),
        }
    }

    /// Forgets those of these items of which that is remembered, and nothing any more of the others.
    pub(crate) fn recall(&mut self, asked: &[String], known: &[ItemRow]) {
        let is_mended = |it: &&ItemRow| matches!(it.status, ItemStatus::Done | ItemStatus::Denied);
        let mut kept: BTreeSet<&str> = known.iter().map(|it| it.item.as_str()).collect();
        for it in known.iter().filter(is_mended) {
            kept.remove(it.item.as_str());
        }
        self.0.retain(|it| kept.contains(it.0.as_str()) || !asked.contains(&it.0));
    }

    /// What is wrong with the workflow, as long as too many of its newest streams were rolled back.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let rolled_back = self.0.iter().filter(|(_, why)| why.is_some()).count();
        if rolled_back == 0 || rolled_back * LOOKED_AT < TOO_MANY * self.0.len() {
            return None;
        }
        let (item, why) =
            self.0.iter().rev().find_map(|(item, why)| Some((item, why.as_ref()?)))?;
        let message = match self.0.len() {
            1 => format!("rolled back its newest stream, {item}: {}", why.message),
            all if all == rolled_back => {
                format!(
                    "rolled back all of its newest {all} streams, at last {item}: {}",
                    why.message
                )
            }
            all => format!(
                "rolled back {rolled_back} of its newest {all} streams, at last {item}: {}",
                why.message
            ),
        };
        let hint = match &why.hint {
            Some(hint) => format!("{hint}; then reset its items"),
            None => "look at the logs of its streams, mend what is wrong, then reset its items"
                .to_owned(),
        };
        Some(Fault::new(why.kind, 3146, message).with_hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::{Fingerprint, SourceName, Timestamp};

    use super::*;

    fn failed(outcomes: &mut Outcomes, item: &str) {
        let why = Fault::data(4105, "the header has no column id");
        outcomes.note(item, (StreamState::RolledBack, Some(&why)), false);
    }

    fn said(outcomes: &Outcomes) -> Option<String> {
        outcomes.fault().map(|it| it.message)
    }

    #[test]
    fn a_workflow_that_rolls_back_what_it_is_given_has_a_fault() {
        let mut outcomes = Outcomes::default();
        assert_eq!(said(&outcomes), None);
        failed(&mut outcomes, "a.csv");
        assert_eq!(
            said(&outcomes).unwrap(),
            "rolled back its newest stream, a.csv: the header has no column id"
        );
        failed(&mut outcomes, "b.csv");
        assert_eq!(
            said(&outcomes).unwrap(),
            "rolled back all of its newest 2 streams, at last b.csv: the header has no column id"
        );
        outcomes.note("c.csv", (StreamState::CommittedWithWarnings, None), false);
        assert_eq!(
            said(&outcomes).unwrap(),
            "rolled back 2 of its newest 3 streams, at last b.csv: the header has no column id"
        );
    }

    #[test]
    fn one_of_many_is_the_trouble_of_its_file_and_what_was_mended_is_none() {
        let mut outcomes = Outcomes::default();
        failed(&mut outcomes, "a.csv");
        failed(&mut outcomes, "b.csv");
        for n in 0..18 {
            outcomes.note(&n.to_string(), (StreamState::Committed, None), false);
        }
        assert!(said(&outcomes).unwrap().contains("2 of its newest 20"));
        outcomes.note("a.csv", (StreamState::Committed, None), false);
        assert_eq!(said(&outcomes), None, "one of 20");
        failed(&mut outcomes, "c.csv");
        assert_eq!(said(&outcomes), None, "the oldest are forgotten");
        failed(&mut outcomes, "d.csv");
        assert!(said(&outcomes).unwrap().contains("2 of its newest 20"));
    }

    #[test]
    fn what_was_stopped_says_nothing() {
        let mut outcomes = Outcomes::default();
        let stopped = Fault::stopped("the engine ends");
        let aborted = Fault::data(ENDED_BY_OPERATOR, "an operator aborted the stream");
        for why in [stopped, aborted] {
            outcomes.note("a.csv", (StreamState::RolledBack, Some(&why)), false);
            assert_eq!(said(&outcomes), None);
        }
    }

    #[test]
    fn what_was_mended_elsewhere_is_forgotten() {
        let row = |item: &str, status| ItemRow {
            source: SourceName::stored("w/read"),
            item: item.to_owned(),
            fingerprint: Fingerprint { size: 1, modified_ns: 1, device: 1, inode: 1 },
            status,
            claim: String::new(),
            stream: None,
            instance: None,
            owner: String::new(),
            claimed_at: Timestamp(1),
            settled_at: None,
            cleared_at: None,
        };
        let mut outcomes = Outcomes::default();
        assert!(outcomes.at_fault().is_empty());
        for item in ["done", "reset", "failed", "waits", "denied"] {
            failed(&mut outcomes, item);
        }
        let asked = outcomes.at_fault();
        // It came after the question.
        failed(&mut outcomes, "new");
        let known = [
            row("done", ItemStatus::Done),
            row("failed", ItemStatus::Failed),
            row("waits", ItemStatus::Pending),
            row("denied", ItemStatus::Denied),
        ];
        outcomes.recall(&asked, &known);
        assert_eq!(outcomes.at_fault(), ["failed", "waits", "new"]);
    }
}
