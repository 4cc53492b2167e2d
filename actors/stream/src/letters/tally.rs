//! How many letters are kept, by stage and by what their reasons have in common.
//!
//! What a stream left never changes, so a short note of it is remembered by each engine that is asked: which letters are
//! of which group. Where each stands the book says, every time anew.
//!
//! Invariants:
//! - N1: what is remembered is of letters that are kept; it goes when they go, or when nobody has asked for so long that
//!   the workflow is the first to make room for another one.
//! - N2: one question reads a bounded amount. What it leaves is read by the next, and the answer says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use serde::Deserialize;
use weir_domain::{
    Fault, LetterChoice, LetterCounts, LetterGroup, LetterId, LetterState, StageId, Timestamp,
    WorkflowName,
};

use super::shelves::{Letters, READ_BYTES_LEAST};

/// What one question reads, a small blob counted as more than it is: twice what is kept of a workflow.
const READ_BYTES_MAX: usize = 128 << 20;
/// Groups of one answer: the largest.
const GROUPS_MAX: usize = 200;
/// Characters of what reasons have in common.
const PATTERN_MAX: usize = 300;
/// Workflows that are remembered.
const WORKFLOWS_MAX: usize = 64;

/// What stands in the place of a value.
const GAP: char = '…';

/// What one engine remembers. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct LetterTallies(Arc<Mutex<Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    /// With the number of the question that was the last.
    by_workflow: BTreeMap<WorkflowName, (u64, Known)>,
    questions: u64,
}

/// By what left them.
type Known = BTreeMap<String, Arc<Tally>>;

/// What one stream has left, or one epoch of a live one.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    at: Timestamp,
    /// The numbers of the letters.
    groups: BTreeMap<(StageId, String), Vec<u32>>,
}

