//! A configuration server with users of its own and clusters that trust it, or don't: who is let in where,
//! and what is left when somebody is killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_http_client::{Client, Forwarded};
use weir_test_servers::{Database, MariaDb};

use crate::support::{
    DEADLINE, PASSWORD, Ran, Server, ask, binary, free_port, wait_for, wait_until,
};

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: copy }
spec:
  stages:
    - name: read
      source:
        file: { directory: in, interval: 1s, stableTime: 0s, format: { type: json }, done: { directory: done } }
    - name: write
      from: read
      sink:
        file: { directory: out, name: \"${item}\", format: { type: json }, createDirectory: true }
";

/// What pretends to be an engine, and keeps what it is shown.
struct Spy {
    url: String,
    shown: Arc<Mutex<String>>,
}

impl Spy {
    fn of_cluster(id: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shown = Arc::<Mutex<String>>::default();
        let (heard, cluster) = (shown.clone(), json!({ "id": id, "name": "spy" }));
        let version =
            json!({ "server": "reactive-engine", "version": "0", "api": "v1", "cluster": cluster });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), mut bytes) = (stream, [0; 64 << 10]) else { return };
                let count = stream.read(&mut bytes).unwrap_or(0);
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                let body =
                    if text.contains("/version") { version.to_string() } else { "{}".into() };
                heard.lock().unwrap().push_str(&text);
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { url, shown }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// The newest voucher that it was shown.
    fn voucher(&self) -> String {
        let shown = self.shown();
        let begin = shown.rfind("weir-voucher.").expect("it was shown a voucher");
        shown[begin..].split_whitespace().next().unwrap().to_owned()
    }
}

#[test]
fn a_user_of_the_server_is_let_in_where_it_is_trusted_and_nowhere_else() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    let east = Server::engine(&root.path().join("east"), &server.issuer());
    let west = Server::engine(&root.path().join("west"), "");
    server.add("east", &east.url, &ada);
    server.add("west", &west.url, &ada);

    let me = |cluster: &str| server.get(&format!("clusters/{cluster}/me"), &ada).1;
    assert_eq!(
        (&me("east")["user"], &me("east")["via"]),
        (&json!("ada@config"), &json!("voucher"))
    );
    let (status, nodes) = server.get("clusters/east/nodes", &ada);
    assert_eq!((status, nodes["items"].as_array().map(Vec::len)), (200, Some(1)), "{nodes}");
    let (status, refused) = server.get("clusters/west/nodes", &ada);
    let detail = "the cluster west does not take this server's word for its users, or not now";
    assert_eq!((status, &refused["detail"]), (403, &json!(detail)));

    // What she does there is put down to her, and to the server that vouched.
    let role = json!({ "name": "watch", "claims": ["cluster:read"], "scope": "everything",
        "description": "" });
    server.done("clusters/east/roles", &ada, &role);
    let audit = server.get("clusters/east/audit", &ada).1;
    assert_eq!(audit["items"][0]["user"], "ada@config", "{audit:#}");
    assert_eq!(audit["items"][0]["action"], "role create");
    // And what she did here stands here.
    let audit = server.get("audit", &ada).1.to_string();
    assert!(audit.contains("cluster add") && !audit.contains("role create"), "{audit}");

    // Somebody who may little here may little there.
    let bob = json!({ "name": "bob", "password": "a password of his", "roles": ["monitoring"] });
    server.done("users", &ada, &bob);
    let first = json!({ "name": "bob", "password": "a password of his" });
    let session = server.done("log-in", "", &first)["token"].as_str().unwrap().to_owned();
    assert_eq!(server.get("clusters/east/nodes", &session).0, 403, "the password is not his own");
    let change = json!({ "current": "a password of his", "new": PASSWORD });
    let path = "me/password";
    let (status, answer) = server.ask(Method::POST, path, &session, &change);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(server.get("clusters/east/nodes", &session).0, 200);
    let role = json!({ "name": "mine", "claims": ["key:export"], "scope": "everything",
        "description": "" });
    assert_eq!(server.ask(Method::POST, "clusters/east/roles", &session, &role).0, 403);

    // A role for one cluster holds there, and neither at others nor of what is the server's own.
    let north = Server::engine(&root.path().join("north"), &server.issuer());
    server.add("north", &north.url, &ada);
    let role = json!({ "name": "keys-at-east", "claims": ["key:read", "key:write", "user:read"],
        "scope": { "clusters": ["east"] } });
    server.done("roles", &ada, &role);
    let roles = json!({ "roles": ["keys-at-east"] });
    assert_eq!(server.ask(Method::PATCH, "users/bob", &ada, &roles).0, 200);
    // What a server believed of him it believes for three seconds.
    wait_until("the new role to count", DEADLINE, || server.get("users", &session).0 == 403);
    let key = json!({ "alias": "of-bob" });
    let made = |cluster: &str| {
        let path = format!("clusters/{cluster}/keys");
        server.ask(Method::POST, &path, &session, &key).0
    };
    assert_eq!((made("east"), made("north")), (200, 403));
    let me = server.get("me", &session).1;
    assert_eq!(
        (&me["grants"], &me["atClusters"]["east"]["key:write"]),
        (&json!({}), &json!("everything"))
    );

    // Out at once where the server is asked; engines are shown nothing any more.
    let disabled = server.ask(Method::PATCH, "users/bob", &ada, &json!({ "enabled": false }));
    assert_eq!(disabled.0, 200);
    assert_eq!(server.get("clusters/east/nodes", &session).0, 401);
}

