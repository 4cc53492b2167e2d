//! What is wrong in a cluster that looks like this: a pure function.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_domain::schedule::{Outcome, Reason};
use weir_domain::{
    AlarmKey, AlarmKind, AlarmSeverity, AlarmSubject, CERTIFICATE_EARLY, Code, Complaint, Fault,
    NodeName, NodeStatus, SubjectKind, Timestamp, WorkflowName,
};

use super::code;
use super::sight::{ControllerSeen, LettersSeen, MemberSeen, Sighting, Unjudged, WorkflowSeen};
use AlarmSeverity::{Error, Info, Warning};

/// Longer texts are cut.
const TEXT_MAX: usize = 500;
/// Less free memory than this part of all of it is little.
const MEMORY_FREE_MIN: u64 = 20;
/// Why one is gone that was meant to be: as the list of members words it.
const LEFT: &str = "left";
const REPLACED: &str = "replaced by ";

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub complaint: Complaint,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// Where it is something that can be counted: it comes again when this grows.
    pub amount: u64,
}

/// What is wrong, and what nobody can say.
#[derive(Debug, Clone)]
pub struct Judgement<'s> {
    pub found: BTreeMap<AlarmKey, Trouble>,
    seen: &'s Sighting,
}

pub fn judge(seen: &Sighting, now: Timestamp) -> Judgement<'_> {
    let mut judgement = Judgement { found: BTreeMap::new(), seen };
    judgement.store();
    judgement.members();
    judgement.controllers();
    judgement.nodes(now);
    judgement.workflows();
    judgement.schedule();
    judgement.activations();
    judgement.letters();
    judgement
}

