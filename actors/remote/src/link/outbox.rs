//! What waits to be sent to one peer: two bounded lanes, spent against the peer's credit.
//!
//! Control goes before data, small items share a frame, large ones are cut to pieces. An item that
//! nobody waits for any more is dropped instead of sent. Nothing here sends or reads a clock.

use std::collections::VecDeque;
use std::time::Duration;

use crate::error::SendError;
use crate::hello::LinkId;
use crate::wire::{self, Blob, Fare, Item, Piece};
use crate::{Lane, MessageSettings};

/// What may wait in the control lane: it is for small things.
const CONTROL_LENGTH: usize = 1_000;
const CONTROL_BYTES: usize = 1 << 20;
/// How many times more answers than messages may wait: their askers wait for them.
const ANSWERS: usize = 4;

#[derive(Debug)]
pub(crate) struct Outbox {
    link: LinkId,
    chunk: usize,
    size_max: usize,
    number: u64,
    free: VecDeque<Vec<u8>>,
    control: Queue,
    data: Queue,
    /// Answers need no credit. They are taken by those who wait for them, so they do not pile up at
    /// the peer; and if they shared that of the asks, two nodes that ask each other for more
    /// than they can handle would both wait for credit that only an answer gives back.
    answers: Queue,
}

#[derive(Debug)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    length_max: usize,
    bytes_max: usize,
    fare: Fare,
    /// What the peer lets us send. Below zero after an item that was larger than the rest of it.
    credit: i64,
    /// How much of the first entry has been sent in pieces.
    sent: usize,
}

#[derive(Debug)]
struct Entry {
    bytes: Vec<u8>,
    expires: Option<Duration>,
}

/// A frame, and how many items were dropped on the way to it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Next {
    pub frame: Option<Vec<u8>>,
    pub expired: usize,
}

impl Outbox {
    pub(crate) fn new(link: LinkId, settings: &MessageSettings) -> Self {
        let queue = |fare, length_max, bytes_max| Queue {
            entries: VecDeque::new(),
            bytes: 0,
            length_max,
            bytes_max,
            fare,
            credit: i64::try_from(settings.window).unwrap_or(i64::MAX),
            sent: 0,
        };
        Self {
            link,
            chunk: settings.chunk,
            size_max: settings.size_max,
            number: 0,
            free: VecDeque::new(),
            control: queue(Fare::Lane(Lane::Control), CONTROL_LENGTH, CONTROL_BYTES),
            data: queue(Fare::Lane(Lane::Data), settings.queue_length, settings.queue_bytes),
            answers: queue(
                Fare::Free,
                settings.queue_length.saturating_mul(ANSWERS),
                settings.queue_bytes.saturating_mul(ANSWERS),
            ),
        }
    }

    /// Takes a message at once or not at all. `expires` counts from the start of the link.
    pub(crate) fn offer(
        &mut self,
        lane: Lane,
        bytes: Vec<u8>,
        expires: Option<Duration>,
    ) -> Result<(), SendError> {
        let size_max = self.size_max;
        self.lane(lane).take(bytes, expires, size_max)
    }

    /// Takes an answer.
    pub(crate) fn answer(&mut self, bytes: Vec<u8>) -> Result<(), SendError> {
        self.answers.take(bytes, None, self.size_max)
    }

    /// Takes an item of the link itself.
    pub(crate) fn free(&mut self, item: &Item<'_>) {
        self.free.push_back(wire::encode(item));
    }

    pub(crate) fn grant(&mut self, lane: Lane, bytes: u64) {
        let queue = self.lane(lane);
        queue.credit = queue.credit.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.control.bytes + self.data.bytes + self.answers.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.control.entries.len() + self.data.entries.len() + self.answers.entries.len()
    }

    pub(crate) fn clear(&mut self) {
        self.free.clear();
        for queue in [&mut self.control, &mut self.data, &mut self.answers] {
            queue.entries.clear();
            queue.bytes = 0;
        }
    }

    /// The next frame, as far as there is something to send and credit to send it on.
    pub(crate) fn next(&mut self, now: Duration) -> Next {
        let mut frame = wire::begin_frame(self.link, self.number, 1_024);
        let head = frame.len();
        while let Some(item) = self.free.pop_front() {
            wire::put_item(&mut frame, Fare::Free, &item);
        }
        let mut expired = 0;
        let chunk = self.chunk;
        // Answers and data take turns to be first, so that neither holds up the other.
        let (second, third) = match self.number.is_multiple_of(2) {
            true => (&mut self.answers, &mut self.data),
            false => (&mut self.data, &mut self.answers),
        };
        for queue in [&mut self.control, second, third] {
            while frame.len() - head < chunk && queue.fill(&mut frame, chunk, now, &mut expired) {}
        }
        if frame.len() == head {
            return Next { frame: None, expired };
        }
        self.number += 1;
        Next { frame: Some(frame), expired }
    }

