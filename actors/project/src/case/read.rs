//! A Test asset becomes cases: what is written twice or not at all is found, with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Component, Path};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use weir_conf::{Document, read_at};
use weir_domain::plan::DEAD_LETTERS;
use weir_domain::{AssetName, Finding, Millis, Place, PortName, StageId, Timestamp, WorkflowName};

use super::{Case, Expected, ExpectedRecords, Fields, Given, Order, Outlet, Piece, Row, Test};
use crate::asset::Asset;
use crate::path::{self, Step};

/// 2026-01-01 at midnight, UTC: a case gives the same whenever it is run.
const CLOCK: Timestamp = Timestamp(1_767_225_600_000);
/// A case that is not done by then hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a workflow is tested with: what comes in, and what is to come out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TestSpec {
    /// The workflow under test.
    workflow: WorkflowName,
    #[schemars(length(min = 1))]
    cases: Vec<CaseSpec>,
}

/// What comes in, and what is to come out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CaseSpec {
    /// What it shows, in words: unique in the test.
    name: String,
    /// This stage alone is run. Without it: the whole workflow.
    stage: Option<StageId>,
    /// Values that take the place of those of the project's environments.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, crate::spec::EnvironmentValue>")]
    environment: Row,
    /// What the secrets are that the workflow names, in clear.
    #[serde(default)]
    secrets: BTreeMap<AssetName, String>,
    /// When the case begins: the time stands still but for `at`. Default 2026-01-01T00:00:00Z.
    clock: Option<Timestamp>,
    /// Most records in a batch. Default: as many as in an engine.
    batch_rows: Option<NonZeroU32>,
    /// What comes in, by source; by the stage's own name where one stage is run.
    #[serde(default)]
    input: BTreeMap<StageId, Vec<PieceSpec>>,
    /// What is to come out, by sink; by `stage.port`, or by `dead-letters`. Dead letters that nobody
    /// expects fail the case.
    #[serde(default)]
    expect: BTreeMap<String, ExpectSpec>,
    /// A part of the reason for which the workflow commits nothing of an item.
    fails: Option<String>,
    /// After how many records the run is cut off and begun again. What comes out must be the same.
    #[serde(default)]
    kill_at: Vec<NonZeroU64>,
    /// Until when it must be done. Default 60s.
    timeout: Option<Millis>,
}

/// An item of a source of items, or what a live source has at one moment. It holds exactly one of
/// rows, text and file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "InputSpec")]
struct PieceSpec {
    /// The name of the item. Default: `input-1`, `input-2`, …
    item: Option<String>,
    /// When it comes. Default: when the one before it came.
    at: Option<Timestamp>,
    /// Records as mappings.
    rows: Option<Vec<Row>>,
    /// Records as a text in the format of the source.
    text: Option<String>,
    /// A file in the format of the source, relative to the project.
    file: Option<String>,
}

/// What is to come out at one place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectSpec {
    /// The records as mappings. A field that is missing is null.
    records: Option<Vec<Row>>,
    /// The records as a file of JSON lines, relative to the project.
    file: Option<String>,
    /// What a sink writes, in its format.
    text: Option<String>,
    /// How many records come out.
    count: Option<u64>,
    /// Whether their order counts. Default: `exact`, but `any` where several stages bring records to
    /// one, and of dead letters.
    order: Option<Order>,
    /// Which fields count. Default: `all`, of dead letters `written`.
    fields: Option<Fields>,
}

/// Reads a Test asset. `None`: it can't be read, which is reported. The names of stages and ports
/// are not looked at here.
pub(crate) fn read(asset: &Asset, root: &Path, findings: &mut Vec<Finding>) -> Option<Test> {
    asset.spec()?;
    let spec = read_at::<TestSpec>(&asset.document, "spec");
    let spec = spec.map_err(|it| findings.extend(it)).ok()?;
    // A name that is none was reported.
    let name = AssetName::new(asset.name.as_str()).ok()?;
    let reader = Reader { document: &asset.document, root, findings };
    Some(reader.test(name, spec))
}

