//! Peeks from outside: a configuration server looks at what sources have and finds its format, and the workflows that
//! run afterwards read all of it, as if nobody had looked.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use axum::http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_secrets::{Binding, PrivateKey, SealedSecret, Secret, write_private};
use weir_test_servers::{Kafka, MariaDb, Nats, Postgres, S3, Sent};

use crate::sql::store::Store;
use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Ran, Server, Start, binary, wait_until};

/// A configuration server that runs nothing.
struct Desk {
    server: Server,
    ada: String,
    _root: TempDir,
}

impl Desk {
    fn new(settings: &[String]) -> Self {
        let root = TempDir::new().unwrap();
        let server = Server::design(root.path(), settings);
        let ada = server.set_up();
        Self { server, ada, _root: root }
    }

    fn open(project: &Project) -> Self {
        let desk = Self::new(&[]);
        desk.server.done("projects:open", &desk.ada, &json!({ "directory": project.dir() }));
        desk
    }

    fn ask(&self, token: &str, project: &str, body: &Value) -> (u16, Value) {
        let path = format!("projects/{project}/workflows/peeked/peeks");
        self.server.ask(Method::POST, &path, token, body)
    }

    #[track_caller]
    fn peek(&self, body: &Value) -> Value {
        let (status, answer) = self.ask(&self.ada, "test", body);
        assert_eq!(status, 200, "{answer:#}");
        answer
    }

    /// Status, code and detail of a refusal.
    #[track_caller]
    fn refused(&self, body: &Value) -> (u16, String, String) {
        let (status, answer) = self.ask(&self.ada, "test", body);
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("hint").is_empty(), "{answer:#}");
        (status, text("code"), text("detail"))
    }
}

/// From this source to files.
fn flow(source: &str) -> Flow {
    Flow::named("peeked").stage(&format!("{{ name: read, source: {source} }}")).stage(&sink(
        "write",
        "read",
        "${stream}.jsonl",
        JSON,
        "onExisting: counter",
    ))
}

fn types(answer: &Value) -> BTreeMap<&str, &str> {
    let fields = answer["format"]["fields"].as_array().unwrap().iter();
    fields.map(|it| (it["path"].as_str().unwrap(), it["type"].as_str().unwrap())).collect()
}

/// Runs the project until each of so many records is published once.
fn assert_reads_all(project: &Project, count: u64) {
    let start = Start::of(project).set("weir.stream.checkpoint-interval=100ms");
    let weir = start.ready();
    wait_until("all records", DEADLINE, || project.published().len() as u64 >= count);
    weir.stop();
    let mut found: Vec<_> =
        project.published().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, (0..count).collect::<Vec<_>>());
}

fn bodies(count: u64) -> Vec<String> {
    (0..count).map(|it| format!("{{\"id\":{it},\n\"password\":\"planted\"}}")).collect()
}

/// A format that is enough for the workflow to be valid: the peek finds the other field.
const FIELDS: &str = "{ type: json, schema: [{ name: id, type: int64 }] }";

#[test]
fn a_topic_is_peeked_at_its_end_and_no_group_is_told() {
    let broker = Kafka::shared();
    let at = |topic: &str| {
        format!(
            "{{ kafka: {{ connection: {{ brokers: [\"{}\"] }}, topics: [{topic}], group: watchers, \
             format: {FIELDS} }} }}",
            broker.plain()
        )
    };
    broker.topic("peeked", 1, &[]);
    let texts = bodies(50);
    broker.send("peeked", texts.iter().map(|it| Sent::body(it)));
    let project = Project::of(&flow(&at("peeked")));
    let desk = Desk::open(&project);
    let peek = desk.peek(&json!({ "records": 10, "show": 1 }));
    assert_eq!(types(&peek), BTreeMap::from([("id", "int64"), ("password", "string")]));
    assert_eq!(peek["format"]["records"], 10);
    // The newest ones.
    assert_eq!(peek["records"], json!([{ "id": 40, "password": "***" }]));
    for group in ["watchers", "weir"] {
        assert_eq!(broker.committed(group, "peeked", 0), None);
    }
    assert_reads_all(&project, 50);
    project.asset("workflow.yaml", &flow(&at("nowhere")).yaml());
    let (status, code, detail) = desk.refused(&json!({}));
    assert!(status == 422 && detail.contains("nowhere"), "{status} {code} {detail}");
    broker.topic("silent", 1, &[]);
    project.asset("workflow.yaml", &flow(&at("silent")).yaml());
    let (status, code, detail) = desk.refused(&json!({ "withinMs": 500 }));
    assert_eq!((status, code.as_str()), (422, "WEIR-03166"), "{detail}");
}

