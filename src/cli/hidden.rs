//! What must not be seen: passwords, passphrases, values. Never an argument, which other users of the
//! machine see: from a file, from a person whose typing is not shown, or from standard input.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use weir_http_api::Concealed;

use super::exit::Reason;
use super::failure::Failure;
use super::files;

/// More than any password; a value may be a file.
const LENGTH_MAX: u64 = 16 << 20;

/// The first line of the file, of what a person types, or the next line of standard input.
pub(crate) fn line(what: &str, file: Option<&Path>) -> Result<Concealed, Failure> {
    let text = match file {
        Some(file) => files::text(&format!("the {what}"), file)?,
        None if io::stdin().is_terminal() => typed(what).map_err(|it| unread(what, &it))?,
        None => next_line().map_err(|it| unread(what, &it))?,
    };
    let text = Concealed::new(text);
    let line = text.expose().lines().next().unwrap_or_default();
    match line.is_empty() {
        true => Err(Failure::new(Reason::Usage, format!("there is no {what}"), "it is empty")
            .with_hint(format!("type it, or write it to standard input: one {what} on a line"))),
        false => Ok(Concealed::new(line)),
    }
}

/// As `line`, asked for twice where a person types it.
pub(crate) fn new_line(what: &str, file: Option<&Path>) -> Result<Concealed, Failure> {
    let first = line(what, file)?;
    if file.is_none() && io::stdin().is_terminal() && line(&format!("{what} again"), None)? != first
    {
        let what = format!("this is not the same {what}");
        return Err(Failure::new(Reason::Usage, what, "the two differ").with_hint("type it again"));
    }
    Ok(first)
}

/// All of standard input, or what a person types on a line.
pub(crate) fn whole(what: &str) -> Result<Concealed, Failure> {
    if io::stdin().is_terminal() {
        return line(what, None);
    }
    let mut text = String::new();
    let read = io::stdin().take(LENGTH_MAX + 1).read_to_string(&mut text);
    let length = read.map_err(|it| unread(what, &it))?;
    match length as u64 > LENGTH_MAX {
        true => {
            let failure = Failure::new(
                Reason::Usage,
                format!("the {what} is too long"),
                "16 MiB are the most",
            );
            Err(failure.with_hint("put it where the engines can read it, and name that place"))
        }
        false => Ok(Concealed::new(text)),
    }
}

fn unread(what: &str, error: &io::Error) -> Failure {
    files::unread(format!("the {what} from standard input"), error)
}

fn next_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// Asks on stderr, and does not show what is typed.
fn typed(what: &str) -> io::Result<String> {
    let stdin = io::stdin();
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    eprint!("{what}: ");
    io::stderr().flush()?;
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let line = next_line();
    tcsetattr(&stdin, OptionalActions::Now, &shown)?;
    eprintln!();
    line
}
