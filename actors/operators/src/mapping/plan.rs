//! A mapping against a schema: the steps that it takes, and the schema that it gives.
//!
//! The steps are tried on empty columns while they are put together, so each one is checked
//! against exactly what the ones before it leave.

use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use weir_domain::{Finding, Place, did_you_mean};
use weir_expr::{ExprErrorKind, Expression};

use super::config::{MappingConfig, Mode};
use super::table::{Table, Wrong};
use crate::expression::{Text, finding};
use crate::path::FieldPath;

/// One step of a mapping. Running it on columns of the schema that it was planned for succeeds.
pub(crate) enum Step {
    /// Another name in the same place.
    Rename {
        from: FieldPath,
        to: String,
    },
    /// Another place.
    Move {
        from: FieldPath,
        to: FieldPath,
    },
    Set(Box<Set>),
    Keep(Vec<FieldPath>),
    Drop(FieldPath),
}

pub(crate) struct Set {
    pub(crate) target: FieldPath,
    pub(crate) expression: Expression,
    /// What the expression is bound to.
    pub(crate) input: SchemaRef,
    pub(crate) field: FieldRef,
}

pub(crate) struct MappingPlan {
    pub(crate) steps: Vec<Step>,
    pub(crate) output: SchemaRef,
}

/// Applies a step that does not compute.
pub(crate) fn apply(step: &Step, table: &mut Table) -> Result<(), Wrong> {
    match step {
        Step::Rename { from, to } => table.rename(from.parts(), to),
        Step::Move { from, to } => {
            let (field, array) = table.get(from.parts())?;
            table.remove(from.parts())?;
            table.set(to.parts(), &field, array)
        }
        Step::Keep(paths) => table.keep(&paths.iter().map(FieldPath::parts).collect::<Vec<_>>()),
        Step::Drop(path) => table.remove(path.parts()),
        Step::Set(_) => Ok(()),
    }
}

/// The plan, or all that is wrong with the mapping.
pub(crate) fn plan(config: &MappingConfig, input: &SchemaRef) -> Result<MappingPlan, Vec<Finding>> {
    let mut planner = Planner {
        table: Table::empty(input),
        steps: Vec::new(),
        findings: Vec::new(),
        failed: Vec::new(),
        chosen: Vec::new(),
    };
    planner.keep(config);
    planner.rename(config);
    planner.set(config);
    if config.mode == Mode::Select && planner.findings.is_empty() {
        planner.step(Step::Keep(planner.chosen.clone()), "mode");
    }
    planner.drop(config);
    planner.finish(input)
}

struct Planner {
    table: Table,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    /// Targets whose expression was refused. That they are missing later is no news.
    failed: Vec<FieldPath>,
    /// With `mode: select`, what is kept in the end.
    chosen: Vec<FieldPath>,
}

impl Planner {
    fn keep(&mut self, config: &MappingConfig) {
        for (at, name) in config.keep.iter().enumerate() {
            let key = format!("keep[{at}]");
            if let Some(path) = self.existing(name, &key) {
                self.chosen.push(path);
            }
        }
    }

    fn rename(&mut self, config: &MappingConfig) {
        for (old, new) in config.rename.iter() {
            let key = format!("rename.{old}");
            let (Some(from), Some(to)) = (self.existing(old, &key), self.parsed(new, &key)) else {
                continue;
            };
            if from == to {
                continue;
            }
            if self.table.has(to.parts()) {
                let cause = format!("there is a field {to} already");
                let fix = "choose another name, or replace the field with set";
                self.findings.push(wrong(2136, &key, cause).with_fix(fix));
                continue;
            }
            if to.is_within(&from) {
                let cause = format!("{from} can't be moved into itself");
                self.findings.push(wrong(2136, &key, cause));
                continue;
            }
            self.follow_choice(&from, &to);
            let step = if from.parent() == to.parent() {
                Step::Rename { from, to: to.name().to_owned() }
            } else {
                Step::Move { from, to }
            };
            self.step(step, &key);
        }
    }

    /// What `keep` named is kept under its new name; what is renamed is kept anyway.
    fn follow_choice(&mut self, from: &FieldPath, to: &FieldPath) {
        match self.chosen.iter_mut().find(|it| *it == from) {
            Some(chosen) => *chosen = to.clone(),
            None => self.chosen.push(to.clone()),
        }
    }

