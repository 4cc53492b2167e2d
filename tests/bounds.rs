//! What users of a configuration server let it run, beyond what it gives them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use weir_http_api::TestsRequest;
use weir_http_client::Client;

use crate::support::flow::CSV;
use crate::support::{Flow, Project, Ran, Start, Weir, binary};

/// read → work, a script → write.
const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  stages:
    - name: read
      source: { file: { directory: in, format: { type: csv, schema: [{ name: id, type: int64 }] } } }
    - name: work
      from: read
      processor: { javascript: { script: { file: work.js }, limits: { time: 1h, memory: 64GiB } } }
    - name: write
      from: work
      sink: { file: { directory: out, name: \"${item}\", format: { type: json }, createDirectory: true } }
";

const TEST: &str = "\
apiVersion: weir/v1
kind: Test
metadata: { name: t }
spec:
  workflow: sales
  cases:
    - name: one
      timeout: 10h
      input: { read: [{ rows: [{ id: 1 }] }] }
      expect: { write: { count: 1 } }
";

struct Lab {
    _project: Project,
    weir: Weir,
}

impl Lab {
    /// With a project `shop` whose script does this.
    fn with(script: &str, settings: &[&str]) -> Self {
        let project = Project::of(&Flow::straight(CSV));
        let start = settings.iter().fold(Start::of(&project), |it, more| {
            it.set(&format!("weir.config-server.runs.{more}"))
        });
        let shop: PathBuf = project.root().join("shop");
        fs::create_dir_all(&shop).unwrap();
        let about = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shop }\nspec: {}\n";
        for (name, text) in [
            ("project.yaml", about),
            ("sales.yaml", WORKFLOW),
            ("t.yaml", TEST),
            ("work.js", script),
        ] {
            fs::write(shop.join(name), text).unwrap();
        }
        let lab = Self { weir: start.ready(), _project: project };
        lab.run(&["project", "open", shop.to_str().unwrap()]).done();
        lab
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(binary().args(["--server", self.weir.page()]).args(arguments))
    }

    /// Begins the tests of the project.
    fn test(&self) -> Result<String, weir_http_client::Error> {
        let client = Client::new(self.weir.page()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begun = runtime.block_on(client.project_test("shop", &TestsRequest::default()));
        begun.map(|it| it.id.to_string())
    }

    /// How they ended.
    fn tested(&self) -> Value {
        let id = self.test().unwrap();
        let _ = self.run(&["operation", "watch", &id]);
        self.run(&["operation", "show", &id, "-o", "json"]).json()
    }
}

const ENDLESS: &str = "export function onMessage(row) { while (true); }\n";

#[test]
fn a_case_and_its_script_get_no_more_time_than_the_server_gives() {
    let of_case = Lab::with(ENDLESS, &["case-timeout=1s"]).tested();
    let text = of_case["result"]["cases"][0].to_string();
    assert!(text.contains("it was not done within 1s"), "{of_case:#}");
    let of_script = Lab::with(ENDLESS, &["script-time=200ms"]).tested();
    let text = of_script["result"]["cases"][0].to_string();
    assert!(text.contains("the script took more than 200ms"), "{of_script:#}");
    let of_all = Lab::with(ENDLESS, &["tests-timeout=1s"]).tested();
    assert_eq!(
        (&of_all["state"], &of_all["problem"]["code"]),
        (&json!("failed"), &json!("WEIR-00138")),
        "{of_all:#}"
    );
}

#[test]
fn a_script_gets_no_more_memory_than_the_server_gives() {
    let hoards = "export function onMessage(row) { const a = []; for (;;) a.push({ a }); }\n";
    let lab = Lab::with(hoards, &["script-memory=16MiB"]);
    let tested = lab.tested();
    let text = tested["result"]["cases"][0].to_string();
    assert!(text.contains("the script needs more than 16MiB"), "{tested:#}");
    // The same where the project is only read.
    let lab = Lab::with("const a = []; for (;;) a.push({ a });\n", &["script-memory=16MiB"]);
    let read = lab.run(&["project", "validate", "shop"]);
    let said = "weir.config-server.runs.script-memory";
    assert!(read.stdout.contains(said), "{}\n{}", read.stdout, read.stderr);
}

#[test]
fn one_user_can_not_begin_all_that_a_server_does_at_once() {
    let lab = Lab::with(ENDLESS, &["operations-of-user=1"]);
    let first = lab.test().unwrap();
    let refused = lab.test().unwrap_err().to_string();
    assert!(refused.contains("may have no more"), "{refused}");
    lab.run(&["operation", "cancel", &first]).ended(0);
    let _ = lab.run(&["operation", "watch", &first]);
    lab.test().unwrap();
}
