//! All cases of a project, one after the other.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use weir_domain::{Fault, Finding, Place, StageId};
use weir_project::{
    Case, Expected, ExpectedRecords, Fields, Order, Outlet, Project, Row, Test, load_with,
};
use weir_stream::Registry;

use crate::compare::{Change, compare};
use crate::report::{CaseReport, Difference, Report, Verdict};
use crate::rows;
use crate::run::{self, Outcome};
use crate::scene::{Scene, dead_letters};
use crate::world::Output;

/// More differences of one case are counted, and not told.
const TOLD_MAX: usize = 50;

/// Hears of each case when it is done.
pub type Progress<'a> = &'a mut dyn FnMut(&CaseReport);

/// Runs the cases of a project whose names, as `test/case`, contain the text.
pub async fn run(
    project: &Project,
    registry: &Registry,
    filter: &str,
    told: Progress<'_>,
) -> Report {
    run_within(project, registry, (filter, Duration::MAX), told).await
}

/// The same, where no case gets more time than this, whatever it says.
pub async fn run_within(
    project: &Project,
    registry: &Registry,
    (filter, most): (&str, Duration),
    told: Progress<'_>,
) -> Report {
    let mut cases = Vec::new();
    for test in &project.tests {
        for case in &test.cases {
            if !format!("{}/{}", test.name, case.name).contains(filter) {
                continue;
            }
            let report = CaseReport {
                test: test.name.clone(),
                case: case.name.clone(),
                workflow: test.workflow.clone(),
                place: case.place.clone(),
                verdict: verdict(project, registry, test, &bounded(case, most)).await,
            };
            told(&report);
            cases.push(report);
        }
    }
    let tested: BTreeSet<_> = project.tests.iter().map(|it| &it.workflow).collect();
    let names = project.plans.iter().map(|it| &it.workflow);
    let untested = names.filter(|it| !tested.contains(it)).cloned().collect();
    Report { project: project.name.clone(), cases, untested }
}

fn bounded(case: &Case, most: Duration) -> Case {
    Case { timeout: case.timeout.min(most), ..case.clone() }
}

async fn verdict(project: &Project, registry: &Registry, test: &Test, case: &Case) -> Verdict {
    let judged = match case.environment.is_empty() {
        true => judge(project, registry, test, case).await,
        false => with_its_values(project, registry, test, case).await,
    };
    match judged {
        Ok(differences) if differences.is_empty() => Verdict::Passed,
        Ok(differences) => Verdict::Failed(told(differences)),
        Err(findings) => Verdict::Invalid(findings),
    }
}

/// The project is compiled anew: what a value means is known where it is put in.
async fn with_its_values(
    project: &Project,
    registry: &Registry,
    test: &Test,
    case: &Case,
) -> Result<Vec<Difference>, Vec<Finding>> {
    let loaded = load_with(&project.dir, registry, &case.environment);
    let findings = loaded.findings.into_iter().filter(Finding::is_error);
    let placed = |it: Finding| match it.place == Place::default() {
        true => Finding { place: case.place.clone(), ..it },
        false => it,
    };
    let findings: Vec<_> = findings.map(placed).collect();
    let Some(project) = loaded.project else { return Err(findings) };
    let test = project.tests.iter().find(|it| it.name == test.name);
    let cases = test.iter().flat_map(|it| &it.cases);
    let again = cases.into_iter().find(|it| it.name == case.name);
    match (test, again.map(|it| bounded(it, case.timeout))) {
        (Some(test), Some(case)) => judge(&project, registry, test, &case).await,
        _ => Ok(vec![Difference::new(&Place::default(), "", "its file was changed meanwhile")]),
    }
}

async fn judge(
    project: &Project,
    registry: &Registry,
    test: &Test,
    case: &Case,
) -> Result<Vec<Difference>, Vec<Finding>> {
    let plan = project.plans.iter().find(|it| it.workflow == test.workflow);
    let plan = plan.expect("a test of a project without errors has a workflow");
    let scene = Scene::of(case, (project, plan), registry)?;
    let unable = |fault: Fault| {
        let finding = Finding::error(fault.code.0, case.place.clone(), "", fault.message);
        vec![finding.with_fix(fault.hint.unwrap_or_default())]
    };
    let time = (case.clock, case.timeout);
    let outcome = run::run(&scene, registry, time, &[]).await.map_err(unable)?;
    let judge = Judge { project, case, scene: &scene };
    let mut differences = judge.outcome(&outcome).map_err(|it| vec![it])?;
    if case.kill_at.is_empty() || !differences.is_empty() {
        return Ok(differences);
    }
    if let Some(beyond) = case.kill_at.iter().find(|it| **it > outcome.came) {
        let cause = format!("killAt {beyond}: only {} records come in", outcome.came);
        let finding = Finding::error(2281, case.place.clone(), "", cause);
        return Err(vec![finding.with_fix("write a smaller number, or give more records")]);
    }
    let killed = run::run(&scene, registry, time, &case.kill_at).await.map_err(unable)?;
    differences.extend(judge.again(&outcome, &killed));
    Ok(differences)
}

