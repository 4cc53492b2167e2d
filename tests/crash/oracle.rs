//! What was put in, and what must have come out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use rand::Rng as _;
use rand::rngs::StdRng;
use weir_domain::StreamState;
use weir_http_api::StreamSummary;

use crate::support::{Project, files};

/// One input file and what is in it.
#[derive(Default)]
struct Input {
    high: Vec<i64>,
    low: Vec<i64>,
    /// Lines of its bad records.
    bad: Vec<u64>,
    /// Cut off in the middle of its compression: nothing of it may ever be published.
    is_broken: bool,
}

impl Input {
    fn all(&self) -> Vec<i64> {
        let mut ids: Vec<_> = self.high.iter().chain(&self.low).copied().collect();
        ids.sort_unstable();
        ids
    }
}

#[derive(Default)]
pub(super) struct Oracle {
    inputs: BTreeMap<String, Input>,
    next_id: i64,
    /// Published files that were found right: they must stay as they are.
    seen: BTreeMap<String, Vec<i64>>,
}

impl Oracle {
    /// Puts a file into `in`: mostly small, some compressed, a few bad records, a few files cut off.
    pub(super) fn add(&mut self, project: &Project, random: &mut StdRng) {
        let rows = match random.random_range(0..10) {
            0 => 0,
            1..=5 => random.random_range(1..300),
            6..=8 => random.random_range(300..3_000),
            _ => random.random_range(3_000..20_000),
        };
        let mut input = Input::default();
        let mut text = "id,amount\n".to_owned();
        for row in 0..rows {
            self.next_id += 1;
            let (id, amount) = (self.next_id, random.random_range(0..1000));
            if random.random_ratio(1, 200) {
                text += &format!("{id},none\n");
                input.bad.push(row + 2);
                continue;
            }
            text += &format!("{id},{amount}\n");
            if amount >= 500 { input.high.push(id) } else { input.low.push(id) }
        }
        let name = format!("f{:04}.csv", self.inputs.len());
        let (name, content) = match random.random_range(0..8) {
            0..=1 => (name + ".gz", files::gzip(text.as_bytes())),
            2 if rows > 300 => {
                input.is_broken = true;
                let whole = files::gzip(text.as_bytes());
                (name + ".gz", whole[..whole.len() * 2 / 3].to_vec())
            }
            _ => (name, text.into_bytes()),
        };
        project.put(&name, content);
        self.inputs.insert(name, input);
    }

    /// What must hold at any moment, also right after a kill.
    pub(super) fn check_now(&mut self, project: &Project) {
        self.check_inputs(project);
        let out = project.path("out");
        for name in published(&out) {
            self.check_output(&out, &name);
        }
        for name in published(&project.path("dead-letters")) {
            files::json_lines(&project.path("dead-letters").join(name));
        }
    }

    /// Every input is in exactly one place.
    fn check_inputs(&self, project: &Project) {
        let mut places: Vec<_> =
            ["in", "done", "error"].iter().flat_map(|it| project.files(it)).collect();
        places.sort();
        assert!(places.iter().eq(self.inputs.keys()), "each input is in one place: {places:#?}");
    }

    /// A published file is whole and has the records of its input, each once.
    fn check_output(&mut self, out: &Path, name: &str) {
        if self.seen.contains_key(name) {
            return;
        }
        let ids = ids(&out.join(name));
        let (directory, file) = name.split_once('/').unwrap();
        let input = self.input_of(file);
        assert!(!input.is_broken, "{name} is of an input that was cut off");
        let wanted: BTreeSet<_> = match directory {
            "all" => input.all(),
            "high" => input.high.clone(),
            "low" => input.low.clone(),
            other => panic!("nobody writes into {other}"),
        }
        .into_iter()
        .collect();
        // A file that rolled has a part of them.
        let is_whole = directory == "low" || ids.len() == wanted.len();
        assert!(is_whole && ids.iter().all(|it| wanted.contains(it)), "{name} has wrong records");
        self.seen.insert(name.to_owned(), ids);
    }

