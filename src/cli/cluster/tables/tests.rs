use weir_domain::Code;
use weir_http_api::ReasonView;

use super::*;
use crate::cli::samples::{self, LOOK, WIDE};

#[test]
fn the_status_of_a_cluster() {
    let mut members = samples::members();
    members.members.pop();
    let shown = Status { members, leases: samples::leases() };
    assert_eq!(
        status(&shown, &LOOK),
        "\
cluster:  weir
asked:    node-1
leader:   node-1
members:  2 up, 1 joining, 1 unreachable
leases:   1 held, 1 free, 1 in trouble here
store:    ✓ answers

NAME      STATUS             ADDRESS                  ROLES   VERSION  JOINED
node-1 *  ✓ up               weir://weir@node-1:5843  ingest  0.1.0    2h
node-2    ! up, unreachable  weir://weir@node-2:5843  ingest  0.1.0    2h
node-3    ◐ joining          weir://weir@node-3:5843  ingest  0.1.0    2h
"
    );
}

#[test]
fn a_status_without_the_store_says_why() {
    let lost = MembersView {
        store_trouble: Some("the database does not answer".into()),
        leader: None,
        members: vec![],
        ..samples::members()
    };
    let text = status(&Status { members: lost, leases: vec![] }, &LOOK);
    assert!(text.contains("store:    ✗ the database does not answer\n"), "{text}");
    assert!(text.contains("leader:   -\nmembers:  none\nleases:   none\n"), "{text}");
}

#[test]
fn a_wide_list_of_members_says_why() {
    let text = members(&samples::members(), &WIDE);
    assert!(
        text.contains(
            "2  http://node-2:5842  node-1            40s          1m       the leader node-1 let it up  0197a8b0"
        ),
        "{text}"
    );
    assert!(text.contains("node-4    □ removed"), "{text}");
}

#[test]
fn a_list_of_leases() {
    let page = Page::whole(samples::leases());
    assert_eq!(
        leases(&page, &LOOK),
        "\
NAME                STATE   NODE    EPOCH  LEFT  PINNED  HERE     TROUBLE
access-coordinator  ✓ held  node-1      7  5.2s  node-1  active   -
stream-monitor      □ free  -           0   0ms  -       standby  connection refused
"
    );
    assert!(leases(&page, &WIDE).contains("active   -                   node-1#0197a8b0-0000"));
}

#[test]
fn a_moved_lease_is_told_in_a_line() {
    let [held, free] = samples::leases().try_into().expect("two leases");
    assert_eq!(
        lease_line(&held, &LOOK),
        "access-coordinator: ✓ held by node-1, epoch 7, pinned to node-1\n"
    );
    assert_eq!(lease_line(&free, &LOOK), "stream-monitor: □ free, epoch 0, not pinned\n");
}

#[test]
fn a_list_of_links() {
    let page = Page::whole(samples::links());
    assert_eq!(
        links(&page, &LOOK),
        "\
ADDRESS                  PEER    STATE       SINCE  ROUND-TRIP   QUEUED  CERTIFICATE  TROUBLE
weir://weir@node-2:5843  node-2  ✓ up        1m          230µs  4.0 KiB  in 1d        -
weir://weir@node-3:5843  -       ↻ dialling  12s             -      0 B  -            connection refused
"
    );
    assert_eq!([999, 1_000, 12_345].map(round_trip), ["999µs", "1.0ms", "12.3ms"]);
}

#[test]
fn why_a_node_is_not_up() {
    let reason = |code, message: &str, hint: Option<&str>| ReasonView {
        code: Code(code),
        message: message.into(),
        hint: hint.map(str::to_owned),
    };
    let explained = ExplanationView {
        node: "node-3".parse().expect("a name"),
        status: Some(NodeStatus::Joining),
        reasons: vec![
            reason(11_020, "1 of 2 members is there", Some("start another engine")),
            reason(11_023, "node-2 does not answer", None),
        ],
    };
    assert_eq!(
        explanation(&explained, &LOOK),
        "\
node:    node-3
status:  ◐ joining

1 of 2 members is there WEIR-11020
hint: start another engine

node-2 does not answer WEIR-11023
"
    );
}

#[test]
fn a_command_tells_what_became_of_the_member() {
    let mut member = samples::members().members.remove(0);
    member.status = NodeStatus::Leaving;
    assert_eq!(member_line(&member, &LOOK), "node-1 ◐ leaving\n");
}
