//! What a live source is to the pipeline.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use serde_json::Value;
use weir_domain::Fault;

use super::Share;
use crate::connector::not_rereadable;
use crate::peek::not_peeked;
use crate::{RawLetter, Read, RecordReader};

/// Where to read on, by split: a partition's offset, how many records were made. As JSON, so that
/// people can read it.
pub type Splits = BTreeMap<String, Value>;

/// Reads what comes without an end. One belongs to one lane of a workflow.
pub trait LiveSource: Send {
    /// What it reads from, in the words of people: a topic, an address.
    fn origin(&self) -> String;

    /// Whether what it reads from is there for this engine.
    fn check_access(&self) -> Result<(), Fault> {
        Ok(())
    }

    /// Reads records again that were none when they came: dead letters of this source.
    fn reread(&mut self, _letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        Err(not_rereadable(&self.origin()))
    }

    /// The file or directory of this machine that it reads, where it is one.
    fn path_here(&self) -> Option<PathBuf> {
        None
    }

    /// Begins to read about so many records for somebody who only looks, the newest where they can be told: what
    /// is read so is taken from nobody, and nothing is kept of it here or at the other side. Refused by sources that
    /// can't promise that.
    fn peek(&mut self, _records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        Err(not_peeked(&self.origin(), "what it reads once is gone"))
    }

    /// Begins to read the splits of this share, each behind its position; one that has none is new.
    /// Splits that appear later are found by the reader.
    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault>;
}

/// What a look at a live source found.
#[derive(Debug)]
pub enum LiveRead {
    Records(Read),
    /// Nothing came within the time.
    Nothing,
    /// It will never have anything more.
    End,
}

/// Reads the records of a lane's splits. Called from a thread that may block.
pub trait LiveReader: Send {
    /// The schema of every batch.
    fn schema(&self) -> SchemaRef;

    /// The next records, waiting for them no longer than this.
    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault>;

    /// Behind all that was read so far. Equal positions mean that nothing was read in between.
    fn splits(&self) -> Splits;

    /// A restart begins from here or later: the other side may forget what is before it. It may
    /// never be said, or be said again.
    fn acknowledge(&mut self, _splits: &Splits) -> Result<(), Fault> {
        Ok(())
    }
}
