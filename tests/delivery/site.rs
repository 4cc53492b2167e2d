//! Where the script takes place: a configuration server that knows nothing yet, a cluster of one, a cluster of three
//! engines that share a database, and the project.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use weir_secrets::{Binding, PrivateKey, SealedSecret, Secret, write_private};
use weir_test_servers::{Database, MariaDb};

use crate::support::{DEADLINE, Ran, Server, binary, files, free_port, wait_for};

/// The secret, whose length comes out.
pub(super) const PIN: &str = "planted-pin-4711";

pub(super) const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  stages:
    - name: read
      source:
        file:
          directory: in
          interval: 50ms
          stableTime: 0s
          format: { type: csv, schema: [{ name: id, type: int64 }] }
          done: { directory: done }
          error: { directory: error }
    - name: map
      from: read
      processor:
        mapping: { set: { id: \"id * 1\", place: \"'${env:PLACE}'\", pin: \"length('${sec:PIN}')\" } }
    - name: write
      from: map
      sink:
        file: { directory: out, name: \"${item:stem}.jsonl\", format: { type: json }, createDirectory: true }
";

/// With a stage that is not there.
pub(super) const BROKEN: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  stages:
    - name: read
      source:
        file: { directory: in, format: { type: csv, schema: [{ name: id, type: int64 }] }, done: { directory: done } }
    - name: write
      from: raed
      sink:
        file: { directory: out, name: \"${item:stem}.jsonl\", format: { type: json }, createDirectory: true }
";

/// The workflow after the change.
pub(super) fn changed() -> String {
    WORKFLOW.replace("id * 1\"", "id * 10\"")
}

pub(super) fn environment(place: &str) -> String {
    format!(
        "apiVersion: weir/v1\nkind: Environment\nmetadata: {{ name: {place} }}\n\
         spec: {{ values: {{ PLACE: {place} }} }}\n"
    )
}

/// The files of the project, but for its workflow. The secret is sealed to those who work on it, and to no cluster.
pub(super) fn asset_files(site: &Site) -> Vec<(&'static str, String)> {
    let binding = Binding { project: "shop".parse().unwrap(), name: "PIN".parse().unwrap() };
    let value = Secret::from(PIN.to_owned());
    let sealed = SealedSecret::seal(&value, binding, &[site.team.public()]).unwrap();
    let secret = format!(
        "apiVersion: weir/v1\nkind: Secret\nmetadata: {{ name: site }}\nspec:\n  values:\n    PIN: {sealed}\n"
    );
    let project = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shop }\n\
                   spec: { secrets: [site], environments: [test] }\n";
    vec![
        ("environments/test.yaml", environment("test")),
        ("environments/prod.yaml", environment("prod")),
        ("secrets/site.yaml", secret),
        ("project.yaml", project.to_owned()),
    ]
}

pub(super) struct Site {
    pub(super) design: Server,
    trial: Option<Server>,
    east: Vec<Server>,
    team: PrivateKey,
    root: TempDir,
}

impl Site {
    /// A server that knows nothing, but has the key of those who work on its projects.
    pub(super) fn empty() -> Self {
        let root = TempDir::new().unwrap();
        let team = PrivateKey::generate();
        let key = root.path().join("team.key");
        write_private(&key, &team.to_text()).unwrap();
        for place in ["test", "prod"] {
            fs::create_dir_all(root.path().join(place).join("in")).unwrap();
        }
        let keys = format!("weir.config-server.project-keys=[\"{}\"]", key.display());
        let design = Server::design(&root.path().join("design"), &[keys]);
        Self { design, trial: None, east: Vec::new(), team, root }
    }

    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where the paths of the project begin on engines.
    pub(super) fn base_dir(&self, place: &str) -> PathBuf {
        self.root().join(place)
    }

    pub(super) fn trial(&self) -> &Server {
        self.trial.as_ref().expect("it was started")
    }

    pub(super) fn east(&self) -> &[Server] {
        &self.east
    }

    /// A cluster of one, and one of three on a database of their own: they let in users of the server, and take
    /// packages that it signed, and nobody else's.
    pub(super) fn start_clusters(&mut self, issuer: &Value) {
        let [issuer, signer] = ["setting", "signer"].map(|it| issuer[it].as_str().unwrap());
        let signers = format!("weir.packages.trusted-signers=[\"{signer}\"]");
        let trial = self.root().join("trial");
        self.trial = Some(Server::engine_with(&trial, issuer, std::slice::from_ref(&signers)));
        let master = self.root().join("master.key");
        Ran::of(binary().args(["key", "master"]).arg(&master)).ended(0);
        let database = MariaDb::shared().database();
        let ports: [u16; 3] = std::array::from_fn(|_| free_port());
        let shared = shared(&database, &ports, &master);
        for (at, port) in ports.iter().enumerate() {
            let name = format!("node-{}", at + 1);
            let own = [
                signers.clone(),
                format!("weir.node.name={name}"),
                format!("weir.cluster.bind.port={port}"),
                format!("weir.cluster.canonical.port={port}"),
            ];
            let settings = [&own[..], &shared].concat();
            self.east.push(Server::engine_with(&self.root().join(&name), issuer, &settings));
        }
    }

    /// Lets one record in, and waits for what comes out of it.
    #[track_caller]
    pub(super) fn comes_out(&self, place: &str, item: &str, wanted: &Value) {
        let (dir, draft) = (self.base_dir(place), self.root().join("draft"));
        fs::write(&draft, "id\n1\n").unwrap();
        fs::rename(&draft, dir.join("in").join(format!("{item}.csv"))).unwrap();
        let out = dir.join("out").join(format!("{item}.jsonl"));
        let text = wait_for(&format!("{} to be there", out.display()), DEADLINE, || {
            fs::read_to_string(&out).ok()
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *wanted);
    }

    /// The value of the secret is in no file of any server: no package, no journal, no log.
    #[track_caller]
    pub(super) fn check_secret_unseen(&self) {
        for name in files::below(self.root()) {
            let held = fs::read(self.root().join(&name)).unwrap_or_default();
            assert!(!held.windows(PIN.len()).any(|it| it == PIN.as_bytes()), "{name}");
        }
    }
}

/// What the three engines have in common.
fn shared(database: &Database, ports: &[u16], master: &Path) -> Vec<String> {
    let Database { host, port, name, user, password } = database;
    let journal = "weir.persistence.journal";
    let seeds: Vec<_> = ports.iter().map(|it| format!("\"weir://weir@127.0.0.1:{it}\"")).collect();
    vec![
        format!("{journal}.plugin=mariadb"),
        format!("{journal}.mysql.host={host}"),
        format!("{journal}.mysql.port={port}"),
        format!("{journal}.mysql.database={name}"),
        format!("{journal}.mysql.user={user}"),
        format!("{journal}.mysql.password=\"{password}\""),
        format!("{journal}.mysql.tls.mode=off"),
        format!("{journal}.schema.migrate=automatic"),
        "weir.cluster.bind.host=127.0.0.1".to_owned(),
        "weir.cluster.canonical.host=127.0.0.1".to_owned(),
        format!("weir.cluster.seed-nodes=[{}]", seeds.join(",")),
        format!("weir.secrets.master-key.file={}", master.display()),
    ]
}
