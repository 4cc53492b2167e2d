//! `${env:NAME}` and `${env:NAME:-default}` in texts, replaced by values of environment assets.
//!
//! A text that is nothing but one such macro becomes the value with its type; inside a text the
//! value is put in as text. `$${env:` stands for `${env:` itself. All other macros (`${date:…}`,
//! `${item}`, and `$$` before them) belong to whoever uses the text at run time, and stay.

use std::collections::BTreeSet;

use weir_conf::{Node, Value};
use weir_domain::{Finding, Place, did_you_mean};

use crate::environment::Values;
use crate::path::{self, Step};

const UNKNOWN_NAME: u32 = 2211;

/// Puts values in below a node. Returns the places of texts where that failed: what else is
/// wrong with them follows from it.
pub(crate) fn substitute(
    node: &mut Node,
    path: &str,
    values: &Values,
    findings: &mut Vec<Finding>,
) -> BTreeSet<Place> {
    let mut pass = Pass { values, base: path, findings, broken: BTreeSet::new() };
    pass.node(node, &mut Vec::new());
    pass.broken
}

struct Pass<'a> {
    values: &'a Values,
    base: &'a str,
    findings: &'a mut Vec<Finding>,
    broken: BTreeSet<Place>,
}

impl Pass<'_> {
    fn node(&mut self, node: &mut Node, steps: &mut Vec<Step>) {
        match &mut node.value {
            Value::Text(text) if text.contains("${") => {
                let text = std::mem::take(text);
                let found = expand(&text, self.values);
                node.value = found.value;
                let path = path::join(self.base, &path::write(steps));
                for trouble in found.troubles {
                    if trouble.is_error {
                        self.broken.insert(node.place.clone());
                    }
                    if !trouble.follows(self.values) {
                        self.findings.push(trouble.finding(&node.place, &path));
                    }
                }
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    steps.push(Step::Index(index));
                    self.node(item, steps);
                    steps.pop();
                }
            }
            Value::Mapping(entries) => {
                for (key, item) in entries {
                    steps.push(Step::Key(key.clone()));
                    self.node(item, steps);
                    steps.pop();
                }
            }
            _ => {}
        }
    }
}

/// A text with its values put in, and what was wrong.
#[derive(Debug, PartialEq)]
pub(crate) struct Expanded {
    pub(crate) value: Value,
    pub(crate) troubles: Vec<Trouble>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) is_error: bool,
    code: u32,
    cause: String,
    fix: String,
}

impl Trouble {
    /// Whether it may come from an environment that can't be read.
    pub(crate) fn follows(&self, values: &Values) -> bool {
        self.code == UNKNOWN_NAME && values.is_partial
    }

    pub(crate) fn finding(self, place: &Place, path: &str) -> Finding {
        let finding = if self.is_error { Finding::error } else { Finding::warning };
        finding(self.code, place.clone(), path, self.cause).with_fix(self.fix)
    }

    fn unknown(name: &str, values: &Values) -> Self {
        let near = did_you_mean(name, values.names());
        let fix = match near {
            Some(near) => format!("did you mean ${{env:{near}}}?"),
            None => format!(
                "define it in an environment asset that the project lists, or write a default: \
                 ${{env:{name}:-…}}"
            ),
        };
        let cause = format!("no environment of the project defines {name:?}");
        Self { is_error: true, code: UNKNOWN_NAME, cause, fix }
    }

    fn malformed(cause: impl Into<String>) -> Self {
        let fix = "write ${env:NAME} or ${env:NAME:-default}; $${env: stands for the text ${env:";
        Self { is_error: true, code: 2212, cause: cause.into(), fix: fix.into() }
    }

    fn lookalike(prefix: &str) -> Self {
        let cause = format!("${{{prefix}:…}} is no macro of environments and stays as it is");
        Self { is_error: false, code: 2213, cause, fix: "did you mean ${env:…}?".into() }
    }
}

pub(crate) fn expand(text: &str, values: &Values) -> Expanded {
    let mut troubles = Vec::new();
    if let Some(value) = whole(text, values, &mut troubles) {
        return Expanded { value, troubles };
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let is_escaped = rest[..at].ends_with('$');
        let (before, macro_text) = rest.split_at(at);
        out.push_str(before);
        rest = match parse(macro_text) {
            Found::Ours(_, after) if is_escaped => {
                out.pop();
                out.push_str(&macro_text[..macro_text.len() - after.len()]);
                after
            }
            Found::Ours(content, after) => {
                match resolve(content, values) {
                    Ok(value) => out.push_str(&as_text(&value)),
                    Err(trouble) => {
                        troubles.push(trouble);
                        out.push_str(&macro_text[..macro_text.len() - after.len()]);
                    }
                }
                after
            }
            Found::Open => {
                troubles.push(Trouble::malformed("${env: has no closing }"));
                out.push_str(macro_text);
                ""
            }
            Found::Other(prefix) => {
                if !is_escaped && is_lookalike(prefix) {
                    troubles.push(Trouble::lookalike(prefix));
                }
                out.push_str("${");
                &macro_text[2..]
            }
        };
    }
    out.push_str(rest);
    Expanded { value: Value::Text(out), troubles }
}

