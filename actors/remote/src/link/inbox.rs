//! What comes from one peer: frames checked for gaps, pieces put together, credit given back.
//!
//! Credit is given back as soon as an item has come, as long as less than a window of messages
//! waits to be handled here. So a peer may have a window under way and a window waiting, and
//! beyond that only what is left of one large message.

use crate::Lane;
use crate::wire::{Fare, Garbled, Piece};

#[derive(Debug)]
pub(crate) struct Inbox {
    size_max: usize,
    next_frame: u64,
    control: Partial,
    data: Partial,
    /// Answers, which belong to no lane.
    answer: Partial,
}

/// A large item of which some pieces have come.
#[derive(Debug, Default)]
struct Partial {
    total: usize,
    bytes: Vec<u8>,
}

/// What a piece led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pieced {
    More,
    Whole(Vec<u8>),
    /// It is larger than this node accepts, and is let pass. Said once, with its size.
    TooLarge(u64),
}

impl Inbox {
    pub(crate) fn new(size_max: usize) -> Self {
        Self {
            size_max,
            next_frame: 0,
            control: Partial::default(),
            data: Partial::default(),
            answer: Partial::default(),
        }
    }

    pub(crate) fn frame(&mut self, number: u64) -> Result<(), Garbled> {
        if number != self.next_frame {
            return Err(Garbled::Gap { wanted: self.next_frame, got: number });
        }
        self.next_frame += 1;
        Ok(())
    }

    pub(crate) fn piece(&mut self, fare: Fare, piece: &Piece<'_>) -> Result<Pieced, Garbled> {
        let size_max = self.size_max as u64;
        if piece.total > size_max {
            return Ok(if piece.at == 0 { Pieced::TooLarge(piece.total) } else { Pieced::More });
        }
        let partial = match fare {
            Fare::Lane(Lane::Control) => &mut self.control,
            Fare::Lane(Lane::Data) => &mut self.data,
            Fare::Free => &mut self.answer,
        };
        let total = usize::try_from(piece.total).map_err(|_| Garbled::Pieces)?;
        if piece.at == 0 && partial.bytes.is_empty() {
            // The buffer grows with what comes: an announcement alone takes no memory.
            partial.total = total;
        }
        let fits = partial.bytes.len() + piece.bytes.0.len() <= total;
        if partial.total != total || partial.bytes.len() as u64 != piece.at || !fits {
            return Err(Garbled::Pieces);
        }
        partial.bytes.extend_from_slice(piece.bytes.0);
        if partial.bytes.len() < total {
            return Ok(Pieced::More);
        }
        Ok(Pieced::Whole(std::mem::take(partial).bytes))
    }
}

/// What is owed to the peer, per lane.
#[derive(Debug, Default)]
pub(crate) struct Debt {
    control: u64,
    data: u64,
}

impl Debt {
    pub(crate) fn owe(&mut self, lane: Lane, bytes: usize) {
        *self.of(lane) += bytes as u64;
    }

    /// What to give back now. Little is kept until it is worth a word.
    pub(crate) fn settle(&mut self, lane: Lane, window: usize) -> Option<u64> {
        let owed = self.of(lane);
        let is_worth_it = *owed >= (window as u64 / 8).max(1);
        is_worth_it.then(|| std::mem::take(owed))
    }

    fn of(&mut self, lane: Lane) -> &mut u64 {
        match lane {
            Lane::Control => &mut self.control,
            Lane::Data => &mut self.data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Blob;

    #[test]
    fn pieces_become_the_item_again_per_lane() {
        let mut inbox = Inbox::new(100);
        let piece = |at, bytes| Piece { at, total: 5, bytes: Blob(bytes) };
        assert_eq!(inbox.piece(Fare::Lane(Lane::Data), &piece(0, b"ab")), Ok(Pieced::More));
        assert_eq!(
            inbox.piece(Fare::Lane(Lane::Control), &piece(0, b"vwxyz")),
            Ok(Pieced::Whole(b"vwxyz".into()))
        );
        assert_eq!(
            inbox.piece(Fare::Lane(Lane::Data), &piece(2, b"cde")),
            Ok(Pieced::Whole(b"abcde".into()))
        );
        assert_eq!(inbox.piece(Fare::Lane(Lane::Data), &piece(0, b"ab")), Ok(Pieced::More));
    }

    #[test]
    fn pieces_that_do_not_fit_are_refused() {
        for (at, total, bytes) in [(1, 5, &b"a"[..]), (0, 1, b"ab"), (3, 5, b"d"), (2, 6, b"c")] {
            let mut inbox = Inbox::new(100);
            if at > 1 {
                let first = Piece { at: 0, total: 5, bytes: Blob(b"ab") };
                inbox.piece(Fare::Lane(Lane::Data), &first).unwrap();
            }
            let piece = Piece { at, total, bytes: Blob(bytes) };
            assert_eq!(
                inbox.piece(Fare::Lane(Lane::Data), &piece),
                Err(Garbled::Pieces),
                "{piece:?}"
            );
        }
    }

    #[test]
    fn an_item_beyond_the_limit_is_let_pass_and_said_once() {
        let mut inbox = Inbox::new(4);
        let piece = |at| Piece { at, total: 5, bytes: Blob(b"abc") };
        assert_eq!(inbox.piece(Fare::Lane(Lane::Data), &piece(0)), Ok(Pieced::TooLarge(5)));
        assert_eq!(inbox.piece(Fare::Lane(Lane::Data), &piece(3)), Ok(Pieced::More));
    }

    #[test]
    fn a_missing_frame_is_noticed() {
        let mut inbox = Inbox::new(4);
        assert_eq!(inbox.frame(0), Ok(()));
        assert_eq!(inbox.frame(2), Err(Garbled::Gap { wanted: 1, got: 2 }));
    }

    #[test]
    fn credit_is_given_back_in_portions_and_never_twice() {
        let mut debt = Debt::default();
        debt.owe(Lane::Data, 7);
        assert_eq!(debt.settle(Lane::Data, 64), None);
        debt.owe(Lane::Data, 3);
        assert_eq!(debt.settle(Lane::Data, 64), Some(10));
        assert_eq!((debt.settle(Lane::Data, 64), debt.settle(Lane::Control, 64)), (None, None));
    }
}
