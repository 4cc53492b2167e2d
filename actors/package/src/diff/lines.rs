//! Lines of two texts.

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::Line;

/// The lines that were removed and added, in the order of the texts. An end without a line break
/// is a change of the last line.
pub(super) fn between(before: &str, after: &str) -> Vec<Line> {
    let old: Vec<_> = before.split_inclusive('\n').collect();
    let new: Vec<_> = after.split_inclusive('\n').collect();
    let mut lines = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if op.tag() == DiffTag::Equal {
            continue;
        }
        lines.extend(
            op.old_range().map(|at| Line::Removed { number: number(at), text: shown(old[at]) }),
        );
        lines.extend(
            op.new_range().map(|at| Line::Added { number: number(at), text: shown(new[at]) }),
        );
    }
    lines
}

fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}

fn shown(line: &str) -> String {
    line.strip_suffix('\n').unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_by_their_numbers_in_their_own_text() {
        let lines = between("a\nb\nc\n", "a\nx\nc\nd\n");
        let text = |it: &str| it.to_owned();
        let expected = [
            Line::Removed { number: 2, text: text("b") },
            Line::Added { number: 2, text: text("x") },
            Line::Added { number: 4, text: text("d") },
        ];
        assert_eq!(lines, expected);
        assert_eq!(between("a\n", "a\n"), []);
        assert_eq!(between("a", "a\n").len(), 2);
    }
}