#[test]
fn what_is_followed_at_a_cluster_ends_with_the_log_in() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    let east = Server::engine(&root.path().join("east"), &server.issuer());
    server.add("east", &east.url, &ada);
    let session = server.log_in("ada");
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET /api/v1/clusters/east/live?topics=nodes HTTP/1.1\r\nhost: {address}\r\n\
         authorization: Bearer {session}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while !line.contains("\"topic\":\"nodes\"") {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "it goes on");
    }
    server.done("log-out", &session, &json!({}));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).expect("it ends long before what the engine was shown does");
    assert_eq!(server.get("clusters/east/nodes", &session).0, 401);
    assert_eq!(server.get("clusters/east/nodes", &ada).0, 200);
}

#[test]
fn an_engine_is_shown_no_log_in_and_nothing_that_opens_another_cluster() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    let east = Server::engine(&root.path().join("east"), &server.issuer());
    let spy = Spy::of_cluster("01970000-0000-7000-8000-00000000000a");
    server.add("spy", &spy.url, &ada);
    server.get("clusters/spy/workflows", &ada);
    assert!(spy.shown().contains("/api/v1/workflows"));
    assert!(!spy.shown().contains("weir_"), "a log-in was shown: {}", spy.shown());

    let refused = |voucher: &str| {
        let (status, problem) = east.get("nodes", voucher);
        assert_eq!(status, 401, "{problem}");
        problem["detail"].as_str().unwrap().to_owned()
    };
    let voucher = spy.voucher();
    assert_eq!(refused(&voucher), "the voucher is for another cluster");
    let (head, tail) = voucher.rsplit_once('.').unwrap();
    let other = if tail.starts_with('A') { "B" } else { "A" };
    let forged = refused(&format!("{head}.{other}{}", &tail[1..]));
    assert!(forged.contains("does not trust"), "{forged}");

    // One that claims to be another cluster, which is known, gets nothing at all.
    server.add("east", &east.url, &ada);
    let id = server.get("clusters/east", &ada).1["id"].as_str().unwrap().to_owned();
    let thief = Spy::of_cluster(&id);
    let found = server.add("thief", &thief.url, &ada);
    assert!(found["standing"]["cause"].as_str().unwrap().contains("east"), "{found:#}");
    assert_eq!(server.get("clusters/thief/nodes", &ada).0, 403);
    assert!(!thief.shown().contains("uthorization"), "{}", thief.shown());

    // Nor does one that is not the one that was named when it was added.
    let (meant, other) =
        ("01970000-0000-7000-8000-00000000000c", "01970000-0000-7000-8000-00000000000b");
    let thief = Spy::of_cluster(other);
    let add = json!({ "name": "pinned", "urls": [thief.url], "id": meant });
    let found = server.done("clusters", &ada, &add);
    let cause = found["standing"]["cause"].as_str().unwrap();
    assert!(cause.contains(meant) && cause.contains(other), "{found:#}");
    assert_eq!(server.get("clusters/pinned/nodes", &ada).0, 403);
    assert!(!thief.shown().contains("uthorization"), "{}", thief.shown());
}

