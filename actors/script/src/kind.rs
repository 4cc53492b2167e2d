//! The kind `javascript`: what it says of a configuration, and the operator that it builds.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use schemars::{Schema, schema_for};
use serde_json::Value;
use weir_domain::{Fault, Finding, Millis, Place};
use weir_stream::{
    BuildContext, BuiltOperator, Checked, ConfigError, OperatorKind, SecretUse, decode_config,
};

use crate::ceiling::Ceiling;
use crate::config::{JavaScriptConfig, MEMORY_MIN, Script};
use crate::console::Voice;
use crate::engine::{Engine, HOOKS};
use crate::operator::ScriptOperator;
use crate::program::Program;
use crate::shape::{Shape, outputs};
use crate::thrown::{Failure, Thrown};

/// The longest that whoever checks a configuration waits for its script.
const LOAD_TIME_MAX: Millis = Millis::seconds(5);

/// The kind `javascript`.
pub struct JavaScriptKind;

impl OperatorKind for JavaScriptKind {
    fn name(&self) -> &'static str {
        "javascript"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(JavaScriptConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<JavaScriptConfig>(config).map(|_| ())
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        check(config, input, None)
    }

    /// A script could put it into records, names and its log.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn blocks(&self) -> bool {
        true
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        build(config, input, cx, None)
    }
}

/// What is left of the time for loading, below a ceiling.
pub(crate) type Left<'c> = (&'c Ceiling, Option<Duration>);

pub(crate) fn check(config: &Value, input: Option<&SchemaRef>, left: Option<Left<'_>>) -> Checked {
    let Ok(config) = decode_config::<JavaScriptConfig>(config) else {
        return Checked::default();
    };
    let mut wrong = Vec::new();
    let outputs = outputs(&config, input, &mut wrong);
    if let (Some(input), true) = (input, wrong.is_empty()) {
        wrong.extend(Shape::of(&config, input).err().into_iter().flatten());
    }
    let unfit = wrong
        .into_iter()
        .map(|it| Finding::error(2152, Place::default(), it.path, it.cause).with_fix(it.fix));
    let mut findings: Vec<_> = unfit.chain(limit_findings(&config)).collect();
    if findings.is_empty() {
        findings.extend(script_findings(&config, left));
    }
    Checked { outputs, findings, ..Checked::default() }
}

pub(crate) fn build(
    config: &Value,
    input: &SchemaRef,
    cx: &BuildContext,
    ceiling: Option<&Ceiling>,
) -> Result<BuiltOperator, Fault> {
    let unfit = |it: String| Fault::config(3177, format!("stage {}: {it}", cx.stage));
    let config: JavaScriptConfig = decode_config(config).map_err(|it| unfit(it.to_string()))?;
    let program = Program::of(&config, ceiling).ok_or_else(|| unfit(unread(&config)))?;
    let shape = Shape::of(&config, input).map_err(|wrong| match wrong.into_iter().next() {
        Some(first) => unfit(format!("{}: {}", first.path, first.cause)).with_hint(first.fix),
        None => unfit("its outputs can't be worked out".into()),
    })?;
    let ports = shape.ports.iter();
    let outputs = ports.map(|it| (it.name.clone(), Arc::clone(&it.schema))).collect();
    let operator = ScriptOperator {
        stage: cx.stage.clone(),
        program: Arc::new(program),
        shape: Arc::new(shape),
        shelf: cx.shelf.clone(),
        batch_rows: cx.limits.batch_rows,
        engine: None,
    };
    Ok(BuiltOperator { operator: Box::new(operator), outputs })
}

fn limit_findings(config: &JavaScriptConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &str, cause: &str, fix: &str| {
        findings.push(Finding::error(2153, Place::default(), path, cause).with_fix(fix));
    };
    if config.limits.time.0 == 0 {
        wrong("limits.time", "no call may take any time", "write for instance 1s");
    }
    if config.limits.memory.0 < MEMORY_MIN {
        wrong("limits.memory", "a script needs at least 4MiB to start", "write for instance 64MiB");
    }
    findings
}

/// Runs what a script does when it is loaded, without its hooks: it can reach nothing outside.
fn script_findings(config: &JavaScriptConfig, left: Option<Left<'_>>) -> Vec<Finding> {
    let mut config = config.clone();
    config.limits.time = config.limits.time.min(LOAD_TIME_MAX);
    let ceiling = left.map(|it| it.0);
    if let Some((ceiling, Some(left))) = left {
        if left.is_zero() {
            return vec![nothing_left(ceiling)];
        }
        config.limits.time = config.limits.time.min(Millis(left.as_millis().max(1) as u64));
    }
    let config = &config;
    let Some(program) = Program::of(config, ceiling) else {
        let finding = Finding::error(2150, Place::default(), "script", unread(config));
        return vec![finding.with_fix("check that the project has the file")];
    };
    let (time, memory) = program.limits();
    let at_load = |cause: String, fix: &str| {
        vec![Finding::error(2154, Place::default(), "script", cause).with_fix(fix)]
    };
    let program = Arc::new(program);
    match Engine::load(&program, Voice::mute()) {
        Ok(engine) => engine.strange.iter().map(|it| strange(it)).collect(),
        Err(Failure::Thrown(thrown)) => vec![broken(thrown)],
        Err(Failure::TimeLimit) => {
            let cause = format!("the script takes more than {time} before any of its functions");
            at_load(cause, "look for a loop that does not end")
        }
        Err(Failure::MemoryLimit) => {
            let cause = format!("the script needs more than {memory} before any of its functions");
            let fix = format!("make less at the top of it, or {}", program.raise_memory());
            at_load(cause, &fix)
        }
        Err(Failure::Stopped) => Vec::new(),
    }
}

/// The scripts before it took all the time that there is.
fn nothing_left(ceiling: &Ceiling) -> Finding {
    let most = ceiling.loading.unwrap_or(Millis(0));
    let cause = format!("it is not looked at: the scripts before it took more than {most} to load");
    let fix = format!(
        "make less at the top of them; together they get no more here: {}.script-loading says so",
        ceiling.key
    );
    Finding::error(2156, Place::default(), "script", cause).with_fix(fix)
}

/// In a file, the finding has the very place; in a configuration, it names the line of the script.
fn broken(thrown: Thrown) -> Finding {
    match (&thrown.file, thrown.at) {
        (Some(file), Some((line, column))) => {
            Finding::error(2151, Place::new(file, line, column), "script", thrown.message)
        }
        (Some(file), None) => Finding::error(2151, Place::file(file), "script", thrown.message),
        (None, _) => Finding::error(2151, Place::default(), "script", thrown.to_string()),
    }
}

fn strange(name: &str) -> Finding {
    let cause = format!("{name} is exported, and nothing ever calls it");
    let fix = match weir_domain::did_you_mean(name, HOOKS) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the hooks are: {}", HOOKS.join(", ")),
    };
    Finding::warning(2155, Place::default(), "script", cause).with_fix(fix)
}

fn unread(config: &JavaScriptConfig) -> String {
    match &config.script {
        Script::File(it) => format!("the file {} was not read", it.file),
        Script::Inline(_) => "there is no script".into(),
    }
}
