//! Directories that stages share without being meant to: sinks that write the same files, a sink
//! that feeds its own source, sources that take each other's files away.
//!
//! Directories are compared as they are written, resolved against the project's: links are not
//! followed, and the disk is not looked at. Whether a sink's names match a source's pattern is not
//! judged: what is said of loops is a warning for that.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use weir_domain::plan::{Plan, Role, Stage};
use weir_domain::{Finding, Place};

use crate::config::Config;
use crate::path::Step;
use crate::workflow::Draft;

/// The kind of stage whose directories are those of the disk.
const KIND: &str = "file";

/// All findings about directories; relative ones are below `root`.
pub(crate) fn shared(drafts: &[Draft], root: &Path) -> Vec<Finding> {
    let mut findings = same_files(drafts, root);
    findings.extend(drafts.iter().flat_map(|it| loops(it, root)));
    findings.extend(races(drafts, root));
    findings
}

/// A stage that reads or writes files.
struct User<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    config: &'a Config,
}

impl User<'_> {
    fn named(&self) -> String {
        format!("stage {} of workflow {}", self.stage.id, self.plan.workflow)
    }

    fn is_same_workflow(&self, other: &Self) -> bool {
        self.plan.workflow == other.plan.workflow
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.stage.config.get(key).filter(|it| !it.is_null())
    }

    fn directory(&self, root: &Path) -> Option<PathBuf> {
        directory(&self.stage.config, root)
    }

    fn replaces(&self) -> bool {
        self.get("onExisting").is_some_and(|it| it == "replace")
    }

    fn moves(&self) -> bool {
        self.get("done").or_else(|| self.get("error")).is_some()
    }

    /// A warning at a key. An asset that is used twice stands in one place: the stage tells the
    /// uses apart.
    fn warning(&self, code: u32, key: &str, cause: String) -> Finding {
        let finding = self.config.finding(code, &[Step::Key(key.to_owned())], cause);
        let place = if is_shared_asset(&finding.place, &self.stage.place) {
            self.stage.place.clone()
        } else {
            finding.place
        };
        Finding::warning(code, place, finding.path, finding.cause)
    }
}

fn users(draft: &Draft, role: Role) -> impl Iterator<Item = User<'_>> {
    let stages = draft.plan.stages.iter().zip(&draft.configs);
    let meant = stages.filter(move |it| it.0.role == role && it.0.kind == KIND);
    meant.map(|(stage, config)| User { plan: &draft.plan, stage, config })
}

/// What decides which files a sink writes: its directory, its name template, and the workflow
/// where the template makes a difference between workflows.
type Target = (PathBuf, String, String);

/// A finding for each sink whose directory and name template are those of an earlier one. It is
/// an error where the files of one stream are sure to replace each other.
fn same_files(drafts: &[Draft], root: &Path) -> Vec<Finding> {
    let mut seen: BTreeMap<Target, Vec<User<'_>>> = BTreeMap::new();
    let mut findings = Vec::new();
    for user in drafts.iter().flat_map(|it| users(it, Role::Sink)) {
        let Some(target) = target(&user, root) else { continue };
        let earlier = seen.entry(target).or_default();
        findings.extend(clash(&user, earlier));
        earlier.push(user);
    }
    findings
}

fn clash(user: &User<'_>, earlier: &[User<'_>]) -> Option<Finding> {
    // Which of a workflow's sinks publishes first is not promised: one that replaces is enough.
    let is_lost = |it: &&User<'_>| it.is_same_workflow(user) && (it.replaces() || user.replaces());
    if let Some(lost) = earlier.iter().find(is_lost) {
        let cause = format!(
            "{} writes the same files as {}, and by onExisting: replace only one of them is kept",
            user.named(),
            lost.named()
        );
        let warning = user.warning(2225, "name", cause);
        let finding = Finding::error(2225, warning.place, warning.path, warning.cause);
        return Some(finding.with_fix("give one of them another directory or name"));
    }
    let first = earlier.first()?;
    let cause = format!("{} writes the same files as {}", user.named(), first.named());
    let fix = if first.is_same_workflow(user) {
        "give one of them another directory or name"
    } else {
        "give one of them another directory or name, or ${workflow} in the name"
    };
    Some(user.warning(2225, "name", cause).with_fix(fix))
}

