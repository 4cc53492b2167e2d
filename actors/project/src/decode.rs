//! All findings of a configuration whose type only its kind knows.
//!
//! A kind says of a configuration whether it can be read, and the first reason if it can't. So it
//! is asked again and again: what it refused is reported and mended in a copy, until it accepts.
//! Where serde buffers (an enum told by a tag, an untagged one) the kind knows only the value as a
//! whole; the place is then found by trial: it is the one whose mend makes the reason go away.
//!
//! Invariants: the number of rounds and of trials is bounded; nothing that goes wrong because of
//! a mend is reported.

mod reason;
mod tree;

use std::cell::Cell;

use serde_json::Value;
use weir_domain::{Finding, Misread, did_you_mean};
use weir_stream::ConfigError;

use crate::config::Config;
use crate::path::{self, Step};
use reason::Reason;
use tree::Steps;

const ROUNDS_MAX: usize = 60;
const TRIALS_MAX: usize = 64;
/// A large configuration with many slips is not tried for ever: what is left is found next time.
const QUESTIONS_MAX: usize = 5_000;

/// The codes of reading YAML: an unknown key, a wrong value, a missing key.
const UNKNOWN_KEY: u32 = 2001;
const WRONG_VALUE: u32 = 2002;
const MISSING_KEY: u32 = 2003;

/// Asks a kind whether it can read a configuration.
pub(crate) type Decode<'a> = &'a dyn Fn(&Value) -> Result<(), ConfigError>;

/// What a kind refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Everything that can't be read.
    pub(crate) findings: Vec<Finding>,
    /// A configuration that the kind reads, if one could be made of it.
    pub(crate) mended: Option<Mended>,
}

/// A configuration that is not what somebody wrote, but close to it.
#[derive(Debug)]
pub(crate) struct Mended {
    pub(crate) json: Value,
    /// Where it is not what was written.
    paths: Vec<String>,
}

impl Mended {
    /// Whether what is said about a path is about what was written.
    pub(crate) fn is_written(&self, path: &str) -> bool {
        let is_within = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
        };
        let touches = |it: &String| is_within(path, it) || is_within(it, path);
        !path.is_empty() && !self.paths.iter().any(touches)
    }
}

/// Reads a configuration as its kind does.
pub(crate) fn read(config: &Config, decode: Decode<'_>) -> Result<(), Refused> {
    let mut reader = Reader::of(config, decode);
    if !reader.draft.is_object() {
        let (cause, fix) = Misread::no_mapping(&reader.draft).words();
        let findings = vec![config.finding(WRONG_VALUE, &[], cause).with_fix(fix)];
        return Err(Refused { findings, mended: None });
    }
    let mut is_mended = false;
    for _ in 0..ROUNDS_MAX {
        let Some(reason) = reader.refusal(&reader.draft) else {
            is_mended = true;
            break;
        };
        if !reader.report(&reason) {
            break;
        }
    }
    if reader.findings.is_empty() {
        return Ok(());
    }
    let touched = reader.mended.iter().chain(&reader.meant);
    let paths = touched.map(|it| path::write(it)).collect();
    let mended = is_mended.then_some(Mended { json: reader.draft, paths });
    Err(Refused { findings: reader.findings, mended })
}

