//! What instances say, until the driver has read it. Bounded by their number: of what an instance
//! says again and again the last word counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use weir_controllers::scheduler::Wanted;
use weir_domain::Fault;
use weir_stream::Happened;

/// One run of an instance: the number of the run tells it from those before.
pub(super) type Run = (Wanted, u64);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// Whether its configuration is good.
    Verified(Result<(), Fault>),
    Happened(Happened),
}

/// Clones share what is said.
#[derive(Clone, Default)]
pub(super) struct Notices(Arc<Inner>);

#[derive(Default)]
struct Inner {
    said: Mutex<BTreeMap<Run, Vec<Said>>>,
    is_news: Notify,
}

impl Notices {
    pub(super) fn say(&self, run: &Run, word: Said) {
        let mut said = self.lock();
        let words = said.entry(run.clone()).or_default();
        match words.last_mut() {
            Some(last) if is_repeated(last) && is_repeated(&word) => *last = word,
            Some(_) | None => words.push(word),
        }
        self.0.is_news.notify_one();
    }

    /// All that was said since the last call; waits until something was.
    pub(super) async fn heard(&self) -> BTreeMap<Run, Vec<Said>> {
        loop {
            let said = std::mem::take(&mut *self.lock());
            if !said.is_empty() {
                return said;
            }
            self.0.is_news.notified().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Run, Vec<Said>>> {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_repeated(said: &Said) -> bool {
    matches!(said, Said::Happened(Happened::Worked | Happened::Idle))
}

#[cfg(test)]
mod tests {
    use weir_domain::WorkflowName;
    use weir_domain::schedule::InstanceNumber;

    use super::*;

    #[tokio::test]
    async fn of_what_is_said_again_and_again_the_last_word_is_kept() {
        let notices = Notices::default();
        let workflow = WorkflowName::new("w").unwrap();
        let run = (Wanted { workflow, number: InstanceNumber(1) }, 1);
        let words = [Happened::Active, Happened::Worked, Happened::Idle, Happened::Worked];
        words.into_iter().for_each(|it| notices.say(&run, Said::Happened(it)));
        notices.say(&run, Said::Happened(Happened::Ended(Ok(()))));
        let kept = [Happened::Active, Happened::Worked, Happened::Ended(Ok(()))];
        assert_eq!(notices.heard().await[&run], kept.map(Said::Happened));
        assert!(futures::FutureExt::now_or_never(notices.heard()).is_none());
    }
}
