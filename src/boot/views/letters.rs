//! Dead letters, as they are kept for all engines.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use weir_controllers::audit::masked;
use weir_domain::plan::DEAD_LETTERS;
use weir_domain::{
    Digest, Fault, ItemStatus, Letter, LetterChoice, LetterCounts, LetterId, Replay,
    ReplayStanding, ReplayState, Replays, SourceName, StageId, StreamId, StreamOrder, WorkflowName,
};
use weir_http_server::{LettersAsked, Records, Refusal};
use weir_runtime::Stopwatch;
use weir_stream::{Cancelled, How, Letters, OpenReplay, Sight, runs_nowhere};

use super::unavailable;
use crate::boot::engine::Engine;
use crate::boot::sniffing::masked_record;

/// How long who cancels a replay waits to hear how it ended, and how often that is looked for.
const ENDED_WITHIN: Duration = Duration::from_secs(20);
const ENDED_LOOK: Duration = Duration::from_millis(100);

impl Engine {
    fn kept(&self, workflow: &WorkflowName) -> Result<Letters, Fault> {
        Letters::new(self.services.checkpoints.clone(), workflow)
    }

    pub(super) async fn kept_letters(
        &self,
        workflow: &WorkflowName,
        choice: &LetterChoice,
        (before, limit): (Option<&LetterId>, u32),
        records: Records,
    ) -> Result<(Vec<Letter>, Option<LetterId>), Fault> {
        let sight = match records {
            Records::Whole => Sight::Whole,
            Records::Masked => Sight::masked(&self.services.running, workflow),
        };
        let list = self.kept(workflow)?.list(choice, before, limit as usize, &sight).await;
        let (mut letters, next) = list?;
        if records == Records::Masked {
            letters.iter_mut().for_each(mask);
        }
        Ok((letters, next))
    }

    pub(super) async fn count_letters(
        &self,
        workflow: &WorkflowName,
    ) -> Result<LetterCounts, Fault> {
        self.kept(workflow)?.counts(workflow, &self.tallies).await
    }

    pub(super) async fn replay_letters(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        let LettersAsked { workflow, choice, dry_run, command, by } = asked;
        let command = command.unwrap_or_else(|| self.system.ids().command());
        let by = (by, self.system.now());
        let how = match dry_run {
            true => How::Dry,
            false => How::ByVersion(self.wanted(&workflow).await?.first().copied()),
        };
        let replays = self.kept(&workflow)?.replay(&choice, command, by, how).await?;
        if !dry_run {
            self.replays.ring();
            self.bind_book(&workflow);
        }
        Ok(replays)
    }

    /// Keeps what operators asked for quick to read, aside. What can't be done is done after the next command.
    fn bind_book(&self, workflow: &WorkflowName) {
        let view = self.membership.cluster.view().borrow().clone();
        let mine = view.own().map(|it| it.version.clone());
        let are_alike = view.members.iter().all(|it| Some(&it.version) == mine.as_ref());
        let Ok(kept) = self.kept(workflow) else { return };
        self.system.tasks().spawn("letters", async move {
            if let Err(fault) = kept.bind(are_alike).await {
                tracing::debug!(code = %fault.code, "the book of dead letters is not bound: {fault}");
            }
        });
    }

    /// The versions that are to run now. None: nothing is.
    async fn wanted(&self, workflow: &WorkflowName) -> Result<Vec<Digest>, Fault> {
        let wanted = self.services.versions.wanted(workflow).await;
        wanted.map_err(|it| unavailable(&format!("which version is to run is not known: {it}")))
    }

    pub(super) async fn open_replays(
        &self,
        workflow: &WorkflowName,
    ) -> Result<Vec<ReplayStanding>, Fault> {
        let open = self.kept(workflow)?.replays().await?;
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let unfinished = self.services.access.unfinished_of(&source_of_replays(workflow)).await;
        let unfinished = unfinished.map_err(|it| unavailable(&it))?;
        let wanted = self.wanted(workflow).await?;
        let mut standings = Vec::new();
        for it in open {
            let OpenReplay { item, stage, letters, by, at, version: _ } = it;
            let has_it = unfinished.iter().find(|of| of.claim.item.name == item);
            let replay = Replay { item, stage, letters };
            standings.push(match has_it {
                None => {
                    let fault = wanted.is_empty().then(|| runs_nowhere(workflow));
                    let state = ReplayState::Waiting;
                    ReplayStanding { replay, by, at, state, stream: None, node: None, fault }
                }
                Some(held) => {
                    let stream = self.monitor.load(held.claim.stream).await;
                    let stream = stream.map_err(|it| unavailable(&it))?;
                    let state = match held.status {
                        ItemStatus::Committing => ReplayState::Publishing,
                        ItemStatus::Failed => ReplayState::Failing,
                        _ => ReplayState::Running,
                    };
                    let node = held.owner.split('#').next().map(str::to_owned);
                    let fault = stream.and_then(|it| it.fault);
                    let stream = Some(held.claim.stream);
                    ReplayStanding { replay, by, at, state, stream, node, fault }
                }
            });
        }
        Ok(standings)
    }