#[test]
fn a_deploy_is_vouched_for_step_by_step_and_shows_no_log_in() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    let project = server.done("projects", &ada, &json!({ "name": "flights" }));
    let directory = Path::new(project["directory"].as_str().unwrap());
    fs::write(directory.join("copy.yaml"), WORKFLOW).unwrap();
    let deployed = |cluster: &str, tag: &str| {
        let request = json!({ "cluster": cluster, "build": { "tag": tag } });
        let begun = server.ask(Method::POST, "projects/flights/deploys", &ada, &request);
        assert_eq!(begun.0, 202, "{}", begun.1);
        let path = format!("operations/{}", begun.1["id"].as_str().unwrap());
        wait_for("the deploy to end", DEADLINE, || {
            let (_, operation) = server.get(&path, &ada);
            (operation["state"] != "running").then_some(operation)
        })
    };
    let accepts = "weir.packages.accept-any-signer=true".to_owned();
    let east = Server::engine_with(&root.path().join("east"), &server.issuer(), &[accepts]);
    let west = Server::engine(&root.path().join("west"), "");
    let spy = Spy::of_cluster("01970000-0000-7000-8000-00000000000a");
    for (name, url) in [("east", &east.url), ("west", &west.url), ("spy", &spy.url)] {
        server.add(name, url, &ada);
    }
    let ended = deployed("east", "first");
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    let stored = server.get("clusters/east/deployments", &ada).1.to_string();
    assert!(stored.contains("\"first\""), "{stored}");
    let audit = server.get("clusters/east/audit", &ada).1;
    assert_eq!(audit["items"][0]["user"], "ada@config", "{audit:#}");

    // Who does not believe this server is told apart from who does not know the user.
    let refused = deployed("west", "second");
    assert_eq!((&refused["state"], &refused["problem"]["status"]), (&json!("failed"), &json!(403)));
    let detail = refused["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains("west does not take this server's word"), "{detail}");

    assert_eq!(deployed("spy", "third")["state"], "failed");
    assert!(spy.shown().contains("/api/v1/deployments"), "{}", spy.shown());
    spy.voucher();
    assert!(!spy.shown().contains(&ada), "a log-in was shown: {}", spy.shown());
    let missing = deployed("nowhere", "fourth");
    assert_eq!(missing["problem"]["status"], 404, "{missing:#}");
}

#[test]
fn a_cluster_that_is_gone_is_shown_with_the_cause() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    let mut east = Server::engine(&root.path().join("east"), &server.issuer());
    let added = server.add("east", &east.url, &ada);
    let standing = |it: &Value| it["standing"].clone();
    assert_eq!(standing(&added)["nodesUp"], 1, "{added:#}");
    assert_eq!(standing(&added)["trusts"], true);
    east.kill();
    wait_until("the server to notice", DEADLINE, || {
        let found = standing(&server.get("clusters/east", &ada).1);
        let cause = found["cause"].as_str().unwrap_or_default();
        found["reachable"] == false && cause.contains("does not answer")
    });
    assert_eq!(server.get("clusters/east/nodes", &ada).0, 502);
    assert_eq!(server.get("clusters/nowhere/nodes", &ada).0, 404);
}

