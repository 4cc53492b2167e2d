//! A difference as it is shown: fields whose names say that they hold a secret are masked.

use serde_json::{Value, json};
use weir_controllers::audit::masked;
use weir_http_api::{
    DiffQuery, DiffView, EditKind, EditView, ItemChange, ItemChangeKind, LineView, MovedView,
};
use weir_package::{Change, Diff, Edit, Item, Line, Moved};

pub(super) fn view(DiffQuery { from, to }: DiffQuery, diff: Diff) -> DiffView {
    let Diff { changes, base_dir } = diff;
    let base_dir = base_dir.map(|Moved { before, after }| MovedView { before, after });
    DiffView { from, to, changes: changes.into_iter().map(change).collect(), base_dir }
}

fn change(it: Change) -> ItemChange {
    let of = |change, item: Item, edits: Vec<Edit>| ItemChange {
        change,
        item: item.to_string(),
        edits: edits.into_iter().map(edit_view).collect(),
    };
    match it {
        Change::Added { item } => of(ItemChangeKind::Added, item, vec![]),
        Change::Removed { item } => of(ItemChangeKind::Removed, item, vec![]),
        Change::Changed { item, edits } => of(ItemChangeKind::Changed, item, edits),
    }
}

/// One field, or the lines of a text, as it is shown.
pub fn edit_view(it: Edit) -> EditView {
    let of = |edit, path: String| EditView { edit, path, before: None, after: None, lines: vec![] };
    match it {
        Edit::FieldAdded { path, after } => {
            EditView { after: Some(shown(&path, after)), ..of(EditKind::Added, path) }
        }
        Edit::FieldRemoved { path, before } => {
            EditView { before: Some(shown(&path, before)), ..of(EditKind::Removed, path) }
        }
        Edit::FieldChanged { path, before, after } => EditView {
            before: Some(shown(&path, before)),
            after: Some(shown(&path, after)),
            ..of(EditKind::Changed, path)
        },
        Edit::Reordered { path } => of(EditKind::Reordered, path),
        Edit::Lines { path, lines } => {
            let lines = lines.into_iter().map(|it| line(&path, it)).collect();
            EditView { lines, ..of(EditKind::Lines, path) }
        }
        Edit::Hidden => of(EditKind::Hidden, String::new()),
    }
}

fn line(path: &str, it: Line) -> LineView {
    let (added, number, text) = match it {
        Line::Added { number, text } => (true, number, text),
        Line::Removed { number, text } => (false, number, text),
    };
    let text = match shown(path, Value::String(text)) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    LineView { added, number, text }
}

/// The value, masked as the audit would: wholly where a key of its path says that it is a secret.
fn shown(path: &str, value: Value) -> Value {
    match value {
        value if is_secret(path) => under("secret", &value),
        // The audit writes fractions as texts.
        value if value.is_f64() => value,
        value => masked(value),
    }
}

fn is_secret(path: &str) -> bool {
    let keys = path.split(['.', '[', ']']).filter(|it| !it.is_empty());
    keys.into_iter().any(|key| under(key, &Value::from("x")) != "x")
}

fn under(key: &str, value: &Value) -> Value {
    masked(json!({ key: value })).get_mut(key).map(Value::take).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_a_secret_is_not_shown() {
        for path in ["spec.password", "password", "stages[0].config.password", "spec.password[1]"] {
            let edit = edit_view(Edit::FieldChanged {
                path: path.into(),
                before: json!("hunter1"),
                after: json!({ "nested": "hunter2" }),
            });
            let text = serde_json::to_string(&edit).unwrap();
            assert!(!text.contains("hunter"), "{text}");
            let line = line(path, Line::Added { number: 1, text: "hunter3".into() });
            assert!(!line.text.contains("hunter"), "{line:?}");
        }
    }

    #[test]
    fn other_values_stay_as_they_are() {
        for value in [json!("in"), json!(0.5), json!([1, 2]), json!({ "a": true }), json!(null)] {
            assert_eq!(shown("spec.directory", value.clone()), value);
        }
    }
}
