//! A live source's position, as it stands in a checkpoint.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, StageId, WorkflowName};

use super::{Share, Splits};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    /// Among how many lanes the splits were shared out.
    lanes: u32,
    splits: Splits,
}

pub(super) fn write(share: Share, splits: Splits) -> Bytes {
    let position = Position { lanes: share.lanes, splits };
    serde_json::to_vec(&position).expect("values with text keys become JSON").into()
}

/// Of a lane of the same number of lanes: splits would be read twice or never otherwise.
pub(super) fn read(stage: &StageId, share: Share, bytes: &[u8]) -> Result<Splits, Fault> {
    if bytes.is_empty() {
        return Ok(Splits::new());
    }
    let position: Position = serde_json::from_slice(bytes).map_err(|error| {
        Fault::config(3181, format!("the position of source {stage} can't be read: {error}"))
            .with_hint("was the checkpoint written by a later version? deploy that")
    })?;
    if position.lanes != share.lanes {
        let message = format!(
            "the position of source {stage} is that of one of {} lanes, and the workflow has {}",
            position.lanes, share.lanes
        );
        let hint = format!("set instances in the workflow's file back to {}", position.lanes);
        return Err(Fault::config(3182, message).with_hint(hint));
    }
    Ok(position.splits)
}

/// What stands in a checkpoint, for those who only look; `None`: it can't be read, or is of no source.
pub(super) fn look(bytes: &[u8]) -> Option<Splits> {
    serde_json::from_slice::<Position>(bytes).ok().map(|it| it.splits)
}

/// That checkpoints are of as many lanes as the workflow has.
pub(super) fn check_lanes(stored: u32, wanted: u32, workflow: &WorkflowName) -> Result<(), Fault> {
    if stored == wanted {
        return Ok(());
    }
    let message =
        format!("the checkpoints are of {stored} lanes, and the workflow has {wanted} now");
    Err(Fault::config(3182, message).with_hint(format!(
        "set instances in the workflow's file back to {stored}: the scheduler may still run more or \
         fewer; or let all that it remembers go: weir workflow reset {workflow} --dry-run"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_position_is_read_back_by_the_same_number_of_lanes_only() {
        let stage = StageId::new("read").unwrap();
        let (share, other) = (Share { lane: 1, lanes: 2 }, Share { lane: 1, lanes: 3 });
        let splits = Splits::from([("orders-7".to_owned(), json!(41))]);
        let bytes = write(share, splits.clone());
        assert_eq!(read(&stage, share, &bytes), Ok(splits));
        assert_eq!(read(&stage, other, &bytes).unwrap_err().code.0, 3182);
        assert_eq!(read(&stage, share, b"{}").unwrap_err().code.0, 3181);
        assert_eq!(read(&stage, share, b""), Ok(Splits::new()));
    }
}