#[test]
fn a_stream_and_subjects_of_nats_lose_nothing_to_a_peek() {
    let server = Nats::start();
    server.make_stream("KEPT", &["kept.*"]);
    server.make_queue("QUEUE", &["queue.*"]);
    server.publish("kept.a", bodies(20));
    server.publish("queue.a", bodies(3));
    let at = |what: &str| {
        format!(
            "{{ nats: {{ connection: {{ servers: [\"{}\"], user: {}, password: {} }}, {what}, \
             format: {FIELDS} }} }}",
            server.url(),
            Nats::USER,
            Nats::PASSWORD
        )
    };
    let project = Project::of(&flow(&at("stream: KEPT")));
    let desk = Desk::open(&project);
    let peek = desk.peek(&json!({ "records": 5, "show": 1 }));
    assert_eq!(peek["records"][0]["id"], 15);
    assert_eq!(types(&peek)["password"], "string");
    project.asset("workflow.yaml", &flow(&at("stream: KEPT, subject: kept.a")).yaml());
    assert_eq!(desk.peek(&json!({ "records": 5, "show": 1 }))["records"][0]["id"], 0);
    project.asset("workflow.yaml", &flow(&at("stream: QUEUE")).yaml());
    let (status, code, detail) = desk.refused(&json!({}));
    assert_eq!((status, code.as_str()), (422, "WEIR-03165"), "{detail}");
    assert_eq!((server.count("KEPT"), server.count("QUEUE")), (20, 3));
    project.asset("workflow.yaml", &flow(&at("stream: KEPT")).yaml());
    assert_reads_all(&project, 20);

    // The workflow is alone in its queue group, and the peek is not in it.
    let live = Project::of(&flow(&at("subject: live, queueGroup: all")));
    let weir = Start::of(&live).set("weir.stream.checkpoint-interval=100ms").ready();
    let desk = Desk::open(&live);
    let (is_over, told) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let id = told.fetch_add(1, Ordering::Relaxed);
                server.tell("live", [format!("{{\"id\":{id}}}")]);
            }
        });
        let peek = desk.ask(&desk.ada, "test", &json!({ "records": 3 }));
        is_over.store(true, Ordering::Relaxed);
        assert_eq!((peek.0, &peek.1["format"]["records"]), (200, &json!(3)), "{peek:?}");
    });
    // What was told before the workflow listened is nobody's; from then on it misses nothing.
    let last = u64::from(told.load(Ordering::Relaxed)) - 1;
    let ids = || live.published().iter().map(|it| it["id"].as_u64().unwrap()).collect::<Vec<_>>();
    wait_until("the last one", DEADLINE, || ids().contains(&last));
    weir.stop();
    let mut ids = ids();
    ids.sort_unstable();
    assert_eq!(ids, (ids[0]..=last).collect::<Vec<_>>());
}

