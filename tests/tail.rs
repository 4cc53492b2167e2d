//! Tailing from outside: each line is published once and in order, however its file is rotated and
//! whatever is killed.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};

const KILLS: u32 = 12;
const SEED: u64 = 20_261_121;
const LIFE_MS_MAX: u64 = 1_500;
const PATHS: [&str; 2] = ["a.log", "b.log"];

/// A program that writes numbered lines, and rotates its files.
struct Writer {
    directory: PathBuf,
    random: StdRng,
    /// Lines of each path, and its rotations.
    written: [u64; 2],
    rotations: [u32; 2],
}

impl Writer {
    fn write(&mut self, lines: u64) {
        for _ in 0..lines {
            let at = self.random.random_range(0..PATHS.len());
            let path = self.directory.join(PATHS[at]);
            let mut file = File::options().create(true).append(true).open(&path).unwrap();
            let line = format!("{{\"path\": \"{}\", \"n\": {}}}\n", PATHS[at], self.written[at]);
            // A reader may come between the two halves.
            let (first, rest) = line.split_at(self.random.random_range(0..line.len()));
            file.write_all(first.as_bytes()).unwrap();
            file.write_all(rest.as_bytes()).unwrap();
            self.written[at] += 1;
            if self.random.random_range(0..150) == 0 {
                self.rotate(at);
            }
        }
    }

    /// As logrotate does: the older a file is, the higher its number.
    fn rotate(&mut self, at: usize) {
        let path = |number| self.directory.join(format!("{}.{number}", PATHS[at]));
        for number in (1..=self.rotations[at]).rev() {
            fs::rename(path(number), path(number + 1)).unwrap();
        }
        self.rotations[at] += 1;
        let (own, first) = (self.directory.join(PATHS[at]), path(1));
        if self.random.random_bool(0.5) {
            fs::rename(own, first).unwrap();
        } else {
            fs::copy(&own, first).unwrap();
            File::options().write(true).open(own).unwrap().set_len(0).unwrap();
        }
    }
}

fn flow() -> Flow {
    let fields = "{ type: json, schema: [{ name: path, type: string }, { name: n, type: int64 }] }";
    let read = format!(
        "{{ name: read, source: {{ tail: {{ directory: in, interval: 10ms, rotateWait: 50ms, \
         format: {fields}, attributes: [{{ name: file, from: address }}] }} }} }}"
    );
    Flow::named("lines").with("instances: 2").stage(&read).stage(&sink(
        "write",
        "read",
        "${stream}.jsonl",
        JSON,
        "onExisting: counter",
    ))
}

/// The numbers that were published of a path.
fn published(project: &Project, path: &str) -> Vec<u64> {
    let mut found = Vec::new();
    for record in project.published().iter().filter(|it| it["path"] == path) {
        assert_eq!(record["file"], path);
        found.push(record["n"].as_u64().unwrap());
    }
    found.sort_unstable();
    found
}

#[test]
fn lines_are_published_once_over_rotations_whatever_is_killed() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&flow());
    let mut writer = Writer {
        directory: project.path("in"),
        random: StdRng::seed_from_u64(seed.0 + 1),
        written: [0; 2],
        rotations: [0; 2],
    };
    let start = Start::of(&project).set("weir.stream.checkpoint-interval=100ms");
    // What was rotated away before a path is known is nobody's.
    for (at, path) in PATHS.iter().enumerate() {
        let line = format!("{{\"path\": \"{path}\", \"n\": 0}}\n");
        fs::write(writer.directory.join(path), line).unwrap();
        writer.written[at] = 1;
    }
    let weir = start.ready();
    for path in PATHS {
        wait_until("the first line", DEADLINE, || published(&project, path) == [0]);
    }
    weir.stop();
    for _ in 0..number("WEIR_KILLS", KILLS) {
        // Some while nothing runs, some while it does.
        writer.write(random.random_range(0..400));
        let mut process = start.spawn();
        let life = random.random_range(0..LIFE_MS_MAX);
        for _ in 0..life / 20 {
            writer.write(10);
            // A random moment is what this test is about: there is nothing to wait for.
            thread::sleep(Duration::from_millis(20));
        }
        process.kill();
    }
    eprintln!("{:?} lines in files that were rotated {:?} times", writer.written, writer.rotations);
    let weir = start.ready();
    for (path, lines) in PATHS.iter().zip(writer.written) {
        let all = || published(&project, path).len() as u64 >= lines;
        wait_until("all lines to be published", DEADLINE, all);
    }
    weir.stop();
    for (path, lines) in PATHS.iter().zip(writer.written) {
        assert_eq!(published(&project, path), (0..lines).collect::<Vec<_>>(), "{path}");
    }
}
