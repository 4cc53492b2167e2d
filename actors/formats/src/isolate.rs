//! Finding the bad records of a run that could not be decoded as a whole, by halving it.
//!
//! It relies on one thing: whether a record can be decoded does not depend on its neighbours.

use std::ops::Range;

/// Longest reason that is kept, in bytes: a decoder may quote the whole record.
const REASON_MAX: usize = 400;

/// Where one record stands in the window, without its terminator.
pub(crate) type Span = Range<usize>;

/// Why a run of records was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This record is bad.
    At(usize, String),
    /// One or more of them are bad.
    Within(String),
}

impl Refusal {
    /// The same of a run that stands behind `before` others.
    pub(crate) fn behind(self, before: usize) -> Self {
        match self {
            Self::At(at, cause) => Self::At(before + at, cause),
            Self::Within(cause) => Self::Within(cause),
        }
    }
}

/// Which records of a run are good, in order, and which are bad and why, in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) good: Vec<usize>,
    pub(crate) bad: Vec<(usize, String)>,
}

/// Judges `count` records with a decoder that takes a run of them or refuses it. It begins with
/// the halves: that something is wrong with the whole is why it was called.
pub(crate) fn isolate(
    count: usize,
    mut decode: impl FnMut(Range<usize>) -> Result<(), Refusal>,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut open = vec![count / 2..count, 0..count / 2];
    while let Some(run) = open.pop() {
        if run.is_empty() {
            continue;
        }
        // The later half is pushed first: good records come out in order.
        match decode(run.clone()) {
            Ok(()) => verdict.good.extend(run),
            Err(Refusal::At(at, reason)) => {
                verdict.bad.push((at, shortened(&reason)));
                open.push(at + 1..run.end);
                open.push(run.start..at);
            }
            Err(Refusal::Within(reason)) if run.len() == 1 => {
                verdict.bad.push((run.start, shortened(&reason)));
            }
            Err(Refusal::Within(_)) => {
                let middle = run.start + run.len() / 2;
                open.push(middle..run.end);
                open.push(run.start..middle);
            }
        }
    }
    verdict.bad.sort_by_key(|(at, _)| *at);
    verdict
}

/// A reason that is fit for a log line.
pub(crate) fn shortened(reason: &str) -> String {
    if reason.len() <= REASON_MAX {
        return reason.to_owned();
    }
    let cut = (0..=REASON_MAX).rev().find(|it| reason.is_char_boundary(*it)).unwrap_or(0);
    format!("{}…", &reason[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bad: &[usize], told: bool) {
        let verdict = isolate(13, |run| match run.clone().find(|it| bad.contains(it)) {
            Some(at) if told => Err(Refusal::At(at, format!("bad {at}"))),
            Some(_) if run.len() > 1 => Err(Refusal::Within("one of them".into())),
            Some(at) => Err(Refusal::Within(format!("bad {at}"))),
            None => Ok(()),
        });
        let good = (0..13).filter(|it| !bad.contains(it)).collect();
        let bad = bad.iter().map(|it| (*it, format!("bad {it}"))).collect();
        assert_eq!(verdict, Verdict { good, bad });
    }

    #[test]
    fn every_record_is_judged_once_and_in_order() {
        let all: Vec<_> = (0..13).collect();
        for bad in [&[][..], &[0], &[12], &[5, 6, 7], &[0, 12], &all] {
            check(bad, false);
            check(bad, true);
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        let cut = shortened(&"ä".repeat(300));
        assert_eq!(cut.chars().count(), 201);
    }
}