    fn set(&mut self, config: &MappingConfig) {
        for (name, text) in config.set.iter() {
            let key = format!("set.{name}");
            let Some(target) = self.parsed(name, &key) else { continue };
            if !self.chosen.contains(&target) {
                self.chosen.push(target.clone());
            }
            if !self.set_one(&target, text, &key) {
                self.failed.push(target);
            }
        }
    }

    fn set_one(&mut self, target: &FieldPath, text: &Text, key: &str) -> bool {
        let schema = Arc::new(Schema::new(self.table.fields().to_vec()));
        let expression = match Expression::compile(&text.0, &schema) {
            Ok(it) => it,
            Err(error) => {
                let follows = matches!(&error.kind, ExprErrorKind::UnknownField { name, .. }
                    if self.failed.iter().any(|it| name.split('.').next() == Some(it.head())));
                if !follows {
                    self.findings.push(finding(key, &error));
                }
                return false;
            }
        };
        let copied = expression.plain_column().and_then(|it| schema.field_with_name(it).ok());
        let nullable = copied.is_none_or(Field::is_nullable);
        let field = Field::new(target.name(), expression.data_type().clone(), nullable);
        let empty = arrow::array::new_empty_array(expression.data_type());
        if let Err(error) = self.table.set(target.parts(), &field, empty) {
            self.report(&error, key);
            return false;
        }
        let set = Set { target: target.clone(), expression, input: schema, field: Arc::new(field) };
        self.steps.push(Step::Set(Box::new(set)));
        true
    }

    fn drop(&mut self, config: &MappingConfig) {
        for (at, name) in config.drop.iter().enumerate() {
            let key = format!("drop[{at}]");
            if let Some(path) = self.existing(name, &key) {
                self.step(Step::Drop(path), &key);
            }
        }
    }

    fn step(&mut self, step: Step, key: &str) {
        match apply(&step, &mut self.table) {
            Ok(()) => self.steps.push(step),
            Err(error) => self.report(&error, key),
        }
    }

    fn parsed(&mut self, text: &str, key: &str) -> Option<FieldPath> {
        FieldPath::parse(text).map_err(|it| self.findings.push(wrong(2135, key, it))).ok()
    }

    /// The path of a field that is there. Its whole text may be the name of one column.
    fn existing(&mut self, text: &str, key: &str) -> Option<FieldPath> {
        if self.table.fields().iter().any(|it| it.name() == text) {
            return Some(FieldPath::top(text));
        }
        let path = self.parsed(text, key)?;
        match self.table.get(path.parts()) {
            Ok(_) => Some(path),
            Err(_) if self.failed.iter().any(|it| path.is_within(it)) => None,
            Err(error) => {
                self.report(&error, key);
                None
            }
        }
    }

    fn report(&mut self, error: &Wrong, key: &str) {
        let found = wrong(2131, key, error.to_string());
        self.findings.push(match error {
            Wrong::Missing { name, siblings } => {
                match did_you_mean(name, siblings.iter().map(String::as_str)) {
                    Some(near) => found.with_fix(format!("did you mean {near}?")),
                    None => found.with_fix(format!("the fields are: {}", siblings.join(", "))),
                }
            }
            Wrong::NoRecord { .. } => {
                found.with_fix("choose another name, or drop the field first")
            }
            Wrong::Arrow(_) => found,
        });
    }

    fn finish(mut self, input: &SchemaRef) -> Result<MappingPlan, Vec<Finding>> {
        if self.findings.is_empty() && self.table.fields().is_empty() && !input.fields().is_empty()
        {
            let cause = "the mapping leaves no field";
            let finding = wrong(2137, "", cause).with_fix("keep or set at least one");
            self.findings.push(finding);
        }
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        let schema = Schema::new(self.table.fields().to_vec());
        let output = Arc::new(schema.with_metadata(input.metadata().clone()));
        Ok(MappingPlan { steps: self.steps, output })
    }
}

pub(crate) fn wrong(code: u32, key: &str, cause: impl Into<String>) -> Finding {
    Finding::error(code, Place::default(), key, cause)
}
