//! Dead letters that are put through their workflow again after a fix, seen from outside.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::support::flow::{CSV, JSON, read, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, Weir, number, wait_until};

const KILLS: u32 = 30;
const SEED: u64 = 20_261_122;
const LIFE_MS_MAX: u64 = 900;

/// Records whose amount is 2.5 can't be mapped, until that is mended; an id that is no number can't be
/// read, until `id` is text.
fn flow(is_mended: bool) -> Flow {
    let wrong = if is_mended { "7" } else { "none" };
    let units = format!(
        "CAST(CASE WHEN amount < 2.5 OR amount > 2.5 THEN '7' ELSE '{wrong}' END AS BIGINT)"
    );
    let csv = if is_mended { CSV.replace("int64", "string") } else { CSV.to_owned() };
    Flow::named("orders")
        .stage(&read(&csv, ""))
        .stage(&format!(
            "{{ name: derive, from: read, processor: {{ mapping: {{ set: {{ units: \"{units}\", id: \"CAST(id AS VARCHAR)\" }} }} }} }}"
        ))
        .stage(&sink("write", "derive", "${stream}.jsonl", JSON, ""))
}

fn mend(project: &Project) {
    project.asset("workflow.yaml", &flow(true).yaml());
}

/// How often each id was published.
fn published(project: &Project) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for record in project.published() {
        *found.entry(record["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    found
}

fn states(weir: &Weir) -> BTreeMap<String, usize> {
    let letters = weir.cli(["dead-letter", "export", "orders"]).done();
    let mut states = BTreeMap::new();
    for line in letters.lines() {
        let letter: Value = serde_json::from_str(line).unwrap();
        *states.entry(letter["state"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    states
}

fn only(state: &str, count: usize) -> BTreeMap<String, usize> {
    BTreeMap::from([(state.to_owned(), count)])
}

#[test]
fn letters_are_listed_counted_replayed_once_and_discarded() {
    let project = Project::of(&flow(false));
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n2,2.5\nthree,3.5\n4,2.5\n");
    weir.closed("a.csv");
    let listed = weir.cli(["dead-letter", "list", "orders"]).done();
    assert_eq!(listed.matches("waiting").count(), 3, "{listed}");
    assert!(listed.contains("'three' is not of type int64"), "{listed}");
    let counts = |weir: &Weir| {
        let counted = weir.cli(["dead-letter", "counts", "orders", "-o", "json"]).json();
        let group = |it: &Value| {
            (it["stage"].as_str().unwrap().to_owned(), it["count"].as_u64(), it["waiting"].as_u64())
        };
        let groups: Vec<_> = counted["items"].as_array().unwrap().iter().map(group).collect();
        (groups, counted["total"].as_u64())
    };
    let of = |stage: &str, count, waiting| (stage.to_owned(), Some(count), Some(waiting));
    let all = counts(&weir);
    assert_eq!(all, (vec![of("derive", 2, 2), of("read", 1, 1)], Some(3)), "{all:?}");
    weir.stop();

    mend(&project);
    let weir = Start::of(&project).ready();
    let dry = ["dead-letter", "replay", "orders", "--all", "--dry-run"];
    let would = weir.cli(dry).done();
    assert!(would.ends_with("3 letters would be replayed\n"), "{would}");
    let page = ["dead-letter", "list", "orders", "--stage", "derive", "-o", "json"];
    let page = weir.cli(page).json();
    let last = page["items"][0]["id"].as_str().unwrap();
    let shown = weir.cli(["dead-letter", "show", "orders", last]).done();
    assert!(shown.contains("a.csv, record 4") && shown.contains("\"amount\":2.5"), "{shown}");
    let gone = weir.cli(["dead-letter", "discard", "orders", last]).done();
    assert_eq!(gone, "1 letter discarded\n");

    let ask = ["dead-letter", "replay", "orders", "--all", "--idempotency-key", "mended"];
    let asked = weir.cli(ask).done();
    assert!(asked.ends_with("2 letters to be replayed\n"), "{asked}");
    wait_until("both stages' letters to be replayed", DEADLINE, || {
        states(&weir).get("replayed") == Some(&2)
    });
    assert_eq!(
        weir.cli(ask).done(),
        asked.replace("1 letter left alone: replayed, being replayed or discarded\n", "")
    );
    let streams = weir.streams();
    let of_replays: Vec<_> = streams.iter().filter(|it| it.item.starts_with("replay-")).collect();
    assert_eq!(of_replays.len(), 2);
    let once = ["1", "2", "three"].map(|it| (it.to_owned(), 1));
    assert_eq!(published(&project), BTreeMap::from(once));
    assert_eq!(counts(&weir), (vec![of("derive", 2, 0), of("read", 1, 0)], Some(3)));
    let audit = weir.cli(["audit", "list", "-o", "json"]).json().to_string();
    assert!(audit.contains("dead-letter replay") && audit.contains("dead-letter discard"));
    let unknown = weir.cli(["dead-letter", "list", "ordesr"]).ended(3);
    assert!(unknown.stderr.contains("weir workflow show orders"), "{}", unknown.stderr);
    weir.stop();
    project.assert_tidy();
}

#[test]
fn every_letter_is_replayed_exactly_once_whatever_is_killed() {
    const FILES: u64 = 6;
    const ROWS: u64 = 400;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&flow(false));
    let weir = Start::of(&project).ready();
    let mut bad = 0;
    for file in 0..FILES {
        let mut text = "id,amount\n".to_owned();
        for row in 0..ROWS {
            let id = file * ROWS + row;
            match random.random_range(0..4) {
                0 => text += &format!("x{id},1.5\n"),
                1 => text += &format!("{id},2.5\n"),
                _ => text += &format!("{id},1.5\n"),
            }
        }
        bad += text.matches(",2.5").count() + text.matches('x').count();
        project.put(&format!("f{file}.csv"), text);
    }
    (0..FILES).for_each(|file| drop(weir.closed(&format!("f{file}.csv"))));
    assert_eq!(states(&weir), only("waiting", bad));
    weir.stop();

    mend(&project);
    for kill in 1..=number("WEIR_KILLS", KILLS) {
        if random.random_ratio(1, 3) {
            let mut process = Start::of(&project).spawn();
            // A random moment is what this test is about: there is nothing to wait for.
            thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX)));
            process.kill();
            continue;
        }
        let mut weir = Start::of(&project).ready();
        let letters = weir.cli([
            "dead-letter",
            "list",
            "orders",
            "--state",
            "waiting",
            "--limit",
            "3",
            "-o",
            "json",
        ]);
        let letters = letters.json();
        let ids: Vec<_> = letters["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap())
            .collect();
        // Some keys come again: what they name was asked for before.
        let key = format!("key-{}", random.random_range(0..kill));
        if let [first, .., last] = ids.as_slice() {
            let stage = if random.random() { "read" } else { "derive" };
            let stream = first.split(':').next().unwrap();
            let of_stream = [
                "dead-letter",
                "replay",
                "orders",
                "--stage",
                stage,
                "--stream",
                stream,
                "--idempotency-key",
                &key,
            ];
            match random.random_range(0..3) {
                0 => drop(weir.cli(["dead-letter", "replay", "orders", first, last]).done()),
                1 => drop(weir.cli(of_stream).done()),
                _ => {}
            }
        }
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX)));
        weir.process.kill();
        let twice: Vec<_> = published(&project).into_iter().filter(|it| it.1 > 1).collect();
        assert!(twice.is_empty(), "published twice: {twice:?}");
    }
    let weir = Start::of(&project).ready();
    wait_until("no replay is under way", DEADLINE, || !states(&weir).contains_key("replaying"));
    weir.cli(["dead-letter", "replay", "orders", "--all"]).done();
    wait_until("all letters are replayed", DEADLINE, || states(&weir) == only("replayed", bad));
    wait_until("all streams are closed", DEADLINE, || {
        weir.streams().iter().all(|it| it.state.is_closed())
    });
    weir.stop();
    let published = published(&project);
    assert_eq!(published.len() as u64, FILES * ROWS);
    assert!(published.values().all(|it| *it == 1), "something was published twice");
    project.assert_tidy();
}

