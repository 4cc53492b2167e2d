//! `weir test`: the cases of a project, run on this machine and without any server; or by the configuration
//! server that has the project.

mod at_server;
mod run;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use weir_domain::{Finding, WorkflowName};
use weir_project::{Loaded, Project};
use weir_stream::Registry;
use weir_testing::{CaseReport, Difference, Report, Verdict};

use super::args::Global;
use super::excerpt;
use super::exit::{Exit, Reason};
use super::failure::Failure;
use super::files;
use super::human::{plain, plural};
use super::look::{Look, Tone};
use super::output::{Format, Output};
use super::packing::is_directory;
use crate::delivery::View;

/// A comparison found differences.
const DIFFERS: u8 = 10;
/// Differences of one case that a person is told; a program gets more.
const TOLD_MAX: usize = 10;
/// A longer value is cut where people read it.
const SHOWN_MAX: usize = 300;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// A project directory, whose cases are run here; or the name of a project of the configuration server,
    /// which runs them
    #[arg(default_value = ".")]
    project: String,
    /// Only cases whose names, as TEST/CASE, contain this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Run a workflow on a sample, and show the records before and after each stage
    Run(Box<run::Args>),
}

impl Args {
    pub(crate) fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<ExitCode, Failure> {
        match self.verb {
            Some(Verb::Run(args)) => args.run(global, out, registry),
            None if is_directory(&self.project) => self.here(out, registry),
            None => super::asked(self.at_server(global, out)),
        }
    }

    async fn at_server(self, global: &Global, out: &Output) -> Result<ExitCode, Failure> {
        let (told, report) = at_server::tested(&self.project, &self.filter, global, out).await?;
        if report.cases.is_empty() && !self.filter.is_empty() {
            return Err(no_case(&self.filter).with_hint("names are as TEST/CASE"));
        }
        match matches!(out.format, Format::Table | Format::Wide) {
            true => {
                let look = out.look();
                report.cases.iter().try_for_each(|it| out.print(&shown(it, &look)))?;
                out.note(&summary(&report, &look));
            }
            false => out.show(&told, |_, _| String::new())?,
        }
        Ok(exit(&report))
    }

    fn here(self, out: &Output, registry: &Registry) -> Result<ExitCode, Failure> {
        let project = loaded(Path::new(&self.project), out, registry)?;
        let is_for_people = matches!(out.format, Format::Table | Format::Wide);
        let look = out.look();
        let mut unwritten = Ok(());
        let mut told = |case: &CaseReport| {
            if is_for_people && unwritten.is_ok() {
                unwritten = out.print(&shown(case, &look));
            }
        };
        let report = super::asked_on_threads(weir_testing::run(
            &project,
            registry,
            &self.filter,
            &mut told,
        ))?;
        unwritten?;
        if report.cases.is_empty() && !self.filter.is_empty() {
            return Err(self.nothing_found(&project));
        }
        match is_for_people {
            true => out.note(&summary(&report, &look)),
            false => out.show(&View::of(&report), |_, _| String::new())?,
        }
        Ok(exit(&report))
    }

    fn nothing_found(&self, project: &Project) -> Failure {
        let failure = no_case(&self.filter);
        let cases = project
            .tests
            .iter()
            .flat_map(|test| test.cases.iter().map(|case| format!("{}/{}", test.name, case.name)));
        match cases.collect::<Vec<_>>().as_slice() {
            [] => failure.with_hint("the project has none: add an asset of kind Test"),
            [first, ..] => failure.with_hint(format!("names are as {first:?}")),
        }
    }
}

fn no_case(filter: &str) -> Failure {
    let why = format!("no case is called so: {filter:?}");
    Failure::new(Reason::Unknown, "can't run the cases", why)
}

fn exit(report: &Report) -> ExitCode {
    match (report.invalid(), report.failed()) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => DIFFERS.into(),
        _ => Exit::Invalid.into(),
    }
}

fn loaded(dir: &Path, out: &Output, registry: &Registry) -> Result<Project, Failure> {
    files::project(dir)?;
    let Loaded { project, findings } = weir_project::load(dir, registry);
    match project {
        Some(project) => {
            findings.iter().for_each(|it| out.note(&it.to_string()));
            Ok(project)
        }
        None => Err(Failure::of_findings(format!("can't test {}", dir.display()), findings)),
    }
}

/// A case in a line, and below it what differs.
fn shown(case: &CaseReport, look: &Look) -> String {
    let name = plain(&format!("{}/{}", case.test, case.case));
    match &case.verdict {
        Verdict::Passed => format!("{} {name}\n", look.paint(Tone::Good, "✓")),
        Verdict::Failed(differences) => {
            let mut text = format!("{} {name}\n", look.paint(Tone::Bad, "✗"));
            for it in differences.iter().take(TOLD_MAX) {
                text += &difference(it, look);
            }
            if let Some(more) = differences.len().checked_sub(TOLD_MAX).filter(|it| *it > 0) {
                text += &format!("  and {more} more: -o json has them\n");
            }
            text
        }
        Verdict::Invalid(findings) => {
            let head = look.paint(Tone::Bad, "✗");
            let found: String = findings.iter().map(|it| found(it, look)).collect();
            format!("{head} {name} can't be run\n{found}")
        }
    }
}

