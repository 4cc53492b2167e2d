//! Fields of two JSON values.
//!
//! Elements of lists are known by their `id` or `name` where each has one of its own; others are
//! aligned, so that an element that was put in does not change all behind it.

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Edit, lines};

/// Keys that tell the elements of a list apart.
const KEYS: [&str; 2] = ["id", "name"];

pub(super) fn between(before: &Value, after: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    value("", before, after, &mut edits);
    edits
}

fn value(path: &str, before: &Value, after: &Value, edits: &mut Vec<Edit>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => object(path, before, after, edits),
        (Value::Array(before), Value::Array(after)) => array(path, before, after, edits),
        (Value::String(before), Value::String(after))
            if before != after && (before.contains('\n') || after.contains('\n')) =>
        {
            let lines = lines::between(before, after);
            edits.push(Edit::Lines { path: path.to_owned(), lines });
        }
        _ if before == after => {}
        _ => edits.push(Edit::FieldChanged {
            path: path.to_owned(),
            before: before.clone(),
            after: after.clone(),
        }),
    }
}

fn object(
    path: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    edits: &mut Vec<Edit>,
) {
    for (key, old) in before {
        let path = join(path, key);
        match after.get(key) {
            Some(new) => value(&path, old, new, edits),
            None => edits.push(Edit::FieldRemoved { path, before: old.clone() }),
        }
    }
    for (key, new) in after.iter().filter(|it| !before.contains_key(it.0)) {
        edits.push(Edit::FieldAdded { path: join(path, key), after: new.clone() });
    }
    let kept = before.keys().filter(|it| after.contains_key(*it));
    if kept.ne(after.keys().filter(|it| before.contains_key(*it))) {
        edits.push(Edit::Reordered { path: path.to_owned() });
    }
}

fn array(path: &str, before: &[Value], after: &[Value], edits: &mut Vec<Edit>) {
    let key = KEYS.into_iter().find(|key| identities(before, key) && identities(after, key));
    let Some(key) = key.filter(|_| !before.is_empty() && !after.is_empty()) else {
        return aligned(path, before, after, edits);
    };
    let find = |list: &[Value], it: &Value| list.iter().position(|other| other[key] == it[key]);
    let name = |it: &Value| format!("{path}[{}]", it[key].as_str().unwrap_or_default());
    for old in before {
        match find(after, old) {
            Some(at) => value(&name(old), old, &after[at], edits),
            None => edits.push(Edit::FieldRemoved { path: name(old), before: old.clone() }),
        }
    }
    for new in after.iter().filter(|it| find(before, it).is_none()) {
        edits.push(Edit::FieldAdded { path: name(new), after: new.clone() });
    }
    let kept = before.iter().filter_map(|it| find(after, it));
    if !kept.is_sorted() {
        edits.push(Edit::Reordered { path: path.to_owned() });
    }
}

/// Whether each element has a text of its own under the key.
fn identities(list: &[Value], key: &str) -> bool {
    let mut names: Vec<_> = list.iter().filter_map(|it| it.get(key)?.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.len() == list.len()
}

fn aligned(path: &str, before: &[Value], after: &[Value], edits: &mut Vec<Edit>) {
    // Values have no order, and their text tells objects apart whose keys have another order.
    let texts = |it: &[Value]| it.iter().map(Value::to_string).collect::<Vec<_>>();
    let name = |at: usize| format!("{path}[{at}]");
    for op in capture_diff_slices(Algorithm::Myers, &texts(before), &texts(after)) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (old, new) = (op.old_range(), op.new_range());
        let both = old.len().min(new.len());
        for (old, new) in old.clone().zip(new.clone()) {
            value(&name(new), &before[old], &after[new], edits);
        }
        for old in old.skip(both) {
            edits.push(Edit::FieldRemoved { path: name(old), before: before[old].clone() });
        }
        for new in new.skip(both) {
            edits.push(Edit::FieldAdded { path: name(new), after: after[new].clone() });
        }
    }
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(before: &Value, after: &Value, expected: &[&str]) {
        let shown = between(before, after).into_iter().map(|it| match it {
            Edit::FieldAdded { path, after } => format!("+{path}={after}"),
            Edit::FieldRemoved { path, before } => format!("-{path}={before}"),
            Edit::FieldChanged { path, before, after } => format!("{path}={before}>{after}"),
            Edit::Reordered { path } => format!("~{path}"),
            Edit::Lines { path, lines } => format!("{path}:{} lines", lines.len()),
            Edit::Hidden => "hidden".into(),
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn fields_are_told_by_their_path() {
        check(
            &json!({"a": {"b": 1, "c": 2}}),
            &json!({"a": {"b": 3, "d": 4}}),
            &["a.b=1>3", "-a.c=2", "+a.d=4"],
        );
        check(&json!({"a": "x\ny"}), &json!({"a": "x\nz"}), &["a:2 lines"]);
        check(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1}), &["~"]);
        check(&json!(1), &json!(1), &[]);
    }

    #[test]
    fn elements_of_lists_are_known_by_id_or_name_or_place() {
        let stages = |ids: &[&str]| ids.iter().map(|it| json!({"id": it})).collect::<Value>();
        check(&stages(&["a", "b"]), &stages(&["x", "a", "b"]), &[r#"+[x]={"id":"x"}"#]);
        check(&stages(&["a", "b"]), &stages(&["b", "a"]), &["~"]);
        check(&json!([{"id": "a", "n": 1}]), &json!([{"id": "a", "n": 2}]), &["[a].n=1>2"]);
        check(&json!([1, 2, 3]), &json!([0, 1, 2, 3]), &["+[0]=0"]);
        check(&json!([1, 2, 3]), &json!([1, 3]), &["-[1]=2"]);
        check(&json!([{"id": "a"}, {"id": "a"}]), &json!([{"id": "a"}]), &[r#"-[1]={"id":"a"}"#]);
    }
}
