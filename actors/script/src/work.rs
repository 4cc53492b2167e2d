//! What a script works on: the batch, the record whose turn it is, and what was made of it so far.
//!
//! It is reached from JavaScript (rows, `emit`) and from the operator around it, and locked for short
//! moments only: never while something of the script's may run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef};
use weir_stream::Batch;

use crate::cell::Cell;
use crate::outbox::Outbox;
use crate::shape::Shape;

/// Shared by an engine and the objects that its script sees.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Work>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shape(&self) -> Arc<Shape> {
        Arc::clone(&self.lock().shape)
    }
}

#[derive(Default)]
pub(crate) struct Work {
    pub(crate) shape: Arc<Shape>,
    pub(crate) boxes: Vec<Outbox>,
    pub(crate) batch: Option<Batch>,
    /// Whether records may be emitted now.
    pub(crate) is_open: bool,
    /// The most that the values in the boxes may take.
    pub(crate) bytes_max: usize,
    /// Whether that was not enough.
    pub(crate) is_over: bool,
    row: usize,
    /// The turn of the record: a row object of an earlier one is of no use any more.
    turn: u64,
    position: u64,
    changes: Vec<(usize, Cell)>,
    emitted: bool,
    /// How full the boxes were when the turn began.
    marks: Vec<usize>,
}

/// What a field of a row is.
pub(crate) enum Read {
    /// The turn of the row's record is over.
    Over,
    Given(ArrayRef, usize),
    Set(Cell),
    /// A field that only ports have, and nobody set yet.
    Unset,
}

/// Why a record can't leave by a port.
pub(crate) enum Refused {
    /// This is not the time.
    Closed,
    /// It takes more memory than allowed.
    Memory,
    Reason(String),
}

impl Work {
    /// Begins to work with a schema.
    pub(crate) fn bind(&mut self, shape: Arc<Shape>) {
        self.boxes = shape.ports.iter().map(Outbox::for_port).collect();
        self.marks = vec![0; self.boxes.len()];
        (self.shape, self.batch, self.is_open) = (shape, None, false);
    }

    /// The turn of a record of the batch begins. Returns its number.
    pub(crate) fn begin(&mut self, row: usize) -> u64 {
        self.turn += 1;
        self.row = row;
        self.position = self.batch.as_ref().map_or(0, |it| it.positions.at(row));
        self.emitted = false;
        self.changes.clear();
        for (mark, outbox) in self.marks.iter_mut().zip(&self.boxes) {
            *mark = outbox.len();
        }
        self.turn
    }

    /// The turn of the end of the stream begins: what is emitted counts as from the last record.
    pub(crate) fn begin_end(&mut self, position: u64) {
        self.batch = None;
        self.begin(0);
        (self.position, self.is_open) = (position, true);
    }

    /// The turn ends well. Returns whether anything was emitted.
    pub(crate) fn end(&mut self) -> bool {
        self.turn += 1;
        self.emitted
    }

    /// The turn ends badly: what it emitted was never emitted.
    pub(crate) fn undo(&mut self) {
        self.turn += 1;
        for (mark, outbox) in self.marks.iter().zip(&mut self.boxes) {
            outbox.truncate(*mark);
        }
    }

    pub(crate) fn read(&self, turn: u64, field: usize) -> Read {
        let Some(batch) = self.batch.as_ref().filter(|_| turn == self.turn) else {
            return Read::Over;
        };
        if let Some((_, cell)) = self.changes.iter().find(|it| it.0 == field) {
            return Read::Set(cell.clone());
        }
        if field < self.shape.inputs {
            return Read::Given(Arc::clone(batch.records.column(field)), self.row);
        }
        Read::Unset
    }

    /// Sets a field. `false`: the turn of the row's record is over.
    pub(crate) fn set(&mut self, turn: u64, field: usize, cell: Cell) -> bool {
        if turn != self.turn {
            return false;
        }
        match self.changes.iter_mut().find(|it| it.0 == field) {
            Some((_, old)) => *old = cell,
            None => self.changes.push((field, cell)),
        }
        true
    }

    pub(crate) fn is_current(&self, turn: u64) -> bool {
        turn == self.turn
    }

    /// The row itself leaves, as it is now.
    pub(crate) fn emit_row(&mut self, port: usize) -> Result<(), Refused> {
        let shape = Arc::clone(&self.shape);
        let columns = &shape.ports[port].columns;
        let fields = shape.ports[port].schema.fields();
        for (field, &at) in fields.iter().zip(columns).filter(|it| !it.0.is_nullable()) {
            if self.is_null(at) {
                return Err(Refused::Reason(missing(field.name(), port, &shape)));
            }
        }
        self.push(port)?;
        for (column, &field) in columns.iter().enumerate() {
            let set = self.changes.iter().find(|it| it.0 == field);
            match set {
                Some((_, cell)) => self.boxes[port].put(column, cell.clone()),
                None if field >= shape.inputs => self.boxes[port].put(column, Cell::Null),
                None => {}
            }
        }
        Ok(())
    }

    /// A record that the script made leaves, with a value for each column of the port.
    pub(crate) fn emit_made(&mut self, port: usize, cells: Vec<Cell>) -> Result<(), Refused> {
        let shape = Arc::clone(&self.shape);
        let fields = shape.ports[port].schema.fields();
        let gap = fields.iter().zip(&cells).find(|it| !it.0.is_nullable() && it.1.is_null());
        if let Some((field, _)) = gap {
            return Err(Refused::Reason(missing(field.name(), port, &shape)));
        }
        self.push(port)?;
        for (column, cell) in cells.into_iter().enumerate() {
            self.boxes[port].put(column, cell);
        }
        Ok(())
    }

    fn push(&mut self, port: usize) -> Result<(), Refused> {
        if !self.is_open {
            return Err(Refused::Closed);
        }
        if self.boxes.iter().map(Outbox::bytes).sum::<usize>() > self.bytes_max {
            self.is_over = true;
            return Err(Refused::Memory);
        }
        self.boxes[port].push(u32::try_from(self.row).unwrap_or(u32::MAX), self.position);
        self.emitted = true;
        Ok(())
    }

    fn is_null(&self, field: usize) -> bool {
        let set = self.changes.iter().find(|it| it.0 == field);
        let given = || {
            let batch = self.batch.as_ref().filter(|_| field < self.shape.inputs);
            batch.is_none_or(|it| it.records.column(field).is_null(self.row))
        };
        set.map_or_else(given, |it| it.1.is_null())
    }
}

fn missing(field: &str, port: usize, shape: &Shape) -> String {
    format!("the field {field} must not be null at port {}", shape.ports[port].name)
}