    fn lane(&mut self, lane: Lane) -> &mut Queue {
        match lane {
            Lane::Control => &mut self.control,
            Lane::Data => &mut self.data,
        }
    }
}

impl Queue {
    fn take(
        &mut self,
        bytes: Vec<u8>,
        expires: Option<Duration>,
        size_max: usize,
    ) -> Result<(), SendError> {
        if bytes.len() > size_max {
            return Err(SendError::TooLarge { bytes: bytes.len(), max: size_max });
        }
        // A large message is let in when nothing else waits, though it is beyond the bound.
        let fits = self.entries.len() < self.length_max
            && self.bytes.saturating_add(bytes.len()) <= self.bytes_max;
        if !fits && !self.entries.is_empty() {
            return Err(SendError::Busy);
        }
        self.bytes += bytes.len();
        self.entries.push_back(Entry { bytes, expires });
        Ok(())
    }

    /// Puts one more item into the frame, if there is one and there is credit.
    fn fill(
        &mut self,
        frame: &mut Vec<u8>,
        chunk: usize,
        now: Duration,
        expired: &mut usize,
    ) -> bool {
        if self.sent == 0 {
            *expired += self.drop_expired(now);
        }
        if self.fare != Fare::Free && self.credit <= 0 {
            return false;
        }
        let Some(entry) = self.entries.front() else { return false };
        if entry.bytes.len() <= chunk {
            wire::put_item(frame, self.fare, &entry.bytes);
            self.spend(entry.bytes.len());
            self.shift();
            return true;
        }
        let end = entry.bytes.len().min(self.sent + chunk);
        let piece = wire::encode(&Item::Piece(Piece {
            at: self.sent as u64,
            total: entry.bytes.len() as u64,
            bytes: Blob(&entry.bytes[self.sent..end]),
        }));
        wire::put_item(frame, self.fare, &piece);
        let is_last = end == entry.bytes.len();
        self.spend(piece.len());
        self.sent = end;
        if is_last {
            self.shift();
        }
        true
    }

    fn spend(&mut self, bytes: usize) {
        if self.fare != Fare::Free {
            self.credit -= i64::try_from(bytes).unwrap_or(i64::MAX);
        }
    }

