//! Worked examples of the scheduling rules, as an operator asks for them: drafts that are previewed
//! and change nothing. A cluster of fewer nodes is one that is drained in the draft.

use std::collections::BTreeMap;

use super::*;

/// A draft, and what it comes to.
struct Example {
    name: &'static str,
    /// Target, weight and further settings by workflow.
    wanted: Vec<(String, String)>,
    drained: &'static [&'static str],
    /// Instances on the nodes that are left, the most first, and how many are missing.
    spread: Vec<(&'static str, Vec<u64>, u64)>,
    /// Loads, the largest first.
    loads: Option<Vec<u64>>,
}

fn draft(workflow: &str, settings: &str) -> (String, String) {
    (workflow.to_owned(), settings.to_owned())
}

fn examples() -> Vec<Example> {
    let bounded = "target: 5, default: { min: 1, max: 2 }";
    vec![
        Example {
            name: "T1c, on three nodes: without limits all have the same",
            wanted: vec![draft("a", "target: 12")],
            drained: &[],
            spread: vec![("a", vec![4, 4, 4], 0)],
            loads: Some(vec![400, 400, 400]),
        },
        Example {
            name: "T2b: six light ones and a heavy one fill two nodes alike",
            wanted: vec![draft("a", "target: 6, weight: 50"), draft("b", "target: 1")],
            drained: &["node-3"],
            spread: vec![("a", vec![4, 2], 0), ("b", vec![1, 0], 0)],
            loads: Some(vec![200, 200]),
        },
        Example {
            name: "T2d: weights change nothing on one node",
            wanted: vec![draft("a", "target: 5, weight: 50"), draft("b", "target: 1")],
            drained: &["node-2", "node-3"],
            spread: vec![("a", vec![5], 0), ("b", vec![1], 0)],
            loads: Some(vec![350]),
        },
        Example {
            name: "T4, on two nodes: a most is per node, and what is missing is told",
            wanted: vec![draft("a", bounded)],
            drained: &["node-1"],
            spread: vec![("a", vec![2, 2], 1)],
            loads: Some(vec![200, 200]),
        },
        Example {
            name: "T4, on three nodes",
            wanted: vec![draft("a", bounded)],
            drained: &[],
            spread: vec![("a", vec![2, 2, 1], 0)],
            loads: Some(vec![200, 200, 100]),
        },
        many("T7: many workflows are even", &[]),
        many("T7: and so they are on the nodes that are left", &["node-2"]),
    ]
}

/// 19 workflows of 23 instances, one of them lighter than the others.
fn many(name: &'static str, drained: &'static [&'static str]) -> Example {
    let settings = |n: usize| match n {
        0..4 => "target: 2",
        4 => "target: 1, weight: 60",
        _ => "target: 1",
    };
    let wanted = (0..19).map(|n| draft(&format!("w-{n}"), settings(n))).collect();
    Example { name, wanted, drained, spread: Vec::new(), loads: None }
}

/// Runs a project of so many workflows, none of which has an instance, and previews all drafts.
pub(super) fn check(cluster: &Cluster) {
    let project = Project::empty();
    let names: Vec<String> = ["a", "b"]
        .map(str::to_owned)
        .into_iter()
        .chain((0..19).map(|n| format!("w-{n}")))
        .collect();
    for name in &names {
        let flow = Flow::named(name).stage(&read(CSV, "")).stage(&write("read", ""));
        project.asset(&format!("{name}.yaml"), &flow.yaml());
    }
    cluster.deploy(&project);
    let nothing: String = names.iter().map(|it| format!("  {it}: {{ target: 0 }}\n")).collect();
    let file = cluster.root().join("draft.yaml");
    std::fs::write(&file, format!("workflows:\n{nothing}")).unwrap();
    wait_until("all workflows to be known", DEADLINE, || {
        cluster.nodes[0].weir(&["scheduler", "apply", file.to_str().unwrap()]).code == Some(0)
    });
    for (at, example) in examples().iter().enumerate() {
        example.check(cluster, at % cluster.nodes.len());
    }
    let schedule = shown(cluster, 1, &["scheduler", "show"]);
    let placed = schedule["workflows"].as_array().unwrap().iter();
    assert!(placed.clone().all(|it| it["placed"] == 0), "a preview changes nothing: {schedule:#}");
}

impl Example {
    #[track_caller]
    fn check(&self, cluster: &Cluster, at: usize) {
        let each = self.wanted.iter().map(|(name, it)| format!("  {name}: {{ {it} }}\n"));
        let text = format!(
            "workflows:\n{}drain: [{}]\n",
            each.collect::<String>(),
            self.drained.join(", ")
        );
        let file = cluster.root().join("draft.yaml");
        std::fs::write(&file, text).unwrap();
        let plan = shown(cluster, at, &["scheduler", "preview", file.to_str().unwrap()]);
        let left = |counts: &Value| -> BTreeMap<String, u64> {
            let nodes = cluster.nodes.iter().map(|it| it.name.clone());
            let nodes = nodes.filter(|it| !self.drained.contains(&it.as_str()));
            nodes.map(|it| (it.clone(), counts[&it].as_u64().unwrap_or(0))).collect()
        };
        let sorted = |counts: BTreeMap<String, u64>| {
            let mut counts: Vec<_> = counts.into_values().collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            counts
        };
        for (name, spread, missing) in &self.spread {
            let all = plan["workflows"].as_array().unwrap();
            let workflow = all.iter().find(|it| it["workflow"] == *name).unwrap();
            let got = (sorted(left(&workflow["nodes"])), workflow["missing"].as_u64().unwrap());
            assert_eq!(got, (spread.clone(), *missing), "{}: {plan:#}", self.name);
        }
        let loads = sorted(left(&plan["loads"]));
        match &self.loads {
            Some(expected) => assert_eq!(loads, *expected, "{}", self.name),
            None => {
                assert_eq!(loads.iter().sum::<u64>(), 2_260, "{}: all are placed", self.name);
                let gap = loads[0] - loads[loads.len() - 1];
                assert!(gap <= 100, "{}: no gap is more than the heaviest: {loads:?}", self.name);
            }
        }
    }
}
