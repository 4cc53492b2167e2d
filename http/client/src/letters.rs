//! Dead letters of workflows.

use reqwest::Method;
use weir_http_api::{LetterView, LettersChosen, LettersQuery, Page, ReplaysView};

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

    /// Has letters put through their workflow again.
    pub async fn letters_replay(
        &self,
        workflow: &str,
        chosen: &LettersChosen,
    ) -> Result<ReplaysView, Error> {
        let path = ["workflows", workflow, "dead-letters:replay"];
        self.decoded(self.command(Method::POST, &path).json(chosen)).await
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