fn target(user: &User<'_>, root: &Path) -> Option<Target> {
    let name = user.get("name")?.as_str()?;
    let is_own = name.contains("${workflow}") || name.contains("${stream}");
    let workflow = if is_own { user.plan.workflow.to_string() } else { String::new() };
    Some((user.directory(root)?, name.to_owned(), workflow))
}

/// A warning for each sink, that of the dead letters included, that writes to where the workflow
/// reads. Another workflow may well read there: that is how two are chained.
fn loops(draft: &Draft, root: &Path) -> Vec<Finding> {
    let sources: Vec<_> = users(draft, Role::Source).collect();
    let read_by = |written: Option<PathBuf>| {
        let written = written?;
        let source = sources.iter().find(|it| reads(it, &written, root))?;
        Some(source.named())
    };
    let fix = "write to a directory that is not read";
    let says = |writer: &str, source: &str| {
        format!(
            "{writer} writes to where {source} reads: its files are read and written without end, unless the source's pattern leaves them out"
        )
    };
    let mut findings = Vec::new();
    for sink in users(draft, Role::Sink) {
        let Some(source) = read_by(written(&sink.stage.config, root)) else { continue };
        let cause = says(&sink.named(), &source);
        findings.push(sink.warning(2228, "directory", cause).with_fix(fix));
    }
    if let Some(config) = &draft.dead_letters
        && let Some(source) = read_by(written(&config.to_json(), root))
    {
        let writer = format!("deadLetters of workflow {}", draft.plan.workflow);
        let cause = says(&writer, &source);
        let found = config.finding(2228, &[Step::Key("directory".to_owned())], cause);
        findings.push(Finding::warning(2228, found.place, found.path, found.cause).with_fix(fix));
    }
    findings
}

/// A warning for each source that reads files which another workflow's source reads as well, if
/// one of the two moves them away. Two different patterns are meant to divide a directory.
fn races(drafts: &[Draft], root: &Path) -> Vec<Finding> {
    let sources: Vec<_> = drafts.iter().flat_map(|it| users(it, Role::Source)).collect();
    let mut findings = Vec::new();
    for (at, user) in sources.iter().enumerate() {
        let mut earlier = sources[..at].iter().filter(|it| !it.is_same_workflow(user));
        let Some(other) = earlier.find(|it| is_race(it, user, root)) else { continue };
        let cause = format!(
            "{} reads the same directory as {}, and one moves files away that the other has yet to read",
            user.named(),
            other.named()
        );
        let fix =
            "give each of them a directory or a pattern of its own, or make them one workflow";
        findings.push(user.warning(2229, "directory", cause).with_fix(fix));
    }
    findings
}

fn is_race(a: &User<'_>, b: &User<'_>, root: &Path) -> bool {
    let is_read_by = |reader: &User<'_>, other: &User<'_>| {
        other.directory(root).is_some_and(|it| reads(reader, &it, root))
    };
    let pattern = |it: &User<'_>| it.get("glob").or_else(|| it.get("regex")).cloned();
    let is_divided = pattern(a).is_some() && pattern(b).is_some() && pattern(a) != pattern(b);
    (a.moves() || b.moves()) && !is_divided && (is_read_by(a, b) || is_read_by(b, a))
}

/// Whether a source reads the files of a directory.
fn reads(source: &User<'_>, directory: &Path, root: &Path) -> bool {
    let is_recursive = source.get("recursive").is_some_and(|it| it == true);
    source
        .directory(root)
        .is_some_and(|it| it == directory || (is_recursive && directory.starts_with(&it)))
}

/// Where a sink writes: its directory, and those that its name begins with.
fn written(config: &Value, root: &Path) -> Option<PathBuf> {
    let name = config.get("name").and_then(Value::as_str).unwrap_or_default();
    let plain = name.split("${").next().unwrap_or_default();
    let below = plain.rsplit_once('/').map_or("", |it| it.0);
    Some(resolved(&directory(config, root)?.join(below.trim_start_matches('/'))))
}

fn directory(config: &Value, root: &Path) -> Option<PathBuf> {
    let written = config.get("directory").and_then(Value::as_str)?;
    Some(resolved(&root.join(written)))
}

/// The path without `.` and `..`, by its text alone.
fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(resolved.pop()),
            other => resolved.push(other),
        }
    }
    resolved
}

fn is_shared_asset(config: &Place, stage: &Place) -> bool {
    config.file != stage.file
}
