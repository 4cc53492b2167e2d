use weir_domain::NodeStatus;
use weir_persistence_api::LeaseName;

use super::*;
use crate::testing::{member, uid};

/// This node is the first of three, and should have the singleton.
struct Lab {
    rule: Rule,
    facts: Facts,
    row: Option<Row>,
    good_since: Option<Duration>,
    preferred: u8,
    now: Duration,
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn node(n: u8) -> Incarnation {
    member(n, NodeStatus::Up).node
}

fn fence(epoch: u64) -> Fence {
    Fence { lease: LeaseName("access".into()), owner: node(1).to_string(), epoch }
}

fn facts(nodes: u8) -> Facts {
    Facts {
        candidates: (1..=nodes).map(node).collect(),
        fates: (1..=nodes).map(|it| (uid(it), Fate::Present)).collect(),
        survives: true,
    }
}

impl Lab {
    fn new() -> Self {
        let rule = Rule::new(node(1), Timing::default());
        let (good_since, now) = (Some(Duration::ZERO), seconds(100.0));
        Self { rule, facts: facts(3), row: None, good_since, preferred: 1, now }
    }

    /// With the lease since 100 s, at epoch 1.
    fn active() -> Self {
        let mut lab = Self::new();
        assert_eq!(lab.look(), [Action::Acquire]);
        lab.granted(1);
        assert_eq!(lab.hear(Report::Started { epoch: 1 }), []);
        assert_eq!(lab.rule.state(), State::Active { epoch: 1 });
        lab
    }

    fn granted(&mut self, epoch: u64) {
        let granted = Report::Granted { fence: fence(epoch), asked_at: self.now };
        let expected = [Action::AnnounceTaken { epoch }, Action::Start(fence(epoch))];
        assert_eq!(self.hear(granted), expected);
        self.row(1, epoch, 6.0);
    }

    /// The lease's row as it is read now.
    fn row(&mut self, owner: u8, epoch: u64, left: f64) {
        let owner = if owner == 0 { String::new() } else { node(owner).to_string() };
        let row = Row { owner, epoch, expires_at: self.now + seconds(left), read_at: self.now };
        self.row = Some(row);
    }

    fn fate(&mut self, n: u8, fate: Fate) {
        self.facts.fates.insert(uid(n), fate);
        self.facts.candidates.retain(|it| it.uid != uid(n));
    }

    fn look(&mut self) -> Vec<Action> {
        let sight = Sight {
            facts: &self.facts,
            row: self.row.as_ref(),
            good_since: self.good_since,
            preferred: Some(uid(self.preferred)),
        };
        self.rule.see(self.now, &sight)
    }

    fn look_after(&mut self, wait: f64) -> Vec<Action> {
        self.now += seconds(wait);
        self.look()
    }