fn of_table(project: &Project, store: &Store<'_>) {
    let rows: Vec<_> = (0..30).map(|it| format!("({it}, 1.50, 'planted')")).collect();
    let columns = "id bigint NOT NULL PRIMARY KEY, price decimal(10,2), password varchar(20)";
    store.ask(&format!("CREATE TABLE peeked ({columns})"));
    store.ask(&format!("INSERT INTO peeked VALUES {}", rows.join(", ")));
    let at = |more: &str| {
        let connection = store.connection();
        format!("{{ sql: {{ connection: {connection}, {more}, increasing: id, lag: 1h }} }}")
    };
    project.asset("workflow.yaml", &flow(&at("table: peeked")).yaml());
    let desk = Desk::open(project);
    let peek = desk.peek(&json!({ "records": 5, "show": 2 }));
    assert_eq!(peek["format"]["records"], 5);
    assert_eq!(types(&peek)["id"], "int64");
    assert!(types(&peek)["price"].starts_with("decimal"), "{peek:#}");
    assert_eq!(
        (&peek["records"][1]["id"], &peek["records"][1]["password"]),
        (&json!(1), &json!("***"))
    );
    let query = flow(&at("query: \"SELECT id FROM peeked WHERE id > 27\"")).yaml();
    project.asset("workflow.yaml", &query);
    assert_eq!(desk.peek(&json!({}))["format"]["records"], 2);
    project.asset("workflow.yaml", &flow(&at("table: nowhere")).yaml());
    let (status, code, detail) = desk.refused(&json!({}));
    assert!(status == 422 && detail.contains("nowhere"), "{status} {code} {detail}");
    project
        .asset("workflow.yaml", &flow(&at("table: peeked").replace("lag: 1h", "lag: 0s")).yaml());
    assert_reads_all(project, 30);
}

#[test]
fn a_table_of_postgresql_is_peeked_at_with_its_types() {
    of_table(&Project::empty(), &Store::postgres(Postgres::shared()));
}

#[test]
fn a_table_of_mariadb_is_peeked_at_with_its_types() {
    of_table(&Project::empty(), &Store::mariadb(MariaDb::shared()));
}

#[test]
fn files_and_lines_stay_where_they_are() {
    let files = "{ file: { directory: in, interval: 50ms, stableTime: 0s, format: FORMAT, \
                 done: { directory: done } } }";
    let project = Project::of(&flow(&files.replace("FORMAT", "{ type: raw }")));
    let rows: String = (0..40).map(|it| format!("{it};\"a\nb\"\r\n")).collect();
    project.put("empty.csv", "");
    project.put("z.csv", format!("id;text\r\n{rows}"));
    let desk = Desk::open(&project);
    let peek = desk.peek(&json!({ "name": "orders", "records": 10, "show": 1 }));
    let text = peek["format"]["text"].as_str().unwrap();
    assert!(text.contains("delimiter"), "{text}");
    assert_eq!(types(&peek), BTreeMap::from([("id", "int64"), ("text", "string")]));
    assert_eq!(peek["isCut"], true);
    assert_eq!(project.files("in"), ["empty.csv", "z.csv"]);
    // As the command does it, and what is found reads the files.
    let listed =
        ["schema", "infer", "--project", "test", "--workflow", "peeked", "--name", "orders"];
    let token = ("WEIR_TOKEN", desk.ada.as_str());
    let ran = Ran::of(
        binary()
            .args(["--server", &desk.server.url])
            .args(listed)
            .args(["--show", "1"])
            .env(token.0, token.1),
    );
    let ran = ran.ended(0);
    assert!(ran.stderr.contains("\"id\":0"), "{}", ran.stderr);
    project.asset("formats/orders.yaml", &ran.stdout);
    project.asset("workflow.yaml", &flow(&files.replace("FORMAT", "orders")).yaml());
    assert_reads_all(&project, 40);

    let lines = "{ tail: { directory: log, start: end, format: { type: raw } } }";
    let project = Project::of(&flow(lines));
    fs::create_dir(project.path("log")).unwrap();
    let desk = Desk::open(&project);
    let (status, code, _) = desk.refused(&json!({ "withinMs": 300 }));
    assert_eq!((status, code.as_str()), (422, "WEIR-03166"));
    fs::write(project.path("log/a.log"), "{\"id\":0}\n{\"id\":1}\n").unwrap();
    assert_eq!(types(&desk.peek(&json!({}))), BTreeMap::from([("id", "int64")]));
    project.asset(
        "workflow.yaml",
        &flow(&lines.replace("start: end", "start: beginning").replace("{ type: raw }", FIELDS))
            .yaml(),
    );
    assert_reads_all(&project, 2);
    // Nothing of the server's machine but the project.
    for (directory, glob) in [("/etc", "passwd"), ("../data", "*"), ("log/../..", "*")] {
        let lines =
            lines.replace("log", directory).replace("start", &format!("glob: \"{glob}\", start"));
        project.asset("workflow.yaml", &flow(&lines).yaml());
        let (status, code, detail) = desk.refused(&json!({}));
        assert_eq!((status, code.as_str()), (422, "WEIR-03167"), "{detail}");
    }
    std::os::unix::fs::symlink("/etc/passwd", project.path("log/b.log")).unwrap();
    fs::remove_file(project.path("log/a.log")).unwrap();
    project.asset("workflow.yaml", &flow(lines).yaml());
    assert_eq!(desk.refused(&json!({ "withinMs": 300 })).1, "WEIR-03166");
    let sqlite = "{ sql: { connection: { url: \"sqlite:../data/weir.db\" }, table: users, increasing: id } }";
    project.asset("workflow.yaml", &flow(sqlite).yaml());
    assert_eq!(desk.refused(&json!({})).1, "WEIR-03167");
}

