//! Fixed values for the tests of rendering.

use std::collections::BTreeMap;

use weir_domain::plan::{OnError, Role};
use weir_domain::{
    Code, FaultKind, Incarnation, InstanceId, ItemStatus, NodeStatus, NodeUid, Severity,
    SourceName, StreamId, StreamState, Timestamp, WorkflowState,
};
use weir_http_api::{
    CertificateView, CountsView, DeploymentView, EdgeView, FaultView, ItemView, LeaseState,
    LeaseView, LinkState, LinkView, LogLineView, MemberView, MembersView, NodeView, StageView,
    StreamDetail, StreamSummary, WorkflowDetail, WorkflowSummary,
};

use super::look::Look;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Plain, narrow, at a fixed moment.
pub(crate) const LOOK: Look = Look { wide: false, color: false, now: NOW };
pub(crate) const WIDE: Look = Look { wide: true, ..LOOK };

pub(crate) fn ago(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1_000)
}

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a valid name")
}

fn counts() -> CountsView {
    CountsView {
        records_in: 231_083,
        records_out: 231_070,
        bytes_in: 15 << 20,
        bytes_out: 4_321_000,
        dead_letters: 13,
        ignored: 0,
        dropped: 0,
    }
}

fn fault() -> FaultView {
    FaultView {
        kind: FaultKind::Transient,
        code: Code(4_007),
        message: "out/late.jsonl can't be written: no space left on device".into(),
        hint: Some("free some space below out".into()),
    }
}

pub(crate) fn workflow() -> WorkflowSummary {
    WorkflowSummary {
        name: name("flights"),
        project: name("sample"),
        state: WorkflowState::Processing,
        instances: 2,
        open_streams: 1,
        committed: 6,
        committed_with_warnings: 1,
        rolled_back: 0,
        counts: counts(),
        started_at: ago(7_300),
        last_stream_at: Some(ago(12)),
        fault: None,
    }
}

pub(crate) fn broken_workflow() -> WorkflowSummary {
    WorkflowSummary {
        name: name("weather"),
        state: WorkflowState::Restarting,
        instances: 1,
        open_streams: 0,
        committed: 0,
        committed_with_warnings: 0,
        rolled_back: 3,
        counts: CountsView::default(),
        last_stream_at: None,
        fault: Some(fault()),
        ..workflow()
    }
}

pub(crate) fn workflow_detail() -> WorkflowDetail {
    let stage = |id: &str, role, kind: &str| StageView {
        id: name(id),
        role,
        kind: kind.into(),
        on_error: OnError::DeadLetter,
        place: format!("workflow.yaml:{}:5", id.len()),
        counts: counts(),
    };
    let edge = |from: &str, port: &str, to: &str| EdgeView {
        from: name(from),
        port: name(port),
        to: name(to),
    };
    WorkflowDetail {
        summary: WorkflowSummary { fault: Some(fault()), ..workflow() },
        stages: vec![
            stage("read", Role::Source, "file"),
            stage("classify", Role::Operator, "filterRoute"),
            stage("late", Role::Sink, "file"),
        ],
        edges: vec![edge("read", "out", "classify"), edge("classify", "late", "late")],
    }
}

pub(crate) fn stream() -> StreamSummary {
    StreamSummary {
        id: name::<StreamId>("0197a8b0-5b5e-7c3e-9d4f-0123456789ab"),
        workflow: name("flights"),
        instance: InstanceId(1),
        node: "one".into(),
        item: "in/2001-01.csv".into(),
        state: StreamState::CommittedWithWarnings,
        attempts: 2,
        opened_at: ago(75),
        closed_at: Some(ago(71)),
        counts: counts(),
        fault: None,
    }
}

pub(crate) fn stream_detail() -> StreamDetail {
    StreamDetail {
        summary: StreamSummary {
            state: StreamState::Retrying,
            closed_at: None,
            fault: Some(fault()),
            ..stream()
        },
        stages: BTreeMap::from([(name("late"), CountsView::default()), (name("read"), counts())]),
        published: vec!["out/late/2001-01.jsonl".into(), "out/all/2001-01.parquet".into()],
    }
}

pub(crate) fn log() -> Vec<LogLineView> {
    let line = |seconds, severity, text: &str| LogLineView {
        at: ago(seconds),
        severity,
        code: Code(3_010),
        text: text.into(),
    };
    vec![
        line(75, None, "begun"),
        line(72, Some(Severity::Warning), "13 records went to the dead letters"),
    ]
}