impl Judgement<'_> {
    /// Whether it would have been found if it held. What a later version has raised is not for this one to judge.
    pub fn is_judged(&self, key: &AlarmKey) -> bool {
        let (seen, name) = (self.seen, key.subject.name.as_str());
        let kind = &key.kind;
        if *kind == AlarmKind::STORE_UNREACHABLE {
            true
        } else if *kind == AlarmKind::NODE_UNREACHABLE {
            seen.members.is_ok()
        } else if *kind == AlarmKind::NODE_SILENT {
            seen.workflows.is_ok() && seen.members.is_ok()
        } else if *kind == AlarmKind::NODE_MEMORY || *kind == AlarmKind::CERTIFICATE_ENDING {
            self.has_said(name)
        } else if *kind == AlarmKind::NODE_DRAINED || *kind == AlarmKind::WORKFLOW_UNPLACED {
            seen.schedule.is_ok() && seen.members.is_ok()
        } else if *kind == AlarmKind::ACTIVATION_FAILED {
            seen.activations.is_ok()
        } else if [AlarmKind::CONTROLLER_MISSING, AlarmKind::CONTROLLER_TROUBLE].contains(kind) {
            // A lease that only engines of another version know is theirs to judge.
            let is_name = |it: &ControllerSeen| it.name == name;
            seen.controllers.as_ref().is_ok_and(|all| all.iter().any(is_name))
        } else if *kind == AlarmKind::WORKFLOW_FAULT || *kind == AlarmKind::STREAMS_PAUSED {
            seen.workflows.as_ref().is_ok_and(|it| it.unreached.is_empty())
        } else if *kind == AlarmKind::DEAD_LETTERS {
            let counted = seen.letters.iter().find(|it| it.0.as_str() == name);
            counted.is_some_and(|it| it.1.as_ref().is_ok_and(|it| !it.has_more))
        } else {
            false
        }
    }

    /// What can't be judged now, for people.
    pub fn unjudged(&self) -> Vec<Unjudged> {
        let seen = self.seen;
        let mut all = Vec::new();
        let mut add = |what: &str, why: &str| {
            all.push(Unjudged { what: what.to_owned(), why: cut(why.to_owned()) });
        };
        let mut unseen = |what: &str, why: Option<&String>| {
            if let Some(why) = why {
                add(what, why);
            }
        };
        unseen("members", seen.members.as_ref().err());
        unseen("controllers", seen.controllers.as_ref().err());
        unseen("workflows", seen.workflows.as_ref().err());
        unseen("schedule", seen.schedule.as_ref().err());
        unseen("deployments", seen.activations.as_ref().err());
        let letters = seen.letters.iter().find_map(|(of, it)| Some((of, it.as_ref().err()?)));
        if let Some((of, why)) = letters {
            add("deadLetters", &format!("{of}: {why}"));
        }
        if let Ok(it) = &seen.workflows
            && !it.unreached.is_empty()
        {
            let names: Vec<_> = it.unreached.iter().map(NodeName::as_str).collect();
            add("workflows", &format!("no answer from {}", names.join(", ")));
        }
        all
    }

    /// A node that is no member has nothing to say.
    fn has_said(&self, name: &str) -> bool {
        let is_named = |it: &&NodeName| it.as_str() == name;
        self.seen.nodes.keys().any(|it| is_named(&it))
            || self.seen.members.as_ref().is_ok_and(|all| {
                !all.iter().any(|(it, member)| is_named(&it) && member.is_present())
            })
    }

    fn add(&mut self, kind: AlarmKind, subject: AlarmSubject, trouble: Trouble) {
        self.found.insert(AlarmKey { kind, subject }, trouble);
    }

    fn store(&mut self) {
        let Some(why) = &self.seen.store_trouble else { return };
        let trouble = Trouble::of(Error, code::STORE, format!("the database can't be used: {why}")).hint(
            "controllers take nothing and nobody changes status until it is back: look at its server \
             and at the way there",
        );
        let subject = AlarmSubject::new(SubjectKind::CLUSTER, "database");
        self.add(AlarmKind::STORE_UNREACHABLE, subject, trouble);
    }

    fn members(&mut self) {
        let Ok(members) = &self.seen.members else { return };
        for (name, it) in members {
            if let Some(trouble) = unreachable(name, it) {
                self.add(AlarmKind::NODE_UNREACHABLE, node(name), trouble);
            }
        }
        let Ok(workflows) = &self.seen.workflows else { return };
        let is_heard = |it: &&NodeName| {
            members.get(*it).is_some_and(|it| it.is_present() && !it.is_unreachable)
        };
        for name in workflows.unreached.iter().filter(is_heard) {
            let said = format!("{name} gives no answer: what it runs and counts is not known");
            let hint = format!(
                "look at its load and its log: weir logs --node {name}; if it hangs, end its process"
            );
            let trouble = Trouble::of(Warning, code::SILENT, said).hint(hint);
            self.add(AlarmKind::NODE_SILENT, node(name), trouble);
        }
    }

    fn controllers(&mut self) {
        let Ok(controllers) = &self.seen.controllers else { return };
        for it in controllers {
            let subject = AlarmSubject::new(SubjectKind::CONTROLLER, it.name.clone());
            let name = &it.name;
            let why = it.trouble.as_deref();
            if !it.is_held {
                let why = why.map_or(String::new(), |it| format!(": {it}"));
                let said = format!("{name} runs nowhere{why}");
                let hint = "see why engines do not take it: weir cluster leases, on each of them";
                let trouble = Trouble::of(Error, code::MISSING, said).hint(hint);
                self.add(AlarmKind::CONTROLLER_MISSING, subject, trouble);
            } else if let Some(why) = why {
                let trouble = Trouble::of(Warning, code::HINDERED, format!("{name}: {why}"));
                self.add(AlarmKind::CONTROLLER_TROUBLE, subject, trouble);
            }
        }
    }

    fn nodes(&mut self, now: Timestamp) {
        for (name, it) in &self.seen.nodes {
            if let Some(ends) = it.certificate_ends
                && let Some(trouble) = certificate(name, ends, now)
            {
                self.add(AlarmKind::CERTIFICATE_ENDING, node(name), trouble);
            }
            if let Some((all, free)) = it.memory
                && free < all / MEMORY_FREE_MIN
            {
                let mib = |it: u64| it >> 20;
                let said = format!(
                    "{name} has little memory left: {} MiB of {} MiB are free",
                    mib(free),
                    mib(all)
                );
                let hint = "let it run less, or give it more memory: the system ends what asks for \
                            memory that there is not";
                let trouble = Trouble::of(Warning, code::MEMORY, said).hint(hint);
                self.add(AlarmKind::NODE_MEMORY, node(name), trouble);
            }
        }
    }

    fn workflows(&mut self) {
        let Ok(seen) = &self.seen.workflows else { return };
        for it in &seen.all {
            if let Some(trouble) = fault(it) {
                self.add(AlarmKind::WORKFLOW_FAULT, workflow(&it.name), trouble);
            }
            if it.paused_streams > 0 {
                let (name, count) = (&it.name, it.paused_streams);
                let said = format!("{name} has paused streams: {count}");
                let hint = "nothing more is read there until somebody resumes it: \
                            weir stream list --state paused";
                let trouble = Trouble::of(Info, code::PAUSED, said).hint(hint);
                self.add(AlarmKind::STREAMS_PAUSED, workflow(name), trouble);
            }
        }
    }

    fn schedule(&mut self) {
        let Ok(schedule) = &self.seen.schedule else { return };
        for (name, it) in schedule.outcomes.iter().filter(|it| it.1.missing > 0) {
            self.add(AlarmKind::WORKFLOW_UNPLACED, workflow(name), unplaced(name, it));
        }
        let Ok(members) = &self.seen.members else { return };
        let is_present = |it: &&NodeName| members.get(*it).is_some_and(MemberSeen::is_present);
        for name in schedule.drained.iter().filter(is_present) {
            let said = format!("{name} is drained: it runs nothing");
            let hint = format!("undrain it once it is to be used again: weir node undrain {name}");
            let trouble = Trouble::of(Info, code::DRAINED, said).hint(hint);
            self.add(AlarmKind::NODE_DRAINED, node(name), trouble);
        }
    }

    fn activations(&mut self) {
        let Ok(activations) = &self.seen.activations else { return };
        for (name, failure) in activations {
            let Some((cause, at)) = failure else { continue };
            let said = format!("{name} can't run what it should: {cause}");
            let trouble = Trouble::of(Error, cause.code, said);
            let trouble = Trouble { since: Some(*at), ..trouble.hinted(cause.hint.clone()) };
            self.add(AlarmKind::ACTIVATION_FAILED, node(name), trouble);
        }
    }

    fn letters(&mut self) {
        for (name, counted) in &self.seen.letters {
            let Ok(LettersSeen { waiting, .. }) = *counted else { continue };
            if waiting == 0 {
                continue;
            }
            let said = format!("{name} has dead letters that nothing has become of: {waiting}");
            let hint = format!(
                "weir dead-letter list {name} says why; replay them once it is mended, or discard them"
            );
            let trouble = Trouble::of(Warning, code::LETTERS, said).hint(hint);
            let trouble = Trouble { amount: waiting, ..trouble };
            self.add(AlarmKind::DEAD_LETTERS, workflow(name), trouble);
        }
    }
}

