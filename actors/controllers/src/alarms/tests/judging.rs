//! What is wrong in a cluster that looks like this.

use weir_domain::schedule::{Outcome, Reason};
use weir_domain::{Fault, NodeName, NodeStatus, WorkflowName};

use super::*;
use crate::alarms::{
    ControllerSeen, LettersSeen, MemberSeen, NodeSeen, ScheduleSeen, Sighting, WorkflowSeen,
    WorkflowsSeen, judge,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const DAY: i64 = 24 * HOUR;

pub(super) fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}

fn workflow(name: &str) -> WorkflowName {
    name.parse().unwrap()
}

pub(super) fn member(status: NodeStatus) -> MemberSeen {
    MemberSeen {
        status,
        is_unreachable: false,
        since: Timestamp(NOW.0 - 60_000),
        unheard_by: vec![],
        reason: "it joined".into(),
        was_up: true,
    }
}

/// Two nodes, and all is well.
pub(super) fn well() -> Sighting {
    let nodes = ["node-1", "node-2"].map(node);
    Sighting {
        members: Ok(nodes.iter().map(|it| (it.clone(), member(NodeStatus::Up))).collect()),
        store_trouble: None,
        controllers: Ok(vec![ControllerSeen {
            name: "audit".into(),
            is_held: true,
            trouble: None,
        }]),
        nodes: nodes.iter().map(|it| (it.clone(), NodeSeen::default())).collect(),
        workflows: Ok(WorkflowsSeen {
            all: vec![WorkflowSeen {
                name: workflow("orders"),
                has_failed: false,
                fault: None,
                paused_streams: 0,
            }],
            unreached: vec![],
        }),
        schedule: Ok(ScheduleSeen::default()),
        activations: Ok(nodes.iter().map(|it| (it.clone(), None)).collect()),
        letters: [(workflow("orders"), Ok(LettersSeen { waiting: 0, has_more: false }))].into(),
    }
}

/// What is found: key, severity, code, message.
fn found(seen: &Sighting) -> Vec<(String, AlarmSeverity, u32, String)> {
    let judged = judge(seen, NOW);
    let all = judged.found.iter().map(|(key, it)| {
        let Complaint { severity, code, message, .. } = it.complaint.clone();
        (key.to_string(), severity, code.0, message)
    });
    all.collect()
}

#[track_caller]
fn check(seen: &Sighting, key: &str, severity: AlarmSeverity, said: &str) {
    let all = found(seen);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].0.as_str(), all[0].1), (key, severity));
    assert!(all[0].3.contains(said), "{}", all[0].3);
}

#[test]
fn where_all_is_well_nothing_is_found_and_all_is_judged() {
    let seen = well();
    assert_eq!(found(&seen), []);
    assert_eq!(judge(&seen, NOW).unjudged(), []);
}

#[test]
fn a_node_that_is_lost_is_one_alarm_until_it_is_back_or_forgotten() {
    use AlarmSeverity::{Error, Warning};
    let with = |it: MemberSeen| {
        let mut seen = well();
        seen.members.as_mut().unwrap().insert(node("node-2"), it);
        seen
    };
    let unheard = MemberSeen {
        is_unreachable: true,
        unheard_by: vec!["node-1".into(), "node-3".into()],
        ..member(NodeStatus::Up)
    };
    let said = "node-2 can't be reached: node-1, node-3 hear nothing from it";
    check(&with(unheard), "node-unreachable:node-2", Error, said);
    let down = MemberSeen { reason: "given up by node-1".into(), ..member(NodeStatus::Down) };
    check(&with(down.clone()), "node-unreachable:node-2", Error, "is down: given up");
    let removed = MemberSeen { status: NodeStatus::Removed, ..down };
    let gone = "node-2 is gone, and did not leave by itself: given up by node-1";
    check(&with(removed.clone()), "node-unreachable:node-2", Warning, gone);
    for meant in ["left", "replaced by node-2#1"] {
        let meant = MemberSeen { reason: meant.into(), ..removed.clone() };
        assert_eq!(found(&with(meant)), []);
    }
    assert_eq!(found(&with(member(NodeStatus::Up))), []);
    assert_eq!(found(&with(member(NodeStatus::Joining))), []);
}