fn told(mut differences: Vec<Difference>) -> Vec<Difference> {
    let more = differences.len().saturating_sub(TOLD_MAX);
    if more > 0 {
        differences.truncate(TOLD_MAX);
        let what = format!("{more} more differences");
        differences.push(Difference::new(&Place::default(), "", what));
    }
    differences
}

struct Judge<'a> {
    project: &'a Project,
    case: &'a Case,
    scene: &'a Scene,
}

impl Judge<'_> {
    /// What an undisturbed run gave, against what was expected.
    fn outcome(&self, outcome: &Outcome) -> Result<Vec<Difference>, Finding> {
        let mut found = Vec::new();
        if let Some(late) = self.late(outcome, "") {
            return Ok(vec![late]);
        }
        match (&self.case.fails, outcome.faults.as_slice()) {
            (None, []) => {}
            (None, faults) => {
                return Ok(faults
                    .iter()
                    .map(|it| self.whole(format!("it failed: {it}")))
                    .collect());
            }
            (Some(reason), []) => {
                found.push(self.whole(format!("it did not fail, and was to fail with {reason:?}")));
            }
            (Some(reason), faults) => {
                let is_it = |it: &Fault| it.message.contains(reason.as_str());
                if !faults.iter().any(is_it) {
                    let other = faults.first().map(ToString::to_string).unwrap_or_default();
                    let what = format!("it failed otherwise than with {reason:?}: {other}");
                    found.push(self.whole(what));
                }
            }
        }
        let none = Output::default();
        for expected in &self.case.expect {
            let at = self.scene.caught.get(&expected.outlet);
            let output = at.and_then(|it| outcome.published.get(it)).unwrap_or(&none);
            found.extend(self.expected(expected, output)?);
        }
        found.extend(self.unexpected_letters(outcome));
        Ok(found)
    }

    fn late(&self, outcome: &Outcome, when: &str) -> Option<Difference> {
        let standing = outcome.late.as_ref()?;
        let why = standing.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
        Some(self.whole(format!("{when}it was not done within {:?}{why}", self.case.timeout)))
    }

    fn whole(&self, what: String) -> Difference {
        Difference::new(&self.case.place, "", what)
    }

    fn expected(&self, expected: &Expected, got: &Output) -> Result<Vec<Difference>, Finding> {
        let outlet = expected.outlet.to_string();
        let mut found = Vec::new();
        let count = got.records.len() as u64;
        if let Some(wanted) = expected.count.filter(|it| *it != count) {
            let (wanted, got) = (Some(Value::from(wanted)), Some(Value::from(count)));
            let what = "the number of records differs";
            let difference = Difference::new(&expected.place, &outlet, what);
            found.push(Difference { expected: wanted, got, ..difference });
        }
        if let Some(wanted) = &expected.text {
            found.extend(text(expected, wanted, &String::from_utf8_lossy(&got.text)));
        }
        let Some(records) = &expected.records else { return Ok(found) };
        let (places, wanted) = self.wanted(expected, records)?;
        let order = expected.order.unwrap_or(Order::Exact);
        for change in compare(&wanted, &got.records, order, expected.fields) {
            found.push(difference(&change, (expected, &places), (&wanted, &got.records)));
        }
        Ok(found)
    }

    /// The records that were expected, and where each was written.
    fn wanted(
        &self,
        expected: &Expected,
        records: &ExpectedRecords,
    ) -> Result<(Vec<Place>, Vec<Row>), Finding> {
        match records {
            ExpectedRecords::Rows(rows) => Ok(rows.iter().cloned().unzip()),
            ExpectedRecords::File(path) => {
                let refuse = |cause: String| {
                    let finding = Finding::error(2282, expected.place.clone(), "", cause);
                    finding.with_fix("write one JSON object on each line")
                };
                let text = fs::read(self.project.dir.join(path));
                let text = text.map_err(|it| refuse(format!("{path} can't be read: {it}")))?;
                let rows = rows::parsed(&text);
                let rows =
                    rows.map_err(|(line, it)| refuse(format!("{path}, line {line}: {it}")))?;
                Ok((vec![expected.place.clone(); rows.len()], rows))
            }
        }
    }

    fn unexpected_letters(&self, outcome: &Outcome) -> Vec<Difference> {
        if self.case.expect.iter().any(|it| it.outlet == Outlet::DeadLetters) {
            return Vec::new();
        }
        let letters = outcome.published.get(&dead_letters());
        let letters = letters.map(|it| it.records.as_slice()).unwrap_or_default();
        let of = |letter: &Row| {
            let text = |key: &str| letter.get(key).map(shown).unwrap_or_default();
            let (stage, at, why) = (text("stage"), text("position"), text("reason"));
            let what =
                format!("a dead letter that is not expected: stage {stage}, record {at}: {why}");
            let outlet = Outlet::DeadLetters.to_string();
            let got = Some(Value::Object(letter.clone()));
            Difference { got, ..Difference::new(&self.case.place, &outlet, what) }
        };
        letters.iter().map(of).collect()
    }

    /// What a run gave that was cut off, against what the undisturbed one gave.
    fn again(&self, undisturbed: &Outcome, killed: &Outcome) -> Vec<Difference> {
        let cuts: Vec<_> = self.case.kill_at.iter().map(ToString::to_string).collect();
        let when = format!("cut off after record {} and begun again: ", cuts.join(", "));
        if let Some(late) = self.late(killed, &when) {
            return vec![late];
        }
        let mut found = Vec::new();
        let messages = |it: &Outcome| -> Vec<String> {
            it.faults.iter().map(|it| it.message.clone()).collect()
        };
        if messages(undisturbed) != messages(killed) {
            let fault = killed.faults.first().map(|it| format!("it failed: {it}"));
            let what = fault.unwrap_or_else(|| "it did not fail any more".to_owned());
            found.push(self.whole(format!("{when}{what}")));
        }
        if killed.cuts_left > 0 {
            found.push(self.whole(format!("{when}fewer records came in")));
        }
        let stages: BTreeSet<_> =
            undisturbed.published.keys().chain(killed.published.keys()).collect();
        for stage in stages {
            found.extend(
                self.stage_again(stage, undisturbed, killed)
                    .into_iter()
                    .map(|it| Difference { what: format!("{when}{}", it.what), ..it }),
            );
        }
        found
    }

    fn stage_again(
        &self,
        stage: &StageId,
        undisturbed: &Outcome,
        killed: &Outcome,
    ) -> Vec<Difference> {
        let records = |it: &Outcome| -> Vec<Row> {
            let all = it.published.get(stage).map(|it| it.records.clone()).unwrap_or_default();
            if *stage == dead_letters() {
                all.into_iter().map(without_stream).collect()
            } else {
                all
            }
        };
        let (wanted, got) = (records(undisturbed), records(killed));
        let outlet = self.scene.caught.iter().find(|it| it.1 == stage).map(|it| it.0.clone());
        let outlet = outlet.unwrap_or_else(|| Outlet::Sink(stage.clone()));
        let known = self.case.expect.iter().find(|it| it.outlet == outlet);
        let order = known.and_then(|it| it.order);
        let order = order.unwrap_or(if known.is_some() { Order::Exact } else { Order::Any });
        let expected = Expected {
            place: known.map_or_else(|| self.case.place.clone(), |it| it.place.clone()),
            outlet,
            records: None,
            text: None,
            count: None,
            order: Some(order),
            fields: Fields::All,
        };
        let changes = compare(&wanted, &got, order, Fields::All);
        changes.iter().map(|it| difference(it, (&expected, &[]), (&wanted, &got))).collect()
    }
}

