//! Files that flow through a cluster, and what must come of them: each is processed once, whatever
//! happens to whoever does it.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use crate::support::flow::{CSV, read, write};
use crate::support::{DEADLINE, Flow, Project, wait_for, wait_until};

/// An engine tries again until it can: no fault of the cluster may set a file aside.
const PATIENT: &str = "retry: { maxRetries: 100000, minBackoff: 50ms, maxBackoff: 500ms }";
const ROWS: usize = 20;

/// A project whose workflow copies files, and the files that were put into it.
pub(crate) struct Files {
    pub(crate) project: Project,
    /// Ids of the records by the names of their files.
    put: BTreeMap<String, Vec<i64>>,
    next_id: i64,
}

impl Files {
    /// With more instances than any cluster has nodes, so that each has some.
    pub(crate) fn new() -> Self {
        Self::with_instances(6)
    }

    /// With so many instances in the whole cluster.
    pub(crate) fn with_instances(instances: u32) -> Self {
        let project = Project::of(&Self::flow(instances));
        Self { project, put: BTreeMap::new(), next_id: 0 }
    }

    /// What the project says of its workflow `orders`.
    pub(crate) fn flow(instances: u32) -> Flow {
        Flow::named("orders")
            .with(PATIENT)
            .with(&format!("instances: {instances}"))
            .stage(&read(CSV, ""))
            .stage(&write("read", ""))
    }

    /// Puts so many files into the input directory.
    pub(crate) fn put(&mut self, count: usize) {
        for _ in 0..count {
            let ids: Vec<_> = (0..ROWS as i64).map(|it| self.next_id + it).collect();
            self.next_id += ROWS as i64;
            let rows: String = ids.iter().map(|it| format!("{it},{it}.5\n")).collect();
            let name = format!("f{:05}.csv", self.put.len());
            self.project.put(&name, format!("id,amount\n{rows}"));
            self.put.insert(name, ids);
        }
    }

    /// Puts files at a pace while something happens.
    pub(crate) fn flowing<T>(&mut self, every: Duration, work: impl FnOnce() -> T) -> T {
        use std::sync::atomic::{AtomicBool, Ordering};
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    self.put(1);
                    // The pace of the outside world.
                    thread::sleep(every);
                }
            });
            let end = Ended(&is_over);
            let done = work();
            drop(end);
            done
        })
    }

    pub(crate) fn done(&self) -> usize {
        self.project.files("done").len()
    }

    /// Waits until more files are done than were at this moment.
    #[track_caller]
    pub(crate) fn flow_again(&mut self) {
        let before = self.done();
        self.put(3);
        wait_until("files to be processed", DEADLINE, || self.done() > before);
    }

    /// However many there are: as long as one is done after the other.
    #[track_caller]
    fn wait_for_input(&self) {
        let mut waiting = usize::MAX;
        while waiting > 0 {
            waiting = wait_for("another file to be done", DEADLINE, || {
                let now = self.project.files("in").len();
                (now < waiting).then_some(now)
            });
        }
    }

    /// Waits until all is done, and checks that each file was processed once and none twice.
    #[track_caller]
    pub(crate) fn check(&self) {
        self.wait_for_input();
        wait_until("all files to be put aside", DEADLINE, || self.done() == self.put.len());
        assert!(self.project.files("done").iter().eq(self.put.keys()), "each input is done once");
        assert_eq!(self.project.files("error"), Vec::<String>::new());
        let outputs: Vec<_> = self.put.keys().map(|it| it.replace(".csv", ".jsonl")).collect();
        let published: Vec<_> =
            self.project.files("out").into_iter().filter(|it| !it.starts_with('.')).collect();
        assert_eq!(published, outputs, "each input has one output");
        for (name, wanted) in &self.put {
            let records =
                self.project.json_lines(&format!("out/{}", name.replace(".csv", ".jsonl")));
            let ids: Vec<_> = records.iter().map(|it| it["id"].as_i64().unwrap()).collect();
            assert_eq!(&ids, wanted, "{name}");
        }
    }
}

/// Also a test that fails ends its helpers.
pub(crate) struct Ended<'a>(pub(crate) &'a std::sync::atomic::AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
