//! Projects on a configuration server: made, changed and deleted from the command line and over REST, beside
//! editors that know nothing of it.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};
use weir_http_client::{Client, Error};

use crate::disk::{ON_SMALL_DISK, namespace};
use crate::support::flow::CSV;
use crate::support::{DEADLINE, Flow, Project, Ran, Start, Weir, binary, wait_until, weir};

const FORMAT: &str = "\
# columns as they come
apiVersion: weir/v1
kind: Format
metadata: { name: lines }
spec: { type: csv, schema: [{ name: id, type: int64 }] } # one
";

const SOURCE: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: orders }
spec:
  file: { directory: in, format: lines }
";

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  stages:
    - name: read
      source: orders # the asset
    - name: write
      from: read
      sink:
        file: { directory: out, name: \"${item}\", format: \"lines\", createDirectory: true }
";

struct Lab {
    project: Project,
    weir: Weir,
}

impl Lab {
    fn start() -> Self {
        let project = Project::of(&Flow::straight(CSV));
        let weir = Start::of(&project).ready();
        Self { project, weir }
    }

    /// With a project `shop` that has a format, a source and a workflow.
    fn with_shop() -> Self {
        let lab = Self::start();
        lab.run(&["create", "shop", "--description", "It sells: \"all\""]).done();
        for (path, text) in [
            ("formats/lines.yaml", FORMAT),
            ("sources/orders.yaml", SOURCE),
            ("workflows/sales.yaml", WORKFLOW),
        ] {
            let file = lab.project.draft();
            fs::write(&file, text).unwrap();
            lab.run(&["put", "shop", path, file.to_str().unwrap()]).done();
        }
        lab
    }

    /// `weir project …` at the configuration server.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(binary().args(["--server", self.weir.page(), "project"]).args(arguments))
    }

    /// The same, as JSON.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[&["-o", "json"], arguments].concat()).json()
    }

    fn root(&self, project: &str) -> PathBuf {
        self.project.data_dir().join("projects").join(project)
    }

    fn names(&self) -> Vec<String> {
        let page = self.json(&["list"]);
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[track_caller]
fn check_valid(dir: &std::path::Path) {
    let ran = weir(["project", "validate", dir.to_str().unwrap()]).ended(0);
    assert_eq!(ran.stdout, "", "{}", ran.stderr);
}

#[test]
fn lists_are_sorted_filtered_and_read_in_pages() {
    let lab = Lab::with_shop();
    let paths = |arguments: &[&str]| {
        let page = lab.json(&[&["assets", "shop"], arguments].concat());
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let own = ["project.yaml", "formats/lines.yaml", "sources/orders.yaml", "workflows/sales.yaml"];
    assert_eq!(paths(&[]), own);
    // The list's own order, in pages as well.
    assert_eq!(paths(&["--limit", "500"]), own);
    assert_eq!(paths(&["--limit", "2"]), own[..2]);
    assert_eq!(paths(&["--sort", "-kind", "--limit", "1"]), ["workflows/sales.yaml"]);
    assert_eq!(paths(&["--filter", "kind:Source path~sources/*"]), ["sources/orders.yaml"]);
    let refused = lab.run(&["list", "--sort", "naem"]).ended(6);
    assert!(refused.stderr.contains("did you mean name?"), "{}", refused.stderr);

    let ask = |query: &str| -> (u16, Value) {
        let path = format!("/api/v1/projects?{query}");
        let (status, body) = lab.weir.get(lab.weir.page(), &path);
        (status, serde_json::from_str(&body).unwrap())
    };
    let (_, first) = ask("limit=1&sort=-name");
    assert_eq!(first["items"][0]["name"], "test");
    let cursor = first["nextCursor"].as_str().unwrap();
    let (_, next) = ask(&format!("limit=1&sort=-name&cursor={cursor}"));
    assert_eq!((&next["items"][0]["name"], &next["nextCursor"]), (&json!("shop"), &Value::Null));
    for spoiled in
        [format!("limit=1&cursor={cursor}"), "cursor=AQ".to_owned(), "limit=0".to_owned()]
    {
        let (status, problem) = ask(&spoiled);
        assert_eq!((status, &problem["code"]), (400, &json!("WEIR-07001")), "{spoiled}: {problem}");
    }
}

#[test]
fn a_project_is_made_filled_renamed_and_deleted_from_the_command_line() {
    let lab = Lab::with_shop();
    assert_eq!(lab.names(), ["shop", "test"]);
    check_valid(&lab.root("shop"));
    let assets = lab.run(&["assets", "shop"]).done();
    assert_eq!(
        assets,
        "KIND      NAME    PATH                  FINDINGS\n\
         Project   shop    project.yaml                 0\n\
         Format    lines   formats/lines.yaml           0\n\
         Source    orders  sources/orders.yaml          0\n\
         Workflow  sales   workflows/sales.yaml         0\n"
    );
    assert_eq!(lab.run(&["show", "shop", "format/lines"]).done(), FORMAT);
    let usages = lab.run(&["usages", "shop", "Format/lines"]).done();
    assert!(usages.contains("sources/orders.yaml:5:34    spec.file.format"), "{usages}");
    assert!(usages.contains("workflows/sales.yaml:11:58"), "{usages}");

    let refused = lab.run(&["rm", "shop", "format/lines"]).ended(5);
    assert!(
        refused.stderr.contains("the Format lines is used by Source orders"),
        "{}",
        refused.stderr
    );
    let moved = lab.run(&["mv", "shop", "format/lines", "rows"]).done();
    assert_eq!(
        moved,
        "Format rows is formats/rows.yaml\nchanged sources/orders.yaml\nchanged workflows/sales.yaml\n"
    );
    let text = |path: &str| fs::read_to_string(lab.root("shop").join(path)).unwrap();
    assert_eq!(text("formats/rows.yaml"), FORMAT.replace("lines }", "rows }"));
    assert_eq!(text("workflows/sales.yaml"), WORKFLOW.replace("\"lines\"", "\"rows\""));
    check_valid(&lab.root("shop"));

    lab.run(&["rename", "shop", "store"]).done();
    lab.run(&["remove", "store"]).done();
    assert_eq!(lab.names(), ["test"]);
    check_valid(&lab.root("store"));
    lab.run(&["open", lab.root("store").to_str().unwrap()]).done();
    lab.run(&["rm", "store", "workflows/sales.yaml"]).done();
    lab.run(&["rm", "store", "source/orders"]).done();
    let refused = lab.run(&["remove", "store", "--delete-files-of", "Store"]).ended(6);
    assert!(refused.stderr.contains("give its name once more"), "{}", refused.stderr);
    lab.run(&["remove", "store", "--delete-files-of", "store"]).done();
    assert!(!lab.root("store").exists());
    let refused = lab.run(&["show", "store", "project.yaml"]).ended(3);
    assert!(refused.stderr.contains("there is no project \"store\""), "{}", refused.stderr);
    lab.weir.stop();
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_nothing_is_made() {
    let lab = Lab::with_shop();
    let file = lab.project.draft();
    fs::write(&file, SOURCE.replace("orders", "other")).unwrap();
    let file = file.to_str().unwrap();
    let long = "x".repeat(201);
    for name in ["../x", "/tmp/x", "a b", "🚀", "..", &long] {
        let refused = lab.run(&["create", "--", name]).ended(6);
        assert!(refused.stderr.contains("WEIR-07001"), "{name}: {}", refused.stderr);
    }
    for path in ["../x.yaml", "/tmp/x.yaml", "a/../../x.yaml", ".x.yaml", "x.txt", "🚀.yaml"] {
        let refused = lab.run(&["put", "shop", "--", path, file]).ended(6);
        assert!(refused.stderr.contains("WEIR-07001"), "{path}: {}", refused.stderr);
    }
    lab.run(&["create", "SHOP"]).ended(5);
    lab.run(&["put", "shop", "Formats/lines.yaml", file]).ended(5);
    lab.run(&["open", "/"]).ended(6);
    assert_eq!(lab.json(&["assets", "shop"])["items"].as_array().unwrap().len(), 4);
    assert_eq!(lab.names(), ["shop", "test"]);
    lab.weir.stop();
}

#[test]
fn what_an_editor_saves_is_seen_and_not_written_over() {
    let lab = Lab::with_shop();
    let path = lab.root("shop").join("formats/lines.yaml");
    let read =
        lab.json(&["show", "shop", "formats/lines.yaml"])["etag"].as_str().unwrap().to_owned();
    let theirs = FORMAT.replace("name: id", "name: number");
    fs::write(&path, &theirs).unwrap();
    assert_eq!(lab.run(&["show", "shop", "formats/lines.yaml"]).done(), theirs);

    let (mine, yours) =
        (lab.project.draft(), FORMAT.replace("# columns as they come\n", "# all columns\n"));
    fs::write(&mine, &yours).unwrap();
    let put = ["put", "shop", "formats/lines.yaml", mine.to_str().unwrap(), "--if-etag", &read];
    let refused = lab.run(&[&["-o", "json"], &put[..]].concat()).ended(5);
    let problem: Value = serde_json::from_str(&refused.stderr).unwrap();
    let conflict = &problem["conflict"];
    assert_eq!((&conflict["base"], &conflict["yours"]), (&json!(FORMAT), &json!(yours)));
    assert_eq!(conflict["theirs"]["text"], json!(theirs));
    let both = yours.replace("name: id", "name: number");
    assert_eq!(conflict["merged"], json!(both));
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    let told = lab.run(&put).ended(5).stderr;
    assert!(told.contains("--if-etag") && !told.contains("if-match"), "{told}");

    fs::write(&mine, &both).unwrap();
    let etag = conflict["theirs"]["etag"].as_str().unwrap();
    lab.run(&["put", "shop", "formats/lines.yaml", mine.to_str().unwrap(), "--if-etag", etag])
        .done();
    assert_eq!(fs::read_to_string(&path).unwrap(), both);

    let errors = || lab.json(&["list"])["items"][0]["errors"].clone();
    assert_eq!(errors(), 0);
    fs::write(&path, "a: [").unwrap();
    assert_eq!(errors(), 1);
    let list = lab.json(&["assets", "shop"]);
    let broken =
        list["items"].as_array().unwrap().iter().find(|it| it["path"] == "formats/lines.yaml");
    assert_eq!(broken.unwrap()["findings"].as_array().unwrap().len(), 1);
    lab.weir.stop();
}

#[test]
fn what_is_no_asset_is_refused_with_every_finding() {
    let lab = Lab::with_shop();
    let put = |text: &str| {
        let file = lab.project.draft();
        fs::write(&file, text).unwrap();
        lab.run(&["put", "shop", "formats/new.yaml", file.to_str().unwrap()])
    };
    let refused = put(&FORMAT.replace("weir/v1", "weir/v7").replace("lines", "new")).ended(6);
    assert!(refused.stderr.contains("there is no apiVersion \"weir/v7\""), "{}", refused.stderr);
    let levels = (0..20).map(|it| format!("l{}: &l{} [*l{it}, *l{it}, *l{it}]\n", it + 1, it + 1));
    let bomb = format!("l0: &l0 [x]\n{}", levels.collect::<String>());
    let refused = put(&bomb).ended(6);
    assert!(refused.stderr.contains("aliases expand to more than"), "{}", refused.stderr);
    let refused = put(&format!("# {}\n{FORMAT}", "x".repeat(5 << 20))).ended(6);
    assert!(refused.stderr.contains("WEIR-07005"), "{}", refused.stderr);
    assert!(!lab.root("shop").join("formats/new.yaml").exists());
    lab.weir.stop();
}

#[test]
fn a_project_moves_as_an_archive() {
    let lab = Lab::with_shop();
    let file = lab.project.draft();
    let file = file.to_str().unwrap();
    lab.run(&["export", "shop", "--file", file]).done();
    lab.run(&["import", file]).ended(5);
    lab.run(&["import", file, "--name", "copy"]).done();
    check_valid(&lab.root("copy"));
    let assets = |project: &str| {
        let page = lab.json(&["assets", project]);
        let items = page["items"].as_array().unwrap().clone().into_iter();
        items.skip(1).map(|it| it["etag"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(assets("copy"), assets("shop"));
    fs::write(file, "no archive").unwrap();
    let refused = lab.run(&["import", file]).ended(6);
    assert!(refused.stderr.contains("no ZIP archive"), "{}", refused.stderr);
    lab.weir.stop();
}

#[test]
fn an_asset_that_extends_another_one_is_shown_whole_and_follows_its_name() {
    let lab = Lab::with_shop();
    let child = "\
apiVersion: weir/v1
kind: Source
metadata: { name: returns, extends: orders }
spec:
  file: { directory: back }
";
    let file = lab.project.draft();
    fs::write(&file, child).unwrap();
    lab.run(&["put", "shop", "sources/returns.yaml", file.to_str().unwrap()]).done();
    check_valid(&lab.root("shop"));
    assert_eq!(
        lab.run(&["show", "shop", "source/returns", "--effective"]).done(),
        "AT                   VALUE    PLACE\n\
         spec.file.directory  \"back\"   sources/returns.yaml:5:22\n\
         spec.file.format     \"lines\"  sources/orders.yaml:5:34\n"
    );
    lab.run(&["mv", "shop", "source/orders", "all"]).done();
    let renamed = fs::read_to_string(lab.root("shop").join("sources/returns.yaml")).unwrap();
    assert_eq!(renamed, child.replace("extends: orders", "extends: all"));
    check_valid(&lab.root("shop"));
    // A round is one finding, and nothing that follows from it is told.
    let parent = lab.root("shop").join("sources/all.yaml");
    let text = fs::read_to_string(&parent).unwrap();
    fs::write(&parent, text.replace("name: all", "name: all, extends: returns")).unwrap();
    let ran = weir(["project", "validate", lab.root("shop").to_str().unwrap()]).ended(6);
    assert_eq!(ran.stdout.matches(" error[").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("WEIR-02251"), "{}", ran.stdout);
    lab.weir.stop();
}

#[test]
fn of_two_who_write_at_once_one_is_told() {
    let lab = Lab::with_shop();
    let server = lab.weir.page();
    let (written, stale) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (written, stale) = (&written, &stale);
            scope.spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let client = Client::new(server).unwrap();
                for round in 0..10 {
                    let write = async {
                        let read = client.asset("shop", "formats/lines.yaml").await.unwrap();
                        let text = format!("{}# {writer} {round}\n", read.text);
                        client
                            .asset_write("shop", "formats/lines.yaml", text, read.asset.etag)
                            .await
                    };
                    match runtime.block_on(write) {
                        Ok(_) => written.fetch_add(1, Ordering::Relaxed),
                        Err(Error::Problem(it)) if it.status == 412 => {
                            stale.fetch_add(1, Ordering::Relaxed)
                        }
                        Err(error) => panic!("{error}"),
                    };
                }
            });
        }
    });
    let text = fs::read_to_string(lab.root("shop").join("formats/lines.yaml")).unwrap();
    let written = written.into_inner();
    assert_eq!(written + stale.into_inner(), 40);
    // Every write that was acknowledged is there, and no other one.
    assert_eq!(text.strip_prefix(FORMAT).unwrap().lines().count() as u32, written);
    lab.weir.stop();
}

#[test]
fn a_process_that_is_killed_leaves_whole_files() {
    for round in 0..5 {
        let mut lab = Lab::with_shop();
        let server = lab.weir.page().to_owned();
        let path = lab.root("shop").join("formats/lines.yaml");
        let texts = [1, 2].map(|it| format!("{FORMAT}# {}\n", it.to_string().repeat(1 << 20)));
        let is_over = AtomicBool::new(false);
        let count = AtomicU32::new(0);
        std::thread::scope(|scope| {
            let (count, is_over, texts) = (&count, &is_over, &texts);
            scope.spawn(move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let client = Client::new(&server).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    let write = async {
                        let read = client.asset("shop", "formats/lines.yaml").await?.asset.etag;
                        let number = count.load(Ordering::Relaxed) as usize;
                        client
                            .asset_write(
                                "shop",
                                "formats/lines.yaml",
                                texts[number % 2].clone(),
                                read,
                            )
                            .await
                    };
                    if runtime.block_on(write).is_err() {
                        return;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
            wait_until("some writes", DEADLINE, || count.load(Ordering::Relaxed) > round);
            lab.weir.process.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        let text = fs::read_to_string(&path).unwrap();
        assert!(texts.contains(&text), "round {round}: {} bytes", text.len());
        check_valid(&lab.root("shop"));
    }
}

#[test]
fn a_disk_that_is_full_leaves_the_old_file_and_says_so() {
    let Some(namespace) = namespace() else {
        eprintln!("skipped: this user may not make a mount namespace");
        return;
    };
    let project = Project::of(&Flow::straight(CSV));
    let home = project.data_dir().join("projects");
    fs::create_dir_all(&home).unwrap();
    let mount = ["sh", "-c", ON_SMALL_DISK, home.to_str().unwrap()];
    let weir = Start::of(&project).through(&[namespace, &mount].concat()).ready();
    let lab = Lab { project, weir };
    lab.run(&["create", "small"]).done();
    let file = lab.project.draft();
    let put = |text: &str| {
        fs::write(&file, text).unwrap();
        lab.run(&["put", "small", "lines.yaml", file.to_str().unwrap()])
    };
    put(FORMAT).done();
    let refused = put(&format!("{FORMAT}# {}\n", "x".repeat(3 << 20))).ended(1);
    assert!(refused.stderr.contains("No space left on device"), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was changed"), "{}", refused.stderr);
    assert_eq!(lab.run(&["show", "small", "lines.yaml"]).done(), FORMAT);
    // What was begun is cleared away: there is room again.
    put(&format!("{FORMAT}# {}\n", "x".repeat(1 << 20))).done();
    let mut process = lab.weir.process;
    process.terminate();
    assert_eq!(process.ended().code(), Some(0));
    let log = process.log();
    let errors: Vec<_> = log.lines().filter(|it| it.contains(" ERROR ")).collect();
    assert!(matches!(errors[..], [it] if it.contains("WEIR-00097")), "{errors:?}");
}
