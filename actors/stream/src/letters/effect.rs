//! What is owed where letters are concerned: keeping them, and writing down that a replay has ended.

use serde::{Deserialize, Serialize};
use weir_domain::{Fault, StreamId, WorkflowName};
use weir_persistence_api::BlobKey;

use super::STORE;
use super::book::{Ended, Pending};
use super::shelves::key;
use crate::layout::dead_letters_id;
use crate::{Action, Outcome, Published, Staging, StreamContext};

/// The connector of these actions: this room's own.
pub(crate) const LETTERS: &str = "letters";

/// Bytes of letters that are kept of a workflow; beyond that the oldest go. They stay in the files.
const OF_WORKFLOW_MAX: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Todo {
    Keep { workflow: WorkflowName, staged: String, left: String },
    ThrowAway { stream: StreamId },
    End { workflow: WorkflowName, pending: String, outcome: Ended },
}

impl From<Todo> for Action {
    fn from(it: Todo) -> Self {
        let payload = serde_json::to_value(it).expect("values with text keys become JSON");
        Self::new(LETTERS, payload)
    }
}

/// Keeps what was staged.
pub(super) fn keep(stream: &StreamContext, staged: &BlobKey) -> Action {
    let left = match stream.segment {
        None => stream.stream.to_string(),
        // In the order of their texts, too.
        Some(epoch) => {
            format!("{}-{:010}.{:010}", stream.stream, epoch.generation, epoch.number)
        }
    };
    Todo::Keep { workflow: stream.workflow.clone(), staged: staged.to_string(), left }.into()
}

pub(super) fn throw_away(stream: StreamId) -> Action {
    Todo::ThrowAway { stream }.into()
}

pub(super) fn end(workflow: &WorkflowName, pending: &Pending, outcome: Outcome) -> Action {
    let outcome = match outcome {
        Outcome::Committed => Ended::Committed,
        Outcome::Failed => Ended::RolledBack,
    };
    Todo::End { workflow: workflow.clone(), pending: pending.to_string(), outcome }.into()
}

/// Does what is owed. As every effect, it may be done again.
pub(crate) fn run(payload: &serde_json::Value, staging: &Staging) -> Result<Vec<Published>, Fault> {
    let todo = Todo::deserialize(payload)
        .map_err(|it| Fault::config(STORE, format!("what is owed can't be read: {it}")))?;
    match todo {
        Todo::Keep { workflow, staged, left } => {
            let (staged, kept) = (key(staged)?, key(format!("letters/{workflow}/kept"))?);
            // It is not there where this was done before.
            let Some(content) = staging.get(&staged)? else { return Ok(Vec::new()) };
            let warning = make_room(staging, &kept, content.len() as u64)?;
            staging.put(&key(format!("{kept}/{left}"))?, content)?;
            staging.remove(&staged)?;
            Ok(warning.into_iter().map(Published::nothing_but).collect())
        }
        Todo::ThrowAway { stream } => {
            staging.discard(&Staging::of_stream(stream, &dead_letters_id())?)?;
            Ok(Vec::new())
        }
        Todo::End { workflow, pending, outcome } => {
            let unreadable = || Fault::config(STORE, format!("{pending} is no replay"));
            let replay = Pending::read(&pending).ok_or_else(unreadable)?.replay();
            let content = serde_json::to_vec(&outcome).expect("a plain enum becomes JSON");
            let ended = key(format!("letters/{workflow}/ended/{replay}"))?;
            // Who wrote it first has decided it.
            if staging.get(&ended)?.is_none() {
                staging.put(&ended, content.into())?;
            }
            staging.remove(&key(format!("letters/{workflow}/pending/{pending}"))?)?;
            Ok(Vec::new())
        }
    }
}

/// Removes the oldest letters until there is room for so many bytes.
fn make_room(staging: &Staging, kept: &BlobKey, bytes: u64) -> Result<Option<String>, Fault> {
    let all = staging.list(kept)?;
    let mut total = bytes + all.iter().map(|it| it.bytes).sum::<u64>();
    let mut removed = 0;
    for entry in all {
        if total <= OF_WORKFLOW_MAX {
            break;
        }
        staging.remove(&entry.key)?;
        (total, removed) = (total - entry.bytes, removed + 1);
    }
    let max = OF_WORKFLOW_MAX >> 20;
    Ok((removed > 0).then(|| {
        format!(
            "the dead letters of {removed} older streams can't be replayed any more: more than \
             {max} MiB of the workflow are not kept; they stay in their files"
        )
    }))
}
