//! Substitution: from the merged syntax tree to values.
//!
//! The parser's resolver can lose a value when a substitution refers forward: to a key that stands
//! further down. So the keys are brought into the order of their dependencies first, which in HOCON
//! means nothing; see [`order`]. Where objects depend on each other in a circle a forward reference is
//! left. Then everything is resolved a second time in the reverse order, in which that reference leads
//! backward, and what differs is refused.

use std::collections::HashMap;

use ::hocon::parser::{AstField, AstNode, Pos};
use ::hocon::resolver::{InternalResolveOptions, build_tree, resolve_tree};
use ::hocon::value::ScalarType;
use ::hocon::{HoconValue, ResolveError};
use weir_domain::{Finding, did_you_mean};

use super::order;
use super::source::Sources;
use super::tree::Tree;
use crate::document::{Kind, Node, Value};
use crate::path::{self, Step};

pub(super) fn resolve(
    fields: Vec<AstField>,
    env: HashMap<String, String>,
    tree: &Tree,
    sources: &Sources,
) -> Result<Node, Finding> {
    let refused = |error: ResolveError| explain(&error, tree, sources);
    let options = InternalResolveOptions::new(env);
    let root = AstNode::Object { fields, pos: Pos { line: 0, col: 0 } };
    let built = build_tree(root, &options).map_err(refused)?;
    let (ordered, leads_forward) = order::sort(built);
    let reversed = leads_forward.then(|| order::reverse(ordered.clone()));
    let value = resolve_tree(ordered, &options).map_err(refused)?;
    if let Some(reversed) = reversed {
        let again = resolve_tree(reversed, &options).map_err(|it| unclear(&it, sources))?;
        if let Some(path) = difference(&value, &again) {
            return Err(ambiguous(&path, tree, sources));
        }
    }
    Ok(locate(&value, &mut Vec::new(), tree, sources))
}

/// The path of the first value that is not the same in both.
fn difference(a: &HoconValue, b: &HoconValue) -> Option<Vec<Step>> {
    if a == b {
        return None;
    }
    if let (HoconValue::Object(a), HoconValue::Object(b)) = (a, b) {
        for key in a.keys().chain(b.keys()) {
            let here = match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => difference(a, b),
                _ => Some(Vec::new()),
            };
            if let Some(below) = here {
                return Some([vec![Step::Key(key.clone())], below].concat());
            }
        }
    }
    Some(Vec::new())
}

fn ambiguous(path: &[Step], tree: &Tree, sources: &Sources) -> Finding {
    let place = match tree.locate(path).0 {
        Some(pos) => sources.place(pos.line, pos.col),
        None => sources.place(0, 0),
    };
    let cause =
        "its value depends on the order of the keys, since objects refer to each other here";
    let fix = "write the value out, or move what is referred to out of these objects";
    Finding::error(Kind::Hocon.code(6), place, path::format(path), cause).with_fix(fix)
}

fn unclear(error: &ResolveError, sources: &Sources) -> Finding {
    let place = sources.place(error.line, error.col);
    let cause =
        format!("${{{}}} can't be followed: it leads through other substitutions", error.path);
    let fix = "refer to the key where its value is written out";
    Finding::error(Kind::Hocon.code(6), place, "", cause).with_fix(fix)
}

fn explain(error: &ResolveError, tree: &Tree, sources: &Sources) -> Finding {
    let place = sources.place(error.line, error.col);
    let finding = |cause: String| Finding::error(Kind::Hocon.code(6), place.clone(), "", cause);
    let wanted = &error.path;
    if error.message.starts_with("could not resolve substitution") {
        let cause = format!(
            "${{{wanted}}} stands for nothing: there is no such key and no such variable in the \
             environment"
        );
        let paths = tree.paths();
        let fix = match did_you_mean(wanted, paths.iter().map(String::as_str)) {
            Some(nearest) => format!("did you mean ${{{nearest}}}?"),
            None => format!("define it, or write ${{?{wanted}}} if it may be absent"),
        };
        return finding(cause).with_fix(fix);
    }
    if error.message.starts_with("circular substitution") {
        let cause = format!("the value of ${{{wanted}}} depends on itself");
        return finding(cause).with_fix("write one of the values on this circle out");
    }
    if let Some((_, kinds)) = error.message.split_once("operands per HOCON S10; got ") {
        let cause =
            format!("values that can't be joined to one: {}", kinds.replace(" + ", " and "));
        return finding(cause).with_fix("put a comma or a line break between them");
    }
    finding(error.message.clone())
}

/// The value as a node, with the places of its definitions.
fn locate(value: &HoconValue, path: &mut Vec<Step>, tree: &Tree, sources: &Sources) -> Node {
    let mut below = |step: Step, value: &HoconValue| {
        path.push(step);
        let node = locate(value, path, tree, sources);
        path.pop();
        node
    };
    let value = match value {
        HoconValue::Object(fields) => {
            let entry = |(key, it): (&String, _)| (key.clone(), below(Step::Key(key.clone()), it));
            Value::Mapping(fields.iter().map(entry).collect())
        }
        HoconValue::Array(items) => {
            let item = |(index, it)| below(Step::Index(index), it);
            Value::Sequence(items.iter().enumerate().map(item).collect())
        }
        HoconValue::Scalar(scalar) => self::scalar(&scalar.raw, scalar.value_type),
        // Nothing is left unresolved: that was an error.
        _ => Value::Null,
    };
    let (key, at) = tree.locate(path);
    let place = |it: &Pos| sources.place(it.line, it.col);
    let at = at.map_or_else(|| sources.place(0, 0), place);
    let is_key = matches!(path.last(), Some(Step::Key(_)));
    Node { value, place: at, key_place: key.filter(|_| is_key).map(place) }
}

/// A number that would not read back as it was written (`1.10`, `007`) stays text: whoever asks for a
/// number gets it, and whoever asks for text gets what stands there.
fn scalar(raw: &str, kind: ScalarType) -> Value {
    match kind {
        ScalarType::Null => Value::Null,
        ScalarType::Boolean => Value::Bool(raw == "true"),
        ScalarType::Number => match raw.parse::<serde_json::Number>() {
            Ok(number) if number.to_string() == raw => Value::Number(number),
            _ => Value::Text(raw.to_owned()),
        },
        _ => Value::Text(raw.to_owned()),
    }
}