impl Trouble {
    fn of(severity: AlarmSeverity, code: Code, message: String) -> Self {
        let complaint = Complaint { severity, code, message: cut(message), hint: None };
        Self { complaint, since: None, amount: 0 }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        self.hinted(Some(hint.into()))
    }

    fn hinted(self, hint: Option<String>) -> Self {
        Self { complaint: Complaint { hint: hint.map(cut), ..self.complaint }, ..self }
    }
}

fn node(name: &NodeName) -> AlarmSubject {
    AlarmSubject::new(SubjectKind::NODE, name.as_str())
}

fn workflow(name: &WorkflowName) -> AlarmSubject {
    AlarmSubject::new(SubjectKind::WORKFLOW, name.as_str())
}

/// One that was lost stays a trouble until it is back, or until the list of members has forgotten it.
fn unreachable(name: &NodeName, it: &MemberSeen) -> Option<Trouble> {
    let trouble = match it.status {
        NodeStatus::Up | NodeStatus::Leaving | NodeStatus::Exiting if it.is_unreachable => {
            let by = match it.unheard_by.as_slice() {
                [] => "the others hear nothing from it".to_owned(),
                [one] => format!("{one} hears nothing from it"),
                them => format!("{} hear nothing from it", them.join(", ")),
            };
            let said = format!("{name} can't be reached: {by}");
            let hint = "its process, its machine or the way there has failed: look at them; \
                        once it is given up, others take over what it ran";
            Trouble::of(Error, code::UNREACHABLE, said).hint(hint)
        }
        NodeStatus::Down => {
            Trouble::of(Error, code::UNREACHABLE, format!("{name} is down: {}", it.reason))
                .hint("start it again; what it ran goes to others")
        }
        NodeStatus::Removed if it.was_up && !is_meant(&it.reason) => {
            let said = format!("{name} is gone, and did not leave by itself: {}", it.reason);
            let hint =
                "start it again; one that is not to come back is forgotten a day after it went";
            Trouble::of(Warning, code::UNREACHABLE, said).hint(hint)
        }
        _ => return None,
    };
    Some(Trouble { since: Some(it.since), ..trouble })
}

