//! A project of one test, in a directory that goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::{Flow, failing, files};

pub(crate) struct Project {
    root: TempDir,
    drafts: AtomicU32,
}

impl Project {
    /// A project without workflows, with its directories for data.
    pub(crate) fn empty() -> Self {
        failing::told_at_once();
        let root = tempfile::Builder::new().prefix("weir-test-").tempdir().unwrap();
        let project = Self { root, drafts: AtomicU32::new(0) };
        for name in ["in", "out"] {
            fs::create_dir_all(project.path(name)).unwrap();
        }
        project.asset(
            "project.yaml",
            "apiVersion: weir/v1\nkind: Project\nmetadata: { name: test }\n\
             spec: { exclude: [in, out, done, error, dead-letters] }\n",
        );
        project
    }

    pub(crate) fn of(flow: &Flow) -> Self {
        let project = Self::empty();
        project.asset("workflow.yaml", &flow.yaml());
        project
    }

    /// A copy of a sample project as it is shipped.
    pub(crate) fn sample(name: &str) -> Self {
        Self::sample_with(name, &[])
    }

    /// The same with some texts replaced: addresses are the test's own.
    pub(crate) fn sample_with(name: &str, replaced: &[(&str, String)]) -> Self {
        let project = Self::empty();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
        for asset in files::below(&sample) {
            let text = fs::read_to_string(sample.join(&asset)).unwrap();
            let text = replaced.iter().fold(text, |text, (from, to)| text.replace(from, to));
            project.asset(&asset, &text);
        }
        project
    }

    /// The directory around project, data directory and logs.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root().join("project")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.root().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// The path of a file as Weir says it, whether it is there or not.
    pub(crate) fn canonical(&self, name: &str) -> String {
        self.dir().canonicalize().unwrap().join(name).display().to_string()
    }

    /// Writes a file of the project in place.
    pub(crate) fn asset(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts an input into `in`, whole at once. Returns its path.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let draft = self.draft();
        fs::write(&draft, content).unwrap();
        self.put_file(name, &draft)
    }

    /// As `put`, with a file that is there already.
    pub(crate) fn put_file(&self, name: &str, draft: &Path) -> PathBuf {
        let path = self.path("in").join(name);
        fs::rename(draft, &path).unwrap();
        path
    }

    /// Where a file may be prepared that nobody sees yet.
    pub(crate) fn draft(&self) -> PathBuf {
        self.root().join(format!("draft-{}", self.drafts.fetch_add(1, Ordering::Relaxed)))
    }

    /// All files below a directory of the project, hidden ones too.
    pub(crate) fn files(&self, dir: &str) -> Vec<String> {
        files::below(&self.path(dir))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(files::bytes(&self.path(name))).unwrap()
    }

    pub(crate) fn json_lines(&self, name: &str) -> Vec<Value> {
        files::json_lines(&self.path(name))
    }

    /// The records that are published in `out`, of all files of JSON lines; hidden ones are not yet.
    pub(crate) fn published(&self) -> Vec<Value> {
        let names = self.files("out").into_iter().filter(|it| !it.starts_with('.'));
        names.flat_map(|it| self.json_lines(&format!("out/{it}"))).collect()
    }

    /// The records of all dead-letter files, without what differs from run to run.
    pub(crate) fn dead_letters(&self) -> Vec<Value> {
        let names = self.files("dead-letters");
        let mut letters: Vec<_> = names
            .iter()
            .flat_map(|it| files::json_lines(&self.path("dead-letters").join(it)))
            .collect();
        for letter in &mut letters {
            letter.as_object_mut().unwrap().remove("stream").expect("the id of its stream");
        }
        letters
    }

    /// Reasons of all dead letters with their lines.
    pub(crate) fn refusals(&self) -> Vec<(u64, String)> {
        let of = |letter: Value| {
            let line = letter["line"].as_u64().unwrap_or(0);
            (line, letter["reason"].as_str().unwrap().to_owned())
        };
        self.dead_letters().into_iter().map(of).collect()
    }

    /// Where all data is now: `in/a.csv`, `out/a.jsonl` …
    pub(crate) fn data(&self) -> Vec<String> {
        let dirs = ["in", "out", "done", "error", "dead-letters"];
        let of = |dir: &str| {
            let files = self.files(dir);
            files.into_iter().map(|it| format!("{dir}/{it}")).collect::<Vec<_>>()
        };
        dirs.iter().flat_map(|it| of(it)).collect()
    }

    /// Fails if anything hidden or half-made was left.
    #[track_caller]
    pub(crate) fn assert_tidy(&self) {
        assert_eq!(files::hidden_below(&self.dir()), Vec::<String>::new());
    }
}
