//! Reading a document into a typed value, or into everything that is wrong with it.
//!
//! The document is read again and again: each round reports one finding and mends the place where it
//! arose (an unknown key is taken out, a wrong or missing value becomes a hole), until the rest reads.
//! Invariants: every finding is about something its author wrote or left out, never about a mend; the
//! number of rounds is bounded; a document that reads at once is read once.
//!
//! Where serde buffers (`flatten`, `untagged`, internally tagged enums) an error is known only by the
//! value that is read as a whole. The place is then found by trial: it is the one whose mend makes the
//! error go away. If none does, the finding names the whole.

mod de;
mod draft;
mod error;
mod hole;
mod report;

use serde::de::DeserializeOwned;
use weir_domain::Finding;

use crate::document::{Document, Kind};
use crate::path;
use de::Reader;
use draft::Draft;
use error::Error;
use report::Report;

/// More findings than this help nobody.
const FINDINGS_MAX: usize = 100;
const ROUNDS_MAX: usize = 1_000;

/// Reads the whole document. The findings are in the order of the text.
pub fn read<T: DeserializeOwned>(document: &Document) -> Result<T, Vec<Finding>> {
    read_at(document, "")
}

/// Reads the part of the document at `path`, such as `spec`; paths in findings are the document's.
/// If nothing is there, that is the finding.
pub fn read_at<T: DeserializeOwned>(document: &Document, path: &str) -> Result<T, Vec<Finding>> {
    let Some(node) = document.node(path) else {
        let finding = report::missing(document.kind, document.key_place(path), path);
        return Err(vec![finding]);
    };
    let mut draft = Draft::of(node);
    let mut error = match attempt(&draft, document.kind) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let probe = |draft: &Draft<'_>| attempt::<T>(draft, document.kind).err();
    let mut report = Report::new(document.kind, path::parse(path), &probe);
    for _ in 0..ROUNDS_MAX {
        report.mend(&mut draft, &error);
        if report.findings.len() >= FINDINGS_MAX || draft.is_hole() {
            break;
        }
        match probe(&draft) {
            None => break,
            Some(next) => error = next,
        }
    }
    Err(report.sorted())
}

fn attempt<T: DeserializeOwned>(draft: &Draft<'_>, kind: Kind) -> Result<T, Error> {
    T::deserialize(Reader { draft, kind })
}

#[cfg(test)]
mod tests;
