//! Dead letters, as they are kept for all engines.

use weir_domain::{Fault, Letter, LetterChoice, LetterId, Replays, WorkflowName};
use weir_http_server::LettersAsked;
use weir_stream::Letters;

use crate::boot::engine::Engine;

impl Engine {
    fn kept(&self, workflow: &WorkflowName) -> Result<Letters, Fault> {
        Letters::new(self.services.checkpoints.clone(), workflow)
    }

    pub(super) async fn kept_letters(
        &self,
        workflow: &WorkflowName,
        choice: &LetterChoice,
        before: Option<&LetterId>,
        limit: u32,
    ) -> Result<Vec<Letter>, Fault> {
        self.kept(workflow)?.list(choice, before, limit as usize).await
    }

    pub(super) async fn replay_letters(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        let LettersAsked { workflow, choice, dry_run, command, by } = asked;
        let command = command.unwrap_or_else(|| self.system.ids().command());
        let by = (by, self.system.now());
        self.kept(&workflow)?.replay(&choice, command, by, dry_run).await
    }

    pub(super) async fn discard_letters(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        let LettersAsked { workflow, choice, dry_run, command, by } = asked;
        let command = command.unwrap_or_else(|| self.system.ids().command());
        let by = (by, self.system.now());
        self.kept(&workflow)?.discard(&choice, command, by, dry_run).await
    }
}