    fn input_of(&self, output: &str) -> &Input {
        let stem = output.split(['.', '_']).next().unwrap();
        let mut inputs = self.inputs.iter().filter(|(name, _)| name.starts_with(stem));
        inputs.next().unwrap_or_else(|| panic!("{output} is of no input")).1
    }

    /// Each input was committed by exactly one stream, or rolled back for good.
    pub(super) fn check_streams(&self, streams: &[StreamSummary]) {
        let mut committed = BTreeMap::<_, u32>::new();
        for stream in streams.iter().filter(|it| it.state != StreamState::RolledBack) {
            *committed.entry(stream.item.clone()).or_default() += 1;
        }
        let wanted: BTreeMap<_, _> =
            self.inputs.iter().filter(|it| !it.1.is_broken).map(|it| (it.0.clone(), 1)).collect();
        assert_eq!(committed, wanted);
        let is_interrupted = |it: &&StreamSummary| {
            it.fault.as_ref().is_some_and(|it| it.message.contains("went away"))
        };
        let interrupted = streams.iter().filter(is_interrupted).count();
        eprintln!("{} inputs, {} streams, {interrupted} killed", self.inputs.len(), streams.len());
        assert!(interrupted > 0, "no kill came in the middle of a stream");
    }

    /// What must hold once everything is done.
    pub(super) fn check_end(&mut self, project: &Project) {
        self.check_now(project);
        let of = |is_broken: bool| {
            let inputs = self.inputs.iter().filter(move |it| it.1.is_broken == is_broken);
            inputs.map(|it| it.0.clone()).collect::<Vec<_>>()
        };
        assert_eq!(project.files("done"), of(false));
        assert_eq!(project.files("error"), of(true));
        project.assert_tidy();

        // The files as they are now, not as they were when they appeared.
        self.seen.clear();
        self.check_now(project);
        let good = || self.inputs.values().filter(|it| !it.is_broken);
        for (directory, wanted) in [
            ("all", good().flat_map(Input::all).collect::<Vec<_>>()),
            ("high", good().flat_map(|it| it.high.clone()).collect()),
            ("low", good().flat_map(|it| it.low.clone()).collect()),
        ] {
            let files = self.seen.iter().filter(|it| it.0.starts_with(directory));
            let mut found: Vec<_> = files.flat_map(|it| it.1.clone()).collect();
            found.sort_unstable();
            assert!(
                found == wanted,
                "{directory}: {} records are published and {} should be",
                found.len(),
                wanted.len()
            );
        }
        self.check_dead_letters(project);
    }

    fn check_dead_letters(&self, project: &Project) {
        let letters = project.dead_letters();
        let of = |it: &serde_json::Value| {
            (it["item"].as_str().unwrap().to_owned(), it["line"].as_u64().unwrap())
        };
        let mut found: Vec<_> = letters.iter().map(of).collect();
        found.sort();
        let good = self.inputs.iter().filter(|it| !it.1.is_broken);
        let wanted: Vec<_> =
            good.flat_map(|(name, it)| it.bad.iter().map(|line| (name.clone(), *line))).collect();
        assert_eq!(found, wanted);
    }
}

/// Files under a name that others may read.
fn published(dir: &Path) -> Vec<String> {
    let mut names = files::below(dir);
    names.retain(|it| !it.split('/').any(|it| it.starts_with('.')));
    names
}

/// The ids in a published file, sorted. Fails if the file is not whole.
fn ids(path: &Path) -> Vec<i64> {
    let mut ids: Vec<i64> = match path.extension().and_then(|it| it.to_str()) {
        Some("parquet") => files::parquet(path)
            .iter()
            .flat_map(|it| it["id"].as_primitive::<Int64Type>().values().to_vec())
            .collect(),
        _ => files::json_lines(path).iter().map(|it| it["id"].as_i64().unwrap()).collect(),
    };
    ids.sort_unstable();
    ids
}