#[test]
fn objects_stay_in_their_bucket() {
    let server = S3::start();
    server.bucket("peeked");
    let lines: String = (0..20).map(|it| format!("{{\"id\":{it}}}\n")).collect();
    server.put("peeked", "in/a.jsonl", lines.as_bytes());
    let source = format!(
        "{{ objects: {{ connection: {{ s3: {{ bucket: peeked, endpoint: \"{}\", allowHttp: true, \
         accessKeyId: {}, secretAccessKey: {} }} }}, prefix: in, interval: 50ms, format: {JSON}, \
         done: delete }} }}",
        server.endpoint(),
        S3::ACCESS_KEY,
        S3::SECRET_KEY
    );
    let project = Project::of(&flow(&source));
    let desk = Desk::open(&project);
    let peek = desk.peek(&json!({ "records": 5 }));
    assert_eq!(types(&peek), BTreeMap::from([("id", "int64")]));
    assert_eq!(server.keys("peeked"), ["in/a.jsonl"]);
    assert_reads_all(&project, 20);
}

#[test]
fn an_address_is_asked_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|it| !it.is_empty()).for_each(drop);
            counted.fetch_add(1, Ordering::Relaxed);
            let body = r#"{"next":1,"items":[{"id":0,"at":"x"},{"id":1,"at":"y"}]}"#;
            let head = "HTTP/1.1 200 OK\r\netag: \"one\"\r\nconnection: close";
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    let source = format!(
        "{{ httpPoll: {{ connection: {{ url: \"http://127.0.0.1:{port}/all\" }}, interval: 1h, body: array, \
         records: /items, cursor: {{ parameter: since, pointer: /next }}, format: {FIELDS} }} }}"
    );
    let project = Project::of(&flow(&source));
    let desk = Desk::open(&project);
    let peek = desk.peek(&json!({}));
    assert_eq!(types(&peek), BTreeMap::from([("at", "string"), ("id", "int64")]));
    assert_eq!((asked.load(Ordering::Relaxed), &peek["isCut"]), (1, &json!(false)));
}