/// Which stream it was is another one after a cut.
fn without_stream(mut letter: Row) -> Row {
    letter.shift_remove("stream");
    letter
}

/// A change as people are told of it: records are counted from 1.
fn difference(
    change: &Change,
    (expected, places): (&Expected, &[Place]),
    (wanted, got): (&[Row], &[Row]),
) -> Difference {
    let outlet = expected.outlet.to_string();
    let place = |at: usize| places.get(at).unwrap_or(&expected.place);
    let record = |rows: &[Row], at: usize| Some(Value::Object(rows[at].clone()));
    match change {
        Change::Missing(at) => Difference {
            expected: record(wanted, *at),
            ..Difference::new(place(*at), &outlet, format!("record {} is missing", at + 1))
        },
        Change::Further(at) => Difference {
            got: record(got, *at),
            ..Difference::new(
                &expected.place,
                &outlet,
                format!("record {} of what came is one too many", at + 1),
            )
        },
        Change::Differs { expected: e, got: g, fields } => Difference {
            expected: record(wanted, *e),
            got: record(got, *g),
            fields: fields.clone(),
            ..Difference::new(place(*e), &outlet, format!("record {} differs", e + 1))
        },
    }
}

/// The first line that differs.
fn text(expected: &Expected, wanted: &str, got: &str) -> Option<Difference> {
    if wanted == got {
        return None;
    }
    let lines = wanted.split_inclusive('\n').zip(got.split_inclusive('\n'));
    let same = lines.take_while(|it| it.0 == it.1).count();
    let line = |it: &str| it.split_inclusive('\n').nth(same).map(Value::from);
    let outlet = expected.outlet.to_string();
    let what = format!("line {} of what is written differs", same + 1);
    Some(Difference {
        expected: line(wanted),
        got: line(got),
        ..Difference::new(&expected.place, &outlet, what)
    })
}

/// A value as it stands in a sentence.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