#[test]
fn what_a_server_acknowledged_is_there_after_it_was_killed() {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("design");
    let mut server = Server::design(&dir, &[]);
    let ada = server.set_up();
    let acknowledged = Arc::new(Mutex::new(Vec::<String>::new()));
    let (url, token, known) = (server.url.clone(), ada.clone(), acknowledged.clone());
    let adding = std::thread::spawn(move || {
        for number in 0.. {
            let name = format!("c{number}");
            // Nobody listens there: it is refused at once.
            let body = json!({ "name": name, "urls": ["http://127.0.0.1:1"] });
            match ask(&url, Method::POST, "clusters", &token, &body) {
                Some((200, _)) => known.lock().unwrap().push(name),
                _ => return,
            }
        }
    });
    wait_until("some clusters", DEADLINE, || acknowledged.lock().unwrap().len() >= 10);
    server.kill();
    adding.join().unwrap();
    let server = Server::design(&dir, &[]);
    let mut listed = String::new();
    wait_until("the list", DEADLINE, || {
        let (status, page) = server.get("clusters", &ada);
        listed = page.to_string();
        status == 200
    });
    for name in acknowledged.lock().unwrap().iter() {
        assert!(listed.contains(&format!("\"{name}\"")), "{name} was acknowledged: {listed}");
    }
    assert_eq!(server.get("me", &ada).1["user"], "ada", "and the session goes on");
}

#[test]
fn a_backup_of_a_running_server_is_restored_in_an_empty_place() {
    let root = TempDir::new().unwrap();
    let server = Server::design(&root.path().join("design"), &[]);
    let ada = server.set_up();
    server.add("east", "http://127.0.0.1:1", &ada);
    server.done("projects", &ada, &json!({ "name": "flights" }));
    let backup = root.path().join("backup");
    let called = |verb: &str, backup: &Path, data_dir: &Path, more: &[&str]| {
        let data_dir = format!("weir.data-dir={}", data_dir.display());
        let mut command = binary();
        command.args(["config-server", verb]).arg(backup).args(["-D", &data_dir]).args(more);
        Ran::of(&mut command)
    };
    let tool = |verb: &str, data_dir: &Path| called(verb, &backup, data_dir, &[]);
    let (from, to) = (root.path().join("design/data"), root.path().join("other/data"));
    let said = called("backup", &backup, &from, &["--with-keys"]).ended(0).stdout;
    assert!(said.contains("vouching.key is in "), "{said}");
    // Without its keys it says what is lost without them.
    let bare = root.path().join("bare");
    let said = called("backup", &bare, &from, &[]).ended(0).stdout;
    assert!(said.contains("vouching.key: without it clusters"), "{said}");
    assert!(!bare.join("keys/vouching.key").exists());
    // What is damaged is not put in place.
    let damaged = fs::read(bare.join("weir.db")).unwrap();
    fs::write(bare.join("weir.db"), &damaged[..3_000]).unwrap();
    let said = called("restore", &bare, &to, &[]).ended(6).stderr;
    assert!(said.contains("damaged"), "{said}");
    assert!(!to.join("config-server/weir.db").exists() && !to.join("projects").exists());
    // What came after it is not in it, and nothing is overwritten.
    server.add("west", "http://127.0.0.1:1", &ada);
    assert!(tool("backup", &from).ended(6).stderr.contains("WEIR-00188"));
    // What a lost store left beside its place would be taken for a part of the restored one.
    let left = to.join("config-server/weir.db-wal");
    fs::create_dir_all(left.parent().unwrap()).unwrap();
    fs::write(&left, "frames").unwrap();
    assert!(tool("restore", &to).ended(6).stderr.contains("weir.db-wal is there already"));
    fs::remove_file(&left).unwrap();
    tool("restore", &to).ended(0);
    assert!(tool("restore", &to).ended(6).stderr.contains("WEIR-00188"));
    drop(server);
    let key = |of: &Path| fs::read(of.join("config-server/vouching.key")).unwrap();
    assert_eq!(key(&from), key(&to));
    let other = Server::design(&root.path().join("other"), &[]);
    let mut listed = String::new();
    wait_until("the list", DEADLINE, || {
        let (status, page) = other.get("clusters", &ada);
        listed = page.to_string();
        status == 200
    });
    assert!(listed.contains("\"east\"") && !listed.contains("\"west\""), "{listed}");
    assert_eq!(other.get("me", &ada).1["user"], "ada");
    let projects = other.get("projects", &ada).1;
    assert_eq!(
        (&projects["items"][0]["name"], &projects["items"][0]["errors"]),
        (&json!("flights"), &json!(0))
    );
    other.log_in("ada");
    let audit = other.get("audit/head", &ada);
    assert_eq!(audit.0, 200, "the chain is whole: {}", audit.1);
}

