//! A difference of two versions, as people read it.

use serde_json::Value;
use weir_http_api::{EditKind, EditView, FileDiffView, HunkLineKind, VersionDiff};

use super::versions::sign;
use crate::cli::human::plain;
use crate::cli::look::{Look, Tone};

/// By lines, or by fields where that can be told.
pub(super) fn text(diff: &VersionDiff, by_fields: bool, look: &Look) -> String {
    let mut text = String::new();
    for file in &diff.files {
        text.push_str(&head(file));
        match (&file.asset, by_fields) {
            (Some(asset), true) => {
                asset.edits.iter().for_each(|it| text.push_str(&field(it, look)));
            }
            _ => text.push_str(&lines(file, look)),
        }
    }
    if diff.left_out > 0 {
        text.push_str(&format!("{} more files differ, and are not listed\n", diff.left_out));
    }
    if diff.files.is_empty() {
        text.push_str("nothing differs\n");
    }
    text
}

fn head(file: &FileDiffView) -> String {
    let from = file.from.as_deref().map_or(String::new(), |it| format!(" from {}", plain(it)));
    let asset = file.asset.as_ref().map_or(String::new(), |it| {
        let [kind, name] = [&it.kind, &it.name].map(|it| plain(it.as_deref().unwrap_or("?")));
        let former = it.former_name.as_deref();
        let former = former.map_or(String::new(), |it| format!(", which was {}", plain(it)));
        format!("  ({kind} {name}{former})")
    });
    format!("{} {}{from}{asset}\n", sign(file.change), plain(&file.path))
}

fn lines(file: &FileDiffView, look: &Look) -> String {
    if !file.is_shown {
        return "  its text is not shown: it is none, or too long\n".to_owned();
    }
    let mut text = String::new();
    for hunk in &file.hunks {
        text.push_str(&format!("{}\n", look.paint(Tone::Quiet, &plain(hunk.header.trim_end()))));
        for line in &hunk.lines {
            // Tabs are a part of a text, and nothing else of what moves a cursor.
            let shown = line.text.replace('\t', "    ");
            let (sign, tone) = match line.kind {
                HunkLineKind::Same => (' ', None),
                HunkLineKind::Removed => ('-', Some(Tone::Bad)),
                HunkLineKind::Added => ('+', Some(Tone::Good)),
            };
            let shown = format!("{sign}{}", plain(&shown));
            text.push_str(&tone.map_or(shown.clone(), |it| look.paint(it, &shown)));
            text.push('\n');
        }
    }
    if file.is_cut {
        text.push_str("  there are more lines: ask for this file by itself\n");
    }
    text
}

fn field(it: &EditView, look: &Look) -> String {
    let path = if it.path.is_empty() { "(all)".to_owned() } else { plain(&it.path) };
    let shown = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "-".to_owned(), |it| plain(&it.to_string()))
    };
    let line = match it.edit {
        EditKind::Added => format!("{path}: {}", look.paint(Tone::Good, &shown(&it.after))),
        EditKind::Removed => {
            format!("{path}: {} is gone", look.paint(Tone::Bad, &shown(&it.before)))
        }
        EditKind::Changed => format!(
            "{path}: {} is {}",
            look.paint(Tone::Bad, &shown(&it.before)),
            look.paint(Tone::Good, &shown(&it.after))
        ),
        EditKind::Reordered => format!("{path}: in another order"),
        EditKind::Lines => format!("{path}: {} lines differ", it.lines.len()),
        EditKind::Hidden => format!("{path}: a secret differs"),
    };
    format!("  {line}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_http_api::{AssetDiffView, FileChangeKind, HunkLine, HunkView};

    use super::*;
    use crate::cli::samples::LOOK;

    fn diff() -> VersionDiff {
        let line =
            |kind, text: &str| HunkLine { kind, before: None, after: None, text: text.into() };
        let edit = EditView {
            edit: EditKind::Changed,
            path: "spec.stages[read].source".into(),
            before: Some(json!("files")),
            after: Some(json!("topic")),
            lines: vec![],
        };
        let file = FileDiffView {
            path: "flights.yaml".into(),
            change: FileChangeKind::Moved,
            from: Some("old.yaml".into()),
            asset: Some(AssetDiffView {
                kind: Some("Workflow".into()),
                name: Some("flights".into()),
                former_name: None,
                edits: vec![edit],
            }),
            is_shown: true,
            hunks: vec![HunkView {
                header: "@@ -1,2 +1,2 @@".into(),
                lines: vec![
                    line(HunkLineKind::Same, "kind: Workflow"),
                    line(HunkLineKind::Removed, "\tsource: files"),
                    line(HunkLineKind::Added, "source: \u{1b}[31mtopic"),
                ],
            }],
            is_cut: false,
        };
        VersionDiff { from: None, to: None, files: vec![file], left_out: 2 }
    }

    #[test]
    fn a_difference_is_told_by_lines_or_by_fields_and_moves_no_cursor() {
        let by_lines = text(&diff(), false, &LOOK);
        assert!(by_lines.starts_with(
            "> flights.yaml from old.yaml  (Workflow flights)\n@@ -1,2 +1,2 @@\n kind: Workflow\n-    source: files\n"
        ), "{by_lines}");
        assert!(
            !by_lines.contains('\u{1b}')
                && by_lines.ends_with("2 more files differ, and are not listed\n")
        );
        assert_eq!(
            text(&diff(), true, &LOOK),
            "> flights.yaml from old.yaml  (Workflow flights)\n  \
             spec.stages[read].source: \"files\" is \"topic\"\n\
             2 more files differ, and are not listed\n"
        );
    }
}