    fn hear(&mut self, report: Report) -> Vec<Action> {
        self.rule.hear(self.now, report)
    }
}

fn no_disk() -> Fault {
    Fault::transient(1, "no disk")
}

fn force(owner: u8, epoch: u64) -> Action {
    Action::Force { owner: node(owner).to_string(), epoch }
}

#[test]
fn a_free_lease_is_taken_at_once_by_the_one_who_should_have_it() {
    let mut lab = Lab::new();
    lab.row(0, 7, 0.0);
    assert_eq!(lab.look(), [Action::Acquire]);
    assert_eq!(lab.look(), [], "one attempt at a time");
}

#[test]
fn the_others_try_later_in_the_order_of_their_age() {
    let mut lab = Lab::new();
    lab.preferred = 3;
    assert_eq!(lab.look(), []);
    assert_eq!(lab.rule.due(), Some(lab.now + seconds(0.5)));
    assert_eq!(lab.look_after(0.5), [Action::Acquire]);

    let mut lab = Lab::new();
    lab.preferred = 3;
    lab.facts.candidates.rotate_left(1);
    assert_eq!(lab.look(), [], "an older one and the one who should have it go first");
    assert_eq!(lab.look_after(0.9), []);
    assert_eq!(lab.look_after(0.1), [Action::Acquire]);
}

#[test]
fn a_lease_that_is_held_is_waited_for_until_it_expires() {
    let mut lab = Lab::new();
    lab.row(2, 4, 3.0);
    lab.good_since = Some(seconds(10.0));
    assert_eq!(lab.look(), []);
    assert_eq!(lab.rule.due(), Some(lab.now + seconds(3.0)));
    assert_eq!(lab.look_after(2.9), []);
    assert_eq!(lab.look_after(0.1), [Action::Acquire]);
    assert_eq!(lab.hear(Report::Denied), []);
    assert_eq!(lab.rule.state(), State::Standby);
    assert_eq!(lab.look_after(1.0), [], "its row was read before it was denied");
    lab.row(2, 4, 1.0);
    assert_eq!(lab.look_after(1.0), [Action::Acquire]);
}

#[test]
fn a_lease_is_forced_only_from_a_holder_that_is_known_not_to_need_it() {
    let cases = [
        (Fate::Gone, false, true),
        (Fate::Removed, false, true),
        (Fate::Unreachable, true, true),
        (Fate::Unreachable, false, false),
        (Fate::Present, true, false),
        (Fate::Unknown, true, false),
    ];
    for (fate, survives, expected) in cases {
        let mut lab = Lab::new();
        lab.row(2, 4, 3.0);
        lab.fate(2, fate);
        lab.facts.survives = survives;
        assert_eq!(may_force(&lab.facts, &node(2)), expected, "{fate:?}");
        let actions = if expected { vec![force(2, 4)] } else { vec![] };
        assert_eq!(lab.look(), actions, "{fate:?}");
    }
}

#[test]
fn who_should_not_have_it_forces_later() {
    let mut lab = Lab::new();
    lab.row(2, 4, 30.0);
    lab.fate(2, Fate::Gone);
    lab.preferred = 3;
    assert_eq!(lab.look(), []);
    assert_eq!(lab.look_after(0.5), [force(2, 4)]);
}

#[test]
fn after_an_outage_of_the_store_the_holder_has_one_renewal_to_come_back() {
    let mut lab = Lab::new();
    lab.row(2, 4, 0.0);
    lab.good_since = None;
    assert_eq!(lab.look_after(60.0), [], "the store is away");
    lab.good_since = Some(lab.now);
    lab.row(2, 4, 0.0);
    assert_eq!(lab.look(), []);
    assert_eq!(lab.look_after(1.9), []);
    let mut lost = lab;
    assert_eq!(lost.look_after(0.1), [Action::Acquire]);

    let mut lab = Lab::new();
    lab.row(2, 4, 0.0);
    lab.good_since = Some(lab.now);
    lab.fate(2, Fate::Removed);
    assert_eq!(lab.look(), [force(2, 4)], "who is no member does not come back");
}

#[test]
fn who_may_not_have_singletons_does_not_compete() {
    let mut lab = Lab::new();
    lab.fate(1, Fate::Present);
    assert_eq!(lab.look(), []);
}

#[test]
fn a_lease_that_is_this_nodes_though_the_answer_was_lost_is_taken_anew() {
    let mut lab = Lab::new();
    assert_eq!(lab.look(), [Action::Acquire]);
    assert_eq!(lab.hear(Report::NotAcquired { cause: "it did not answer".into() }), []);
    lab.now += seconds(0.3);
    lab.row(1, 1, 5.0);
    assert_eq!(lab.look(), [Action::Acquire]);
}

#[test]
fn what_was_in_the_way_is_no_trouble_once_somebody_else_has_it() {
    let tried = || {
        let mut lab = Lab::new();
        assert_eq!(lab.look(), [Action::Acquire]);
        lab.row(2, 4, 6.0);
        lab.now += seconds(0.1);
        assert_eq!(lab.hear(Report::NotAcquired { cause: "away".into() }), []);
        assert_eq!(lab.look(), []);
        assert_eq!(lab.rule.trouble(), Some("away"), "that row was read before");
        lab
    };
    let mut lab = tried();
    lab.row(2, 4, 0.0);
    lab.look();
    assert_eq!(lab.rule.trouble(), Some("away"), "it is nobody's any more");
    let mut lab = tried();
    lab.row(2, 4, 6.0);
    lab.fate(2, Fate::Gone);
    lab.look();
    assert_eq!(lab.rule.trouble(), Some("away"), "whoever has it is gone");
    let mut lab = tried();
    lab.row(2, 4, 6.0);
    assert_eq!(lab.look(), []);
    assert_eq!((lab.rule.state(), lab.rule.trouble()), (State::Standby, None));
}

#[test]
fn a_lease_is_renewed_in_time_and_its_deadline_moves_with_the_asking() {
    let mut lab = Lab::active();
    let begun = lab.now;
    assert_eq!(lab.rule.deadline(), Some(begun + seconds(4.5)));
    assert_eq!(lab.look_after(1.9), []);
    assert_eq!(lab.look_after(0.1), [Action::Renew(fence(1))]);
    assert_eq!(lab.look_after(1.0), [], "it is under way");
    let asked_at = begun + seconds(2.0);
    assert_eq!(lab.hear(Report::Renewed { epoch: 1, asked_at }), []);
    assert_eq!(lab.rule.deadline(), Some(asked_at + seconds(4.5)));
    assert_eq!(lab.look_after(1.0), [Action::Renew(fence(1))]);
}

#[test]
fn past_its_deadline_the_instance_is_suspended_and_resumes_when_the_lease_is_still_its_own() {
    let mut lab = Lab::active();
    assert_eq!(lab.look_after(2.0), [Action::Renew(fence(1))]);
    assert_eq!(lab.hear(Report::NotRenewed { epoch: 1, cause: "away".into() }), []);
    assert_eq!(lab.rule.trouble(), Some("away"));
    assert_eq!(lab.look_after(0.2), []);
    assert_eq!(lab.look_after(0.1), [Action::Renew(fence(1))]);
    assert_eq!(lab.look_after(2.2), [Action::Suspend]);
    assert_eq!(lab.rule.state(), State::Suspended { epoch: 1 });
    assert_eq!(lab.hear(Report::NotRenewed { epoch: 1, cause: "away".into() }), []);
    assert_eq!(lab.look_after(60.0), [Action::Renew(fence(1))]);
    let asked_at = lab.now;
    assert_eq!(lab.hear(Report::Renewed { epoch: 1, asked_at }), [Action::Resume]);
    assert_eq!(lab.rule.state(), State::Active { epoch: 1 });
    assert_eq!(lab.rule.trouble(), None);
}

#[test]
fn an_answer_that_took_longer_than_the_lease_does_not_resume() {
    let mut lab = Lab::active();
    let begun = lab.now;
    assert_eq!(lab.look_after(20.0), [Action::Suspend, Action::Renew(fence(1))]);
    let asked_at = begun + seconds(2.0);
    assert_eq!(lab.hear(Report::Renewed { epoch: 1, asked_at }), []);
    assert_eq!(lab.rule.state(), State::Suspended { epoch: 1 });
    assert_eq!(lab.look(), [Action::Renew(fence(1))]);
}

#[test]
fn a_lost_lease_ends_the_instance_at_once_in_every_state() {
    let mut suspended = Lab::active();
    suspended.look_after(5.0);
    let mut recovering = Lab::new();
    recovering.look();
    recovering.granted(1);
    let mut leaving = Lab::active();
    leaving.hear(Report::Leave);
    for mut lab in [Lab::active(), suspended, recovering, leaving] {
        assert_eq!(lab.hear(Report::Lost { epoch: 1 }), [Action::Abandon]);
        assert_eq!(lab.rule.state().epoch(), None);
        assert_eq!(lab.hear(Report::Renewed { epoch: 1, asked_at: lab.now }), [], "too late");
    }
}

#[test]
fn a_row_that_was_changed_by_hand_ends_the_instance() {
    let mut lab = Lab::active();
    lab.now += seconds(1.0);
    lab.row(2, 2, 6.0);
    assert_eq!(lab.look(), [Action::Abandon]);
    assert_eq!(lab.rule.state(), State::Standby);
}

#[test]
fn a_row_that_was_read_before_the_grant_says_nothing() {
    let mut lab = Lab::new();
    lab.row(2, 5, 0.0);
    lab.fate(2, Fate::Gone);
    assert_eq!(lab.look(), [force(2, 5)]);
    let old = lab.row.clone();
    lab.now += seconds(0.1);
    lab.granted(6);
    lab.row = old;
    assert_eq!(lab.look(), []);
    assert_eq!(lab.rule.state(), State::Recovering { epoch: 6 });
}

#[test]
fn a_start_that_fails_is_tried_again_later_and_later_while_nobody_else_is_there() {
    let mut lab = Lab::new();
    lab.facts = facts(1);
    lab.look();
    lab.granted(1);
    let failed = || Report::NotStarted { epoch: 1, fault: no_disk() };
    for wait in [0.3, 0.6, 1.2] {
        assert_eq!(lab.hear(failed()), []);
        let again = lab.look_after(wait);
        assert!(again.contains(&Action::Start(fence(1))), "{again:?}");
        let asked_at = lab.now;
        lab.hear(Report::Renewed { epoch: 1, asked_at });
    }
    assert_eq!(lab.rule.trouble(), Some("no disk"), "a renewal mends nothing of that");
    lab.hear(Report::Started { epoch: 1 });
    assert_eq!(lab.rule.trouble(), None);
}

#[test]
fn a_node_where_it_does_not_start_gives_it_to_others_and_goes_last_for_a_while() {
    let mut lab = Lab::new();
    lab.look();
    lab.granted(1);
    let failed = || Report::NotStarted { epoch: 1, fault: no_disk() };
    for wait in [0.3, 0.6] {
        lab.hear(failed());
        assert_eq!(lab.look_after(wait), [Action::Start(fence(1))]);
    }
    lab.hear(failed());
    let finish = Action::Finish { fence: fence(1), within: seconds(10.0) };
    assert_eq!(lab.look(), [finish]);
    assert_eq!(lab.hear(Report::Finished { epoch: 1 }), [Action::Release(fence(1))]);
    let released = lab.hear(Report::Released { epoch: 1 });
    assert_eq!(released, [Action::AnnounceReleased { epoch: 1, to: None }]);

    lab.now += seconds(0.1);
    lab.row(0, 1, 0.0);
    assert_eq!(lab.look(), []);
    assert_eq!(lab.look_after(1.4), [], "both others go first, though it should be here");
    assert_eq!(lab.look_after(0.1), [Action::Acquire]);
}

#[test]
fn a_singleton_moves_though_it_does_not_start_or_is_suspended() {
    let moves = |it: &Vec<Action>| it.iter().any(|it| matches!(it, Action::Finish { .. }));
    let mut lab = Lab::new();
    lab.look();
    lab.granted(1);
    lab.preferred = 2;
    assert!(!moves(&lab.look_after(4.9)));
    assert!(moves(&lab.look_after(0.1)), "all has been quiet");

    let mut lab = Lab::active();
    lab.look_after(5.0);
    assert_eq!(lab.rule.state(), State::Suspended { epoch: 1 });
    lab.preferred = 2;
    assert!(moves(&lab.look()));
}

#[test]
fn an_attempt_whose_outcome_never_comes_is_given_up() {
    let mut lab = Lab::new();
    assert_eq!(lab.look(), [Action::Acquire]);
    let asked_at = lab.now;
    assert_eq!(lab.look_after(5.9), []);
    assert_eq!(lab.rule.state(), State::Acquiring);
    assert_eq!(lab.look_after(0.1), []);
    assert_eq!(lab.rule.state(), State::Standby);
    let late = Report::Granted { fence: fence(1), asked_at };
    assert_eq!(lab.hear(late), [Action::Release(fence(1))]);
    assert_eq!(lab.look_after(0.3), [Action::Acquire]);
}

#[test]
fn an_instance_that_started_past_the_deadline_is_suspended() {
    let mut lab = Lab::new();
    lab.look();
    lab.granted(1);
    assert_eq!(lab.look_after(5.0), [Action::Renew(fence(1))]);
    assert_eq!(lab.hear(Report::Started { epoch: 1 }), [Action::Suspend]);
    let asked_at = lab.now;
    assert_eq!(lab.hear(Report::Renewed { epoch: 1, asked_at }), [Action::Resume]);
}

#[test]
fn an_instance_that_ends_by_itself_is_asked_after_in_the_store_and_started_again() {
    let mut lab = Lab::active();
    let ended = Report::Ended { epoch: 1, fault: Fault::stopped("fenced") };
    assert_eq!(lab.hear(ended), [Action::Abandon]);
    assert_eq!(lab.look(), [Action::Renew(fence(1))]);
    assert_eq!(lab.look_after(0.3), [Action::Start(fence(1))]);
}

#[test]
fn a_singleton_whose_journal_lost_what_was_acknowledged_here_is_kept_and_tried_seldom() {
    let lost = || Fault::config(JOURNAL_GAP.0, "events were lost");
    let mut lab = Lab::active();
    lab.preferred = 2;
    assert_eq!(lab.hear(Report::Ended { epoch: 1, fault: lost() }), [Action::Abandon]);
    lab.look();
    assert_eq!(lab.look_after(0.3), [Action::Start(fence(1))]);
    for fault in [lost(), no_disk(), no_disk(), no_disk(), lost()] {
        let text = fault.message.clone();
        lab.hear(Report::NotStarted { epoch: 1, fault });
        assert_eq!(lab.rule.trouble(), Some(text.as_str()));
        assert!(!lab.look_after(9.9).contains(&Action::Start(fence(1))));
        assert!(lab.look_after(0.1).contains(&Action::Start(fence(1))));
        assert_eq!(lab.rule.state(), State::Recovering { epoch: 1 });
        let asked_at = lab.now;
        lab.hear(Report::Renewed { epoch: 1, asked_at });
    }
    lab.hear(Report::Leave);
    assert_eq!(lab.rule.state(), State::HandingOver { epoch: 1, to: None }, "a person wants that");
}

#[test]
fn a_singleton_moves_when_all_has_been_quiet() {
    let mut lab = Lab::active();
    lab.preferred = 2;
    let renewed = |lab: &mut Lab| {
        let asked_at = lab.now;
        lab.hear(Report::Renewed { epoch: 1, asked_at });
    };
    assert_eq!(lab.look_after(1.0), []);
    assert_eq!(lab.look_after(3.0), [Action::Renew(fence(1))]);
    renewed(&mut lab);
    lab.facts.candidates.pop();
    assert_eq!(lab.look_after(1.5), [], "who is there has just changed");
    lab.look_after(3.0);
    renewed(&mut lab);
    let finish = Action::Finish { fence: fence(1), within: seconds(10.0) };
    assert_eq!(lab.look_after(2.0).last(), Some(&finish));
    let to = Some(uid(2));
    assert_eq!(lab.rule.state(), State::HandingOver { epoch: 1, to });
    assert_eq!(lab.hear(Report::Finished { epoch: 1 }), [Action::Release(fence(1))]);
    let released = lab.hear(Report::Released { epoch: 1 });
    assert_eq!(released, [Action::AnnounceReleased { epoch: 1, to }]);
    assert_eq!(lab.rule.state(), State::Standby);
}

#[test]
fn nothing_moves_to_a_node_that_can_not_take_it_or_while_the_store_is_away() {
    let mut lab = Lab::active();
    lab.preferred = 2;
    lab.facts.fates.insert(uid(2), Fate::Unreachable);
    lab.look();
    let moves = |it: &Vec<Action>| it.iter().any(|it| matches!(it, Action::Finish { .. }));
    assert!(!moves(&lab.look_after(60.0)));
    let asked_at = lab.now;
    lab.hear(Report::Renewed { epoch: 1, asked_at });
    lab.facts.fates.insert(uid(2), Fate::Present);
    lab.good_since = None;
    assert!(!moves(&lab.look()));
    lab.good_since = Some(lab.now);
    assert!(moves(&lab.look()));
}

#[test]
fn a_node_that_may_not_have_it_any_more_gives_it_away_at_once() {
    let mut lab = Lab::active();
    lab.preferred = 2;
    lab.fate(1, Fate::Present);
    let finish = Action::Finish { fence: fence(1), within: seconds(10.0) };
    assert_eq!(lab.look_after(0.1), [finish]);
}

#[test]
fn a_node_that_leaves_hands_over_and_takes_nothing_any_more() {
    let mut lab = Lab::active();
    let finish = Action::Finish { fence: fence(1), within: seconds(10.0) };
    assert_eq!(lab.hear(Report::Leave), [finish]);
    assert_eq!(lab.look_after(2.0), [Action::Renew(fence(1))], "it may take a while");
    assert_eq!(lab.hear(Report::Finished { epoch: 1 }), [Action::Release(fence(1))]);
    assert_eq!(lab.hear(Report::Lost { epoch: 1 }), [], "the release was faster");
    let released = lab.hear(Report::Released { epoch: 1 });
    assert_eq!(released, [Action::AnnounceReleased { epoch: 1, to: None }]);
    assert_eq!(lab.rule.state(), State::Stopped);
    lab.row(0, 1, 0.0);
    assert_eq!(lab.look_after(9.0), []);
}

#[test]
fn a_lease_that_is_granted_to_a_node_that_leaves_is_given_back() {
    let mut lab = Lab::new();
    lab.look();
    assert_eq!(lab.hear(Report::Leave), []);
    let granted = Report::Granted { fence: fence(1), asked_at: lab.now };
    let finish = Action::Finish { fence: fence(1), within: seconds(10.0) };
    assert_eq!(lab.hear(granted), [finish]);
}

#[test]
fn a_lease_that_can_not_be_given_back_is_tried_for_a_while_and_then_expires() {
    let mut lab = Lab::active();
    lab.hear(Report::Leave);
    lab.hear(Report::Finished { epoch: 1 });
    let failed = || Report::NotReleased { epoch: 1, cause: "away".into() };
    assert_eq!(lab.hear(failed()), []);
    assert_eq!(lab.look_after(0.3), [Action::Release(fence(1))]);
    assert_eq!(lab.hear(failed()), []);
    lab.look_after(10.0);
    assert_eq!(lab.rule.state(), State::Stopped);
}