#[test]
fn workflows_nodes_and_controllers_say_what_is_wrong_with_them() {
    use AlarmSeverity::{Error, Info, Warning};
    let of = |change: &dyn Fn(&mut Sighting)| {
        let mut seen = well();
        change(&mut seen);
        seen
    };
    let first =
        |seen: &mut Sighting, it: WorkflowSeen| seen.workflows.as_mut().unwrap().all = vec![it];
    let orders = || WorkflowSeen {
        name: workflow("orders"),
        has_failed: false,
        fault: None,
        paused_streams: 0,
    };
    let fault = Fault::data(3_146, "rolled back its only stream").with_hint("mend it");
    let faulty = of(&|it| first(it, WorkflowSeen { fault: Some(fault.clone()), ..orders() }));
    check(&faulty, "workflow-fault:orders", Warning, "orders: rolled back its only stream");
    assert_eq!(found(&faulty)[0].2, 3_146, "its own code");
    let failed = of(&|it| first(it, WorkflowSeen { has_failed: true, ..orders() }));
    check(&failed, "workflow-fault:orders", Error, "orders has failed");
    let paused = of(&|it| first(it, WorkflowSeen { paused_streams: 2, ..orders() }));
    check(&paused, "streams-paused:orders", Info, "2");

    let missing = |placed: u32, reason: Reason| {
        let outcome = Outcome {
            target: 3,
            nodes: [(node("node-1"), placed)].into(),
            missing: 3 - placed,
            reasons: [(reason, 1)].into(),
        };
        of(&|it| {
            let outcomes = [(workflow("orders"), outcome.clone())].into();
            it.schedule = Ok(ScheduleSeen { outcomes, ..ScheduleSeen::default() });
        })
    };
    let unplaced = "workflow-unplaced:orders";
    check(&missing(0, Reason::Roles), unplaced, Error, "misses 3 of 3 instances");
    check(&missing(2, Reason::Draining), unplaced, Warning, "misses 1 of 3 instances");
    check(&missing(0, Reason::NotDeployed), unplaced, Warning, "no node has it deployed");

    let drained = of(&|it| it.schedule.as_mut().unwrap().drained = [node("node-2")].into());
    check(&drained, "node-drained:node-2", Info, "is drained");
    let silent = of(&|it| it.workflows.as_mut().unwrap().unreached = vec![node("node-2")]);
    check(&silent, "node-silent:node-2", Warning, "gives no answer");
    let cause = Fault::config(2_001, "the stage is not known");
    let unable = of(&|it| {
        it.activations = Ok([(node("node-1"), Some((cause.clone(), Timestamp(3))))].into());
    });
    check(&unable, "activation-failed:node-1", Error, "can't run what it should: the stage");
    let letters = of(&|it| {
        let counted = Ok(LettersSeen { waiting: 7, has_more: true });
        it.letters = [(workflow("orders"), counted)].into();
    });
    check(&letters, "dead-letters:orders", Warning, "7");
    let nowhere = of(&|it| it.controllers.as_mut().unwrap()[0].is_held = false);
    check(&nowhere, "controller-missing:audit", Error, "audit runs nowhere");
    let refused = Some("connection refused".to_owned());
    let hindered = of(&|it| it.controllers.as_mut().unwrap()[0].trouble = refused.clone());
    check(&hindered, "controller-trouble:audit", Warning, "connection refused");
    let store = of(&|it| it.store_trouble = refused.clone());
    check(&store, "store-unreachable:database", Error, "connection refused");
}

