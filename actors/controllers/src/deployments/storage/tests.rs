//! Given what happened, when a command comes, then these facts or this refusal.

mod canary;
mod golden;
mod nodes;
mod owners;
mod reach;
mod rules;
mod switch;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{Fault, Incarnation, Millis, NodeUid, ProjectName, Timestamp};
use weir_persistence_api::ObjectTotals;

use super::*;

/// A cluster's storage, driven by commands as the host drives it.
#[derive(Default)]
struct Cluster {
    storage: Storage,
    now: i64,
}

impl Cluster {
    /// Does what must be accepted; the facts that it led to.
    fn does(&mut self, change: Change) -> Vec<Fact> {
        self.tries(change).expect("the change is accepted")
    }

    fn tries(&mut self, change: Change) -> Result<Vec<Fact>, Rejection> {
        self.now += 1;
        let author = Author {
            name: "ada".into(),
            at: Timestamp(self.now),
            expected: None,
            reach: Reach::Everything,
        };
        self.decides(Command::Change { author, change })
    }

    fn observes(&mut self, observation: Observation) -> Vec<Fact> {
        self.now += 1;
        let at = Timestamp(self.now);
        self.decides(Command::Observe { at, observation }).expect("observations are not refused")
    }

    /// The dry run of a change.
    fn previews(&self, change: Change) -> Impact {
        let at = Timestamp(self.now + 1);
        let author = Author { name: "ada".into(), at, expected: None, reach: Reach::Everything };
        let events = self.storage.decide(Command::Change { author, change });
        self.storage.impact(&events.expect("the change would be accepted"))
    }

    fn decides(&mut self, command: Command) -> Result<Vec<Fact>, Rejection> {
        let events = self.storage.decide(command)?;
        for event in &events {
            self.storage.apply(event);
        }
        Ok(events.into_iter().map(|it| it.fact).collect())
    }

    /// Deployments by tag, on the root; each with its own content.
    fn with(tags: &[&str]) -> Self {
        let mut cluster = Self::default();
        for it in tags {
            cluster.does(store(it, ROOT, it));
        }
        cluster
    }

    fn node(&mut self, name: &str, roles: &[&str]) {
        let roles = roles.iter().map(|it| (*it).to_owned()).collect();
        self.observes(Observation::Seen { node: node(name), roles });
    }

    fn runs(&mut self, name: &str, of: &str) -> Vec<Fact> {
        let report = Report::Running { tag: tag(of) };
        self.observes(Observation::Reported { node: node(name), report })
    }

    fn fails(&mut self, name: &str, target: &str) -> Vec<Fact> {
        let report = Report::Failed { target: tag(target), cause: Fault::config(1, "no key") };
        self.observes(Observation::Reported { node: node(name), report })
    }

    /// What each node should run, as `x=A(node)`.
    fn targets(&self) -> String {
        let target = |(name, it): (&NodeName, &NodeState)| {
            let (tag, why) = self.storage.target(name, &it.roles);
            assert_eq!(it.target, tag, "what is noted is what is computed");
            let why = match why {
                Why::Canary => "canary".to_owned(),
                Why::Node => "node".to_owned(),
                Why::Role { number, .. } => format!("role {number}"),
                Why::Default => "default".to_owned(),
            };
            format!("{name}={tag}({why})")
        };
        self.storage.nodes().map(target).collect::<Vec<_>>().join(" ")
    }

    /// The tree as `tag<parent`, in the order of storing.
    fn tree(&self) -> String {
        let rows = self.storage.overview().deployments;
        let rows = rows.iter().map(|it| format!("{}<{}", it.deployment.tag, it.parent));
        rows.collect::<Vec<_>>().join(" ")
    }
}

fn tag(text: &str) -> DeploymentTag {
    DeploymentTag::new(text).unwrap()
}

fn node(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

/// A deployment whose content is this text: workflows as `name=content`, or just a content.
fn deployment(name: &str, parent: &str, content: &str) -> NewDeployment {
    let workflows = content.split_whitespace().map(|it| it.split_once('=').unwrap_or((it, it)));
    let workflow = |(name, content): (&str, &str)| {
        (WorkflowName::new(name).unwrap(), Digest::of(content.as_bytes()))
    };
    let workflows: BTreeMap<_, _> = workflows.map(workflow).collect();
    let digest = Digest::of(content.as_bytes());
    let objects = workflows.values().map(|it| Digest::of(it.as_bytes())).chain([digest]);
    let objects: BTreeSet<_> = objects.collect();
    NewDeployment {
        tag: tag(name),
        parent: tag(parent),
        digest,
        project: ProjectName::new("flights").unwrap(),
        description: String::new(),
        author: "ada".into(),
        commit: None,
        built_at: Timestamp(0),
        signer: "00".into(),
        workflows,
        objects: objects.into_iter().map(|digest| ObjectRef { digest, size: 10 }).collect(),
    }
}

fn store(name: &str, parent: &str, content: &str) -> Change {
    Change::Store(Box::new(deployment(name, parent, content)))
}

fn delete(name: &str) -> Change {
    Change::Delete { tag: tag(name) }
}

fn set_default(name: &str) -> Change {
    Change::SetDefault { tag: tag(name) }
}

fn assign(to: &str, name: &str) -> Change {
    Change::Assign { node: node(to), tag: tag(name) }
}

fn set_roles(rules: &[(&str, &str)]) -> Change {
    let rule = |(role, name): &(&str, &str)| RoleRule { role: (*role).into(), tag: tag(name) };
    Change::SetRoles(rules.iter().map(rule).collect())
}

/// On one of the nodes x and y.
fn canary(of: &str) -> Change {
    Change::StartCanary(CanaryPlan {
        tag: tag(of),
        nodes: 1,
        candidates: [node("x"), node("y")].into(),
        bake: Millis::seconds(60),
        errors_per_million_max: 10,
        records_min: 0,
    })
}
