//! Showing something again and again: in place on a terminal, once per change elsewhere.

use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::failure::Failure;
use super::look::Look;
use super::output::{Format, Output, unwritable};

/// How often the server is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Shows a value once, or until Ctrl-C when `watch` is set.
pub(crate) async fn watched<T: Serialize>(
    watch: bool,
    out: &Output,
    ask: impl AsyncFn() -> Result<T, Failure>,
    table: impl Fn(&T, &Look) -> String,
) -> Result<(), Failure> {
    if !watch {
        return out.show(&ask().await?, table);
    }
    let in_place = out.terminal && matches!(out.format, Format::Table | Format::Wide);
    let mut shown = String::new();
    loop {
        let value = ask().await?;
        let text = if in_place { out.text(&value, &table)? } else { line(out, &value, &table)? };
        if in_place {
            out.print(&redraw(&shown, &text))?;
        } else if text != shown {
            out.print(&text)?;
        }
        shown = text;
        tokio::select! {
            () = sleep(EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

/// A value for a pipe: JSON on one line, YAML as a document of its own.
pub(crate) fn line<T: Serialize>(
    out: &Output,
    value: &T,
    table: impl FnOnce(&T, &Look) -> String,
) -> Result<String, Failure> {
    match out.format {
        Format::Json => {
            let text = serde_json::to_string(value);
            text.map(|it| it + "\n").map_err(|it| unwritable("JSON", &it))
        }
        Format::Yaml => Ok(format!("---\n{}", out.text(value, table)?)),
        Format::Table | Format::Wide => out.text(value, table),
    }
}

/// Moves up over what was shown before and writes over it.
fn redraw(shown: &str, text: &str) -> String {
    match shown.lines().count() {
        0 => text.to_owned(),
        lines => format!("\x1b[{lines}A\x1b[J{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_drawn_over_the_one_before() {
        assert_eq!(redraw("", "a\n"), "a\n");
        assert_eq!(redraw("a\nb\n", "c\n"), "\x1b[2A\x1b[Jc\n");
    }
}
