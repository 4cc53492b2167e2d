//! Uses of tokens, gathered: that a token was used is worth an event only now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_domain::{Timestamp, TokenId};

use super::access::TokenView;

/// How long uses are gathered before they are written together.
const GATHER: Duration = Duration::from_secs(60);

/// What a use of a token tells beyond what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The first one ever.
    First,
    /// The last one that was written is long ago.
    News,
    Known,
}

/// What was not written yet. It is lost with the instance: the last use is known to ten minutes then.
#[derive(Default)]
pub(super) struct Uses(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    since: Option<Timestamp>,
    news: BTreeMap<TokenId, Timestamp>,
    /// The newest of each token that this instance has seen.
    seen: BTreeMap<TokenId, Timestamp>,
}

impl Uses {
    /// Notes a use; gives all that are to be written when it is time for that.
    pub(super) fn note(
        &self,
        token: TokenId,
        at: Timestamp,
        what: Use,
    ) -> Option<BTreeMap<TokenId, Timestamp>> {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.seen.insert(token, at);
        if what == Use::Known {
            return None;
        }
        gathered.news.insert(token, at);
        // That one was used at all is told at once, and the first use of all.
        let is_due = gathered.since.is_none_or(|it| at.since(it) >= GATHER);
        if what != Use::First && !is_due {
            return None;
        }
        gathered.since = Some(at);
        Some(std::mem::take(&mut gathered.news))
    }

    /// Adds what was seen to these, which are all tokens that there are.
    pub(super) fn add_to(&self, tokens: &mut [TokenView]) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there: BTreeSet<_> = tokens.iter().map(|it| it.id).collect();
        gathered.seen.retain(|id, _| there.contains(id));
        for token in tokens {
            token.used_at = token.used_at.max(gathered.seen.get(&token.id).copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_gathered_for_a_minute_and_first_ones_told_at_once() {
        let (uses, token) = (Uses::default(), |n| TokenId(uuid::Uuid::from_u128(n)));
        let note = |n, at, what| uses.note(token(n), Timestamp(at), what);
        assert!(note(1, 0, Use::News).is_some());
        assert_eq!(note(1, 1, Use::News), None);
        assert_eq!(note(2, 59_999, Use::News), None);
        assert_eq!(note(3, 59_999, Use::Known), None);
        let batch = note(1, 60_000, Use::News).unwrap();
        assert_eq!(batch, [(token(1), Timestamp(60_000)), (token(2), Timestamp(59_999))].into());
        assert_eq!(note(4, 60_001, Use::First), Some([(token(4), Timestamp(60_001))].into()));
    }
}
