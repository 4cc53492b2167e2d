//! Killed at any moment: every input is in one place, every record was published once, and
//! nothing hidden is left.
//!
//! A child process plays the pipeline: claim, stage, commit by one exclusive rename, run the
//! actions. It is killed after a number of steps that it reported; what it does between two
//! reports is cut wherever it happens to be.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use weir_domain::Item;
use weir_stream::Outcome;

use super::*;

const INPUTS: u32 = 40;
const DIRECTORY: &str = "WEIR_TEST_CRASH_DIRECTORY";

/// The project of the child: the same directory in every process.
struct Run {
    root: PathBuf,
}

impl Run {
    fn context(&self, stage: &str) -> BuildContext {
        BuildContext::alone(
            StageId::new(stage).unwrap(),
            self.root.clone(),
            Arc::new(TestClock(AtomicI64::new(NOW * 1000))),
        )
    }

    fn source(&self) -> Box<dyn Source> {
        let config = json!({
            "directory": "in", "format": {"type": "json"}, "done": {"directory": "done"},
        });
        items(registry().sources[NAME].build(&config, &self.context("read")).unwrap())
    }

    fn sink(&self) -> Box<dyn Sink> {
        let config = json!({
            "directory": "out", "name": "${field:carrier}/${item:stem}.jsonl", "rollRecords": 2,
            "createDirectory": true, "format": {"type": "json"},
        });
        registry().sinks[NAME].build(&config, &self.context("write")).unwrap()
    }

    /// The record of a stream's claim or decision. It is there as a whole or not at all.
    fn journal(&self, item: &Item, fact: &str) -> PathBuf {
        self.root.join("journal").join(format!("{}.{fact}", item.name))
    }

    fn record(&self, item: &Item, fact: &str, actions: &[Action]) {
        let path = self.journal(item, fact);
        let draft = path.with_extension("draft");
        fs::write(&draft, serde_json::to_string(actions).unwrap()).unwrap();
        fs::rename(draft, path).unwrap();
    }

    /// What a crash left undone: published if it was decided, discarded if it was not.
    fn recover(&self) {
        for entry in fs::read_dir(self.root.join("journal")).unwrap() {
            let path = entry.unwrap().path();
            let is_claim = path.extension().is_some_and(|it| it == "claim");
            if !is_claim || path.with_extension("done").exists() {
                continue;
            }
            let decided = path.with_extension("commit");
            let owed = if decided.exists() { decided } else { path.clone() };
            let actions: Vec<Action> =
                serde_json::from_str(&fs::read_to_string(&owed).unwrap()).unwrap();
            actions.iter().for_each(|it| drop(run(it).unwrap()));
            if owed == path {
                fs::remove_file(path).unwrap();
            } else {
                fs::write(path.with_extension("done"), "").unwrap();
            }
        }
    }

    fn stream(&self, source: &mut dyn Source, item: &Item, step: &mut dyn FnMut()) {
        let context = StreamContext { item: item.name.clone(), ..stream(1) };
        let mut sink = self.sink();
        self.record(item, "claim", &sink.discard(&context));
        step();
        let mut reader = source.open(item).unwrap();
        let mut writer = sink.open(&context, reader.schema()).unwrap();
        while let Some(read) = reader.read().unwrap() {
            writer.write(&read.batch).unwrap();
            step();
        }
        let mut actions = writer.prepare().unwrap().actions;
        step();
        source.verify(item).unwrap();
        actions.extend(source.settle(item, Outcome::Committed));
        self.record(item, "commit", &actions);
        step();
        for action in &actions {
            run(action).unwrap();
            step();
        }
        fs::write(self.journal(item, "done"), "").unwrap();
        step();
    }
}

#[test]
#[ignore = "it is the process that the test below kills"]
fn child() {
    let Some(root) = std::env::var_os(DIRECTORY) else { return };
    let run = Run { root: root.into() };
    let mut step = || {
        let mut out = std::io::stdout().lock();
        out.write_all(b"\nstep\n").and_then(|()| out.flush()).unwrap();
    };
    run.recover();
    let mut source = run.source();
    for item in source.list().unwrap() {
        run.stream(&mut *source, &item, &mut step);
    }
}

/// Runs the child until it has reported so many steps, and kills it there. Whether it was done.
fn run_child(root: &Path, steps: u32) -> bool {
    let name = concat!(module_path!(), "::child").split_once("::").unwrap().1;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut left = steps;
    for line in lines.map_while(Result::ok).filter(|it| it == "step") {
        drop(line);
        left -= 1;
        if left == 0 {
            child.kill().unwrap();
            break;
        }
    }
    child.wait().unwrap().success()
}

#[test]
fn killed_at_any_moment_every_record_is_published_once() {
    let project = Project::new();
    project.mkdir("journal");
    let carriers = ["AA", "DL", "UA"];
    let mut wanted = Vec::new();
    for n in 0..INPUTS {
        let records = (0..9).map(|it| line(carriers[it % 3], n * 100 + u32::try_from(it).unwrap()));
        let text: String = records.collect();
        wanted.extend(text.lines().map(str::to_owned));
        project.write(&format!("in/f{n:02}.jsonl"), &text);
    }
    // A small generator with a fixed seed: which step is the last one differs every time.
    let mut seed = 42_u32;
    let mut kills = 0;
    let is_done = (0..1000).any(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let is_done = run_child(project.directory.path(), 1 + (seed >> 24) % 17);
        kills += u32::from(!is_done);
        is_done
    });
    assert!(is_done && kills > 10, "{kills} kills");
    assert_eq!(project.names("in"), Vec::<String>::new());
    assert_eq!(project.names("done").len(), INPUTS as usize);
    let tree = project.tree("out");
    assert!(!tree.keys().any(|it| it.contains(".weir")), "{:?}", tree.keys());
    let mut found: Vec<_> = tree.values().flat_map(|it| it.lines().map(str::to_owned)).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}