fn found(finding: &Finding, look: &Look) -> String {
    let text = excerpt::finding(finding, None, look);
    text.lines().map(|it| format!("  {it}\n")).collect()
}

fn difference(it: &Difference, look: &Look) -> String {
    let place = if it.place.file.is_empty() { String::new() } else { format!("{}: ", it.place) };
    let outlet = if it.outlet.is_empty() { String::new() } else { format!("{}: ", it.outlet) };
    let mut text = format!("  {place}{}\n", plain(&format!("{outlet}{}", it.what)));
    let (minus, plus) = (look.paint(Tone::Good, "expected"), look.paint(Tone::Bad, "got"));
    if !it.fields.is_empty() {
        for field in &it.fields {
            let (expected, got) = (value(&field.expected), value(&field.got));
            text += &format!("    {}: {minus} {expected}, {plus} {got}\n", plain(&field.path));
        }
        return text;
    }
    for (word, json) in [(minus, &it.expected), (plus, &it.got)] {
        if let Some(json) = json {
            text += &format!("    {word} {}\n", value(json));
        }
    }
    text
}

fn value(json: &Value) -> String {
    let text = plain(&json.to_string());
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn summary(report: &Report, look: &Look) -> String {
    let (failed, invalid) = (report.failed(), report.invalid());
    let is_good = failed + invalid == 0;
    let glyph = if is_good { look.paint(Tone::Good, "✓") } else { look.paint(Tone::Bad, "✗") };
    let mut parts = vec![format!("{} passed", plural(report.passed(), "case"))];
    if failed > 0 {
        parts.push(format!("{failed} failed"));
    }
    if invalid > 0 {
        parts.push(format!("{invalid} can't be run"));
    }
    let mut text = format!("{glyph} {}: {}", plain(report.project.as_str()), parts.join(", "));
    if !report.untested.is_empty() {
        let names: Vec<_> = report.untested.iter().map(WorkflowName::as_str).collect();
        text += &format!("\n  without a test: {}", plain(&names.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_domain::{AssetName, Place, ProjectName};
    use weir_testing::FieldDifference;

    use super::*;
    use crate::cli::samples::LOOK;

    fn case(name: &str, verdict: Verdict) -> CaseReport {
        CaseReport {
            test: AssetName::new("delays").expect("a name"),
            case: name.into(),
            workflow: WorkflowName::new("flights").expect("a name"),
            place: Place::new("tests/delays.yaml", 7, 7),
            verdict,
        }
    }

    fn differs() -> Difference {
        let fields = vec![FieldDifference {
            path: "to.code".into(),
            expected: json!("BOS"),
            got: json!(null),
        }];
        Difference {
            place: Place::new("tests/delays.yaml", 12, 9),
            outlet: "late".into(),
            what: "record 1 differs".into(),
            expected: Some(json!({ "to": { "code": "BOS" } })),
            got: Some(json!({})),
            fields,
        }
    }

    #[test]
    fn a_case_that_failed_shows_what_was_expected_and_what_came() {
        let missing = Difference {
            what: "record 2 is missing".into(),
            fields: Vec::new(),
            got: None,
            ..differs()
        };
        let failed = case("a late one", Verdict::Failed(vec![differs(), missing]));
        assert_eq!(
            shown(&failed, &LOOK),
            "✗ delays/a late one\n\
             \x20 tests/delays.yaml:12:9: late: record 1 differs\n\
             \x20   to.code: expected \"BOS\", got null\n\
             \x20 tests/delays.yaml:12:9: late: record 2 is missing\n\
             \x20   expected {\"to\":{\"code\":\"BOS\"}}\n"
        );
        let many = case("many", Verdict::Failed(vec![differs(); 12]));
        assert!(shown(&many, &LOOK).ends_with("  and 2 more: -o json has them\n"));
    }

    #[test]
    fn the_summary_counts_and_names_what_is_not_tested() {
        let report = Report {
            project: ProjectName::new("flights").expect("a name"),
            cases: vec![
                case("a", Verdict::Passed),
                case("b", Verdict::Failed(vec![differs()])),
                case("c", Verdict::Invalid(Vec::new())),
            ],
            untested: vec![WorkflowName::new("airports").expect("a name")],
        };
        assert_eq!(
            summary(&report, &LOOK),
            "✗ flights: 1 case passed, 1 failed, 1 can't be run\n  without a test: airports"
        );
        let view = serde_json::to_value(View::of(&report)).expect("JSON");
        assert_eq!(view["cases"][1]["differences"][0]["fields"][0]["path"], "to.code");
        assert_eq!(view["cases"][1]["differences"][0]["line"], 12);
        assert_eq!((&view["failed"], &view["invalid"]), (&json!(1), &json!(1)));
    }
}
