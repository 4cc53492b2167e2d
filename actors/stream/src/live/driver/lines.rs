//! What a run has to say of the world: lines for the log of its stream, and what does not work.

use tokio::sync::mpsc;
use weir_domain::{Fault, Timestamp};

use crate::live::effects::{Voice, Word};

/// What is to be told of the stream.
pub(super) struct Lines {
    pub(super) said: Vec<Word>,
    pub(super) voice: Voice,
    pub(super) warned: mpsc::UnboundedReceiver<Word>,
    /// What failed in the world since the last commit and is tried again, and since when something does.
    pub(super) trouble: Option<(Timestamp, Fault)>,
}

impl Lines {
    pub(super) fn new() -> Self {
        let (voice, warned) = mpsc::unbounded_channel();
        Self { said: Vec::new(), voice, warned, trouble: None }
    }

    pub(super) fn warned(&mut self, word: Word, now: Timestamp) {
        if let Word::Trouble(fault) = &word {
            let since = self.trouble.take().map_or(now, |it| it.0);
            self.trouble = Some((since, fault.clone()));
        }
        self.said.push(word);
    }
}