pub(crate) fn item() -> ItemView {
    ItemView {
        source: SourceName::stored("flights/read"),
        name: "2001-01.csv".into(),
        status: ItemStatus::Failed,
        size: 15 << 20,
        modified_at: ago(90),
        stream: Some(stream().id),
        owner: Some("one#0197a8b0-0000-7000-8000-000000000001".into()),
        instance: Some(InstanceId(2)),
        claimed_at: ago(75),
        settled_at: Some(ago(71)),
        cleared_at: None,
    }
}

pub(crate) fn node() -> NodeView {
    NodeView {
        name: name("one"),
        uid: name::<NodeUid>("0197a8b0-0000-7000-8000-000000000001"),
        address: "weir://dev@127.0.0.1:5843".into(),
        rest: "http://127.0.0.1:5842".into(),
        status: NodeStatus::Up,
        unreachable: false,
        roles: vec!["ingest".into(), "backup".into()],
        version: "0.1.0".into(),
        started_at: ago(7_300),
        uptime_ms: 7_300_000,
        os: "linux".into(),
        architecture: "x86_64".into(),
        processors: 2,
        memory_bytes: 50 << 20,
        tasks: 17,
        links: 2,
        certificate_expires_at: Some(ago(-30 * 86_400)),
        leases: vec!["access-coordinator".into()],
        workflow_instances: 2,
        open_streams: 1,
    }
}

pub(crate) fn life(n: u128) -> Incarnation {
    let uid = NodeUid(format!("0197a8b0-0000-7000-8000-{n:012}").parse().expect("a uid"));
    Incarnation { name: name(&format!("node-{n}")), uid }
}

/// node-1 was asked and leads, node-2 is up and can't be reached, node-3 is joining, node-4 is gone.
pub(crate) fn members() -> MembersView {
    let member = |n: u128, status, unreachable: bool| {
        let Incarnation { name, uid } = life(n);
        MemberView {
            address: format!("weir://weir@{name}:5843").parse().expect("an address"),
            rest: format!("http://{name}:5842"),
            name,
            uid,
            status,
            unreachable,
            unreachable_from: if unreachable { vec!["node-1".into()] } else { vec![] },
            roles: vec!["ingest".into()],
            version: "0.1.0".into(),
            up_number: n as u64,
            joined_at: ago(7_300),
            changed_at: ago(75),
            reason: "the leader node-1 let it up".into(),
        }
    };
    MembersView {
        cluster: name("weir"),
        node: life(1),
        leader: Some(name("node-1")),
        version: 12,
        store_trouble: None,
        members: vec![
            member(1, NodeStatus::Up, false),
            member(2, NodeStatus::Up, true),
            MemberView { up_number: 0, ..member(3, NodeStatus::Joining, false) },
            member(4, NodeStatus::Removed, false),
        ],
    }
}

pub(crate) fn leases() -> Vec<LeaseView> {
    let held = LeaseView {
        name: "access-coordinator".into(),
        state: LeaseState::Held,
        owner: Some(life(1)),
        epoch: 7,
        left_ms: 5_200,
        pinned: Some(name("node-1")),
        here: "active".into(),
        trouble: None,
    };
    let free = LeaseView {
        name: "stream-monitor".into(),
        state: LeaseState::Free,
        owner: None,
        epoch: 0,
        left_ms: 0,
        pinned: None,
        here: "standby".into(),
        trouble: Some("connection refused".into()),
    };
    vec![held, free]
}

pub(crate) fn links() -> Vec<LinkView> {
    let up = LinkView {
        address: "weir://weir@node-2:5843".parse().expect("an address"),
        peer: Some(life(2)),
        state: LinkState::Up,
        since: ago(75),
        round_trip_us: Some(230),
        queued_bytes: 4_096,
        certificate: Some(CertificateView {
            subject: "CN=node-2".into(),
            expires_at: ago(-86_400),
        }),
        trouble: None,
    };
    let waiting = LinkView {
        address: "weir://weir@node-3:5843".parse().expect("an address"),
        peer: None,
        state: LinkState::Dialling,
        since: ago(12),
        round_trip_us: None,
        queued_bytes: 0,
        certificate: None,
        trouble: Some("connection refused".into()),
    };
    vec![up, waiting]
}

pub(crate) fn deployments() -> Vec<DeploymentView> {
    let flights = DeploymentView {
        project: name("flights"),
        digest: "85e30fe09887d3f6c0ffee".into(),
        base_dir: "/srv/flights".into(),
        workflows: vec![name("arrivals"), name("departures")],
        deployed_at: ago(75),
    };
    let weather = DeploymentView {
        project: name("weather"),
        digest: "17aa".into(),
        base_dir: "/srv/weather".into(),
        workflows: vec![name("weather")],
        deployed_at: ago(7_300),
    };
    vec![flights, weather]
}
