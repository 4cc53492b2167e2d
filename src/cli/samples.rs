//! Fixed values for the tests of rendering.

use std::collections::BTreeMap;

use weir_domain::plan::{OnError, Role};
use weir_domain::{
    Code, FaultKind, InstanceId, ItemStatus, NodeStatus, NodeUid, Severity, SourceName, StreamId,
    StreamState, Timestamp, WorkflowState,
};
use weir_http_api::{
    CountsView, EdgeView, FaultView, ItemView, LogLineView, NodeView, StageView, StreamDetail,
    StreamSummary, WorkflowDetail, WorkflowSummary,
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
        stream: stream().id,
        owner: "one#0197a8b0-0000-7000-8000-000000000001".into(),
        claimed_at: ago(75),
        settled_at: Some(ago(71)),
    }
}

pub(crate) fn node() -> NodeView {
    NodeView {
        name: name("one"),
        uid: name::<NodeUid>("0197a8b0-0000-7000-8000-000000000001"),
        address: "weir://dev@127.0.0.1:5843".into(),
        status: NodeStatus::Up,
        roles: vec!["ingest".into(), "backup".into()],
        version: "0.1.0".into(),
        started_at: ago(7_300),
        os: "linux".into(),
        architecture: "x86_64".into(),
        processors: 2,
        memory_bytes: 50 << 20,
        workflow_instances: 2,
        open_streams: 1,
    }
}
