//! Conditions compiled: which of the rows that matter meet one.

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use weir_domain::{Finding, Place, Timestamp};
use weir_expr::{Expression, Predicate};

use super::config::Condition;
use crate::expression::{Failed, finding};

/// Deepest nesting of all, any, none: more is a mistake, and costs stack.
const DEPTH_MAX: usize = 16;

pub(crate) enum Test {
    Is(Predicate),
    All(Vec<Test>),
    Any(Vec<Test>),
    None(Vec<Test>),
}

/// What a test sees: the records, and the time that they have.
pub(crate) struct Seen<'a> {
    pub(crate) records: &'a RecordBatch,
    pub(crate) now: Timestamp,
    /// The rule that asks, for messages.
    pub(crate) rule: &'a str,
}

impl Test {
    /// Rows out of `relevant` that meet the condition. A row that fails is noted and meets none;
    /// rows that are not relevant can't fail: an earlier condition or rule has decided them.
    pub(crate) fn run(
        &self,
        seen: &Seen<'_>,
        relevant: &BooleanBuffer,
        failed: &mut Failed,
    ) -> BooleanBuffer {
        if relevant.count_set_bits() == 0 {
            return relevant.clone();
        }
        match self {
            Self::Is(predicate) => {
                let found = predicate.matches_isolating(seen.records, seen.now);
                for failure in found.failures {
                    if relevant.value(failure.row) {
                        failed.add(failure, seen.rule);
                    }
                }
                found.matches.values() & relevant
            }
            Self::All(tests) => {
                tests.iter().fold(relevant.clone(), |open, test| test.run(seen, &open, failed))
            }
            Self::Any(tests) => any(tests, seen, relevant, failed),
            Self::None(tests) => relevant & &!&any(tests, seen, relevant, failed),
        }
    }
}

fn any(
    tests: &[Test],
    seen: &Seen<'_>,
    relevant: &BooleanBuffer,
    failed: &mut Failed,
) -> BooleanBuffer {
    let mut met = BooleanBuffer::new_unset(relevant.len());
    for test in tests {
        let open = relevant & &!&met;
        met = &met | &test.run(seen, &open, failed);
    }
    met
}

/// Compiles a condition. Without a schema only its syntax is checked, and there is no test.
pub(crate) fn compile(
    condition: &Condition,
    schema: Option<&SchemaRef>,
    path: &str,
    findings: &mut Vec<Finding>,
) -> Option<Test> {
    compile_at(condition, schema, path, findings, 0)
}

fn compile_at(
    condition: &Condition,
    schema: Option<&SchemaRef>,
    path: &str,
    findings: &mut Vec<Finding>,
    depth: usize,
) -> Option<Test> {
    let (key, list) = match condition {
        Condition::Is(text) => return predicate(&text.0, schema, path, findings).map(Test::Is),
        Condition::All(list) => ("all", list),
        Condition::Any(list) => ("any", list),
        Condition::None(list) => ("none", list),
    };
    let path = format!("{path}.{key}");
    let mut wrong = |cause: &str, fix: &str| {
        findings.push(Finding::error(2140, Place::default(), &path, cause).with_fix(fix));
    };
    if list.is_empty() {
        wrong("there is no condition in the list", "write at least one");
        return None;
    }
    if depth == DEPTH_MAX {
        wrong("the conditions are nested too deeply", "write AND, OR, NOT in an expression");
        return None;
    }
    let mut tests = Vec::with_capacity(list.len());
    for (at, inner) in list.iter().enumerate() {
        tests.push(compile_at(inner, schema, &format!("{path}[{at}]"), findings, depth + 1));
    }
    let tests: Vec<Test> = tests.into_iter().collect::<Option<_>>()?;
    Some(match condition {
        Condition::Any(_) => Test::Any(tests),
        Condition::None(_) => Test::None(tests),
        Condition::All(_) | Condition::Is(_) => Test::All(tests),
    })
}

fn predicate(
    text: &str,
    schema: Option<&SchemaRef>,
    path: &str,
    findings: &mut Vec<Finding>,
) -> Option<Predicate> {
    let compiled = match schema {
        Some(schema) => Predicate::compile(text, schema).map(Some),
        None => Expression::check_syntax(text).map(|()| None),
    };
    compiled.unwrap_or_else(|error| {
        findings.push(finding(path, &error));
        None
    })
}
