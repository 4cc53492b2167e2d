//! What a workflow writes to and looks up is asked before a node begins to run it: an engine that can't
//! reach it goes on with what it ran, and says why.

use weir_test_servers::{Kafka, Nats, Postgres};

use super::{Desk, NODE, sources};
use crate::sql::store::Store;
use crate::support::flow::{CSV, read, write};
use crate::support::{DEADLINE, Flow, wait_until};

/// An engine that runs a package, and packages that are to follow it.
struct Bench {
    desk: Desk,
    tags: u32,
}

impl Bench {
    fn open() -> Self {
        let desk = Desk::open();
        std::fs::create_dir(desk.sources().join("out")).unwrap();
        desk.upload("good", None);
        desk.done(&["deployment", "activate", "good"]);
        let bench = Self { desk, tags: 0 };
        bench.until("the node to run it", |why| why["current"] == "good");
        bench
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&serde_json::Value) -> bool) {
        wait_until(what, DEADLINE, || holds(&self.desk.json(&["deployment", "why", NODE])));
    }

    /// Deploys a flow that ends in this stage.
    fn activate(&mut self, stages: &[String]) {
        self.tags += 1;
        let tag = format!("p-{}", self.tags);
        let flow = Flow::named("parcels").stage(&read(CSV, ""));
        let flow = stages.iter().fold(flow, |it, stage| it.stage(stage));
        sources(&self.desk.sources(), &flow);
        self.desk.upload(&tag, Some("good"));
        self.desk.done(&["deployment", "activate", &tag]);
    }

    #[track_caller]
    fn refused(&mut self, stages: &[String], code: &str, said: &str) {
        self.activate(stages);
        self.until(said, |why| {
            let cause = &why["failure"]["cause"];
            cause["code"] == code && cause.to_string().contains(said)
        });
        let why = self.desk.done(&["deployment", "why", NODE]);
        assert!(why.contains("runs:        good"), "{why}");
        assert!(!why.contains("a-password-for-tests") && !why.contains("another-word"), "{why}");
    }

    #[track_caller]
    fn runs(&mut self, stages: &[String]) {
        self.activate(stages);
        let tag = format!("p-{}", self.tags);
        self.until("the node to run it", |why| why["current"] == tag.as_str());
        self.desk.done(&["deployment", "activate", "good"]);
        self.until("the node to run the first again", |why| why["current"] == "good");
    }
}

fn sql(store: &Store<'_>, more: &str) -> String {
    let connection = store.connection();
    format!(
        "{{ name: write, from: read, sink: {{ sql: {{ connection: {connection}, {more} }} }} }}"
    )
}

#[test]
fn a_database_that_turns_away_or_has_no_such_table_is_not_deployed() {
    let store = Store::postgres(Postgres::shared());
    store.ask("CREATE TABLE parcels (id bigint PRIMARY KEY, amount double precision)");
    store.ask("CREATE TABLE narrow (id bigint PRIMARY KEY)");
    let mut bench = Bench::open();
    let good = sql(&store, "table: parcels");
    bench.refused(
        &[good.replace("a-password-for-tests", "another-word")],
        "WEIR-04361",
        "does not let the user weir in",
    );
    bench.refused(&[sql(&store, "table: elsewhere")], "WEIR-04362", "has no table");
    bench.refused(&[sql(&store, "table: narrow")], "WEIR-04362", "amount");
    let (before, rest) = good.split_once("@").unwrap();
    let database = rest.split_once('/').unwrap().1;
    bench.refused(&[format!("{before}@127.0.0.1:1/{database}")], "WEIR-04360", "stage write");
    let enrich = |table: &str| {
        format!(
            "{{ name: look, from: read, processor: {{ enrich: {{ connection: {}, table: {table}, \
             on: {{ id: id }}, take: [{{ name: known, type: float64 }}] }} }} }}",
            store.connection()
        )
    };
    bench.refused(&[enrich("elsewhere"), write("look", "")], "WEIR-04362", "stage look");
    bench.runs(&[good]);
    bench.runs(&[sql(&store, "table: made_later, createTable: true")]);
    assert_eq!(store.ask("SELECT to_regclass('made_later') IS NULL"), ["t"], "nothing was made");
    bench.desk.weir.stop();
}

#[test]
fn brokers_hosts_and_directories_that_are_not_there_are_not_deployed() {
    // The client of NATS logs as an error that it is turned away: so the engine is not stopped in the end.
    let (nats, kafka) = (Nats::start(), Kafka::shared());
    nats.make_stream("OUT", &["out.>"]);
    let mut bench = Bench::open();
    let to_nats = |subject: &str, password: &str| {
        format!(
            "{{ name: write, from: read, sink: {{ nats: {{ connection: {{ servers: [\"{}\"], user: {}, \
             password: {password} }}, subject: {subject}, format: {{ type: json }} }} }} }}",
            nats.url(),
            Nats::USER,
        )
    };
    bench.refused(&[to_nats("out.a", "another-word")], "WEIR-04401", "turns us away");
    bench.refused(&[to_nats("other.a", Nats::PASSWORD)], "WEIR-04403", "takes the subject other.a");
    bench.runs(&[to_nats("out.a", Nats::PASSWORD)]);
    let to_kafka = |topic: &str, brokers: &str| {
        format!(
            "{{ name: write, from: read, sink: {{ kafka: {{ connection: {{ brokers: [\"{brokers}\"], \
             timeout: 3s }}, topic: {topic}, format: {{ type: json }} }} }} }}"
        )
    };
    bench.refused(&[to_kafka("never-made", &kafka.plain())], "WEIR-04334", "never-made");
    bench.refused(&[to_kafka("never-made", "127.0.0.1:1")], "WEIR-04331", "no broker answers");
    let to_http = "{ name: write, from: read, sink: { http: { connection: { url: \
                   \"http://127.0.0.1:1/orders\" }, format: { type: json } } } }";
    bench.refused(&[to_http.to_owned()], "WEIR-04420", "can't be reached");
    let absent = write("read", "createDirectory: false").replace("out,", "absent/out,");
    bench.refused(&[absent], "WEIR-04210", "does not exist");
    bench.runs(&["{ name: write, from: read, sink: { stdout: {} } }".to_owned()]);
}
