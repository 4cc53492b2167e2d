//! Snippets: taken from another project, put into a workflow, and made of its stages, on a configuration server.

use std::fs;

use crate::support::{Flow, Project, Ran, Start, binary, flow::CSV};

const ABOUT: &str = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shelf }\n";
const SINK: &str = "apiVersion: weir/v1\nkind: Sink\nmetadata: { name: audit }\nspec:\n  file: \
                    { directory: out/audit, name: \"${item}\", format: { type: json }, createDirectory: true }\n";
const SNIPPET: &str = "\
apiVersion: weir/v1
kind: Snippet
metadata: { name: audited }
spec:
  stages:
    # Every order is kept twice.
    - name: read
      processor: { mapping: { set: { kept: id } } }
    - name: audit # all of them
      from: read
      sink: audit
";

#[test]
fn a_snippet_is_taken_from_a_shelf_put_into_a_workflow_and_made_of_it_again() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = Start::of(&project).ready();
    let shelf = project.root().join("shelf");
    fs::create_dir_all(&shelf).unwrap();
    for (file, text) in [("project.yaml", ABOUT), ("sink.yaml", SINK), ("audited.yaml", SNIPPET)] {
        fs::write(shelf.join(file), text).unwrap();
    }
    let run = |arguments: &[&str]| {
        let before = ["--server", weir.page(), "project"];
        Ran::of(binary().args(before).args(arguments))
    };
    run(&["open", shelf.to_str().unwrap()]).ended(0);
    let taken = run(&["take", "test", "shelf", "snippet/audited"]).ended(0);
    assert_eq!(taken.stdout, "taken: sink.yaml\ntaken: audited.yaml\n");
    run(&["validate", "test"]).ended(0);
    // It is used by the snippet.
    let refused = run(&["rm", "test", "sink/audit"]).ended(5);
    assert!(refused.stderr.contains("Snippet audited in audited.yaml"), "{}", refused.stderr);

    let assets = run(&["assets", "test", "-o", "json"]).ended(0);
    let assets: serde_json::Value = serde_json::from_str(&assets.stdout).unwrap();
    let workflow = assets["items"].as_array().unwrap();
    let workflow = workflow.iter().find(|it| it["kind"] == "Workflow").unwrap();
    let path = project.dir().join(workflow["path"].as_str().unwrap());
    let etag = workflow["etag"].as_str().unwrap();
    let before = fs::read_to_string(&path).unwrap();

    let dry =
        run(&["insert", "test", "orders", "audited", "--after", "read", "--dry-run"]).ended(0);
    let told = "  read-2 (read in the snippet)\n  audit\n";
    assert!(dry.stdout.ends_with(told), "{}", dry.stdout);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let open = run(&["insert", "test", "orders", "audited", "--dry-run"]).ended(0);
    assert!(open.stdout.contains("nothing flows into stage read-2"), "{}", open.stdout);
    let refused = run(&["insert", "test", "orders", "audited", "--after", "reed"]).ended(6);
    assert!(refused.stderr.contains("did you mean read?"), "{}", refused.stderr);

    let path_there = workflow["path"].as_str().unwrap();
    let insert = |key: &str| {
        let once = ["--idempotency-key", key, "insert", "test", path_there, "audited"];
        run(&[&once[..], &["--after", "read", "--if-etag", etag]].concat())
    };
    let done = insert("one").ended(0);
    assert!(done.stdout.ends_with(&format!("more stages:\n{told}")), "{}", done.stdout);
    assert_eq!(insert("one").ended(0).stdout, done.stdout, "it is the same command");
    insert("two").ended(5);
    let after = fs::read_to_string(&path).unwrap();
    let rest = after.strip_prefix(&before).expect("what was there stays as it was");
    assert!(
        rest.contains("    # Every order is kept twice.\n    - name: read-2\n      from: read\n")
    );
    assert!(rest.contains("    - name: audit # all of them\n      from: read-2\n"), "{rest}");
    run(&["validate", "test"]).ended(0);

    let cut = ["snippet", "test", "orders", "read-2", "audit", "--name", "again"];
    run(&[&cut[..], &["--dry-run"]].concat()).ended(0);
    assert!(!project.dir().join("snippets").exists());
    let made = run(&cut).ended(0);
    assert_eq!(made.stdout, "snippets/again.yaml is written\n");
    let text = fs::read_to_string(project.dir().join("snippets/again.yaml")).unwrap();
    assert!(text.contains("    - name: read-2\n      processor:"), "{text}");
    run(&["validate", "test"]).ended(0);
    run(&["mv", "test", "sink/audit", "books"]).ended(0);
    assert!(
        !fs::read_to_string(project.dir().join("snippets/again.yaml"))
            .unwrap()
            .contains("sink: audit")
    );
}