/// The value of a text that is one macro and nothing else.
fn whole(text: &str, values: &Values, troubles: &mut Vec<Trouble>) -> Option<Value> {
    let Found::Ours(content, "") = parse(text) else { return None };
    match resolve(content, values) {
        Ok(value) => Some(value),
        Err(trouble) => {
            troubles.push(trouble);
            Some(Value::Text(text.to_owned()))
        }
    }
}

enum Found<'t> {
    /// What stands between `${env:` and `}`, and what follows.
    Ours(&'t str, &'t str),
    /// `${env:` without an end.
    Open,
    /// Another macro, or none; what stands before a colon, if that is a word.
    Other(&'t str),
}

/// Reads a macro at the beginning of the text.
fn parse(text: &str) -> Found<'_> {
    let Some(inner) = text.strip_prefix("${") else { return Found::Other("") };
    if let Some(content) = inner.strip_prefix("env:") {
        return match content.split_once('}') {
            Some((content, after)) => Found::Ours(content, after),
            None => Found::Open,
        };
    }
    let end = inner.find(|it: char| !it.is_alphanumeric()).unwrap_or(inner.len());
    Found::Other(if inner[end..].starts_with(':') { &inner[..end] } else { "" })
}

fn resolve(content: &str, values: &Values) -> Result<Value, Trouble> {
    let (name, default) = match content.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (content, None),
    };
    if name.is_empty() {
        return Err(Trouble::malformed("${env:} has no name"));
    }
    if content.contains("${") {
        return Err(Trouble::malformed("a macro stands inside another one"));
    }
    match (values.get(name), default) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(typed(default)),
        (None, None) => Err(Trouble::unknown(name, values)),
    }
}

/// A default has the type that it would have if it stood there in YAML without quotes; a number
/// only where it is written as numbers are: `007` and `1_000` are texts.
fn typed(default: &str) -> Value {
    match default {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    match serde_json::from_str::<serde_json::Number>(default) {
        Ok(number) if number.to_string() == default => Value::Number(number),
        _ => Value::Text(default.to_owned()),
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => it.to_string(),
        // Environments hold nothing else.
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => String::new(),
    }
}

/// Words that people write who mean `env`: slips, and the macro of a similar product.
fn is_lookalike(prefix: &str) -> bool {
    prefix.eq_ignore_ascii_case("env") || ["evn", "enc", "lay", "environment"].contains(&prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value, troubles: &[&str]) {
        let mut values = Values::default();
        values.set("DIR", Value::Text("in/flights".into()));
        values.set("N", Value::Number(4.into()));
        values.set("ON", Value::Bool(true));
        let found = expand(text, &values);
        let causes: Vec<_> = found.troubles.iter().map(|it| it.cause.as_str()).collect();
        assert_eq!((found.value, causes.as_slice()), (expected, troubles), "{text}");
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn a_whole_text_keeps_the_values_type_and_a_part_becomes_text() {
        check("${env:N}", Value::Number(4.into()), &[]);
        check("${env:ON}", Value::Bool(true), &[]);
        check("${env:DIR}", text("in/flights"), &[]);
        check("a-${env:N}-${env:ON}/${env:DIR}", text("a-4-true/in/flights"), &[]);
    }

    #[test]
    fn a_default_is_used_where_nothing_is_defined_and_has_the_type_of_its_text() {
        check("${env:X:-4}", Value::Number(4.into()), &[]);
        check("${env:X:-007}", text("007"), &[]);
        check("${env:X:-false}", Value::Bool(false), &[]);
        check("${env:X:-}", text(""), &[]);
        check("${env:X:-a:-b}", text("a:-b"), &[]);
        check("${env:N:-9}", Value::Number(4.into()), &[]);
        check("x${env:X:-1.5}", text("x1.5"), &[]);
    }

    #[test]
    fn other_macros_and_escapes_stay_for_run_time() {
        for it in ["${date:%Y}-${item:stem}", "${roll}", "$${date:%Y}", "$ {env:N}", "${", "$5"] {
            check(it, text(it), &[]);
        }
        check("$${env:N}", text("${env:N}"), &[]);
        check("a$${env:N}/${env:N}", text("a${env:N}/4"), &[]);
    }

    #[test]
    fn what_cannot_be_resolved_stays_and_is_named() {
        let unknown = "no environment of the project defines \"DIRR\"";
        check("${env:DIRR}", text("${env:DIRR}"), &[unknown]);
        check("x/${env:DIRR}/y", text("x/${env:DIRR}/y"), &[unknown]);
        check("x${env:N", text("x${env:N"), &["${env: has no closing }"]);
        check("${env:}", text("${env:}"), &["${env:} has no name"]);
        let nested = "a macro stands inside another one";
        check("${env:X:-${env:N}}", text("${env:X:-${env:N}}"), &[nested]);
        let lookalike = "${Env:…} is no macro of environments and stays as it is";
        check("${Env:N}", text("${Env:N}"), &[lookalike]);
    }
}
