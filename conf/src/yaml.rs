//! YAML 1.2 as the core schema has it: `no`, `on` and `yes` are text, `010` is the number ten.
//!
//! Every construct that could mean something else than it seems is refused: a key that stands twice, a
//! second document, a merge key, a tag of one's own. Limits on size, depth and what aliases expand to
//! keep any input from costing more than it should.

mod build;
mod scalar;

use saphyr_parser::{Event, Parser, ScanError, Span};
use weir_domain::{Finding, Place};

use crate::document::{Document, Kind};
use build::Builder;

pub use scalar::plain;

/// Largest text, in bytes.
const BYTES_MAX: usize = 10 << 20;

/// Parses one document. Findings are in the order of the text; a syntax error is the last one.
pub fn parse(file: &str, text: &str) -> Result<Document, Vec<Finding>> {
    let kind = Kind::Yaml;
    if text.len() > BYTES_MAX {
        let cause = format!("the file has {} bytes, more than the {BYTES_MAX} allowed", text.len());
        let finding = Finding::error(kind.code(7), Place::file(file), "", cause);
        return Err(vec![finding.with_fix("keep data out of it, or split it")]);
    }
    let mut builder = Builder::new(file);
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => {
                let end = matches!(event, Event::StreamEnd);
                if !builder.accept(event, span) || end {
                    break;
                }
            }
            Err(error) => {
                builder.findings.push(syntax(file, text, &error));
                break;
            }
        }
    }
    let root = builder.finish()?;
    Ok(Document { kind, file: file.to_owned(), root })
}

fn place(file: &str, span: &Span) -> Place {
    let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    Place::new(file, number(span.start.line()), number(span.start.col() + 1))
}

fn syntax(file: &str, text: &str, error: &ScanError) -> Finding {
    let at = place(file, &Span::empty(*error.marker()));
    if error.info().contains("recursion limit") {
        let cause = "lists and mappings are nested too deeply";
        let finding = Finding::error(Kind::Yaml.code(7), at, "", cause);
        return finding.with_fix("write it with fewer levels");
    }
    let cause = format!("not YAML: {}", error.info());
    let is_odd = |it: char| it.is_control() && !matches!(it, '\n' | '\r' | '\t' | '\u{85}');
    let fix = if text.contains(is_odd) {
        "take the control characters out: YAML has none, or the file is no text"
    } else if error.info().contains("tab") {
        "use spaces, not tabs, to indent"
    } else {
        "check the indentation, quotes and brackets here and in the line above"
    };
    Finding::error(Kind::Yaml.code(4), at, "", cause).with_fix(fix)
}

#[cfg(test)]
mod tests;