struct Reader<'a> {
    config: &'a Config,
    decode: Decode<'a>,
    /// The configuration, with what was reported mended.
    draft: Value,
    mended: Vec<Steps>,
    questions: Cell<usize>,
    /// Keys that an unknown key was probably meant to be: their absence is the same slip.
    meant: Vec<Steps>,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn of(config: &'a Config, decode: Decode<'a>) -> Self {
        let (mended, meant, findings) = (Vec::new(), Vec::new(), Vec::new());
        let (draft, questions) = (config.to_json(), Cell::new(0));
        Self { config, decode, draft, mended, questions, meant, findings }
    }

    fn refusal(&self, draft: &Value) -> Option<Reason> {
        self.questions.set(self.questions.get() + 1);
        (self.decode)(draft).err().map(|error| Reason::of(&error, draft))
    }

    /// Reports a reason and mends the draft. False when it can't be mended: nothing more can be
    /// said.
    fn report(&mut self, reason: &Reason) -> bool {
        match &reason.cause {
            Misread::UnknownKey { key, expected } => self.unknown_key(reason, key, expected),
            Misread::MissingKey(key) => self.missing_key(reason, key),
            Misread::Wrong { .. }
            | Misread::Unknown { .. }
            | Misread::Other(_)
            | Misread::Syntax { .. } => self.wrong_value(reason),
        }
    }

    fn unknown_key(&mut self, reason: &Reason, key: &str, expected: &[String]) -> bool {
        let mut candidates = tree::below(&self.draft, &reason.steps);
        candidates.retain(|it| it.last() == Some(&Step::Key(key.to_owned())));
        let removed = candidates.into_iter().take(TRIALS_MAX).find_map(|steps| {
            let mut trial = self.draft.clone();
            tree::remove(&mut trial, &steps);
            self.is_mended(&trial, reason).then_some((steps, trial))
        });
        let Some((steps, draft)) = removed else { return self.wrong_value(reason) };
        let container = &steps[..steps.len() - 1];
        let is_free = |it: &&str| !tree::has(&self.draft, &tree::child(container, it));
        let names = || expected.iter().map(String::as_str);
        let near = did_you_mean(key, names().filter(is_free));
        let fix = match near.or_else(|| did_you_mean(key, names())) {
            Some(near) => format!("did you mean {near:?}?"),
            None if expected.is_empty() => "remove it: no key is allowed here".to_owned(),
            None => format!("remove it, or use one of {}", expected.join(", ")),
        };
        self.meant.extend(near.map(|it| tree::child(container, it)));
        let finding = self.config.finding(UNKNOWN_KEY, &steps, format!("unknown key {key:?}"));
        let place = self.config.key_place(&steps);
        self.findings.push(Finding { place, ..finding }.with_fix(fix));
        self.draft = draft;
        true
    }

    fn missing_key(&mut self, reason: &Reason, key: &str) -> bool {
        let mut containers = tree::below(&self.draft, &reason.steps);
        containers.retain(|it| tree::is_mapping_without(&self.draft, it, key));
        let put = containers.iter().take(TRIALS_MAX).find_map(|container| {
            let steps = tree::child(container, key);
            let draft = self.filled(&steps, reason)?;
            Some((container.clone(), steps, draft))
        });
        let container = put.as_ref().map_or(&reason.steps, |it| &it.0).clone();
        let steps = tree::child(&container, key);
        if !self.meant.contains(&steps) && !self.is_reported(&steps) {
            let cause = format!("the required key {key:?} is missing");
            let finding = self.config.finding(MISSING_KEY, &steps, cause);
            let place = self.config.key_place(&container);
            let fix = format!("add {key:?} here");
            self.findings.push(Finding { place, ..finding }.with_fix(fix));
        }
        match put {
            Some((_, steps, draft)) => self.keep(steps, draft),
            None => self.give_up(&container, reason),
        }
    }

    fn wrong_value(&mut self, reason: &Reason) -> bool {
        let mut candidates = tree::below(&self.draft, &reason.steps);
        candidates.retain(|it| !self.mended.contains(it));
        let likely = |it: &Steps| tree::at(&self.draft, it).map_or(0, |it| reason.likelihood(it));
        candidates.retain(|it| *it == reason.steps || likely(it) > 0);
        candidates.sort_by_key(|it| std::cmp::Reverse((likely(it), it.len())));
        let filled = candidates.into_iter().take(TRIALS_MAX).find_map(|steps| {
            let draft = self.filled(&steps, reason)?;
            Some((steps, draft))
        });
        let steps = filled.as_ref().map_or(&reason.steps, |it| &it.0).clone();
        if !self.is_reported(&steps) {
            let (cause, fix) = reason.cause.words();
            self.findings.push(self.config.finding(WRONG_VALUE, &steps, cause).with_fix(fix));
        }
        match filled {
            Some((steps, draft)) => self.keep(steps, draft),
            None => self.give_up(&steps, reason),
        }
    }

    /// The draft with something at the steps that makes the reason go away.
    fn filled(&self, steps: &Steps, reason: &Reason) -> Option<Value> {
        let mut fillers: Vec<_> = reason.names().chain(tree::fillers()).collect();
        let mut half = None;
        let mut next = 0;
        while let Some(filler) = fillers.get(next).cloned() {
            if self.questions.get() > QUESTIONS_MAX {
                return None;
            }
            next += 1;
            let mut trial = self.draft.clone();
            tree::put(&mut trial, steps, filler.clone())?;
            let Some(after) = self.refusal(&trial) else { return Some(trial) };
            // An enum says which names it takes when it is given another one. Where it is not
            // known that the enum is at fault, another name would hide the fault.
            if reason.is_exact() && fillers.len() <= TRIALS_MAX && after.is_about(&filler) {
                fillers.extend(after.names());
            }
            let is_inside = after.steps.starts_with(steps) || after.is_about(&filler);
            if !is_inside && self.is_other(&after, reason) {
                return Some(trial);
            }
            // A mapping that lacks keys only: the rounds that follow put them in.
            let lacks_keys =
                matches!(after.cause, Misread::MissingKey(_)) && after.cause != reason.cause;
            if lacks_keys && after.steps == *steps && filler.is_object() {
                half = Some(trial);
            }
        }
        half
    }

    fn is_mended(&self, trial: &Value, reason: &Reason) -> bool {
        self.refusal(trial).is_none_or(|next| self.is_other(&next, reason))
    }

    fn is_other(&self, next: &Reason, reason: &Reason) -> bool {
        next.steps != reason.steps || next.cause != reason.cause
    }

    /// Whether the steps lead to, into or around something that was reported.
    fn is_reported(&self, steps: &Steps) -> bool {
        self.mended.iter().any(|it| it.starts_with(steps) || steps.starts_with(it))
    }

    fn keep(&mut self, steps: Steps, draft: Value) -> bool {
        self.draft = draft;
        self.mended.push(steps);
        true
    }

    /// Nothing fits at the steps: what is around them is taken as reported, too.
    fn give_up(&mut self, steps: &Steps, reason: &Reason) -> bool {
        for length in (1..steps.len()).rev() {
            let around = steps[..length].to_vec();
            if let Some(draft) = self.filled(&around, reason) {
                return self.keep(around, draft);
            }
        }
        false
    }
}
