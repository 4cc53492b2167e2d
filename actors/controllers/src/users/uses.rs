//! Uses of tokens, gathered: that a token was used is worth an event only now and then.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_domain::{Timestamp, TokenId};

/// How long uses are gathered before they are written together.
const GATHER: Duration = Duration::from_secs(60);

/// What was not written yet. It is lost with the instance: the last use is known to ten minutes.
#[derive(Default)]
pub(super) struct Uses(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    since: Option<Timestamp>,
    tokens: BTreeMap<TokenId, Timestamp>,
}

impl Uses {
    /// Notes a use; gives all that were noted when it is time to write them.
    pub(super) fn note(
        &self,
        token: TokenId,
        at: Timestamp,
    ) -> Option<BTreeMap<TokenId, Timestamp>> {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.tokens.insert(token, at);
        // The first use of all is written at once.
        let is_due = gathered.since.is_none_or(|it| at.since(it) >= GATHER);
        if !is_due {
            return None;
        }
        gathered.since = Some(at);
        Some(std::mem::take(&mut gathered.tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_gathered_for_a_minute() {
        let (uses, token) = (Uses::default(), |n| TokenId(uuid::Uuid::from_u128(n)));
        assert!(uses.note(token(1), Timestamp(0)).is_some());
        assert_eq!(uses.note(token(1), Timestamp(1)), None);
        assert_eq!(uses.note(token(2), Timestamp(59_999)), None);
        let batch = uses.note(token(1), Timestamp(60_000)).unwrap();
        assert_eq!(batch, [(token(1), Timestamp(60_000)), (token(2), Timestamp(59_999))].into());
    }
}
