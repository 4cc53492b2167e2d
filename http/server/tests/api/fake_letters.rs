//! Dead letters of the workflow `flights`: three of the stage `derive`, one of them replayed.

use weir_domain::{
    Fault, Letter, LetterChoice, LetterCounts, LetterGroup, LetterId, LetterState, Replay,
    ReplayStanding, ReplayState, Replays, StageId, WorkflowName,
};
use weir_http_server::{LettersAsked, Records, Refusal};

use crate::fixture::{NOW, stream_id};

fn letter(number: u32, records: Records) -> Letter {
    let raw = match records {
        Records::Masked => "***",
        Records::Whole => "planted",
    };
    Letter {
        id: LetterId { left: stream_id(1).to_string(), number },
        state: if number == 1 { LetterState::Replayed } else { LetterState::Waiting },
        at: NOW,
        stage: StageId::new("derive").unwrap(),
        item: "2001-01.csv".into(),
        position: u64::from(number),
        line: None,
        offset: None,
        reason: "delay is no number".into(),
        raw: Some(raw.into()),
        raw_base64: None,
        is_masked: records == Records::Masked,
        is_cut: false,
        attempt: 1,
        replay: None,
    }
}

pub(crate) fn all(
    workflow: &WorkflowName,
    choice: &LetterChoice,
    before: Option<&LetterId>,
    limit: u32,
    records: Records,
) -> Vec<Letter> {
    let all = (1..4).rev().map(|it| letter(it, records)).filter(|_| workflow.as_str() == "flights");
    let all = all.filter(|it| before.is_none_or(|before| it.id < *before));
    all.filter(|it| choice.fits(it)).take(limit as usize).collect()
}

pub(crate) fn counts(workflow: &WorkflowName) -> LetterCounts {
    let all = all(workflow, &LetterChoice::default(), None, 100, Records::Masked);
    let waiting = all.iter().filter(|it| it.state == LetterState::Waiting).count() as u64;
    let Some(first) = all.first() else { return LetterCounts::default() };
    let group = LetterGroup {
        stage: first.stage.clone(),
        reason: first.reason.clone(),
        needle: first.reason.clone(),
        count: all.len() as u64,
        waiting,
        newest_at: first.at,
    };
    LetterCounts { total: group.count, waiting, groups: vec![group], left_out: 0, has_more: false }
}

pub(crate) fn replayed(asked: &LettersAsked) -> Replays {
    let fit = all(&asked.workflow, &asked.choice, None, 100, Records::Masked);
    let waiting = fit.iter().filter(|it| it.state == LetterState::Waiting).count() as u64;
    let stage = StageId::new("derive").unwrap();
    let item = format!("replay-{}", asked.command.map(|it| it.to_string()).unwrap_or_default());
    let not_waiting = fit.len() as u64 - waiting;
    let replays = vec![Replay { item, stage, letters: waiting }];
    Replays { replays, letters: waiting, not_waiting, ..Replays::default() }
}

/// One that nothing runs, and one that publishes.
pub(crate) fn open(workflow: &WorkflowName) -> Vec<ReplayStanding> {
    let one = |item: &str, state, fault| {
        let stage = StageId::new("derive").unwrap();
        let replay = Replay { item: item.into(), stage, letters: 2 };
        let (stream, node) = match state {
            ReplayState::Waiting => (None, None),
            ReplayState::Running | ReplayState::Publishing | ReplayState::Failing => {
                (Some(stream_id(7)), Some("one".into()))
            }
        };
        ReplayStanding { replay, by: "ada".into(), at: NOW, state, stream, node, fault }
    };
    let away = Fault::transient(7, "the broker is away");
    let all = [
        one("replay-1-derive", ReplayState::Waiting, None),
        one("replay-2-derive", ReplayState::Publishing, Some(away)),
    ];
    all.into_iter().filter(|_| workflow.as_str() == "flights").collect()
}

pub(crate) fn cancelled(item: &str) -> Result<(), Refusal> {
    match item {
        "replay-1-derive" => Ok(()),
        _ => Err(Refusal::Conflict { detail: "its commit is decided".into(), hint: None }),
    }
}
