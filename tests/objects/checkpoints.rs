//! Checkpoints in an object store or a directory.

use super::*;
use crate::support::flow::sink;

/// The settings of an engine that keeps its checkpoints there.
fn start(project: &Project, server: &S3, bucket: &str) -> Start {
    let store = "weir.stream.checkpoint-store";
    Start::of(project)
        .set("weir.stream.checkpoint-interval=100ms")
        .set(&format!("{store}.type=s3"))
        .set(&format!("{store}.s3.bucket={bucket}"))
        .set(&format!("{store}.s3.endpoint=\"{}\"", server.endpoint()))
        .set(&format!("{store}.s3.allow-http=true"))
        .set(&format!("{store}.s3.access-key-id={}", S3::ACCESS_KEY))
        .set(&format!("{store}.s3.secret-access-key={}", S3::SECRET_KEY))
}

const PARTITIONS: u64 = 4;

/// Makes records in two lanes; each passes once, and goes where `write` says, from `one`.
fn live(write: &str, records: u64, rate: u64) -> Flow {
    let fields = "[{ name: partition, make: partition }, { name: number, make: sequence }]";
    let make = format!(
        "{{ name: make, source: {{ generator: {{ rate: {rate}, records: {records}, \
         partitions: {PARTITIONS}, fields: {fields} }} }} }}"
    );
    let mapping = "{ name: one, from: unique, processor: { mapping: { set: \
                   { id: number * 4 + partition } } } }";
    Flow::named("made")
        .with("instances: 2")
        .stage(&make)
        .stage(
            "{ name: unique, from: make, processor: { deduplicate: { key: [partition, number], \
             within: 1h } } }",
        )
        .stage(mapping)
        .stage(write)
}

fn buckets() -> S3 {
    let server = server();
    server.bucket("checkpoints");
    server
}

#[test]
fn a_live_workflow_with_checkpoints_in_s3_publishes_once_whatever_is_killed() {
    const RECORDS: u64 = 24_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    eprintln!("seed {}", seed.0);
    let mut random = StdRng::seed_from_u64(seed.0);
    let server = buckets();
    let write = write("write", "one", "${stream}.jsonl", &connection(&server), "");
    let project = Project::of(&live(&write, RECORDS, 3_000));
    for kill in 1..=number("WEIR_KILLS", 12) {
        // The store fails at times, too.
        server.disturb(seed.0 + kill, 100);
        let mut process = start(&project, &server, "checkpoints").spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX * 2)));
        process.kill();
    }
    server.disturb(0, 0);
    let weir = start(&project, &server, "checkpoints").ready();
    wait_until("all records to be published", DEADLINE, || {
        published(&server).len() as u64 >= RECORDS
    });
    wait_until("both lanes to be done", DEADLINE, || {
        weir.cli(["item", "list"]).stdout.matches("done").count() == 2
    });
    weir.stop();
    assert_once(&server, 0..RECORDS);
    assert!(server.keys("checkpoints").iter().any(|it| it.starts_with("weir/jobs/made/")));
}

/// How often each record is there, in files.
fn in_files(project: &Project) -> BTreeMap<u64, u32> {
    let mut found = BTreeMap::new();
    for record in project.published() {
        *found.entry(record["id"].as_u64().unwrap()).or_default() += 1;
    }
    found
}

/// The job goes on: what fails is tried again, and a checkpoint that takes too long is given up.
#[test]
fn a_store_of_checkpoints_that_fails_at_random_fails_no_job() {
    const RECORDS: u64 = 20_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    eprintln!("seed {}", seed.0);
    let server = buckets();
    let project =
        Project::of(&live(&sink("write", "one", "${stream}.jsonl", JSON, ""), RECORDS, 2_000));
    let weir = start(&project, &server, "checkpoints").ready();
    wait_until("a first record", DEADLINE, || !in_files(&project).is_empty());
    server.disturb(seed.0, 400);
    wait_until("many faults", DEADLINE, || server.disturbed() >= 200);
    // And away altogether, for longer than one request is tried.
    server.disturb(seed.0, 1_000);
    wait_until("more faults", DEADLINE, || server.disturbed() >= 240);
    server.disturb(0, 0);
    wait_until("all records to be published", DEADLINE, || {
        in_files(&project).len() as u64 >= RECORDS
    });
    wait_until("both lanes to be done", DEADLINE, || {
        weir.cli(["item", "list"]).stdout.matches("done").count() == 2
    });
    assert_eq!(weir.streams().len(), 2, "each lane was run once: no run has failed");
    weir.stop();
    let wanted: BTreeMap<u64, u32> = (0..RECORDS).map(|it| (it, 1)).collect();
    assert!(in_files(&project) == wanted, "each record is there once");
}

#[test]
fn a_store_that_can_not_keep_checkpoints_is_refused() {
    let server = buckets();
    let project = Project::of(&Flow::straight(CSV));
    let refused = |start: Start, wanted: &[&str]| {
        let said = start.refused();
        for wanted in wanted {
            assert!(said.stderr.contains(wanted), "{wanted}: {}", said.stderr);
        }
        assert!(!said.stderr.contains(S3::SECRET_KEY), "{}", said.stderr);
    };
    let missing = start(&project, &server, "nowhere");
    refused(missing, &["WEIR-00092", "bucket nowhere at http://", "create the bucket"]);
    let key = "weir.stream.checkpoint-store.s3.secret-access-key=wrong";
    refused(start(&project, &server, "checkpoints").set(key), &["check the credentials"]);
    let nameless = Start::of(&project).set("weir.stream.checkpoint-store.type=s3");
    refused(nameless, &["stream.checkpoint-store", "s3.bucket"]);
    start(&project, &server, "checkpoints").ready().stop();
    refused(Start::of(&project), &["WEIR-00093", "kept in bucket checkpoints", "replaces"]);
    let other = || {
        Start::of(&project)
            .set("weir.stream.checkpoint-store.type=directory")
            .set("weir.stream.checkpoint-store.directory=blobs")
    };
    refused(other(), &["WEIR-00093", "kept in bucket checkpoints"]);
    let place = format!("bucket checkpoints at {}", server.endpoint());
    let replaces = format!("weir.stream.checkpoint-store.replaces=\"{place}\"");
    other().set(&replaces).ready().stop();
    other().ready().stop();
}
