//! Texts that callers have read, so that what they send back can be compared with what they began with.
//! The oldest are forgotten: a conflict has no base then.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use weir_domain::Digest;

const BYTES_MAX: usize = 32 << 20;

#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Texts>);

#[derive(Debug, Default)]
struct Texts {
    by_digest: HashMap<Digest, Arc<str>>,
    /// In the order in which they came.
    order: VecDeque<Digest>,
    bytes: usize,
}

impl Seen {
    pub(crate) fn keep(&self, digest: Digest, text: &str) {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.by_digest.contains_key(&digest) {
            return;
        }
        texts.by_digest.insert(digest, text.into());
        texts.order.push_back(digest);
        texts.bytes += text.len();
        while texts.bytes > BYTES_MAX {
            let Some(oldest) = texts.order.pop_front() else { return };
            let forgotten = texts.by_digest.remove(&oldest);
            texts.bytes -= forgotten.map_or(0, |it| it.len());
        }
    }

    pub(crate) fn text(&self, digest: Digest) -> Option<String> {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.by_digest.get(&digest).map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let seen = Seen::default();
        let texts: Vec<_> = (0..9).map(|it| it.to_string().repeat(4 << 20)).collect();
        let digests: Vec<_> = texts.iter().map(|it| Digest::of(it.as_bytes())).collect();
        for (digest, text) in digests.iter().zip(&texts) {
            seen.keep(*digest, text);
        }
        assert_eq!(seen.text(digests[0]), None);
        assert_eq!(seen.text(digests[8]).as_ref(), Some(&texts[8]));
        assert!(seen.0.lock().unwrap().bytes <= BYTES_MAX);
    }
}
