//! Paths inside a document, written as `spec.stages[2].filter`.
//!
//! A key with any other character than letters, digits, `-` and `_` is quoted: `labels."a.b"`.

/// One step from a node to one of its children.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Writes a path. The empty path is the empty text: it means the whole document.
pub(crate) fn format(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) => push_key(&mut text, key),
        }
    }
    text
}

/// `path` and, below it, `key`.
pub(crate) fn join(path: &str, key: &str) -> String {
    let mut text = path.to_owned();
    push_key(&mut text, key);
    text
}

fn push_key(text: &mut String, key: &str) {
    if !text.is_empty() {
        text.push('.');
    }
    let plain = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
    if !key.is_empty() && key.chars().all(plain) {
        text.push_str(key);
    } else {
        text.push_str(&format!("{key:?}"));
    }
}

/// Reads a path as [`format`] writes it. What can't be a path leads nowhere: it is one odd key.
pub(crate) fn parse(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (step, after) = next(rest);
        steps.push(step);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    steps
}

fn next(text: &str) -> (Step, &str) {
    if let Some(inner) = text.strip_prefix('[')
        && let Some((index, after)) = inner.split_once(']')
        && let Ok(index) = index.parse()
    {
        return (Step::Index(index), after);
    }
    if let Some(inner) = text.strip_prefix('"') {
        return quoted(inner);
    }
    let end = text.char_indices().skip(1).find(|(_, it)| matches!(it, '.' | '[')).map(|it| it.0);
    let (key, after) = text.split_at(end.unwrap_or(text.len()));
    (Step::Key(key.to_owned()), after)
}

fn quoted(text: &str) -> (Step, &str) {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, it)) = chars.next() {
        match it {
            '"' => return (Step::Key(key), &text[at + 1..]),
            '\\' => key.extend(chars.next().map(|it| it.1)),
            _ => key.push(it),
        }
    }
    (Step::Key(key), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back_as_it_was_written() {
        let all =
            ["spec.stages[2].filter", "[0][1]", "labels.\"a.b\".c", "a.\"\"", "\"\\\"x\"", ""];
        for text in all {
            assert_eq!(format(&parse(text)), text);
        }
    }

    #[test]
    fn nothing_that_is_asked_for_panics() {
        for text in ["[", "[x]", "a..b", ".", "\"", "a[99999999999999999999]", "ä[0]", "\"\\"] {
            parse(text);
        }
    }
}