    pub(super) async fn cancel_replay(
        &self,
        workflow: &WorkflowName,
        (item, by): (&str, &str),
    ) -> Result<(), Refusal> {
        match self.kept(workflow)?.cancel(&self.services, workflow, (item, by)).await? {
            // Who asks twice, or asks for what fails by itself at this moment, has what was asked for.
            Cancelled::Ended(_)
            | Cancelled::Ending(_)
            | Cancelled::Before { is_committed: false }
            | Cancelled::Unknown => Ok(()),
            Cancelled::Before { is_committed: true } => Err(committed(item)),
            Cancelled::UnderWay(_, id) => {
                self.end_replay(item, id).await?;
                self.has_failed(workflow, item).await
            }
            Cancelled::Decided(_, id) => {
                let stream = self.monitor.load(id).await.map_err(|it| unavailable(&it))?;
                let fault = stream.and_then(|it| it.fault);
                let cause = fault.map_or_else(String::new, |it| format!(": {it}"));
                let detail = format!(
                    "the commit of {item} is decided, and what it still has to publish can't be \
                     taken back{cause}"
                );
                let hint = format!(
                    "it is published as soon as that is possible, and other replays do not wait for \
                     it: weir stream show {id}"
                );
                Err(Refusal::Conflict { detail, hint: Some(hint) })
            }
        }
    }

    async fn end_replay(&self, item: &str, id: StreamId) -> Result<(), Refusal> {
        let stream = self.monitor.load(id).await.map_err(|it| unavailable(&it))?;
        let by_node = stream.map(|it| (it.node, vec![id])).into_iter().collect();
        let (told, unreached) = self.steering.order(StreamOrder::Terminate, by_node).await;
        if !told.is_empty() {
            return Ok(());
        }
        let why = unreached
            .into_iter()
            .next()
            .map_or_else(|| "its stream begins or ends at this moment".to_owned(), |it| it.why);
        let hint =
            "send it again in a moment: what an engine left that is gone is given back first";
        let detail = format!("{item} can't be ended now: {why}");
        Err(Refusal::Conflict { detail, hint: Some(hint.to_owned()) })
    }

    /// Waits for the end of a replay that was told to end: it may have been about to commit.
    async fn has_failed(&self, workflow: &WorkflowName, item: &str) -> Result<(), Refusal> {
        let kept = self.kept(workflow)?;
        let since = Stopwatch::start();
        while since.elapsed() < ENDED_WITHIN {
            match kept.is_committed(item).await? {
                Some(true) => return Err(committed(item)),
                Some(false) => return Ok(()),
                None => tokio::time::sleep(ENDED_LOOK).await,
            }
        }
        let detail = format!("{item} was told to end, and has not yet");
        let hint = format!("see what it waits for: weir dead-letter replays {workflow}");
        Err(Refusal::Conflict { detail, hint: Some(hint) })
    }

    pub(super) async fn discard_letters(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        let LettersAsked { workflow, choice, dry_run, command, by } = asked;
        let command = command.unwrap_or_else(|| self.system.ids().command());
        let by = (by, self.system.now());
        let discarded = self.kept(&workflow)?.discard(&choice, command, by, dry_run).await?;
        if !dry_run {
            self.bind_book(&workflow);
        }
        Ok(discarded)
    }
}

/// Of which replays are the items.
fn source_of_replays(workflow: &WorkflowName) -> SourceName {
    SourceName::of(workflow, &StageId::new(DEAD_LETTERS).expect("a valid name"))
}

fn committed(item: &str) -> Refusal {
    let detail = format!("{item} was committed before it could be ended: its letters are replayed");
    Refusal::Conflict { detail, hint: None }
}

/// Masks what looks like a secret, as records are masked that somebody sniffs.
fn mask(letter: &mut Letter) {
    let bytes = letter.raw_base64.as_ref().and_then(|it| STANDARD.decode(it).ok());
    let bytes = bytes.map(|it| String::from_utf8_lossy(&it).into_owned());
    let Some(raw) = letter.raw.as_ref().or(bytes.as_ref()) else { return };
    let shown = match serde_json::from_str(raw) {
        Ok(Value::Object(record)) => {
            let shown = masked_record(record.clone());
            if shown == record {
                return;
            }
            Value::Object(shown).to_string()
        }
        _ => match masked(Value::from(raw.as_str())) {
            Value::String(shown) if shown != *raw => shown,
            _ => return,
        },
    };
    (letter.raw, letter.raw_base64, letter.is_masked) = (Some(shown), None, true);
}

#[cfg(test)]
mod tests {
    use weir_domain::{LetterState, Timestamp};

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked_in_records_of_letters_too() {
        let of = |raw: Option<String>, raw_base64: Option<String>| {
            let id = "0197a8b0-5b5e-7c3e-9d4f-0123456789ab:7".parse().unwrap();
            let (state, stage) = (LetterState::Waiting, StageId::new("read").unwrap());
            let mut letter = Letter {
                id,
                state,
                at: Timestamp(0),
                stage,
                item: "a".into(),
                position: 1,
                line: None,
                offset: None,
                reason: "r".into(),
                raw,
                raw_base64,
                is_masked: false,
                is_cut: false,
                attempt: 1,
                replay: None,
            };
            mask(&mut letter);
            (letter.raw.unwrap(), letter.is_masked)
        };
        let shown = |raw: &str| of(Some(raw.to_owned()), None);
        let shown_of = |raw: &[u8]| of(None, Some(STANDARD.encode(raw)));
        let same = |raw: &str| assert_eq!(shown(raw), (raw.to_owned(), false));
        same("{\"amount\": 1.50, \"name\": \"ada\"}");
        same("1,2.5,three");
        let (record, is_masked) = shown("{\"password\":\"planted\",\"n\":7}");
        assert!(is_masked && !record.contains("planted") && record.contains("7"), "{record}");
        assert!(shown("-----BEGIN PRIVATE KEY-----\nplanted").1);
        assert!(shown_of(b"\xff-----BEGIN PRIVATE KEY-----\nplanted").1);
    }
}