struct Reader<'a> {
    document: &'a Document,
    root: &'a Path,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn test(mut self, name: AssetName, spec: TestSpec) -> Test {
        let mut names = BTreeSet::new();
        let mut cases = Vec::new();
        if spec.cases.is_empty() {
            self.refuse(2241, "spec.cases", "the test has no case", "write at least one");
        }
        for (index, case) in spec.cases.into_iter().enumerate() {
            let path = format!("spec.cases[{index}]");
            if !names.insert(case.name.clone()) {
                let cause = format!("two cases are called {:?}", case.name);
                let fix = "give each case of a test a name of its own";
                self.refuse(2240, &format!("{path}.name"), &cause, fix);
            }
            cases.push(self.case(case, &path));
        }
        Test { name, workflow: spec.workflow, cases }
    }

    fn case(&mut self, spec: CaseSpec, path: &str) -> Case {
        if spec.expect.is_empty() && spec.fails.is_none() {
            let fix = "add expect with a sink, a stage.port or dead-letters, or fails";
            self.refuse(2241, path, "the case expects nothing", fix);
        }
        let input = spec.input.into_iter().map(|(stage, pieces)| {
            let path = below(path, &["input", stage.as_str()]);
            let pieces = pieces.into_iter().enumerate();
            let pieces = pieces.map(|(at, it)| self.piece(it, at, &format!("{path}[{at}]")));
            (stage, pieces.collect())
        });
        let input = input.collect();
        let expect = spec.expect.into_iter();
        let expect = expect.map(|(key, it)| self.expected(&key, it, path)).collect();
        let mut kill_at: Vec<_> = spec.kill_at.into_iter().map(NonZeroU64::get).collect();
        kill_at.sort_unstable();
        kill_at.dedup();
        Case {
            name: spec.name,
            place: self.document.place(path),
            stage: spec.stage,
            environment: spec.environment,
            secrets: spec.secrets,
            clock: spec.clock.unwrap_or(CLOCK),
            batch_rows: spec.batch_rows.map(|it| it.get() as usize),
            input,
            expect,
            fails: spec.fails,
            kill_at,
            timeout: spec.timeout.map_or(TIMEOUT, Millis::duration),
        }
    }

    fn piece(&mut self, spec: PieceSpec, at: usize, path: &str) -> Piece {
        let given = match (spec.rows, spec.text, spec.file) {
            (Some(rows), None, None) => Given::Rows(rows),
            (None, Some(text), None) => Given::Text(text),
            (None, None, Some(file)) => {
                self.file(&file, &format!("{path}.file"));
                Given::File(file)
            }
            (rows, text, file) => {
                let given = [rows.is_some(), text.is_some(), file.is_some()];
                let cause = match given.into_iter().filter(|it| *it).count() {
                    0 => "there is nothing that comes in",
                    _ => "what comes in is said several times",
                };
                self.refuse(2242, path, cause, "write exactly one of rows, text, file");
                Given::Rows(Vec::new())
            }
        };
        let item = spec.item.unwrap_or_else(|| format!("input-{}", at + 1));
        Piece { place: self.document.place(path), item, at: spec.at, given }
    }

    fn expected(&mut self, key: &str, spec: ExpectSpec, case: &str) -> Expected {
        let path = below(case, &["expect", key]);
        let is_silent = spec.records.is_none()
            && spec.file.is_none()
            && spec.text.is_none()
            && spec.count.is_none();
        if is_silent {
            let fix = "add records, file, text or count; records: [] for none";
            self.refuse(2241, &path, "nothing is said of what comes out", fix);
        }
        if spec.records.is_some() && spec.file.is_some() {
            let cause = "the records are said twice, here and in a file";
            self.refuse(2242, &path, cause, "write either records or file");
        }
        let file = spec.file.map(|it| {
            self.file(&it, &format!("{path}.file"));
            ExpectedRecords::File(it)
        });
        let rows = spec.records.map(|rows| {
            let place = |at| self.document.place(&format!("{path}.records[{at}]"));
            let rows = rows.into_iter().enumerate().map(|(at, it)| (place(at), it));
            ExpectedRecords::Rows(rows.collect())
        });
        let outlet = self.outlet(key, &path);
        let fields = spec.fields.unwrap_or(match outlet {
            Outlet::DeadLetters => Fields::Written,
            Outlet::Sink(_) | Outlet::Port(..) => Fields::All,
        });
        if spec.text.is_some() && !matches!(outlet, Outlet::Sink(_)) {
            let cause = "only a sink has a format that a text could be in";
            self.refuse(2242, &format!("{path}.text"), cause, "write records");
        }
        Expected {
            place: self.document.key_place(&path),
            records: rows.or(file),
            text: spec.text,
            count: spec.count,
            order: spec.order,
            fields,
            outlet,
        }
    }

    /// `stage.port` as it is in `from` of a stage. What it means is decided when the stages are known.
    fn outlet(&mut self, key: &str, path: &str) -> Outlet {
        if key == DEAD_LETTERS {
            return Outlet::DeadLetters;
        }
        let parted = key.rsplit_once('.').and_then(|(stage, port)| {
            Some(Outlet::Port(StageId::new(stage).ok()?, PortName::new(port).ok()?))
        });
        match (parted, StageId::new(key)) {
            (Some(port), _) => port,
            (None, Ok(stage)) => Outlet::Sink(stage),
            (None, Err(error)) => {
                let cause = format!("{key:?} names no stage and no port: {error}");
                self.refuse(2243, path, &cause, "write a sink, stage.port or dead-letters");
                Outlet::DeadLetters
            }
        }
    }

    /// A file is one of the project, or nobody would find it elsewhere.
    fn file(&mut self, file: &str, path: &str) {
        let is_plain = |it: Component<'_>| matches!(it, Component::Normal(_));
        let cause = if file.is_empty() || !Path::new(file).components().all(is_plain) {
            format!("{file:?} is no path below the project's directory")
        } else {
            match self.root.join(file).canonicalize() {
                Ok(it) if !it.starts_with(self.root) => {
                    format!("{file} leads out of the project, to {}", it.display())
                }
                Ok(it) if it.is_file() => return,
                Ok(_) => format!("{file} is no file"),
                Err(error) => format!("{file} can't be read: {error}"),
            }
        };
        let fix = "write the path of a file of the project, as tests/data/flights.csv";
        self.refuse(2244, path, &cause, fix);
    }

    fn refuse(&mut self, code: u32, path: &str, cause: &str, fix: &str) {
        let place: Place = self.document.place(path);
        self.findings.push(Finding::error(code, place, path, cause).with_fix(fix));
    }
}

pub(super) fn below(base: &str, keys: &[&str]) -> String {
    let steps: Vec<_> = keys.iter().map(|it| Step::Key((*it).to_owned())).collect();
    path::join(base, &path::write(&steps))
}