#[test]
fn a_replay_whose_workflow_is_gone_is_cancelled_and_its_letters_are_discarded() {
    let project = Project::of(&flow(false));
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n2,2.5\n");
    weir.closed("a.csv");
    let letters = states(&weir)["waiting"];
    weir.cli(["scheduler", "set", "orders", "--target", "0"]).done();
    wait_until("nothing runs", DEADLINE, || weir.workflow("orders").instances == 0);
    let asked = weir.cli(["dead-letter", "replay", "orders", "--all", "-o", "json"]).json();
    let item = asked["replays"][0]["item"].as_str().unwrap().to_owned();
    let open = weir.cli(["dead-letter", "replays", "orders"]).done();
    assert!(open.contains(&item) && open.contains("waiting"), "{open}");
    weir.stop();

    let others = Flow::named("others").stage(&read(CSV, "")).stage(&sink(
        "write",
        "read",
        "${stream}.jsonl",
        JSON,
        "",
    ));
    project.asset("workflow.yaml", &others.yaml());
    let weir = Start::of(&project).ready();
    let open = weir.cli(["dead-letter", "replays", "orders"]).done();
    assert!(open.contains(&item) && open.contains("orders is not deployed"), "{open}");
    let left = weir.cli(["dead-letter", "discard", "orders", "--all"]).done();
    assert!(left.contains("0 letters discarded") && left.contains("dead-letter replays"), "{left}");
    for replay in asked["replays"].as_array().unwrap() {
        let item = replay["item"].as_str().unwrap();
        let ended = weir.cli(["dead-letter", "cancel", "orders", item]).done();
        assert!(ended.contains("wait again") && ended.contains("dead-letter discard"), "{ended}");
    }
    assert_eq!(states(&weir), only("waiting", letters));
    let gone = weir.cli(["dead-letter", "discard", "orders", "--all"]).done();
    assert!(gone.ends_with(" discarded\n"), "{gone}");
    assert_eq!(states(&weir), only("discarded", letters));
    let again = weir.cli(["dead-letter", "cancel", "orders", &item]).ended(3);
    assert!(again.stderr.contains("open replay"), "{}", again.stderr);
    let audit = weir.cli(["audit", "list", "-o", "json"]).json().to_string();
    assert!(audit.contains("dead-letter cancel"));
    weir.stop();
}
