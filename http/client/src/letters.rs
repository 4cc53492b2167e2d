//! Dead letters of workflows.

use reqwest::Method;
use weir_http_api::{
    LetterCountsView, LetterView, LettersChosen, LettersQuery, OpenReplayView, Page, ReplayCancel,
    ReplaysView,
};

use crate::{Client, Error};

impl Client {
    /// One page of the kept letters of a workflow, the newest first.
    pub async fn letters(
        &self,
        workflow: &str,
        query: &LettersQuery,
    ) -> Result<Page<LetterView>, Error> {
        self.get_with(&["workflows", workflow, "dead-letters"], query).await
    }

    /// How many of them there are, by stage and reason.
    pub async fn letter_counts(&self, workflow: &str) -> Result<LetterCountsView, Error> {
        self.get(&["workflows", workflow, "dead-letters:counts"]).await
    }

    /// The same, with the values of secrets that stand in records.
    pub async fn letters_reveal(
        &self,
        workflow: &str,
        query: &LettersQuery,
    ) -> Result<Page<LetterView>, Error> {
        let path = ["workflows", workflow, "dead-letters:reveal"];
        self.decoded(self.command(Method::POST, &path).query(query)).await
    }

    /// Has letters put through their workflow again.
    pub async fn letters_replay(
        &self,
        workflow: &str,
        chosen: &LettersChosen,
    ) -> Result<ReplaysView, Error> {
        let path = ["workflows", workflow, "dead-letters:replay"];
        self.decoded(self.command(Method::POST, &path).json(chosen)).await
    }

    /// Replays of a workflow that have not ended.
    pub async fn replays(&self, workflow: &str) -> Result<Page<OpenReplayView>, Error> {
        self.get(&["workflows", workflow, "replays"]).await
    }

    /// Ends a replay; `None`: it had ended when this was asked before.
    pub async fn replay_cancel(
        &self,
        workflow: &str,
        cancel: &ReplayCancel,
    ) -> Result<Option<OpenReplayView>, Error> {
        let path = ["workflows", workflow, "replays:cancel"];
        self.decoded(self.command(Method::POST, &path).json(cancel)).await
    }

    /// Says that nothing is to become of letters.
    pub async fn letters_discard(
        &self,
        workflow: &str,
        chosen: &LettersChosen,
    ) -> Result<ReplaysView, Error> {
        let path = ["workflows", workflow, "dead-letters:discard"];
        self.decoded(self.command(Method::POST, &path).json(chosen)).await
    }
}
