//! What operators say into the log of their stream. Bounded: whoever says too much is cut short, and
//! how much was left out is said at the end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use weir_domain::{Severity, StageId};

/// More lines than this of one stream are counted and not kept.
const LINES_MAX: usize = 1_000;
/// A longer line is cut.
const LINE_BYTES_MAX: usize = 2_048;

/// One line: `None` is a plain one.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub severity: Option<Severity>,
    pub code: u32,
    pub text: String,
    /// Who said it, where it says so.
    pub stage: Option<StageId>,
}

/// Takes lines of one attempt of a stream. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub struct StreamLog(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    waiting: VecDeque<Said>,
    taken: usize,
    left_out: usize,
}

impl StreamLog {
    pub fn say(&self, severity: Option<Severity>, code: u32, text: String) {
        self.take(Said { severity, code, text, stage: None });
    }

    /// The same, in the name of a stage.
    pub fn say_as(&self, stage: &StageId, severity: Option<Severity>, code: u32, text: &str) {
        let text = format!("{stage}: {text}");
        self.take(Said { severity, code, text, stage: Some(stage.clone()) });
    }

    fn take(&self, mut said: Said) {
        let mut lines = self.lock();
        if lines.taken == LINES_MAX {
            lines.left_out += 1;
            return;
        }
        lines.taken += 1;
        if said.text.len() > LINE_BYTES_MAX {
            said.text.truncate(said.text.floor_char_boundary(LINE_BYTES_MAX));
            said.text.push('…');
        }
        lines.waiting.push_back(said);
    }

    /// What was said since this was last asked.
    pub fn drain(&self) -> Vec<Said> {
        self.lock().waiting.drain(..).collect()
    }

    /// How many lines were left out since this was last asked.
    pub(crate) fn left_out(&self) -> usize {
        std::mem::take(&mut self.lock().left_out)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_bounded_in_lines_and_length() {
        let log = StreamLog::default();
        log.say(None, 1, "é".repeat(LINE_BYTES_MAX));
        let cut = log.drain().remove(0).text;
        assert_eq!(cut, "é".repeat(LINE_BYTES_MAX / 2) + "…");
        (1..LINES_MAX + 3).for_each(|it| log.say(None, 1, it.to_string()));
        assert_eq!((log.drain().len(), log.left_out()), (LINES_MAX - 1, 3));
        assert_eq!((log.drain().len(), log.left_out()), (0, 0));
    }
}
