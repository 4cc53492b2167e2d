//! From an error to a finding and a mend of the draft.

use serde::de::Unexpected;
use weir_domain::{Finding, Place, did_you_mean};

use super::draft::{Draft, Shape};
use super::error::{Cause, Error, name_found};
use crate::document::Kind;
use crate::path::{self, Step};
use crate::secret;

/// An error in a buffered value is looked for in at most so many places.
const TRIALS_MAX: usize = 32;

pub(super) struct Report<'p> {
    kind: Kind,
    /// Where the node that is read stands in its document.
    base: Vec<Step>,
    /// What is still wrong with a draft.
    probe: &'p dyn Fn(&Draft<'_>) -> Option<Error>,
    pub findings: Vec<Finding>,
    /// Keys that an unknown key was probably meant to be: their absence is the same slip.
    meant: Vec<Vec<Step>>,
}

/// The finding about a key that should be there.
pub(super) fn missing(kind: Kind, place: Place, path: &str) -> Finding {
    let key = path::parse(path).pop().map(|it| path::format(&[it])).unwrap_or_default();
    let cause = format!("the required key \"{key}\" is missing");
    Finding::error(kind.code(3), place, path, cause).with_fix(format!("add \"{key}\" here"))
}

impl<'p> Report<'p> {
    pub(super) fn new(
        kind: Kind,
        base: Vec<Step>,
        probe: &'p dyn Fn(&Draft<'_>) -> Option<Error>,
    ) -> Self {
        Self { kind, base, probe, findings: Vec::new(), meant: Vec::new() }
    }

    /// In the order of the text, file by file.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.findings.sort_by(|a, b| (&a.place, &a.path).cmp(&(&b.place, &b.path)));
        self.findings
    }

    /// Reports what `error` says, unless a mend caused it, and mends the draft there.
    pub(super) fn mend(&mut self, draft: &mut Draft<'_>, error: &Error) {
        let steps = error.steps();
        let (depth, at) = draft.walk(&steps);
        if at.is_hole() {
            return answer_again(draft, &steps[..depth]);
        }
        match &error.cause {
            Cause::UnknownKey { key, expected } => self.unknown_key(draft, error, key, expected),
            Cause::MissingKey(key) => self.missing_key(draft, error, key),
            Cause::UnknownVariant { name, expected } => {
                self.unknown_variant(draft, error, name, expected);
            }
            Cause::Mismatch { expected, found } => self.mismatch(draft, error, expected, found),
            Cause::Other(message) => self.other(draft, error, message),
        }
    }

    fn unknown_key(
        &mut self,
        draft: &mut Draft<'_>,
        error: &Error,
        key: &str,
        expected: &'static [&'static str],
    ) {
        let wanted = Step::Key(key.to_owned());
        let found = self.find(draft, error, &|step, _| step == Some(&wanted), &remove);
        let Some(steps) = found else {
            return self.refuse(
                draft,
                &error.steps(),
                format!("unknown key {key:?}"),
                String::new(),
            );
        };
        let container = &steps[..steps.len() - 1];
        let Some(at) = draft.at_mut(container) else { return };
        let Some(entry) = at.get(key) else { return };
        if entry.is_hole() {
            return give_up(draft, container);
        }
        let place = entry.node.map(|it| it.best_place().clone()).unwrap_or_default();
        let free = expected.iter().copied().filter(|it| at.get(it).is_none());
        let nearest = did_you_mean(key, free).or_else(|| did_you_mean(key, expected.to_vec()));
        let fix = match (nearest, expected) {
            (Some(nearest), _) => format!("did you mean \"{nearest}\"?"),
            (None, []) => "remove it: no key is allowed here".to_owned(),
            (None, all) => format!("remove it, or use one of {}", all.join(", ")),
        };
        self.meant.extend(nearest.map(|it| below(container, it)));
        remove(draft, &steps);
        self.add(1, place, &steps, format!("unknown key {key:?}"), fix);
    }

    fn missing_key(&mut self, draft: &mut Draft<'_>, error: &Error, key: &'static str) {
        let lacks = |_: Option<&Step>, it: &Draft<'_>| {
            matches!(it.shape, Shape::Mapping(_)) && it.get(key).is_none()
        };
        let insert = |draft: &mut Draft<'_>, steps: &[Step]| {
            if let Some(Shape::Mapping(entries)) = draft.at_mut(steps).map(|it| &mut it.shape) {
                entries.push((key, Draft::hole()));
            }
        };
        let Some(steps) = self.find(draft, error, &lacks, &insert) else {
            let cause = format!("the required key {key:?} is missing here or below");
            return self.refuse(draft, &error.steps(), cause, String::new());
        };
        let (_, at) = draft.walk(&steps);
        if at.get(key).is_some() {
            return give_up(draft, &steps);
        }
        let place = at.node.map(|it| it.best_place().clone()).unwrap_or_default();
        insert(draft, &steps);
        let path = below(&steps, key);
        if !self.meant.contains(&path) {
            self.findings.push(missing(self.kind, place, &self.full(&path)));
        }
    }

    fn unknown_variant(
        &mut self,
        draft: &mut Draft<'_>,
        error: &Error,
        name: &str,
        expected: &'static [&'static str],
    ) {
        let key = Step::Key(name.to_owned());
        let text = name_found(Unexpected::Str(name));
        let is_name = |step: Option<&Step>, it: &Draft<'_>| {
            step == Some(&key) || (!it.is_container() && it.found() == text)
        };
        let found = self.find(draft, error, &is_name, &give_up);
        let steps = found.unwrap_or_else(|| error.steps());
        let (_, at) = draft.walk(&steps);
        if at.is_hole() {
            // Which variant was meant decides about all that is around it.
            return give_up(draft, &steps[..steps.len().saturating_sub(1)]);
        }
        if at.has_hole() {
            return answer_again(draft, &steps);
        }
        let as_key = steps.last() == Some(&key);
        let place = at.node.map(|it| if as_key { it.best_place() } else { &it.place });
        let fix = match did_you_mean(name, expected.iter().copied()) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => format!("use one of {}", expected.join(", ")),
        };
        let place = place.cloned().unwrap_or_default();
        self.add(2, place, &steps, format!("{name:?} is not allowed here"), fix);
        // Below a name that means nothing, nothing means anything.
        give_up(draft, &steps[..steps.len() - usize::from(as_key)]);
    }

    fn mismatch(&mut self, draft: &mut Draft<'_>, error: &Error, expected: &str, found: &str) {
        let fits = |_: Option<&Step>, it: &Draft<'_>| it.found() == found;
        let steps = self.find(draft, error, &fits, &give_up).unwrap_or_else(|| error.steps());
        let fix = match (self.kind, expected, found.strip_prefix("the number ")) {
            (Kind::Yaml, "a text", Some(number)) => format!("put it in quotes: \"{number}\""),
            _ => String::new(),
        };
        self.refuse(draft, &steps, format!("expected {expected}, found {found}"), fix);
    }

    /// A type's own message.
    fn other(&mut self, draft: &mut Draft<'_>, error: &Error, message: &str) {
        let shown = |_: Option<&Step>, it: &Draft<'_>| it.is_shown_in(message);
        let steps = self.find(draft, error, &shown, &give_up).unwrap_or_else(|| error.steps());
        self.refuse(draft, &steps, message.to_owned(), String::new());
    }

    /// Reports the value at `steps`, unless it holds something that was reported before.
    fn refuse(&mut self, draft: &mut Draft<'_>, steps: &[Step], cause: String, fix: String) {
        let (_, at) = draft.walk(steps);
        if at.has_hole() {
            return answer_again(draft, steps);
        }
        let place = at.node.map(|it| it.place.clone()).unwrap_or_default();
        if self.is_secret(steps) {
            let cause = "the value does not fit; it is not shown, as it may be a secret".to_owned();
            self.add(2, place, steps, cause, String::new());
        } else {
            self.add(2, place, steps, cause, fix);
        }
        give_up(draft, steps);
    }

    /// The path of the node that the error is about: at the error's path or, if the error came out of
    /// a buffer, the place below where `mend` makes it go away.
    fn find<'a>(
        &self,
        draft: &Draft<'a>,
        error: &Error,
        fits: &impl Fn(Option<&Step>, &Draft<'a>) -> bool,
        mend: &impl Fn(&mut Draft<'a>, &[Step]),
    ) -> Option<Vec<Step>> {
        let base = error.steps();
        let (_, at) = draft.walk(&base);
        if error.exact || !at.is_container() {
            return Some(base);
        }
        let found = at.all(fits).into_iter().map(|inner| [base.as_slice(), &inner].concat());
        let mut candidates: Vec<_> = found.take(TRIALS_MAX).collect();
        if candidates.len() == 1 {
            return candidates.pop();
        }
        candidates.into_iter().find(|candidate| {
            let mut trial = draft.clone();
            match trial.at_mut(candidate) {
                Some(hole) if hole.is_hole() => _ = hole.next_answers(),
                _ => mend(&mut trial, candidate),
            }
            let after = (self.probe)(&trial);
            after.is_none_or(|it| it.to_string() != error.to_string() || it.steps() != base)
        })
    }

    fn add(&mut self, n: u32, place: Place, steps: &[Step], cause: String, fix: String) {
        let finding = Finding::error(self.kind.code(n), place, self.full(steps), cause);
        self.findings.push(finding.with_fix(fix));
    }

    fn is_secret(&self, steps: &[Step]) -> bool {
        let mut steps = self.base.iter().chain(steps);
        steps.any(|it| matches!(it, Step::Key(key) if secret::is_secret(key)))
    }

    fn full(&self, steps: &[Step]) -> String {
        path::format(&[&self.base, steps].concat())
    }
}

/// A hole's answer did not fit: it gives another one, until there is none left.
fn answer_again(draft: &mut Draft<'_>, steps: &[Step]) {
    let Some(at) = draft.at_mut(steps) else { return };
    if at.next_answers() {
        return;
    }
    match at.shape {
        Shape::Hole(_) if !steps.is_empty() => at.shape = Shape::Gone,
        Shape::Gone => give_up(draft, &steps[..steps.len().saturating_sub(1)]),
        _ => give_up(draft, steps),
    }
}

fn give_up(draft: &mut Draft<'_>, steps: &[Step]) {
    if let Some(at) = draft.at_mut(steps) {
        at.shape = Shape::Hole(0);
    }
}

fn remove(draft: &mut Draft<'_>, steps: &[Step]) {
    let Some((Step::Key(key), container)) = steps.split_last() else { return };
    if let Some(Shape::Mapping(entries)) = draft.at_mut(container).map(|it| &mut it.shape) {
        entries.retain(|it| it.0 != key);
    }
}

fn below(container: &[Step], key: &str) -> Vec<Step> {
    let mut steps = container.to_vec();
    steps.push(Step::Key(key.to_owned()));
    steps
}