/// A server that shares its store with another one, which listens at the second port.
pub(crate) fn shared(name: &str, database: &Database, ports: (u16, u16)) -> Vec<String> {
    let Database { host, port, name: database, user, password } = database;
    let own = "weir.config-server.persistence";
    let seeds =
        format!("\"weir://weir@127.0.0.1:{}\", \"weir://weir@127.0.0.1:{}\"", ports.0, ports.1);
    vec![
        format!("weir.node.name={name}"),
        format!("{own}.plugin=mariadb"),
        format!("{own}.mysql.host={host}"),
        format!("{own}.mysql.port={port}"),
        format!("{own}.mysql.database={database}"),
        format!("{own}.mysql.user={user}"),
        format!("{own}.mysql.password=\"{password}\""),
        format!("{own}.mysql.tls.mode=off"),
        "weir.cluster.bind.host=127.0.0.1".to_owned(),
        format!("weir.cluster.bind.port={}", if name == "a" { ports.0 } else { ports.1 }),
        format!("weir.cluster.seed-nodes=[{seeds}]"),
    ]
}

#[test]
fn another_server_goes_on_where_one_was_killed() {
    let database = MariaDb::shared().database();
    let root = TempDir::new().unwrap();
    let ports = (free_port(), free_port());
    let start =
        |name: &str| Server::design(&root.path().join(name), &shared(name, &database, ports));
    let mut a = start("a");
    let ada = a.set_up();
    let b = start("b");
    let listed = |server: &Server| server.get("clusters", &ada);
    a.add("east", "http://127.0.0.1:1", &ada);
    // Each answers, whoever has the lease.
    wait_until("the other server to know", DEADLINE, || {
        let (status, page) = listed(&b);
        status == 200 && page.to_string().contains("\"east\"")
    });
    b.add("west", "http://127.0.0.1:1", &ada);
    assert!(listed(&a).1.to_string().contains("\"west\""));
    a.kill();
    let south = json!({ "name": "south", "urls": ["http://127.0.0.1:1"] });
    wait_until("the other server to take over", DEADLINE, || {
        ask(&b.url, Method::POST, "clusters", &ada, &south)
            .is_some_and(|it| it.0 == 200 || it.0 == 409)
    });
    let page = listed(&b).1.to_string();
    assert!(["east", "west", "south"].iter().all(|it| page.contains(it)), "{page}");
    assert_eq!(b.get("me", &ada).1["user"], "ada");
    b.log_in("ada");
}

#[test]
fn a_server_whose_store_is_gone_is_not_ready() {
    let mut mariadb = MariaDb::start(Default::default());
    let root = TempDir::new().unwrap();
    let settings = shared("a", &mariadb.database(), (free_port(), free_port()));
    let server = Server::design(root.path(), &settings);
    let ready = || {
        let client = Client::new(&server.url).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = runtime.block_on(client.forward("/readyz?verbose", HeaderMap::new(), None));
        let Forwarded { status, body, .. } = asked.unwrap();
        (status, String::from_utf8(body).unwrap())
    };
    wait_until("the server to be ready", DEADLINE, || ready().0 == 200);
    assert!(ready().1.contains("[+] store: ok"), "{}", ready().1);
    mariadb.kill();
    wait_until("the server to say so", DEADLINE, || {
        let (status, said) = ready();
        status == 503 && said.contains("[-] store: ")
    });
    mariadb.restart();
    wait_until("the server to be ready again", DEADLINE, || ready().0 == 200);
}
