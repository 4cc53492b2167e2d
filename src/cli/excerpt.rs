//! A finding with the line that it is about, and a caret under the column.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use weir_domain::{Finding, Place};

use super::human;
use super::look::{Look, Status, Tone};

/// Nobody reads further into a line than this; the excerpt moves to where the finding is.
const WIDTH: usize = 120;
/// Larger files are no texts that a person wrote.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// `file:line:column: error[WEIR-02001] path: cause`, the excerpt if there is one, and the fix.
pub(crate) fn finding(finding: &Finding, line: Option<&str>, look: &Look) -> String {
    let word = if finding.is_error() { "error" } else { "warning" };
    let tone = Status::from(finding.severity).tone;
    let word = look.paint(tone, &format!("{word}[{}]", finding.code));
    let path = if finding.path.is_empty() { String::new() } else { format!(" {}", finding.path) };
    let head = format!("{}: {word}{path}: {}", finding.place, finding.cause);
    let mut text = format!("{}\n", printable(&head));
    if let Some(line) = line {
        text += &excerpt(&finding.place, line, look);
    }
    if !finding.fix.is_empty() {
        let label = look.paint(Tone::Good, "fix:");
        text += &format!("  {label} {}\n", human::plain(&finding.fix));
    }
    text
}

/// The head carries our own colours, so only line ends are taken out of what others wrote.
fn printable(head: &str) -> String {
    head.replace(['\n', '\r'], "·")
}

fn excerpt(place: &Place, line: &str, look: &Look) -> String {
    let column = (place.column.max(1) - 1) as usize;
    let start = if column + 20 > WIDTH { column - 40 } else { 0 };
    let shown: String = human::plain(line).chars().skip(start).take(WIDTH).collect();
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let caret = " ".repeat(column - start);
    let (number, bar) = (look.paint(Tone::Quiet, &number), look.paint(Tone::Quiet, "|"));
    let mark = if place.column == 0 { "" } else { "^" };
    let under = format!("  {gutter} {bar} {caret}{}", look.paint(Tone::Bad, mark));
    format!("  {number} {bar} {}\n{}\n", shown.trim_end(), under.trim_end())
}

/// The line that a finding is about, if it can be read.
pub(crate) fn line_at(dir: &Path, place: &Place) -> Option<String> {
    let at = place.line.checked_sub(1)? as usize;
    let file = File::open(dir.join(&place.file)).ok()?.take(FILE_BYTES_MAX);
    let line = BufReader::new(file).split(b'\n').nth(at)?.ok()?;
    Some(String::from_utf8_lossy(&line).replace('\t', " ").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    fn sample(column: u32) -> Finding {
        let place = Place::new("flights.yaml", 12, column);
        Finding::error(2_001, place, "spec.stages[2]", "unknown key \"fliter\"")
            .with_fix("did you mean \"filter\"?")
    }

    #[test]
    fn a_finding_points_at_its_column() {
        assert_eq!(
            finding(&sample(5), Some("    fliter: x > 5"), &LOOK),
            "\
flights.yaml:12:5: error[WEIR-02001] spec.stages[2]: unknown key \"fliter\"
  12 |     fliter: x > 5
     |     ^
  fix: did you mean \"filter\"?
"
        );
    }

    #[test]
    fn without_a_terminal_there_is_no_excerpt() {
        assert_eq!(
            finding(&sample(5), None, &LOOK),
            "flights.yaml:12:5: error[WEIR-02001] spec.stages[2]: unknown key \"fliter\"\n  \
             fix: did you mean \"filter\"?\n"
        );
    }

    #[test]
    fn a_far_column_of_a_long_line_is_brought_into_view() {
        let line = format!("{}HERE{}", "x".repeat(500), "y".repeat(500));
        let text = finding(&sample(501), Some(&line), &LOOK);
        let lines: Vec<_> = text.lines().collect();
        let caret = lines[2].find('^').expect("a caret");
        assert_eq!(&lines[1][caret..caret + 4], "HERE", "{text}");
        assert!(lines[1].len() < 140);
    }

    #[test]
    fn places_that_can_not_be_shown_break_nothing() {
        assert_eq!(line_at(Path::new("/nowhere"), &Place::new("x", 1, 1)), None);
        assert_eq!(line_at(Path::new("/"), &Place::file("x")), None);
        let text = finding(&sample(900), Some("short"), &LOOK);
        assert!(text.contains("12 |"), "{text}");
    }
}
