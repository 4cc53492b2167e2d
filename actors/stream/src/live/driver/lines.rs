//! What a run has to say of the world: lines for the log of its stream, and what does not work.

use tokio::sync::mpsc;
use weir_domain::Timestamp;

use crate::live::effects::{Voice, Word};

/// Warnings that nothing waits for: of what was published, and of what could not be deleted.
pub(super) const PUBLISHED_WITH: u32 = 3021;
pub(super) const NOT_DELETED: u32 = 3184;

/// What is to be told of the stream.
pub(super) struct Lines {
    pub(super) said: Vec<Word>,
    pub(super) voice: Voice,
    pub(super) warned: mpsc::UnboundedReceiver<Word>,
    /// What failed in the world and is tried again, and since when something does.
    pub(super) trouble: Option<(Timestamp, u32, String)>,
}

impl Lines {
    pub(super) fn new() -> Self {
        let (voice, warned) = mpsc::unbounded_channel();
        Self { said: Vec::new(), voice, warned, trouble: None }
    }

    pub(super) fn warned(&mut self, word: Word, now: Timestamp) {
        // These are told, and keep nothing from happening.
        if let Word::Warning(code, text) = &word
            && ![PUBLISHED_WITH, NOT_DELETED].contains(code)
        {
            let since = self.trouble.take().map_or(now, |it| it.0);
            self.trouble = Some((since, *code, text.clone()));
        }
        self.said.push(word);
    }
}
