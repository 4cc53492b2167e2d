//! What an engine's workflows do, in the text format of Prometheus: made when it is asked for, so that what is not
//! deployed any more is gone with its workflow.
//!
//! Totals are those since the engine started or the workflow was deployed: they begin anew with it.

use std::fmt::Write as _;

use weir_domain::{Counts, StageId, StageTime, StreamState, Workflow, WorkflowState};

const STATES: [WorkflowState; 6] = [
    WorkflowState::Waiting,
    WorkflowState::Processing,
    WorkflowState::Restarting,
    WorkflowState::Failed,
    WorkflowState::Stopping,
    WorkflowState::Stopped,
];

/// One metric: its name without `weir_`, its type, what it says, and its samples of a workflow.
type Metric = (&'static str, &'static str, &'static str, fn(&Workflow) -> Vec<Sample>);
/// Labels besides the workflow's, and a value.
type Sample = (Vec<(&'static str, String)>, f64);

const METRICS: [Metric; 16] = [
    ("workflow_state", "gauge", "1 for the state that the workflow is in", states),
    ("workflow_instances", "gauge", "Instances on this engine", |it| one(it.instances)),
    ("workflow_open_streams", "gauge", "Streams that are open", |it| one(it.open_streams)),
    ("streams_total", "counter", "Streams that ended, by how", outcomes),
    ("last_stream_timestamp_seconds", "gauge", "When the last stream ended", |it| {
        it.last_stream_at.map_or_else(Vec::new, |at| vec![(Vec::new(), at.0 as f64 / 1_000.0)])
    }),
    ("records_read_total", "counter", "Records that came in", |it| one(it.counts.records_in)),
    ("records_written_total", "counter", "Records that went out", |it| one(it.counts.records_out)),
    ("bytes_read_total", "counter", "Bytes that came in", |it| one(it.counts.bytes_in)),
    ("bytes_written_total", "counter", "Bytes that went out", |it| one(it.counts.bytes_out)),
    ("dead_letters_total", "counter", "Bad records that became dead letters", |it| {
        one(it.counts.dead_letters)
    }),
    ("records_ignored_total", "counter", "Bad records that were ignored", |it| {
        one(it.counts.ignored)
    }),
    ("stage_records_total", "counter", "Records that came into a stage and went out", by_stage),
    ("stage_dead_letters_total", "counter", "Bad records that became dead letters", |it| {
        it.stages.iter().map(|(id, it)| (vec![stage(id)], it.dead_letters as f64)).collect()
    }),
    ("stage_open_seconds_total", "counter", "How long pipelines had a stage", |it| {
        spent(it, |it| it.open_ms)
    }),
    ("stage_busy_seconds_total", "counter", "How long a stage read, computed or wrote", |it| {
        spent(it, |it| it.busy_ms)
    }),
    ("stage_blocked_seconds_total", "counter", "How long a stage waited for those behind", |it| {
        spent(it, |it| it.blocked_ms)
    }),
];

pub(super) fn text(workflows: &[Workflow]) -> String {
    let mut text = String::new();
    for (name, kind, help, samples) in METRICS {
        let _ = writeln!(text, "# HELP weir_{name} {help}\n# TYPE weir_{name} {kind}");
        for it in workflows {
            for (labels, value) in samples(it) {
                let _ = write!(text, "weir_{name}{{workflow=\"{}\"", it.name);
                // Names, and words of ours: nothing in them is to be escaped.
                for (label, is) in labels {
                    let _ = write!(text, ",{label}=\"{is}\"");
                }
                let _ = writeln!(text, "}} {value}");
            }
        }
    }
    text
}

fn one(value: impl Into<u64>) -> Vec<Sample> {
    vec![(Vec::new(), value.into() as f64)]
}

fn states(it: &Workflow) -> Vec<Sample> {
    let state = |state: WorkflowState| {
        (vec![("state", state.to_string())], f64::from(u8::from(state == it.state)))
    };
    STATES.map(state).into()
}

fn outcomes(it: &Workflow) -> Vec<Sample> {
    let all = [
        (StreamState::Committed, it.committed),
        (StreamState::CommittedWithWarnings, it.committed_with_warnings),
        (StreamState::RolledBack, it.rolled_back),
    ];
    all.map(|(how, n)| (vec![("outcome", how.as_str().to_owned())], n as f64)).into()
}

fn stage(id: &StageId) -> (&'static str, String) {
    ("stage", id.to_string())
}

fn by_stage(it: &Workflow) -> Vec<Sample> {
    let of = |(id, it): (&StageId, &Counts)| {
        [("in", it.records_in), ("out", it.records_out)]
            .map(|(direction, n)| (vec![stage(id), ("direction", direction.to_owned())], n as f64))
    };
    it.stages.iter().flat_map(of).collect()
}

fn spent(it: &Workflow, of: fn(&StageTime) -> u64) -> Vec<Sample> {
    let sample = |(id, it): (&StageId, &StageTime)| (vec![stage(id)], of(it) as f64 / 1_000.0);
    it.times.iter().map(sample).collect()
}
