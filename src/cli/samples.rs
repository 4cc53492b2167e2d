//! Fixed values for the tests of rendering.

use std::collections::BTreeMap;

use weir_domain::plan::{OnError, Role};
use weir_domain::{
    Code, Digest, FaultKind, Incarnation, InstanceId, ItemStatus, KeyFingerprint, NodeStatus,
    NodeUid, Severity, SourceName, StreamId, StreamState, Timestamp, WorkflowState,
};
use weir_http_api::{
    ActivationFailureView, ActivationState, ActivationView, CanaryView, CertificateView,
    ChangeView, CheckpointStageView, CheckpointTableView, CheckpointView, CountsView, DecidingRule,
    DeploymentView, DeploymentsView, EdgeView, FaultView, ItemView, KeyView, LeaseState, LeaseView,
    LinkState, LinkView, LogLineView, MemberView, MembersView, NodeChangeView, NodeView,
    ObjectsView, RecentChangeView, SavepointLaneView, SavepointState, SavepointView,
    ScheduleStanding, ShortfallReason, StageTimeView, StageView, StoredView, StreamDetail,
    StreamSummary, WhyView, WorkflowDetail, WorkflowDigestView, WorkflowSummary,
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

pub(crate) fn fault() -> FaultView {
    FaultView {
        kind: FaultKind::Transient,
        code: Code(4_007),
        message: "out/late.jsonl can't be written: no space left on device".into(),
        hint: Some("free some space below out".into()),
    }
}

pub(crate) fn savepoint() -> SavepointView {
    let unique = CheckpointTableView {
        table: name("seen"),
        kind: "map in version 1".into(),
        bytes: 2_048,
        entries: Some(30),
    };
    let stage = |of: &str| CheckpointStageView {
        stage: name(of),
        splits: BTreeMap::new(),
        is_ended: false,
        tables: vec![],
    };
    let read = CheckpointStageView {
        splits: BTreeMap::from([("0".to_owned(), 4_711.into())]),
        ..stage("read")
    };
    let unique = CheckpointStageView { tables: vec![unique], ..stage("unique") };
    let checkpoint = CheckpointView {
        epoch: "3.17".into(),
        taken_at: ago(59),
        bytes: 2_048,
        stages: vec![read, unique],
    };
    SavepointView {
        name: name("before"),
        workflow: name("flights"),
        state: SavepointState::Whole,
        wanted_at: Some(ago(60)),
        by: Some("ann".into()),
        bytes: 2_048,
        entries: Some(30),
        lanes: vec![SavepointLaneView {
            lane: "lane-1".into(),
            state: SavepointState::Whole,
            checkpoint: Some(checkpoint),
        }],
        fault: None,
    }
}

pub(crate) fn key(alias: &str) -> KeyView {
    KeyView {
        fingerprint: KeyFingerprint([18; 32]),
        alias: alias.into(),
        description: "for tests".into(),
        public: "age1x".into(),
        current: true,
        created_at: ago(60),
        created_by: name("weir"),
        revision: 1,
        master: KeyFingerprint([7; 32]),
        forgetting: false,
    }
}

pub(crate) fn workflow() -> WorkflowSummary {
    WorkflowSummary {
        name: name("flights"),
        project: name("sample"),
        state: WorkflowState::Processing,
        instances: 2,
        open_streams: 1,
        paused_streams: 0,
        committed: 6,
        committed_with_warnings: 1,
        rolled_back: 0,
        counts: counts(),
        started_at: ago(7_300),
        last_stream_at: Some(ago(12)),
        fault: None,
        unreached: Vec::new(),
        schedule: None,
    }
}

pub(crate) fn shortfall() -> ScheduleStanding {
    let reason = |code: &str, nodes| ShortfallReason {
        code: name(code),
        nodes,
        detail: "the rule for default allows no more there".into(),
    };
    let reasons = vec![reason("max:default", 3), reason("draining", 1)];
    ScheduleStanding { target: 6, placed: 3, missing: 3, reasons }
}

pub(crate) fn broken_workflow() -> WorkflowSummary {
    WorkflowSummary {
        name: name("weather"),
        state: WorkflowState::Restarting,
        instances: 1,
        open_streams: 0,
        paused_streams: 0,
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
        time: StageTimeView { open_ms: 60_000, busy_ms: 24_000, blocked_ms: 3_000 },
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
        drained: Some(false),
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
            unreachable_since: unreachable.then(|| ago(40)),
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

fn tag(text: &str) -> weir_domain::DeploymentTag {
    name(text)
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn stored(text: &str, parent: &str, byte: u8) -> StoredView {
    let workflow = |text: &str, byte| WorkflowDigestView { name: name(text), digest: digest(byte) };
    StoredView {
        tag: tag(text),
        parent: tag(parent),
        digest: digest(byte),
        project: name("flights"),
        description: "the first".into(),
        author: "ada".into(),
        commit: Some("4f2a".into()),
        built_at: ago(75),
        signer: digest(5).to_string(),
        workflows: vec![workflow("arrivals", 1), workflow("departures", 2)],
        same: vec![],
        duplicate: false,
        default: false,
        assigned_by: vec![],
        nodes: vec![],
    }
}

pub(crate) fn stored_deployments() -> DeploymentsView {
    let first = StoredView {
        built_at: ago(7_300),
        default: true,
        assigned_by: vec!["the rule of node node-2".into()],
        nodes: vec![name("node-1"), name("node-2")],
        ..stored("flights-1", "DeploymentRoot", 7)
    };
    let second = StoredView {
        same: vec![tag("flights-2-b")],
        assigned_by: vec!["the canary".into()],
        nodes: vec![name("node-3")],
        ..stored("flights-2", "flights-1", 9)
    };
    let again = StoredView {
        same: vec![tag("flights-2")],
        duplicate: true,
        ..stored("flights-2-b", "flights-2", 9)
    };
    let canary = CanaryView {
        tag: tag("flights-2"),
        nodes: vec![name("node-3")],
        started_at: ago(75),
        baking_since: None,
        bake_ms: 600_000,
        errors_per_million_max: 1_000,
        records_min: 100,
    };
    let recent = RecentChangeView {
        revision: 9,
        at: ago(75),
        by: "ada".into(),
        what: "a canary of flights-2 was started on node-3".into(),
    };
    let third = stored("flights-3", "flights-1", 11);
    let other = stored("other", "DeploymentRoot", 12);
    DeploymentsView {
        revision: 9,
        default: tag("flights-1"),
        previous: None,
        canary: Some(canary),
        items: vec![first, second, third, again, other],
        objects: ObjectsView { count: 17, bytes: 12 << 10, bytes_saved: 3 << 10 },
        recent: vec![recent],
        applied: deployments(),
    }
}

pub(crate) fn deployment_change() -> ChangeView {
    let node = NodeChangeView {
        node: name("node-1"),
        before: tag("flights-1"),
        after: tag("flights-2"),
        why: why(DecidingRule::Default, None),
        starts: vec![name("departures")],
        stops: vec![],
        restarts: vec![name("arrivals")],
        stays: vec![name("weather")],
    };
    ChangeView {
        dry_run: false,
        revision: 5,
        changes: vec!["flights-2 was made the default".into()],
        nodes: vec![node],
    }
}

fn why(rule: DecidingRule, role: Option<&str>) -> WhyView {
    let text = match (rule, role) {
        (DecidingRule::Role, Some(role)) => format!("role rule 1 fits: the node has role {role}"),
        (DecidingRule::Canary, _) => "it takes part in the canary".to_owned(),
        _ => "no rule fits: it is the default".to_owned(),
    };
    WhyView { rule, number: role.map(|_| 1), role: role.map(str::to_owned), text }
}

/// One of each state.
pub(crate) fn activations() -> Vec<ActivationView> {
    let active = ActivationView {
        node: name("node-1"),
        roles: vec![],
        state: ActivationState::Active,
        target: tag("flights-2"),
        target_since: ago(75),
        current: Some(tag("flights-2")),
        current_since: Some(ago(70)),
        why: why(DecidingRule::Default, None),
        failure: None,
    };
    let failed = ActivationView {
        node: name("node-2"),
        roles: vec!["edge".into()],
        state: ActivationState::Failed,
        current: Some(tag("flights-1")),
        current_since: Some(ago(7_300)),
        why: why(DecidingRule::Role, Some("edge")),
        failure: Some(ActivationFailureView {
            target: tag("flights-2"),
            at: ago(60),
            cause: fault(),
        }),
        ..active.clone()
    };
    let switching = ActivationView {
        node: name("node-3"),
        state: ActivationState::Switching,
        current: None,
        current_since: None,
        why: why(DecidingRule::Canary, None),
        ..active.clone()
    };
    vec![active, failed, switching]
}
