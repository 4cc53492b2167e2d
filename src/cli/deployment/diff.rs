//! A difference of two deployments, line by line: `+` added, `-` removed, `~` changed.

use serde_json::Value;
use weir_http_api::{DiffView, EditKind, EditView, ItemChangeKind, LineView, MovedView};

use crate::cli::human::plain;
use crate::cli::look::{Look, Tone};

pub(super) fn shown(it: &DiffView, look: &Look) -> String {
    let mut text = String::new();
    if it.changes.is_empty() {
        text += &format!("{} and {} have the same content\n", it.from, it.to);
    }
    for change in &it.changes {
        let (sign, tone) = match change.change {
            ItemChangeKind::Added => ('+', Tone::Good),
            ItemChangeKind::Removed => ('-', Tone::Bad),
            ItemChangeKind::Changed => ('~', Tone::Busy),
        };
        let head = format!("{sign} {}", plain(&change.item));
        text += &format!("{}\n", look.paint(tone, &head));
        text.extend(change.edits.iter().map(|it| edit(it, look)));
    }
    if let Some(MovedView { before, after }) = &it.base_dir {
        let (before, after) = (plain(before), plain(after));
        text += &format!("relative paths begin in {before} and in {after}\n");
    }
    text
}

fn edit(it: &EditView, look: &Look) -> String {
    let line = |tone, text: String| format!("    {}\n", look.paint(tone, &plain(&text)));
    let (before, after) = (value(it.before.as_ref()), value(it.after.as_ref()));
    match it.edit {
        EditKind::Added => line(Tone::Good, format!("+ {}: {after}", it.path)),
        EditKind::Removed => line(Tone::Bad, format!("- {}: {before}", it.path)),
        EditKind::Changed => line(Tone::Busy, format!("~ {}: {before} → {after}", it.path)),
        EditKind::Reordered => line(Tone::Busy, format!("~ {}: in another order", it.path)),
        EditKind::Hidden => line(Tone::Busy, "~ its value, which is a secret".to_owned()),
        EditKind::Lines => {
            let path = if it.path.is_empty() { "its text" } else { &it.path };
            let head = line(Tone::Busy, format!("~ {path}:"));
            let lines = it.lines.iter().map(|it| text_line(it, look));
            [head].into_iter().chain(lines).collect()
        }
    }
}

fn text_line(it: &LineView, look: &Look) -> String {
    let (sign, tone) = if it.added { ('+', Tone::Good) } else { ('-', Tone::Bad) };
    let text = format!("{sign} {:>4}  {}", it.number, plain(&it.text));
    format!("      {}\n", look.paint(tone, text.trim_end()))
}

fn value(value: Option<&Value>) -> String {
    value.unwrap_or(&Value::Null).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_http_api::ItemChange;

    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn a_difference_is_told_field_by_field() {
        let edit = |edit, path: &str, before, after| EditView {
            edit,
            path: path.into(),
            before,
            after,
            lines: vec![],
        };
        let line = |added, number, text: &str| LineView { added, number, text: text.into() };
        let lines = EditView {
            lines: vec![line(false, 7, "price = 1"), line(true, 7, "price = 2"), line(true, 8, "")],
            ..edit(EditKind::Lines, "", None, None)
        };
        let item = |change, item: &str, edits| ItemChange { change, item: item.into(), edits };
        let diff = DiffView {
            from: "a".parse().expect("a tag"),
            to: "b".parse().expect("a tag"),
            changes: vec![
                item(
                    ItemChangeKind::Changed,
                    "asset Source files",
                    vec![
                        edit(
                            EditKind::Changed,
                            "spec.directory",
                            Some(json!("in")),
                            Some(json!("b")),
                        ),
                        edit(EditKind::Added, "spec.interval", None, Some(json!(5))),
                        edit(EditKind::Removed, "spec.glob", Some(json!(["*"])), None),
                        edit(EditKind::Reordered, "spec.set", None, None),
                    ],
                ),
                item(ItemChangeKind::Changed, "script price.js", vec![lines]),
                item(
                    ItemChangeKind::Changed,
                    "secret password",
                    vec![edit(EditKind::Hidden, "", None, None)],
                ),
                item(ItemChangeKind::Added, "workflow new", vec![]),
                item(ItemChangeKind::Removed, "workflow old", vec![]),
            ],
            base_dir: Some(MovedView { before: "/a".into(), after: "/b".into() }),
        };
        assert_eq!(
            shown(&diff, &LOOK),
            "\
~ asset Source files
    ~ spec.directory: \"in\" → \"b\"
    + spec.interval: 5
    - spec.glob: [\"*\"]
    ~ spec.set: in another order
~ script price.js
    ~ its text:
      -    7  price = 1
      +    7  price = 2
      +    8
~ secret password
    ~ its value, which is a secret
+ workflow new
- workflow old
relative paths begin in /a and in /b
"
        );
        let moved = DiffView { changes: vec![], ..diff };
        assert_eq!(
            shown(&moved, &LOOK),
            "a and b have the same content\nrelative paths begin in /a and in /b\n"
        );
        let same = DiffView { base_dir: None, ..moved };
        assert_eq!(shown(&same, &LOOK), "a and b have the same content\n");
    }
}
