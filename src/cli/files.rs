//! Files that are named on the command line: what can't be read or written is refused alike, whatever
//! the command.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use weir_http_api::TestRunRequest;

use super::exit::Reason;
use super::failure::Failure;

/// The whole text of a file. `what` it is stands in the refusal: `the certificate`.
pub(crate) fn text(what: &str, file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|it| unread(format!("{what} in {}", file.display()), &it))
}

/// What stands for standard input.
pub(crate) const STDIN: &str = "-";

/// A whole sample, which must not be large: a file, or standard input.
pub(crate) fn sample(file: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One more tells that there is more.
    let max = TestRunRequest::SAMPLE_BYTES_MAX as u64 + 1;
    let done = match file {
        STDIN => io::stdin().lock().take(max).read_to_end(&mut bytes),
        file => File::open(file).and_then(|it| it.take(max).read_to_end(&mut bytes)),
    };
    done.map_err(|it| unread(format!("the sample {file}"), &it))?;
    if bytes.len() as u64 == max {
        let why = format!("it is larger than {} MiB", TestRunRequest::SAMPLE_BYTES_MAX >> 20);
        let failure = Failure::new(Reason::Unusable, format!("can't use the sample {file}"), why);
        return Err(failure.with_hint("give the first thousand lines or so, with `-` as the file"));
    }
    Ok(bytes)
}

/// The whole path of a project's directory.
pub(crate) fn project(dir: &Path) -> Result<PathBuf, Failure> {
    dir.canonicalize().map_err(|it| unread(format!("the project {}", dir.display()), &it))
}

/// `what` can't be read: a file, or standard input.
pub(crate) fn unread(what: impl Display, error: &io::Error) -> Failure {
    let (why, hint) = match error.kind() {
        ErrorKind::NotFound => (
            "there is no such file".to_owned(),
            "relative paths begin in the working directory: name a file that is there",
        ),
        ErrorKind::PermissionDenied => {
            ("this user may not read it".to_owned(), "let this user read it, or be a user who may")
        }
        ErrorKind::IsADirectory => ("it is a directory".to_owned(), "name a file"),
        ErrorKind::InvalidData => {
            ("it is no text in UTF-8".to_owned(), "name the right file, or save it as UTF-8")
        }
        _ => (words(error), "look at the cause, and try again"),
    };
    Failure::new(Reason::Unread(error.kind()), format!("can't read {what}"), why).with_hint(hint)
}

/// `what` can't be written: a file, or standard output.
pub(crate) fn unwritten(what: impl Display, error: &io::Error) -> Failure {
    let (why, hint) = match error.kind() {
        ErrorKind::AlreadyExists => {
            ("it is there already".to_owned(), "remove it, or name another one")
        }
        ErrorKind::NotFound => {
            ("there is no such directory".to_owned(), "make the directory, or name another one")
        }
        ErrorKind::PermissionDenied => (
            "this user may not write there".to_owned(),
            "let this user write there, or name another place",
        ),
        ErrorKind::StorageFull => {
            ("no space is left".to_owned(), "make space there, or name another place")
        }
        _ => (words(error), "look at the cause, and try again"),
    };
    Failure::new(Reason::Unwritten(error.kind()), format!("can't write {what}"), why)
        .with_hint(hint)
}

/// The operating system begins its messages with a capital and appends its number for them.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut rest = text.chars();
    rest.next().map_or(String::new(), |it| it.to_lowercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::samples::LOOK;

    #[test]
    fn a_file_that_is_not_there_is_refused_with_its_name_and_what_to_do() {
        let failure = text("the certificate", Path::new("no/such.pem")).expect_err("there is none");
        assert_eq!(failure.exit, Exit::NotFound);
        assert_eq!(
            failure.text(&LOOK),
            "error: can't read the certificate in no/such.pem\n\
             why:   there is no such file\n\
             hint:  relative paths begin in the working directory: name a file that is there\n\
             code:  WEIR-07312\n"
        );
        let directory = text("the draft", Path::new("/")).expect_err("a directory");
        assert_eq!(directory.exit, Exit::Invalid);
    }

    #[test]
    fn what_the_system_says_is_told_in_small_letters_and_without_its_number() {
        let failure = unwritten("f", &io::Error::from_raw_os_error(5));
        let shown = failure.text(&LOOK);
        assert!(shown.contains("why:   input/output error\n"), "{shown}");
        assert_eq!(failure.exit, Exit::Failed);
    }
}