fn is_meant(reason: &str) -> bool {
    reason == LEFT || reason.starts_with(REPLACED)
}

fn certificate(name: &NodeName, ends: Timestamp, now: Timestamp) -> Option<Trouble> {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let (severity, said) = match ends.since(now) {
        Duration::ZERO => (Error, format!("{name} shows a certificate that has ended: {ends}")),
        left if left < DAY => (Warning, format!("{name} shows a certificate that ends today")),
        left if left < CERTIFICATE_EARLY => {
            let days = left.as_secs() / DAY.as_secs();
            let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
            (Warning, format!("{name} shows a certificate that ends in {days}"))
        }
        _ => return None,
    };
    let hint = "put another one in its place, under the same name: it is read anew by itself";
    Some(Trouble::of(severity, code::CERTIFICATE, said).hint(hint))
}

fn fault(it: &WorkflowSeen) -> Option<Trouble> {
    let name = &it.name;
    let severity = if it.has_failed { Error } else { Warning };
    match &it.fault {
        Some(Fault { code, message, hint, .. }) => {
            let trouble = Trouble::of(severity, *code, format!("{name}: {message}"));
            Some(trouble.hinted(hint.clone()))
        }
        None if it.has_failed => {
            let said = format!("{name} has failed, and is not started again by itself");
            let hint = format!("see why, then start it: weir workflow show {name}");
            Some(Trouble::of(severity, code::FAILED, said).hint(hint))
        }
        None => None,
    }
}

fn unplaced(name: &WorkflowName, it: &Outcome) -> Trouble {
    let is_nowhere =
        !it.reasons.is_empty() && it.reasons.keys().all(|it| *it == Reason::NotDeployed);
    let placed: u32 = it.nodes.values().sum();
    let severity = if placed == 0 && !is_nowhere { Error } else { Warning };
    let said = match is_nowhere {
        true => format!("{name} is wanted, and no node has it deployed"),
        false => format!("{name} misses {} of {} instances", it.missing, it.target),
    };
    let of = |(reason, nodes): (&Reason, &u32)| match (reason, nodes) {
        (Reason::NoNodes, _) => reason.describe(),
        (_, 1) => format!("one node takes no more: {}", reason.describe()),
        (_, nodes) => format!("{nodes} nodes take no more: {}", reason.describe()),
    };
    let reasons: Vec<_> = it.reasons.iter().map(of).collect();
    let hint = match reasons.is_empty() {
        true => format!("see why: weir scheduler show {name}"),
        false => format!("{}; see weir scheduler show {name}", reasons.join("; ")),
    };
    Trouble::of(severity, code::UNPLACED, said).hint(hint)
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}