#[test]
fn who_peeks_needs_what_it_shows_and_uses() {
    let server = Postgres::shared();
    let store = Store::postgres(server);
    store.ask("CREATE TABLE peeked (id bigint NOT NULL PRIMARY KEY)");
    store.ask("INSERT INTO peeked VALUES (1)");
    let Store::Postgres(_, database) = &store else { panic!("it is one") };
    let keys = TempDir::new().unwrap();
    let (team, file) = (PrivateKey::generate(), keys.path().join("team.key"));
    write_private(&file, &team.to_text()).unwrap();
    let desk = Desk::new(&[format!("weir.config-server.project-keys=[\"{}\"]", file.display())]);
    let made = desk.server.done("projects", &desk.ada, &json!({ "name": "shop" }));
    let write = |name: &str, text: &str| {
        fs::write(format!("{}/{name}", made["directory"].as_str().unwrap()), text).unwrap();
    };
    let seal = |value: &str, key: &PrivateKey| {
        let binding = Binding { project: "shop".parse().unwrap(), name: "PW".parse().unwrap() };
        let sealed = SealedSecret::seal(&Secret::from(value.to_owned()), binding, &[key.public()]);
        let sealed = sealed.unwrap();
        write(
            "site.yaml",
            &format!(
                "apiVersion: weir/v1\nkind: Secret\nmetadata: {{ name: site }}\nspec:\n  values:\n    PW: {sealed}\n"
            ),
        );
    };
    let connection = store.connection();
    let known = format!("password: {}", database.password);
    let at = |connection: &str| {
        format!("{{ sql: {{ connection: {connection}, table: peeked, increasing: id }} }}")
    };
    let about =
        "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shop }\nspec: { secrets: [site] }\n";
    write("project.yaml", about);
    seal(&database.password, &team);
    write("workflow.yaml", &flow(&at(&connection)).yaml());

    let login = |name: &str, claims: &[&str]| {
        let role = json!({ "name": name, "claims": claims, "scope": { "projects": ["shop"] } });
        desk.server.done("roles", &desk.ada, &role);
        let first = "a password of his";
        desk.server.done(
            "users",
            &desk.ada,
            &json!({ "name": name, "password": first, "roles": [name] }),
        );
        let session = desk.server.done("log-in", "", &json!({ "name": name, "password": first }));
        let session = session["token"].as_str().unwrap().to_owned();
        let change = json!({ "current": first, "new": "another password of his" });
        desk.server.done("me/password", &session, &change);
        session
    };
    let tester = login("tester", &["project:read", "service:test"]);
    let looker = login("looker", &["project:read", "service:test", "stream:sniff"]);
    let author = login("author", &["project:read", "project:write", "stream:sniff"]);
    let status = |token: &str, body: &Value| desk.ask(token, "shop", body).0;
    let (reach, look) = (json!({ "records": 0 }), json!({}));
    let draft =
        json!({ "drafts": [{ "path": "workflow.yaml", "text": flow(&at(&connection)).yaml() }] });
    assert_eq!((status(&tester, &reach), status(&tester, &look)), (200, 403));
    assert_eq!((status(&looker, &look), status(&looker, &draft)), (200, 403));
    assert_eq!((status(&author, &reach), status(&desk.ada, &draft)), (403, 200));

    write(
        "workflow.yaml",
        &flow(&at(&connection.replace(&known, "password: \"${sec:PW}\""))).yaml(),
    );
    let (is_refused, problem) = desk.ask(&looker, "shop", &look);
    assert!(is_refused == 403 && problem.to_string().contains("deployment:write"), "{problem}");
    let (is_shown, peek) = desk.ask(&desk.ada, "shop", &look);
    assert_eq!((is_shown, &peek["format"]["records"]), (200, &json!(1)), "{peek}");
    assert!(!peek.to_string().contains(&database.password), "{peek}");
    seal("planted-and-wrong", &team);
    let (is_refused, problem) = desk.ask(&desk.ada, "shop", &look);
    assert!(
        is_refused == 422 && !problem.to_string().contains("planted"),
        "{is_refused} {problem}"
    );
    seal("planted", &PrivateKey::generate());
    let (is_refused, problem) = desk.ask(&desk.ada, "shop", &look);
    assert!(is_refused == 422 && problem.to_string().contains("project-keys"), "{problem}");
    assert!(!desk.server.log().contains("planted"));
}