#[test]
fn certificates_and_memory_are_told_of_before_they_end() {
    use AlarmSeverity::{Error, Warning};
    let with = |it: NodeSeen| {
        let mut seen = well();
        seen.nodes.insert(node("node-1"), it);
        seen
    };
    let ends = |days: i64| {
        let certificate_ends = Some(Timestamp(NOW.0 + days * DAY + HOUR));
        with(NodeSeen { certificate_ends, ..NodeSeen::default() })
    };
    assert_eq!(found(&ends(31)), []);
    check(&ends(13), "certificate-ending:node-1", Warning, "ends in 13 days");
    check(&ends(1), "certificate-ending:node-1", Warning, "ends in 1 day");
    check(&ends(0), "certificate-ending:node-1", Warning, "ends today");
    check(&ends(-1), "certificate-ending:node-1", Error, "has ended");
    let memory =
        |free: u64| with(NodeSeen { memory: Some((2 << 30, free)), ..NodeSeen::default() });
    assert_eq!(found(&memory(1 << 30)), []);
    check(&memory(90 << 20), "node-memory:node-1", Warning, "90 MiB of 2048 MiB");
}

#[test]
fn what_can_not_be_seen_is_not_judged_and_is_said() {
    let why = || "no answer".to_owned();
    let is_judged = |seen: &Sighting, kind: AlarmKind, name: &str| {
        let subject = AlarmSubject::new(SubjectKind::NODE, name);
        judge(seen, NOW).is_judged(&AlarmKey { kind, subject })
    };
    let mut seen = well();
    seen.workflows.as_mut().unwrap().unreached = vec![node("node-2")];
    assert!(!is_judged(&seen, AlarmKind::WORKFLOW_FAULT, "orders"), "it may be node-2's");
    assert!(is_judged(&seen, AlarmKind::NODE_SILENT, "node-1"));
    let said = judge(&seen, NOW).unjudged();
    assert_eq!((said.len(), said[0].what.as_str()), (1, "workflows"));
    assert!(said[0].why.contains("node-2"));

    let mut seen = well();
    seen.nodes.clear();
    assert!(!is_judged(&seen, AlarmKind::CERTIFICATE_ENDING, "node-1"), "it is there, and silent");
    assert!(is_judged(&seen, AlarmKind::CERTIFICATE_ENDING, "node-9"), "there is none");

    for kind in [AlarmKind::CONTROLLER_MISSING, AlarmKind::CONTROLLER_TROUBLE] {
        assert!(is_judged(&well(), kind.clone(), "audit"));
        assert!(!is_judged(&well(), kind, "of-a-later-version"), "who knows it judges it");
    }

    let seen = Sighting {
        members: Err(why()),
        controllers: Err(why()),
        workflows: Err(why()),
        schedule: Err(why()),
        activations: Err(why()),
        letters: [(workflow("orders"), Err(why()))].into(),
        ..well()
    };
    let kinds = [
        AlarmKind::NODE_UNREACHABLE,
        AlarmKind::NODE_SILENT,
        AlarmKind::NODE_DRAINED,
        AlarmKind::ACTIVATION_FAILED,
        AlarmKind::CONTROLLER_MISSING,
        AlarmKind::CONTROLLER_TROUBLE,
        AlarmKind::WORKFLOW_FAULT,
        AlarmKind::WORKFLOW_UNPLACED,
        AlarmKind::STREAMS_PAUSED,
        AlarmKind::DEAD_LETTERS,
    ];
    for kind in kinds {
        assert!(!is_judged(&seen, kind.clone(), "audit"), "{kind}");
        assert!(!is_judged(&seen, kind.clone(), "orders"), "{kind}");
    }
    assert!(is_judged(&seen, AlarmKind::STORE_UNREACHABLE, "database"));
    let what: Vec<_> = judge(&seen, NOW).unjudged().into_iter().map(|it| it.what).collect();
    let expected =
        ["members", "controllers", "workflows", "schedule", "deployments", "deadLetters"];
    assert_eq!(what, expected);
    let later: AlarmKind = serde_json::from_str("\"of-a-later-version\"").unwrap();
    assert!(!is_judged(&well(), later, "x"), "who raised it judges it");
}