    fn shift(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.bytes.len();
        }
        self.sent = 0;
        // A burst should not hold its memory for ever.
        if self.entries.is_empty() && self.entries.capacity() > 1_024 {
            self.entries.shrink_to(64);
        }
    }

    fn drop_expired(&mut self, now: Duration) -> usize {
        let mut dropped = 0;
        while self.entries.front().is_some_and(|it| it.expires.is_some_and(|at| at <= now)) {
            self.shift();
            dropped += 1;
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn control_goes_before_data_and_each_lane_keeps_its_order() {
        let mut outbox = outbox(100);
        for (lane, byte) in
            [(Lane::Data, 1), (Lane::Control, 2), (Lane::Data, 3), (Lane::Control, 4)]
        {
            outbox.offer(lane, vec![byte], None).unwrap();
        }
        let frame = outbox.next(NOW).frame.unwrap();
        assert_eq!(items(&frame), [vec![2], vec![4], vec![1], vec![3]]);
        assert_eq!((outbox.bytes(), outbox.next(NOW)), (0, Next::default()));
    }

    #[test]
    fn without_credit_a_lane_stands_still_and_the_other_goes_on() {
        let mut outbox = outbox(10);
        for _ in 0..3 {
            outbox.offer(Lane::Data, vec![1; 8], None).unwrap();
        }
        assert_eq!(items(&outbox.next(NOW).frame.unwrap()).len(), 2);
        assert_eq!(outbox.next(NOW).frame, None);
        outbox.offer(Lane::Control, vec![2], None).unwrap();
        outbox.free(&Item::Ping { micros: 1 });
        assert_eq!(items(&outbox.next(NOW).frame.unwrap()).len(), 2);
        outbox.grant(Lane::Data, 16);
        assert_eq!(items(&outbox.next(NOW).frame.unwrap()), [vec![1; 8]]);
    }

    #[test]
    fn answers_need_no_credit_and_take_turns_with_data() {
        let mut outbox = outbox(10);
        for _ in 0..2 {
            outbox.offer(Lane::Data, vec![1; 8], None).unwrap();
        }
        outbox.next(NOW);
        outbox.offer(Lane::Data, vec![1; 8], None).unwrap();
        outbox.answer(vec![2; 8]).unwrap();
        assert_eq!(items(&outbox.next(NOW).frame.unwrap()), [vec![2; 8]]);
        assert_eq!(outbox.next(NOW).frame, None);
        outbox.grant(Lane::Data, 100);
        for byte in [3, 4] {
            outbox.answer(vec![byte; 64]).unwrap();
        }
        let first = |outbox: &mut Outbox| items(&outbox.next(NOW).frame.unwrap())[0][0];
        assert_eq!([first(&mut outbox), first(&mut outbox)], [3, 1]);
    }

    #[test]
    fn a_full_lane_is_busy_at_once_and_what_is_too_large_never_gets_in() {
        let mut outbox = outbox(0);
        outbox.offer(Lane::Data, vec![0; 90], None).unwrap();
        outbox.offer(Lane::Data, vec![0; 20], None).unwrap_err();
        outbox.offer(Lane::Data, vec![0; 10], None).unwrap();
        assert_eq!(outbox.offer(Lane::Data, vec![0], None), Err(SendError::Busy));
        assert_eq!(outbox.answer(vec![0]), Ok(()));
        let too_large = SendError::TooLarge { bytes: 1_001, max: 1_000 };
        assert_eq!(outbox.offer(Lane::Control, vec![0; 1_001], None), Err(too_large));
        for _ in 0..CONTROL_LENGTH {
            outbox.offer(Lane::Control, vec![0], None).unwrap();
        }
        assert_eq!(outbox.offer(Lane::Control, vec![0], None), Err(SendError::Busy));
    }

    #[test]
    fn a_large_item_is_cut_to_pieces_that_other_lanes_may_overtake() {
        let mut outbox = outbox(10_000);
        let large: Vec<u8> = (0..=255).cycle().take(900).collect();
        outbox.offer(Lane::Data, large.clone(), None).unwrap();
        let mut pieces = pieces(&outbox.next(NOW).frame.unwrap());
        outbox.offer(Lane::Control, vec![5], None).unwrap();
        let second = outbox.next(NOW).frame.unwrap();
        assert_eq!(items(&second)[0], [5]);
        while let Some(frame) = outbox.next(NOW).frame {
            pieces.extend(self::pieces(&frame));
        }
        let at: Vec<_> = pieces.iter().map(|it| it.0).collect();
        assert!(at.starts_with(&[0]) && at.is_sorted(), "{at:?}");
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_sent() {
        let mut outbox = outbox(100);
        outbox.offer(Lane::Data, vec![1], Some(Duration::from_secs(1))).unwrap();
        outbox.offer(Lane::Data, vec![2], Some(Duration::from_secs(3))).unwrap();
        let next = outbox.next(Duration::from_secs(2));
        assert_eq!((items(&next.frame.unwrap()), next.expired), (vec![vec![2]], 1));
    }

    #[test]
    fn frames_are_numbered_without_gaps_though_some_calls_give_none() {
        let mut outbox = outbox(100);
        for wanted in 0..3 {
            assert_eq!(outbox.next(NOW).frame, None);
            outbox.offer(Lane::Data, vec![1], None).unwrap();
            let frame = outbox.next(NOW).frame.unwrap();
            assert_eq!(wire::open_frame(&frame).unwrap().0, wanted);
        }
    }

    fn outbox(window: usize) -> Outbox {
        let settings = MessageSettings {
            size_max: 1_000,
            chunk: 64,
            queue_bytes: 100,
            queue_length: 10,
            window,
        };
        Outbox::new(LinkId([0; 16]), &settings)
    }

    fn items(frame: &[u8]) -> Vec<Vec<u8>> {
        wire::open_frame(frame).unwrap().1.map(|it| it.unwrap().1.to_vec()).collect()
    }

    fn pieces(frame: &[u8]) -> Vec<(u64, usize)> {
        let piece = |item: Vec<u8>| match wire::decode(&item) {
            Ok(Item::Piece(piece)) => Some((piece.at, piece.bytes.0.len())),
            _ => None,
        };
        items(frame).into_iter().filter_map(piece).collect()
    }
}