impl LetterTallies {
    fn all(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn known(&mut self, workflow: &WorkflowName) -> Known {
        self.questions += 1;
        let Some((asked, known)) = self.by_workflow.get_mut(workflow) else { return Known::new() };
        *asked = self.questions;
        known.clone()
    }

    fn add(&mut self, workflow: &WorkflowName, left: &str, tally: &Arc<Tally>) {
        if !self.by_workflow.contains_key(workflow) {
            self.make_room();
        }
        let (_, known) =
            self.by_workflow.entry(workflow.clone()).or_insert((self.questions, Known::new()));
        known.insert(left.to_owned(), tally.clone());
    }

    /// The one goes that nobody has asked for the longest.
    fn make_room(&mut self) {
        while self.by_workflow.len() >= WORKFLOWS_MAX {
            let oldest = self.by_workflow.iter().min_by_key(|it| it.1.0);
            let Some(oldest) = oldest.map(|it| it.0.clone()) else { return };
            self.by_workflow.remove(&oldest);
        }
    }

    /// Forgets what is not kept any more.
    fn retain(&mut self, workflow: &WorkflowName, kept: &Known) {
        if let Some((_, known)) = self.by_workflow.get_mut(workflow) {
            known.retain(|left, _| kept.contains_key(left));
        }
    }
}

impl Letters {
    /// How many letters are kept, by stage and reason, the most first.
    pub async fn counts(
        &self,
        workflow: &WorkflowName,
        tallies: &LetterTallies,
    ) -> Result<LetterCounts, Fault> {
        let book = self.book().await?;
        let mut names = self.left(&LetterChoice::default()).await?;
        let remembered = tallies.all().known(workflow);
        let mut known: Known =
            names.iter().filter_map(|it| remembered.get_key_value(it)).map(cloned).collect();
        names.retain(|it| !known.contains_key(it));
        names.reverse();
        let (mut bytes, mut unread) = (0, names.len());
        let mut all = self.contents(names);
        while bytes <= READ_BYTES_MAX
            && let Some((left, content)) = all.next().await.transpose()?
        {
            bytes += content.len().max(READ_BYTES_LEAST);
            unread -= 1;
            let tally = Arc::new(Tally::of(&content));
            // At once: who gives up waiting has the next question begin where this one ended.
            tallies.all().add(workflow, &left, &tally);
            known.insert(left, tally);
        }
        // What has gone meanwhile was not read, either.
        let has_more = bytes > READ_BYTES_MAX && unread > 0;
        tallies.all().retain(workflow, &known);
        Ok(counted(&known, |id| book.state_of(id).0, has_more))
    }
}

fn cloned((left, tally): (&String, &Arc<Tally>)) -> (String, Arc<Tally>) {
    (left.clone(), tally.clone())
}

impl Tally {
    /// What can't be read is no letter, here as in lists.
    fn of(content: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Head {
            at: Timestamp,
        }
        #[derive(Deserialize)]
        struct Line {
            stage: StageId,
            #[serde(default)]
            reason: String,
        }
        let mut lines = content.split(|it| *it == b'\n').filter(|it| !it.is_empty());
        let head = serde_json::from_slice::<Head>(lines.next().unwrap_or_default());
        let lines: Result<Vec<Line>, _> = lines.map(serde_json::from_slice).collect();
        let (at, lines) = match (head, lines) {
            (Ok(head), Ok(lines)) => (head.at, lines),
            _ => (Timestamp(0), Vec::new()),
        };
        let mut groups: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for (it, number) in lines.into_iter().zip(1..) {
            groups.entry((it.stage, pattern(&it.reason))).or_default().push(number);
        }
        Self { at, groups }
    }
}

fn counted(
    known: &Known,
    state_of: impl Fn(&LetterId) -> LetterState,
    has_more: bool,
) -> LetterCounts {
    let mut groups: BTreeMap<&(StageId, String), LetterGroup> = BTreeMap::new();
    for (left, tally) in known {
        for (key, numbers) in &tally.groups {
            let (stage, reason) = key;
            let group = groups.entry(key).or_insert_with(|| LetterGroup {
                stage: stage.clone(),
                reason: reason.clone(),
                needle: needle(reason),
                count: 0,
                waiting: 0,
                newest_at: tally.at,
            });
            let mut id = LetterId { left: left.clone(), number: 0 };
            for number in numbers {
                id.number = *number;
                group.waiting += u64::from(state_of(&id) == LetterState::Waiting);
            }
            group.count += numbers.len() as u64;
            group.newest_at = group.newest_at.max(tally.at);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    let (total, waiting) =
        groups.iter().fold((0, 0), |(all, waiting), it| (all + it.count, waiting + it.waiting));
    // Those of one count stay in the order of stage and reason.
    groups.sort_by_key(|it| std::cmp::Reverse(it.count));
    let left_out = groups.len().saturating_sub(GROUPS_MAX) as u64;
    groups.truncate(GROUPS_MAX);
    LetterCounts { groups, total, waiting, left_out, has_more }
}

/// A reason without numbers and quoted values, which are of one record: what letters have in common.
fn pattern(reason: &str) -> String {
    let mut found = String::new();
    let mut rest = reason;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let value = match first {
            '"' | '\'' | '`' => rest[1..].find(first).map(|at| at + 2),
            '0'..='9' if !before.is_some_and(is_word) => number(rest),
            _ => None,
        };
        let length = value.unwrap_or(first.len_utf8());
        match value {
            Some(_) => gap(&mut found),
            None => found.push(first),
        }
        before = rest[..length].chars().next_back();
        rest = &rest[length..];
    }
    found.trim().chars().take(PATTERN_MAX).collect()
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// How long the number is that the text begins with; `None`: it is a word.
fn number(text: &str) -> Option<usize> {
    let digits = |it: &str| it.len() - it.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    let whole = digits(text);
    let fraction = text[whole..].strip_prefix('.').map_or(0, digits);
    let length = if fraction > 0 { whole + 1 + fraction } else { whole };
    (!text[length..].starts_with(is_word)).then_some(length)
}

/// Several values in a row are one gap.
fn gap(found: &mut String) {
    let kept = found.trim_end_matches([' ', ',']);
    if kept.ends_with(GAP) {
        found.truncate(kept.len());
    } else {
        found.push(GAP);
    }
}

/// The longest text that all reasons of a pattern have, to find them by.
fn needle(pattern: &str) -> String {
    let parts = pattern.split(GAP).map(str::trim);
    parts.fold("", |best, it| if it.len() > best.len() { it } else { best }).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_without_what_is_of_one_record() {
        for (reason, expected, found_by) in [
            ("no comma", "no comma", "no comma"),
            (
                "field \"delay\" holds \"12b\", which is no number",
                "field … holds …, which is no number",
                ", which is no number",
            ),
            ("line 7: 3 fields, 12.50 wanted", "line …: … fields, … wanted", "fields,"),
            ("'three' is not of type int64", "… is not of type int64", "is not of type int64"),
            ("it's 5", "it's …", "it's"),
            ("1, 2, 3 and \u{e9}9", "… and \u{e9}9", "and \u{e9}9"),
            ("", "", ""),
            ("7", "…", ""),
        ] {
            assert_eq!(pattern(reason), expected, "{reason}");
            assert_eq!(needle(expected), found_by, "{reason}");
            assert!(reason.contains(found_by), "{reason}");
        }
        assert_eq!(pattern(&"\u{e9}".repeat(1_000)).chars().count(), PATTERN_MAX);
    }

    #[test]
    fn letters_are_counted_by_stage_and_reason_the_most_first() {
        let line = |stage: &str, reason: &str| {
            format!("{{\"stage\":\"{stage}\",\"reason\":\"{reason}\",\"raw\":\"x\"}}")
        };
        let content = |at: i64, lines: &[String]| {
            let at = serde_json::to_string(&Timestamp(at)).unwrap();
            format!("{{\"at\":{at}}}\n{}\n", lines.join("\n"))
        };
        let first = content(
            1,
            &[line("read", "line 1 is bad"), line("check", "no"), line("read", "line 2 is bad")],
        );
        let second = content(2, &[line("read", "line 9 is bad")]);
        let known: Known = [("a", first), ("b", second), ("c", "damaged".to_owned())]
            .map(|(left, it)| (left.to_owned(), Arc::new(Tally::of(it.as_bytes()))))
            .into();
        let state = |it: &LetterId| match (it.left.as_str(), it.number) {
            ("a", 1) => LetterState::Discarded,
            _ => LetterState::Waiting,
        };
        let counts = counted(&known, state, false);
        let found: Vec<_> = counts
            .groups
            .iter()
            .map(|it| (it.stage.as_str(), it.reason.as_str(), it.count, it.waiting, it.newest_at.0))
            .collect();
        assert_eq!(found, [("read", "line … is bad", 3, 2, 2), ("check", "no", 1, 1, 1)]);
        assert_eq!(
            (counts.total, counts.waiting, counts.left_out, counts.has_more),
            (4, 3, 0, false)
        );
    }

    #[test]
    fn what_nobody_has_asked_for_the_longest_makes_room() {
        let name = |n: usize| format!("w-{n}").parse::<WorkflowName>().unwrap();
        let tally = Arc::new(Tally { at: Timestamp(1), groups: BTreeMap::new() });
        let mut all = Remembered::default();
        for n in 0..WORKFLOWS_MAX {
            all.known(&name(n));
            all.add(&name(n), "a", &tally);
        }
        assert_eq!(all.known(&name(0)).len(), 1, "it is asked for again");
        all.known(&name(WORKFLOWS_MAX));
        all.add(&name(WORKFLOWS_MAX), "a", &tally);
        all.add(&name(WORKFLOWS_MAX), "b", &tally);
        let is_known = |n| all.by_workflow.contains_key(&name(n));
        assert_eq!([0, 1, 2, WORKFLOWS_MAX].map(is_known), [true, false, true, true]);
        assert_eq!(all.by_workflow.len(), WORKFLOWS_MAX);
    }

    #[test]
    fn the_smallest_groups_are_left_out_and_counted_all_the_same() {
        let stage = |n: usize| StageId::new(format!("s{n}")).unwrap();
        let groups = (0..GROUPS_MAX + 3).map(|n| ((stage(n), "no".to_owned()), vec![1]));
        let tally = Tally { at: Timestamp(1), groups: groups.collect() };
        let known = [("a".to_owned(), Arc::new(tally))].into();
        let counts = counted(&known, |_| LetterState::Waiting, false);
        assert_eq!((counts.groups.len(), counts.left_out), (GROUPS_MAX, 3));
        assert_eq!(counts.total, GROUPS_MAX as u64 + 3);
    }
}
