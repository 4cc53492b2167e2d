//! Replays that are to run or under way: seeing them, and ending one that nobody runs.
//!
//! A replay is ended as it would be by an engine that runs it: its item is claimed, and has failed. So of
//! who ends it and who begins it one comes first, and what dies in between is settled by others (L3, L4).
//! What is under way is ended as every open stream is: by whoever can tell its engine.

use tokio_util::sync::CancellationToken;
use weir_domain::{
    Digest, Fault, InstanceId, ItemStatus, SourceName, StageId, Stream, StreamId, StreamState,
    Timestamp, WorkflowName,
};
use weir_persistence_api::{ClaimRequest, Settlement};

use super::book::{Due, Ended, item_name};
use super::effect::end;
use super::shelves::Letters;
use super::source::{item_of, terms};
use crate::Outcome;
use crate::instance::new_stream;
use crate::layout::dead_letters_id;
use crate::services::{AccessError, Services};
use crate::settlement::{Owed, Paid, pay};

/// A replay was ended by hand.
const CANCELLED: u32 = 3204;
/// No engine has its workflow.
const NOWHERE: u32 = 3205;

/// A replay that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReplay {
    /// The item that it is.
    pub item: String,
    pub stage: StageId,
    pub letters: u64,
    pub by: String,
    pub at: Timestamp,
    /// The version that it was asked for.
    pub version: Option<Digest>,
}

/// What became of the wish to end a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// Nobody ran it: its letters wait again.
    Ended(Box<OpenReplay>),
    /// It was ended, and what that owes is paid a little later.
    Ending(Box<OpenReplay>),
    /// This stream runs it, or ran it until its engine died.
    UnderWay(Box<OpenReplay>, StreamId),
    /// Its commit is decided by this stream: what is still to be published can't be taken back.
    Decided(Box<OpenReplay>, StreamId),
    /// It had ended before, by its commit or not.
    Before { is_committed: bool },
    /// There is none of that name.
    Unknown,
}

impl OpenReplay {
    fn of(due: &Due) -> Self {
        Self {
            item: item_name(&due.pending.replay()),
            stage: due.part.stage.clone(),
            letters: due.part.count() as u64,
            by: due.by.clone(),
            at: due.at,
            version: due.version,
        }
    }
}

impl Letters {
    /// Replays that are to run or under way, the oldest first.
    pub async fn replays(&self) -> Result<Vec<OpenReplay>, Fault> {
        Ok(self.due().await?.iter().map(OpenReplay::of).collect())
    }

    /// Whether a replay that has ended was committed; `None`: it has not ended, or there is none.
    pub async fn is_committed(&self, item: &str) -> Result<Option<bool>, Fault> {
        let ended = self.book().await?.ended(item);
        Ok(ended.map(|it| it == Ended::Committed))
    }

    async fn ended_before(&self, item: &str) -> Result<Cancelled, Fault> {
        let is_committed = self.is_committed(item).await?;
        Ok(is_committed.map_or(Cancelled::Unknown, |it| Cancelled::Before { is_committed: it }))
    }

    /// Ends a replay that nobody runs; who runs it is told otherwise.
    pub async fn cancel(
        &self,
        services: &Services,
        workflow: &WorkflowName,
        (item, by): (&str, &str),
    ) -> Result<Cancelled, Fault> {
        let due = self.due().await?.into_iter().find(|it| item_name(&it.pending.replay()) == item);
        let Some(due) = due else { return self.ended_before(item).await };
        let open = Box::new(OpenReplay::of(&due));
        let source = SourceName::of(workflow, &dead_letters_id());
        let system = &services.system;
        // Of no instance: none runs it.
        let stream = new_stream(system, workflow, InstanceId(0));
        let stream = Stream { item: item.to_owned(), ..stream };
        let request = ClaimRequest {
            candidates: vec![item_of(&due.pending, &due.part)],
            // Whoever finds it undone has nothing to clear away, and gives it back.
            settlement: Owed { actions: Vec::new(), stream: stream.clone() }.to_bytes(),
            ..terms().request(system, &source, &stream)
        };
        // Held until all is paid: nobody else is to pay it meanwhile.
        let _live = services.live.hold(request.claim);
        let Some(claim) = services.access.claim(request).await.map_err(|it| away(&it))? else {
            return match taken(services, &source, open).await? {
                Some(taken) => Ok(taken),
                // It ended between the two questions.
                None => self.ended_before(item).await,
            };
        };
        let fault = Fault::data(CANCELLED, format!("{by} cancelled the replay"))
            .with_hint("its letters wait again: replay or discard them");
        let stream = Stream {
            state: StreamState::RolledBack,
            closed_at: Some(system.now()),
            fault: Some(fault),
            ..stream
        };
        let owed = Owed { actions: vec![end(workflow, &due.pending, Outcome::Failed)], stream };
        services.access.fail(claim.id, owed.to_bytes()).await.map_err(|it| away(&it))?;
        let once = CancellationToken::new();
        once.cancel();
        let means = services.running.of(workflow);
        Ok(match pay(services, &means, claim.id, owed, Settlement::Failed, &once).await {
            Paid::Closed(_) => Cancelled::Ended(open),
            Paid::StillOwed => Cancelled::Ending(open),
        })
    }
}

/// Who has it; `None`: nobody any more.
async fn taken(
    services: &Services,
    source: &SourceName,
    open: Box<OpenReplay>,
) -> Result<Option<Cancelled>, Fault> {
    let unfinished = services.access.unfinished_of(source).await.map_err(|it| away(&it))?;
    let found = unfinished.into_iter().find(|it| it.claim.item.name == open.item);
    Ok(found.map(|it| match it.status {
        ItemStatus::Acquired => Cancelled::UnderWay(open, it.claim.stream),
        ItemStatus::Committing => Cancelled::Decided(open, it.claim.stream),
        // It has failed.
        _ => Cancelled::Ending(open),
    }))
}

fn away(error: &AccessError) -> Fault {
    Fault::transient(3132, error.to_string())
}

/// What a replay waits for whose workflow is not deployed.
pub fn runs_nowhere(workflow: &WorkflowName) -> Fault {
    let message = format!("workflow {workflow} is not deployed: nothing runs its replays");
    Fault::transient(NOWHERE, message).with_hint(
        "deploy it, or cancel the replay: weir dead-letter cancel; its letters wait then",
    )
}
