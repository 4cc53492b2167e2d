//! Stored deployments as the tree that they are.

use std::collections::BTreeSet;

use weir_domain::DeploymentTag;
use weir_http_api::{DeploymentsView, StoredView};

use super::applied;
use crate::cli::human::{self, age, plain, plural};
use crate::cli::look::Look;
use crate::cli::table::{self, Column, Rows};

use Column::{Number, Text};

/// The empty deployment, which all others descend from.
const ROOT: &str = "DeploymentRoot";

pub(super) fn list(it: &DeploymentsView, look: &Look) -> String {
    let narrow = [
        Text("TAG"),
        Text("STATE"),
        Number("NODES"),
        Number("WORKFLOWS"),
        Text("BUILT"),
        Text("DIGEST"),
    ];
    let wide = [Text("PROJECT"), Text("BY"), Text("COMMIT"), Text("DESCRIPTION")];
    let mut rows = Rows::new(look, &narrow, &wide);
    let state = if it.default.as_str() == ROOT { "default" } else { "-" };
    let dash = || table::text("-");
    let root = [ROOT, state, "-", "-", "-", "-"].map(table::text);
    rows.add(root.into(), vec![dash(), dash(), dash(), dash()]);
    let mut branches = Branches { items: &it.items, seen: BTreeSet::new(), drawn: Vec::new() };
    branches.below(ROOT, "");
    for (branch, it) in branches.drawn {
        rows.add(
            vec![
                table::text(&format!("{branch}{}", it.tag)),
                table::text(&states(it)),
                table::count(it.nodes.len() as u64),
                table::count(it.workflows.len() as u64),
                table::text(&age(look.now, it.built_at)),
                table::text(&format!("{:.12}", it.digest)),
            ],
            vec![
                table::text(it.project.as_str()),
                table::text(&it.author),
                table::text(it.commit.as_deref().unwrap_or("-")),
                table::text(&it.description),
            ],
        );
    }
    let mut text = rows.text() + &totals(it);
    if !it.applied.is_empty() {
        text += &format!("\napplied from directories:\n{}", applied::listed(&it.applied, look));
    }
    text
}

fn totals(it: &DeploymentsView) -> String {
    let deployments = plural(it.items.len(), "deployment");
    let objects = plural(usize::try_from(it.objects.count).unwrap_or(usize::MAX), "object");
    let [bytes, saved] = [it.objects.bytes, it.objects.bytes_saved].map(human::bytes);
    format!("{deployments}, {objects}, {bytes}, {saved} saved; revision {}\n", it.revision)
}

struct Branches<'d> {
    items: &'d [StoredView],
    seen: BTreeSet<&'d DeploymentTag>,
    drawn: Vec<(String, &'d StoredView)>,
}

impl Branches<'_> {
    fn below(&mut self, parent: &str, indent: &str) {
        let children = self.items.iter().filter(|it| it.parent.as_str() == parent);
        let children: Vec<_> = children.filter(|it| !self.seen.contains(&it.tag)).collect();
        for (at, child) in children.iter().enumerate() {
            let (branch, more) =
                if at + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.seen.insert(&child.tag);
            self.drawn.push((format!("{indent}{branch}"), child));
            self.below(child.tag.as_str(), &format!("{indent}{more}"));
        }
    }
}

fn states(it: &StoredView) -> String {
    let of_canary = it.assigned_by.iter().any(|it| it == "the canary");
    let of_rules = it.assigned_by.iter().any(|it| it != "the canary");
    let states = [
        (it.default, "default"),
        (of_canary, "canary"),
        (of_rules, "assigned"),
        (it.duplicate, "duplicate"),
    ];
    let states: Vec<_> = states.iter().filter(|it| it.0).map(|it| it.1).collect();
    if states.is_empty() { "-".to_owned() } else { states.join(",") }
}

pub(super) fn shown(it: &StoredView, look: &Look) -> String {
    let list =
        |all: Vec<&str>| if all.is_empty() { "-".to_owned() } else { plain(&all.join(", ")) };
    let commit = it.commit.iter().map(|commit| format!(" from commit {commit}"));
    let built = format!(
        "{} ago by {}{}",
        age(look.now, it.built_at),
        it.author,
        commit.collect::<String>()
    );
    let mut text = table::facts(&[
        ("tag", it.tag.to_string()),
        ("digest", it.digest.to_string()),
        ("same digest", list(it.same.iter().map(DeploymentTag::as_str).collect())),
        ("description", plain(&it.description)),
        ("project", it.project.to_string()),
        ("based on", it.parent.to_string()),
        ("built", plain(&built)),
        ("signed by", plain(&it.signer)),
        ("default", if it.default { "yes" } else { "no" }.to_owned()),
        ("assigned by", list(it.assigned_by.iter().map(String::as_str).collect())),
        ("nodes", list(it.nodes.iter().map(|it| it.as_str()).collect())),
    ]);
    let mut rows = Rows::new(look, &[Text("WORKFLOW"), Text("DIGEST")], &[]);
    for it in &it.workflows {
        let digest = format!("{:.12}", it.digest);
        rows.add(vec![table::text(it.name.as_str()), table::text(&digest)], vec![]);
    }
    text += &format!("\n{}", rows.text());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK, WIDE};

    #[test]
    fn deployments_are_listed_as_a_tree() {
        assert_eq!(
            list(&samples::stored_deployments(), &LOOK),
            "\
TAG                   STATE             NODES  WORKFLOWS  BUILT  DIGEST
DeploymentRoot        -                     -          -  -      -
├─ flights-1          default,assigned      2          2  2h     070707070707
│  ├─ flights-2       canary                1          2  1m     090909090909
│  │  └─ flights-2-b  duplicate             0          2  1m     090909090909
│  └─ flights-3       -                     0          2  1m     0b0b0b0b0b0b
└─ other              -                     0          2  1m     0c0c0c0c0c0c
5 deployments, 17 objects, 12.0 KiB, 3.0 KiB saved; revision 9

applied from directories:
PROJECT  WORKFLOWS  DEPLOYED  DIGEST
flights          2  1m        85e30fe09887
weather          1  2h        17aa
"
        );
        let wide = list(&samples::stored_deployments(), &WIDE);
        assert!(wide.contains("flights  ada  4f2a    the first\n"), "{wide}");
    }

    #[test]
    fn a_deployment_is_shown_with_its_workflows() {
        let all = samples::stored_deployments();
        assert_eq!(
            shown(&all.items[0], &LOOK),
            format!(
                "\
tag:          flights-1
digest:       {}
same digest:  -
description:  the first
project:      flights
based on:     DeploymentRoot
built:        2h ago by ada from commit 4f2a
signed by:    {}
default:      yes
assigned by:  the rule of node node-2
nodes:        node-1, node-2

WORKFLOW    DIGEST
arrivals    010101010101
departures  020202020202
",
                "07".repeat(32),
                "05".repeat(32)
            )
        );
    }
}
