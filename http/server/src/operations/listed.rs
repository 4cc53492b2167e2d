//! The operations that are shown, and those that nobody hears of yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use weir_domain::{CommandId, Fault, UserName};
use weir_http_api::OperationView;

/// Operations that are over, and still shown.
const KEPT_MAX: usize = 200;

/// What became of keeping an operation that is to begin; none: it is not known yet.
pub(super) type Saved = Option<Result<OperationView, Fault>>;

#[derive(Default)]
pub(super) struct Listed {
    pub(super) by_number: BTreeMap<u64, Entry>,
    numbers: BTreeMap<CommandId, u64>,
    /// Not kept yet, and so not begun (O1).
    pub(super) beginning: BTreeMap<CommandId, (UserName, watch::Receiver<Saved>)>,
    last: u64,
}

pub(super) struct Entry {
    pub(super) view: OperationView,
    /// What the change was counted as that it had last.
    pub(super) revision: u64,
    pub(super) cancelled: CancellationToken,
    /// Something is to be saved.
    pub(super) moved: Arc<Notify>,
}

impl Listed {
    /// That of an operation that is to begin.
    pub(super) fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Those that have not ended.
    pub(super) fn running(&self) -> usize {
        let running = self.by_number.values().filter(|it| !it.view.state.is_final());
        running.count() + self.beginning.len()
    }

    /// Those of them that this user began.
    pub(super) fn running_of(&self, user: &UserName) -> usize {
        let running = self.by_number.values().filter(|it| !it.view.state.is_final());
        let beginning = self.beginning.values().filter(|it| it.0 == *user);
        running.filter(|it| it.view.by == *user).count() + beginning.count()
    }

    pub(super) fn add(&mut self, view: OperationView) -> &mut Entry {
        let number = view.number;
        self.last = self.last.max(number);
        self.numbers.insert(view.id, number);
        let (cancelled, moved) = Default::default();
        self.by_number.entry(number).or_insert(Entry { view, revision: 0, cancelled, moved })
    }

    pub(super) fn entry(&self, id: CommandId) -> Option<&Entry> {
        self.by_number.get(self.numbers.get(&id)?)
    }

    pub(super) fn entry_mut(&mut self, id: CommandId) -> Option<&mut Entry> {
        self.by_number.get_mut(self.numbers.get(&id)?)
    }

    fn remove(&mut self, id: CommandId) {
        if let Some(number) = self.numbers.remove(&id) {
            self.by_number.remove(&number);
        }
    }

    /// Takes out those that ended first: one that took long is shown as long as any other.
    pub(super) fn surplus(&mut self) -> Vec<CommandId> {
        let over = self.by_number.values().filter(|it| it.view.state.is_final());
        let mut over: Vec<_> = over.collect();
        // Of one moment they are told apart by what changed first, and after a start by what began first.
        over.sort_by_key(|it| (it.view.ended_at, it.revision));
        let surplus = over.len().saturating_sub(KEPT_MAX);
        let gone: Vec<_> = over.iter().take(surplus).map(|it| it.view.id).collect();
        gone.iter().for_each(|it| self.remove(*it));
        gone
    }
}
